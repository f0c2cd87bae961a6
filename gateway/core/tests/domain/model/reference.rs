//! A payment as sets of facts: what was tried, what is under way, what was paid back. It shares no code with the domain.

use std::collections::BTreeMap;

const LIFE: i64 = 7 * 24 * 3600 * 1000;
const PENDING: i64 = 60_000;
const LARGEST: i64 = 99_999_999;

/// What an acquirer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    Yes { minor: i64, dollars: bool },
    No,
    Wait { ask: bool },
    NotSent,
    Unknown,
    NotFound,
}

/// What follows from an acknowledged reversal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    Fail,
    Cancel,
    Keep,
    FailRefund(u64),
    Nothing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    Pay,
    Raise(i64),
    Take { minor: i64, last: bool },
    Drop { over: bool },
    Back(u64),
    Undo { of: u64, then: Then },
    Rest,
}

#[derive(Debug, Clone, Copy)]
pub struct Wire {
    pub what: What,
    /// Sent once, and nothing heard.
    fresh: bool,
    /// The acquirer decides until then.
    until: Option<i64>,
    asks: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Waiting,
    Held,
    Over,
}

#[derive(Debug, Clone)]
struct Try {
    reference: u64,
    asked: i64,
    total: i64,
    taken: Vec<i64>,
    shut: bool,
    until: i64,
    fate: Fate,
    raises: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Back {
    Waiting,
    Done,
    Failed,
}

#[derive(Debug, Clone)]
pub struct Model {
    pub manual: bool,
    pub amount: i64,
    pub now: i64,
    pub takes_partial: bool,
    card: bool,
    canceled: bool,
    tries: Vec<Try>,
    refunds: BTreeMap<u64, (i64, Back)>,
    pub wires: BTreeMap<u64, Wire>,
    /// What was refused and left no other trace, and for which try.
    gone: BTreeMap<u64, (What, usize)>,
}

/// Taken, or refused for whatever reason.
pub type Taken = Option<()>;

impl Model {
    pub fn new(manual: bool, now: i64) -> Self {
        let (tries, refunds, wires) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        Self {
            manual,
            amount: 1000,
            now,
            takes_partial: false,
            card: true,
            canceled: false,
            tries,
            refunds,
            wires,
            gone: BTreeMap::new(),
        }
    }

    fn blocks(what: What) -> bool {
        match what {
            What::Back(_) | What::Rest => false,
            What::Undo { then, .. } => !matches!(then, Then::Nothing | Then::FailRefund(_)),
            What::Pay | What::Raise(_) | What::Take { .. } | What::Drop { .. } => true,
        }
    }

    pub fn status(&self) -> &'static str {
        if self.canceled {
            return "canceled";
        }
        if let Some(wire) = self.wires.values().find(|w| Self::blocks(w.what)) {
            return if wire.asks { "requires_action" } else { "processing" };
        }
        match self.tries.last() {
            Some(t) if t.fate == Fate::Held && t.shut => "succeeded",
            Some(t) if t.fate == Fate::Held => "requires_capture",
            _none_or_over if self.card => "requires_confirmation",
            _none_or_over => "requires_payment_method",
        }
    }

    pub fn captured(&self) -> i64 {
        self.tries.iter().flat_map(|t| &t.taken).sum()
    }

    pub fn reserved(&self) -> i64 {
        self.refunds.values().filter(|(_, fate)| *fate != Back::Failed).map(|(minor, _)| minor).sum()
    }

    pub fn capturable(&self) -> i64 {
        let taking: i64 =
            self.wires.values().map(|w| if let What::Take { minor, .. } = w.what { minor } else { 0 }).sum();
        let open = self.tries.last().filter(|t| !self.canceled && t.fate == Fate::Held && !t.shut);
        open.map_or(0, |t| t.total - t.taken.iter().sum::<i64>() - taking)
    }

    /// What an answer to this message would say.
    pub fn amount_of(&self, number: u64) -> i64 {
        match self.wires.get(&number).map(|wire| wire.what) {
            Some(What::Take { minor, .. }) => minor,
            Some(What::Raise(total)) => total,
            Some(What::Back(refund)) => self.refunds.get(&refund).map_or(0, |(minor, _)| *minor),
            Some(What::Pay | What::Drop { .. } | What::Undo { .. } | What::Rest) | None => self.amount,
        }
    }

