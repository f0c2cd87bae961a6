//! The acquirer behind its wire: messages come to it through a network that loses, delays and doubles, and so do its answers.
//!
//! It runs outside the gateway's process: what it has begun, it ends, whoever is dead by then.

use super::super::facts::Op;
use super::super::faults::{Deed, Fault, Stage};
use super::super::swarm::{BankDraw, Speaks};
use super::super::world::{Phase, World};
use super::book::{Book, Message, Mood, Ruling};
use super::host::Desk;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::sleep;

/// Takes an answer that nobody waits for any more: its message, and the ruling.
pub type LateLine = Arc<dyn Fn(&Message, Ruling) + Send + Sync>;

/// What comes back over the wire.
pub enum Back {
    Ruling(Ruling),
    /// The connection broke.
    Reset,
    /// Bytes that mean nothing.
    Garbage,
}

/// The message's place in the list of those sent, and the way back to its sender.
pub type Line = (usize, oneshot::Sender<Back>);

/// One acquirer.
pub struct Teller {
    pub world: Arc<World>,
    pub name: &'static str,
    pub draw: BankDraw,
    book: Mutex<Book>,
    down: AtomicBool,
    /// Its end of the wires, where it speaks ISO 8583.
    pub desk: Desk,
    /// The process that is connected now, and the way to tell it something unasked.
    line: Mutex<Option<LateLine>>,
}

impl Teller {
    /// An acquirer with an empty book.
    pub fn new(world: &Arc<World>, name: &'static str, draw: BankDraw) -> Arc<Self> {
        let (book, down, line) = (Mutex::default(), AtomicBool::new(false), Mutex::default());
        let desk = Desk::default();
        Arc::new(Self { world: Arc::clone(world), name, draw, book, down, desk, line })
    }

