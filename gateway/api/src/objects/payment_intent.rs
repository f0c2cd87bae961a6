//! The payment intent.

use super::charge::Charge;
use super::customer::Customer;
use super::payment_method::PaymentMethod;
use super::review::Review;
use super::{EmptyObject, Expandable, Metadata, Null, Shipping, object_name};
use serde::Serialize;

object_name!(PaymentIntentName = "payment_intent");

/// A payment from its creation to its end.
#[derive(Debug, Clone, Serialize)]
pub struct PaymentIntent<'a> {
    pub id: &'a str,
    pub object: PaymentIntentName,
    pub allowed_payment_method_types: Null,
    pub amount: i64,
    /// What is authorized and not yet captured.
    pub amount_capturable: i64,
    pub amount_details: Null,
    /// What was captured.
    pub amount_received: i64,
    pub application: Null,
    pub application_fee_amount: Null,
    pub automatic_payment_methods: Option<AutomaticPaymentMethodsView<'a>>,
    pub canceled_at: Option<i64>,
    pub cancellation_reason: Option<&'a str>,
    pub capture_method: &'a str,
    pub client_secret: Option<&'a str>,
    pub confirmation_method: &'a str,
    pub created: i64,
    /// Three lower-case letters.
    pub currency: &'a str,
    pub customer: Option<Expandable<'a, Customer<'a>>>,
    pub customer_account: Null,
    pub description: Option<&'a str>,
    pub excluded_payment_method_types: Null,
    pub hooks: Null,
    pub last_payment_error: Option<Box<LastPaymentError<'a>>>,
    pub latest_charge: Option<Expandable<'a, Charge<'a>>>,
    pub livemode: bool,
    pub managed_payments: Null,
    pub metadata: Metadata<'a>,
    pub next_action: Option<NextAction<'a>>,
    pub on_behalf_of: Null,
    pub payment_details: Null,
    pub payment_method: Option<Expandable<'a, PaymentMethod<'a>>>,
    pub payment_method_configuration_details: Null,
    pub payment_method_options: Option<PaymentMethodOptionsView<'a>>,
    pub payment_method_types: &'a [&'a str],
    pub payment_record: Null,
    pub presentment_details: Null,
    pub processing: Option<Processing>,
    pub receipt_email: Option<&'a str>,
    pub review: Option<Expandable<'a, Review<'a>>>,
    pub setup_future_usage: Option<&'a str>,
    pub shipping: Option<Shipping<'a>>,
    pub source: Null,
    pub statement_descriptor: Option<&'a str>,
    pub statement_descriptor_suffix: Option<&'a str>,
    pub status: &'a str,
    pub transfer_data: Null,
    pub transfer_group: Null,
}

impl Default for PaymentIntent<'_> {
    fn default() -> Self {
        Self {
            id: "",
            object: PaymentIntentName,
            allowed_payment_method_types: Null,
            amount: 0,
            amount_capturable: 0,
            amount_details: Null,
            amount_received: 0,
            application: Null,
            application_fee_amount: Null,
            automatic_payment_methods: None,
            canceled_at: None,
            cancellation_reason: None,
            capture_method: "automatic",
            client_secret: None,
            confirmation_method: "automatic",
            created: 0,
            currency: "",
            customer: None,
            customer_account: Null,
            description: None,
            excluded_payment_method_types: Null,
            hooks: Null,
            last_payment_error: None,
            latest_charge: None,
            livemode: false,
            managed_payments: Null,
            metadata: Metadata::Empty,
            next_action: None,
            on_behalf_of: Null,
            payment_details: Null,
            payment_method: None,
            payment_method_configuration_details: Null,
            payment_method_options: Some(PaymentMethodOptionsView::default()),
            payment_method_types: &["card"],
            payment_record: Null,
            presentment_details: Null,
            processing: None,
            receipt_email: None,
            review: None,
            setup_future_usage: None,
            shipping: None,
            source: Null,
            statement_descriptor: None,
            statement_descriptor_suffix: None,
            status: "requires_payment_method",
            transfer_data: Null,
            transfer_group: Null,
        }
    }
}

/// Whether the intent chooses its methods by itself.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct AutomaticPaymentMethodsView<'a> {
    pub allow_redirects: Option<&'a str>,
    pub enabled: bool,
}

/// Options by payment method type.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct PaymentMethodOptionsView<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alipay: Option<EmptyObject>,
    pub card: CardOptionsView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wechat_pay: Option<WechatPayOptionsView>,
}

/// Options of WeChat Pay payments.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct WechatPayOptionsView {
    pub app_id: Null,
    pub client: &'static str,
}

