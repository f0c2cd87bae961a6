//! The parameters of the operations: what SDKs send is understood, and what can't be honoured is refused with a reason.

use gateway_api::endpoints::{ENDPOINTS, Method, Operation};
use gateway_api::form::{Change, Encoding};
use gateway_api::params::*;
use gateway_api::{ApiError, ErrorCode, Params, decode};

fn form(body: &str) -> Params<'_> {
    Params::from_body(Encoding::Form, body.as_bytes()).unwrap_or_else(|error| panic!("{body}: {error}"))
}

/// What SDKs send for an authorization, with most of the usual extras.
const CREATE: &str = "amount=2000&currency=USD&confirm=true&capture_method=manual\
    &payment_method_data[type]=card&payment_method_data[card][number]=4242+4242+4242+4242\
    &payment_method_data[card][exp_month]=04&payment_method_data[card][exp_year]=34&payment_method_data[card][cvc]=123\
    &payment_method_data[billing_details][name]=Jenny+Rosen&payment_method_data[billing_details][address][postal_code]=94107\
    &customer=cus_1&description=Order+6735&metadata[order_id]=6735&metadata[gone]=&receipt_email=a%40example.com\
    &automatic_payment_methods[enabled]=true&automatic_payment_methods[allow_redirects]=never\
    &payment_method_options[card][request_three_d_secure]=automatic&payment_method_options[card][request_multicapture]=if_available\
    &shipping[name]=Jenny&shipping[address][line1]=510+Townsend&off_session=true&use_stripe_sdk=true\
    &payment_method_types[0]=card&statement_descriptor_suffix=SHOP&setup_future_usage=off_session\
    &return_url=https%3A%2F%2Fexample.com&error_on_requires_action=false&expand[]=latest_charge&radar_options[session]=rse_1";

#[test]
fn a_full_creation_is_understood() {
    let params = form(CREATE);
    let intent: CreatePaymentIntent<'_> = decode(&params).expect("valid");
    assert_eq!((intent.amount, intent.currency.as_str(), intent.confirm), (2000, "usd", true));
    assert_eq!(intent.capture_method, CaptureMethod::Manual);
    assert_eq!((intent.customer, intent.description), (Some("cus_1"), Some("Order 6735")));
    assert_eq!(intent.off_session, OffSession::Yes);
    assert_eq!(intent.receipt_email, Some("a@example.com"));
    assert_eq!(intent.metadata.for_new().collect::<Vec<_>>(), [("order_id", "6735")]);
    assert_eq!(intent.metadata, MetadataInput::Merge(vec![("order_id", "6735"), ("gone", "")]));
    let options = intent.card_options.expect("sent");
    assert_eq!(options.request_multicapture, Some(WhenAvailable::IfAvailable));
    assert!(intent.expand.wants("latest_charge"));

    let data = intent.payment_method_data.expect("sent");
    assert_eq!(data.billing_details.and_then(|details| details.name.set()), Some("Jenny Rosen"));
    let MeansInput::Card(CardSource::Details(card)) = data.means else { panic!("details were sent") };
    assert_eq!((card.exp_month, card.exp_year), (4, 2034));
    assert_eq!(card.number.digits(&mut [0; 19]), Some("4242424242424242"));
    assert_eq!(card.cvc.map(|cvc| cvc.expose()), Some("123"));
}

#[test]
fn secrets_are_not_printed() {
    let params = form(CREATE);
    let intent: CreatePaymentIntent<'_> = decode(&params).expect("valid");
    let printed = format!("{intent:?} {params:?}");
    assert!(!printed.contains("4242"), "{printed}");
    assert!(!printed.contains("123"), "{printed}");
}

/// (operation, body, status, code, param, part of the message)
type Refusal = (Operation, &'static str, u16, Option<&'static str>, Option<&'static str>, &'static str);

const CARD: &str = "payment_method_data[card]";

