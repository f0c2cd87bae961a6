//! Several acquirers: who is asked first, who next, and who is left alone for a while.

use super::process::ABLE;
use super::support::{Gateway, gateway_over, quick};
use gateway::engine::Settings;
use gateway::routing::Target;
use gateway::routing::settings::Routing;
use gateway_core::acquirer::{
    Abilities, Able, Acquirer, AcquirerRequest, Answer, Approval, Decline, DeclineCode, Link, Permit, Verb,
};
use gateway_core::payment::Strategy;
use gateway_core::ports::BoxFuture;
use gateway_core::tenant::Mode;
use gateway_store::Memory;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What a bank says to new authorizations. Everything else it approves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    Yes,
    No(DeclineCode),
    NotSent,
    Nothing,
    /// Yes, after this many milliseconds.
    Slowly(u64),
}

struct Bank {
    name: &'static str,
    says: Mutex<Says>,
    link: Mutex<Link>,
    asked: AtomicU64,
    others: AtomicU64,
}

impl Bank {
    fn new(name: &'static str) -> Arc<Self> {
        Arc::new(Self {
            name,
            says: Mutex::new(Says::Yes),
            link: Mutex::new(Link::Up),
            asked: AtomicU64::new(0),
            others: AtomicU64::new(0),
        })
    }

    fn say(&self, says: Says) {
        *self.says.lock().unwrap() = says;
    }

    /// Authorizations that reached it.
    fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Acquirer for Bank {
    fn name(&self) -> &str {
        self.name
    }

    fn abilities(&self) -> Abilities {
        Abilities { inquiry: Able::No, repeat_window_ms: 1_000, ..ABLE }
    }

    fn link(&self) -> Link {
        *self.link.lock().unwrap()
    }

    fn send<'a>(&'a self, permit: Permit, request: AcquirerRequest) -> BoxFuture<'a, Answer> {
        assert!(permit.covers(&request));
        let approved = Answer::Approved(Approval {
            amount: request.amount,
            reference: format!("{}-{}", self.name, request.trace.reference).into(),
            authorization_code: "".into(),
            network_transaction_id: None,
            cvc_check: None,
        });
        Box::pin(async move {
            if !matches!(request.verb, Verb::Authorize | Verb::Sale) {
                self.others.fetch_add(1, Ordering::SeqCst);
                return approved;
            }
            self.asked.fetch_add(1, Ordering::SeqCst);
            let says = *self.says.lock().unwrap();
            match says {
                Says::Yes => approved,
                Says::No(code) => {
                    Answer::Declined(Decline { code, network_code: "".into(), cvc_check: None })
                }
                Says::NotSent => Answer::NotSent("refused".to_owned()),
                Says::Nothing => Answer::Unknown("no answer".to_owned()),
                Says::Slowly(ms) => {
                    tokio::time::sleep(Duration::from_millis(ms)).await;
                    approved
                }
            }
        })
    }
}

async fn over(banks: &[Arc<Bank>], routing: Routing) -> Gateway {
    let targets: Vec<Target> = banks
        .iter()
        .map(|bank| {
            let acquirer = Arc::clone(bank) as Arc<dyn Acquirer>;
            Target { acquirer, modes: vec![Mode::Test, Mode::Live], timeout_ms: 1_000 }
        })
        .collect();
    let settings = Settings { routing, ..quick() };
    gateway_over(Arc::new(Memory::new()), Box::new(move |_ports| Ok(targets)), settings).await
}

/// Settings as they are written in a file.
fn routing(text: &str) -> Routing {
    toml::from_str(text).unwrap()
}

const MANUAL: &str = "&capture_method=manual";

