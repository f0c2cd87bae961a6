//! Card testing through the whole application, on virtual time: what an attack in one BIN gets to an acquirer, and what honest payers beside
//! it suffer. `CARD_TESTING_GUESSES=100000` makes it as large as the claim; without it there are fewer, which is harder, since
//! what gets through are the first guesses and the probes after each pause.

use super::process::ABLE;
use super::support::{Gateway, numbered, quiet_model, remembering_at};
use gateway::app::MakeAcquirers;
use gateway::routing::Target;
use gateway_core::acquirer::{
    Abilities, Acquirer, AcquirerRequest, Answer, Approval, Decline, DeclineCode, Link, Permit,
};
use gateway_core::ports::{BoxFuture, Clock};
use gateway_core::tenant::Mode;
use gateway_core::time::Timestamp;
use risk::guard::{Limit, Settings};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

const DAY_MS: i64 = 86_400_000;
/// The range under attack; honest cards are of it, too.
const ATTACKED: u64 = 510_510;
/// Honest ranges, cards of each.
const RANGES: u64 = 40;
const CARDS: u64 = 10;
/// Honest payments beside a guess.
const BESIDE: u64 = 3;

/// Time that passes when the test says so.
#[derive(Default)]
struct Virtual(AtomicI64);

impl Clock for Virtual {
    fn now(&self) -> Timestamp {
        Timestamp(1_767_225_600_000 + self.0.load(Ordering::Relaxed))
    }

    fn monotonic_ns(&self) -> u64 {
        u64::try_from(self.0.load(Ordering::Relaxed)).unwrap() * 1_000_000
    }
}

/// Issuers: a guessed number is one in a hundred times a card, an honest payer's is declined one time in eleven.
#[derive(Default)]
struct Issuers {
    guesses: AtomicU64,
    others: AtomicU64,
}

impl Acquirer for Issuers {
    fn name(&self) -> &str {
        "issuers"
    }

    fn abilities(&self) -> Abilities {
        Abilities { repeat_window_ms: 1_000, ..ABLE }
    }

    fn link(&self) -> Link {
        Link::Up
    }

    fn send<'a>(&'a self, permit: Permit, request: AcquirerRequest) -> BoxFuture<'a, Answer> {
        assert!(permit.covers(&request));
        let guessed = request.amount.minor == GUESSED_MINOR;
        let counter = if guessed { &self.guesses } else { &self.others };
        let number = counter.fetch_add(1, Ordering::Relaxed);
        let declined = if guessed { number % 100 != 99 } else { number % 11 == 10 };
        Box::pin(std::future::ready(if declined {
            let code = DeclineCode::GenericDecline;
            Answer::Declined(Decline { code, network_code: "05".into(), cvc_check: None })
        } else {
            Answer::Approved(Approval {
                amount: request.amount,
                reference: request.trace.reference_text(),
                authorization_code: "000000".into(),
                network_transaction_id: None,
                cvc_check: None,
            })
        }))
    }
}

/// Guesses are of one cent, as such attacks are; nothing in the gateway looks at that.
const GUESSED_MINOR: i64 = 100;

struct World {
    gateway: Gateway,
    clock: Arc<Virtual>,
    issuers: Arc<Issuers>,
    draw: u64,
    refused: u64,
    honest: u64,
}

impl World {
    async fn new() -> Self {
        let (clock, issuers) = (Arc::new(Virtual::default()), Arc::new(Issuers::default()));
        let acquirer = Arc::clone(&issuers) as Arc<dyn Acquirer>;
        let make: MakeAcquirers = Box::new(move |_ports| {
            Ok(vec![Target { acquirer, modes: vec![Mode::Test], timeout_ms: 10_000 }])
        });
        let gateway = remembering_at(quiet_model(), make, Arc::clone(&clock) as Arc<dyn Clock>).await;
        let mut world = Self { gateway, clock, issuers, draw: 7, refused: 0, honest: 0 };
        // Every honest card has paid the day before yesterday, and yesterday.
        for _day in 0..2 {
            for card in 0..RANGES * CARDS {
                world.pass(50);
                world.pay(card).await;
            }
            world.pass(DAY_MS);
        }
        (world.refused, world.honest) = (0, 0);
        world
    }

