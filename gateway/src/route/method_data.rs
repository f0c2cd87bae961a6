//! Where a payment's means come from: a saved payment method, a published alias, a token, or the details themselves.

use crate::cards::{self, Intake};
use crate::flow::{Call, Fault, methods, read};
use crate::render::extra;
use crypto::vault::Vault;
use gateway_acquirers::test_cards;
use gateway_api::WireEnum;
use gateway_api::error::ApiError;
use gateway_api::params::{CardSource, MeansInput, PaymentMethodData};
use gateway_core::Write;
use gateway_core::card::Cvc;
use gateway_core::id::{CustomerId, PaymentId, PaymentMethodId};
use gateway_core::journal::{Expect, Row, RowKey, Versioned};
use gateway_core::means::{Means, MeansKind, Wallet};
use gateway_core::payment::Instrument;
use gateway_core::record::{Metadata, PaymentMethod, Token};
use gateway_core::tenant::Mode;

/// A card or wallet ready to be charged, with the rows that must be written along with it.
pub struct Chosen {
    pub instrument: Instrument,
    pub rows: Vec<Write>,
    pub cvc: Option<Cvc>,
}

impl Chosen {
    /// For a payment that is confirmed at once: its number, if it can be the one by which the payment method that was given with it is
    /// found, whose row is then left out ([`methods`]): it would say nothing that the payment does not say.
    pub fn number_payment(&mut self, vault: &Vault) -> Option<PaymentId> {
        let bare = |row: &Row| matches!(row, Row::PaymentMethod(made) if made.metadata.is_empty());
        let at = self.rows.iter().position(|write| bare(&write.row))?;
        self.rows.remove(at);
        Some(methods::payment_of(vault, self.instrument.method))
    }
}

/// Merges metadata as the dialect does: an empty value deletes its key.
pub fn merge_metadata(stored: &mut Metadata, input: &gateway_api::params::MetadataInput<'_>) {
    use gateway_api::params::MetadataInput as Input;
    match input {
        Input::Keep => {}
        Input::Clear => stored.clear(),
        Input::Merge(pairs) => {
            for (key, value) in pairs {
                stored.retain(|(held, _)| held != key);
                if !value.is_empty() {
                    stored.push(((*key).to_owned(), (*value).to_owned()));
                }
            }
        }
    }
}

/// The most keys of one object's metadata.
const MAX_METADATA_KEYS: usize = 50;

/// What a merge may not exceed.
///
/// # Errors
/// 400 with more than fifty keys.
pub fn check_metadata(stored: &Metadata) -> Result<(), ApiError> {
    if stored.len() > MAX_METADATA_KEYS {
        let message = format!("Metadata can have at most {MAX_METADATA_KEYS} keys.");
        return Err(ApiError::invalid_parameter("metadata", message));
    }
    Ok(())
}

/// A payment method of its own, made from details that came in.
pub async fn make(
    call: &Call,
    data: &PaymentMethodData<'_>,
    path: &str,
) -> Result<(PaymentMethod, Vec<Write>, Option<Cvc>), Fault> {
    let (means, mut rows, token_billing, cvc) = match &data.means {
        MeansInput::Card(source) => {
            let (intake, rows, billing) = take(call, source, path).await?;
            let Intake { facts, sealed, cvc } = intake;
            (Means::Card { facts, sealed }, rows, billing, cvc)
        }
        MeansInput::Wallet(kind) => {
            let wallet = Wallet::parse(kind.as_str()).ok_or_else(ApiError::internal)?;
            check_served(call, wallet, path.trim_end_matches("[card]"))?;
            (Means::Wallet(wallet), Vec::new(), String::new(), None)
        }
    };
    let stamp = call.stamp();
    let id = PaymentMethodId(stamp.ids.next());
    let billing_details = match &data.billing_details {
        Some(given) => extra::merge_billing(&token_billing, given),
        None => token_billing,
    };
    let mut metadata = Metadata::new();
    merge_metadata(&mut metadata, &data.metadata);
    let instrument = Instrument { method: id, means, billing_details };
    let method = PaymentMethod { metadata, ..methods::of_instrument(call.caller.tenant, instrument) };
    rows.push(Write { expect: Expect::Absent, row: Row::PaymentMethod(Box::new(method.clone())) });
    Ok((method, rows, cvc))
}

