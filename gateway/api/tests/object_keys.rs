//! The keys of every object, as the API version lists them (stripe-python 16.1.0 and stripe-node 23.1.0 agree on them),
//! and the values that the strictest known client does not accept as null.

use gateway_api::objects::*;
use serde::Serialize;
use serde_json::Value;

fn value(object: &impl Serialize) -> Value {
    serde_json::from_str(&to_json(object)).expect("an object is JSON")
}

fn assert_keys(name: &str, object: &Value, expected: &str) {
    let mut expected: Vec<&str> = expected.split_whitespace().collect();
    expected.sort_unstable();
    let map = object.as_object().unwrap_or_else(|| panic!("{name} is no object"));
    let mut found: Vec<&str> = map.keys().map(String::as_str).collect();
    found.sort_unstable();
    assert_eq!(found, expected, "{name}");
}

#[test]
fn every_object_has_every_key_and_no_other() {
    let intent = value(&PaymentIntent {
        last_payment_error: Some(Box::default()),
        shipping: Some(Shipping::default()),
        ..PaymentIntent::default()
    });
    assert_keys("payment_intent", &intent, PAYMENT_INTENT);
    assert_keys("last_payment_error", &intent["last_payment_error"], LAST_PAYMENT_ERROR);
    assert_keys("shipping", &intent["shipping"], SHIPPING);

    let charge = value(&Charge {
        outcome: Some(Outcome::default()),
        payment_method_details: Some(ChargePaymentMethodDetails::card(ChargeCard::default())),
        ..Charge::default()
    });
    assert_keys("charge", &charge, CHARGE);
    assert_keys("outcome", &charge["outcome"], OUTCOME);
    assert_keys("charge card", &charge["payment_method_details"]["card"], CHARGE_CARD);
    assert_keys("billing_details", &charge["billing_details"], BILLING_DETAILS);
    assert_keys("address", &charge["billing_details"]["address"], ADDRESS);

    let method =
        value(&PaymentMethod { card: Some(PaymentMethodCard::default()), ..PaymentMethod::default() });
    assert_keys("payment_method", &method, PAYMENT_METHOD);
    assert_keys("payment method card", &method["card"], PAYMENT_METHOD_CARD);

    let token = value(&Token { card: Some(TokenCard::default()), ..Token::default() });
    assert_keys("token", &token, TOKEN);
    assert_keys("token card", &token["card"], TOKEN_CARD);

    let customer = value(&Customer::default());
    assert_keys("customer", &customer, CUSTOMER);
    assert_keys("invoice_settings", &customer["invoice_settings"], INVOICE_SETTINGS);

    let movement =
        value(&BalanceTransaction { fee_details: vec![FeeDetail::default()], ..Default::default() });
    assert_keys("balance_transaction", &movement, BALANCE_TRANSACTION);
    assert_keys("fee_detail", &movement["fee_details"][0], FEE_DETAIL);

    let dispute = value(&Dispute::default());
    assert_keys("dispute", &dispute, DISPUTE);
    assert_keys("evidence", &dispute["evidence"], DISPUTE_EVIDENCE);
    assert_keys("evidence_details", &dispute["evidence_details"], DISPUTE_EVIDENCE_DETAILS);

    assert_keys("refund", &value(&Refund::default()), REFUND);
    assert_keys("setup_intent", &value(&SetupIntent::default()), SETUP_INTENT);
    assert_keys("review", &value(&Review::default()), REVIEW);
    let item = value(&ValueListItem::default());
    assert_keys("value_list_item", &item, "id object created created_by livemode value value_list");
    assert_keys("webhook_endpoint", &value(&WebhookEndpoint::default()), WEBHOOK_ENDPOINT);
    let event = value(&Event::new("evt_1", "customer.created", 1, Customer::default()));
    assert_keys("event", &event, EVENT);
    assert_keys("event data", &event["data"], "object");
    assert_keys("event request", &event["request"], "id idempotency_key");
}

#[test]
fn what_strict_clients_require_is_never_null() {
    let cases = [
        (
            value(&PaymentIntent::default()),
            "id amount amount_capturable amount_received capture_method confirmation_method created currency livemode \
             metadata payment_method_types status object",
        ),
        (
            value(&Charge::default()),
            "id amount amount_captured amount_refunded billing_details captured created currency disputed livemode \
             metadata paid refunded status object",
        ),
        (
            value(&BalanceTransaction::default()),
            "id amount available_on balance_type created currency fee fee_details net reporting_category status object",
        ),
        (value(&Refund::default()), "id amount created currency object status"),
        (value(&PaymentMethod::default()), "id billing_details created livemode metadata type object"),
        (value(&Customer::default()), "id created livemode metadata object"),
    ];
    for (object, required) in cases {
        for key in required.split_whitespace() {
            assert!(!object[key].is_null(), "{} of {}", key, object["object"]);
        }
    }
}

