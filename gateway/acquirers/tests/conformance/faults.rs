//! Every fault at the peer, counted there, and what the adapter may say of it. A fault that was not delivered fails the run.

use crate::peer::{Peer, free_port, until};
use crate::request::{VISA, World, approved, capture, card, original, request, usd};
use crate::suite::send;
use gateway_acquirers::host::{Fault, FaultKind, Line};
use gateway_acquirers::iso8583::{Iso8583, Settings};
use gateway_core::acquirer::{Acquirer, AcquirerRequest, Answer, Link, OriginalKind, Verb};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

/// One payment under one fault, with 300 ms of patience.
async fn under(peer: &Peer, acquirer: &Iso8583, fault: Fault) -> Answer {
    let kind = fault.kind;
    let before = peer.host.fault_counts().get(&kind).copied().unwrap_or(0);
    peer.host.faults().replace(vec![Fault { times: 1, ..fault }]);
    until("it is signed on", || acquirer.link() == Link::Up).await;
    let number = 1_000 + peer.host.requests();
    let answer =
        send(acquirer, AcquirerRequest { timeout_ms: 300, ..request(number, Verb::Authorize) }).await;
    let after = peer.host.fault_counts().get(&kind).copied().unwrap_or(0);
    assert_eq!(after, before + 1, "{kind:?} was not delivered");
    answer
}

#[tokio::test]
async fn what_may_have_been_done_is_unknown() {
    let peer = Peer::listening().await;
    let acquirer = peer.acquirer();
    let kinds = [
        FaultKind::Reset,
        FaultKind::ResetAfter,
        FaultKind::PartialAnswer,
        FaultKind::Lost,
        FaultKind::Silent,
        FaultKind::Late,
        FaultKind::Anothers,
        FaultKind::Garbage,
    ];
    for kind in kinds {
        let answer = under(&peer, &acquirer, Fault { delay_ms: 400, ..Fault::always(kind) }).await;
        assert!(matches!(answer, Answer::Unknown(_)), "{kind:?}: {answer:?}");
    }
}

#[tokio::test]
async fn a_response_code_means_what_the_table_says() {
    let peer = Peer::listening().await;
    let acquirer = peer.acquirer();
    for (code, retry) in
        [("91", true), ("96", true), ("05", false), ("51", false), ("12", false), ("Z9", false)]
    {
        let fault = Fault { code: code.to_owned(), ..Fault::always(FaultKind::Respond) };
        let Answer::Declined(decline) = under(&peer, &acquirer, fault).await else { panic!("{code}") };
        assert_eq!((decline.network_code.as_str(), decline.code.may_retry()), (code, retry));
    }
    let fault = Fault { code: "68".to_owned(), ..Fault::always(FaultKind::Respond) };
    assert!(matches!(under(&peer, &acquirer, fault).await, Answer::Unknown(_)));
    let fault = Fault { code: "10".to_owned(), ..Fault::always(FaultKind::Respond) };
    assert_eq!(approved(under(&peer, &acquirer, fault).await).amount, usd(1_000));
}

#[tokio::test]
async fn another_amount_is_told_as_it_is() {
    let peer = Peer::listening().await;
    let acquirer = peer.acquirer();
    let answer = under(&peer, &acquirer, Fault::always(FaultKind::OtherAmount)).await;
    assert_eq!(approved(answer).amount, usd(999));
}

#[tokio::test]
async fn a_late_answer_reaches_the_sink_with_its_trace() {
    let peer = Peer::listening().await;
    let acquirer = peer.acquirer();
    let answer = under(&peer, &acquirer, Fault { delay_ms: 400, ..Fault::always(FaultKind::Late) }).await;
    assert!(matches!(answer, Answer::Unknown(_)));
    until("the late answer", || peer.world.late().len() == 1).await;
    let late = &peer.world.late()[0];
    assert_eq!((late.acquirer.as_str(), late.kind), ("bank-a", OriginalKind::Authorize));
    assert_eq!(late.trace, crate::request::trace(1_000));
    assert_eq!(approved(late.answer.clone()).amount, usd(1_000));
}

#[tokio::test]
async fn the_second_of_two_answers_changes_nothing_and_is_told() {
    let peer = Peer::listening().await;
    let acquirer = peer.acquirer();
    let first = approved(under(&peer, &acquirer, Fault::always(FaultKind::Doubled)).await);
    until("the second answer", || peer.world.late().len() == 1).await;
    assert_eq!(approved(peer.world.late()[0].answer.clone()), first);
}