    /// Its book.
    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().expect("nothing panics while it holds this lock")
    }

    /// Goes down or comes back.
    pub fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::Relaxed);
        if down {
            self.desk.cut_all();
        }
    }

    /// Whether it is down.
    pub fn is_down(&self) -> bool {
        self.down.load(Ordering::Relaxed)
    }

    /// Whether an approval stands that it had acknowledged as reversed.
    pub fn insists(&self) -> bool {
        self.book().stands_against_any_reversal()
    }

    /// A process connects, or the connection is gone.
    pub fn connect(&self, line: Option<LateLine>) {
        *self.line.lock().expect("nothing panics while it holds this lock") = line;
    }

    /// One message is handed to the network. The answer, if one comes, comes through `back`; the receiver may be gone by then.
    pub fn post(self: &Arc<Self>, message: Message, hurt: Option<Fault>, back: Line) {
        let teller = Arc::clone(self);
        tokio::spawn(async move { teller.carry(message, hurt, back).await });
    }

    async fn carry(self: Arc<Self>, message: Message, hurt: Option<Fault>, back: Line) {
        let (there, answer_ms) = self.world.draw(|dice| (dice.between(1, 12), dice.between(1, 25)));
        sleep(Duration::from_millis(there)).await;
        if hurt == Some(Fault::RequestLost) || self.is_down() {
            return sleep(Duration::from_secs(60)).await;
        }
        if hurt == Some(Fault::RequestLate) {
            let room = self.draw.max_delay_ms.saturating_sub(self.draw.timeout_ms + 500).max(1);
            let late = self.draw.timeout_ms + self.world.draw(|dice| dice.below(room));
            sleep(Duration::from_millis(late)).await;
        }
        if hurt == Some(Fault::Reset) && self.world.draw(|dice| dice.per_mille(400)) {
            drop(back.1.send(Back::Reset));
            return;
        }
        let ruling = self.decide(&message, hurt);
        if hurt == Some(Fault::RequestTwice) {
            let (again, copy) = (self.world.draw(|dice| dice.between(1, 4_000)), message.clone());
            let teller = Arc::clone(&self);
            tokio::spawn(async move {
                sleep(Duration::from_millis(again)).await;
                teller.decide(&copy, None);
            });
        }
        self.reply((message, ruling), (hurt, answer_ms), back).await;
    }

    async fn reply(
        self: &Arc<Self>,
        (message, ruling): (Message, Ruling),
        (hurt, answer_ms): (Option<Fault>, u64),
        back: Line,
    ) {
        let wait_ms = match hurt {
            Some(Fault::AnswerSlow) => answer_ms + self.draw.timeout_ms / 2,
            Some(Fault::AnswerLate) => {
                self.draw.timeout_ms + self.world.draw(|dice| dice.between(50, 20_000))
            }
            _ordinary => answer_ms,
        };
        sleep(Duration::from_millis(wait_ms)).await;
        match hurt {
            Some(Fault::AnswerLost) => return sleep(Duration::from_secs(60)).await,
            Some(Fault::Reset) => drop(back.1.send(Back::Reset)),
            Some(Fault::Garbled) => drop(back.1.send(Back::Garbage)),
            _delivered => {
                self.world.arrived(back.0);
                if back.1.send(Back::Ruling(ruling)).is_err() {
                    self.tell_late(&message, ruling);
                }
            }
        }
        if hurt == Some(Fault::AnswerTwice) {
            sleep(Duration::from_millis(self.world.draw(|dice| dice.between(1, 3_000)))).await;
            self.tell_late(&message, ruling);
        }
        if ruling == Ruling::Pending {
            self.decide_later(message).await;
        } else if self.book().stands_against_its_reversal(message.reference) {
            self.insist(message, ruling).await;
        }
    }

    fn decide(self: &Arc<Self>, message: &Message, hurt: Option<Fault>) -> Ruling {
        let asks = matches!(message.op, Op::Authorize | Op::Sale | Op::Increment | Op::Refund);
        let declines = if asks { self.draw.declines } else { self.draw.declines / 8 };
        let mood = match hurt {
            Some(Fault::Undecided) => Mood::Later,
            Some(Fault::Challenged) => Mood::Challenge,
            Some(Fault::OtherAmount) if message.op == Op::Increment => Mood::ApproveFor(message.amount + 1),
            Some(Fault::OtherAmount) if asks && message.amount > 1 => Mood::ApproveFor(message.amount - 1),
            _ordinary if self.world.draw(|dice| dice.per_mille(declines)) && self.may_decline(message.op) => {
                Mood::Decline
            }
            _ordinary => Mood::Approve,
        };
        let ruling = self.book().rule(message, mood, self.draw.unseen);
        self.world.trace((self.name, message.reference, format!("{:?} {ruling:?}", message.op)));
        match (hurt, ruling, message.op) {
            // The money is right, only the answer names another amount: a capture can't be undone, it is asked for again.
            (Some(Fault::OtherAmount), Ruling::Approved(amount), Op::Capture) => Ruling::Approved(amount + 1),
            _as_ruled => ruling,
        }
    }

    /// The customer has answered a challenge.
    pub fn challenged(self: &Arc<Self>, reference: u64, passed: bool) {
        let mood = if passed { Mood::Approve } else { Mood::Decline };
        let Some(ruling) = self.book().make_up_its_mind(reference, mood) else { return };
        self.world.trace((self.name, reference, format!("challenged {ruling:?}")));
        let line = self.book().line_of(reference);
        let (teller, wait_ms) = (Arc::clone(self), self.world.draw(|dice| dice.between(1, 400)));
        tokio::spawn(async move {
            sleep(Duration::from_millis(wait_ms)).await;
            if let Some(message) = line {
                teller.tell_late(&message, ruling);
            }
        });
    }

    async fn decide_later(self: &Arc<Self>, message: Message) {
        let (wait_ms, declined) = self.world.draw(|dice| (dice.between(200, 6_000), dice.per_mille(300)));
        sleep(Duration::from_millis(wait_ms)).await;
        let mood = if declined { Mood::Decline } else { Mood::Approve };
        let ruling = self.book().make_up_its_mind(message.reference, mood);
        if let Some(ruling) = ruling {
            self.world.trace((self.name, message.reference, format!("later {ruling:?}")));
            self.tell_late(&message, ruling);
        }
    }

    /// Its settlement shows an approval that it had acknowledged as reversed: it says so until it is reversed once more.
    async fn insist(self: &Arc<Self>, message: Message, ruling: Ruling) {
        while self.book().stands_against_its_reversal(message.reference) {
            self.tell_late(&message, ruling);
            sleep(Duration::from_secs(5)).await;
        }
    }

    fn tell_late(&self, message: &Message, ruling: Ruling) {
        if self.is_down() {
            return;
        }
        let line = self.line.lock().expect("nothing panics while it holds this lock").clone();
        if let Some(line) = line {
            line(message, ruling);
        }
    }

    /// What must be undone is asked for until it is. So is the void of a hold that has run out, which looks like any other: a world in which holds
    /// run out has no acquirer that refuses voids.
    fn may_decline(&self, op: Op) -> bool {
        match op {
            Op::Reverse => false,
            Op::Void => self.world.swarm.rate(Fault::WeekAhead) == 0,
            Op::Authorize | Op::Sale | Op::Increment | Op::Capture | Op::Refund | Op::Inquire => true,
        }
    }

    /// Some faults belong to one way of speaking.
    const fn can_suffer(&self, fault: Fault) -> bool {
        match (self.draw.speaks, fault) {
            (Speaks::Port, Fault::TornRequest | Fault::TornAnswer)
            | (Speaks::Iso8583, Fault::Undecided | Fault::Challenged) => false,
            _any_other => true,
        }
    }

    /// What the wire does to a message, drawn once a message.
    pub fn fate(&self, stage_of: impl Fn(Fault) -> Stage, deed: Deed) -> Option<Fault> {
        if self.world.notes().phase != Phase::Hurt {
            return None;
        }
        let total: u64 = Fault::WIRE.iter().map(|fault| self.world.swarm.rate(*fault)).sum();
        let mut lot = self.world.draw(|dice| dice.below(1000.max(total)));
        for fault in Fault::WIRE {
            let rate = self.world.swarm.rate(fault);
            let pair = (fault, stage_of(fault), deed);
            if lot < rate {
                if !self.can_suffer(fault) || !super::super::faults::is_reachable(pair) {
                    return None;
                }
                self.world.count(pair);
                return Some(fault);
            }
            lot -= rate;
        }
        None
    }
}