#[test]
fn objects_say_what_they_are() {
    let cases = [
        (value(&PaymentIntent::default()), "payment_intent"),
        (value(&Charge::default()), "charge"),
        (value(&Refund::default()), "refund"),
        (value(&PaymentMethod::default()), "payment_method"),
        (value(&Token::default()), "token"),
        (value(&Customer::default()), "customer"),
        (value(&SetupIntent::default()), "setup_intent"),
        (value(&BalanceTransaction::default()), "balance_transaction"),
        (value(&Review::default()), "review"),
        (value(&ValueListItem::default()), "radar.value_list_item"),
        (value(&WebhookEndpoint::default()), "webhook_endpoint"),
        (value(&Dispute::default()), "dispute"),
        (value(&List::new("/v1/charges", vec![Charge::default()], More::No)), "list"),
        (value(&SearchResult::<Charge<'_>>::new("/v1/charges/search", vec![], None)), "search_result"),
    ];
    for (object, name) in cases {
        assert_eq!(object["object"], name);
    }
}

#[test]
fn references_are_ids_or_objects() {
    let charge = Charge { id: "ch_1", payment_intent: Some("pi_1".into()), ..Charge::default() };
    let by_id = PaymentIntent { latest_charge: Some("ch_1".into()), ..PaymentIntent::default() };
    let whole = PaymentIntent { latest_charge: Some(Expandable::object(charge)), ..PaymentIntent::default() };
    assert_eq!(value(&by_id)["latest_charge"], "ch_1");
    assert_eq!(value(&whole)["latest_charge"]["id"], "ch_1");
    assert_eq!(value(&whole)["latest_charge"]["payment_intent"], "pi_1");
}

#[test]
fn lists_page_and_deleted_objects_say_so() {
    let list = List::new("/v1/charges", vec![Charge::default(), Charge::default()], More::Yes);
    let list = value(&list);
    assert_keys("list", &list, "object data has_more url");
    assert_eq!((&list["has_more"], &list["url"]), (&Value::Bool(true), &Value::from("/v1/charges")));
    assert_eq!(list["data"].as_array().map(Vec::len), Some(2));
    let deleted = to_json(&Deleted::new("customer", "cus_1"));
    assert_eq!(deleted, r#"{"id":"cus_1","object":"customer","deleted":true}"#);
}

#[test]
fn metadata_keeps_its_text() {
    let pairs = [("order \"7\"".to_owned(), "a\nb".to_owned())];
    let intent = PaymentIntent { metadata: Metadata::Pairs(&pairs), ..PaymentIntent::default() };
    assert_eq!(value(&intent)["metadata"]["order \"7\""], "a\nb");
    assert_eq!(value(&PaymentIntent::default())["metadata"], serde_json::json!({}));
}

/// The blocks of other payment method types stand beside `card` only when they are the type.
const PAYMENT_METHOD: &str = "
    allow_redisplay billing_details card created customer customer_account id livemode metadata object
    radar_options type";

const PAYMENT_INTENT: &str = "
    allowed_payment_method_types amount amount_capturable amount_details amount_received application
    application_fee_amount automatic_payment_methods canceled_at cancellation_reason capture_method
    client_secret confirmation_method created currency customer customer_account description
    excluded_payment_method_types hooks id last_payment_error latest_charge livemode
    managed_payments metadata next_action object on_behalf_of payment_details payment_method
    payment_method_configuration_details payment_method_options payment_method_types payment_record
    presentment_details processing receipt_email review setup_future_usage shipping source
    statement_descriptor statement_descriptor_suffix status transfer_data transfer_group";

const CHARGE: &str = "
    amount amount_captured amount_refunded application application_fee application_fee_amount
    authorization_code balance_transaction billing_details calculated_statement_descriptor captured
    created currency customer description disputed failure_balance_transaction failure_code
    failure_message fraud_details id level3 livemode metadata object on_behalf_of outcome paid
    payment_intent payment_method payment_method_details presentment_details radar_options
    receipt_email receipt_number receipt_url refunded refunds review shipping source source_transfer
    statement_descriptor statement_descriptor_suffix status transfer transfer_data transfer_group";

const CHARGE_CARD: &str = "
    amount_authorized authorization_code brand capture_before checks country description
    electronic_commerce_indicator exp_month exp_year extended_authorization fingerprint funding iin
    incremental_authorization installments issuer last4 mandate moto multicapture network
    network_token network_transaction_id overcapture regulated_status setup_credential_usage
    stored_credential_usage three_d_secure transaction_link_id wallet";

const OUTCOME: &str = "
    advice_code network_advice_code network_decline_code network_status reason risk_level risk_score
    rule seller_message type";

const BILLING_DETAILS: &str = "
    address email name phone tax_id";

const ADDRESS: &str = "
    city country line1 line2 postal_code state";

const REFUND: &str = "
    amount balance_transaction charge created currency customer customer_account description
    destination_details failure_balance_transaction failure_reason id instructions_email metadata
    next_action object payment_intent payment_method pending_reason presentment_details reason
    receipt_number source_transfer_reversal status transfer_reversal";

const PAYMENT_METHOD_CARD: &str = "
    brand checks country description display_brand exp_month exp_year fingerprint funding
    generated_from iin issuer last4 networks regulated_status three_d_secure_usage wallet";

const TOKEN: &str = "
    bank_account card client_ip created id livemode object type used";

const TOKEN_CARD: &str = "
    account address_city address_country address_line1 address_line1_check address_line2
    address_state address_zip address_zip_check allow_redisplay available_payout_methods brand
    country currency customer cvc_check default_for_currency description dynamic_last4 exp_month
    exp_year fingerprint funding id iin issuer last4 metadata name networks object regulated_status
    status tokenization_method";

const CUSTOMER: &str = "
    address balance business_name cash_balance created currency customer_account default_source
    delinquent description discount email id individual_name invoice_credit_balance invoice_prefix
    invoice_settings livemode metadata name next_invoice_sequence object phone preferred_locales
    shipping sources subscriptions tax tax_exempt tax_ids test_clock";

const INVOICE_SETTINGS: &str = "
    custom_fields default_payment_method footer rendering_options";

const EVENT: &str = "
    account api_version context created data id livemode object pending_webhooks request type";

const SETUP_INTENT: &str = "
    allowed_payment_method_types application attach_to_self automatic_payment_methods
    cancellation_reason client_secret created customer customer_account description
    excluded_payment_method_types flow_directions id last_setup_error latest_attempt livemode
    managed_payments mandate metadata next_action object on_behalf_of payment_method
    payment_method_configuration_details payment_method_options payment_method_types
    single_use_mandate status usage";

const BALANCE_TRANSACTION: &str = "
    amount available_on balance_type created currency description exchange_rate fee fee_details id
    net object reporting_category source status type";

const FEE_DETAIL: &str = "
    amount application currency description type";

const REVIEW: &str = "
    billing_zip charge closed_reason created id ip_address ip_address_location livemode object open
    opened_reason payment_intent reason session";

const WEBHOOK_ENDPOINT: &str = "
    api_version application created description enabled_events id livemode metadata object status
    url";

const DISPUTE: &str = "
    amount balance_transactions charge created currency enhanced_eligibility_types evidence
    evidence_details id intended_submission_method is_charge_refundable livemode metadata
    network_reason_code object payment_intent payment_method_details reason status";

const DISPUTE_EVIDENCE: &str = "
    access_activity_log appeal billing_address cancellation_policy cancellation_policy_disclosure
    cancellation_rebuttal customer_communication customer_email_address customer_name
    customer_purchase_ip customer_signature duplicate_charge_documentation
    duplicate_charge_explanation duplicate_charge_id enhanced_evidence product_description receipt
    refund_policy refund_policy_disclosure refund_refusal_explanation service_date
    service_documentation shipping_address shipping_carrier shipping_date shipping_documentation
    shipping_tracking_number uncategorized_file uncategorized_text";

const DISPUTE_EVIDENCE_DETAILS: &str = "
    due_by enhanced_eligibility has_evidence past_due submission_count submission_method";

const LAST_PAYMENT_ERROR: &str = "
    advice_code charge code decline_code doc_url message network_advice_code network_decline_code
    param payment_method payment_method_type request_log_url type";

const SHIPPING: &str = "
    address carrier name phone tracking_number";
