//! Payments from wallets: the customer approves at the operator's, and a signed notification brings the news; or it does not come, comes
//! twice, is forged, or comes when everything is over. What the operator's book says is what the merchant is told.

#[path = "../../acquirers/tests/conformance/operator.rs"]
mod operator;

use super::process::{ABLE, Bank, House, Settable, yes};
use super::support::{Answer, Gateway, Request, another_key, app_over, exchange, gateway, quick};
use bytes::Bytes;
use crypto::webhook::{WebhookSecret, stripe_signature};
use gateway::exchange::Service;
use gateway::routing::Target;
use gateway_acquirers::Kind;
use gateway_acquirers::host::wallet::{Courier, Does, Notifying, Signed};
use gateway_acquirers::host::{Fault, FaultKind, HostPorts};
use gateway_acquirers::tasks::TokioTasks;
use gateway_core::ports::{BoxFuture, Clock};
use gateway_core::tenant::Mode;
use gateway_store::Memory;
use http::Method;
use operator::Served;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Carries notifications to the gateway, once there is one.
#[derive(Default)]
struct Line {
    api: OnceLock<Arc<dyn Service>>,
    taken: AtomicU64,
    refused: AtomicU64,
}

impl Courier for Line {
    fn deliver(&self, signed: Signed) -> BoxFuture<'_, bool> {
        Box::pin(async move {
            let status =
                post(&**self.api.get().expect("there is a gateway"), &signed.signature, signed.body).await;
            let counter = if status == 200 { &self.taken } else { &self.refused };
            counter.fetch_add(1, Ordering::SeqCst);
            status == 200
        })
    }
}

async fn post(api: &dyn Service, signature: &str, body: Vec<u8>) -> u16 {
    let request = Request {
        method: Method::POST,
        path: "/notifications/wallet".to_owned(),
        key: None,
        idempotency_key: None,
        content_type: Some("application/json"),
        body: Bytes::from(body),
        extra: Some(("tollgate-signature", signature.to_owned())),
    };
    api.call(Box::new(exchange(request))).await.status
}

/// A gateway, and the operator that it has for wallets; cards go to a simulated acquirer.
struct Chain {
    g: Gateway,
    served: Served,
    line: Arc<Line>,
    clock: Arc<Settable>,
    files: tempfile::TempDir,
    /// The secret's text, to sign by hand.
    secret: WebhookSecret,
}

async fn chain() -> Chain {
    let (clock, line) = (Settable::new(), Arc::new(Line::default()));
    let files = tempfile::tempdir().unwrap();
    let secret = WebhookSecret::generate(&crypto::random::System);
    let notifying =
        Notifying { courier: line.clone(), secret: WebhookSecret::parse(secret.expose()).unwrap() };
    let random = Arc::new(gateway::world::SystemRandom);
    let ports = HostPorts { clock: clock.clone(), random, tasks: Arc::new(TokioTasks) };
    let book = files.path().join("book.jsonl");
    let served = Served::new(ports, Some(&book), Some(notifying)).await;
    let file = |name: &str, text: &str| {
        std::fs::write(files.path().join(name), text).unwrap();
        format!("file:{}", files.path().join(name).display())
    };
    let settings = json!({
        "kind": "wallet",
        "url": format!("http://{}", served.address),
        "key": file("key", "operator-key"),
        "notification_secret": file("secret", secret.expose()),
        "response_timeout_ms": 1_000,
        "max_delay_ms": 1_000,
    });
    let (wallet, cards): (Kind, Kind) = (
        serde_json::from_value(settings).unwrap(),
        serde_json::from_value(json!({"kind": "iso8583", "address": "127.0.0.1:1"})).unwrap(),
    );
    let acquirers = Box::new(move |ports: &gateway_acquirers::Ports| {
        let target = |acquirer| Target { acquirer, modes: vec![Mode::Test], timeout_ms: 1_000 };
        Ok(vec![target(cards.build("cards", ports)?), target(wallet.build("wallet", ports)?)])
    });
    let keyring = crypto::keyring::Keyring::ephemeral(0, &crypto::random::System);
    let world = (&keyring, Arc::clone(&clock) as Arc<dyn Clock>);
    let app = app_over(Arc::new(Memory::new()), acquirers, quick(), world).await;
    let key = another_key(&app, "First shop", Mode::Test).await;
    let g = Gateway { app, key };
    let api: Arc<dyn Service> = Arc::clone(&g.app.api) as Arc<dyn Service>;
    assert!(line.api.set(api).is_ok());
    Chain { g, served, line, clock, files, secret }
}

