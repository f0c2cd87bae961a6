//! The routes of the dialect as one table: the router is built from it, and so are the tests that try every route.

use crate::error::ApiError;
use crate::form::Params;
use crate::params::{self, decode};

/// The methods that routes use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    Get,
    Post,
    Delete,
}

impl Method {
    /// The method's name in a request line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }
}

/// What kind of object a route is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resource {
    PaymentIntents,
    Charges,
    Refunds,
    PaymentMethods,
    Tokens,
    SetupIntents,
    Customers,
    Events,
    Reviews,
    Radar,
}

/// One route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint {
    pub method: Method,
    /// A path in which `{id}` stands for one segment.
    pub path: &'static str,
    pub operation: Operation,
    pub resource: Resource,
}

/// Declares the operations and their routes together, so that neither can be without the other.
macro_rules! endpoints {
    ($($operation:ident: $method:ident $path:literal in $resource:ident takes $params:ty;)+) => {
        /// What a route does.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Operation {
            $(#[doc = concat!("`", $path, "`")] $operation,)+
        }

        /// Every route, grouped by resource.
        pub const ENDPOINTS: &[Endpoint] = &[
            $(Endpoint {
                method: Method::$method,
                path: $path,
                operation: Operation::$operation,
                resource: Resource::$resource,
            },)+
        ];

        impl Operation {
            /// The operation's name: `CreatePaymentIntent`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$operation => stringify!($operation),)+
                }
            }

            /// Decodes the parameters as the operation would, and forgets them.
            ///
            /// # Errors
            /// What the operation answers to these parameters before it looks at any object.
            pub fn check_params(self, params: &Params<'_>) -> Result<(), ApiError> {
                match self {
                    $(Self::$operation => decode::<$params>(params).map(drop),)+
                }
            }
        }
    };
}