    fn send(&mut self, reference: u64, what: What) -> Taken {
        self.wires.insert(reference, Wire { what, fresh: true, until: None, asks: false });
        Some(())
    }

    fn unpaid(&self) -> Taken {
        matches!(self.status(), "requires_payment_method" | "requires_confirmation").then_some(())
    }

    fn holding(&mut self) -> Option<&mut Try> {
        (self.status() == "requires_capture").then(|| self.tries.last_mut().expect("it holds"))
    }

    fn attempt(&mut self, reference: u64, fate: Fate) -> Taken {
        (self.status() == "requires_confirmation").then_some(())?;
        let (asked, until) = (self.amount, self.now + LIFE);
        self.tries.push(Try {
            reference,
            asked,
            total: 0,
            taken: Vec::new(),
            shut: false,
            until,
            fate,
            raises: 0,
        });
        Some(())
    }

    pub fn confirm(&mut self, reference: u64) -> Taken {
        self.attempt(reference, Fate::Waiting)?;
        self.send(reference, What::Pay)
    }

    pub fn block(&mut self) -> Taken {
        self.attempt(0, Fate::Over)?;
        self.card = false;
        Some(())
    }

    pub fn give_card(&mut self) -> Taken {
        self.unpaid()?;
        self.card = true;
        Some(())
    }

    pub fn change_amount(&mut self, minor: i64) -> Taken {
        self.unpaid()?;
        (50..=LARGEST).contains(&minor).then_some(())?;
        self.amount = minor;
        Some(())
    }

    pub fn reroute(&mut self, from: u64, to: u64) -> Taken {
        let wire = self.wires.get(&from).copied().filter(|w| w.what == What::Pay && w.fresh)?;
        self.wires.remove(&from);
        self.wires.insert(to, wire);
        self.forget(from, What::Pay);
        self.tries.last_mut()?.reference = to;
        Some(())
    }

    pub fn capture(&mut self, reference: u64, minor: Option<i64>, last: bool) -> Taken {
        let (now, left) = (self.now, self.capturable());
        let minor = minor.unwrap_or(left);
        let hold = self.holding()?;
        (now < hold.until && (1..=left).contains(&minor) && hold.taken.len() < 50).then_some(())?;
        self.send(reference, What::Take { minor, last: last || minor == left })
    }

    pub fn cancel(&mut self, reference: u64) -> Taken {
        match self.status() {
            "requires_capture" => {
                self.holding().filter(|t| t.taken.is_empty())?;
                self.send(reference, What::Drop { over: false })
            }
            "requires_action" => {
                let of = self.wires.iter().find(|(_, w)| w.asks).map(|(of, _)| *of)?;
                self.wires.remove(&of);
                self.send(reference, What::Undo { of, then: Then::Cancel })
            }
            _other => {
                self.unpaid()?;
                self.canceled = true;
                Some(())
            }
        }
    }

    pub fn expire(&mut self, reference: u64) -> Taken {
        let now = self.now;
        let hold = self.holding().filter(|t| now >= t.until)?;
        if hold.taken.is_empty() {
            return self.send(reference, What::Drop { over: true });
        }
        hold.shut = true;
        self.send(reference, What::Rest)
    }

    pub fn increment(&mut self, reference: u64, total: i64) -> Taken {
        let now = self.now;
        let hold = self.holding().filter(|t| now < t.until && t.taken.is_empty())?;
        (total > hold.total && (50..=LARGEST).contains(&total) && hold.raises < 10).then_some(())?;
        hold.raises += 1;
        self.send(reference, What::Raise(total))
    }

    pub fn refund(&mut self, reference: u64, minor: Option<i64>) -> Taken {
        if self.wires.values().any(|w| Self::blocks(w.what)) {
            return None;
        }
        let left = self.captured() - self.reserved();
        let minor = minor.unwrap_or(left);
        (1..=left).contains(&minor).then_some(())?;
        self.refunds.insert(reference, (minor, Back::Waiting));
        self.send(reference, What::Back(reference))
    }

