//! The planted bugs at the acquirer port: what the engine would say or hear if it had them.

use super::super::facts::Op;
use super::super::planted::Planted;
use super::super::world::World;
use super::book::Message;
use gateway_core::acquirer::{AcquirerRequest, Answer, Decline, DeclineCode, Trace, Verb};

/// 3: no outcome is told as a decline.
pub fn answer(world: &World, answer: Answer) -> Answer {
    match answer {
        Answer::Unknown(_) if world.has(Planted::UnknownIsDeclined) => Answer::Declined(Decline {
            code: DeclineCode::GenericDecline,
            network_code: "".into(),
            cvc_check: None,
        }),
        other => other,
    }
}

/// 4: instead of an inquiry, the payment is made once more under new numbers.
pub fn paid_again(request: AcquirerRequest) -> AcquirerRequest {
    let Verb::Inquire(original) = &request.verb else { return request };
    use gateway_core::acquirer::OriginalKind as Kind;
    let verb = match original.kind {
        Kind::Sale => Verb::Sale,
        Kind::Authorize => Verb::Authorize,
        Kind::Increment | Kind::Capture | Kind::Void | Kind::Refund => return request,
    };
    let reference = original.trace.reference + 500_000_000_000;
    AcquirerRequest { trace: Trace { reference, ..original.trace }, verb, ..request }
}

/// 5: a late answer goes to whichever message was sent last, as if only the trace number were compared.
pub fn astray(world: &World, reference: u64) -> u64 {
    if !world.has(Planted::LateAnswerAstray) {
        return reference;
    }
    let notes = world.notes();
    let other = notes.sent.iter().rev().find(|sent| sent.reference != reference && sent.op != Op::Inquire);
    other.map_or(reference, |sent| sent.reference)
}

/// 13: what the store's port will write into the payment.
pub fn remember_card(world: &World, request: &AcquirerRequest) {
    if world.has(Planted::CardInClear)
        && let Some(card) = &request.card
    {
        world.notes().card = Some(card.pan.expose().to_owned());
    }
}

/// 14: the amount of a message as 24 significant bits have it.
pub fn message(world: &World, message: Message) -> Message {
    if !world.has(Planted::AmountAsFloat) {
        return message;
    }
    Message { amount: rounded(message.amount), ..message }
}

const fn rounded(amount: i64) -> i64 {
    let bits = 64 - amount.leading_zeros();
    if bits <= 24 {
        return amount;
    }
    let lost = bits - 24;
    (amount >> lost) << lost
}
