//! An upstream that speaks as much of the dialect as the adapter uses: intents, refunds, idempotency keys, and faults that it
//! counts. It shares no code with the gateway.

use crate::request::World;
use gateway_acquirers::stripe::{Settings, Stripe};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What goes wrong with the next call to a path that contains `at`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Closed before it is done.
    Reset,
    /// Done, then closed.
    ResetAfter,
    /// Done, never answered.
    Silent,
    /// Done, half an answer.
    Partial,
    /// Done, an answer that is no JSON.
    Garbage,
    /// Not done, 500 in the envelope.
    Broken,
    /// Not done, 429.
    Limited,
}

#[derive(Default)]
pub struct State {
    pub intents: Vec<Value>,
    pub refunds: Vec<Value>,
    answers: HashMap<String, (u16, String)>,
    trouble: Option<(&'static str, Trouble)>,
    pub delivered: usize,
    /// Paths that were called, bodies and keys left out.
    pub calls: Vec<String>,
}

pub struct Upstream {
    pub world: Arc<World>,
    pub state: Arc<Mutex<State>>,
    pub address: SocketAddr,
    key_file: tempfile::NamedTempFile,
    serving: JoinHandle<()>,
}

impl Upstream {
    pub async fn listening() -> Upstream {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let state: Arc<Mutex<State>> = Arc::default();
        let serving = tokio::spawn({
            let state = Arc::clone(&state);
            async move {
                loop {
                    let (stream, _) = listener.accept().await.expect("accepts");
                    let state = Arc::clone(&state);
                    tokio::spawn(async move { converse(stream, &state).await });
                }
            }
        });
        let key_file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(key_file.path(), "sk_test_upstream\n").expect("it can be written");
        Upstream { world: Arc::default(), state, address, key_file, serving }
    }

    pub fn acquirer(&self) -> Stripe {
        let key = self.key_file.path().display();
        let text = format!("url = \"http://{}\"\nkey = \"file:{key}\"", self.address);
        let settings: Settings = toml::from_str(&text).expect("valid settings");
        Stripe::new("psp-a", settings, &self.world.ports()).expect("valid settings")
    }

    pub fn trouble(&self, at: &'static str, trouble: Trouble) {
        self.state.lock().expect("no panic holds it").trouble = Some((at, trouble));
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

struct Call {
    method: String,
    path: String,
    key: Option<String>,
    form: BTreeMap<String, String>,
}

async fn read_call(stream: &mut TcpStream) -> Option<Call> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let text = String::from_utf8(bytes[..head].to_vec()).ok()?;
    let header = |name: &str| {
        let line = text.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")))?;
        line.split_once(':').map(|(_, value)| value.trim().to_owned())
    };
    let length: usize = header("content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
    while bytes.len() < head + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let mut words = text.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?);
    let path = target.split('?').next()?.to_owned();
    let body = String::from_utf8(bytes[head..head + length].to_vec()).ok()?;
    let form = body
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(k, v)| (decoded(k), decoded(v)))
        .collect();
    Some(Call { method, path, key: header("idempotency-key"), form })
}

fn decoded(text: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits: String = bytes.by_ref().take(2).map(char::from).collect();
                u8::from_str_radix(&digits, 16).expect("two digits after a percent sign")
            }
            plain => plain,
        });
    }
    String::from_utf8(out).expect("forms are UTF-8")
}

