//! Expand paths: what they ask for at each level, and what is no path.

use gateway_api::Expand;

fn expand(paths: &[&str]) -> Expand {
    Expand::parse(paths).expect("valid paths")
}

#[test]
fn a_path_asks_for_every_object_on_its_way() {
    let set = expand(&["latest_charge.balance_transaction", "customer"]);
    assert!(set.wants("latest_charge") && set.wants("customer"));
    assert!(!set.wants("balance_transaction") && !set.wants("latest") && !set.wants("custom"));
    let charge = set.descend("latest_charge");
    assert!(charge.wants("balance_transaction") && !charge.wants("customer"));
    assert!(charge.descend("balance_transaction").is_empty());
    assert!(set.descend("review").is_empty());
}

#[test]
fn lists_begin_at_data() {
    let set = expand(&["data.latest_charge.balance_transaction"]);
    assert!(!set.wants("latest_charge"));
    let item = set.descend("data");
    assert!(item.wants("latest_charge"));
    assert!(item.descend("latest_charge").wants("balance_transaction"));
}

#[test]
fn four_levels_are_the_most() {
    let set = expand(&["data.payment_intent.latest_charge.balance_transaction"]);
    let deepest = set.descend("data").descend("payment_intent").descend("latest_charge");
    assert!(deepest.wants("balance_transaction"));
    assert!(deepest.descend("balance_transaction").descend("source").is_empty());
    Expand::parse(&["a.b.c.d.e"]).expect_err("five levels");
}

#[test]
fn what_is_no_path_is_refused() {
    for bad in ["", ".", "a.", ".a", "a b", "A", "a[b]", "a\u{e9}"] {
        let error = Expand::parse(&[bad]).expect_err(bad);
        assert_eq!((error.status, error.param.as_deref()), (400, Some("expand")), "{bad}");
    }
    Expand::parse(&["a"; 21]).expect_err("21 paths");
}

#[test]
fn unknown_properties_are_named() {
    let set = expand(&["latest_charge", "customer"]);
    set.check_known(&["latest_charge", "customer"]).expect("both are known");
    let listed = expand(&["data.latest_charge", "data.customer"]);
    listed.check_listed(&["latest_charge", "customer"]).expect("both are known of a list's items");
    listed.check_known(&["latest_charge", "customer"]).expect_err("a single object has no data");
    let hint = set.check_listed(&["latest_charge", "customer"]).expect_err("a list's paths begin with data");
    assert!(hint.message.contains("'data.latest_charge'"), "{}", hint.message);
    let error = set.check_known(&["latest_charge"]).expect_err("customer is not");
    assert_eq!(error.message, "This property cannot be expanded (customer).");
}
