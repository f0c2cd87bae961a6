//! Outcomes that are not known: `processing`, never a guess; and what resolves them.

use super::process::ABLE;
use super::support::{Gateway, gateway_over, quick};
use gateway::routing::Target;
use gateway_core::acquirer::{
    Abilities, Able, Acquirer, AcquirerRequest, Answer, Approval, Link, Permit, Verb,
};
use gateway_core::ports::BoxFuture;
use gateway_core::tenant::Mode;
use gateway_store::Memory;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What the scripted acquirer does with the next message of a kind.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Script {
    Approve,
    /// Approves in its book, but the answer is lost.
    LoseAnswer,
    /// Never sees it.
    LoseMessage,
    NotSent,
    /// Takes a while, and then loses the answer.
    Dawdle,
    /// Panics with words that were formatted.
    Panic,
}

#[derive(Default)]
struct Seen {
    book: HashMap<u64, &'static str>,
    sent: Vec<String>,
}

struct Scripted {
    name: &'static str,
    authorize: Mutex<Script>,
    seen: Arc<Mutex<Seen>>,
    inquiry: Able,
}

impl Scripted {
    fn judge(&self, request: &AcquirerRequest) -> Answer {
        let approval = Approval {
            amount: request.amount,
            reference: format!("ref{}", request.trace.reference).into(),
            authorization_code: "123456".into(),
            network_transaction_id: None,
            cvc_check: None,
        };
        let mut seen = self.seen.lock().unwrap();
        seen.sent.push(format!("{:?}", request.verb).split(['(', ' ', '{']).next().unwrap().to_owned());
        match &request.verb {
            Verb::Inquire(original) => match seen.book.get(&original.trace.reference) {
                Some(&"approved") => Answer::Approved(Approval { amount: original.amount, ..approval }),
                Some(_) | None => Answer::NotFound,
            },
            Verb::Reverse(original) => {
                let undone = seen.book.insert(original.trace.reference, "reversed");
                undone.map_or(Answer::NotFound, |_| Answer::Approved(approval))
            }
            Verb::Authorize | Verb::Sale => {
                let script = *self.authorize.lock().unwrap();
                if matches!(script, Script::Approve | Script::LoseAnswer | Script::Dawdle) {
                    seen.book.insert(request.trace.reference, "approved");
                }
                match script {
                    Script::Approve => Answer::Approved(approval),
                    Script::LoseAnswer | Script::LoseMessage | Script::Dawdle => {
                        Answer::Unknown("no answer".to_owned())
                    }
                    Script::Panic => panic!("a canary of {}", request.trace.reference),
                    Script::NotSent => Answer::NotSent("refused".to_owned()),
                }
            }
            Verb::Increment(_) | Verb::Capture { .. } | Verb::Void(_) | Verb::Refund(_) | Verb::Verify => {
                Answer::Approved(approval)
            }
        }
    }
}

impl Acquirer for Scripted {
    fn name(&self) -> &str {
        self.name
    }

    fn abilities(&self) -> Abilities {
        Abilities { inquiry: self.inquiry, repeat_window_ms: 1_000, ..ABLE }
    }

    fn link(&self) -> Link {
        Link::Up
    }

    fn send<'a>(&'a self, permit: Permit, request: AcquirerRequest) -> BoxFuture<'a, Answer> {
        assert!(permit.covers(&request));
        Box::pin(async move {
            if *self.authorize.lock().unwrap() == Script::Dawdle && request.verb == Verb::Authorize {
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
            self.judge(&request)
        })
    }
}

async fn scripted(script: Script, inquiry: Able) -> (Gateway, Arc<Mutex<Seen>>) {
    scripted_two(&[("bank", script)], inquiry).await
}

