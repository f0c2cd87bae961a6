//! The domain against an acquirer's book: messages and answers are delayed, lost, doubled and overtaken; then all is delivered, and the
//! two must agree on every cent.

mod bank;

use crate::scene::{Say, Scene};
use bank::{Bank, Mood, Packet, What};
use gateway_core::Status;
use gateway_core::acquirer::FinalCapture::{No, Yes};
use gateway_core::acquirer::{DeclineCode, Transmission};
use gateway_core::payment::{
    AUTHORIZATION_LIFE_MS, AttemptState, CancellationReason, CaptureMethod, Command, Event, OpenKind,
};
use proptest::prelude::*;
use std::cell::Cell;
use std::collections::BTreeSet;

struct Answer {
    reference: u64,
    approved: Option<i64>,
}

struct World {
    scene: Scene,
    bank: Bank,
    packets: Vec<Packet>,
    answers: Vec<Answer>,
    sent: BTreeSet<u64>,
    late: u32,
}

impl World {
    fn new(manual: bool) -> Self {
        let method = if manual { CaptureMethod::Manual } else { CaptureMethod::Automatic };
        let (packets, answers) = (Vec::new(), Vec::new());
        Self {
            scene: Scene::new(method),
            bank: Bank::default(),
            packets,
            answers,
            sent: BTreeSet::new(),
            late: 0,
        }
    }

    /// Runs a command under the next number, and sends what it leaves outstanding for the first time.
    fn run(&mut self, command: impl FnOnce(&Scene) -> Command) {
        self.scene.step += 1;
        let command = command(&self.scene);
        if self.scene.run(command).is_ok() {
            self.late += u32::from(self.scene.events.iter().any(|e| matches!(e, Event::LateApproval { .. })));
        }
        let fresh: Vec<u64> = self.scene.payment.open.iter().map(|o| o.trace.reference).collect();
        for reference in fresh {
            if self.sent.insert(reference) {
                self.send(reference);
            }
        }
    }

    fn send(&mut self, reference: u64) {
        let p = &self.scene.payment;
        let Some(open) = p.open_by_reference(reference) else { return };
        let minor = match &open.kind {
            OpenKind::Authorize | OpenKind::Sale | OpenKind::Void { .. } => p.amount.minor,
            OpenKind::Increment { total_minor } => *total_minor,
            OpenKind::Capture { amount_minor, .. }
            | OpenKind::Reverse { amount_minor, .. }
            | OpenKind::Release { amount_minor } => *amount_minor,
            OpenKind::Refund { refund } => {
                p.refunds.iter().find(|r| r.id.0 == *refund).expect("it was intended").amount_minor
            }
        };
        self.packets.push(Packet { reference, attempt: open.attempt, kind: open.kind.clone(), minor });
    }

    fn arrive(&mut self, index: usize, mood: Mood) {
        if self.packets.is_empty() {
            return;
        }
        let packet = self.packets.remove(index % self.packets.len());
        let approved = self.bank.receive(&packet, mood);
        self.answers.push(Answer { reference: packet.reference, approved });
    }

    fn tell(&mut self, (reference, approved): (u64, Option<i64>), transmission: Transmission) {
        let say = approved.map_or(Say::No(DeclineCode::GenericDecline), Say::Yes);
        self.run(|scene| scene.conclude(reference, say, transmission));
    }

    fn hear(&mut self, index: usize) {
        if !self.answers.is_empty() {
            let Answer { reference, approved } = self.answers.remove(index % self.answers.len());
            self.tell((reference, approved), Transmission::First);
        }
    }

    /// Loses an answer. That of an original which its own reversal overtook is never lost: nothing else tells of it.
    fn lose_answer(&mut self, index: usize) {
        if self.answers.is_empty() {
            return;
        }
        let index = index % self.answers.len();
        if !self.bank.overtaken.contains(&self.answers[index].reference) {
            self.answers.remove(index);
        }
    }

    /// The resolver looks at an outstanding message: an advice is sent again, anything else inquired.
    fn resolve(&mut self, reference: u64) {
        let Some(open) = self.scene.payment.open_by_reference(reference) else { return };
        let inquire = match &open.kind {
            OpenKind::Authorize | OpenKind::Sale | OpenKind::Increment { .. } | OpenKind::Refund { .. } => {
                true
            }
            OpenKind::Capture { .. }
            | OpenKind::Void { .. }
            | OpenKind::Reverse { .. }
            | OpenKind::Release { .. } => false,
        };
        self.run(|scene| scene.retry(reference));
        if !inquire {
            return self.send(reference);
        }
        match self.bank.book.get(&reference) {
            Some(entry) => self.tell((reference, entry.approved), Transmission::Repeat),
            None => {
                let may_arrive = self.packets.iter().any(|packet| packet.reference == reference);
                let say = if may_arrive { Say::Unknown } else { Say::NotFound };
                self.run(|scene| scene.conclude(reference, say, Transmission::Repeat));
            }
        }
    }

    fn open(&self, index: usize) -> u64 {
        let open = &self.scene.payment.open;
        if open.is_empty() { 7 } else { open[index % open.len()].trace.reference }
    }

