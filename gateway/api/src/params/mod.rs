//! The typed parameters of every operation, borrowed from the decoded request.
//!
//! Each file holds one resource. What the dialect has and this service can't honour is refused with a reason (see
//! `unsupported`); what can't change the outcome is accepted and dropped.

mod address;
mod card;
mod charges;
mod customers;
mod intent_options;
mod listing;
mod metadata;
mod payment_intents;
mod payment_methods;
mod radar;
mod refunds;
mod setup_intents;
mod tokens;
mod unsupported;
mod words;

pub use address::{AddressInput, BillingDetailsInput, ShippingInput};
pub use card::{CardInput, CardSource, MeansInput, PanBuffer, PaymentMethodData, RawCvc, RawPan, luhn_valid};
pub use charges::{CaptureCharge, ListCharges, UpdateCharge, UserReport};
pub use customers::{CreateCustomer, ListCustomers, UpdateCustomer};
pub use intent_options::{AutomaticPaymentMethods, CardOptions, MethodTypes, OriginInput};
pub use listing::{CreatedFilter, Cursor, ListEvents, Page, Retrieve};
pub use metadata::MetadataInput;
pub use payment_intents::{
    CancelPaymentIntent, CapturePaymentIntent, ConfirmPaymentIntent, CreatePaymentIntent,
    IncrementAuthorization, ListPaymentIntents, RetrievePaymentIntent, UpdatePaymentIntent,
};
pub use payment_methods::{
    AttachPaymentMethod, CreatePaymentMethod, DetachPaymentMethod, ListPaymentMethods, UpdatePaymentMethod,
};
pub use radar::{
    CreatePaymentEvaluation, CreateValueList, CreateValueListItem, ItemType, ListReviews, ListValueListItems,
    ListValueLists, UpdateValueList,
};
pub use refunds::{CancelRefund, CreateRefund, ListRefunds, UpdateRefund};
pub use setup_intents::{
    CancelSetupIntent, ConfirmSetupIntent, CreateSetupIntent, ListSetupIntents, UpdateSetupIntent,
};
pub use tokens::CreateToken;
pub use words::{
    AllowRedirects, CancellationReason, CaptureMethod, ConfirmationMethod, CurrencyCode, MethodType,
    OffSession, RefundReason, SetupFutureUsage, SetupUsage, ThreeDSecureRequest, WhenAvailable,
};

use crate::error::ApiError;
use crate::form::{Fields, Params};

/// The parameters of one operation.
pub trait Decode<'p>: Sized {
    /// Parameters that the dialect has here and this service refuses, each with the reason.
    const REFUSED: &'static [(&'static str, &'static str)] = &[];

    /// Takes every parameter that the operation knows.
    ///
    /// # Errors
    /// The dialect's 400 for the first parameter that is missing or wrong.
    fn read(fields: &mut Fields<'p>) -> Result<Self, ApiError>;
}

/// Decodes the parameters of one operation, and refuses those that it does not know.
///
/// # Errors
/// The dialect's 400; for card details that can't be right, its 402.
pub fn decode<'p, T: Decode<'p>>(params: &'p Params<'p>) -> Result<T, ApiError> {
    let mut fields = params.fields();
    let decoded = T::read(&mut fields)?;
    fields.finish_refusing(T::REFUSED)?;
    Ok(decoded)
}
