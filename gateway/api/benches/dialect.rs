//! What the dialect costs a request: decoding a typical creation, its canonical form, and rendering its answer.
//!
//! `cargo bench -p gateway-api` prints the best of several rounds in nanoseconds; it is quiet enough to compare two
//! commits on one machine, and nothing else.

use gateway_api::form::{CardSecret, Encoding, Redaction};
use gateway_api::objects::{self, Expandable, Metadata, PaymentIntent};
use gateway_api::params::CreatePaymentIntent;
use gateway_api::{ApiError, DeclineCode, Params, decode};
use std::hint::black_box;
use std::time::Instant;

const BODY: &[u8] = b"amount=2000&currency=usd&confirm=true&capture_method=manual&payment_method_data[type]=card\
    &payment_method_data[card][number]=4242424242424242&payment_method_data[card][exp_month]=12\
    &payment_method_data[card][exp_year]=2034&payment_method_data[card][cvc]=123&description=Order+6735\
    &metadata[order_id]=6735&automatic_payment_methods[enabled]=true&automatic_payment_methods[allow_redirects]=never";

const SMALL: &[u8] =
    b"amount=2000&currency=usd&confirm=true&capture_method=manual&payment_method=pm_card_visa";

fn main() {
    println!("decode a creation with card details ({} bytes): {} ns", BODY.len(), best(|| decoded(BODY)));
    println!("decode a creation with a saved card ({} bytes): {} ns", SMALL.len(), best(|| decoded(SMALL)));
    println!(
        "the tree alone: {} ns",
        best(|| {
            black_box(Params::from_body(Encoding::Form, black_box(BODY))).ok();
        })
    );
    println!("canonical form: {} ns", best_of_canonical());
    println!("render the answer ({} bytes): {} ns", rendered_bytes(), best_of_rendering());
    println!(
        "render a decline: {} ns",
        best(|| {
            black_box(ApiError::declined(DeclineCode::GenericDecline).with_charge("ch_1").to_json());
        })
    );
}

fn decoded(body: &[u8]) {
    let params = Params::from_body(Encoding::Form, black_box(body)).expect("a valid body");
    black_box(decode::<CreatePaymentIntent<'_>>(&params).expect("valid parameters"));
}

fn best_of_canonical() -> u128 {
    let params = Params::from_body(Encoding::Form, BODY).expect("a valid body");
    best(|| {
        let mut out = Vec::new();
        params.canonical(&mut out, &mut |secret, _| match secret {
            CardSecret::Number => Redaction::Replace([7; 16]),
            CardSecret::VerificationCode => Redaction::Omit,
        });
        black_box(out.len());
    })
}

fn intent(metadata: &[(String, String)]) -> PaymentIntent<'_> {
    PaymentIntent {
        id: "pi_3QkYc2LkdIwHu7ix0XbqzU9p",
        amount: 2000,
        amount_capturable: 2000,
        capture_method: "manual",
        client_secret: Some("pi_3QkYc2LkdIwHu7ix0XbqzU9p_secret_8Bp2mFzQ0sWnqYd7VtRk1LxJc"),
        created: 1_763_600_000,
        currency: "usd",
        description: Some("Order 6735"),
        latest_charge: Some(Expandable::Id("ch_3QkYc2LkdIwHu7ix0kVw9Z2A")),
        metadata: Metadata::Pairs(metadata),
        payment_method: Some(Expandable::Id("pm_1QkYc2LkdIwHu7ixLx8bTq4N")),
        status: "requires_capture",
        ..PaymentIntent::default()
    }
}

fn rendered_bytes() -> usize {
    objects::to_json(&intent(&[("order_id".to_owned(), "6735".to_owned())])).len()
}

fn best_of_rendering() -> u128 {
    let metadata = [("order_id".to_owned(), "6735".to_owned())];
    let mut out = Vec::with_capacity(4096);
    best(|| {
        out.clear();
        objects::write(black_box(&intent(&metadata)), &mut out);
        black_box(out.len());
    })
}

/// The fastest of 20 rounds of 5,000, in nanoseconds a call.
fn best(mut work: impl FnMut()) -> u128 {
    const CALLS: u32 = 5_000;
    let round = |work: &mut dyn FnMut()| {
        let start = Instant::now();
        for _ in 0..CALLS {
            work();
        }
        start.elapsed().as_nanos() / u128::from(CALLS)
    };
    (0..20).map(|_| round(&mut work)).min().unwrap_or_default()
}