const ALIPAY: &str = "confirm=true&payment_method_data[type]=alipay&return_url=https://shop.example/back";
const WECHAT: &str = "confirm=true&payment_method_data[type]=wechat_pay&payment_method_types[]=card\
    &payment_method_types[]=wechat_pay&payment_method_options[wechat_pay][client]=web";

fn intent(answer: &Answer) -> String {
    format!("/v1/payment_intents/{}", answer.text("/id"))
}

impl Chain {
    async fn pay(&self, amount: i64, how: &str) -> Answer {
        self.g.post("/v1/payment_intents", &format!("amount={amount}&currency=cny&{how}")).await
    }

    /// The reference under which the operator knows a payment's last attempt.
    async fn reference(&self, paid: &Answer) -> gateway_core::SmolStr {
        let mut payment = None;
        for recorded in self.g.history(paid.text("/id")).await {
            gateway_core::payment::apply(&mut payment, &recorded.event);
        }
        payment.unwrap().attempt().unwrap().trace.reference_text()
    }

    async fn does(&self, paid: &Answer, does: Does) -> bool {
        self.served.operator.decide(&self.reference(paid).await, does)
    }

    /// The next notification goes wrong in this way.
    fn spoil(&self, kind: FaultKind) {
        let messages = vec!["notify".to_owned()];
        let fault = Fault { times: 1, messages, delay_ms: 50, ..Fault::always(kind) };
        self.served.operator.faults().replace(vec![fault]);
    }

    /// The lines of the operator's book: op, result, amount.
    fn book(&self) -> Vec<(String, String, i64)> {
        let text = std::fs::read_to_string(self.files.path().join("book.jsonl")).unwrap();
        let line = |line: &str| {
            let line: Value = serde_json::from_str(line).unwrap();
            let word = |key: &str| line[key].as_str().unwrap().to_owned();
            (word("op"), word("result"), line["amount_minor"].as_i64().unwrap())
        };
        text.lines().map(line).collect()
    }

