//! The adapter for operators of wallets: what every adapter must do, as far as a wallet can, and with faults that the operator counts.

use crate::operator::Served;
use crate::request::{World, approved, capture, original, repeated, request, trace, usd};
use crate::suite::send;
use gateway_acquirers::host::wallet::Does;
use gateway_acquirers::host::{Fault, FaultKind};
use gateway_acquirers::simulated::{Settings as SimulatedSettings, Simulated};
use gateway_acquirers::wallet::{Settings, Wallet};
use gateway_core::acquirer::{
    Able, Acquirer, AcquirerRequest, Answer, ChallengeResult, CustomerAction, CustomerPresence, DeclineCode,
    Original, OriginalKind, PendingAnswer, Verb, WalletOrder,
};
use gateway_core::means::{MeansKind, Wallet as Kind};
use std::sync::Arc;

struct Peer {
    served: Served,
    key: tempfile::NamedTempFile,
}

impl Peer {
    async fn listening() -> Peer {
        let world = Arc::new(World::default());
        let served = Served::new((&world.ports()).into(), None, None).await;
        let key = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(key.path(), "operator-key\n").expect("it can be written");
        Peer { served, key }
    }

    fn acquirer(&self) -> Wallet {
        let key = self.key.path().display();
        let text = format!("url = \"http://{}\"\nkey = \"file:{key}\"", self.served.address);
        let settings: Settings = toml::from_str(&text).expect("valid settings");
        Wallet::new("wallet-a", settings).expect("valid settings")
    }

    fn does(&self, number: u64, does: Does) -> bool {
        self.served.operator.decide(&trace(number).reference_text(), does)
    }

    fn fault(&self, kind: FaultKind, message: &str) {
        let fault =
            Fault { times: 1, delay_ms: 600, messages: vec![message.to_owned()], ..Fault::always(kind) };
        self.served.operator.faults().replace(vec![fault]);
    }

    fn delivered(&self) -> u64 {
        self.served.operator.fault_counts().values().sum()
    }
}

fn asked(number: u64, wallet: Kind, verb: Verb) -> AcquirerRequest {
    let return_url = Some("https://shop.example/back".to_owned());
    let wallet = Some(WalletOrder { wallet, return_url });
    AcquirerRequest { card: None, wallet, ..request(number, verb) }
}

fn sale(number: u64) -> AcquirerRequest {
    asked(number, Kind::Alipay, Verb::Sale)
}

fn follow(number: u64, verb: Verb) -> AcquirerRequest {
    asked(number, Kind::Alipay, verb)
}

fn of_sale(number: u64) -> Original {
    Original { kind: OriginalKind::Sale, ..original(number, None) }
}

fn of_refund(number: u64) -> Original {
    Original { kind: OriginalKind::Refund, amount: usd(400), ..original(number, None) }
}

fn waits(answer: Answer) -> PendingAnswer {
    match answer {
        Answer::Pending(pending) => pending,
        other => panic!("expected a customer to be waited for, got {other:?}"),
    }
}

fn no(answer: Answer) -> DeclineCode {
    match answer {
        Answer::Declined(decline) => decline.code,
        other => panic!("expected a decline, got {other:?}"),
    }
}

#[tokio::test]
async fn the_customer_is_sent_to_a_page_or_shown_a_code_and_pays() {
    let peer = Peer::listening().await;
    let acquirer = peer.acquirer();
    let pending = waits(send(&acquirer, sale(1)).await);
    assert!(
        matches!(&pending.action, Some(CustomerAction::Redirect { url: Some(url) }) if url.starts_with("https://"))
    );
    assert!(pending.until > trace(1).at.plus_ms(900_000), "the operator's own end, and a little");
    let scanned = waits(send(&acquirer, asked(2, Kind::WechatPay, Verb::Sale)).await);
    assert!(matches!(scanned.action, Some(CustomerAction::QrCode { text: Some(_) })));
    assert_eq!(waits(send(&acquirer, follow(9, Verb::Inquire(of_sale(1)))).await), pending, "still");
    assert!(peer.does(1, Does::Approve));
    let approval = approved(send(&acquirer, follow(9, Verb::Inquire(of_sale(1)))).await);
    assert_eq!((approval.amount, approval.reference.as_str()), (usd(1_000), "wp_000000000001"));
    // A repeat finds what was made, and what became of it.
    approved(send(&acquirer, sale(1)).await);
}

#[tokio::test]
async fn what_customer_and_operator_say_no_to_keeps_its_reason() {
    let peer = Peer::listening().await;
    let acquirer = peer.acquirer();
    waits(send(&acquirer, sale(1)).await);
    assert!(peer.does(1, Does::Decline));
    assert_eq!(
        no(send(&acquirer, follow(9, Verb::Inquire(of_sale(1)))).await),
        DeclineCode::CustomerDeclined
    );
    waits(send(&acquirer, sale(2)).await);
    assert!(peer.served.operator.expire(&trace(2).reference_text()));
    assert_eq!(no(send(&acquirer, follow(9, Verb::Inquire(of_sale(2)))).await), DeclineCode::AttemptExpired);
    let alone = AcquirerRequest { customer: CustomerPresence::Absent, ..sale(3) };
    assert_eq!(no(send(&acquirer, alone).await), DeclineCode::AuthenticationRequired);
    assert_eq!(send(&acquirer, follow(9, Verb::Inquire(of_sale(3)))).await, Answer::NotFound, "never sent");
}

