//! What is left when answers are lost, late or never come, and when processes end: found, resolved, undone, in bounded steps.

use super::process::{ABLE, Bank, House, approve_late, end, verb, yes};
use gateway_core::acquirer::{Abilities, Able, Answer, CustomerAction, PendingAnswer, Transmission};
use gateway_core::journal::{Batch, DueKind, Journal, Query, Row, Urgency, Versioned};
use gateway_core::time::Timestamp;
use gateway_core::{Currency, Money};
use std::time::Duration;

const HOLD: &str = "amount=1000&currency=usd&confirm=true&capture_method=manual&payment_method=pm_card_visa";
const MUTE: Abilities = Abilities { inquiry: Able::No, ..ABLE };

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

fn intent(id: &str) -> String {
    format!("/v1/payment_intents/{id}")
}

/// Answers everything but the first messages of a payment.
fn silent_to_new(request: &gateway_core::acquirer::AcquirerRequest) -> Option<Answer> {
    if matches!(verb(request), "authorize" | "sale") { None } else { yes(request) }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_after_an_acknowledged_reversal_is_reversed_again_also_by_a_later_process() {
    let (house, bank) = (House::new(), Bank::new("bank", MUTE, silent_to_new));
    let g = house.start(&[&bank]).await;
    let id = g.post("/v1/payment_intents", HOLD).await.ok().text("/id").to_owned();
    let failed = g.until(&intent(&id), "/status", "requires_payment_method").await;
    let asked = bank.got("authorize")[0].trace;
    end(g).await;
    let g = house.start(&[&bank]).await;
    approve_late(&g, "bank", asked, usd(1000));
    let undone = bank.wait_for("reverse", 2).await;
    assert!(undone.iter().all(|got| got.about == Some(asked.reference)), "{undone:?}");
    assert_eq!(
        undone[1].transmission,
        Transmission::First,
        "a reversal of its own, not a repeat of the other"
    );
    let now = g.until(&intent(&id), "/status", "requires_payment_method").await;
    assert_eq!(now.body, failed.body, "the merchant sees nothing of it");
    // Once more, in a process that has already forgotten.
    g.settle(&id).await;
    approve_late(&g, "bank", asked, usd(1000));
    bank.wait_for("reverse", 3).await;
    // From another acquirer: it is not its message.
    approve_late(&g, "other", asked, usd(1000));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(bank.got("reverse").len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_completes_a_payment_that_is_still_open_after_a_restart() {
    let wait = |r: &gateway_core::acquirer::AcquirerRequest| match verb(r) {
        "inquire" => None,
        _other => silent_to_new(r),
    };
    let (house, bank) = (House::new(), Bank::new("bank", ABLE, wait));
    let g = house.start(&[&bank]).await;
    let first = g.post_keyed("/v1/payment_intents", HOLD, "k").await.ok();
    let id = first.text("/id").to_owned();
    assert_eq!(first.text("/status"), "processing");
    end(g).await;
    let g = house.start(&[&bank]).await;
    bank.wait_for("inquire", 1).await;
    approve_late(&g, "bank", bank.got("authorize")[0].trace, usd(1000));
    g.until(&intent(&id), "/status", "requires_capture").await;
    let replay = g.post_keyed("/v1/payment_intents", HOLD, "k").await.ok();
    assert_eq!(replay.text("/status"), "requires_capture");
    assert_eq!(replay.header("idempotent-replayed"), Some("true"));
    assert!(bank.got("reverse").is_empty());
    assert_eq!(bank.got("authorize").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capture_that_was_declined_and_then_approved_is_taken() {
    let no = |r: &gateway_core::acquirer::AcquirerRequest| match verb(r) {
        "capture" => Some(Answer::Declined(gateway_core::acquirer::Decline {
            code: gateway_core::acquirer::DeclineCode::DoNotHonor,
            network_code: "".into(),
            cvc_check: None,
        })),
        _other => yes(r),
    };
    let (house, bank) = (House::new(), Bank::new("bank", ABLE, no));
    let g = house.start(&[&bank]).await;
    let id = g.post("/v1/payment_intents", HOLD).await.ok().text("/id").to_owned();
    g.post(&format!("{}/capture", intent(&id)), "").await.refused(402, "card_declined");
    end(g).await;
    let g = house.start(&[&bank]).await;
    approve_late(&g, "bank", bank.got("capture")[0].trace, usd(1000));
    let paid = g.until(&intent(&id), "/status", "succeeded").await;
    assert_eq!(paid.number("/amount_received"), 1000);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_process_left_is_taken_up_at_once_by_the_next_and_never_sent_again() {
    let (house, bank) = (House::new(), Bank::new("bank", ABLE, |_| None));
    let g = std::sync::Arc::new(house.start(&[&bank]).await);
    let pays: Vec<_> = (0..200)
        .map(|number| {
            let g = std::sync::Arc::clone(&g);
            tokio::spawn(
                async move { g.post_keyed("/v1/payment_intents", HOLD, &format!("k{number}")).await },
            )
        })
        .collect();
    bank.wait_for("authorize", 200).await;
    pays.iter().for_each(tokio::task::JoinHandle::abort);
    for pay in pays {
        pay.await.ok();
    }
    // Its flows hang at the bank, and are gone with it: what they would still record is kept out by the store's versions.
    let g = std::sync::Arc::into_inner(g).unwrap();
    end(g).await;
    bank.become_one_that(yes);
    let g = house.start(&[&bank]).await;
    for number in 0..200 {
        let mut last = None;
        for _try in 0..500 {
            let answer = g.post_keyed("/v1/payment_intents", HOLD, &format!("k{number}")).await.ok();
            last = Some(answer.text("/status").to_owned());
            if last.as_deref() == Some("requires_capture") {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(last.as_deref(), Some("requires_capture"), "{number}");
    }
    assert_eq!(bank.got("authorize").len(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_bank_keeps_no_other_waiting() {
    let (house, silent, other) =
        (House::new(), Bank::new("silent", ABLE, |_| None), Bank::new("other", ABLE, silent_to_new));
    let g = house.start(&[&silent]).await;
    for _payment in 0..100 {
        let engine = std::sync::Arc::clone(&g.app.api);
        let request = super::support::exchange(g.form("/v1/payment_intents", HOLD));
        tokio::spawn(async move { gateway::exchange::Service::call(&*engine, Box::new(request)).await });
    }
    silent.wait_for("authorize", 100).await;
    end(g).await;
    let g = house.start(&[&other, &silent]).await;
    silent.wait_for("inquire", 32).await;
    let id = g.post("/v1/payment_intents", HOLD).await.ok().text("/id").to_owned();
    g.until(&intent(&id), "/status", "requires_capture").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_of_a_bank_that_is_gone_stand_aside() {
    let (house, gone) = (House::new(), Bank::new("gone", ABLE, |_| None));
    let g = house.start(&[&gone]).await;
    let lost = g.post("/v1/payment_intents", HOLD).await.ok().text("/id").to_owned();
    end(g).await;
    let bank = Bank::new("bank", ABLE, silent_to_new);
    let g = house.start(&[&bank]).await;
    let id = g.post("/v1/payment_intents", HOLD).await.ok().text("/id").to_owned();
    g.until(&intent(&id), "/status", "requires_capture").await;
    assert_eq!(g.get(&intent(&lost)).await.ok().text("/status"), "processing", "never guessed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_leaves_the_payment_unknown_and_it_is_resolved() {
    let panics = |r: &gateway_core::acquirer::AcquirerRequest| match verb(r) {
        "authorize" => panic!("a defect of the adapter"),
        _other => yes(r),
    };
    let (house, bank) = (House::new(), Bank::new("bank", ABLE, panics));
    let g = house.start(&[&bank]).await;
    let broken = g.post_keyed("/v1/payment_intents", HOLD, "k").await;
    assert_eq!(broken.status, 500, "{}", broken.body);
    let after = g.post_keyed("/v1/payment_intents", HOLD, "k").await.ok();
    let id = after.text("/id").to_owned();
    g.until(&intent(&id), "/status", "requires_capture").await;
    assert_eq!(bank.got("authorize").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_of_the_resolver_delays_its_payment_only() {
    let (house, bank) = (
        House::new(),
        Bank::new("bank", ABLE, |r| match verb(r) {
            "inquire" if r.amount.minor == 1000 => panic!("a defect of the adapter"),
            _other => silent_to_new(r),
        }),
    );
    let g = house.start(&[&bank]).await;
    let broken = g.post("/v1/payment_intents", HOLD).await.ok().text("/id").to_owned();
    let well = g.post("/v1/payment_intents", &HOLD.replace("1000", "1001")).await.ok().text("/id").to_owned();
    g.until(&intent(&well), "/status", "requires_capture").await;
    assert_eq!(g.get(&intent(&broken)).await.ok().text("/status"), "processing");
    tokio::time::sleep(Duration::from_millis(500)).await;
    let asked = bank.got("inquire").iter().filter(|got| got.about != bank.got("inquire")[0].about).count();
    assert!(asked < 5 && bank.got("inquire").len() < 8, "it is not asked for all the time");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reversal_is_sent_once_for_the_first_time_and_then_as_a_repeat() {
    let deaf = |r: &gateway_core::acquirer::AcquirerRequest| match verb(r) {
        "reverse" => None,
        _other => silent_to_new(r),
    };
    let (house, bank) = (House::new(), Bank::new("bank", MUTE, deaf));
    let g = house.start(&[&bank]).await;
    let id = g.post("/v1/payment_intents", HOLD).await.ok().text("/id").to_owned();
    let sent = bank.wait_for("reverse", 2).await;
    end(g).await;
    bank.become_one_that(yes);
    let g = house.start(&[&bank]).await;
    g.until(&intent(&id), "/status", "requires_payment_method").await;
    let all = bank.got("reverse");
    assert_eq!(all[0].transmission, Transmission::First);
    assert!(all[1..].iter().all(|got| got.transmission == Transmission::Repeat), "{all:?}");
    assert!(all.iter().all(|got| got.trace == sent[0].trace), "under the same numbers");
}

#[tokio::test(flavor = "multi_thread")]
async fn not_found_is_believed_only_when_the_message_can_no_longer_arrive_whatever_the_clock_says() {
    const SLOW: Abilities = Abilities { max_delay_ms: 1_500, ..ABLE };
    let lost = |r: &gateway_core::acquirer::AcquirerRequest| match verb(r) {
        "inquire" => Some(Answer::NotFound),
        _other => silent_to_new(r),
    };
    let (house, bank) = (House::new(), Bank::new("bank", SLOW, lost));
    let g = house.start(&[&bank]).await;
    let begun = std::time::Instant::now();
    let id = g.post("/v1/payment_intents", HOLD).await.ok().text("/id").to_owned();
    house.clock.shift(3_600_000);
    bank.wait_for("inquire", 1).await;
    let seen = g.get(&intent(&id)).await.ok();
    if begun.elapsed() < Duration::from_millis(1_400) {
        assert_eq!(seen.text("/status"), "processing");
    }
    for _wait in 0..500 {
        if g.get(&intent(&id)).await.ok().text("/status") == "requires_payment_method" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(g.get(&intent(&id)).await.ok().text("/status"), "requires_payment_method");
    assert!(begun.elapsed() >= Duration::from_millis(1_500), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capture_is_repeated_only_while_its_repeat_is_recognised_and_asked_about_after_that() {
    const SHORT: Abilities = Abilities { repeat_window_ms: 60_000, ..ABLE };
    let deaf = |r: &gateway_core::acquirer::AcquirerRequest| match verb(r) {
        "capture" | "inquire" => None,
        _other => yes(r),
    };
    let (house, bank) = (House::new(), Bank::new("bank", SHORT, deaf));
    let g = house.start(&[&bank]).await;
    let id = g.post("/v1/payment_intents", HOLD).await.ok().text("/id").to_owned();
    let asked = g.post(&format!("{}/capture", intent(&id)), "amount_to_capture=400").await.ok();
    assert_eq!(asked.text("/status"), "processing");
    let sent = bank.wait_for("capture", 2).await;
    assert_eq!(sent[1].transmission, Transmission::Repeat);
    house.clock.shift(120_000);
    bank.wait_for("inquire", 1).await;
    let repeats = bank.got("capture").len();
    bank.become_one_that(yes);
    house.clock.shift(10_000);
    let paid = g.until(&intent(&id), "/status", "succeeded").await;
    assert_eq!(paid.number("/amount_received"), 400);
    assert_eq!(bank.got("capture").len(), repeats, "not once more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_that_its_acquirer_never_saw_is_sent_again_when_repeats_are_forgotten() {
    const SHORT: Abilities = Abilities { repeat_window_ms: 60_000, max_delay_ms: 100, ..ABLE };
    let deaf = |r: &gateway_core::acquirer::AcquirerRequest| match verb(r) {
        "reverse" | "inquire" => None,
        _other => yes(r),
    };
    let (house, bank) = (House::new(), Bank::new("bank", SHORT, deaf));
    let g = house.start(&[&bank]).await;
    let id = g.post("/v1/payment_intents", HOLD).await.ok().text("/id").to_owned();
    g.post(&format!("{}/capture", intent(&id)), "amount_to_capture=400").await.ok();
    bank.wait_for("reverse", 1).await;
    house.clock.shift(120_000);
    bank.wait_for("inquire", 1).await;
    let before = bank.got("reverse").len();
    // What is unknown to the bank is the release: of the hold itself it knows.
    bank.become_one_that(|r: &gateway_core::acquirer::AcquirerRequest| match verb(r) {
        "inquire" => Some(Answer::NotFound),
        _other => yes(r),
    });
    house.clock.shift(10_000);
    g.settle(&id).await;
    assert_eq!(bank.got("reverse").len(), before + 1, "the rest of the hold is given back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_back_delays_nothing() {
    let (house, bank) = (House::new(), Bank::new("bank", ABLE, silent_to_new));
    let g = house.start(&[&bank]).await;
    let id = g.post("/v1/payment_intents", HOLD).await.ok().text("/id").to_owned();
    house.clock.shift(-86_400_000);
    g.until(&intent(&id), "/status", "requires_capture").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_while_the_clock_was_ahead_for_a_moment_is_not_late() {
    let (house, bank) = (House::new(), Bank::new("bank", ABLE, silent_to_new));
    let g = house.start(&[&bank]).await;
    house.clock.shift(86_400_000);
    let id = g.post("/v1/payment_intents", HOLD).await.ok().text("/id").to_owned();
    house.clock.shift(-86_400_000);
    g.until(&intent(&id), "/status", "requires_capture").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_runs_out_when_the_clock_is_set_on_and_its_rest_after_a_capture_is_released() {
    let (house, bank) = (House::new(), Bank::new("bank", ABLE, yes));
    let g = house.start(&[&bank]).await;
    let whole = g.post("/v1/payment_intents", HOLD).await.ok().text("/id").to_owned();
    let part = g.post("/v1/payment_intents", HOLD).await.ok().text("/id").to_owned();
    let body = "amount_to_capture=400&final_capture=false";
    g.post(&format!("{}/capture", intent(&part)), body).await.ok();
    house.clock.shift(8 * 86_400_000);
    g.until(&intent(&whole), "/status", "canceled").await;
    let ended = g.until(&intent(&part), "/status", "succeeded").await;
    assert_eq!(ended.number("/amount_received"), 400);
    assert_eq!(bank.wait_for("void", 1).await.len(), 1);
    let released = bank.wait_for("reverse", 1).await;
    assert_eq!(released[0].transmission, Transmission::First);
    house.clock.shift(-9 * 86_400_000);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(g.get(&intent(&whole)).await.ok().text("/status"), "canceled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmation_that_a_cancel_replaces_keeps_its_own_final_answer() {
    let asks = |r: &gateway_core::acquirer::AcquirerRequest| match verb(r) {
        "authorize" => None,
        "inquire" => Some(Answer::Pending(PendingAnswer {
            until: Timestamp(i64::MAX),
            action: Some(CustomerAction::Redirect { url: Some("https://acs.example".to_owned()) }),
        })),
        _other => yes(r),
    };
    let (house, bank) = (House::new(), Bank::new("bank", ABLE, asks));
    let g = house.start(&[&bank]).await;
    let first = g.post_keyed("/v1/payment_intents", HOLD, "confirm").await.ok();
    assert_eq!(first.text("/status"), "processing");
    let id = first.text("/id").to_owned();
    g.until(&intent(&id), "/status", "requires_action").await;
    let asked = g.post_keyed("/v1/payment_intents", HOLD, "confirm").await.ok();
    let canceled = g.post_keyed(&format!("{}/cancel", intent(&id)), "", "cancel").await.ok();
    assert_eq!(canceled.text("/status"), "canceled");
    let again = g.post_keyed("/v1/payment_intents", HOLD, "confirm").await.ok();
    assert_eq!((again.text("/status"), &again.bytes), ("requires_action", &asked.bytes));
    let again = g.post_keyed(&format!("{}/cancel", intent(&id)), "", "cancel").await.ok();
    assert_eq!(again.bytes, canceled.bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_could_not_leave_leaves_later_and_for_the_first_time() {
    let down = |r: &gateway_core::acquirer::AcquirerRequest| match verb(r) {
        "refund" => Some(Answer::NotSent("the link is down".to_owned())),
        _other => yes(r),
    };
    let (house, bank) = (House::new(), Bank::new("bank", ABLE, down));
    let g = house.start(&[&bank]).await;
    let id = g.pay(1000, "pm_card_visa", "").await.ok().text("/id").to_owned();
    let refund = g.post("/v1/refunds", &format!("payment_intent={id}")).await.ok();
    assert_eq!(refund.text("/status"), "pending");
    bank.wait_for("refund", 2).await;
    bank.become_one_that(yes);
    g.until(&format!("/v1/refunds/{}", refund.text("/id")), "/status", "succeeded").await;
    assert!(bank.got("refund").iter().all(|got| got.transmission == Transmission::First));
    assert!(bank.got("inquire").is_empty(), "what never left is not asked about");
    let due = Query::Due { kind: DueKind::Open, after: None, until: Timestamp(i64::MAX), limit: 9 };
    assert!(house.store.query(&due).await.unwrap().is_empty());
}

/// What has been tried very often is looked at as before, but leaves no row at each look.
#[tokio::test(flavor = "multi_thread")]
async fn a_stuck_message_grows_the_journal_no_further() {
    let (house, bank) = (House::new(), Bank::new("bank", ABLE, |_| None));
    let g = house.start(&[&bank]).await;
    let id = g.post("/v1/payment_intents", HOLD).await.ok().text("/id").to_owned();
    bank.wait_for("inquire", 1).await;
    end(g).await;
    let only = async || {
        for kind in [DueKind::Open, DueKind::Stuck] {
            let query = Query::Due { kind, after: None, until: Timestamp(i64::MAX), limit: 2 };
            if let Some(found) = house.store.query(&query).await.unwrap().pop() {
                return found;
            }
        }
        panic!("nothing is due");
    };
    let Versioned { version, mut row } = only().await;
    let Row::Payment(payment) = &mut row else { panic!("not a payment") };
    std::sync::Arc::make_mut(&mut payment.payment).open[0].tries = 30;
    payment.events.clear();
    let mut batch = Batch::new(Urgency::Outcome);
    batch.replace(version, row);
    house.store.commit(batch).await.unwrap();
    let before = only().await.version;
    house.clock.shift(60_000);
    let looks = bank.got("inquire").len();
    let g = house.start(&[&bank]).await;
    bank.wait_for("inquire", looks + 1).await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(only().await.version, before, "nothing was stored");
    assert_eq!(bank.got("inquire").len(), looks + 1, "and it rests before the next look");
    // News end it at once.
    approve_late(&g, "bank", bank.got("authorize")[0].trace, usd(1000));
    g.until(&intent(&id), "/status", "requires_capture").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_hangs_up_stops_nothing() {
    let slow = |r: &gateway_core::acquirer::AcquirerRequest| {
        if verb(r) == "authorize" {
            std::thread::sleep(Duration::from_millis(150));
        }
        yes(r)
    };
    let (house, bank) = (House::new(), Bank::new("bank", ABLE, slow));
    let g = house.start(&[&bank]).await;
    let hasty =
        tokio::time::timeout(Duration::from_millis(30), g.post_keyed("/v1/payment_intents", HOLD, "k"));
    assert!(hasty.await.is_err(), "it left before the answer");
    let answer = g.post_keyed("/v1/payment_intents", HOLD, "k").await.ok();
    assert_eq!(answer.text("/status"), "requires_capture");
    assert_eq!(bank.got("authorize").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_whose_bytes_aged_out_answers_with_the_payment_it_made() {
    use gateway_core::journal::{Batch, Row, RowKey, Urgency};
    let (house, bank) = (House::new(), Bank::new("bank", ABLE, yes));
    let g = house.start(&[&bank]).await;
    let made = g.post_keyed("/v1/payment_intents", HOLD, "k").await.ok();
    let tenant = g.app.engine.merchants.caller(&g.key).await.unwrap().unwrap().tenant;
    let key = gateway_core::ClaimKey { tenant, key: "k".into() };
    let stored = house.store.read(&RowKey::Claim(key)).await.unwrap().unwrap();
    let Row::Claim(claim) = stored.row else { panic!("a claim") };
    let mut batch = Batch::new(Urgency::Outcome);
    batch.replace(stored.version, Row::Claim(Box::new(claim.aged())));
    house.store.commit(batch).await.unwrap();
    let again = g.post_keyed("/v1/payment_intents", HOLD, "k").await.ok();
    assert_eq!((again.text("/id"), again.text("/status")), (made.text("/id"), "requires_capture"));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(bank.got("authorize").len(), 1);
}

/// A store that does not know for a moment whether it committed: it did.
struct Unsure {
    inner: std::sync::Arc<gateway_store::Memory>,
    in_doubt: std::sync::atomic::AtomicBool,
}

impl Journal for Unsure {
    fn commit<'a>(
        &'a self,
        batch: gateway_core::Batch,
    ) -> gateway_core::BoxFuture<'a, Result<gateway_core::journal::Receipt, gateway_core::journal::CommitError>>
    {
        Box::pin(async move {
            let receipt = self.inner.commit(batch).await?;
            if self.in_doubt.swap(false, std::sync::atomic::Ordering::SeqCst) {
                return Err(gateway_core::journal::CommitError::Unknown("the link broke".to_owned()));
            }
            Ok(receipt)
        })
    }

    fn read<'a>(
        &'a self,
        key: &'a gateway_core::RowKey,
    ) -> gateway_core::BoxFuture<
        'a,
        Result<Option<gateway_core::journal::Versioned>, gateway_core::journal::StoreError>,
    > {
        self.inner.read(key)
    }

    fn query<'a>(
        &'a self,
        query: &'a Query,
    ) -> gateway_core::BoxFuture<
        'a,
        Result<Vec<gateway_core::journal::Versioned>, gateway_core::journal::StoreError>,
    > {
        self.inner.query(query)
    }

    fn history<'a>(
        &'a self,
        tenant: gateway_core::Tenant,
        payment: gateway_core::id::PaymentId,
    ) -> gateway_core::BoxFuture<
        'a,
        Result<Vec<gateway_core::payment::Recorded>, gateway_core::journal::StoreError>,
    > {
        self.inner.history(tenant, payment)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_intent_whose_commit_is_in_doubt_is_not_sent_and_its_key_makes_no_second_payment() {
    let judge = |r: &gateway_core::acquirer::AcquirerRequest| match verb(r) {
        "inquire" => Some(Answer::NotFound),
        _other => yes(r),
    };
    let bank = Bank::new("bank", ABLE, judge);
    let store = std::sync::Arc::new(Unsure {
        inner: std::sync::Arc::default(),
        in_doubt: std::sync::atomic::AtomicBool::new(false),
    });
    let target = gateway::routing::Target {
        acquirer: std::sync::Arc::clone(&bank) as std::sync::Arc<dyn gateway_core::Acquirer>,
        modes: vec![gateway_core::Mode::Test],
        timeout_ms: 200,
    };
    let make = Box::new(move |_ports: &gateway_acquirers::Ports| Ok(vec![target]));
    let journal = std::sync::Arc::clone(&store) as std::sync::Arc<dyn Journal>;
    let g = super::support::gateway_over(journal, make, super::support::quick()).await;
    // So that the numbers are leased before the doubt begins.
    g.post("/v1/payment_intents", HOLD).await.ok();
    store.in_doubt.store(true, std::sync::atomic::Ordering::SeqCst);
    let first = g.post_keyed("/v1/payment_intents", HOLD, "k").await.ok();
    assert_eq!(first.text("/status"), "processing");
    let id = first.text("/id").to_owned();
    g.until(&intent(&id), "/status", "requires_payment_method").await;
    assert_eq!(bank.got("authorize").len(), 1, "the doubtful one never left");
    let listed = g.get("/v1/payment_intents").await.ok();
    assert_eq!(listed.body["data"].as_array().unwrap().len(), 2);
}
