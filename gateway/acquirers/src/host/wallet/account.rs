//! What the operator knows of payments and refunds, and what may be done to them. Every step that moves money is told by a line of the
//! book, and made again from it after a restart.

use super::refusal;
use crate::host::book_file::Line;
use crate::wallet::wire::{NewPayment, NewRefund, Payment, PaymentStatus, Refund, RefundStatus};
use gateway_core::time::Timestamp;
use std::collections::BTreeMap;

/// Pages and codes of this operator; nobody ever goes there.
const PAGES: &str = "https://wallet.example/pay/";

struct Account {
    amount: i64,
    currency: String,
    wallet: String,
    status: PaymentStatus,
    refunded: i64,
    expires_at: i64,
    reason: Option<&'static str>,
}

struct Repayment {
    payment: String,
    amount: i64,
    currency: String,
    status: RefundStatus,
}

/// All payments and refunds.
#[derive(Default)]
pub(super) struct Accounts {
    payments: BTreeMap<String, Account>,
    refunds: BTreeMap<String, Repayment>,
}

/// What becomes of a payment that waits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    Pay,
    Decline,
    Expire,
    /// Whatever was said of it before.
    PayAnyway,
}

/// An answer, with the lines of the book that it stands on.
pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) body: String,
    pub(super) lines: Vec<Line<'static>>,
    /// Something was made that was not there.
    pub(super) novel: bool,
}

impl Answered {
    pub(super) fn refused(status: u16, code: &str) -> Answered {
        Answered { status, body: refusal(code), lines: Vec::new(), novel: false }
    }

    fn with(mut self, lines: Vec<Line<'static>>) -> Answered {
        self.lines = lines;
        self
    }
}

/// The book's name for what a reference and a word stand for: the same again at a repeat. The lowest bits tell words apart.
fn name(reference: &str, place: u64) -> u64 {
    reference.parse::<u64>().unwrap_or_default().wrapping_mul(8).wrapping_add(place)
}

fn line(
    (op, result): (&'static str, &'static str),
    reference: &str,
    (amount, currency): (i64, &str),
    (at, id, original): (Timestamp, u64, u64),
) -> Line<'static> {
    Line {
        at: at.0,
        op: op.into(),
        reference: reference.to_owned().into(),
        amount_minor: amount,
        currency: currency.to_owned().into(),
        result: result.into(),
        id,
        original,
    }
}

impl Account {
    fn view(&self, reference: &str) -> Answered {
        let pending = self.status == PaymentStatus::Pending;
        let page = format!("{PAGES}{reference}");
        let scanned = self.wallet == "wechat_pay";
        let payment = Payment {
            reference: reference.into(),
            id: format!("wp_{reference}").into(),
            status: self.status,
            amount_minor: self.amount,
            currency: (&*self.currency).into(),
            redirect_url: (pending && !scanned).then(|| (&*page).into()),
            qr_code: (pending && scanned).then(|| (&*page).into()),
            expires_at: self.expires_at,
            reason: self.reason.map(Into::into),
        };
        let body = serde_json::to_string(&payment).expect("plain data always becomes JSON");
        Answered { status: 200, body, lines: Vec::new(), novel: false }
    }

    /// The customer's time may be over without anybody having said so.
    fn age(&mut self, at: Timestamp) {
        if self.status == PaymentStatus::Pending && at.unix_seconds() >= self.expires_at {
            self.status = PaymentStatus::Expired;
        }
    }
}

impl Repayment {
    fn view(&self, reference: &str) -> Answered {
        let refund = Refund {
            reference: reference.into(),
            id: format!("wr_{reference}").into(),
            payment: (&*self.payment).into(),
            status: self.status,
            amount_minor: self.amount,
            currency: (&*self.currency).into(),
        };
        let body = serde_json::to_string(&refund).expect("plain data always becomes JSON");
        Answered { status: 200, body, lines: Vec::new(), novel: false }
    }
}