async fn converse(mut stream: TcpStream, state: &Mutex<State>) {
    while let Some(call) = read_call(&mut stream).await {
        let (answer, trouble) = {
            let mut state = state.lock().expect("no panic holds it");
            state.calls.push(format!("{} {}", call.method, call.path));
            let trouble =
                state.trouble.take_if(|(at, _)| call.path.contains(*at)).map(|(_, trouble)| trouble);
            state.delivered += usize::from(trouble.is_some());
            let done = match trouble {
                Some(Trouble::Reset) => return,
                Some(Trouble::Broken) => error(500, "api_error", "broken"),
                Some(Trouble::Limited) => error(429, "rate_limit_error", "rate_limit"),
                None | Some(Trouble::ResetAfter | Trouble::Silent | Trouble::Partial | Trouble::Garbage) => {
                    state.once(&call)
                }
            };
            (done, trouble)
        };
        let (status, mut body) = answer;
        match trouble {
            Some(Trouble::ResetAfter) => return,
            Some(Trouble::Silent) => {
                tokio::time::sleep(Duration::from_secs(5)).await;
                return;
            }
            Some(Trouble::Garbage) => body = "<html>".to_owned(),
            _ => {}
        }
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let whole = head + &body;
        let part = if trouble == Some(Trouble::Partial) { whole.len() - 10 } else { whole.len() };
        if stream.write_all(&whole.as_bytes()[..part]).await.is_err() || part < whole.len() {
            return;
        }
    }
}

fn error(status: u16, kind: &str, code: &str) -> (u16, String) {
    (status, json!({ "error": { "type": kind, "code": code, "message": "no" } }).to_string())
}

impl State {
    /// The same key gets the same bytes.
    fn once(&mut self, call: &Call) -> (u16, String) {
        if let Some(known) = call.key.as_ref().and_then(|key| self.answers.get(key)) {
            return known.clone();
        }
        let answer = self.act(call);
        if let Some(key) = &call.key {
            self.answers.insert(key.clone(), answer.clone());
        }
        answer
    }

    fn act(&mut self, call: &Call) -> (u16, String) {
        let parts: Vec<&str> = call.path.trim_start_matches("/v1/").split('/').collect();
        match (call.method.as_str(), parts.as_slice()) {
            ("POST", ["payment_intents"]) => self.create(&call.form),
            ("GET", ["payment_intents", id]) => self.with(id, |intent| Ok(intent.clone())),
            ("POST", ["payment_intents", id, "confirm"]) => {
                self.with(id, |intent| confirm(intent, &call.form))
            }
            ("POST", ["payment_intents", id, "capture"]) => {
                self.with(id, |intent| capture(intent, &call.form))
            }
            ("POST", ["payment_intents", id, "cancel"]) => self.with(id, |intent| {
                if intent["status"] == "succeeded" || intent["status"] == "canceled" {
                    return Err(error(400, "invalid_request_error", "payment_intent_unexpected_state"));
                }
                intent["status"] = json!("canceled");
                intent["amount_capturable"] = json!(0);
                Ok(intent.clone())
            }),
            ("POST", ["payment_intents", id, "increment_authorization"]) => self.with(id, |intent| {
                let total = number(&call.form, "amount");
                (intent["amount"], intent["amount_capturable"]) = (json!(total), json!(total));
                Ok(intent.clone())
            }),
            ("POST", ["refunds"]) => self.refund(&call.form),
            ("POST", ["setup_intents"]) => {
                (200, json!({ "id": "seti_1", "status": "succeeded" }).to_string())
            }
            _ => error(404, "invalid_request_error", "resource_missing"),
        }
    }

    fn create(&mut self, form: &BTreeMap<String, String>) -> (u16, String) {
        let id = format!("pi_{}", self.intents.len() + 1);
        let intent = json!({
            "id": id, "object": "payment_intent", "status": "requires_payment_method", "amount": number(form, "amount"),
            "amount_capturable": 0, "amount_received": 0, "currency": form["currency"], "created": 1,
            "capture_method": form["capture_method"], "livemode": false, "latest_charge": null,
            "last_payment_error": null, "metadata": { "tollgate_reference": form["metadata[tollgate_reference]"] },
        });
        self.intents.push(intent.clone());
        (200, intent.to_string())
    }

    fn with(
        &mut self,
        id: &str,
        act: impl FnOnce(&mut Value) -> Result<Value, (u16, String)>,
    ) -> (u16, String) {
        let Some(intent) = self.intents.iter_mut().find(|intent| intent["id"] == id) else {
            return error(404, "invalid_request_error", "resource_missing");
        };
        act(intent).map_or_else(|error| error, |intent| (200, intent.to_string()))
    }