fn refusals() -> Vec<Refusal> {
    use Operation::*;
    let missing = Some("parameter_missing");
    let integer = Some("parameter_invalid_integer");
    vec![
        (CreatePaymentIntent, "", 400, missing, Some("amount"), "Missing required param: amount"),
        (CreatePaymentIntent, "amount=1", 400, missing, Some("currency"), "currency"),
        (CreatePaymentIntent, "amount=1&currency=us", 400, None, Some("currency"), "ISO 4217"),
        (
            CreatePaymentIntent,
            "amount=0&currency=usd",
            400,
            Some("amount_too_small"),
            Some("amount"),
            "small",
        ),
        (CreatePaymentIntent, "amount=-1&currency=usd", 400, integer, Some("amount"), "positive"),
        (
            CreatePaymentIntent,
            "amount=1e3&currency=usd",
            400,
            integer,
            Some("amount"),
            "Invalid integer: 1e3",
        ),
        (
            CreatePaymentIntent,
            "amount=1&currency=usd&fooo=1",
            400,
            Some("parameter_unknown"),
            Some("fooo"),
            "fooo",
        ),
        (
            CreatePaymentIntent,
            "amount=1&currency=usd&capture_method=later",
            400,
            None,
            Some("capture_method"),
            "must be one of automatic, automatic_async, or manual",
        ),
        (
            CreatePaymentIntent,
            "amount=1&currency=usd&transfer_data[destination]=a",
            400,
            None,
            Some("transfer_data"),
            "not supported",
        ),
        (
            CreatePaymentIntent,
            "amount=1&currency=usd&application_fee_amount=1",
            400,
            None,
            Some("application_fee_amount"),
            "other accounts",
        ),
        (
            CreatePaymentIntent,
            "amount=1&currency=usd&off_session=true",
            400,
            None,
            Some("off_session"),
            "confirm=true",
        ),
        (
            CreatePaymentIntent,
            "amount=1&currency=usd&payment_method_types[]=ideal",
            400,
            None,
            Some("payment_method_types"),
            "None of these types is offered",
        ),
        (
            CreatePaymentIntent,
            "amount=1&currency=usd&payment_method=pm_1&payment_method_data[type]=card&payment_method_data[card][token]=tok_1",
            400,
            Some("parameters_exclusive"),
            Some("payment_method_data"),
            "only one of",
        ),
        (
            CreatePaymentIntent,
            "amount=1&currency=usd&shipping[name]=x",
            400,
            missing,
            Some("shipping[address]"),
            "shipping[address]",
        ),
        (
            CreatePaymentIntent,
            "amount=1&currency=usd&shipping[nam]=x&shipping[address][line1]=1",
            400,
            missing,
            Some("shipping[name]"),
            "name",
        ),
        (
            CreatePaymentIntent,
            "amount=1&currency=usd&payment_method_options[card][foo]=1",
            400,
            Some("parameter_unknown"),
            Some("payment_method_options[card][foo]"),
            "foo",
        ),
        (
            CapturePaymentIntent,
            "amount_to_capture=x",
            400,
            integer,
            Some("amount_to_capture"),
            "Invalid integer",
        ),
        (
            CancelPaymentIntent,
            "cancellation_reason=bored",
            400,
            None,
            Some("cancellation_reason"),
            "abandoned",
        ),
        (IncrementAuthorization, "", 400, missing, Some("amount"), "amount"),
        (CreateRefund, "amount=1", 400, missing, Some("payment_intent"), "payment_intent"),
        (
            CreateRefund,
            "charge=ch_1&reverse_transfer=true",
            400,
            None,
            Some("reverse_transfer"),
            "not supported",
        ),
        (AttachPaymentMethod, "", 400, missing, Some("customer"), "customer"),
        (CreatePaymentMethod, "type=card", 400, missing, Some("card"), "card"),
        (CreatePaymentMethod, "type=ideal", 400, None, Some("type"), "must be one of card"),
        (
            CreatePaymentMethod,
            "type=card&card[token]=tok_1&customer=cus_1",
            400,
            None,
            Some("customer"),
            "attach it",
        ),
        (CreateToken, "", 400, missing, Some("card"), "card"),
        (
            CreateToken,
            "pii[id_number]=1&card[number]=4242424242424242&card[exp_month]=1&card[exp_year]=30",
            400,
            None,
            Some("pii"),
            "only cards",
        ),
        (CreateCustomer, "balance=1", 400, None, Some("balance"), "not offered"),
        (CreateCustomer, "metadata[]=2&metadata[0]=1", 400, None, Some("metadata[0]"), "more than once"),
        (ListCharges, "limit=0", 400, integer, Some("limit"), "between 1 and 100"),
        (ListCharges, "limit=101", 400, integer, Some("limit"), "between 1 and 100"),
        (
            ListCharges,
            "starting_after=a&ending_before=b",
            400,
            Some("parameters_exclusive"),
            Some("ending_before"),
            "only one",
        ),
        (
            ListCharges,
            "created[after]=1",
            400,
            Some("parameter_unknown"),
            Some("created[after]"),
            "created[after]",
        ),
        (ListCharges, "created=soon", 400, integer, Some("created"), "Invalid integer"),
        (ListEvents, "type=a&types[]=b", 400, Some("parameters_exclusive"), Some("types"), "only one"),
        (RetrieveCharge, "expand[]=a.b.c.d.e", 400, None, Some("expand"), "more than 4 levels"),
        (RetrieveCharge, "expand=a", 400, None, Some("expand"), "Invalid array"),
        (RetrieveCharge, "expand[]=a..b", 400, None, Some("expand"), "joined by dots"),
    ]
}

