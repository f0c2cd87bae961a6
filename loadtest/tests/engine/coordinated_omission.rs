//! A server that stalls for a second and a half: clients that do not wait for each other would all have felt it. An open load must
//! show that; a closed one hides it, which is why it is not the default.

use crate::server::{Posts, Server};
use loadtest::load::engine::Unobserved;
use loadtest::load::{Named, Pace, Plan, Shape, run};
use loadtest::measure::Summary;
use loadtest::wire::{Http, Sources};
use std::time::Duration;

const STALL: (Duration, Duration) = (Duration::from_millis(600), Duration::from_millis(2_100));
const LENGTH: Duration = Duration::from_millis(2_500);
/// Far below what a slow processor can serve: the backlog of the stall must be gone soon after its end.
const RATE: f64 = 200.0;
/// The arrivals of `LENGTH`.
const ARRIVALS: u64 = 500;

fn against_a_stall(pace: Pace, gives_up: Option<Duration>) -> Summary {
    let (server, _begun) = Server::stalling(STALL.0, STALL.1);
    let target = server.target(Http::One);
    let mut plan = Plan::new(target.clone(), pace, LENGTH);
    plan.warmup = Duration::ZERO;
    plan.connections = 4;
    plan.gives_up = gives_up;
    plan.workers = 1;
    plan.sources = Sources::new(1);
    run(&plan, &|_worker| Posts::boxed(&target), &mut Unobserved).expect("the run ends")
}

/// Share of the requests that took longer than 50 ms.
fn slow(summary: &Summary) -> f64 {
    let latency = summary.latency(None);
    1.0 - latency.count_between(0, 50_000) as f64 / latency.len() as f64
}

#[test]
fn an_open_load_shows_the_whole_stall() {
    let shape = Shape::named(Named::Constant, (RATE, 0.0), LENGTH).expect("a shape");
    let summary = against_a_stall(Pace::Open(shape), None);
    assert_eq!(summary.errors(), 0);
    assert_eq!(summary.requests(), ARRIVALS);
    // Of 2.5 s of arrivals, those of the first 1,450 ms of the stall wait longer than 50 ms: 58 in a hundred.
    assert!((0.48..0.78).contains(&slow(&summary)), "{}", slow(&summary));
    assert!(summary.latency(None).value_at_quantile(0.99) > 400_000);
    // Only four of them were in flight; the others waited for a connection, and are said to have been sent late.
    assert!(summary.lateness.connection > 200, "{:?}", summary.lateness);
    assert!(summary.lateness.longest_us > 300_000, "{:?}", summary.lateness);
}

#[test]
fn a_closed_load_hides_it() {
    let summary = against_a_stall(Pace::Closed, None);
    assert_eq!(summary.errors(), 0);
    assert!(summary.requests() > 400, "{}", summary.requests());
    assert!(slow(&summary) < 0.02, "{}", slow(&summary));
}

#[test]
fn who_gives_up_is_counted_as_not_sent_and_nobody_behind_him_waits_longer() {
    let shape = Shape::named(Named::Constant, (RATE, 0.0), LENGTH).expect("a shape");
    let patience = Duration::from_millis(200);
    let summary = against_a_stall(Pace::Open(shape), Some(patience));
    assert_eq!(summary.requests(), ARRIVALS);
    let slices = summary.series.slices();
    let (unsent, errors) = slices.iter().fold((0, 0), |(u, e), slice| (u + slice.unsent, e + slice.errors));
    // The arrivals of the first 1,300 ms of the stall, 260 but for the four that were in flight; and none from after its end.
    assert!((163..281).contains(&unsent) && errors == unsent, "{unsent} of {errors}");
    let answered = summary.answered(200);
    assert_eq!(answered + unsent, ARRIVALS);
}