    fn pass(&self, ms: i64) {
        self.clock.0.fetch_add(ms, Ordering::Relaxed);
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.draw = self.draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.draw >> 33) % bound
    }

    /// A payment; whether the scorer let it go on to an acquirer.
    async fn ask(&self, range: u64, account: u64, (amount, address): (i64, String)) -> bool {
        let number = numbered(range, account);
        let body = format!(
            "amount={amount}&currency=usd&confirm=true&payment_method_data[type]=card\
             &payment_method_data[card][number]={number}&payment_method_data[card][exp_month]=12\
             &payment_method_data[card][exp_year]=2034&mandate_data[customer_acceptance][type]=online\
             &mandate_data[customer_acceptance][online][ip_address]={address}\
             &mandate_data[customer_acceptance][online][user_agent]=x"
        );
        let answer = self.gateway.post("/v1/payment_intents", &body).await;
        let outcome = "/error/payment_intent/last_payment_error/decline_code";
        let declined = answer.body.pointer(outcome).and_then(serde_json::Value::as_str);
        assert!(answer.status == 200 || declined.is_some(), "{}", answer.body);
        declined != Some("fraudulent")
    }

    async fn guess(&mut self, addresses: u64) {
        let account = 1_000_000 + self.below(800_000_000);
        self.try_number(account, addresses).await;
    }

    async fn try_number(&mut self, account: u64, addresses: u64) {
        let from = self.below(addresses);
        let address = format!("203.{}.{}.{}", from / 62_500, from / 250 % 250, from % 250);
        self.ask(ATTACKED, account, (GUESSED_MINOR, address)).await;
    }

    async fn pay(&mut self, card: u64) {
        let range = ATTACKED + card / CARDS;
        let amount = 1_000 + i64::try_from(self.below(9_000)).unwrap();
        let address = format!("198.51.{}.{}", card / 250, card % 250);
        self.honest += 1;
        self.refused += u64::from(!self.ask(range, card, (amount, address)).await);
    }
}

fn guesses() -> u64 {
    std::env::var("CARD_TESTING_GUESSES").map_or(2_000, |text| text.parse().expect("a number of guesses"))
}

/// One guess in 50 ms from so many addresses: guesses that reached an acquirer, honest payments refused, honest payments.
async fn attacked(addresses: u64) -> (u64, u64, u64) {
    let mut world = World::new().await;
    for _guess in 0..guesses() {
        world.pass(50);
        world.guess(addresses).await;
        for _payer in 0..BESIDE {
            let card = world.below(RANGES * CARDS);
            world.pay(card).await;
        }
    }
    (world.issuers.guesses.load(Ordering::Relaxed), world.refused, world.honest)
}

async fn holds(addresses: u64) {
    let (through, refused, honest) = attacked(addresses).await;
    let told =
        format!("{addresses} addresses: {through} of {} through, {refused} of {honest} refused", guesses());
    println!("{told}");
    // The first ones, which nothing tells from customers, and ten after each pause: of few guesses this is more than one in a hundred.
    assert!(through * 100 < guesses().max(4_000), "{told}");
    assert!(through > 0 && refused * 1_000 < honest, "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attack_from_one_address_is_refused_and_honest_payers_are_not() {
    holds(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attack_from_ten_thousand_addresses_is_refused_and_honest_payers_are_not() {
    holds(10_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_that_were_tried_yesterday_are_no_customers_today() {
    let mut world = World::new().await;
    for _day in 0..3 {
        for account in 0..500 {
            world.pass(50);
            world.try_number(1_000_000 + account, 10_000).await;
        }
        world.pass(2 * DAY_MS);
    }
    let through = world.issuers.guesses.load(Ordering::Relaxed);
    assert!(through < 90, "{through} of 1,500: some twenty a day, and those that hit");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_windows_keep_to_their_settings() {
    let mut world = World::new().await;
    let never = Limit::new(20, 101, 60_000);
    let off = Settings { card: never, address: never, range: never, merchant: never, ..Settings::default() };
    world.gateway.app.engine.scoring.watch(&off);
    for _guess in 0..100 {
        world.pass(50);
        world.guess(1).await;
    }
    assert_eq!(world.issuers.guesses.load(Ordering::Relaxed), 100, "switched off, they refuse nothing");
    world.gateway.app.engine.scoring.watch(&Settings { range: Limit::new(5, 90, 256), ..off });
    for _guess in 0..100 {
        world.pass(50);
        world.guess(1).await;
    }
    let through = world.issuers.guesses.load(Ordering::Relaxed);
    assert_eq!(through, 101, "what the windows have seen counts by the new limit, from the next outcome on");
    assert_eq!(world.gateway.app.engine.scoring.tripped(), [0, 0, 1, 0]);
}