impl Accounts {
    pub(super) fn create(&mut self, new: &NewPayment<'_>, less: i64, at: Timestamp) -> Answered {
        let known = matches!(&*new.wallet, "alipay" | "wechat_pay");
        if new.amount_minor < 1 || !known || new.reference.is_empty() {
            return Answered::refused(400, "invalid");
        }
        let expires_at =
            at.unix_seconds().saturating_add(i64::try_from(new.expires_in_s).unwrap_or(i64::MAX / 2));
        if let Some(account) = self.payments.get_mut(&*new.reference) {
            account.age(at);
            // Of one that was reversed before it came, only the reference is known.
            let same = account.amount + less == new.amount_minor || account.amount == new.amount_minor;
            if account.status != PaymentStatus::Reversed && (!same || account.currency != new.currency) {
                return Answered::refused(409, "reference_reused");
            }
            return account.view(&new.reference);
        }
        let account = Account {
            amount: new.amount_minor - less,
            currency: new.currency.clone().into_owned(),
            wallet: new.wallet.clone().into_owned(),
            status: PaymentStatus::Pending,
            refunded: 0,
            expires_at,
            reason: None,
        };
        let answered = account.view(&new.reference);
        self.payments.insert(new.reference.clone().into_owned(), account);
        Answered { novel: true, ..answered }
    }

    pub(super) fn show(&mut self, reference: &str, at: Timestamp) -> Answered {
        let Some(account) = self.payments.get_mut(reference) else {
            return Answered::refused(404, "not_found");
        };
        account.age(at);
        account.view(reference)
    }

    /// Undoes a payment whatever its state; one that never came is barred from coming.
    pub(super) fn reverse(&mut self, reference: &str, at: Timestamp) -> Answered {
        let account = self.payments.entry(reference.to_owned()).or_insert_with(|| Account {
            amount: 0,
            currency: "xxx".to_owned(),
            wallet: String::new(),
            status: PaymentStatus::Pending,
            refunded: 0,
            expires_at: i64::MAX / 2_000,
            reason: None,
        });
        let (id, original) = (name(reference, 3), name(reference, 1));
        let told = (account.amount, account.currency.clone());
        let lines = match account.status {
            PaymentStatus::Paid => {
                let left = account.amount - account.refunded;
                vec![line(("reverse", "approved"), reference, (left, &told.1), (at, id, original))]
            }
            PaymentStatus::Pending => {
                vec![line(("reverse", "not_found"), reference, (told.0, &told.1), (at, id, original))]
            }
            PaymentStatus::Declined | PaymentStatus::Expired | PaymentStatus::Reversed => Vec::new(),
        };
        account.status = match account.status {
            PaymentStatus::Paid | PaymentStatus::Pending | PaymentStatus::Reversed => PaymentStatus::Reversed,
            ended @ (PaymentStatus::Declined | PaymentStatus::Expired) => ended,
        };
        account.view(reference).with(lines)
    }

    pub(super) fn refund(&mut self, new: &NewRefund<'_>, less: i64, at: Timestamp) -> Answered {
        if let Some(known) = self.refunds.get(&*new.reference) {
            return known.view(&new.reference);
        }
        let Some(account) = self.payments.get_mut(&*new.payment) else {
            return Answered::refused(404, "not_found");
        };
        if account.status != PaymentStatus::Paid || account.currency != new.currency {
            return Answered::refused(409, "wrong_state");
        }
        if !(1..=account.amount - account.refunded).contains(&new.amount_minor) {
            return Answered::refused(409, "amount_too_large");
        }
        let amount = new.amount_minor - less;
        account.refunded += amount;
        let repayment = Repayment {
            payment: new.payment.clone().into_owned(),
            amount,
            currency: new.currency.clone().into_owned(),
            status: RefundStatus::Succeeded,
        };
        let names = (at, name(&new.reference, 4), name(&new.payment, 1));
        let told = line(("refund", "approved"), &new.reference, (amount, &repayment.currency), names);
        let answered = repayment.view(&new.reference).with(vec![told]);
        self.refunds.insert(new.reference.clone().into_owned(), repayment);
        answered
    }

    pub(super) fn show_refund(&self, reference: &str) -> Answered {
        let known = self.refunds.get(reference);
        known.map_or_else(|| Answered::refused(404, "not_found"), |repayment| repayment.view(reference))
    }

