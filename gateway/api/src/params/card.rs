//! Card details as they arrive. The number and the code have types of their own that print nothing.

use super::address::BillingDetailsInput;
use super::metadata::MetadataInput;
use super::words::MethodType;
use crate::WireEnum;
use crate::error::ApiError;
use crate::form::Fields;
use std::fmt;

/// A card number as it was sent. It is never printed; read it with [`RawPan::digits`] and seal it at once.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RawPan<'p>(&'p str);

/// A card verification code as it was sent, three or four digits. It is never printed, and may never be stored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RawCvc<'p>(&'p str);

/// Room for the digits of a card number.
pub type PanBuffer = [u8; 19];

impl<'p> RawPan<'p> {
    /// The digits without spaces and dashes, written to `buffer`; `None` unless there are 12 to 19 and nothing else.
    pub fn digits<'b>(&self, buffer: &'b mut PanBuffer) -> Option<&'b str> {
        let mut filled = 0;
        for byte in self.0.bytes().filter(|byte| !matches!(byte, b' ' | b'-')) {
            if !byte.is_ascii_digit() || filled == buffer.len() {
                return None;
            }
            buffer[filled] = byte;
            filled += 1;
        }
        let digits = std::str::from_utf8(&buffer[..filled]).expect("only ASCII digits were written");
        (filled >= 12).then_some(digits)
    }

    /// The text as it was sent, for those who seal or fingerprint it.
    pub fn expose(&self) -> &'p str {
        self.0
    }
}

impl<'p> RawCvc<'p> {
    /// The digits, for the acquirer's message and nothing else.
    pub fn expose(&self) -> &'p str {
        self.0
    }
}

impl fmt::Debug for RawPan<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RawPan(not shown)")
    }
}

impl fmt::Debug for RawCvc<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RawCvc(not shown)")
    }
}

/// Whether the last digit is the check digit of the others (ISO/IEC 7812). `digits` holds ASCII digits only.
pub fn luhn_valid(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(position, byte)| {
            let digit = u32::from(byte.wrapping_sub(b'0'));
            match (position % 2, digit) {
                (0, digit) => digit,
                (_, digit) if digit < 5 => digit * 2,
                (_, digit) => digit * 2 - 9,
            }
        })
        .sum();
    !digits.is_empty() && sum.is_multiple_of(10)
}

/// Card details in full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CardInput<'p> {
    pub number: RawPan<'p>,
    /// 1 to 12.
    pub exp_month: u8,
    /// Four digits; two were completed to 20xx. Whether it is past is the domain's to judge.
    pub exp_year: u16,
    pub cvc: Option<RawCvc<'p>>,
}

/// Where a new payment method's card comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardSource<'p> {
    /// The details themselves.
    Details(CardInput<'p>),
    /// `card[token]`: a single-use token, or one of the published test tokens (`tok_visa`).
    Token(&'p str),
}

/// What a new payment method is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MeansInput<'p> {
    Card(CardSource<'p>),
    /// A wallet: `alipay` or `wechat_pay`, never `card`. Nothing is said of it beside its type.
    Wallet(MethodType),
}

/// A payment method given in place: `payment_method_data`, or the body of its creation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentMethodData<'p> {
    pub means: MeansInput<'p>,
    pub billing_details: Option<BillingDetailsInput<'p>>,
    pub metadata: MetadataInput<'p>,
}

impl<'p> PaymentMethodData<'p> {
    /// Takes `payment_method_data`.
    pub(super) fn take(fields: &mut Fields<'p>) -> Result<Option<Self>, ApiError> {
        let Some(mut inner) = fields.object("payment_method_data")? else { return Ok(None) };
        let data = Self::read(&mut inner)?;
        inner.finish()?;
        Ok(Some(data))
    }

    /// Reads the fields of a payment method at this level.
    pub(super) fn read(fields: &mut Fields<'p>) -> Result<Self, ApiError> {
        let kind = fields.choice("type")?;
        let means = match fields.required("type", kind)? {
            MethodType::Card => {
                let card = CardSource::take(fields)?;
                MeansInput::Card(fields.required("card", card)?)
            }
            wallet @ (MethodType::Alipay | MethodType::WechatPay) => {
                // An empty object, which a form can't even show.
                fields.accept(wallet.as_str());
                MeansInput::Wallet(wallet)
            }
        };
        fields.accept("allow_redisplay");
        fields.accept("radar_options");
        Ok(Self {
            means,
            billing_details: BillingDetailsInput::take(fields)?,
            metadata: MetadataInput::take(fields)?,
        })
    }
}

impl<'p> CardSource<'p> {
    /// Takes `card`.
    pub(super) fn take(fields: &mut Fields<'p>) -> Result<Option<Self>, ApiError> {
        let Some(mut card) = fields.object("card")? else { return Ok(None) };
        let source = match card.id("token")? {
            Some(token) => Self::Token(token),
            None => Self::Details(CardInput::read(&mut card)?),
        };
        card.accept("networks");
        card.finish()?;
        Ok(Some(source))
    }
}

impl<'p> CardInput<'p> {
    /// Reads number, expiry and code at this level.
    pub(super) fn read(card: &mut Fields<'p>) -> Result<Self, ApiError> {
        let number = card.nonempty("number")?;
        let number = RawPan(card.required("number", number)?);
        if number.digits(&mut [0; 19]).is_none() {
            return Err(ApiError::invalid_number(card.path("number")));
        }
        let cvc = card.nonempty("cvc")?;
        if cvc.is_some_and(|cvc| !matches!(cvc.len(), 3 | 4) || !cvc.bytes().all(|b| b.is_ascii_digit())) {
            return Err(ApiError::invalid_cvc(card.path("cvc")));
        }
        let exp_month = month(card)?;
        let exp_month = card.required("exp_month", exp_month)?;
        let exp_year = year(card)?;
        let exp_year = card.required("exp_year", exp_year)?;
        Ok(Self { number, exp_month, exp_year, cvc: cvc.map(RawCvc) })
    }
}

/// Takes `exp_month`, 1 to 12.
pub(super) fn month(card: &mut Fields<'_>) -> Result<Option<u8>, ApiError> {
    match card.integer("exp_month")? {
        None => Ok(None),
        Some(month) => match u8::try_from(month) {
            Ok(month @ 1..=12) => Ok(Some(month)),
            _ => Err(ApiError::invalid_expiry_month(card.path("exp_month"))),
        },
    }
}

/// Takes `exp_year`, of two or four digits, 1970 to 2199.
pub(super) fn year(card: &mut Fields<'_>) -> Result<Option<u16>, ApiError> {
    match card.integer("exp_year")? {
        None => Ok(None),
        Some(year) => match u16::try_from(year) {
            Ok(short @ 0..=99) => Ok(Some(2000 + short)),
            Ok(long @ 1970..=2199) => Ok(Some(long)),
            _ => Err(ApiError::invalid_expiry_year(card.path("exp_year"))),
        },
    }
}
