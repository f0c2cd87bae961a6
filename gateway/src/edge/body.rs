//! A request's body, whole or not at all.

use super::budget::Holding;
use super::pulse::{Protocol, Pulse};
use super::settings::Settings;
use bytes::{Bytes, BytesMut};
use hyper::body::{Body, Incoming};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::time::{Sleep, sleep};

/// Why there is no body to act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Longer than the limit, by announcement or in fact.
    TooLarge,
    /// All bodies that are in memory take as much as they may.
    Crowded,
    /// Cut short, or not framed as it should be.
    Broken,
    /// Not there in time.
    Late,
}

/// Reads the body to its end.
pub(super) async fn collect(
    (body, holding): (Incoming, &mut Holding<'_>),
    pulse: &Pulse,
    settings: &Settings,
) -> Result<Bytes, Fault> {
    let announced = body.size_hint().lower();
    if announced > settings.limits.body_bytes as u64 {
        return Err(Fault::TooLarge);
    }
    let mut collector = Collector {
        body,
        first: Bytes::new(),
        rest: BytesMut::new(),
        // Checked above to fit the limit.
        announced: usize::try_from(announced).unwrap_or(0),
        limit: settings.limits.body_bytes,
        holding,
    };
    let mut patience = Patience::new(pulse, settings);
    pulse.begin_body();
    let result = std::future::poll_fn(|cx| match collector.poll(cx) {
        Poll::Ready(result) => Poll::Ready(result),
        Poll::Pending if patience.is_over(cx) => Poll::Ready(Err(Fault::Late)),
        Poll::Pending => Poll::Pending,
    })
    .await;
    pulse.end_body();
    result
}

/// Gathers frames. Most bodies are one frame, which is passed on as it came.
struct Collector<'a, 'b> {
    body: Incoming,
    first: Bytes,
    rest: BytesMut,
    announced: usize,
    limit: usize,
    holding: &'a mut Holding<'b>,
}

impl Collector<'_, '_> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, Fault>> {
        loop {
            let Poll::Ready(next) = Pin::new(&mut self.body).poll_frame(cx) else { return Poll::Pending };
            match next {
                None => return Poll::Ready(Ok(self.take())),
                Some(Err(_)) => return Poll::Ready(Err(Fault::Broken)),
                // Trailers mean nothing in this dialect.
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if self.len() + data.len() > self.limit => {
                        return Poll::Ready(Err(Fault::TooLarge));
                    }
                    Ok(data) if !self.holding.add(data.len()) => return Poll::Ready(Err(Fault::Crowded)),
                    Ok(data) => self.push(data),
                    Err(_) => {}
                },
            }
        }
    }

    fn len(&self) -> usize {
        self.first.len() + self.rest.len()
    }

    fn push(&mut self, data: Bytes) {
        if self.len() == 0 {
            self.first = data;
            return;
        }
        if self.rest.is_empty() {
            self.rest.reserve(self.announced.max(self.first.len() + data.len()));
            self.rest.extend_from_slice(&std::mem::take(&mut self.first));
        }
        self.rest.extend_from_slice(&data);
    }

    fn take(&mut self) -> Bytes {
        if self.rest.is_empty() { std::mem::take(&mut self.first) } else { self.rest.split().freeze() }
    }
}

/// In HTTP/1.1 the connection's watchdog keeps the time, for nothing; in HTTP/2 each request that has to wait gets a
/// timer.
enum Patience<'a> {
    Watched(&'a Pulse),
    Timed { timer: Option<Pin<Box<Sleep>>>, settings: &'a Settings },
}

impl<'a> Patience<'a> {
    fn new(pulse: &'a Pulse, settings: &'a Settings) -> Self {
        match pulse.protocol() {
            Protocol::Http1 => Self::Watched(pulse),
            Protocol::Http2 => Self::Timed { timer: None, settings },
        }
    }

    fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        match self {
            Self::Watched(pulse) => pulse.is_body_late(),
            Self::Timed { timer, settings } => timer
                .get_or_insert_with(|| Box::pin(sleep(settings.deadlines.body)))
                .as_mut()
                .poll(cx)
                .is_ready(),
        }
    }
}
