//! The plainest load: authorizations of fresh keys, nothing else. Ceiling, growth and overload are measured with it.

use crate::load::workload::Note;
use crate::load::{Action, After, Job, Workload};
use crate::mix::Merchants;
use crate::mix::cards::Cards;
use crate::random::Random;
use crate::wire::{Answer, Loss, Prepared, Target};
use bytes::Bytes;
use http::{HeaderValue, Method, Uri};
use std::io::Write;

/// Cards and their skew.
#[derive(Debug, Clone, Copy)]
pub struct Population {
    pub cards: u64,
    pub card_skew: f64,
}

impl Default for Population {
    fn default() -> Self {
        Self { cards: 200_000, card_skew: 0.8 }
    }
}

/// What tells the keys of this load from all others.
#[derive(Debug, Clone)]
pub struct Series {
    pub seed: u64,
    /// Names the run; letters, digits and `-`.
    pub run: String,
}

/// Authorizations without end.
pub struct Authorizations {
    merchants: Merchants,
    cards: Cards,
    random: Random,
    uri: Uri,
    /// `run-worker-`
    prefix: String,
    count: u64,
}

impl Authorizations {
    /// The share of one thread of the client.
    pub fn new(
        target: &Target,
        merchants: Merchants,
        population: Population,
        (series, worker): (&Series, usize),
    ) -> Self {
        let stream = worker as u64 * 2;
        Self {
            merchants,
            cards: Cards::new(population.cards, population.card_skew, Random::new(series.seed, stream)),
            random: Random::new(series.seed, stream + 1),
            uri: target.uri("/v1/payment_intents"),
            prefix: format!("{}-{worker}-", series.run),
            count: 0,
        }
    }
}

/// The body of an authorization or a sale: about 400 bytes, as an SDK sends them.
pub fn body(number: &[u8], amount_minor: u64, (capture_method, order): (&str, &str)) -> Bytes {
    let mut body = Vec::with_capacity(512);
    write!(
        body,
        "amount={amount_minor}&currency=usd&capture_method={capture_method}&confirm=true\
         &payment_method_data[type]=card&payment_method_data[card][number]="
    )
    .expect("memory takes any text");
    body.extend_from_slice(number);
    write!(
        body,
        "&payment_method_data[card][exp_month]=12&payment_method_data[card][exp_year]=2034\
         &payment_method_data[card][cvc]=314&payment_method_data[billing_details][address][country]=US\
         &payment_method_data[billing_details][address][postal_code]=94107\
         &description=Order+{order}&metadata[order_id]={order}&metadata[channel]=web"
    )
    .expect("memory takes any text");
    body.into()
}

impl Workload for Authorizations {
    fn due(&mut self) -> Job {
        self.count += 1;
        let key = format!("{}{}", self.prefix, self.count);
        let merchant = self.merchants.next(&mut self.random);
        let amount = 100 + self.random.below(20_000);
        let request = Prepared {
            method: Method::POST,
            uri: self.uri.clone(),
            authorization: merchant.authorization.clone(),
            idempotency_key: Some(HeaderValue::from_str(&key).expect("letters, digits and dashes")),
            body: body(&self.cards.draw(), amount, ("manual", &key)),
        };
        Job { action: Action::Authorize, request, hang_up_after: None, note: Note::default(), attempt: 1 }
    }

    fn done(&mut self, _job: &Job, _result: &Result<Answer, Loss>) -> After {
        After::Done
    }
}