    fn hurt(&mut self, (act, index, share): (u8, usize, i64)) {
        let some = Some(share);
        match act {
            0..4 => self.run(Scene::confirm),
            4..6 => self.run(|_| crate::table::update_card()),
            6..9 => self.run(|s| s.capture(some, No)),
            9 => self.run(|s| s.capture(some, Yes)),
            10 => self.run(|s| s.capture(None, Yes)),
            11 if index % 4 == 0 => self.run(|s| s.cancel(CancellationReason::Duplicate)),
            11 => self.run(|s| s.increment(s.payment.amount.minor + share)),
            12..15 => self.run(|s| s.refund(some)),
            15..28 => self.arrive(index, if index % 11 == 0 { Mood::Stingy } else { Mood::Generous }),
            28 => self.arrive(index, Mood::Refusing),
            29..40 => self.hear(index),
            40 if !self.packets.is_empty() => {
                let lost = index % self.packets.len();
                self.packets.remove(lost);
            }
            41 => self.lose_answer(index),
            42..44 if !self.answers.is_empty() => {
                let Answer { reference, approved } = self.answers[index % self.answers.len()];
                self.answers.push(Answer { reference, approved });
            }
            44..46 => {
                let reference = self.open(index);
                self.run(|s| s.conclude(reference, Say::Unknown, Transmission::First));
            }
            46..50 => {
                let reference = self.open(index);
                self.run(|s| s.reverse(reference));
            }
            50..53 => self.resolve(self.open(index)),
            53 => self.scene.now = self.scene.now.plus_ms(AUTHORIZATION_LIFE_MS / 8),
            _rest => self.run(Scene::expire),
        }
    }

    fn heal(&mut self) {
        for _ in 0..50 {
            while !self.packets.is_empty() {
                self.arrive(0, Mood::Generous);
            }
            while !self.answers.is_empty() {
                self.hear(0);
            }
            if self.scene.payment.open.is_empty() && self.packets.is_empty() {
                return;
            }
            let open: Vec<u64> = self.scene.payment.open.iter().map(|o| o.trace.reference).collect();
            open.into_iter().for_each(|reference| self.resolve(reference));
        }
        panic!("still outstanding: {:?}", self.scene.payment.open);
    }

    fn audit(&self) {
        let (p, bank) = (&self.scene.payment, &self.bank);
        let mut approvals: Vec<u16> = bank
            .standing(What::Hold)
            .chain(bank.standing(What::Sale))
            .map(|(_, entry)| entry.attempt)
            .collect();
        approvals.sort_unstable();
        let known: Vec<u16> =
            p.attempts.iter().filter(|a| a.approval().is_some()).map(|a| a.number).collect();
        assert_eq!(approvals, known, "an approval that stands is one that the gateway took");
        assert!(known.len() <= 1, "at most one");
        // A raise names the new total.
        let total = [What::Hold, What::Sale, What::Raise]
            .map(|what| bank.largest(what))
            .into_iter()
            .max()
            .unwrap_or(0);
        let approved = p.attempts.iter().filter_map(|a| a.approval()).map(|a| a.amount.minor).sum::<i64>();
        assert_eq!(total, approved, "the same total");
        let taken = bank.sum(What::Capture) + bank.sum(What::Sale);
        assert_eq!(taken, p.captured_minor(), "captured");
        assert_eq!(bank.sum(What::Refund), p.refunded_minor(), "refunded");
        assert_eq!(p.refunded_minor(), p.refunded_or_reserved_minor(), "nothing is reserved any more");
        let rest = total - taken;
        let (voids, releases) = (bank.standing(What::Void).count(), bank.sum(What::Release));
        let (let_go, given_back) = match p.attempt().map(|a| (&a.state, a.closed)) {
            Some((AttemptState::Authorized(_), true)) => (0, rest),
            Some((AttemptState::Voided(_) | AttemptState::Expired(_), _)) => (1, 0),
            Some((AttemptState::Authorized(_), false))
            | Some((AttemptState::Failed(_) | AttemptState::Abandoned, _))
            | None => (0, 0),
            Some((AttemptState::Open, _)) => panic!("nothing is open after all was told"),
        };
        assert_eq!((voids, releases), (let_go, given_back), "what is not held is let go at the acquirer too");
        assert_ne!(p.status(), Status::Processing);
    }
}

thread_local! {
    static SEEN: Cell<[u32; 4]> = const { Cell::new([0; 4]) };
}

#[test]
fn after_any_trouble_both_books_agree() {
    const CASES: u32 = 4000;
    let config = ProptestConfig { max_shrink_iters: 4000, ..ProptestConfig::with_cases(CASES) };
    let acts = proptest::collection::vec((0u8..55, 0usize..64, 1i64..600), 20..120);
    proptest!(config, |(manual in prop::bool::weighted(0.7), acts in acts)| {
        let mut world = World::new(manual);
        acts.into_iter().for_each(|act| world.hurt(act));
        world.heal();
        world.audit();
        let reversed = world.bank.book.values().any(|entry| entry.reversed);
        let overtaken = !world.bank.overtaken.is_empty();
        let captured = world.scene.payment.captured_minor() > 0;
        SEEN.with(|seen| {
            let [late, undone, crossed, paid] = seen.get();
            seen.set([late + world.late, undone + u32::from(reversed), crossed + u32::from(overtaken), paid + u32::from(captured)]);
        });
    });
    let [late, undone, crossed, paid] = SEEN.with(Cell::get);
    println!(
        "{CASES} payments: {paid} captured, {undone} reversed, {crossed} overtaken, {late} late approvals"
    );
    assert!(late > 100 && undone > 100 && crossed > 100 && paid > CASES / 5, "the trouble is real");
}