#[tokio::test]
async fn an_answer_from_before_a_restart_is_told_as_far_as_it_goes() {
    let peer = Peer::listening().await;
    let before = peer.acquirer();
    under(&peer, &before, Fault { delay_ms: 300, ..Fault::always(FaultKind::Anothers) }).await;
    until("the stray answer", || !peer.world.late().is_empty()).await;
    let stray = &peer.world.late()[0];
    assert_eq!(
        (stray.trace.reference, stray.trace.stan),
        (999_999_999_999, crate::request::trace(1_000).stan)
    );
    assert_eq!(approved(stray.answer.clone()).amount, usd(1_000));
}

#[tokio::test]
async fn refused_is_not_sent_and_traffic_returns_when_the_host_does() {
    let address = free_port().await.to_string();
    let world = Arc::new(World::default());
    let settings = Settings { reconnect_min_ms: 10, reconnect_max_ms: 50, ..Settings::at(&address) };
    let acquirer = Iso8583::connect("bank-a", settings, &world.ports()).expect("valid settings");
    let answer = send(&*acquirer, request(1, Verb::Authorize)).await;
    assert!(matches!(answer, Answer::NotSent(_)), "{answer:?}");
    assert_eq!(acquirer.link(), Link::Down);

    let peer = Peer::at(&address, Default::default(), None).await;
    until("it is signed on", || acquirer.link() == Link::Up).await;
    approved(send(&*acquirer, request(1, Verb::Authorize)).await);
    assert_eq!(peer.host.requests(), 1, "what was not sent never arrived");
}

#[tokio::test]
async fn a_host_that_never_answers_the_sign_on_gets_no_traffic() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let world = Arc::new(World::default());
    let address = listener.local_addr().expect("bound").to_string();
    let settings = Settings { connect_timeout_ms: 200, ..Settings::at(&address) };
    let acquirer = Iso8583::connect("bank-a", settings, &world.ports()).expect("valid settings");
    let _silent = listener.accept().await.expect("it connects");
    let answer = send(&*acquirer, request(1, Verb::Authorize)).await;
    assert!(matches!(answer, Answer::NotSent(_)), "{answer:?}");
}

#[tokio::test]
async fn a_full_window_is_not_sent_and_a_silent_host_is_left() {
    let peer = Peer::listening().await;
    let settings = Settings { window: 2, echo_idle_ms: 2_000, connect_timeout_ms: 2_000, ..peer.settings() };
    let acquirer = peer.signed_on(settings).await;
    peer.host.faults().replace(vec![Fault::always(FaultKind::Silent)]);
    let hasty = |number, timeout_ms| AcquirerRequest { timeout_ms, ..request(number, Verb::Authorize) };
    // It gives up long before one of the others gives its place back.
    let third = async {
        until("both places are taken", || peer.host.requests() == 2).await;
        send(&*acquirer, hasty(3, 100)).await
    };
    let (a, b, c) = tokio::join!(send(&*acquirer, hasty(1, 3_000)), send(&*acquirer, hasty(2, 3_000)), third);
    assert!(matches!((&a, &b), (Answer::Unknown(_), Answer::Unknown(_))), "{a:?} {b:?}");
    assert!(matches!(c, Answer::NotSent(_)), "{c:?}");
    assert_eq!(peer.host.requests(), 2, "what was not sent never arrived");
    peer.host.faults().replace(Vec::new());
    approved(send(&*acquirer, request(4, Verb::Authorize)).await);
}

