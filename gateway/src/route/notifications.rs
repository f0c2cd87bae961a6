//! Notifications of acquirers: `POST /notifications/NAME`. The adapter checks the signature; what is taken of the rest is that
//! there is news of a message, and the resolver asks what it is. So a notification that is forged, repeated, late or out of
//! order moves nothing.

use crate::engine::Engine;
use crate::exchange::{Exchange, Reply};
use crate::flow::{Fault, resolve};
use gateway_api::error::ApiError;
use gateway_core::acquirer::{Notice, Noticed};
use gateway_core::journal::{Query, Row};
use http::Method;
use serde_json::json;
use std::sync::Arc;
use tracing::{info, warn};

/// What its paths begin with; the acquirer's name follows.
pub(super) const PREFIX: &str = "/notifications/";
/// Headers that may hold the signature.
const SIGNATURES: [&str; 2] = ["stripe-signature", "tollgate-signature"];

/// Takes one.
pub(super) fn take(engine: &Arc<Engine>, exchange: &Exchange, name: &str) -> Reply {
    if exchange.method != Method::POST {
        return Reply::from(ApiError::method_not_allowed(exchange.method.as_str(), "POST"));
    }
    let unknown = || Reply::from(ApiError::unknown_route("POST", &exchange.path));
    let Some(acquirer) = engine.acquirers.named(name) else { return unknown() };
    let signature = SIGNATURES.iter().find_map(|header| exchange.header(*header)).unwrap_or_default();
    let notice = Notice { signature, body: &exchange.body, now: engine.clock.now() };
    let noticed = acquirer.notified(&notice);
    count(noticed);
    match noticed {
        Noticed::NotTaken => unknown(),
        Noticed::NotGenuine => Reply::from(ApiError::invalid_request(
            "The signature of this notification does not fit its body, or it is too old.",
        )),
        Noticed::Nothing => received(),
        Noticed::About(reference) => {
            let own = Arc::clone(engine);
            // Its sender need not wait for what we make of it.
            drop(engine.tasks.spawn(async move { look(&own, reference).await }));
            received()
        }
    }
}

/// Asks what is new of the payment that awaits this message.
async fn look(engine: &Arc<Engine>, reference: u64) {
    if let Some((tenant, payment)) = engine.outstanding.payment(reference) {
        return told(resolve::news(engine, (tenant, payment), reference).await);
    }
    match engine.journal.query(&Query::Awaiting { reference }).await {
        Ok(found) => {
            for stored in found {
                let Row::Payment(row) = stored.row else { continue };
                told(resolve::news(engine, (row.payment.tenant, row.payment.id), reference).await);
            }
        }
        // The resolver asks by itself before long.
        Err(why) => warn!(?why, "the store can't be asked for a message"),
    }
}

/// What is outstanding is asked for again by itself.
fn told(looked: Result<(), Fault>) {
    if let Err(fault) = looked {
        info!(?fault, "news could not be taken up now");
    }
}

fn received() -> Reply {
    Reply::json(200, json!({ "received": true }).to_string())
}

fn count(noticed: Noticed) {
    let worth = match noticed {
        Noticed::About(_) => "news",
        Noticed::Nothing => "nothing",
        Noticed::NotGenuine => "not_genuine",
        Noticed::NotTaken => "not_taken",
    };
    metrics::counter!("tollgate_notifications_total", "worth" => worth).increment(1);
}
