//! From the port's words to a message: which type, which fields.
//!
//! | verb | type, repeated | 3 | 37 | 90 |
//! |---|---|---|---|---|
//! | authorize | 0100 | 000000 | own | |
//! | verify | 0100 over nothing | 330000 | own | |
//! | sale | 0200 | 000000 | own | |
//! | refund | 0200 | 200000 | own | |
//! | capture | 0220, 0221 | 000000 | the authorization's | |
//! | void | 0400, 0401 | the original's | the original's | the original |
//! | reverse | 0420, 0421 | the original's | the original's | the original; 95 what stands, if a part |
//!
//! An 0100 or 0200 has no repeat form, and none is sent: it may carry a CVC, which nobody keeps.

use super::civil::{Civil, digits};
use super::codec::elements::{OriginalElements, TAG_CVC, name_and_place, push_tag, replacement_amounts};
use super::codec::{Builder, CodecError, Mti, Profile};
use super::key::Key;
use super::settings::Identity;
use gateway_core::acquirer::{AcquirerRequest, Original, OriginalKind, Trace, Transmission, Verb};
use gateway_core::money::Money;
use std::fmt;
use zeroize::Zeroizing;

/// A message that is ready to go, and what its answer must be.
pub struct Composed {
    /// The framed message; wiped when dropped.
    pub bytes: Zeroizing<Vec<u8>>,
    /// What the answer repeats.
    pub key: Key,
    /// What the answer is judged by.
    pub expect: Expect,
}

/// What was asked, as far as the answer is judged by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expect {
    pub asked: Asked,
    pub trace: Trace,
    pub processing: [u8; 6],
    /// Field 4 as it was sent.
    pub sent: Money,
    /// What an approval is for, where the answer does not say.
    pub amount: Money,
}

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// A message that a late answer can be stored for.
    For(OriginalKind),
    /// A reversal; it is repeated until it is answered.
    Reversal,
    /// No money.
    Verification,
}

/// Why a message can't be composed. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ComposeError {
    /// A value does not fit its field.
    Field(CodecError),
    /// This dialect has no message for it.
    NoMessage(&'static str),
    /// The message needs a card, and none was given.
    NoCard,
    /// The amount is negative.
    Amount,
}

impl fmt::Display for ComposeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ComposeError::Field(error) => write!(f, "the message can't be built: {error}"),
            ComposeError::NoMessage(verb) => write!(f, "this acquirer has no message to {verb}"),
            ComposeError::NoCard => f.write_str("the message needs a card"),
            ComposeError::Amount => f.write_str("the amount is below zero"),
        }
    }
}

impl std::error::Error for ComposeError {}

impl From<CodecError> for ComposeError {
    fn from(error: CodecError) -> ComposeError {
        ComposeError::Field(error)
    }
}

const PURCHASE: [u8; 6] = *b"000000";
const REFUND: [u8; 6] = *b"200000";
const VERIFICATION: [u8; 6] = *b"330000";

/// What distinguishes the verbs on the wire.
struct Plan<'r> {
    mti: Mti,
    asked: Asked,
    processing: [u8; 6],
    /// Fields 14, 18, 22, 25 and 43, which messages that open something carry.
    opens: bool,
    /// The message it is about, and whether field 90 says so.
    about: Option<(&'r Original, Names90)>,
}

#[derive(PartialEq, Eq)]
enum Names90 {
    Yes,
    No,
}

fn plan(request: &AcquirerRequest) -> Result<Plan<'_>, ComposeError> {
    let opening =
        |mti, kind, processing| Plan { mti, asked: Asked::For(kind), processing, opens: true, about: None };
    let repeated = |mti: Mti| match request.transmission {
        Transmission::First => mti,
        Transmission::Repeat => mti.repeat(),
    };
    Ok(match &request.verb {
        Verb::Authorize => opening(Mti::AUTHORIZATION, OriginalKind::Authorize, PURCHASE),
        Verb::Sale => opening(Mti::FINANCIAL, OriginalKind::Sale, PURCHASE),
        Verb::Refund(_) => opening(Mti::FINANCIAL, OriginalKind::Refund, REFUND),
        Verb::Verify => Plan {
            asked: Asked::Verification,
            ..opening(Mti::AUTHORIZATION, OriginalKind::Authorize, VERIFICATION)
        },
        Verb::Capture { original, .. } => Plan {
            mti: repeated(Mti::ADVICE),
            asked: Asked::For(OriginalKind::Capture),
            processing: PURCHASE,
            opens: false,
            about: Some((original, Names90::No)),
        },
        Verb::Void(original) => Plan {
            mti: repeated(Mti::REVERSAL),
            asked: Asked::For(OriginalKind::Void),
            processing: processing_of(original.kind),
            opens: false,
            about: Some((original, Names90::Yes)),
        },
        Verb::Reverse(original) => Plan {
            mti: repeated(Mti::REVERSAL_ADVICE),
            asked: Asked::Reversal,
            processing: processing_of(original.kind),
            opens: false,
            about: Some((original, Names90::Yes)),
        },
        Verb::Increment(_) => return Err(ComposeError::NoMessage("raise a hold")),
        Verb::Inquire(_) => {
            return Err(ComposeError::NoMessage("ask what became of another; reverse it instead"));
        }
    })
}

