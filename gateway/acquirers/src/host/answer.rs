//! One request to the host: what it means to the bank, and the answer to it.

use super::book_file::Line;
use crate::bank::test_cards::{Behaviour, behaviour};
use crate::bank::{Book, Novelty, Op, Order, Ruling, Stated, Verdict};
use crate::iso8583::codec::elements::{OriginalElements, TAG_CVC, TAG_CVC_RESULT, push_tag, tag};
use crate::iso8583::codec::{Builder, CodecError, Message, Mti, Profile};
use crate::iso8583::currency;
use crate::response::code_of;
use gateway_core::acquirer::DeclineCode;
use gateway_core::money::Money;
use gateway_core::time::Timestamp;
use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};

/// The outcome of a request, before it is written.
pub struct Outcome {
    /// Field 39.
    pub code: Cow<'static, str>,
    /// Field 4, where it is not the request's.
    pub amount: Option<u64>,
    /// Field 38 of an approval.
    pub authorization: Option<[u8; 6]>,
}

/// A request as the bank reads it, or the response code of one that it can't.
struct Read {
    order: Order,
    moves_money: bool,
}

/// The host's own name for a message: the hash of what a repeat has in common with its first.
fn name(message: &Message<'_>, own: Option<(&[u8], &[u8])>) -> u64 {
    let mut hasher = DefaultHasher::new();
    (message.field(37), message.field(41), own).hash(&mut hasher);
    hasher.finish()
}

fn amount_of(message: &Message<'_>) -> Option<Money> {
    Some(Money::new(i64::try_from(message.number(4)?).ok()?, currency(message.text(49)?)?))
}

fn verdict(message: &Message<'_>) -> Verdict {
    match behaviour(message.text(2).unwrap_or_default()) {
        Behaviour::Decline(code) => Verdict::Decline(code),
        Behaviour::FailsToCharge => Verdict::Decline(DeclineCode::GenericDecline),
        Behaviour::Challenge => Verdict::Decline(DeclineCode::AuthenticationRequired),
        Behaviour::Approve | Behaviour::Disputed | Behaviour::BlockedAsFraud | Behaviour::ElevatedRisk => {
            Verdict::Approve
        }
    }
}

fn read(message: &Message<'_>) -> Option<Read> {
    let amount = amount_of(message)?;
    let own = (message.field(11)?, message.field(7)?);
    let processing = message.field(3)?;
    let mti = message.mti();
    let class: &[u8] = &mti.as_bytes()[..3];
    let opening = |op| Read {
        order: Order {
            op,
            reference: name(message, None),
            amount,
            verdict: verdict(message),
            original: None,
        },
        moves_money: !processing.starts_with(b"33"),
    };
    let hold = Stated {
        reference: name(message, None),
        op: Op::Authorize,
        amount,
        approved: message.field(38).is_some().then_some(amount),
    };
    let following = |op, amount, original| Read {
        order: Order { op, reference: name(message, Some(own)), amount, verdict: Verdict::Approve, original },
        moves_money: true,
    };
    Some(match class {
        b"010" => opening(Op::Authorize),
        b"020" if processing.starts_with(b"20") => opening(Op::Refund),
        b"020" => opening(Op::Sale),
        b"022" => following(Op::Capture, amount, Some(hold)),
        // A merchant's void knows the approval; a reversal may be of a message that nobody answered.
        b"040" if message.field(38).is_some() && message.field(95).is_none() => {
            following(Op::Void, amount, Some(hold))
        }
        b"040" | b"042" => {
            let elements = OriginalElements::parse(message.field(90)?).ok()?;
            let (op, reference) = match (elements.mti, processing.starts_with(b"20")) {
                (Mti::AUTHORIZATION, _) => (Op::Authorize, name(message, None)),
                (Mti::FINANCIAL, true) => (Op::Refund, name(message, None)),
                (Mti::FINANCIAL, false) => (Op::Sale, name(message, None)),
                (Mti::ADVICE | Mti::ADVICE_REPEAT, _) => {
                    (Op::Capture, name(message, Some((&elements.trace, &elements.transmitted))))
                }
                (_, _) => (Op::Void, name(message, Some((&elements.trace, &elements.transmitted)))),
            };
            following(Op::Reverse, released(message, amount)?, Some(Stated { reference, op, ..hold }))
        }
        _ => return None,
    })
}

/// What a reversal takes back: the whole, or the whole without what shall stand.
fn released(message: &Message<'_>, whole: Money) -> Option<Money> {
    let Some(replacement) = message.field(95) else { return Some(whole) };
    let stands = std::str::from_utf8(replacement.get(..12)?).ok()?.parse::<i64>().ok()?;
    whole.checked_sub(Money::new(stands, whole.currency))
}

