//! Card numbers at the door: checked, described, sealed; and opened again only for an acquirer's message.

use crate::engine::Engine;
use crate::flow::Call;
use crypto::card::CardNumber;
use crypto::vault::SealedCard as Sealed;
use gateway_acquirers::test_cards;
use gateway_api::error::ApiError;
use gateway_api::params::CardInput;
use gateway_core::card::{Brand, CardFacts, CardInClear, Cvc, Funding, Pan, SealedCard};
use gateway_core::tenant::Tenant;
use gateway_core::time::Timestamp;

/// A card that came in: what is shown, what is stored, and what only the next message may carry.
pub struct Intake {
    pub facts: CardFacts,
    pub sealed: SealedCard,
    pub cvc: Option<Cvc>,
}

/// What binds a sealed card to its owner: the same bytes must be given to open it.
fn binding(tenant: Tenant) -> [u8; 17] {
    let mut aad = [0u8; 17];
    aad[..16].copy_from_slice(&tenant.merchant.0.0.to_be_bytes());
    aad[16] = u8::from(tenant.mode.is_live());
    aad
}

/// A number that came with a request, and its keyed fingerprint: computed once, for the digest of the request and for the card.
/// It lives no longer than the request, whose body it stood in, and is wiped when it is dropped.
pub struct PresentedCard {
    number: CardNumber,
    fingerprint: [u8; 16],
}

impl PresentedCard {
    /// A number as it was sent; nothing for what is no card number.
    pub fn of(engine: &Engine, raw: &str) -> Option<Self> {
        let number = CardNumber::parse(raw).ok()?;
        let fingerprint = engine.vault.fingerprint(&number);
        Some(Self { number, fingerprint })
    }

    /// What stands for the number in the digest of the request.
    pub const fn fingerprint(&self) -> [u8; 16] {
        self.fingerprint
    }
}

/// Checks and seals a card.
///
/// # Errors
/// The card error of the dialect: a failed Luhn check, or a card that expired already.
pub fn take_in(call: &Call, input: &CardInput<'_>, path: &str) -> Result<Intake, ApiError> {
    let mut buffer = [0u8; 19];
    let digits = input
        .number
        .digits(&mut buffer)
        .ok_or_else(|| ApiError::invalid_number(format!("{path}[number]")))?;
    let parsed;
    let card = match call.card.as_ref().filter(|card| card.number.digits() == digits.as_bytes()) {
        Some(presented) => presented,
        None => {
            let card = PresentedCard::of(&call.engine, digits);
            parsed = card.ok_or_else(|| ApiError::incorrect_number(format!("{path}[number]")))?;
            &parsed
        }
    };
    check_expiry(call.engine.clock.now(), (input.exp_month, input.exp_year), path)?;
    let cvc = input.cvc.as_ref().map(|cvc| Cvc::new(cvc.expose()));
    Ok(seal(&call.engine, call.caller.tenant, card, (input.exp_month, input.exp_year, cvc)))
}

/// A published test card by its number, as an alias (`pm_card_visa`, `tok_visa`) stands for it.
pub fn published(engine: &Engine, tenant: Tenant, number: &str) -> Option<Intake> {
    let card = PresentedCard::of(engine, number)?;
    let year = u16::try_from(1970 + engine.clock.now().unix_seconds() / 31_556_952 + 4).ok()?;
    Some(seal(engine, tenant, &card, (12, year, Some(Cvc::new("123")))))
}

/// An expiry must not be past: a card is good to the end of its month, wherever it is in the world.
///
/// # Errors
/// The card error of the dialect, about a field of `path`.
pub fn check_expiry(now: Timestamp, (month, year): (u8, u16), path: &str) -> Result<(), ApiError> {
    let today = jiff::Timestamp::from_second(now.unix_seconds()).unwrap_or_default();
    let today = today.to_zoned(jiff::tz::TimeZone::UTC);
    let (this_year, this_month) = (i32::from(today.year()), i32::from(today.month()));
    let (year, month) = (i32::from(year), i32::from(month));
    if year < this_year || year > this_year + 50 {
        return Err(ApiError::invalid_expiry_year(format!("{path}[exp_year]")));
    }
    if year == this_year && month < this_month {
        return Err(ApiError::invalid_expiry_month(format!("{path}[exp_month]")));
    }
    Ok(())
}

fn seal(
    engine: &Engine,
    tenant: Tenant,
    PresentedCard { number, fingerprint }: &PresentedCard,
    (exp_month, exp_year, cvc): (u8, u16, Option<Cvc>),
) -> Intake {
    let entropy = |out: &mut [u8]| engine.random.fill(out);
    let sealed = engine.vault.seal(number, &binding(tenant), &entropy);
    let published = test_cards::published(number.expose());
    let facts = CardFacts {
        brand: brand(number),
        funding: published.map_or(Funding::Unknown, |card| card.funding),
        bin: number.bin(),
        last4: number.last_digits(),
        exp_month,
        exp_year,
        country: published.map(|card| country(card.country)),
        fingerprint: *fingerprint,
        cvc_provided: cvc.is_some(),
    };
    let mut bytes = Vec::with_capacity(sealed.nonce.len() + sealed.ciphertext.len());
    bytes.extend_from_slice(&sealed.nonce);
    bytes.extend_from_slice(&sealed.ciphertext);
    Intake { facts, sealed: SealedCard { key_version: sealed.key_version, bytes }, cvc }
}

fn country(code: &str) -> [u8; 2] {
    code.as_bytes().try_into().unwrap_or(*b"US")
}

fn brand(number: &CardNumber) -> Brand {
    match number.brand() {
        crypto::card::Brand::Visa => Brand::Visa,
        crypto::card::Brand::Mastercard => Brand::Mastercard,
        crypto::card::Brand::Amex => Brand::Amex,
        crypto::card::Brand::Discover => Brand::Discover,
        crypto::card::Brand::Diners => Brand::Diners,
        crypto::card::Brand::Jcb => Brand::Jcb,
        crypto::card::Brand::UnionPay => Brand::UnionPay,
        crypto::card::Brand::Unknown => Brand::Unknown,
    }
}

/// A sealed card can't be opened: its key is missing, or it was not sealed for this tenant.
#[derive(Debug)]
pub struct CannotOpen;

/// Opens a stored card for a message to an acquirer.
///
/// # Errors
/// See [`CannotOpen`].
pub fn open(
    engine: &Engine,
    tenant: Tenant,
    (facts, sealed): (&CardFacts, &SealedCard),
    cvc: Option<Cvc>,
) -> Result<CardInClear, CannotOpen> {
    let mut parts =
        Sealed { key_version: sealed.key_version, nonce: [0; 12], ciphertext: Default::default() };
    if sealed.bytes.len() != parts.nonce.len() + parts.ciphertext.len() {
        return Err(CannotOpen);
    }
    let (nonce, ciphertext) = sealed.bytes.split_at(parts.nonce.len());
    parts.nonce.copy_from_slice(nonce);
    parts.ciphertext.copy_from_slice(ciphertext);
    let number = engine.vault.open(&parts, &binding(tenant)).map_err(|_| CannotOpen)?;
    let pan = Pan::new(number.expose());
    Ok(CardInClear { pan, exp_month: facts.exp_month, exp_year: facts.exp_year, cvc })
}
