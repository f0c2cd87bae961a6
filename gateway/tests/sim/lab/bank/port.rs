//! The acquirer port over a simulated wire: what an adapter sees of an acquirer.

use super::super::facts::{Ended, Op, Sent};
use super::super::faults::{Deed, Fault, Stage};
use super::super::planted::Planted;
use super::super::world::World;
use super::book::{Message, Ruling};
use super::plants;
use super::teller::{Back, Teller};
use gateway_acquirers::Ports;
use gateway_core::acquirer::{
    Abilities, Able, Acquirer, AcquirerRequest, Answer, Approval, ChallengeResult, CustomerAction,
    CustomerPresence, Decline, DeclineCode, LateAnswer, Link, Original, OriginalKind, PendingAnswer, Permit,
    Trace, Transmission, Verb,
};
use gateway_core::money::{Currency, Money};
use gateway_core::ports::BoxFuture;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

/// One acquirer as one life of the process sees it.
pub struct Wire {
    teller: Arc<Teller>,
    ports: Ports,
}

impl Wire {
    /// Connects this process to an acquirer.
    pub fn connect(teller: &Arc<Teller>, ports: &Ports) -> Self {
        let (name, clock, late) = (teller.name, Arc::clone(&ports.clock), Arc::clone(&ports.late));
        let world = Arc::clone(&teller.world);
        teller.connect(Some(Arc::new(move |message: &Message, ruling| {
            let Some(kind) = kind_of(message.op) else { return };
            let reference = plants::astray(&world, message.reference);
            let trace = Trace { stan: stan_of(reference), reference, at: clock.now() };
            let answer = answer(message.reference, ruling, clock.now());
            late.arrived(LateAnswer { acquirer: name.into(), trace, kind, answer });
        })));
        Self { teller: Arc::clone(teller), ports: ports.clone() }
    }

    async fn exchange(&self, request: AcquirerRequest) -> Answer {
        let world = &self.teller.world;
        let deed = deed_of(&request.verb);
        let mut hurt = self.teller.fate(stage_of, deed);
        if hurt == Some(Fault::Challenged) && request.customer == CustomerPresence::Absent {
            hurt = None;
        }
        if self.teller.is_down() {
            world.count((Fault::Outage, Stage::Send, deed));
            hurt = Some(Fault::Outage);
        }
        let message = plants::message(world, message_of(&request));
        let place = sent(world, &request, (&message, hurt));
        plants::remember_card(world, &request);
        let timeout_ms = request.timeout_ms;
        drop(request);
        world.between(Stage::Send, deed).await;
        let answer = match hurt {
            Some(Fault::Refused) => Answer::NotSent("connection refused".to_owned()),
            Some(Fault::Outage) if world.draw(|dice| dice.per_mille(800)) => {
                Answer::NotSent("the acquirer can't be reached".to_owned())
            }
            _leaves => self.wait((message, deed), hurt, (place, timeout_ms)).await,
        };
        world.answered(place, ended(&answer));
        world.between(Stage::Parse, deed).await;
        plants::answer(world, answer)
    }

    async fn wait(
        &self,
        (message, deed): (Message, Deed),
        hurt: Option<Fault>,
        (place, timeout_ms): (usize, u64),
    ) -> Answer {
        let world = &self.teller.world;
        let (sender, receiver) = oneshot::channel();
        let reference = message.reference;
        self.teller.post(message, hurt, (place, sender));
        let strikes = async {
            sleep(Duration::from_millis(world.draw(|dice| dice.between(0, 20)))).await;
            world.between(Stage::Wait, deed).await;
        };
        let (back, ()) = tokio::join!(biased; timeout(Duration::from_millis(timeout_ms), receiver), strikes);
        match back {
            Ok(Ok(Back::Ruling(ruling))) => answer(reference, ruling, self.ports.clock.now()),
            Ok(Ok(Back::Reset)) => Answer::Unknown("the connection was reset".to_owned()),
            Ok(Ok(Back::Garbage)) => Answer::Unknown("the answer can't be read".to_owned()),
            Ok(Err(_)) | Err(_) => Answer::Unknown(format!("no answer within {timeout_ms} ms")),
        }
    }
}

impl Acquirer for Wire {
    fn name(&self) -> &str {
        self.teller.name
    }

    fn abilities(&self) -> Abilities {
        let inquiry = if self.teller.draw.inquiry { Able::Yes } else { Able::No };
        Abilities {
            inquiry,
            partial_capture: Able::Yes,
            multiple_capture: Able::Yes,
            incremental: Able::Yes,
            // When the clock is set ahead by a week, repeats are no longer recognised. Without an inquiry only an operator could go on then.
            repeat_window_ms: if inquiry.is_yes() { 86_400_000 } else { u64::MAX / 4 },
            max_delay_ms: self.teller.draw.max_delay_ms,
        }
    }

    fn link(&self) -> Link {
        if self.teller.is_down() { Link::Down } else { Link::Up }
    }

    fn challenge_answered(&self, trace: Trace, result: ChallengeResult) {
        self.teller.challenged(trace.reference, result == ChallengeResult::Passed);
    }

