//! Double entry: what each movement posts, and that nothing else does.

use crate::scene::{Say, Scene};
use crate::table::{Step, take};
use gateway_core::acquirer::DeclineCode;
use gateway_core::acquirer::FinalCapture::{No, Yes};
use gateway_core::ledger::held_minor;
use gateway_core::payment::AUTHORIZATION_LIFE_MS;
use gateway_core::payment::CaptureMethod::{self, Automatic, Manual};

const HOLD: Step = Step::Hear(10, Say::Yes(1000));
const NO: Say = Say::No(DeclineCode::GenericDecline);

/// Steps, and what each posts: debits, then credits, and what is held after it.
type Entry = (&'static str, CaptureMethod, &'static [(Step, &'static str, i64)]);

#[rustfmt::skip]
const ENTRIES: &[Entry] = &[
    ("a sale and its refund", Automatic, &[
        (Step::Confirm, "", 0), (HOLD, "Receivable 1000 MerchantPending -1000", 0), (Step::Refund(Some(300)), "", 0),
        (Step::Hear(30, Say::Yes(300)), "Refunds 300 Receivable -300", 0), (Step::Refund(None), "", 0),
        (Step::Hear(50, NO), "", 0)]),
    ("a hold, taken in parts, the rest given back", Manual, &[
        (Step::Confirm, "", 0), (HOLD, "Held 1000 HeldContra -1000", 1000), (Step::Capture(Some(300), No), "", 1000),
        (Step::Hear(30, Say::Yes(300)), "Receivable 300 MerchantPending -300 HeldContra 300 Held -300", 700),
        (Step::Capture(Some(200), Yes), "", 700),
        (Step::Hear(50, Say::Yes(200)), "Receivable 200 MerchantPending -200 HeldContra 700 Held -700", 0),
        (Step::Hear(65, Say::Yes(500)), "", 0)]),
    ("a hold, raised, refused, let go", Manual, &[
        (Step::Confirm, "", 0), (HOLD, "Held 1000 HeldContra -1000", 1000), (Step::Increment(1500), "", 1000),
        (Step::Hear(30, Say::Yes(1500)), "Held 500 HeldContra -500", 1500), (Step::Increment(1600), "", 1500),
        (Step::Hear(50, NO), "", 1500), (Step::Cancel, "", 1500), (Step::Hear(70, NO), "", 1500), (Step::Cancel, "", 1500),
        (Step::Hear(90, Say::Yes(1500)), "HeldContra 1500 Held -1500", 0)]),
    ("a hold that runs out", Manual, &[
        (Step::Confirm, "", 0), (HOLD, "Held 1000 HeldContra -1000", 1000), (Step::Wait(AUTHORIZATION_LIFE_MS), "", 1000),
        (Step::Expire, "", 1000), (Step::Hear(40, Say::Yes(1000)), "HeldContra 1000 Held -1000", 0)]),
    ("a hold that runs out after a part", Manual, &[
        (Step::Confirm, "", 0), (HOLD, "Held 1000 HeldContra -1000", 1000), (Step::Capture(Some(300), No), "", 1000),
        (Step::Hear(30, Say::Yes(300)), "Receivable 300 MerchantPending -300 HeldContra 300 Held -300", 700),
        (Step::Wait(AUTHORIZATION_LIFE_MS), "", 700), (Step::Expire, "HeldContra 700 Held -700", 0),
        (Step::Hear(60, Say::Yes(700)), "", 0)]),
    ("approved in part", Manual, &[
        (Step::TakesPartial, "", 0), (Step::Confirm, "", 0),
        (Step::Hear(20, Say::Yes(600)), "Held 600 HeldContra -600", 600), (Step::Capture(None, Yes), "", 600),
        (Step::Hear(40, Say::Yes(600)), "Receivable 600 MerchantPending -600 HeldContra 600 Held -600", 0)]),
    ("what is reversed was never on the books", Automatic, &[
        (Step::Confirm, "", 0), (Step::Hear(10, Say::Yes(2000)), "", 0), (Step::Hear(25, Say::Yes(2000)), "", 0),
        (HOLD, "", 0), (Step::Hear(45, Say::Yes(2000)), "", 0)]),
];

#[test]
fn each_movement_is_posted_once() {
    for (name, method, steps) in ENTRIES {
        let mut scene = Scene::new(*method);
        for (step, wanted, held) in *steps {
            let known = scene.history.len();
            let line = take(&mut scene, *step);
            assert!(!line.starts_with('!'), "{name}, {step:?}: {line}");
            let posted = scene.history[known..].iter().flat_map(|recorded| &recorded.postings);
            let words: Vec<String> = posted.map(|p| format!("{:?} {}", p.account, p.amount.minor)).collect();
            assert_eq!(words.join(" "), *wanted, "{name}, {step:?}");
            assert_eq!(held_minor(&scene.payment), *held, "{name}, {step:?}");
        }
    }
}
