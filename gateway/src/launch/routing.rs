//! What operators ask of routing: how the acquirers are doing, where a payment would go and why, and other settings.

use crate::admin::{AdminReply, AdminRequest};
use crate::engine::Engine;
use crate::routing::settings::Routing;
use crate::routing::{Described, Question};
use gateway_core::id::PaymentId;
use gateway_core::journal::{Row, RowKey};
use gateway_core::payment::Payment;
use gateway_core::tenant::{Mode, Tenant};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::info;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfPayment {
    payment: String,
}

/// Answers `/routing` and what is below it.
pub(super) async fn answer(engine: &Engine, request: &AdminRequest) -> AdminReply {
    match (request.path.trim_end_matches('/'), &request.method) {
        ("/routing", &Method::GET) => show(engine),
        ("/routing", &Method::PUT) => replace(engine, &request.body),
        ("/routing", _) => AdminReply::method_not_allowed("GET or PUT"),
        ("/routing/explain", &Method::POST) => explain(engine, &request.body).await,
        ("/routing/explain", _) => AdminReply::method_not_allowed("POST"),
        (other, _) => AdminReply::not_found(other),
    }
}

fn show(engine: &Engine) -> AdminReply {
    let shown = json!({ "settings": engine.acquirers.settings(), "acquirers": engine.acquirers.states() });
    AdminReply::json(200, shown.to_string())
}

/// Other settings, until the next reload or start, which read the file again.
fn replace(engine: &Engine, body: &[u8]) -> AdminReply {
    let settings: Routing = match serde_json::from_slice(body) {
        Ok(settings) => settings,
        Err(error) => {
            let what = format!("Send the settings of [routing] as JSON; GET /routing shows them: {error}.");
            return AdminReply::problem(400, &what);
        }
    };
    match engine.acquirers.reload(&settings) {
        Ok(()) => {
            info!("routing was replaced by an operator, until the configuration is read again");
            show(engine)
        }
        Err(what) => AdminReply::problem(400, &format!("Nothing was changed. {what}.")),
    }
}

async fn explain(engine: &Engine, body: &[u8]) -> AdminReply {
    if let Ok(of) = serde_json::from_slice::<OfPayment>(body) {
        return explain_payment(engine, &of.payment).await;
    }
    let described = serde_json::from_slice::<Described>(body).map_err(|error| error.to_string());
    match described.and_then(|described| described.read()) {
        Ok(facts) => {
            let explanation = engine.acquirers.explain(&facts.question());
            AdminReply::json(200, json!({ "now": explanation }).to_string())
        }
        Err(what) => AdminReply::problem(
            400,
            &format!(
                "Send {{\"amount\": 1000, \"currency\": \"usd\"}} or {{\"payment\": \"pi_...\"}}: {what}."
            ),
        ),
    }
}

/// Where a payment that was made would go now, and whether its own choices come out the same again.
async fn explain_payment(engine: &Engine, id: &str) -> AdminReply {
    let payment = match find(engine, id).await {
        Ok(Some(payment)) => payment,
        Ok(None) => return AdminReply::problem(404, "There is no such payment."),
        Err(why) => return AdminReply::problem(503, &format!("The store can't be read: {why}.")),
    };
    let instrument = payment.instrument.as_ref().or(payment.attempt().map(|attempt| &attempt.instrument));
    let Some(instrument) = instrument else {
        return AdminReply::problem(409, "This payment has no payment method yet, so nothing can be said.");
    };
    let question = Question {
        mode: payment.tenant.mode,
        merchant: payment.tenant.merchant,
        amount: payment.amount,
        means: instrument.means.kind(),
        card: instrument.means.card(),
        metadata: &payment.details.metadata,
    };
    let attempts: Vec<Value> = payment
        .attempts
        .iter()
        .map(|attempt| {
            let asked = (payment.tenant.mode, attempt.instrument.means.kind());
            let replay = attempt.routed.as_ref().map(|routed| engine.acquirers.replay(routed, asked));
            json!({
                "attempt": attempt.number,
                "acquirer": attempt.acquirer,
                "chosen": attempt.routed,
                "replay": replay,
            })
        })
        .collect();
    let shown = json!({ "now": engine.acquirers.explain(&question), "attempts": attempts });
    AdminReply::json(200, shown.to_string())
}

/// A payment of any merchant's.
async fn find(engine: &Engine, id: &str) -> Result<Option<Payment>, String> {
    let Ok(id) = id.parse::<PaymentId>() else { return Ok(None) };
    for merchant in engine.merchants.all() {
        for mode in [Mode::Test, Mode::Live] {
            let key = RowKey::Payment(Tenant { merchant: merchant.id, mode }, id);
            let found = engine.journal.read(&key).await.map_err(|error| format!("{error:?}"))?;
            if let Some(Row::Payment(row)) = found.map(|found| found.row) {
                return Ok(Some(std::sync::Arc::unwrap_or_clone(row.payment)));
            }
        }
    }
    Ok(None)
}