endpoints! {
    CreatePaymentIntent: Post "/v1/payment_intents" in PaymentIntents takes params::CreatePaymentIntent<'_>;
    ListPaymentIntents: Get "/v1/payment_intents" in PaymentIntents takes params::ListPaymentIntents<'_>;
    RetrievePaymentIntent: Get "/v1/payment_intents/{id}" in PaymentIntents takes params::RetrievePaymentIntent<'_>;
    UpdatePaymentIntent: Post "/v1/payment_intents/{id}" in PaymentIntents takes params::UpdatePaymentIntent<'_>;
    ConfirmPaymentIntent: Post "/v1/payment_intents/{id}/confirm" in PaymentIntents
        takes params::ConfirmPaymentIntent<'_>;
    CapturePaymentIntent: Post "/v1/payment_intents/{id}/capture" in PaymentIntents
        takes params::CapturePaymentIntent<'_>;
    CancelPaymentIntent: Post "/v1/payment_intents/{id}/cancel" in PaymentIntents takes params::CancelPaymentIntent;
    IncrementAuthorization: Post "/v1/payment_intents/{id}/increment_authorization" in PaymentIntents
        takes params::IncrementAuthorization<'_>;

    ListCharges: Get "/v1/charges" in Charges takes params::ListCharges<'_>;
    RetrieveCharge: Get "/v1/charges/{id}" in Charges takes params::Retrieve;
    UpdateCharge: Post "/v1/charges/{id}" in Charges takes params::UpdateCharge<'_>;
    CaptureCharge: Post "/v1/charges/{id}/capture" in Charges takes params::CaptureCharge<'_>;

    CreateRefund: Post "/v1/refunds" in Refunds takes params::CreateRefund<'_>;
    ListRefunds: Get "/v1/refunds" in Refunds takes params::ListRefunds<'_>;
    RetrieveRefund: Get "/v1/refunds/{id}" in Refunds takes params::Retrieve;
    UpdateRefund: Post "/v1/refunds/{id}" in Refunds takes params::UpdateRefund<'_>;
    CancelRefund: Post "/v1/refunds/{id}/cancel" in Refunds takes params::CancelRefund;

    CreatePaymentMethod: Post "/v1/payment_methods" in PaymentMethods takes params::CreatePaymentMethod<'_>;
    ListPaymentMethods: Get "/v1/payment_methods" in PaymentMethods takes params::ListPaymentMethods<'_>;
    RetrievePaymentMethod: Get "/v1/payment_methods/{id}" in PaymentMethods takes params::Retrieve;
    UpdatePaymentMethod: Post "/v1/payment_methods/{id}" in PaymentMethods takes params::UpdatePaymentMethod<'_>;
    AttachPaymentMethod: Post "/v1/payment_methods/{id}/attach" in PaymentMethods
        takes params::AttachPaymentMethod<'_>;
    DetachPaymentMethod: Post "/v1/payment_methods/{id}/detach" in PaymentMethods takes params::DetachPaymentMethod;

    CreateToken: Post "/v1/tokens" in Tokens takes params::CreateToken<'_>;
    RetrieveToken: Get "/v1/tokens/{id}" in Tokens takes params::Retrieve;

    CreateSetupIntent: Post "/v1/setup_intents" in SetupIntents takes params::CreateSetupIntent<'_>;
    ListSetupIntents: Get "/v1/setup_intents" in SetupIntents takes params::ListSetupIntents<'_>;
    RetrieveSetupIntent: Get "/v1/setup_intents/{id}" in SetupIntents takes params::RetrievePaymentIntent<'_>;
    UpdateSetupIntent: Post "/v1/setup_intents/{id}" in SetupIntents takes params::UpdateSetupIntent<'_>;
    ConfirmSetupIntent: Post "/v1/setup_intents/{id}/confirm" in SetupIntents takes params::ConfirmSetupIntent<'_>;
    CancelSetupIntent: Post "/v1/setup_intents/{id}/cancel" in SetupIntents takes params::CancelSetupIntent;

    CreateCustomer: Post "/v1/customers" in Customers takes params::CreateCustomer<'_>;
    ListCustomers: Get "/v1/customers" in Customers takes params::ListCustomers<'_>;
    RetrieveCustomer: Get "/v1/customers/{id}" in Customers takes params::Retrieve;
    UpdateCustomer: Post "/v1/customers/{id}" in Customers takes params::UpdateCustomer<'_>;
    DeleteCustomer: Delete "/v1/customers/{id}" in Customers takes params::Retrieve;
    ListCustomerPaymentMethods: Get "/v1/customers/{id}/payment_methods" in Customers
        takes params::ListPaymentMethods<'_>;

    ListReviews: Get "/v1/reviews" in Reviews takes params::ListReviews<'_>;
    RetrieveReview: Get "/v1/reviews/{id}" in Reviews takes params::Retrieve;
    ApproveReview: Post "/v1/reviews/{id}/approve" in Reviews takes params::Retrieve;

    CreateValueList: Post "/v1/radar/value_lists" in Radar takes params::CreateValueList<'_>;
    ListValueLists: Get "/v1/radar/value_lists" in Radar takes params::ListValueLists<'_>;
    RetrieveValueList: Get "/v1/radar/value_lists/{id}" in Radar takes params::Retrieve;
    UpdateValueList: Post "/v1/radar/value_lists/{id}" in Radar takes params::UpdateValueList<'_>;
    DeleteValueList: Delete "/v1/radar/value_lists/{id}" in Radar takes params::Retrieve;
    CreateValueListItem: Post "/v1/radar/value_list_items" in Radar takes params::CreateValueListItem<'_>;
    ListValueListItems: Get "/v1/radar/value_list_items" in Radar takes params::ListValueListItems<'_>;
    RetrieveValueListItem: Get "/v1/radar/value_list_items/{id}" in Radar takes params::Retrieve;
    DeleteValueListItem: Delete "/v1/radar/value_list_items/{id}" in Radar takes params::Retrieve;
    CreatePaymentEvaluation: Post "/v1/radar/payment_evaluations" in Radar
        takes params::CreatePaymentEvaluation<'_>;

    ListEvents: Get "/v1/events" in Events takes params::ListEvents<'_>;
    RetrieveEvent: Get "/v1/events/{id}" in Events takes params::Retrieve;
}