#[test]
fn wrong_parameters_are_refused_in_the_dialects_words() {
    for (operation, body, status, code, param, message) in refusals() {
        let checked =
            Params::from_body(Encoding::Form, body.as_bytes()).and_then(|p| operation.check_params(&p));
        let error: ApiError = checked.expect_err(body);
        assert_eq!(error.status, status, "{body}: {error}");
        assert_eq!(error.code.map(gateway_api::WireEnum::as_str), code, "{body}: {error}");
        assert_eq!(error.param.as_deref(), param, "{body}: {error}");
        assert!(error.message.contains(message), "{body}: {error}");
    }
}

#[test]
fn card_details_that_cannot_be_right_are_card_errors() {
    let good = [("number", "4242424242424242"), ("exp_month", "12"), ("exp_year", "2034"), ("cvc", "123")];
    let cases = [
        ("number", "42424242", 402, "invalid_number"),
        ("number", "4242x24242424242", 402, "invalid_number"),
        ("number", "42424242424242424242", 402, "invalid_number"),
        ("exp_month", "13", 402, "invalid_expiry_month"),
        ("exp_month", "0", 402, "invalid_expiry_month"),
        ("exp_year", "1900", 402, "invalid_expiry_year"),
        ("exp_year", "203", 402, "invalid_expiry_year"),
        ("cvc", "12", 402, "invalid_cvc"),
        ("cvc", "12a", 402, "invalid_cvc"),
        ("exp_month", "may", 400, "parameter_invalid_integer"),
        ("number", "", 400, "parameter_invalid_empty"),
    ];
    for (name, wrong, status, code) in cases {
        let mut body = "amount=1&currency=usd&payment_method_data[type]=card".to_owned();
        for (field, value) in good {
            let value = if field == name { wrong } else { value };
            body.push_str(&format!("&{CARD}[{field}]={value}"));
        }
        let error = Operation::CreatePaymentIntent.check_params(&form(&body)).expect_err(&body);
        assert_eq!(
            (error.status, error.code.map(gateway_api::WireEnum::as_str)),
            (status, Some(code)),
            "{body}"
        );
        assert_eq!(error.param.as_deref(), Some(format!("{CARD}[{name}]").as_str()));
    }
}

