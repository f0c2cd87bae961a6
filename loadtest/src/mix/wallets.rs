//! Payments by wallets: what is asked, and the reads by which a shop learns what its customer did.

use crate::audit::record::{Body, Record, Writer};
use crate::failure::{Failure, Result};
use crate::load::Job;
use crate::wire::{Answer, Lane, Loss, Sources, Target};
use bytes::Bytes;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Reads of payments that still wait for their customers, from all threads of a load.
pub type Waiting = Arc<Mutex<Vec<Job>>>;

/// The longest wait for the answer to a read.
const READ: Duration = Duration::from_secs(10);
/// Between two rounds of reads.
const ROUND: Duration = Duration::from_millis(250);

/// The body of a payment by a wallet of this type.
pub fn body(wallet: &str, amount_minor: u64, order: &str) -> Bytes {
    format!(
        "amount={amount_minor}&currency=usd&confirm=true&payment_method_types[]={wallet}\
         &payment_method_data[type]={wallet}&payment_method_options[wechat_pay][client]=web\
         &return_url=https://shop.example/orders/{order}&description=Order+{order}&metadata[order_id]={order}"
    )
    .into()
}

/// Whether the customer may still decide; so it is as long as there is no answer that says otherwise.
pub fn waits(result: &std::result::Result<Answer, Loss>) -> bool {
    let Ok(answer) = result else { return true };
    let body = Body::of(&answer.body);
    answer.status != 200 || matches!(body.status.as_deref(), Some("requires_action" | "processing"))
}

/// Reads each payment until its customer has decided, or their time is over, and writes every answer into the history. Returns
/// how many there were.
///
/// # Errors
/// Some still wait after `patience`.
pub fn settle(target: &Target, (waiting, record): (&Waiting, &Record), patience: Duration) -> Result<usize> {
    let jobs = std::mem::take(&mut *waiting.lock().unwrap_or_else(PoisonError::into_inner));
    let count = jobs.len();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format!("no runtime: {error}")))?;
    let lane = Lane::new(Rc::new(target.clone()), Sources::new(1), 0);
    let reading = read_all(&lane, (jobs.into(), record.writer()), Instant::now() + patience);
    let left = tokio::task::LocalSet::new().block_on(&runtime, reading);
    if left > 0 {
        let seconds = patience.as_secs();
        return Err(Failure::failed(format!(
            "{left} payments still wait for their customers after {seconds} s"
        )));
    }
    Ok(count)
}

/// How many are left at the deadline.
async fn read_all(lane: &Lane, (mut left, mut history): (VecDeque<Job>, Writer), deadline: Instant) -> usize {
    while !left.is_empty() && Instant::now() < deadline {
        for job in std::mem::take(&mut left) {
            let result = lane.send(&job.request, READ).await;
            history.write(&job, &result);
            if waits(&result) {
                left.push_back(Job { attempt: job.attempt + 1, ..job });
            }
        }
        if !left.is_empty() {
            tokio::time::sleep(ROUND).await;
        }
    }
    lane.close();
    left.len()
}
