//! Bodies and queries exactly as stripe-python 16.1.0 and stripe-node 23.1.0 write them, recorded from the SDKs: names in
//! plain and in encoded brackets, spaces as plus signs and as %20, empty strings that unset.

use gateway_api::endpoints::Operation;
use gateway_api::form::{Change, Encoding};
use gateway_api::params::*;
use gateway_api::{Params, decode};

const PYTHON_CREATE: &str = "amount=2000&currency=usd&confirm=true&capture_method=manual&payment_method_data[type]=card\
    &payment_method_data[card][number]=4242424242424242&payment_method_data[card][exp_month]=12\
    &payment_method_data[card][exp_year]=2034&payment_method_data[card][cvc]=123\
    &payment_method_data[billing_details][name]=Jenny+%26+Co&payment_method_data[billing_details][address][line1]=a%2Bb\
    &payment_method_data[billing_details][address][country]=US&metadata[order+id]=%C3%A9%E2%82%AC\
    &expand[0]=latest_charge&expand[1]=customer&automatic_payment_methods[enabled]=true\
    &automatic_payment_methods[allow_redirects]=never&description=&receipt_email=a%40b.c";

const NODE_CREATE: &str = "amount=2000&currency=usd&confirm=true&payment_method_data[type]=card\
    &payment_method_data[card][number]=4242424242424242&payment_method_data[card][exp_month]=12\
    &payment_method_data[card][exp_year]=2034&payment_method_data[card][cvc]=123\
    &payment_method_data[billing_details][name]=Jenny%20%26%20Co%20%28it%27s%29\
    &payment_method_data[billing_details][address][line1]=a%2Bb&metadata[order%20id]=%C3%A9%E2%82%AC\
    &expand[0]=latest_charge&expand[1]=customer&payment_method_options[card][request_three_d_secure]=any&description=";

fn params(body: &str) -> Params<'_> {
    Params::from_body(Encoding::Form, body.as_bytes()).unwrap_or_else(|error| panic!("{body}: {error}"))
}

#[test]
fn creations_by_both_sdks_mean_what_was_written() {
    for (body, name) in [(PYTHON_CREATE, "Jenny & Co"), (NODE_CREATE, "Jenny & Co (it's)")] {
        let params = params(body);
        let intent: CreatePaymentIntent<'_> = decode(&params).expect(body);
        assert_eq!((intent.amount, intent.confirm, intent.description), (2000, true, None));
        assert_eq!(intent.metadata.for_new().collect::<Vec<_>>(), [("order id", "é€")]);
        assert_eq!(intent.expand.paths().collect::<Vec<_>>(), ["latest_charge", "customer"]);
        let details = intent.payment_method_data.and_then(|data| data.billing_details).expect("sent");
        assert_eq!(details.name, Change::Set(name));
        assert_eq!(details.address.set().expect("sent").line1, Change::Set("a+b"));
    }
}

#[test]
fn the_other_requests_of_both_sdks_are_understood() {
    let cases = [
        (Operation::UpdatePaymentIntent, "metadata=&description=&shipping="),
        (
            Operation::ListPaymentIntents,
            "limit=3&created%5Bgt%5D=1&created%5Blte%5D=5&expand%5B0%5D=data.latest_charge",
        ),
        (Operation::ListPaymentIntents, "limit=3&created[gt]=1&expand[0]=data.latest_charge"),
        (Operation::CapturePaymentIntent, "amount_to_capture=5&final_capture=false"),
        (Operation::CancelPaymentIntent, ""),
        (Operation::CreateCustomer, "preferred_locales[0]=en&preferred_locales[1]=de&metadata[a]=1"),
        (Operation::ListEvents, "types%5B0%5D=a&types%5B1%5D=b"),
        (Operation::DeleteCustomer, ""),
    ];
    for (operation, body) in cases {
        operation.check_params(&params(body)).unwrap_or_else(|error| panic!("{operation:?} {body}: {error}"));
    }
}