    pub fn reverse(&mut self, of: u64, reference: u64) -> Taken {
        let wire = self.wires.get(&of)?;
        let then = match wire.what {
            What::Pay => Then::Fail,
            What::Raise(_) => Then::Keep,
            What::Back(refund) => Then::FailRefund(refund),
            What::Take { .. } | What::Drop { .. } | What::Undo { .. } | What::Rest => return None,
        };
        wire.until.is_none_or(|until| self.now >= until).then_some(())?;
        let what = wire.what;
        self.wires.remove(&of);
        self.forget(of, what);
        self.send(reference, What::Undo { of, then })
    }

    pub fn retry(&mut self, reference: u64) -> Taken {
        self.wires.get_mut(&reference)?.fresh = false;
        Some(())
    }

    /// An answer to the message of this number; `spare` is the number of what follows from it.
    pub fn hear(&mut self, reference: u64, word: Word, (repeat, spare): (bool, u64)) -> Taken {
        let Some(wire) = self.wires.get(&reference).copied() else {
            return self.late(reference, word, spare);
        };
        let heard = match (word, wire.what) {
            (Word::Yes { minor, dollars }, _) => self.yes(reference, (minor, dollars), spare),
            (Word::No, What::Drop { over: true } | What::Undo { .. } | What::Rest) => false,
            (Word::NotFound, What::Take { .. } | What::Drop { .. }) => false,
            (Word::NotFound, What::Undo { then, .. }) => self.undone(then),
            (Word::No | Word::NotFound, what) => self.refused(what),
            (Word::NotSent, what @ (What::Pay | What::Raise(_))) if wire.fresh && !repeat => {
                self.refused(what)
            }
            // It changes nothing of what is known.
            (Word::NotSent, _) => return Some(()),
            (Word::Unknown | Word::Wait { .. }, _) => false,
        };
        if heard {
            self.wires.remove(&reference);
            let taken = matches!((word, wire.what), (Word::Yes { minor, dollars: true }, What::Raise(total)) if minor == total);
            let undone = matches!((word, wire.what), (Word::Yes { .. }, What::Raise(_))) && !taken;
            if matches!(word, Word::No | Word::NotFound | Word::NotSent) || undone {
                self.forget(reference, wire.what);
            }
            return Some(());
        }
        let until = self.now + PENDING;
        let wire = self.wires.get_mut(&reference).expect("it was there");
        wire.fresh = false;
        wire.until = matches!(word, Word::Wait { .. }).then_some(until);
        wire.asks = matches!(word, Word::Wait { ask: true }) && wire.what == What::Pay;
        Some(())
    }

    /// What leaves no other trace is kept by its number.
    fn forget(&mut self, reference: u64, what: What) {
        let rerouted = what == What::Pay && self.tries.last().is_some_and(|t| t.fate == Fate::Waiting);
        let traceless = matches!(what, What::Raise(_) | What::Take { .. } | What::Drop { .. });
        if traceless || rerouted {
            self.gone.insert(reference, (what, self.tries.len()));
        }
    }

    /// A void or capture that was refused, and approved after all; `None` if it comes to nothing that can be taken.
    fn taken_after_all(&mut self, of: u64, word: Word, spare: u64) -> Option<Taken> {
        let (what, of_try) = self.gone.get(&of).copied()?;
        let Word::Yes { minor, dollars } = word else { return None };
        let (same, capturable) = (of_try == self.tries.len(), self.capturable());
        match what {
            What::Drop { .. } => {
                if self.tries[of_try - 1].fate == Fate::Over {
                    return Some(None);
                }
                let again =
                    self.wires.iter().find(|(_, w)| matches!(w.what, What::Drop { .. })).map(|(n, _)| *n);
                let idle = same && self.holding().is_some_and(|t| t.taken.is_empty());
                if again.is_none() && !idle {
                    return None;
                }
                if let Some(again) = again {
                    self.wires.remove(&again);
                } else {
                    self.gone.remove(&of);
                }
                self.tries.last_mut()?.fate = Fate::Over;
                self.canceled = true;
                Some(Some(()))
            }
            What::Take { minor: asked, last } => {
                (same && dollars && minor == asked && asked <= capturable).then_some(())?;
                let hold = self.holding()?;
                hold.taken.push(asked);
                hold.shut = last;
                let rest = hold.total - hold.taken.iter().sum::<i64>();
                self.gone.remove(&of);
                if last && rest > 0 {
                    self.send(spare, What::Rest);
                }
                Some(Some(()))
            }
            What::Pay | What::Raise(_) | What::Back(_) | What::Undo { .. } | What::Rest => None,
        }
    }