async fn scripted_two(banks: &[(&'static str, Script)], inquiry: Able) -> (Gateway, Arc<Mutex<Seen>>) {
    let seen = Arc::new(Mutex::new(Seen::default()));
    let targets: Vec<Target> = banks
        .iter()
        .map(|(name, script)| {
            let authorize = Mutex::new(*script);
            let acquirer = Arc::new(Scripted { name, authorize, seen: Arc::clone(&seen), inquiry });
            Target { acquirer, modes: vec![Mode::Test, Mode::Live], timeout_ms: 100 }
        })
        .collect();
    let g = gateway_over(Arc::new(Memory::new()), Box::new(move |_ports| Ok(targets)), quick()).await;
    (g, seen)
}

const BODY: &str = "amount=1000&currency=usd&confirm=true&capture_method=manual&payment_method=pm_card_visa";

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_found_by_inquiry_and_its_key_replays_it() {
    let (g, seen) = scripted(Script::LoseAnswer, Able::Yes).await;
    let first = g.post_keyed("/v1/payment_intents", BODY, "k").await.ok();
    assert_eq!(first.text("/status"), "processing");
    let id = first.text("/id").to_owned();
    let again = g.post_keyed("/v1/payment_intents", BODY, "k").await.ok();
    assert_eq!(again.header("idempotent-replayed").is_some(), again.text("/status") != "processing");
    g.until(&format!("/v1/payment_intents/{id}"), "/status", "requires_capture").await;
    let last = g.post_keyed("/v1/payment_intents", BODY, "k").await.ok();
    assert_eq!((last.text("/id"), last.text("/status")), (id.as_str(), "requires_capture"));
    assert_eq!(last.header("idempotent-replayed"), Some("true"));
    let sent = seen.lock().unwrap().sent.clone();
    assert_eq!(sent.iter().filter(|verb| *verb == "Authorize").count(), 1, "{sent:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_inquiry_the_unknown_is_reversed() {
    let (g, seen) = scripted(Script::LoseAnswer, Able::No).await;
    let first = g.post_keyed("/v1/payment_intents", BODY, "k").await.ok();
    assert_eq!(first.text("/status"), "processing");
    let id = first.text("/id").to_owned();
    g.until(&format!("/v1/payment_intents/{id}"), "/status", "requires_payment_method").await;
    let last = g.post_keyed("/v1/payment_intents", BODY, "k").await.refused(402, "processing_error");
    assert_eq!(last.text("/error/payment_intent/id"), id);
    let seen = seen.lock().unwrap();
    assert!(seen.book.values().all(|state| *state == "reversed"), "no approval is left standing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_never_arrived_frees_the_payment() {
    let (g, _seen) = scripted(Script::LoseMessage, Able::Yes).await;
    let id = g.post("/v1/payment_intents", BODY).await.ok().text("/id").to_owned();
    let path = format!("/v1/payment_intents/{id}");
    g.post(&format!("{path}/capture"), "").await.refused(400, "payment_intent_unexpected_state");
    g.until(&path, "/status", "requires_payment_method").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_left_goes_to_the_next_acquirer() {
    let (g, seen) = scripted_two(&[("down", Script::NotSent), ("up", Script::Approve)], Able::Yes).await;
    let paid = g.post("/v1/payment_intents", BODY).await.ok();
    assert_eq!(paid.text("/status"), "requires_capture");
    assert_eq!(seen.lock().unwrap().book.len(), 1);
    let (g, seen) = scripted_two(&[("down", Script::NotSent), ("gone", Script::NotSent)], Able::Yes).await;
    let declined = g.post_keyed("/v1/payment_intents", BODY, "k").await.refused(402, "card_declined");
    assert_eq!(declined.text("/error/decline_code"), "try_again_later");
    assert_eq!(g.post_keyed("/v1/payment_intents", BODY, "k").await.bytes, declined.bytes);
    assert!(seen.lock().unwrap().book.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_unknown_never_goes_to_another_acquirer() {
    let (g, seen) = scripted_two(&[("silent", Script::LoseAnswer), ("up", Script::Approve)], Able::Yes).await;
    g.post("/v1/payment_intents", BODY).await.ok();
    let sent = seen.lock().unwrap().sent.clone();
    assert_eq!(sent.iter().filter(|verb| *verb == "Authorize").count(), 1, "{sent:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waited_for_a_provisional_answer_is_not_told_that_it_is_a_replay() {
    let (g, _seen) = scripted(Script::Dawdle, Able::Yes).await;
    let g = Arc::new(g);
    let tries: Vec<_> = (0..4)
        .map(|_| {
            let g = Arc::clone(&g);
            tokio::spawn(async move { g.post_keyed("/v1/payment_intents", BODY, "k").await.ok() })
        })
        .collect();
    let mut last = None;
    for one in tries {
        let answer = one.await.unwrap();
        let marks = answer.headers.iter().filter(|(name, _)| name == "idempotent-replayed").count();
        let is_final = answer.text("/status") != "processing";
        assert_eq!(marks > 0, is_final, "{}", answer.body);
        last = Some(answer);
    }
    let id = last.unwrap().text("/id").to_owned();
    g.until(&format!("/v1/payment_intents/{id}"), "/status", "requires_capture").await;
    let replay = g.post_keyed("/v1/payment_intents", BODY, "k").await.ok();
    assert_eq!(replay.headers.iter().filter(|(name, _)| name == "idempotent-replayed").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waited_for_a_refusal_is_told_no_replay_either() {
    let g = Arc::new(super::support::gateway().await);
    let tries: Vec<_> = (0..8)
        .map(|_| {
            let g = Arc::clone(&g);
            let path = "/v1/payment_intents/pi_0000000000000000000000/capture";
            tokio::spawn(async move { g.post_keyed(path, "", "k").await.refused(404, "resource_missing") })
        })
        .collect();
    for one in tries {
        assert_eq!(one.await.unwrap().header("idempotent-replayed"), None);
    }
}

/// Takes down what is logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_words_of_a_panic_reach_no_log() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
    let _logged_here = tracing::subscriber::set_default(subscriber);
    let (g, _seen) = scripted(Script::Panic, Able::Yes).await;
    let answer = g.post("/v1/payment_intents", BODY).await;
    assert_eq!((answer.status, answer.text("/error/type")), (500, "api_error"));
    let logged = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(
        logged.contains("a flow ended without an answer") && logged.contains("panicked=true"),
        "{logged}"
    );
    assert!(!logged.contains("canary"), "{logged}");
}