/// Whether anybody takes this wallet.
fn check_served(call: &Call, wallet: Wallet, path: &str) -> Result<(), ApiError> {
    if call.engine.acquirers.serve(call.caller.tenant.mode, MeansKind::Wallet(wallet)) {
        return Ok(());
    }
    let kind = wallet.as_str();
    let param = if path == "card" { "type".to_owned() } else { format!("{path}[type]") };
    let message = format!(
        "Payments of type {kind} are not taken: no acquirer for this mode serves them. Configure one of kind wallet, or send a card."
    );
    Err(ApiError::invalid_parameter(param, message))
}

async fn take(
    call: &Call,
    source: &CardSource<'_>,
    path: &str,
) -> Result<(Intake, Vec<Write>, String), Fault> {
    match source {
        CardSource::Details(input) => {
            let intake = cards::take_in(call, input, path)?;
            Ok((intake, Vec::new(), String::new()))
        }
        CardSource::Token(name) => match alias(call, name) {
            Some(intake) => Ok((intake, Vec::new(), String::new())),
            None => redeem(call, name, path).await,
        },
    }
}

fn alias(call: &Call, name: &str) -> Option<Intake> {
    if call.caller.tenant.mode != Mode::Test {
        return None;
    }
    let number = test_cards::alias(name)?;
    cards::published(&call.engine, call.caller.tenant, number)
}

/// Uses up a token.
async fn redeem(call: &Call, name: &str, path: &str) -> Result<(Intake, Vec<Write>, String), Fault> {
    let missing = || ApiError::resource_missing("token", name, format!("{path}[token]"));
    let id = name.parse().map_err(|_| missing())?;
    let found = read(&call.engine, &RowKey::Token(call.caller.tenant, id)).await?.ok_or_else(missing)?;
    let Versioned { version, row: Row::Token(token) } = found else { return Err(missing().into()) };
    if token.used {
        return Err(ApiError::token_already_used(name).into());
    }
    let intake = Intake { facts: token.card.clone(), sealed: token.sealed.clone(), cvc: None };
    let billing = token.billing_details.clone();
    let row = Row::Token(Box::new(Token { used: true, ..*token }));
    Ok((intake, vec![Write { expect: Expect::Version(version), row }], billing))
}

/// The payment method that a request names or brings; none if it does neither.
///
/// # Errors
/// 404 for one that does not exist, 400 for one that can't be used.
pub async fn choose(
    call: &Call,
    (named, brought): (Option<&str>, Option<&PaymentMethodData<'_>>),
    customer: Option<CustomerId>,
) -> Result<Option<Chosen>, Fault> {
    if let Some(data) = brought {
        let (method, rows, cvc) = make(call, data, "payment_method_data[card]").await?;
        return Ok(Some(chosen(method, rows, cvc)));
    }
    let Some(name) = named else { return Ok(None) };
    if let Some(intake) = alias(call, name) {
        return Ok(Some(chosen_alias(call, intake)));
    }
    let missing = || ApiError::resource_missing("PaymentMethod", name, "payment_method");
    let id = name.parse().map_err(|_| missing())?;
    let found = methods::find(&call.engine, call.caller.tenant, id).await?;
    let (_expect, method) = found.ok_or_else(missing)?;
    check_owner(&method, customer)?;
    Ok(Some(chosen(method, Vec::new(), None)))
}

fn check_owner(method: &PaymentMethod, customer: Option<CustomerId>) -> Result<(), ApiError> {
    if method.spent {
        return Err(ApiError::payment_method_unexpected_state(
            "This PaymentMethod was detached from its customer and can't be used again. Make a new one.",
        ));
    }
    match (method.customer, customer) {
        (Some(owner), Some(payer)) if owner != payer => Err(ApiError::invalid_parameter(
            "payment_method",
            "This PaymentMethod belongs to another customer.",
        )),
        (Some(_), None) => Err(ApiError::invalid_parameter(
            "customer",
            "This PaymentMethod is attached to a customer: send that customer with the payment.",
        )),
        (Some(_), Some(_)) | (None, _) => Ok(()),
    }
}

fn chosen_alias(call: &Call, intake: Intake) -> Chosen {
    let method = PaymentMethodId(call.engine.ids.next());
    let means = Means::Card { facts: intake.facts, sealed: intake.sealed };
    let instrument = Instrument { method, means, billing_details: String::new() };
    let method = methods::of_instrument(call.caller.tenant, instrument);
    let row = Row::PaymentMethod(Box::new(method.clone()));
    chosen(method, vec![Write { expect: Expect::Absent, row }], intake.cvc)
}

fn chosen(method: PaymentMethod, rows: Vec<Write>, cvc: Option<Cvc>) -> Chosen {
    let PaymentMethod { id, means, billing_details, .. } = method;
    let instrument = Instrument { method: id, means, billing_details };
    Chosen { instrument, rows, cvc }
}