    fn refund(&mut self, form: &BTreeMap<String, String>) -> (u16, String) {
        let amount = number(form, "amount");
        let of = form["payment_intent"].clone();
        let before: i64 = self
            .refunds
            .iter()
            .filter(|refund| refund["payment_intent"] == of)
            .filter_map(|r| r["amount"].as_i64())
            .sum();
        let received =
            self.intents.iter().find(|intent| intent["id"] == of).and_then(|i| i["amount_received"].as_i64());
        if received.is_none_or(|received| before + amount > received) {
            return error(400, "invalid_request_error", "amount_too_large");
        }
        let refund = json!({
            "id": format!("re_{}", self.refunds.len() + 1), "amount": amount, "currency": "usd", "status": "succeeded",
            "charge": null, "payment_intent": of, "created": 1, "failure_reason": null,
        });
        self.refunds.push(refund.clone());
        (200, refund.to_string())
    }
}

fn number(form: &BTreeMap<String, String>, name: &str) -> i64 {
    form[name].parse().expect("an integer")
}

fn confirm(intent: &mut Value, form: &BTreeMap<String, String>) -> Result<Value, (u16, String)> {
    if intent["status"] != "requires_payment_method" {
        return Err(error(400, "invalid_request_error", "payment_intent_unexpected_state"));
    }
    let declines = [
        ("4000000000000002", "card_declined", "generic_decline"),
        ("4000000000009995", "card_declined", "insufficient_funds"),
        ("4000000000009987", "card_declined", "lost_card"),
        ("4000000000009979", "card_declined", "stolen_card"),
        ("4000000000000069", "expired_card", "expired_card"),
        ("4000000000000127", "incorrect_cvc", "incorrect_cvc"),
        ("4000000000000119", "processing_error", "processing_error"),
        ("4000000000000341", "card_declined", "generic_decline"),
    ];
    let pan = &form["payment_method_data[card][number]"];
    if let Some((_, code, decline)) = declines.iter().find(|(number, ..)| number == pan) {
        let told = json!({ "type": "card_error", "code": code, "decline_code": decline, "message": pan });
        intent["last_payment_error"] = told.clone();
        return Err((402, json!({ "error": told }).to_string()));
    }
    if pan == "4000002760003184" {
        intent["status"] = json!("requires_action");
        let to = json!({ "url": "https://bank.example/challenge", "return_url": null });
        intent["next_action"] = json!({ "type": "redirect_to_url", "redirect_to_url": to });
        return Ok(intent.clone());
    }
    let amount = intent["amount"].clone();
    let manual = intent["capture_method"] == "manual";
    intent["status"] = json!(if manual { "requires_capture" } else { "succeeded" });
    intent[if manual { "amount_capturable" } else { "amount_received" }] = amount.clone();
    intent["latest_charge"] = json!({
        "id": "ch_1", "status": "succeeded", "amount": amount, "amount_captured": 0, "amount_refunded": 0, "captured": !manual,
        "refunded": false, "paid": true, "disputed": false, "currency": "usd", "created": 1,
        "payment_method_details": { "card": {
            "exp_month": 12, "exp_year": 2029, "network_transaction_id": "104", "authorization_code": "A1B2C3",
            "checks": { "cvc_check": "pass" },
        } },
    });
    Ok(intent.clone())
}

fn capture(intent: &mut Value, form: &BTreeMap<String, String>) -> Result<Value, (u16, String)> {
    if intent["status"] != "requires_capture" {
        return Err(error(400, "invalid_request_error", "payment_intent_unexpected_state"));
    }
    let (amount, capturable) =
        (number(form, "amount_to_capture"), intent["amount_capturable"].as_i64().unwrap_or(0));
    if amount > capturable {
        return Err(error(400, "invalid_request_error", "amount_too_large"));
    }
    let more = form.get("final_capture").is_some_and(|value| value == "false") && amount < capturable;
    intent["amount_received"] = json!(intent["amount_received"].as_i64().unwrap_or(0) + amount);
    intent["amount_capturable"] = json!(if more { capturable - amount } else { 0 });
    if !more {
        intent["status"] = json!("succeeded");
    }
    Ok(intent.clone())
}
