//! The fifteen features of the fraud-detection handbook, over exact windows, from the same records.
//!
//! Its windows are exact to the second, so each payment of the last thirty days (thirty-seven for a terminal)
//! is kept: this set is the yardstick for training, not what a gateway serves.

use std::collections::{HashMap, VecDeque};

use crate::event::{Entity, Event, Label, Record};

/// Number of handbook features.
pub const HANDBOOK_LEN: usize = 15;

/// The handbook's own names, in its own order.
pub const HANDBOOK_NAMES: [&str; HANDBOOK_LEN] = [
    "TX_AMOUNT",
    "TX_DURING_WEEKEND",
    "TX_DURING_NIGHT",
    "CUSTOMER_ID_NB_TX_1DAY_WINDOW",
    "CUSTOMER_ID_AVG_AMOUNT_1DAY_WINDOW",
    "CUSTOMER_ID_NB_TX_7DAY_WINDOW",
    "CUSTOMER_ID_AVG_AMOUNT_7DAY_WINDOW",
    "CUSTOMER_ID_NB_TX_30DAY_WINDOW",
    "CUSTOMER_ID_AVG_AMOUNT_30DAY_WINDOW",
    "TERMINAL_ID_NB_TX_1DAY_WINDOW",
    "TERMINAL_ID_RISK_1DAY_WINDOW",
    "TERMINAL_ID_NB_TX_7DAY_WINDOW",
    "TERMINAL_ID_RISK_7DAY_WINDOW",
    "TERMINAL_ID_NB_TX_30DAY_WINDOW",
    "TERMINAL_ID_RISK_30DAY_WINDOW",
];

const DAY_S: i64 = 86_400;
const WINDOWS_DAYS: [i64; 3] = [1, 7, 30];
/// Hours up to and including this one are the night.
const NIGHT_HOUR: i64 = 6;

#[derive(Clone, Copy)]
struct Paid {
    time_s: i64,
    amount: f64,
}

#[derive(Clone, Copy)]
struct Taken {
    id: u64,
    time_s: i64,
    /// From when on it counts as fraud.
    fraud_known_s: Option<i64>,
}

/// State of the handbook's features: `Card` is its customer, `Merchant` its terminal.
pub struct Handbook {
    label_delay_s: i64,
    customers: HashMap<u64, VecDeque<Paid>>,
    terminals: HashMap<u64, VecDeque<Taken>>,
}

impl Handbook {
    /// State that has seen nothing; labels count `label_delay_s` seconds after their payment.
    pub fn new(label_delay_s: u32) -> Self {
        let (customers, terminals) = (HashMap::new(), HashMap::new());
        Handbook { label_delay_s: i64::from(label_delay_s), customers, terminals }
    }

    /// Applies one record, in order of time.
    pub fn observe(&mut self, record: &Record) {
        match record {
            Record::Authorization(event) => self.authorization(event),
            Record::Outcome { .. } => {}
            Record::Label { event, verdict, known_at_s } => self.label(event, *verdict, *known_at_s),
        }
    }

    fn authorization(&mut self, event: &Event) {
        let time_s = event.time_s;
        if let Some(customer) = event.key(Entity::Card) {
            let paid = self.customers.entry(customer).or_default();
            while paid.front().is_some_and(|first| first.time_s <= time_s - 30 * DAY_S) {
                paid.pop_front();
            }
            paid.push_back(Paid { time_s, amount: event.amount() });
        }
        if let Some(terminal) = event.key(Entity::Merchant) {
            let horizon_s = time_s - self.label_delay_s - 30 * DAY_S;
            let taken = self.terminals.entry(terminal).or_default();
            while taken.front().is_some_and(|first| first.time_s <= horizon_s) {
                taken.pop_front();
            }
            taken.push_back(Taken { id: event.id, time_s, fraud_known_s: None });
        }
    }

    fn label(&mut self, event: &Event, verdict: Label, known_at_s: i64) {
        let taken = event.key(Entity::Merchant).and_then(|terminal| self.terminals.get_mut(&terminal));
        let found = taken.and_then(|taken| taken.iter_mut().rev().find(|taken| taken.id == event.id));
        if let Some(found) = found {
            found.fraud_known_s = match verdict {
                Label::Fraud => Some(known_at_s),
                Label::Genuine => None,
            };
        }
    }

    /// The fifteen features of `event`, which is counted itself where the handbook counts it.
    pub fn extract(&self, event: &Event, out: &mut [f64; HANDBOOK_LEN]) {
        let day = event.time_s.div_euclid(DAY_S);
        // 1970-01-01 was a Thursday; Monday is 0.
        let weekday = (day + 3).rem_euclid(7);
        let hour = event.time_s.rem_euclid(DAY_S) / 3_600;
        out[0] = event.amount();
        out[1] = f64::from(u8::from(weekday >= 5));
        out[2] = f64::from(u8::from(hour <= NIGHT_HOUR));
        self.customer(event, &mut out[3..9]);
        self.terminal(event, &mut out[9..15]);
    }

    fn customer(&self, event: &Event, out: &mut [f64]) {
        let (mut counts, mut sums) = ([1.0; 3], [event.amount(); 3]);
        let paid = event.key(Entity::Card).and_then(|customer| self.customers.get(&customer));
        for payment in paid.into_iter().flat_map(|paid| paid.iter().rev()) {
            let age_s = event.time_s - payment.time_s;
            for (window, days) in WINDOWS_DAYS.iter().enumerate() {
                if age_s < days * DAY_S {
                    counts[window] += 1.0;
                    sums[window] += payment.amount;
                }
            }
        }
        for window in 0..3 {
            out[2 * window] = counts[window];
            out[2 * window + 1] = sums[window] / counts[window];
        }
    }

    fn terminal(&self, event: &Event, out: &mut [f64]) {
        let (mut counts, mut frauds) = ([0.0; 3], [0.0; 3]);
        let taken = event.key(Entity::Merchant).and_then(|terminal| self.terminals.get(&terminal));
        for payment in taken.into_iter().flatten() {
            let age_s = event.time_s - self.label_delay_s - payment.time_s;
            let fraud = payment.fraud_known_s.is_some_and(|known_s| known_s <= event.time_s);
            for (window, days) in WINDOWS_DAYS.iter().enumerate() {
                if (0..days * DAY_S).contains(&age_s) {
                    counts[window] += 1.0;
                    frauds[window] += f64::from(u8::from(fraud));
                }
            }
        }
        for window in 0..3 {
            out[2 * window] = counts[window];
            out[2 * window + 1] = if counts[window] > 0.0 { frauds[window] / counts[window] } else { 0.0 };
        }
    }
}