    fn approved(&self, op: &str) -> Vec<i64> {
        let lines = self.book().into_iter().filter(|(which, result, _)| which == op && result == "approved");
        lines.map(|(_, _, amount)| amount).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_a_notification_and_refunds() {
    let chain = chain().await;
    let waiting = chain.pay(2_000, ALIPAY).await.ok();
    assert_eq!(waiting.text("/status"), "requires_action");
    assert_eq!(waiting.text("/next_action/type"), "alipay_handle_redirect");
    let action = "/next_action/alipay_handle_redirect";
    assert!(waiting.text(&format!("{action}/url")).starts_with("https://wallet.example/pay/"));
    assert_eq!(waiting.text(&format!("{action}/return_url")), "https://shop.example/back");
    assert_eq!(waiting.body["payment_method_types"], json!(["card", "alipay"]));
    assert!(chain.does(&waiting, Does::Approve).await);
    let expanded = format!("{}?expand[]=latest_charge&expand[]=payment_method", intent(&waiting));
    let paid = chain.g.until(&expanded, "/status", "succeeded").await;
    assert_eq!((paid.number("/amount_received"), paid.number("/amount_capturable")), (2_000, 0));
    assert_eq!(paid.text("/payment_method/type"), "alipay");
    assert_eq!(paid.body["payment_method"]["alipay"], json!({}));
    assert!(paid.body["payment_method"].get("card").is_none());
    let details = &paid.body["latest_charge"]["payment_method_details"];
    assert_eq!((&details["type"], details.get("card")), (&json!("alipay"), None));
    assert!(details["alipay"]["transaction_id"].as_str().unwrap().starts_with("wp_"));
    let refund = |amount: &str| format!("payment_intent={}{amount}", waiting.text("/id"));
    chain.g.post("/v1/refunds", &refund("&amount=500")).await.ok();
    let rest = chain.g.post("/v1/refunds", &refund("")).await.ok();
    assert_eq!((rest.number("/amount"), rest.text("/status")), (1_500, "succeeded"));
    assert_eq!(chain.g.post("/v1/refunds", &refund("")).await.status, 400);
    assert_eq!((chain.approved("capture"), chain.approved("refund")), (vec![2_000], vec![500, 1_500]));
    let story = chain.g.get("/v1/events?type=payment_intent.*").await.ok();
    let kinds: Vec<_> =
        story.body["data"].as_array().unwrap().iter().map(|e| e["type"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        ["payment_intent.succeeded", "payment_intent.requires_action", "payment_intent.created"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_scanned_and_the_picture_of_it_is_served() {
    let chain = chain().await;
    let waiting = chain.pay(3_000, WECHAT).await.ok();
    assert_eq!(waiting.text("/next_action/type"), "wechat_pay_display_qr_code");
    let code = &waiting.body["next_action"]["wechat_pay_display_qr_code"];
    assert!(code["data"].as_str().unwrap().starts_with("https://wallet.example/pay/"));
    assert!(code["image_data_url"].as_str().unwrap().starts_with("data:image/png;base64,iVBORw0KGgo"));
    let browse = async |key: &str| {
        let url = code[key].as_str().unwrap();
        let path = url.strip_prefix("https://localhost:8443").unwrap().to_owned();
        chain.g.send(Request { method: Method::GET, key: None, ..chain.g.form(&path, "") }).await
    };
    let page = browse("hosted_instructions_url").await.clone();
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let html = String::from_utf8(page.bytes.to_vec()).unwrap();
    assert!(html.contains("/qr.svg\"") && !html.contains("<form"), "nobody approves here: {html}");
    assert_eq!(browse("image_url_png").await.header("content-type"), Some("image/png"));
    let drawn = browse("image_url_svg").await;
    assert!(drawn.bytes.starts_with(b"<svg") && drawn.header("content-type") == Some("image/svg+xml"));
    assert!(chain.does(&waiting, Does::Approve).await);
    let paid = chain.g.until(&intent(&waiting), "/status", "succeeded").await;
    assert_eq!(paid.body["next_action"], Value::Null);
    assert_eq!(browse("image_url_svg").await.status, 404, "the code is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_says_no_and_another_means_is_taken() {
    let chain = chain().await;
    let waiting = chain.pay(2_000, ALIPAY).await.ok();
    assert!(chain.does(&waiting, Does::Decline).await);
    let failed = chain.g.until(&intent(&waiting), "/status", "requires_payment_method").await;
    assert_eq!(failed.text("/last_payment_error/code"), "payment_method_customer_decline");
    assert_eq!(failed.text("/last_payment_error/payment_method_type"), "alipay");
    assert_eq!(failed.body["payment_method"], Value::Null);
    let again = chain
        .g
        .post(&format!("{}/confirm", intent(&waiting)), ALIPAY.trim_start_matches("confirm=true&"))
        .await
        .ok();
    assert_eq!(again.text("/status"), "requires_action");
    assert!(chain.does(&again, Does::Approve).await);
    chain.g.until(&intent(&waiting), "/status", "succeeded").await;
    assert_eq!(chain.approved("authorize"), [2_000], "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_doubled_late_and_forged_notifications_change_nothing_but_the_time() {
    let chain = chain().await;
    for (amount, kind) in
        (2_001..).zip([FaultKind::Lost, FaultKind::Doubled, FaultKind::Late, FaultKind::Garbage])
    {
        let waiting = chain.pay(amount, ALIPAY).await.ok();
        chain.spoil(kind);
        assert!(chain.does(&waiting, Does::Approve).await);
        // Where no news comes, the question does.
        for _try in 0..50 {
            if chain.g.get(&intent(&waiting)).await.ok().text("/status") == "succeeded" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let paid = chain.g.get(&intent(&waiting)).await.ok();
        assert_eq!(paid.text("/status"), "succeeded", "{kind:?}");
    }
    assert_eq!(chain.served.operator.fault_counts().values().sum::<u64>(), 4, "every fault was delivered");
    assert_eq!(chain.line.refused.load(Ordering::SeqCst), 1, "the forged one was refused");
    assert_eq!(chain.approved("authorize"), [2_001, 2_002, 2_003, 2_004]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_signed_by_another_too_old_too_long_or_about_nothing_moves_nothing() {
    let chain = chain().await;
    let waiting = chain.pay(2_000, ALIPAY).await.ok();
    let reference = chain.reference(&waiting).await;
    let body = json!({ "type": "payment.paid", "reference": reference }).to_string().into_bytes();
    let now = u64::try_from(chain.clock.now().unix_seconds()).unwrap();
    let api = &*chain.g.app.api;
    let stranger = WebhookSecret::generate(&crypto::random::System);
    let cases = [
        (stripe_signature(&[&stranger], now, &body), body.clone(), 400),
        (stripe_signature(&[&chain.secret], now - 301, &body), body.clone(), 400),
        (stripe_signature(&[&chain.secret], now, &body), b"{}".to_vec(), 400),
        (stripe_signature(&[&chain.secret], now, &vec![b' '; 8_000]), vec![b' '; 8_000], 400),
        (String::new(), body.clone(), 400),
        // Genuine, and a lie: it was not paid. It is asked, and the truth is that it waits.
        (stripe_signature(&[&chain.secret], now, &body), body.clone(), 200),
        (
            stripe_signature(&[&chain.secret], now, br#"{"type":"x","reference":"7"}"#),
            br#"{"type":"x","reference":"7"}"#.to_vec(),
            200,
        ),
    ];
    for (place, (signature, body, status)) in cases.into_iter().enumerate() {
        assert_eq!(post(api, &signature, body).await, status, "case {place}");
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(chain.g.get(&intent(&waiting)).await.ok().text("/status"), "requires_action");
    assert!(chain.book().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_never_comes_runs_out_of_time_and_a_late_approval_is_paid_back() {
    let chain = chain().await;
    let waiting = chain.pay(2_000, ALIPAY).await.ok();
    // On a busy machine the first answer may be late, and is asked for.
    chain.g.until(&intent(&waiting), "/status", "requires_action").await;
    let reference = chain.reference(&waiting).await;
    let rows = chain.g.history(waiting.text("/id")).await.len();
    chain.clock.shift(60_000);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(
        chain.g.get(&intent(&waiting)).await.ok().text("/status"),
        "requires_action",
        "it still waits"
    );
    assert_eq!(
        chain.g.history(waiting.text("/id")).await.len(),
        rows,
        "waiting for a customer writes nothing"
    );
    chain.clock.shift(900_000);
    let failed = chain.g.until(&intent(&waiting), "/status", "requires_payment_method").await;
    assert_eq!(failed.text("/last_payment_error/code"), "payment_intent_payment_attempt_expired");
    // The operator takes the money all the same, and tells.
    assert!(chain.served.operator.pay_against_its_word(&reference));
    for _try in 0..300 {
        if !chain.approved("reverse").is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!((chain.approved("authorize"), chain.approved("reverse")), (vec![2_000], vec![2_000]));
    chain.g.settle(waiting.text("/id")).await;
    let after = chain.g.get(&intent(&waiting)).await.ok();
    assert_eq!((after.text("/status"), after.number("/amount_received")), ("requires_payment_method", 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merchant_cancels_while_the_customer_is_away() {
    let chain = chain().await;
    let waiting = chain.pay(2_000, ALIPAY).await.ok();
    let canceled = chain.g.post(&format!("{}/cancel", intent(&waiting)), "").await.ok();
    assert_eq!(canceled.text("/status"), "canceled");
    assert!(!chain.does(&waiting, Does::Approve).await, "there is nothing left to approve");
    // And where the customer was quicker than the news of it, the payment is paid back.
    let quick = chain.pay(3_000, ALIPAY).await.ok();
    chain.spoil(FaultKind::Lost);
    assert!(chain.does(&quick, Does::Approve).await);
    let canceled = chain.g.post(&format!("{}/cancel", intent(&quick)), "").await;
    if canceled.status == 200 {
        assert_eq!(canceled.text("/status"), "canceled");
        assert_eq!(chain.approved("reverse"), [3_000]);
    } else {
        chain.g.until(&intent(&quick), "/status", "succeeded").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_lost_is_asked_for() {
    let chain = chain().await;
    for (amount, kind) in (2_001..).zip([FaultKind::ResetAfter, FaultKind::Silent, FaultKind::Garbage]) {
        let fault = Fault { times: 1, messages: vec!["create".to_owned()], ..Fault::always(kind) };
        chain.served.operator.faults().replace(vec![fault]);
        let unknown = chain.pay(amount, ALIPAY).await.ok();
        assert_eq!(unknown.text("/status"), "processing", "{kind:?}");
        let waiting = chain.g.until(&intent(&unknown), "/status", "requires_action").await;
        assert!(chain.does(&waiting, Does::Approve).await);
        chain.g.until(&intent(&unknown), "/status", "succeeded").await;
    }
    // One that never came is given up, and nothing of it stands.
    let fault = Fault { times: 1, messages: vec!["create".to_owned()], ..Fault::always(FaultKind::Lost) };
    chain.served.operator.faults().replace(vec![fault]);
    let lost = chain.pay(2_010, ALIPAY).await.ok();
    let failed = chain.g.until(&intent(&lost), "/status", "requires_payment_method").await;
    assert_eq!(failed.text("/last_payment_error/code"), "processing_error");
    assert_eq!(chain.approved("authorize"), [2_001, 2_002, 2_003]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_whose_answer_is_lost_is_made_once() {
    let chain = chain().await;
    let waiting = chain.pay(2_000, ALIPAY).await.ok();
    assert!(chain.does(&waiting, Does::Approve).await);
    chain.g.until(&intent(&waiting), "/status", "succeeded").await;
    let fault =
        Fault { times: 1, messages: vec!["refund".to_owned()], ..Fault::always(FaultKind::ResetAfter) };
    chain.served.operator.faults().replace(vec![fault]);
    let refund = chain.g.post("/v1/refunds", &format!("payment_intent={}", waiting.text("/id"))).await.ok();
    assert_eq!(refund.text("/status"), "pending");
    chain.g.until(&format!("/v1/refunds/{}", refund.text("/id")), "/status", "succeeded").await;
    assert_eq!(chain.approved("refund"), [2_000]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_wallet_can_not_do_is_refused_before_anything_is_stored() {
    let chain = chain().await;
    let cases = [
        (format!("{ALIPAY}&capture_method=manual"), "capture_method"),
        (format!("{ALIPAY}&off_session=true"), "off_session"),
        (format!("{ALIPAY}&setup_future_usage=off_session"), "setup_future_usage"),
        (format!("{ALIPAY}&payment_method_types[]=card"), "payment_method"),
        ("confirm=true&payment_method_data[type]=alipay".to_owned(), "return_url"),
        (WECHAT.replace("=web", "=ios"), "payment_method_options[wechat_pay][client]"),
        ("confirm=true&payment_method_data[type]=sepa_debit".to_owned(), "payment_method_data[type]"),
        ("confirm=true&payment_method_data[type]=alipay&return_url=https://a.example&automatic_payment_methods[enabled]=true&automatic_payment_methods[allow_redirects]=never".to_owned(), "payment_method"),
    ];
    for (how, param) in cases {
        let refused = chain.pay(2_000, &how).await;
        assert_eq!((refused.status, refused.text("/error/param")), (400, param), "{how}: {}", refused.body);
    }
    let owner = chain.g.post("/v1/customers", "").await.ok().text("/id").to_owned();
    let method = chain.g.post("/v1/payment_methods", "type=alipay").await.ok();
    let attach = format!("/v1/payment_methods/{}/attach", method.text("/id"));
    let refused = chain.g.post(&attach, &format!("customer={owner}")).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text("/error/message").contains("can't be saved"), "{}", refused.body);
    let setup = chain.g.post("/v1/setup_intents", &format!("payment_method={}", method.text("/id"))).await;
    assert_eq!(setup.status, 400, "{}", setup.body);
    assert_eq!(chain.g.get("/v1/payment_intents").await.ok().body["data"], json!([]), "nothing was stored");
    // A method made ahead pays like one that is given in place.
    let ahead =
        format!("confirm=true&payment_method={}&return_url=https://shop.example/", method.text("/id"));
    let waiting = chain.pay(2_000, &ahead).await.ok();
    assert_eq!(waiting.text("/status"), "requires_action");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_never_goes_to_a_wallet_and_a_wallet_never_to_a_bank() {
    let chain = chain().await;
    // The bank is not there, and nobody else takes cards.
    let card = chain.pay(2_000, "confirm=true&payment_method=pm_card_visa").await;
    assert_eq!(card.status, 402, "{}", card.body);
    assert!(chain.book().is_empty() && chain.served.operator.fault_counts().is_empty());
    // Where there are only banks, a wallet is refused with a reason.
    let (house, bank) = (House::new(), Bank::new("bank", ABLE, yes));
    let g = house.start(&[&bank]).await;
    let refused = g.post("/v1/payment_intents", &format!("amount=2000&currency=cny&{ALIPAY}")).await;
    assert_eq!((refused.status, refused.text("/error/param")), (400, "payment_method_data[type]"));
    assert!(refused.text("/error/message").contains("no acquirer"), "{}", refused.body);
    assert!(bank.got("sale").is_empty());
}

/// Without a second process: the wallets of the simulated acquirer, whose owners come to a page of ours.
#[tokio::test(flavor = "multi_thread")]
async fn a_simulated_wallet_is_approved_or_not_on_a_page_of_ours() {
    let g = gateway().await;
    for (how, word, status) in [
        (ALIPAY, "pass", "succeeded"),
        (ALIPAY, "fail", "requires_payment_method"),
        (WECHAT, "pass", "succeeded"),
        (WECHAT, "fail", "requires_payment_method"),
    ] {
        let waiting = g.post("/v1/payment_intents", &format!("amount=2000&currency=cny&{how}")).await.ok();
        let action = &waiting.body["next_action"];
        let url = action["alipay_handle_redirect"]["url"]
            .as_str()
            .or(action["wechat_pay_display_qr_code"]["data"].as_str())
            .unwrap();
        let page = url.strip_prefix("https://localhost:8443").unwrap().to_owned();
        let browse = async |method: Method, path: String| {
            g.send(Request { method, key: None, ..g.form(&path, "") }).await
        };
        let shown = browse(Method::GET, page.clone()).await;
        let html = String::from_utf8(shown.bytes.to_vec()).unwrap();
        assert!(html.contains("Approve payment") && html.contains("20.00 CNY"), "{html}");
        let done = browse(Method::POST, format!("{page}/{word}")).await;
        assert!(matches!(done.status, 200 | 303), "{}", done.status);
        let after = g.get(&intent(&waiting)).await.ok();
        assert_eq!(after.text("/status"), status, "{how} {word}");
        if word == "fail" {
            assert_eq!(after.text("/last_payment_error/code"), "payment_method_customer_decline");
        }
    }
}

/// A wallet has no card: the scorer sees no key of one, lists and rules about cards do not match, and what it decided is stored.
#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_is_scored_without_a_card_and_a_review_looks_at_what_was_paid() {
    use gateway::scoring::rules::Does as Rule;
    let g = gateway().await;
    g.rules(&[
        ("cards", Rule::Block, "card.bin != '000000'"),
        ("wallets", Rule::Review, "payment_method == 'alipay'"),
    ]);
    let waiting = g.post("/v1/payment_intents", &format!("amount=2000&currency=cny&{ALIPAY}")).await.ok();
    let url = waiting.text("/next_action/alipay_handle_redirect/url").to_owned();
    let page = url.strip_prefix("https://localhost:8443").unwrap().to_owned();
    g.send(Request { key: None, ..g.form(&format!("{page}/pass"), "") }).await;
    let paid = g.get(&format!("{}?expand[]=review&expand[]=latest_charge", intent(&waiting))).await.ok();
    assert_eq!((paid.text("/status"), paid.number("/amount_received")), ("succeeded", 2_000));
    assert_eq!(paid.body["review"]["open"], json!(true), "{}", paid.body);
    assert_eq!(paid.text("/latest_charge/outcome/type"), "manual_review");
    let history = g.history(waiting.text("/id")).await;
    let decided = history.iter().find_map(|recorded| match &recorded.event {
        gateway_core::payment::Event::AuthorizationIntended { decision, .. } => decision.clone(),
        _other => None,
    });
    let features = gateway::scoring::decision::features(&decided.unwrap()).unwrap();
    let names = risk::features::streaming_names();
    let of_card = names.iter().zip(&features).filter(|(name, _)| name.starts_with("card_"));
    let of_card: Vec<_> = of_card.collect();
    assert!(of_card.len() > 3);
    assert!(of_card.iter().all(|(_, value)| risk::features::is_missing(**value)), "{of_card:?}");
    assert!(features.iter().all(|value| !value.is_nan()));
    let review = paid.text("/review/id").to_owned();
    let refund = g
        .post("/v1/refunds", &format!("payment_intent={}&reason=fraudulent", waiting.text("/id")))
        .await
        .ok();
    assert_eq!(refund.text("/status"), "succeeded");
    let closed = g.get(&format!("/v1/reviews/{review}")).await.ok();
    assert_eq!((&closed.body["open"], closed.text("/closed_reason")), (&json!(false), "refunded_as_fraud"));
}