    fn send<'a>(&'a self, permit: Permit, request: AcquirerRequest) -> BoxFuture<'a, Answer> {
        assert!(permit.covers(&request), "a permit is for one message");
        Box::pin(async move {
            if self.teller.world.has(Planted::AskedByPayingAgain) && matches!(request.verb, Verb::Inquire(_))
            {
                return self.exchange(plants::paid_again(request)).await;
            }
            self.exchange(request).await
        })
    }
}

/// At which step a fault of the wire strikes.
pub const fn stage_of(fault: Fault) -> Stage {
    match fault {
        Fault::Refused
        | Fault::RequestLost
        | Fault::RequestLate
        | Fault::RequestTwice
        | Fault::TornRequest => Stage::Send,
        Fault::Garbled | Fault::OtherAmount => Stage::Parse,
        _other => Stage::Wait,
    }
}

/// Notes that a message is handed to an adapter; its place in the list.
pub fn sent(world: &World, request: &AcquirerRequest, (message, hurt): (&Message, Option<Fault>)) -> usize {
    let durable = world.notes().intents.contains(&request.trace.reference);
    world.sending(Sent {
        at_ms: world.now_ms(),
        life: world.life(),
        reference: request.trace.reference,
        op: message.op,
        about: message.about,
        first: request.transmission == Transmission::First,
        durable,
        ended: None,
        hurt: hurt.is_some(),
        arrived_ms: None,
    })
}

const fn op_of(verb: &Verb) -> Op {
    match verb {
        Verb::Authorize | Verb::Verify => Op::Authorize,
        Verb::Sale => Op::Sale,
        Verb::Increment(_) => Op::Increment,
        Verb::Capture { .. } => Op::Capture,
        Verb::Void(_) => Op::Void,
        Verb::Refund(_) => Op::Refund,
        Verb::Reverse(_) => Op::Reverse,
        Verb::Inquire(_) => Op::Inquire,
    }
}

/// Whether a reversal gives back the rest of a hold: then its original is known to be approved.
const fn is_part(original: &Original) -> bool {
    original.approval.is_some()
}

pub fn deed_of(verb: &Verb) -> Deed {
    match verb {
        Verb::Authorize | Verb::Verify => Deed::Authorize,
        Verb::Sale => Deed::Sale,
        Verb::Increment(_) => Deed::Increment,
        Verb::Capture { .. } => Deed::Capture,
        Verb::Void(_) => Deed::Void,
        Verb::Refund(_) => Deed::Refund,
        Verb::Reverse(original) if is_part(original) => Deed::Release,
        Verb::Reverse(_) => Deed::Reverse,
        Verb::Inquire(_) => Deed::Inquire,
    }
}

pub fn message_of(request: &AcquirerRequest) -> Message {
    let (about, part) = match &request.verb {
        Verb::Authorize | Verb::Sale | Verb::Verify => (None, false),
        Verb::Reverse(original) => (Some(original.trace.reference), is_part(original)),
        Verb::Increment(original)
        | Verb::Capture { original, .. }
        | Verb::Void(original)
        | Verb::Refund(original)
        | Verb::Inquire(original) => (Some(original.trace.reference), false),
    };
    let (reference, op) = (request.trace.reference, op_of(&request.verb));
    Message { reference, op, amount: request.amount.minor, about, part }
}

fn answer(reference: u64, ruling: Ruling, now: gateway_core::Timestamp) -> Answer {
    match ruling {
        Ruling::Approved(minor) => Answer::Approved(Approval {
            amount: Money::new(minor, usd()),
            reference: format!("{reference:012}").into(),
            authorization_code: format!("{:06}", reference % 1_000_000).into(),
            network_transaction_id: None,
            cvc_check: None,
        }),
        Ruling::Declined => Answer::Declined(Decline {
            code: DeclineCode::DoNotHonor,
            network_code: "05".into(),
            cvc_check: None,
        }),
        Ruling::NotFound => Answer::NotFound,
        Ruling::Pending => Answer::Pending(PendingAnswer { until: now.plus_ms(6_500), action: None }),
        Ruling::Asks => Answer::Pending(PendingAnswer {
            until: now.plus_ms(20_000),
            action: Some(CustomerAction::Redirect { url: None }),
        }),
    }
}

fn usd() -> Currency {
    Currency::parse("usd").expect("a currency of ISO 4217")
}

const fn stan_of(reference: u64) -> u32 {
    (reference % 999_999) as u32 + 1
}

pub const fn ended(answer: &Answer) -> Ended {
    match answer {
        Answer::Approved(_) | Answer::Declined(_) => Ended::Known,
        Answer::Pending(_) => Ended::Pending,
        Answer::NotSent(_) => Ended::NotSent,
        Answer::Unknown(_) => Ended::Unknown,
        Answer::NotFound => Ended::NotFound,
    }
}

const fn kind_of(op: Op) -> Option<OriginalKind> {
    match op {
        Op::Authorize => Some(OriginalKind::Authorize),
        Op::Sale => Some(OriginalKind::Sale),
        Op::Increment => Some(OriginalKind::Increment),
        Op::Capture => Some(OriginalKind::Capture),
        Op::Void => Some(OriginalKind::Void),
        Op::Refund => Some(OriginalKind::Refund),
        Op::Reverse | Op::Inquire => None,
    }
}