#[tokio::test]
async fn refunds_stay_within_the_payment_and_are_made_once() {
    let peer = Peer::listening().await;
    let acquirer = peer.acquirer();
    waits(send(&acquirer, sale(1)).await);
    let part =
        |number, minor| AcquirerRequest { amount: usd(minor), ..follow(number, Verb::Refund(of_sale(1))) };
    assert!(matches!(send(&acquirer, part(2, 400)).await, Answer::Declined(_)), "nothing is paid yet");
    peer.does(1, Does::Approve);
    for _again in 0..2 {
        assert_eq!(approved(send(&acquirer, part(3, 400)).await).amount, usd(400));
    }
    assert_eq!(no(send(&acquirer, part(4, 601)).await), DeclineCode::InvalidAmount);
    assert_eq!(approved(send(&acquirer, part(5, 600)).await).amount, usd(600));
    approved(send(&acquirer, follow(9, Verb::Inquire(of_refund(3)))).await);
    assert_eq!(send(&acquirer, follow(9, Verb::Inquire(of_refund(77)))).await, Answer::NotFound);
    approved(send(&acquirer, follow(6, Verb::Reverse(of_refund(3)))).await);
    assert_eq!(approved(send(&acquirer, part(7, 400)).await).amount, usd(400), "it can be paid back again");
}

#[tokio::test]
async fn a_reversal_leaves_nothing_whenever_it_comes() {
    let peer = Peer::listening().await;
    let acquirer = peer.acquirer();
    // While the customer is away, after they have paid, and before the payment came.
    waits(send(&acquirer, sale(1)).await);
    waits(send(&acquirer, sale(2)).await);
    peer.does(2, Does::Approve);
    for (number, of) in [(11, 1), (12, 2), (13, 3)] {
        approved(send(&acquirer, follow(number, Verb::Reverse(of_sale(of)))).await);
        approved(
            send(
                &acquirer,
                AcquirerRequest { wallet: None, card: None, ..repeated(number, Verb::Reverse(of_sale(of))) },
            )
            .await,
        );
    }
    assert!(!peer.does(1, Does::Approve), "nothing is left to approve");
    assert!(matches!(send(&acquirer, sale(3)).await, Answer::Declined(_)), "the door is closed");
    assert!(matches!(send(&acquirer, follow(14, Verb::Refund(of_sale(2)))).await, Answer::Declined(_)));
}

#[tokio::test]
async fn what_it_can_not_do_it_does_not_send() {
    let peer = Peer::listening().await;
    let acquirer = peer.acquirer();
    let able = acquirer.abilities();
    assert_eq!((able.inquiry, able.partial_capture, able.incremental), (Able::Yes, Able::No, Able::No));
    assert!(!acquirer.serves(MeansKind::Card) && acquirer.serves(MeansKind::Wallet(Kind::Alipay)));
    for verb in [
        Verb::Authorize,
        Verb::Verify,
        Verb::Increment(original(1, None)),
        capture(original(1, None)),
        Verb::Void(original(1, None)),
    ] {
        let answer = send(&acquirer, follow(1, verb)).await;
        assert!(matches!(answer, Answer::NotSent(_)), "{answer:?}");
    }
    let card = send(&acquirer, request(2, Verb::Sale)).await;
    assert!(matches!(card, Answer::NotSent(_)), "a card never goes to a wallet: {card:?}");
    let permit = gateway_core::acquirer::Permit::for_test(&sale(1));
    assert!(matches!(acquirer.send(permit, sale(2)).await, Answer::NotSent(_)));
    let gone = send(&peer_less(&peer.key), sale(3)).await;
    assert!(matches!(gone, Answer::NotSent(_)), "nobody is there: {gone:?}");
}

/// An adapter whose operator is not there.
fn peer_less(key: &tempfile::NamedTempFile) -> Wallet {
    let text = format!("url = \"http://127.0.0.1:1\"\nkey = \"file:{}\"", key.path().display());
    let settings: Settings = toml::from_str(&text).expect("valid settings");
    Wallet::new("wallet-a", settings).expect("valid settings")
}

