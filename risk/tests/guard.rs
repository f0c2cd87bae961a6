//! Card testing on a virtual clock: what an attack gets through, and what honest traffic beside it suffers.

use risk::guard::{Attempt, Guard, Limit, Outcome, Settings, Watched};

/// Numbers from a seed.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// Card ranges, cards and merchants of the honest; the attacked range is one of them.
const RANGES: u64 = 2_000;
const CARDS: u64 = 50_000;
const MERCHANTS: u64 = 200;
const ATTACKED: u32 = 7;
const GUESSES: u64 = 100_000;
/// An issuer takes this long to answer.
const LATENCY_MS: i64 = 300;

#[derive(Default, Debug)]
struct Tally {
    guesses: u64,
    let_through: u64,
    honest: u64,
    refused: u64,
}

struct World {
    guard: Guard,
    draw: Draw,
    now_ms: i64,
    waiting: std::collections::VecDeque<(i64, risk::guard::Ticket, Outcome)>,
    seen: std::collections::HashSet<u64>,
    tally: Tally,
}

impl World {
    fn ask(&mut self, attempt: Attempt, declined_in_100: u64) -> bool {
        while self.waiting.front().is_some_and(|(due, ..)| *due <= self.now_ms) {
            let (due, ticket, outcome) = self.waiting.pop_front().expect("there is a front");
            self.guard.told(ticket, outcome, due);
        }
        let Ok(ticket) = self.guard.admit(&attempt) else { return false };
        let declined = self.draw.below(100) < declined_in_100;
        let outcome = if declined { Outcome::Declined } else { Outcome::Approved };
        self.waiting.push_back((self.now_ms + LATENCY_MS, ticket, outcome));
        if !declined {
            self.seen.insert(attempt.card);
        }
        true
    }

    fn guess(&mut self, addresses: u64) {
        let attempt = Attempt {
            card: 1 << 40 | self.draw.below(1 << 30),
            range: ATTACKED,
            merchant: 3,
            address: Some(1 << 50 | self.draw.below(addresses)),
            known: false,
            now_ms: self.now_ms,
        };
        self.tally.guesses += 1;
        // One in a hundred hits a card that exists.
        self.tally.let_through += u64::from(self.ask(attempt, 99));
    }

    fn pay(&mut self) {
        let card = self.draw.below(CARDS);
        let attempt = Attempt {
            card,
            range: (card % RANGES) as u32,
            merchant: self.draw.below(MERCHANTS),
            address: Some(card / 2),
            known: self.seen.contains(&card),
            now_ms: self.now_ms,
        };
        self.tally.honest += 1;
        self.tally.refused += u64::from(!self.ask(attempt, 12));
    }
}

/// A guess every `gap_ms`, three honest payments beside each.
fn attack(addresses: u64, gap_ms: i64) -> Tally {
    let mut world = World {
        guard: Guard::new(Settings::default()),
        draw: Draw(addresses),
        now_ms: 1_000_000,
        waiting: std::collections::VecDeque::new(),
        seen: std::collections::HashSet::new(),
        tally: Tally::default(),
    };
    for _ in 0..GUESSES {
        world.now_ms += gap_ms;
        world.guess(addresses);
        (0..3).for_each(|_| world.pay());
    }
    world.tally
}

#[test]
fn an_attack_on_one_range_gets_less_than_one_percent_through_and_costs_the_honest_almost_nothing() {
    for (addresses, gap_ms) in [(1, 2), (10_000, 2), (1, 100), (10_000, 100), (10_000, 2_000)] {
        let tally = attack(addresses, gap_ms);
        assert_eq!(tally.guesses, GUESSES);
        assert!(tally.let_through * 100 < tally.guesses, "{addresses} addresses, {gap_ms} ms: {tally:?}");
        assert!(tally.refused * 1_000 < tally.honest, "{addresses} addresses, {gap_ms} ms: {tally:?}");
        assert!(tally.let_through > 0, "the first ones can't be told from customers: {tally:?}");
    }
}

#[test]
fn without_an_attack_nobody_is_refused_and_after_it_the_range_opens_again() {
    let guard = Guard::new(Settings::default());
    let unknown = |card, now_ms| Attempt { card, range: 1, merchant: 1, address: None, known: false, now_ms };
    let mut now_ms = 1;
    for card in 0..10_000 {
        now_ms += 50;
        let ticket = guard.admit(&unknown(card, now_ms)).expect("one in four is declined, as on a bad day");
        guard.told(ticket, if card % 4 == 0 { Outcome::Declined } else { Outcome::Approved }, now_ms);
    }
    while let Ok(ticket) = guard.admit(&unknown(now_ms as u64, now_ms)) {
        now_ms += 50;
        guard.told(ticket, Outcome::Declined, now_ms);
    }
    assert_eq!(guard.tripped(), [0, 0, 1, 0], "the range alone");
    let known = Attempt { known: true, ..unknown(1, now_ms) };
    assert!(guard.admit(&known).is_ok(), "a known card goes on");
    now_ms += 600_001;
    for card in 0..1_000_u64 {
        let ticket = guard.admit(&unknown(card, now_ms)).expect("well again, after its probes");
        guard.told(ticket, Outcome::Approved, now_ms);
    }
    assert_eq!(guard.tripped(), [0; 4]);
}

#[test]
fn other_limits_hold_at_once_and_windows_remember() {
    let guard = Guard::new(Settings::default());
    let attempt = |card| Attempt { card, range: 1, merchant: 1, address: None, known: false, now_ms: 1 };
    let declined = |card| guard.told(guard.admit(&attempt(card)).expect("let through"), Outcome::Declined, 1);
    (0..15).for_each(declined);
    guard.limit(&Settings { range: Limit::new(16, 100, 256), ..Settings::default() });
    assert_eq!(guard.tripped(), [0; 4], "fifteen are too few for either");
    declined(15);
    assert_eq!(guard.tripped(), [0, 0, 1, 0], "the sixteenth is not, with those before it");
    assert_eq!(guard.admit(&attempt(16)).err(), Some(Watched::Range));
    let never = Guard::new(Settings { range: Limit::new(20, 101, 256), ..Settings::default() });
    (0..100).for_each(|card| {
        let ticket = never.admit(&attempt(card)).expect("above 100 percent there are no declines");
        never.told(ticket, Outcome::Declined, 1);
    });
}