    fn late(&mut self, of: u64, word: Word, spare: u64) -> Taken {
        if !self.wires.values().any(|w| w.what == (What::Undo { of, then: Then::Nothing }))
            && let Some(taken) = self.taken_after_all(of, word, spare)
        {
            return taken;
        }
        let given_up = self.gone.contains_key(&of)
            || self.wires.values().any(|w| matches!(w.what, What::Undo { of: other, .. } if other == of))
            || self
                .tries
                .iter()
                .any(|t| of != 0 && t.reference == of && t.fate == Fate::Over && t.total == 0)
            || self.refunds.get(&of).is_some_and(|(_, fate)| *fate == Back::Failed);
        let again = What::Undo { of, then: Then::Nothing };
        let already = self.wires.values().any(|w| w.what == again);
        (matches!(word, Word::Yes { .. }) && given_up && !already).then_some(())?;
        self.send(spare, again)
    }

    fn refused(&mut self, what: What) -> bool {
        match what {
            What::Pay => self.fail(),
            What::Back(refund) => self.settle(refund, Back::Failed),
            What::Raise(_) | What::Take { .. } | What::Drop { .. } | What::Undo { .. } | What::Rest => {}
        }
        true
    }

    fn fail(&mut self) {
        self.card = false;
        self.tries.last_mut().expect("one was made").fate = Fate::Over;
    }

    fn settle(&mut self, refund: u64, fate: Back) {
        self.refunds.get_mut(&refund).expect("one was made").1 = fate;
    }

    fn undone(&mut self, then: Then) -> bool {
        match then {
            Then::Fail => self.fail(),
            Then::Cancel => {
                self.canceled = true;
                self.tries.last_mut().expect("one was made").fate = Fate::Over;
            }
            Then::FailRefund(refund) => self.settle(refund, Back::Failed),
            Then::Keep | Then::Nothing => {}
        }
        true
    }

    fn yes(&mut self, reference: u64, (minor, dollars): (i64, bool), spare: u64) -> bool {
        let what = self.wires[&reference].what;
        let (partial, sale) = (self.takes_partial, !self.manual);
        let hold = self.tries.last_mut().expect("a message belongs to an attempt");
        let undo = match what {
            What::Pay if dollars && (minor == hold.asked || partial && minor > 0 && minor < hold.asked) => {
                (hold.fate, hold.total) = (Fate::Held, minor);
                if sale {
                    (hold.taken, hold.shut) = (vec![minor], true);
                }
                return true;
            }
            What::Raise(total) if dollars && minor == total => {
                (hold.total, self.amount) = (total, total);
                return true;
            }
            What::Take { minor: asked, last } if dollars && minor == asked => {
                hold.taken.push(minor);
                hold.shut = last;
                let rest = hold.total - hold.taken.iter().sum::<i64>();
                if last && rest > 0 {
                    self.send(spare, What::Rest);
                }
                return true;
            }
            What::Back(refund) if dollars && self.refunds[&refund].0 == minor => {
                self.settle(refund, Back::Done);
                return true;
            }
            What::Drop { .. } => {
                (hold.fate, self.canceled) = (Fate::Over, true);
                return true;
            }
            What::Undo { then, .. } => return self.undone(then),
            What::Rest => return true,
            What::Take { .. } => return false,
            What::Pay => Then::Fail,
            What::Raise(_) => Then::Keep,
            What::Back(refund) => Then::FailRefund(refund),
        };
        self.send(spare, What::Undo { of: reference, then: undo });
        true
    }
}