impl Default for WechatPayOptionsView {
    fn default() -> Self {
        Self { app_id: Null, client: "web" }
    }
}

/// Options of card payments. Those that were not asked for are left out, as the dialect does.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct CardOptionsView<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capture_method: Option<&'a str>,
    pub installments: Null,
    pub mandate_options: Null,
    pub network: Null,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_extended_authorization: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_incremental_authorization: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_multicapture: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_overcapture: Option<&'a str>,
    pub request_three_d_secure: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setup_future_usage: Option<&'a str>,
}

impl Default for CardOptionsView<'_> {
    fn default() -> Self {
        Self {
            capture_method: None,
            installments: Null,
            mandate_options: Null,
            network: Null,
            request_extended_authorization: None,
            request_incremental_authorization: None,
            request_multicapture: None,
            request_overcapture: None,
            request_three_d_secure: Some("automatic"),
            setup_future_usage: None,
        }
    }
}

/// Why the last attempt of an intent failed; the same words as in the error that answered it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct LastPaymentError<'a> {
    pub advice_code: Option<&'a str>,
    /// The id of the failed charge.
    pub charge: Option<&'a str>,
    pub code: Option<&'a str>,
    pub decline_code: Option<&'a str>,
    pub doc_url: Null,
    pub message: Option<&'a str>,
    pub network_advice_code: Option<&'a str>,
    pub network_decline_code: Option<&'a str>,
    pub param: Option<&'a str>,
    pub payment_method: Option<PaymentMethod<'a>>,
    pub payment_method_type: Option<&'a str>,
    pub request_log_url: Null,
    /// `card_error`, mostly.
    #[serde(rename = "type")]
    pub kind: &'a str,
}

/// What the customer has to do before the payment can go on: one of these, which the type names.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct NextAction<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alipay_handle_redirect: Option<AlipayHandleRedirect<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect_to_url: Option<RedirectToUrl<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wechat_pay_display_qr_code: Option<WechatPayDisplayQrCode<'a>>,
    #[serde(rename = "type")]
    kind: &'static str,
}

impl<'a> NextAction<'a> {
    /// Send the customer to `url`; they come back to `return_url`.
    pub fn redirect(url: &'a str, return_url: Option<&'a str>) -> Self {
        let redirect_to_url = Some(RedirectToUrl { return_url, url: Some(url) });
        Self {
            alipay_handle_redirect: None,
            redirect_to_url,
            wechat_pay_display_qr_code: None,
            kind: "redirect_to_url",
        }
    }

    /// Send the customer to Alipay at `url`; they come back to `return_url`.
    pub fn alipay(url: &'a str, return_url: Option<&'a str>) -> Self {
        let redirect =
            AlipayHandleRedirect { native_data: Null, native_url: Null, return_url, url: Some(url) };
        Self {
            alipay_handle_redirect: Some(redirect),
            redirect_to_url: None,
            wechat_pay_display_qr_code: None,
            kind: "alipay_handle_redirect",
        }
    }

    /// Let the customer scan a code with WeChat.
    pub fn wechat_pay(code: WechatPayDisplayQrCode<'a>) -> Self {
        Self {
            alipay_handle_redirect: None,
            redirect_to_url: None,
            wechat_pay_display_qr_code: Some(code),
            kind: "wechat_pay_display_qr_code",
        }
    }
}

/// Where to send the customer to approve with Alipay. What apps would need instead of a browser is never there.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct AlipayHandleRedirect<'a> {
    pub native_data: Null,
    pub native_url: Null,
    pub return_url: Option<&'a str>,
    pub url: Option<&'a str>,
}

/// A code for WeChat, as text and as pictures.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct WechatPayDisplayQrCode<'a> {
    /// What the code holds.
    pub data: &'a str,
    /// A page that shows it.
    pub hosted_instructions_url: &'a str,
    /// The picture itself, as a `data:` URL.
    pub image_data_url: &'a str,
    pub image_url_png: &'a str,
    pub image_url_svg: &'a str,
}

/// Where to send the customer.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct RedirectToUrl<'a> {
    pub return_url: Option<&'a str>,
    pub url: Option<&'a str>,
}

/// What is known of a payment whose outcome is still open.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Processing {
    pub card: ProcessingCard,
    #[serde(rename = "type")]
    kind: &'static str,
}

impl Default for Processing {
    fn default() -> Self {
        Self { card: ProcessingCard::default(), kind: "card" }
    }
}

/// The card's part of [`Processing`].
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct ProcessingCard {
    pub customer_notification: Option<ProcessingNotification>,
}

/// When the outcome is expected.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct ProcessingNotification {
    pub approval_requested: Option<bool>,
    pub completes_at: Option<i64>,
}
