//! The engine sends what the plan says: all of it, no more, over both versions of HTTP.

use crate::server::{Posts, Server};
use loadtest::load::engine::Unobserved;
use loadtest::load::{Named, Pace, Plan, Shape, run};
use loadtest::measure::Summary;
use loadtest::wire::{Http, Sources, Target};
use std::time::Duration;

fn drive(target: Target, pace: Pace, connections: usize) -> Summary {
    let mut plan = Plan::new(target.clone(), pace, Duration::from_millis(800));
    plan.warmup = Duration::from_millis(200);
    plan.connections = connections;
    plan.workers = 2;
    plan.sources = Sources::new(8);
    run(&plan, &|_worker| Posts::boxed(&target), &mut Unobserved).expect("the run ends")
}

#[test]
fn an_open_load_sends_each_arrival_once() {
    for http in [Http::One, Http::Two] {
        let server = Server::bare(500, 0);
        let shape = Shape::named(Named::Poisson, (1_500.0, 0.0), Duration::from_secs(1)).expect("a shape");
        let summary = drive(server.target(http), Pace::Open(shape), 8);
        assert_eq!(summary.requests(), summary.intended as u64, "{http:?}");
        assert_eq!(summary.errors(), 0, "{http:?}: {:?}", summary.causes);
        assert!((900..1_500).contains(&summary.requests()), "{http:?}: {}", summary.requests());
        let due: u64 = summary.series.slices().iter().map(|slice| slice.due).sum();
        assert!(due > summary.requests(), "{http:?}: the warm-up is in the series too");
        assert_eq!(summary.answered(200), due, "{http:?}");
    }
}

#[test]
fn a_closed_load_keeps_every_connection_busy() {
    for http in [Http::One, Http::Two] {
        let server = Server::bare(2_000, 600);
        let summary = drive(server.target(http), Pace::Closed, 4);
        assert!(summary.requests() > 200, "{http:?}: {}", summary.requests());
        assert_eq!(summary.errors(), 0, "{http:?}");
    }
}

#[test]
fn a_target_that_is_not_there_is_said_so() {
    let server = Server::bare(10, 0);
    let mut target = server.target(Http::One);
    let unused = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    target.address = unused.local_addr().expect("an address");
    drop(unused);
    let plan = Plan::new(target.clone(), Pace::Closed, Duration::from_millis(100));
    let failed = run(&plan, &|_worker| Posts::boxed(&target), &mut Unobserved).expect_err("nobody listens");
    assert!(failed.to_string().contains("connecting to 127.0.0.1"), "{failed}");
}