fn processing_of(kind: OriginalKind) -> [u8; 6] {
    match kind {
        OriginalKind::Refund => REFUND,
        OriginalKind::Authorize
        | OriginalKind::Sale
        | OriginalKind::Increment
        | OriginalKind::Capture
        | OriginalKind::Void => PURCHASE,
    }
}

fn type_of(kind: OriginalKind) -> Mti {
    match kind {
        OriginalKind::Authorize | OriginalKind::Increment => Mti::AUTHORIZATION,
        OriginalKind::Sale | OriginalKind::Refund => Mti::FINANCIAL,
        OriginalKind::Capture => Mti::ADVICE,
        OriginalKind::Void => Mti::REVERSAL,
    }
}

fn minor(amount: Money) -> Result<u64, ComposeError> {
    u64::try_from(amount.minor).map_err(|_| ComposeError::Amount)
}

/// Builds the message of one request.
///
/// # Errors
/// A verb that the dialect has no message for, a card or amount that is missing or does not fit.
pub fn compose(
    profile: &Profile,
    identity: &Identity,
    request: &AcquirerRequest,
) -> Result<Composed, ComposeError> {
    let plan = plan(request)?;
    // A reversal states the original's full amount; 95 says what of it shall stand.
    let sent = match &plan.about {
        Some((original, Names90::Yes)) => original.amount,
        Some((_, Names90::No)) | None => request.amount,
    };
    let mut message = Builder::new(profile, plan.mti);
    message.set(3, &plan.processing)?.number(4, minor(sent)?)?;
    write_trace(&mut message, &request.trace)?;
    message.text(32, &identity.acquiring_institution)?;
    message.text(41, &identity.terminal)?.text(42, &identity.card_acceptor)?;
    message.number(49, u64::from(sent.currency.numeric()))?;
    write_card(&mut message, request, &plan)?;
    if plan.opens {
        message.text(18, &identity.merchant_category)?.set(22, b"812")?.set(25, b"59")?;
        message.set(43, &name_and_place(&request.merchant_name, &identity.city, &identity.country))?;
    }
    match &plan.about {
        Some((original, names_90)) => write_original(
            &mut message,
            original,
            request.amount,
            *names_90 == Names90::Yes,
        )
        .and_then(|()| {
            if *names_90 == Names90::Yes { write_90(&mut message, original, identity) } else { Ok(()) }
        })?,
        None => drop(message.number(37, request.trace.reference)?),
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(512));
    message.encode(&mut bytes)?;
    let key =
        Key::of_request(plan.mti, &message).ok_or(ComposeError::NoMessage("be matched with its answer"))?;
    let expect = Expect {
        asked: plan.asked,
        trace: request.trace,
        processing: plan.processing,
        sent,
        amount: request.amount,
    };
    Ok(Composed { bytes, key, expect })
}

fn write_trace(message: &mut Builder<'_>, trace: &Trace) -> Result<(), CodecError> {
    let civil = Civil::of(trace.at);
    message.set(7, &civil.transmission())?.number(11, u64::from(trace.stan))?;
    message.set(12, &civil.time())?.set(13, &civil.date())?;
    Ok(())
}

fn write_card(
    message: &mut Builder<'_>,
    request: &AcquirerRequest,
    plan: &Plan<'_>,
) -> Result<(), ComposeError> {
    let Some(card) = &request.card else {
        return if plan.opens { Err(ComposeError::NoCard) } else { Ok(()) };
    };
    message.set(2, card.pan.expose().as_bytes())?;
    if !plan.opens {
        return Ok(());
    }
    let year = u8::try_from(card.exp_year % 100).expect("a remainder of a hundred");
    message.set(14, &digits::<2, 4>([year, card.exp_month]))?;
    if let Some(cvc) = &card.cvc {
        let mut private = Zeroizing::new(Vec::with_capacity(16));
        push_tag(&mut private, TAG_CVC, cvc.expose().as_bytes())?;
        message.set(48, &private)?;
    }
    Ok(())
}

fn write_original(
    message: &mut Builder<'_>,
    original: &Original,
    amount: Money,
    reverses: bool,
) -> Result<(), ComposeError> {
    message.number(37, original.trace.reference)?;
    let code = original.approval.as_ref().map_or("", |approval| approval.authorization_code.as_str());
    // A code that another kind of acquirer gave may not fit field 38; the reference alone names the original then.
    if !code.is_empty() && code.len() <= 6 && code.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        message.text(38, code)?;
    }
    if reverses && amount.minor < original.amount.minor {
        let stands = original.amount.checked_sub(amount).ok_or(ComposeError::Amount)?;
        message.set(95, &replacement_amounts(minor(stands)?))?;
    }
    Ok(())
}

fn write_90(message: &mut Builder<'_>, original: &Original, identity: &Identity) -> Result<(), ComposeError> {
    let mut trace = [b'0'; 6];
    let mut left = original.trace.stan;
    for digit in trace.iter_mut().rev() {
        *digit = b'0' + u8::try_from(left % 10).expect("a remainder of ten is a digit");
        left /= 10;
    }
    let elements = OriginalElements {
        mti: type_of(original.kind),
        trace,
        transmitted: Civil::of(original.trace.at).transmission(),
        acquirer: identity.acquirer_in_90()?,
        forwarder: [b'0'; 11],
    };
    message.set(90, &elements.to_field())?;
    Ok(())
}