/// Rules on one request, and adds its lines to `lines`. `less` is taken off the amount of what opens something.
pub fn rule(book: &Book, message: &Message<'_>, less: i64, now: Timestamp, lines: &mut Vec<u8>) -> Outcome {
    let plain = |code: &'static str| Outcome { code: code.into(), amount: None, authorization: None };
    let Some(mut read) = read(message) else { return plain("30") };
    if !read.moves_money {
        return match read.order.verdict {
            Verdict::Approve | Verdict::Challenge => plain("00"),
            Verdict::Decline(code) => plain(code_of(code)),
        };
    }
    read.order.amount.minor -= less;
    let (ruling, novelty) = book.rule(&read.order);
    if novelty == Novelty::First {
        write_lines(&read.order, ruling, message, now, lines);
    }
    match ruling {
        Ruling::Approved(minor) => Outcome {
            code: "00".into(),
            amount: (less > 0).then(|| u64::try_from(minor).unwrap_or_default()),
            authorization: Some(authorization_code(read.order.reference)),
        },
        Ruling::Declined(code) => plain(code_of(code)),
        Ruling::Pending => plain("09"),
        Ruling::NotFound => plain("25"),
    }
}

fn authorization_code(name: u64) -> [u8; 6] {
    let mut left = name;
    std::array::from_fn(|_| {
        let digit = b"0123456789ABCDEFGHJKLMNPQRSTUVWX"[usize::try_from(left & 31).unwrap_or_default()];
        left >>= 5;
        digit
    })
}

fn write_lines(order: &Order, ruling: Ruling, message: &Message<'_>, now: Timestamp, lines: &mut Vec<u8>) {
    let (amount_minor, result) = match ruling {
        Ruling::Approved(minor) => (minor, "approved"),
        Ruling::Declined(_) | Ruling::Pending => (order.amount.minor, "declined"),
        Ruling::NotFound => (order.amount.minor, "not_found"),
    };
    let ops: &[&str] = match order.op {
        Op::Authorize | Op::Increment => &["authorize"],
        Op::Sale => &["authorize", "capture"],
        Op::Capture => &["capture"],
        Op::Void => &["void"],
        Op::Refund => &["refund"],
        Op::Reverse => &["reverse"],
    };
    for op in ops {
        let line = Line {
            at: now.0,
            op: (*op).into(),
            reference: message.text(37).unwrap_or_default().into(),
            amount_minor,
            currency: order.amount.currency.code().into(),
            result: result.into(),
            id: order.reference,
            original: order.original.map_or(0, |original| original.reference),
        };
        serde_json::to_writer(&mut *lines, &line).expect("plain data always becomes JSON");
        lines.push(b'\n');
    }
}

/// Puts a line of an earlier life back into the book. Repeats find their answer again; a reversal of a capture, void or
/// refund is taken to be of the whole hold's kind that its original had.
pub fn restore(book: &Book, line: &Line<'_>, previous: &mut Option<u64>) {
    let Some(currency) = currency(&line.currency) else { return };
    // The capture line of a sale follows its authorize line, with the same name.
    let half_of_sale = *previous == Some(line.id);
    *previous = Some(line.id);
    if half_of_sale {
        book.settle_as_sale(line.id);
        return;
    }
    let op = match &*line.op {
        "authorize" => Op::Authorize,
        "capture" => Op::Capture,
        "refund" => Op::Refund,
        "reverse" => Op::Reverse,
        "void" => Op::Void,
        _ => return,
    };
    let amount = Money::new(line.amount_minor, currency);
    let verdict = match &*line.result {
        "approved" => Verdict::Approve,
        _ => Verdict::Decline(DeclineCode::GenericDecline),
    };
    let approved = (line.result == "approved" && op != Op::Reverse).then_some(amount);
    let original = (line.original != 0).then_some(Stated {
        reference: line.original,
        op: Op::Authorize,
        amount,
        approved,
    });
    book.rule(&Order { op, reference: line.id, amount, verdict, original });
}

/// Writes the answer: the echo of what identifies the request, and the outcome.
pub fn compose(
    profile: &Profile,
    message: &Message<'_>,
    outcome: &Outcome,
    out: &mut Vec<u8>,
) -> Result<(), CodecError> {
    let mti = message.mti().answer().unwrap_or(message.mti());
    let mut answer = Builder::new(profile, mti);
    for field in [3, 4, 7, 11, 12, 13, 32, 37, 41, 42, 49] {
        if let Some(value) = message.field(field) {
            answer.set(field, value)?;
        }
    }
    if let Some(amount) = outcome.amount {
        answer.number(4, amount)?;
    }
    if let Some(code) = &outcome.authorization {
        answer.set(38, code)?;
    }
    answer.text(39, &outcome.code)?;
    if message.field(48).is_some_and(|private| tag(private, TAG_CVC).is_ok_and(|cvc| cvc.is_some())) {
        let mut private = Vec::with_capacity(8);
        push_tag(&mut private, TAG_CVC_RESULT, if outcome.code == "N7" { b"N" } else { b"M" })?;
        answer.set(48, &private)?;
    }
    answer.encode(out)
}

/// The answer to a network management message.
pub fn compose_network(
    profile: &Profile,
    message: &Message<'_>,
    out: &mut Vec<u8>,
) -> Result<(), CodecError> {
    let mut answer = Builder::new(profile, Mti::NETWORK_ANSWER);
    for field in [7, 11, 70] {
        answer.set(field, message.field(field).unwrap_or_default())?;
    }
    answer.text(39, "00")?;
    answer.encode(out)
}