#[test]
fn metadata_has_its_limits() {
    let check = |pair: &str| {
        let body = format!("metadata{pair}");
        Operation::UpdateRefund.check_params(&form(&body)).err().and_then(|error| error.param.clone())
    };
    assert_eq!(check(&format!("[{}]=1", "k".repeat(40))), None);
    assert_eq!(check(&format!("[k]={}", "é".repeat(500))), None);
    assert!(check(&format!("[{}]=1", "k".repeat(41))).is_some());
    assert_eq!(check(&format!("[k]={}", "v".repeat(501))).as_deref(), Some("metadata[k]"));
    let many = |keys: usize| (0..keys).map(|i| format!("metadata[k{i}]=1")).collect::<Vec<_>>().join("&");
    Operation::UpdateRefund.check_params(&form(&many(50))).expect("50 keys");
    Operation::UpdateRefund.check_params(&form(&many(51))).expect_err("51 keys");
}

#[test]
fn updates_tell_absent_from_unset() {
    let params = form("description=&receipt_email=a%40b.c&shipping=&metadata=");
    let update: UpdatePaymentIntent<'_> = decode(&params).expect("valid");
    assert_eq!(update.description, Change::Clear);
    assert_eq!(update.receipt_email, Change::Set("a@b.c"));
    assert_eq!(update.statement_descriptor, Change::Keep);
    assert!(matches!(update.shipping, Change::Clear));
    assert_eq!(update.metadata, MetadataInput::Clear);
    assert_eq!(update.description.apply(Some("before")), None);
    assert_eq!(update.statement_descriptor.apply(Some("before")), Some("before"));
}

#[test]
fn pages_and_filters() {
    let params = form("limit=3&starting_after=ch_9&created[gt]=10&created[lte]=20&payment_intent=pi_1");
    let list: ListCharges<'_> = decode(&params).expect("valid");
    assert_eq!(list.page, Page { limit: 3, cursor: Some(Cursor::After("ch_9")) });
    assert_eq!(list.created, CreatedFilter { from_s: 11, to_s: 20 });
    assert!(list.created.contains(20) && !list.created.contains(10));
    let params = form("created=7");
    let list: ListCharges<'_> = decode(&params).expect("valid");
    assert_eq!((list.page.limit, list.created), (10, CreatedFilter { from_s: 7, to_s: 7 }));
    let params = form("types[]=payment_intent.*&types[]=charge.refunded");
    let events: ListEvents<'_> = decode(&params).expect("valid");
    assert!(events.wants_type("payment_intent.succeeded") && events.wants_type("charge.refunded"));
    assert!(!events.wants_type("charge.succeeded"));
}

#[test]
fn check_digits() {
    for good in ["4242424242424242", "378282246310005", "3056930009020004", "6011111111111117"] {
        assert!(luhn_valid(good), "{good}");
    }
    for bad in ["4242424242424241", "378282246310006", ""] {
        assert!(!luhn_valid(bad), "{bad}");
    }
}

#[test]
fn every_route_refuses_what_it_does_not_know_and_all_reads_expand() {
    for endpoint in ENDPOINTS {
        let error = endpoint.operation.check_params(&form("no_such_parameter=1")).expect_err(endpoint.path);
        assert_eq!(error.status, 400, "{}", endpoint.path);
        if endpoint.method != Method::Post {
            let params = form("expand[]=customer");
            // A read may want more to be said, but never minds that something is to be expanded.
            if let Err(error) = endpoint.operation.check_params(&params) {
                assert_eq!(error.code, Some(ErrorCode::ParameterMissing), "{}: {error:?}", endpoint.path);
            }
        }
    }
}

#[test]
fn no_two_routes_are_the_same() {
    for (position, left) in ENDPOINTS.iter().enumerate() {
        for right in &ENDPOINTS[..position] {
            assert!((left.method, left.path) != (right.method, right.path), "{}", left.path);
            assert!(left.operation != right.operation);
        }
    }
}
