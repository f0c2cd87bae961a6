//! What the host knows of one intent, and what may be done to it. Every step is told by a line of the book, and made again from
//! it after a restart.

use crate::host::book_file::Line;
use gateway_core::acquirer::DeclineCode;
use gateway_core::money::Currency;
use gateway_core::time::Timestamp;

/// Where an intent stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Made; nothing was asked of a card.
    New,
    Held,
    /// Captured, and nothing is held any more.
    Settled,
    Declined(DeclineCode),
    Canceled,
}

/// An intent.
#[derive(Debug, Clone)]
pub(super) struct Account {
    /// What its maker calls it, in its metadata.
    pub(super) reference: String,
    pub(super) currency: Currency,
    pub(super) amount: i64,
    pub(super) sale: bool,
    pub(super) standing: Standing,
    pub(super) held: i64,
    pub(super) captured: i64,
    pub(super) refunded: i64,
    /// The book's name for its authorization.
    pub(super) name: u64,
}

/// A refusal that moves nothing: the dialect's code.
pub(super) type Refused = &'static str;

const WRONG_STATE: Refused = "payment_intent_unexpected_state";

/// A step that was taken: its lines for the book.
pub(super) type Taken = Vec<Line<'static>>;

impl Account {
    pub(super) fn new(reference: &str, (amount, currency): (i64, Currency), sale: bool) -> Self {
        let reference = reference.to_owned();
        let (held, captured, refunded, name) = (0, 0, 0, 0);
        let standing = Standing::New;
        Self { reference, currency, amount, sale, standing, held, captured, refunded, name }
    }

    /// What may still be captured.
    pub(super) const fn capturable(&self) -> i64 {
        match self.standing {
            Standing::Held => self.held - self.captured,
            Standing::New | Standing::Settled | Standing::Declined(_) | Standing::Canceled => 0,
        }
    }

    fn line(&self, op: &'static str, (name, amount): (u64, i64), at: Timestamp) -> Line<'static> {
        Line {
            at: at.0,
            op: op.into(),
            reference: self.reference.clone().into(),
            amount_minor: amount,
            currency: self.currency.code().to_owned().into(),
            result: "approved".into(),
            id: name,
            original: if op == "authorize" || op == "capture" { 0 } else { self.name },
        }
    }

    /// The card is charged, or refused.
    pub(super) fn confirm(
        &mut self,
        name: u64,
        (verdict, amount): (Option<DeclineCode>, i64),
        at: Timestamp,
    ) -> Result<Taken, Refused> {
        if self.standing != Standing::New {
            return Err(WRONG_STATE);
        }
        self.name = name;
        let mut line = self.line("authorize", (name, amount), at);
        if let Some(code) = verdict {
            self.standing = Standing::Declined(code);
            line.result = "declined".into();
            return Ok(vec![line]);
        }
        (self.standing, self.held) = (Standing::Held, amount);
        let mut lines = vec![line];
        if self.sale {
            lines.push(self.line("capture", (name, amount), at));
            (self.standing, self.captured) = (Standing::Settled, amount);
        }
        Ok(lines)
    }

    pub(super) fn capture(
        &mut self,
        name: u64,
        (amount, more): (i64, bool),
        at: Timestamp,
    ) -> Result<Taken, Refused> {
        if self.standing != Standing::Held {
            return Err(WRONG_STATE);
        }
        if !(1..=self.capturable()).contains(&amount) {
            return Err("amount_too_large");
        }
        let mut lines = vec![self.line("capture", (name, amount), at)];
        self.captured += amount;
        let rest = self.held - self.captured;
        if rest > 0 && !more {
            lines.push(self.line("reverse", (name.wrapping_add(1), rest), at));
            self.held -= rest;
        }
        if rest == 0 || !more {
            self.standing = Standing::Settled;
        }
        Ok(lines)
    }

    pub(super) fn raise(&mut self, name: u64, total: i64, at: Timestamp) -> Result<Taken, Refused> {
        if self.standing != Standing::Held || self.captured > 0 || total <= self.held {
            return Err(WRONG_STATE);
        }
        let line = self.line("authorize", (name, total - self.held), at);
        (self.held, self.amount) = (total, total);
        Ok(vec![line])
    }

    pub(super) fn cancel(&mut self, name: u64, at: Timestamp) -> Result<Taken, Refused> {
        match self.standing {
            Standing::New => {
                self.standing = Standing::Canceled;
                let mut line = self.line("reverse", (name, self.amount), at);
                line.result = "not_found".into();
                Ok(vec![line])
            }
            Standing::Held if self.captured == 0 => {
                self.standing = Standing::Canceled;
                Ok(vec![self.line("void", (name, self.held), at)])
            }
            Standing::Held | Standing::Settled | Standing::Declined(_) | Standing::Canceled => {
                Err(WRONG_STATE)
            }
        }
    }

    /// A refund under a reference of its own.
    pub(super) fn refund(
        &mut self,
        name: u64,
        (amount, reference): (i64, &str),
        at: Timestamp,
    ) -> Result<Taken, Refused> {
        if !(1..=self.captured - self.refunded).contains(&amount) {
            return Err("amount_too_large");
        }
        self.refunded += amount;
        let line = self.line("refund", (name, amount), at);
        Ok(vec![Line { reference: reference.to_owned().into(), ..line }])
    }

    /// Takes a step again that a line of the book tells of.
    pub(super) fn restore(&mut self, line: &Line<'_>) {
        let approved = line.result == "approved";
        match &*line.op {
            "authorize" if self.standing == Standing::Held => {
                self.held += line.amount_minor;
                self.amount = self.held;
            }
            "authorize" if approved => {
                (self.standing, self.held, self.name) = (Standing::Held, line.amount_minor, line.id);
            }
            "authorize" => self.standing = Standing::Declined(DeclineCode::GenericDecline),
            "capture" => {
                self.sale |= line.id == self.name;
                self.captured += line.amount_minor;
                if self.captured == self.held {
                    self.standing = Standing::Settled;
                }
            }
            "reverse" if approved => {
                self.held -= line.amount_minor;
                self.standing = Standing::Settled;
            }
            "reverse" | "void" => self.standing = Standing::Canceled,
            "refund" => self.refunded += line.amount_minor,
            _ => {}
        }
    }
}