/// A host that signs on and then never reads again: what its socket has no room for was not sent.
#[tokio::test]
async fn what_a_stuck_host_did_not_take_was_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let world = Arc::new(World::default());
    let address = listener.local_addr().expect("bound").to_string();
    // No echo, however long the machine takes: it would count as a message that arrived.
    let echo_idle_ms = 3_600_000;
    let settings = Settings { window: 1_000_000, queue: 1_000_000, echo_idle_ms, ..Settings::at(&address) };
    let acquirer = Iso8583::connect("bank-a", settings, &world.ports()).expect("valid settings");
    let (mut socket, _) = listener.accept().await.expect("it connects");
    let mut request_bytes = [0u8; 64];
    let read = tokio::io::AsyncReadExt::read(&mut socket, &mut request_bytes).await.expect("the sign-on");
    let mut answer = request_bytes[..read].to_vec();
    answer[4] = b'1';
    // The answer is the request with its type changed, 39 in the bitmap and its value before field 70's.
    answer[6 + 4] |= 0x02;
    let at = answer.len() - 3;
    answer.splice(at..at, *b"00");
    let length = u16::try_from(answer.len() - 2).expect("short").to_be_bytes();
    answer[..2].copy_from_slice(&length);
    socket.write_all(&answer).await.expect("it listens");
    until("it is signed on", || acquirer.link() == Link::Up).await;

    let mut sends = Vec::new();
    for number in 1..=60_000u64 {
        let acquirer = Arc::clone(&acquirer);
        sends.push(tokio::spawn(async move {
            send(&*acquirer, AcquirerRequest { timeout_ms: 1_500, ..request(number, Verb::Authorize) }).await
        }));
    }
    let (mut unknown, mut not_sent) = (0u64, 0u64);
    for task in sends {
        match task.await.expect("no panic") {
            Answer::Unknown(_) => unknown += 1,
            Answer::NotSent(_) => not_sent += 1,
            other => panic!("{other:?}"),
        }
    }
    // Exactly those messages of which the host can read at least a byte are unknown.
    drop(acquirer);
    let mut taken = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut socket, &mut taken)
        .await
        .expect("what was written before the end");
    let (mut at, mut arrived) = (0usize, 0u64);
    while at < taken.len() {
        arrived += 1;
        at += taken.get(at..at + 2).map_or(2, |head| 2 + usize::from(u16::from_be_bytes([head[0], head[1]])));
    }
    assert!(not_sent > 0, "the socket took everything");
    assert_eq!(unknown, arrived, "{not_sent} not sent");
}

#[tokio::test]
async fn the_hosts_book_tells_what_happened_and_survives_its_restart() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("book.jsonl");
    let address = free_port().await.to_string();
    let first = Peer::at(&address, Default::default(), Some(&path)).await;
    let acquirer = first.signed_on(first.settings()).await;
    let approval = approved(send(&*acquirer, request(1, Verb::Authorize)).await);
    let hold = original(1, Some(approval));
    let part = AcquirerRequest { amount: usd(600), ..request(2, capture(hold.clone())) };
    approved(send(&*acquirer, part).await);
    let declined = AcquirerRequest { card: Some(card("4000000000009995")), ..request(3, Verb::Authorize) };
    assert!(matches!(send(&*acquirer, declined).await, Answer::Declined(_)));
    drop((acquirer, first));

    let second = Peer::at("127.0.0.1:0", Default::default(), Some(&path)).await;
    let acquirer = second.signed_on(second.settings()).await;
    let again = AcquirerRequest { amount: usd(600), ..crate::request::repeated(2, capture(hold.clone())) };
    approved(send(&*acquirer, again).await);
    let more = AcquirerRequest { amount: usd(500), ..request(4, capture(hold.clone())) };
    assert!(matches!(send(&*acquirer, more).await, Answer::Declined(_)), "600 of 1,000 are taken");
    approved(send(&*acquirer, AcquirerRequest { amount: usd(400), ..request(5, capture(hold)) }).await);

    let text = std::fs::read_to_string(&path).expect("the book");
    let lines: Vec<Line<'_>> = text.lines().map(|line| serde_json::from_str(line).expect("a line")).collect();
    let told: Vec<_> =
        lines.iter().map(|line| (&*line.op, &*line.reference, line.amount_minor, &*line.result)).collect();
    let (one, three) = ("000000000001", "000000000003");
    assert_eq!(
        told,
        [
            ("authorize", one, 1_000, "approved"),
            ("capture", one, 600, "approved"),
            ("authorize", three, 1_000, "declined"),
            ("capture", one, 500, "declined"),
            ("capture", one, 400, "approved"),
        ]
    );
    assert!(!text.contains(VISA) && !text.contains("4000000000009995"));
}

#[tokio::test]
async fn many_at_once_each_get_their_own_answer() {
    let peer = Peer::listening().await;
    let settings = Settings { connections: 2, window: 64, ..peer.settings() };
    let acquirer = peer.signed_on(settings).await;
    let sends: Vec<_> = (1..=2_000u64)
        .map(|number| {
            let acquirer = Arc::clone(&acquirer);
            let minor = i64::try_from(number).expect("small") + 100;
            let request = AcquirerRequest {
                amount: usd(minor),
                timeout_ms: 10_000,
                ..request(number, Verb::Authorize)
            };
            tokio::spawn(async move { (number, minor, send(&*acquirer, request).await) })
        })
        .collect();
    for task in sends {
        let (number, minor, answer) = task.await.expect("no panic");
        let approval = approved(answer);
        assert_eq!((approval.amount, approval.reference), (usd(minor), format!("{number:012}").into()));
    }
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert!(peer.world.late().is_empty());
}
