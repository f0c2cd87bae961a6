//! Requests that are due and wait for a connection: a queue of one thread, oldest first, bounded.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::{Poll, Waker};

/// The queue. `None` comes out once it is closed and empty.
pub struct Backlog<T> {
    inner: RefCell<Inner<T>>,
    most: usize,
}

struct Inner<T> {
    items: VecDeque<T>,
    idle: VecDeque<Waker>,
    closed: bool,
}

impl<T> Backlog<T> {
    /// An empty queue of at most `most` items.
    pub fn new(most: usize) -> Self {
        Self {
            inner: RefCell::new(Inner { items: VecDeque::new(), idle: VecDeque::new(), closed: false }),
            most,
        }
    }

    /// Adds an item, or gives it back if the queue is full.
    ///
    /// # Errors
    /// The item.
    pub fn push(&self, item: T) -> Result<(), T> {
        let mut inner = self.inner.borrow_mut();
        if inner.items.len() >= self.most {
            return Err(item);
        }
        inner.items.push_back(item);
        if let Some(waker) = inner.idle.pop_front() {
            waker.wake();
        }
        Ok(())
    }

    /// Lets nothing more in.
    pub fn close(&self) {
        let mut inner = self.inner.borrow_mut();
        inner.closed = true;
        inner.idle.drain(..).for_each(Waker::wake);
    }

    /// The oldest item, when there is one.
    pub async fn pop(&self) -> Option<T> {
        poll_fn(|context| {
            let mut inner = self.inner.borrow_mut();
            if let Some(item) = inner.items.pop_front() {
                return Poll::Ready(Some(item));
            }
            if inner.closed {
                return Poll::Ready(None);
            }
            inner.idle.push_back(context.waker().clone());
            Poll::Pending
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::rc::Rc;

    #[test]
    fn it_is_bounded_and_in_order_and_ends() {
        let queue = Backlog::new(2);
        assert!(queue.push(1).is_ok() && queue.push(2).is_ok());
        assert_eq!(queue.push(3), Err(3));
        queue.close();
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            assert_eq!(queue.pop().await, Some(1));
            assert_eq!(queue.pop().await, Some(2));
            assert_eq!(queue.pop().await, None);
        });
    }

    #[test]
    fn each_item_wakes_a_waiting_task() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let local = tokio::task::LocalSet::new();
        let queue = Rc::new(Backlog::new(10));
        let tasks: Vec<_> = (0..3)
            .map(|_| {
                let queue = Rc::clone(&queue);
                local.spawn_local(async move { queue.pop().await })
            })
            .collect();
        let mut got = local.block_on(&runtime, async {
            tokio::task::yield_now().await;
            for item in 1..=3 {
                queue.push(item).expect("room");
            }
            let mut got = Vec::new();
            for task in tasks {
                got.push(task.await.expect("no panic").expect("an item"));
            }
            got
        });
        got.sort_unstable();
        assert_eq!(got, [1, 2, 3]);
    }
}
