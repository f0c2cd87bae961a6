//! Nothing of a card is ever logged: adapters go through every fault while all that they log is kept, and searched.

use crate::peer::{Peer, until};
use crate::request::{World, capture, original, request};
use crate::suite::send;
use crate::upstream::{Trouble, Upstream};
use gateway_acquirers::host::{Fault, FaultKind};
use gateway_acquirers::simulated::{Settings, Simulated};
use gateway_core::acquirer::{Acquirer, AcquirerRequest, Link, Verb};
use gateway_core::card::{CardInClear, Cvc, Pan};
use std::io::Write;
use std::sync::{Arc, Mutex};
use tracing_subscriber::fmt::MakeWriter;

const PAN: &str = "4929421234567897";
const CVC: &str = "9173";
const EXPIRY: &str = "3107";

/// Keeps every byte that is logged.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no panic holds it").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Kept {
    type Writer = Kept;

    fn make_writer(&'a self) -> Kept {
        self.clone()
    }
}

fn canary(number: u64, verb: Verb) -> AcquirerRequest {
    let card = CardInClear { pan: Pan::new(PAN), exp_month: 7, exp_year: 2031, cvc: Some(Cvc::new(CVC)) };
    AcquirerRequest { card: Some(card), timeout_ms: 100, ..request(number, verb) }
}

#[tokio::test]
async fn no_log_line_and_no_answer_holds_a_card() {
    let kept = Kept::default();
    let everything =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(kept.clone()).finish();
    let guard = tracing::subscriber::set_default(everything);
    let mut answers = Vec::new();

    let peer = Peer::listening().await;
    let acquirer = peer.acquirer();
    let kinds = [
        FaultKind::Reset,
        FaultKind::PartialAnswer,
        FaultKind::Silent,
        FaultKind::Late,
        FaultKind::Doubled,
        FaultKind::Anothers,
        FaultKind::Garbage,
        FaultKind::Respond,
    ];
    for (number, kind) in (1u64..).zip(kinds) {
        peer.host.faults().replace(vec![Fault { times: 1, delay_ms: 120, ..Fault::always(kind) }]);
        until("it is signed on", || acquirer.link() == Link::Up).await;
        answers.push(send(&*acquirer, canary(number, Verb::Authorize)).await);
        answers.push(send(&*acquirer, canary(100 + number, capture(original(number, None)))).await);
        answers.push(send(&*acquirer, canary(200 + number, Verb::Reverse(original(number, None)))).await);
        answers.push(send(&*acquirer, canary(300 + number, Verb::Increment(original(number, None)))).await);
    }

    let upstream = Upstream::listening().await;
    let acquirer = upstream.acquirer();
    for (number, trouble) in
        (1u64..).zip([Trouble::Reset, Trouble::Silent, Trouble::Garbage, Trouble::Broken])
    {
        upstream.trouble("confirm", trouble);
        answers.push(send(&acquirer, canary(number, Verb::Authorize)).await);
    }
    let simulated = Simulated::new("simulated", Settings::default(), &Arc::new(World::default()).ports());
    answers.push(send(&simulated, canary(1, Verb::Authorize)).await);

    drop(guard);
    let log = String::from_utf8(kept.0.lock().expect("no panic holds it").clone()).expect("logs are text");
    assert!(log.contains("bank-a"), "nothing was logged, so nothing was checked: {log}");
    let told = format!("{answers:?}");
    for secret in [PAN, CVC, EXPIRY, &PAN[..6]] {
        assert!(!log.contains(secret), "{secret} in the log: {log}");
        assert!(!told.contains(secret), "{secret} in an answer: {told}");
    }
}