async fn hold(g: &Gateway) -> String {
    g.pay(1_000, "pm_card_visa", MANUAL).await.ok().text("/id").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_soft_decline_goes_on_only_if_the_merchant_wants_it() {
    let (a, b) = (Bank::new("bank-a"), Bank::new("bank-b"));
    a.say(Says::No(DeclineCode::TryAgainLater));
    let g = over(&[Arc::clone(&a), Arc::clone(&b)], Routing::default()).await;
    let declined = g.pay(1_000, "pm_card_visa", MANUAL).await.refused(402, "card_declined");
    assert_eq!((declined.text("/error/decline_code"), b.asked()), ("try_again_later", 0));
    let merchant = g.app.engine.merchants.all()[0].id;
    g.app.engine.merchants.change(merchant, |m| m.retry_declines = true).await.unwrap().unwrap();
    let paid = g.pay(1_000, "pm_card_visa", MANUAL).await.ok();
    assert_eq!((paid.text("/status"), a.asked(), b.asked()), ("requires_capture", 2, 1));
    a.say(Says::No(DeclineCode::InsufficientFunds));
    g.pay(1_000, "pm_card_visa", MANUAL).await.refused(402, "card_declined");
    assert_eq!(b.asked(), 1, "a hard decline is the answer");
    a.say(Says::No(DeclineCode::TryAgainLater));
    *b.link.lock().unwrap() = Link::Down;
    let declined = g.pay(1_000, "pm_card_visa", MANUAL).await.refused(402, "card_declined");
    assert_eq!(declined.text("/error/decline_code"), "try_again_later");
    assert_eq!(b.asked(), 1, "an answer is not given up for nobody's");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_have_happened_never_goes_on() {
    let (a, b) = (Bank::new("bank-a"), Bank::new("bank-b"));
    a.say(Says::Nothing);
    let g = over(&[Arc::clone(&a), Arc::clone(&b)], Routing::default()).await;
    let merchant = g.app.engine.merchants.all()[0].id;
    g.app.engine.merchants.change(merchant, |m| m.retry_declines = true).await.unwrap().unwrap();
    assert_eq!(g.pay(1_000, "pm_card_visa", MANUAL).await.ok().text("/status"), "processing");
    assert_eq!(b.asked(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn tries_are_bounded() {
    let banks: Vec<_> = ["bank-a", "bank-b", "bank-c", "bank-d"].into_iter().map(Bank::new).collect();
    banks.iter().for_each(|bank| bank.say(Says::NotSent));
    let g = over(&banks, routing("tries = 2")).await;
    g.pay(1_000, "pm_card_visa", MANUAL).await.refused(402, "card_declined");
    assert_eq!(banks.iter().map(|bank| bank.asked()).collect::<Vec<_>>(), [1, 1, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_breaker_leaves_a_bank_alone_and_lets_one_payment_try_it() {
    let (a, b) = (Bank::new("bank-a"), Bank::new("bank-b"));
    let settings = routing("[breaker]\nfailures = 3\nof = 4\nopen_ms = 400\nlongest_open_ms = 400");
    let g = over(&[Arc::clone(&a), Arc::clone(&b)], settings).await;
    let held = hold(&g).await;
    a.say(Says::NotSent);
    for _ in 0..3 {
        hold(&g).await;
    }
    assert_eq!((a.asked(), b.asked()), (4, 3));
    for _ in 0..5 {
        hold(&g).await;
    }
    assert_eq!((a.asked(), b.asked()), (4, 8), "open: all go straight to the other");
    let others = a.others.load(Ordering::SeqCst);
    g.post(&format!("/v1/payment_intents/{held}/cancel"), "").await.ok();
    assert_eq!(a.others.load(Ordering::SeqCst), others + 1, "what it holds is its own, whatever its state");
    // That void was answered, which is as good as a probe. It fails again, and opens again.
    for _ in 0..4 {
        hold(&g).await;
    }
    let asked = a.asked();
    assert!(asked > 4, "closed by an answer");
    hold(&g).await;
    assert_eq!(a.asked(), asked, "and open again");
    a.say(Says::Yes);
    tokio::time::sleep(Duration::from_millis(450)).await;
    for _ in 0..5 {
        hold(&g).await;
    }
    assert_eq!(a.asked(), asked + 5, "healed: the first payment tried it, and all follow");
}

#[tokio::test(flavor = "multi_thread")]
async fn declines_open_no_breaker() {
    let a = Bank::new("bank-a");
    a.say(Says::No(DeclineCode::GenericDecline));
    let g = over(&[Arc::clone(&a), Bank::new("bank-b")], Routing::default()).await;
    for _ in 0..30 {
        g.pay(1_000, "pm_card_visa", MANUAL).await.refused(402, "card_declined");
    }
    assert_eq!(a.asked(), 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_all_breakers_open_a_payment_is_declined_at_once() {
    let a = Bank::new("bank-a");
    a.say(Says::NotSent);
    let g = over(&[Arc::clone(&a)], routing("[breaker]\nfailures = 2\nof = 2\nopen_ms = 60000")).await;
    for _ in 0..5 {
        let declined = g.pay(1_000, "pm_card_visa", MANUAL).await.refused(402, "card_declined");
        assert_eq!(declined.text("/error/decline_code"), "try_again_later");
    }
    assert_eq!(a.asked(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_bulkhead_sends_payments_elsewhere_and_then_nowhere() {
    let (a, b) = (Bank::new("bank-a"), Bank::new("bank-b"));
    a.say(Says::Slowly(600));
    b.say(Says::Slowly(600));
    let g = Arc::new(
        over(&[Arc::clone(&a), Arc::clone(&b)], routing("max_in_flight = { bank-a = 2, bank-b = 1 }")).await,
    );
    let mut waiting = Vec::new();
    for _ in 0..3 {
        let own = Arc::clone(&g);
        waiting.push(tokio::spawn(async move { hold(&own).await }));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!((a.asked(), b.asked()), (2, 1));
    let refused = g.pay(1_000, "pm_card_visa", MANUAL).await;
    assert_eq!((refused.status, refused.header("stripe-should-retry")), (503, Some("true")));
    for one in waiting {
        one.await.unwrap();
    }
    hold(&g).await;
    assert_eq!(a.asked(), 3, "there is room again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_bulkhead_holds_no_capture_and_no_refund_back() {
    let a = Bank::new("bank-a");
    let g = Arc::new(over(&[Arc::clone(&a)], routing("max_in_flight = { bank-a = 1 }")).await);
    let (taken, held) = (hold(&g).await, hold(&g).await);
    g.post(&format!("/v1/payment_intents/{taken}/capture"), "").await.ok();
    a.say(Says::Slowly(3_000));
    let own = Arc::clone(&g);
    let slow = tokio::spawn(async move { hold(&own).await });
    while a.asked() < 3 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(g.pay(1_000, "pm_card_visa", MANUAL).await.status, 503, "full");
    let captured = g.post(&format!("/v1/payment_intents/{held}/capture"), "").await.ok();
    assert_eq!(captured.text("/status"), "succeeded");
    let refunded = g.post("/v1/refunds", &format!("payment_intent={taken}")).await.ok();
    assert_eq!(refunded.text("/status"), "succeeded");
    assert!(!slow.is_finished(), "it was full all the time");
    slow.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_breaker_holds_no_reversal_back() {
    let a = Bank::new("bank-a");
    a.say(Says::Nothing);
    let g = over(&[Arc::clone(&a)], routing("[breaker]\nfailures = 2\nof = 2\nopen_ms = 60000")).await;
    let unknown = [hold(&g).await, hold(&g).await];
    g.pay(1_000, "pm_card_visa", MANUAL).await.refused(402, "card_declined");
    assert_eq!(a.asked(), 2, "the breaker is open");
    for id in unknown {
        g.until(&format!("/v1/payment_intents/{id}"), "/status", "requires_payment_method").await;
    }
    assert_eq!(a.others.load(Ordering::SeqCst), 2, "both were reversed");
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_choose_and_the_choice_is_recorded_and_comes_out_again() {
    let banks: Vec<_> = ["bank-a", "bank-b", "bank-c"].into_iter().map(Bank::new).collect();
    let settings = "strategy = \"weighted\"\nweights = { bank-a = 3, bank-b = 1, bank-c = 0 }\n\
         [[rules]]\nname = \"large\"\nacquirers = [\"bank-c\", \"bank-b\"]\nstrategy = \"priority\"\n\
         when = { currency = [\"usd\"], amount_from = 50000 }\n\
         [[rules]]\nname = \"at the till\"\nacquirers = [\"bank-b\"]\nwhen = { metadata = { channel = \"pos\" } }\n\
         [[rules]]\nname = \"amex\"\nacquirers = [\"bank-c\", \"bank-a\"]\nstrategy = \"hash\"\nwhen = { brand = [\"amex\"] }\n";
    let g = over(&banks, routing(settings)).await;
    let asked = |banks: &[Arc<Bank>]| banks.iter().map(|bank| bank.asked()).collect::<Vec<_>>();
    g.pay(50_000, "pm_card_visa", MANUAL).await.ok();
    assert_eq!(asked(&banks), [0, 0, 1]);
    g.pay(49_999, "pm_card_visa", "&metadata[channel]=pos").await.ok();
    assert_eq!(asked(&banks), [0, 1, 1]);
    for _ in 0..8 {
        hold(&g).await;
    }
    assert_eq!(asked(&banks), [6, 3, 1], "three to one, and none for weight 0");
    for _ in 0..5 {
        g.pay(1_000, "pm_card_amex", MANUAL).await.ok();
    }
    let after = asked(&banks);
    assert!(after == [11, 3, 1] || after == [6, 3, 6], "one card, one acquirer: {after:?}");
    for attempt in attempts(&g).await {
        let Some(routed) = attempt.1 else { continue };
        let replay = g.app.engine.acquirers.replay(&routed, (Mode::Test, gateway_core::MeansKind::Card));
        assert!(replay.same_policy && replay.again == Some(replay.recorded.clone()), "{replay:?}");
        assert_eq!(replay.recorded[0], attempt.0);
    }
}

/// The acquirer of every attempt, and how it was chosen.
async fn attempts(g: &Gateway) -> Vec<(gateway_core::SmolStr, Option<Box<gateway_core::payment::Routed>>)> {
    use gateway_core::id::PaymentId;
    use gateway_core::journal::{Row, RowKey};
    use gateway_core::tenant::Tenant;
    let tenant = Tenant { merchant: g.app.engine.merchants.all()[0].id, mode: Mode::Test };
    let listed = g.get("/v1/payment_intents?limit=100").await.ok();
    let mut found = Vec::new();
    for one in listed.body["data"].as_array().unwrap() {
        let id: PaymentId = one["id"].as_str().unwrap().parse().unwrap();
        let stored = g.app.engine.journal.read(&RowKey::Payment(tenant, id)).await.unwrap().unwrap();
        let Row::Payment(row) = stored.row else { panic!("a payment") };
        found.extend(row.payment.attempts.iter().map(|a| (a.acquirer.clone(), a.routed.clone())));
    }
    assert!(found.len() > 10 && found.iter().filter(|one| one.1.is_some()).count() > 10);
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bandit_learns_whom_to_ask() {
    let (a, b) = (Bank::new("bank-a"), Bank::new("bank-b"));
    a.say(Says::No(DeclineCode::GenericDecline));
    let g = over(&[Arc::clone(&a), Arc::clone(&b)], routing("strategy = \"bandit\"")).await;
    for _ in 0..60 {
        g.pay(1_000, "pm_card_visa", MANUAL).await;
    }
    assert!(b.asked() > 45, "{} of 60 went to the one that approves", b.asked());
}

#[tokio::test(flavor = "multi_thread")]
async fn fees_decide_by_cost_and_settings_change_while_it_serves() {
    let (a, b) = (Bank::new("bank-a"), Bank::new("bank-b"));
    let settings = "strategy = \"cost\"\n\
         [[fees]]\nacquirer = \"bank-a\"\npercent = \"2.9\"\nfixed_minor = \"0\"\n\
         [[fees]]\nacquirer = \"bank-b\"\npercent = \"1.4\"\nfixed_minor = \"30\"\nwhen = { currency = [\"usd\"] }\n";
    let g = over(&[Arc::clone(&a), Arc::clone(&b)], routing(settings)).await;
    g.pay(1_000, "pm_card_visa", MANUAL).await.ok();
    assert_eq!((a.asked(), b.asked()), (1, 0), "29 against 44");
    g.pay(5_000, "pm_card_visa", MANUAL).await.ok();
    assert_eq!((a.asked(), b.asked()), (1, 1), "145 against 100");
    let wrong = Routing { order: vec!["bank-z".to_owned()], ..Routing::default() };
    let error = g.app.engine.acquirers.reload(&wrong).unwrap_err();
    assert!(error.contains("bank-z") && error.contains("bank-a, bank-b"), "{error}");
    let other = Routing {
        strategy: Strategy::Weighted,
        weights: BTreeMap::from([("bank-a".to_owned(), 0)]),
        ..Routing::default()
    };
    g.app.engine.acquirers.reload(&other).unwrap();
    for _ in 0..4 {
        hold(&g).await;
    }
    assert_eq!((a.asked(), b.asked()), (1, 5));
}