/// Every fault at the creation: what came of it is unknown, and an inquiry tells the truth.
#[tokio::test]
async fn a_fault_while_a_payment_is_made_is_unknown_and_an_inquiry_tells() {
    let faults = [
        (FaultKind::Reset, false),
        (FaultKind::ResetAfter, true),
        (FaultKind::PartialAnswer, true),
        (FaultKind::Lost, false),
        (FaultKind::Silent, true),
        (FaultKind::Late, true),
        (FaultKind::Garbage, true),
        (FaultKind::Respond, false),
    ];
    let peer = Peer::listening().await;
    let acquirer = peer.acquirer();
    for (number, (kind, done)) in (1u64..).zip(faults) {
        peer.fault(kind, "create");
        let answer = send(&acquirer, AcquirerRequest { timeout_ms: 250, ..sale(number) }).await;
        assert!(matches!(answer, Answer::Unknown(_)), "{kind:?}: {answer:?}");
        assert_eq!(peer.delivered(), number, "{kind:?} was not delivered");
        let told = send(&acquirer, follow(900 + number, Verb::Inquire(of_sale(number)))).await;
        match told {
            Answer::Pending(_) => assert!(done, "{kind:?}"),
            Answer::NotFound => assert!(!done, "{kind:?}"),
            other => panic!("{kind:?}: {other:?}"),
        }
    }
}

/// Every fault at a refund and at a reversal: repeated under the same reference, it happens once.
#[tokio::test]
async fn a_fault_at_a_refund_or_a_reversal_makes_no_second_one() {
    let kinds = [
        FaultKind::Reset,
        FaultKind::ResetAfter,
        FaultKind::PartialAnswer,
        FaultKind::Silent,
        FaultKind::Garbage,
        FaultKind::Respond,
    ];
    let peer = Peer::listening().await;
    let acquirer = peer.acquirer();
    for (round, kind) in (1u64..).zip(kinds) {
        let (paid, refund, undo) = (round * 10, round * 10 + 1, round * 10 + 2);
        waits(send(&acquirer, sale(paid)).await);
        peer.does(paid, Does::Approve);
        for (number, verb, at) in [
            (refund, Verb::Refund(of_sale(paid)), "refund"),
            (undo, Verb::Reverse(of_refund(refund)), "reverse_refund"),
        ] {
            let hasty =
                || AcquirerRequest { amount: usd(400), timeout_ms: 250, ..follow(number, verb.clone()) };
            let before = peer.delivered();
            peer.fault(kind, at);
            assert!(matches!(send(&acquirer, hasty()).await, Answer::Unknown(_)), "{kind:?} at {at}");
            assert_eq!(peer.delivered(), before + 1, "{kind:?} was not delivered at {at}");
            approved(send(&acquirer, hasty()).await);
        }
        // The refund was taken back, so all of it can be paid back, once.
        approved(send(&acquirer, follow(round * 10 + 3, Verb::Refund(of_sale(paid)))).await);
        assert_eq!(
            no(send(
                &acquirer,
                AcquirerRequest { amount: usd(1), ..follow(round * 10 + 4, Verb::Refund(of_sale(paid))) }
            )
            .await),
            DeclineCode::InvalidAmount
        );
    }
}

#[tokio::test]
async fn another_amount_is_told_as_it_is() {
    let peer = Peer::listening().await;
    let acquirer = peer.acquirer();
    peer.fault(FaultKind::OtherAmount, "create");
    waits(send(&acquirer, sale(1)).await);
    assert_eq!(peer.delivered(), 1);
    peer.does(1, Does::Approve);
    let approval = approved(send(&acquirer, follow(9, Verb::Inquire(of_sale(1)))).await);
    assert_eq!(approval.amount, usd(999), "what was paid, not what was asked");
}

#[tokio::test]
async fn the_simulated_acquirer_has_wallets_whose_owners_come_to_a_page_of_ours() {
    let world = Arc::new(World::default());
    let acquirer = Simulated::new("simulated", SimulatedSettings::default(), &world.ports());
    let ours = |wallet| match wallet {
        Kind::Alipay => Some(CustomerAction::Redirect { url: None }),
        Kind::WechatPay => Some(CustomerAction::QrCode { text: None }),
    };
    for (number, wallet) in (1u64..).zip(Kind::ALL) {
        assert_eq!(waits(send(&acquirer, asked(number, wallet, Verb::Sale)).await).action, ours(wallet));
    }
    acquirer.challenge_answered(trace(1), ChallengeResult::Passed);
    acquirer.challenge_answered(trace(2), ChallengeResult::Failed);
    approved(send(&acquirer, follow(9, Verb::Inquire(of_sale(1)))).await);
    assert_eq!(
        no(send(&acquirer, follow(9, Verb::Inquire(of_sale(2)))).await),
        DeclineCode::CustomerDeclined
    );
    let refund = AcquirerRequest { amount: usd(400), ..follow(3, Verb::Refund(of_sale(1))) };
    approved(send(&acquirer, refund).await);
    let alone = AcquirerRequest { customer: CustomerPresence::Absent, ..sale(4) };
    assert_eq!(no(send(&acquirer, alone).await), DeclineCode::AuthenticationRequired);
    assert!(
        matches!(send(&acquirer, follow(5, Verb::Authorize)).await, Answer::Declined(_)),
        "it holds nothing"
    );
}
