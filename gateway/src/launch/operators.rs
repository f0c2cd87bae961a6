//! What operators ask of the application: merchants and their keys; messages stand in a room of their own.

mod risk;

use crate::admin::{AdminReply, AdminRequest, AdminService, AdminStream};
use crate::admit::merchants::KeyRequest;
use crate::engine::Engine;
use gateway_core::id::{ApiKeyId, MerchantId};
use gateway_core::journal::{CommitError, Query, Row};
use gateway_core::ports::BoxFuture;
use gateway_core::record::{ApiKey, KeyKind, Merchant};
use gateway_core::tenant::Mode;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// The endpoints for operators.
pub struct Operators {
    engine: Arc<Engine>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewMerchant {
    name: String,
}

/// What is not named stays.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MerchantChange {
    partial_approval: Option<bool>,
    retry_declines: Option<bool>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum ModeWord {
    Test,
    Live,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum KindWord {
    Secret,
    Publishable,
    Restricted,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewKey {
    merchant: String,
    #[serde(default = "test_mode")]
    mode: ModeWord,
    #[serde(default = "secret_kind")]
    kind: KindWord,
    #[serde(default)]
    scopes: Vec<String>,
}

const fn test_mode() -> ModeWord {
    ModeWord::Test
}

const fn secret_kind() -> KindWord {
    KindWord::Secret
}

/// Longest name of a merchant, in characters.
const MAX_NAME_CHARS: usize = 100;

impl Operators {
    /// Endpoints over an engine.
    pub const fn new(engine: Arc<Engine>) -> Self {
        Self { engine }
    }

    async fn answer(&self, request: AdminRequest) -> AdminReply {
        let path = request.path.trim_end_matches('/');
        match (path, &request.method) {
            ("/merchants", &Method::POST) => self.create_merchant(&request.body).await,
            ("/merchants", &Method::GET) => self.merchants(),
            ("/keys", &Method::POST) => self.create_key(&request.body).await,
            ("/keys", &Method::GET) => self.keys(request.query.as_deref().unwrap_or_default()).await,
            (routing, _) if routing == "/routing" || routing.starts_with("/routing/") => {
                super::routing::answer(&self.engine, &request).await
            }
            ("/merchants" | "/keys", _) => AdminReply::method_not_allowed("GET or POST"),
            (other, &Method::POST) if other.starts_with("/merchants/") => {
                self.change_merchant(&other["/merchants/".len()..], &request.body).await
            }
            (other, _) if other.starts_with("/merchants/") => AdminReply::method_not_allowed("POST"),
            (other, &Method::DELETE) if other.starts_with("/keys/") => {
                self.revoke(&other["/keys/".len()..]).await
            }
            (other, _) if other.starts_with("/keys/") => AdminReply::method_not_allowed("DELETE"),
            (other, method) if other.starts_with("/messages/") => {
                let rest = (&other["/messages/".len()..], method);
                super::messages::answer(&self.engine, rest, &request.body).await
            }
            (other, _) if other == "/risk" || other.starts_with("/risk/") => {
                risk::answer(&self.engine, other, &request).await
            }
            (other, _) => AdminReply::not_found(other),
        }
    }

    async fn create_merchant(&self, body: &[u8]) -> AdminReply {
        let new: NewMerchant = match serde_json::from_slice(body) {
            Ok(new) => new,
            Err(error) => {
                return AdminReply::problem(400, &format!("Send {{\"name\": \"...\"}} as JSON: {error}."));
            }
        };
        let name = new.name.trim();
        if name.is_empty() || name.chars().count() > MAX_NAME_CHARS || name.chars().any(char::is_control) {
            let what = format!("A name is 1 to {MAX_NAME_CHARS} characters, without control characters.");
            return AdminReply::problem(400, &what);
        }
        let world = (&*self.engine.clock, &*self.engine.ids);
        match self.engine.merchants.create(name, world).await {
            Ok(merchant) => AdminReply::json(201, merchant_json(&merchant).to_string()),
            Err(error) => unavailable(&error),
        }
    }

    async fn change_merchant(&self, id: &str, body: &[u8]) -> AdminReply {
        let change: MerchantChange = match serde_json::from_slice(body) {
            Ok(change) => change,
            Err(error) => {
                let what = format!(
                    "Send {{\"retry_declines\": true}} or {{\"partial_approval\": true}} as JSON: {error}."
                );
                return AdminReply::problem(400, &what);
            }
        };
        let Ok(id) = id.parse::<MerchantId>() else { return AdminReply::not_found(id) };
        let changed = self.engine.merchants.change(id, |merchant| {
            merchant.partial_approval = change.partial_approval.unwrap_or(merchant.partial_approval);
            merchant.retry_declines = change.retry_declines.unwrap_or(merchant.retry_declines);
        });
        match changed.await {
            Ok(Some(merchant)) => AdminReply::json(200, merchant_json(&merchant).to_string()),
            Ok(None) => AdminReply::problem(404, "There is no such merchant; GET /merchants lists them."),
            Err(error) => unavailable(&error),
        }
    }

    fn merchants(&self) -> AdminReply {
        let data: Vec<Value> =
            self.engine.merchants.all().iter().map(|merchant| merchant_json(merchant)).collect();
        AdminReply::json(200, json!({ "data": data }).to_string())
    }

    async fn create_key(&self, body: &[u8]) -> AdminReply {
        let new: NewKey = match serde_json::from_slice(body) {
            Ok(new) => new,
            Err(error) => {
                let what = format!(
                    "Send {{\"merchant\": \"acct_...\", \"mode\": \"test\", \"kind\": \"secret\"}} as JSON: {error}."
                );
                return AdminReply::problem(400, &what);
            }
        };
        let known = new
            .merchant
            .parse::<MerchantId>()
            .ok()
            .filter(|id| self.engine.merchants.merchant(*id).is_some());
        let Some(merchant) = known else {
            return AdminReply::problem(404, "There is no such merchant; GET /merchants lists them.");
        };
        if let Some(wrong) = new.scopes.iter().find(|scope| !is_scope(scope)) {
            let what =
                format!("{wrong:?} is no scope: write RESOURCE:read or RESOURCE:write, as refunds:write.");
            return AdminReply::problem(400, &what);
        }
        let request = KeyRequest { merchant, mode: mode(new.mode), kind: kind(new.kind), scopes: new.scopes };
        let world = (&*self.engine.clock, &*self.engine.ids, &*self.engine.random);
        match self.engine.merchants.create_key(request, world).await {
            Ok(made) => {
                let mut shown = key_json(&made.record);
                shown["secret"] = Value::from(made.secret);
                AdminReply::json(201, shown.to_string())
            }
            Err(error) => unavailable(&error),
        }
    }

    async fn keys(&self, query: &str) -> AdminReply {
        let wanted = query.split('&').find_map(|pair| pair.strip_prefix("merchant="));
        let wanted = match wanted.map(str::parse::<MerchantId>) {
            None => None,
            Some(Ok(id)) => Some(id),
            Some(Err(_)) => return AdminReply::problem(400, "merchant is no id: write acct_..."),
        };
        let stored = match self.engine.journal.query(&Query::ApiKeys).await {
            Ok(stored) => stored,
            Err(error) => return AdminReply::problem(503, &format!("The store can't be read: {error:?}.")),
        };
        let data: Vec<Value> = stored
            .into_iter()
            .filter_map(|one| if let Row::ApiKey(key) = one.row { Some(key) } else { None })
            .filter(|key| wanted.is_none_or(|id| id == key.merchant))
            .map(|key| key_json(&key))
            .collect();
        AdminReply::json(200, json!({ "data": data }).to_string())
    }

    async fn revoke(&self, text: &str) -> AdminReply {
        let Ok(id) = text.parse::<ApiKeyId>() else { return AdminReply::not_found(text) };
        match self.engine.merchants.revoke(id, self.engine.clock.now()).await {
            Ok(true) => AdminReply::json(200, json!({ "id": id.to_string(), "revoked": true }).to_string()),
            Ok(false) => AdminReply::problem(404, "There is no such key; GET /keys lists them."),
            Err(error) => unavailable(&error),
        }
    }
}

fn unavailable(error: &CommitError) -> AdminReply {
    AdminReply::problem(
        503,
        &format!("The store takes no commit now: {error:?}. Nothing was made; try again."),
    )
}

fn is_scope(scope: &str) -> bool {
    use gateway_api::endpoints::ENDPOINTS;
    let Some((resource, right)) = scope.split_once(':') else { return false };
    let known = ENDPOINTS.iter().any(|e| crate::admit::key::scope_name(e.resource) == resource);
    known && matches!(right, "read" | "write")
}

const fn mode(word: ModeWord) -> Mode {
    match word {
        ModeWord::Test => Mode::Test,
        ModeWord::Live => Mode::Live,
    }
}

const fn kind(word: KindWord) -> KeyKind {
    match word {
        KindWord::Secret => KeyKind::Secret,
        KindWord::Publishable => KeyKind::Publishable,
        KindWord::Restricted => KeyKind::Restricted,
    }
}

fn merchant_json(merchant: &Merchant) -> Value {
    json!({
        "id": merchant.id.to_string(),
        "name": merchant.name,
        "created": merchant.created.unix_seconds(),
        "partial_approval": merchant.partial_approval,
        "retry_declines": merchant.retry_declines,
    })
}

fn key_json(key: &ApiKey) -> Value {
    json!({
        "id": key.id.to_string(),
        "merchant": key.merchant.to_string(),
        "mode": key.mode.as_str(),
        "kind": match key.kind {
            KeyKind::Secret => "secret",
            KeyKind::Publishable => "publishable",
            KeyKind::Restricted => "restricted",
        },
        "scopes": key.scopes,
        "created": key.created.unix_seconds(),
        "revoked": key.revoked.map(gateway_core::Timestamp::unix_seconds),
    })
}

impl AdminService for Operators {
    fn call(&self, request: AdminRequest) -> BoxFuture<'_, AdminReply> {
        Box::pin(self.answer(request))
    }

    fn stream(&self, request: &AdminRequest) -> Option<AdminStream> {
        risk::stream(&self.engine, request)
    }
}