    /// Takes a refund back; one that never came is barred from coming.
    pub(super) fn reverse_refund(&mut self, reference: &str, at: Timestamp) -> Answered {
        let repayment = self.refunds.entry(reference.to_owned()).or_insert_with(|| Repayment {
            payment: String::new(),
            amount: 0,
            currency: "xxx".to_owned(),
            status: RefundStatus::Reversed,
        });
        let mut lines = Vec::new();
        if repayment.status == RefundStatus::Succeeded {
            repayment.status = RefundStatus::Reversed;
            let names = (at, name(reference, 5), name(reference, 4));
            let amount = (repayment.amount, &*repayment.currency);
            lines.push(line(("reverse", "approved"), reference, amount, names));
            if let Some(account) = self.payments.get_mut(&repayment.payment) {
                account.refunded -= repayment.amount;
            }
        }
        repayment.view(reference).with(lines)
    }

    /// What becomes of a payment that waits: the lines of the book, and what is told. `None` if it does not wait.
    pub(super) fn conclude(
        &mut self,
        reference: &str,
        decision: Decision,
        at: Timestamp,
    ) -> Option<(Vec<Line<'static>>, &'static str)> {
        let account = self.payments.get_mut(reference)?;
        if decision != Decision::PayAnyway {
            account.age(at);
        }
        let waits = account.status == PaymentStatus::Pending;
        let told = (account.amount, &*account.currency);
        // Both under one name, as a sale is.
        let paid = || {
            let hold = line(("authorize", "approved"), reference, told, (at, name(reference, 1), 0));
            let taken = line(("capture", "approved"), reference, told, (at, name(reference, 1), 0));
            vec![hold, taken]
        };
        let (status, lines, kind) = match decision {
            Decision::Pay if waits => (PaymentStatus::Paid, paid(), "payment.paid"),
            Decision::PayAnyway if account.status != PaymentStatus::Paid => {
                (PaymentStatus::Paid, paid(), "payment.paid")
            }
            Decision::Decline if waits => {
                let names = (at, name(reference, 1), 0);
                let lines = vec![line(("authorize", "declined"), reference, told, names)];
                (PaymentStatus::Declined, lines, "payment.declined")
            }
            Decision::Expire if account.status == PaymentStatus::Expired || waits => {
                (PaymentStatus::Expired, Vec::new(), "payment.expired")
            }
            Decision::Pay | Decision::PayAnyway | Decision::Decline | Decision::Expire => return None,
        };
        account.status = status;
        account.reason = (decision == Decision::Decline).then_some("customer_declined");
        Some((lines, kind))
    }

    /// Takes a step again that a line of the book tells of.
    pub(super) fn restore(&mut self, line: &Line<'_>) {
        let approved = line.result == "approved";
        let reference = line.reference.to_string();
        if line.op == "refund" && approved {
            let payment = format!("{:012}", line.original / 8);
            if let Some(account) = self.payments.get_mut(&payment) {
                account.refunded += line.amount_minor;
            }
            let (amount, currency) = (line.amount_minor, line.currency.to_string());
            let status = RefundStatus::Succeeded;
            self.refunds.insert(reference, Repayment { payment, amount, currency, status });
            return;
        }
        if line.op == "reverse" && self.refunds.contains_key(&reference) {
            self.reverse_refund(&reference, Timestamp(line.at));
            return;
        }
        let account = self.payments.entry(reference).or_insert_with(|| Account {
            amount: line.amount_minor,
            currency: line.currency.to_string(),
            wallet: String::new(),
            status: PaymentStatus::Pending,
            refunded: 0,
            expires_at: i64::MAX / 2_000,
            reason: None,
        });
        match (&*line.op, approved) {
            ("authorize", true) => account.status = PaymentStatus::Paid,
            ("authorize", false) => {
                (account.status, account.reason) = (PaymentStatus::Declined, Some("customer_declined"));
            }
            ("reverse", _) => account.status = PaymentStatus::Reversed,
            _the_capture_of_a_payment => {}
        }
    }
}
