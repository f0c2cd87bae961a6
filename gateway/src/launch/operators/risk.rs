//! What operators and analysts ask of the scorer: which models serve, another one, the one before, labels, the export, the state of
//! the features.

use crate::admin::{AdminReply, AdminRequest, AdminStream};
use crate::engine::Engine;
use crate::scoring::export::{Window, export};
use crate::scoring::labels;
use crate::scoring::models::{Served, parse};
use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::mpsc;
use tracing::info;

/// Pieces of an export that wait for a slow reader.
const PIECES: usize = 4;
const SHADOWS: &str = "/risk/shadows/";

/// Answers a request under `/risk`.
pub async fn answer(engine: &Arc<Engine>, path: &str, request: &AdminRequest) -> AdminReply {
    let models = &engine.scoring.models;
    match (path, &request.method) {
        ("/risk", &Method::GET) => AdminReply::json(200, overview(engine).to_string()),
        ("/risk/model", &Method::POST) => changed("deployed", with_model(request, |m| models.deploy(m))),
        ("/risk/rollback", &Method::POST) => changed("rolled back to", models.rollback()),
        ("/risk/shadows", &Method::POST) => changed("shadowing", with_model(request, |m| models.shadow(m))),
        ("/risk/labels", &Method::POST) => upload(engine, &request.body).await,
        ("/risk/export", &Method::GET) => window(request).err().map_or_else(
            || AdminReply::problem(500, "The export could not begin."),
            |why| AdminReply::problem(400, &why),
        ),
        (shadow, &Method::DELETE) if shadow.starts_with(SHADOWS) => {
            let version = &shadow[SHADOWS.len()..];
            if models.unshadow(version) {
                return AdminReply::json(200, json!({ "version": version, "shadow": false }).to_string());
            }
            AdminReply::problem(404, "There is no such shadow model; GET /risk lists them.")
        }
        ("/risk" | "/risk/export" | "/risk/state", _) => AdminReply::method_not_allowed("GET"),
        ("/risk/model" | "/risk/rollback" | "/risk/shadows" | "/risk/labels", _) => {
            AdminReply::method_not_allowed("POST")
        }
        (other, _) => AdminReply::not_found(other),
    }
}

/// The export or the features' state, if that is asked for and well.
pub fn stream(engine: &Arc<Engine>, request: &AdminRequest) -> Option<AdminStream> {
    match (request.path.trim_end_matches('/'), &request.method) {
        ("/risk/export", &Method::GET) => Some(exported(engine, window(request).ok()?)),
        ("/risk/state", &Method::GET) => Some(state(engine)),
        (_, _) => None,
    }
}

/// The features' state, from which `risk replay` may begin. It is taken apart from the runtime's threads, which serve meanwhile.
fn state(engine: &Arc<Engine>) -> AdminStream {
    let (tell, pieces) = mpsc::channel(PIECES);
    let scoring = Arc::clone(&engine.scoring);
    engine.tasks.spawn(async move {
        let taken = tokio::task::spawn_blocking(move || scoring.state());
        // Nobody may be there any more to hear it.
        let _unheard = tell.send(taken.await.map(Bytes::from).map_err(|error| error.to_string())).await;
    });
    AdminStream { content_type: "application/octet-stream", pieces }
}

fn exported(engine: &Arc<Engine>, window: Window) -> AdminStream {
    let (tell, pieces) = mpsc::channel(PIECES);
    let engine = Arc::clone(engine);
    engine.tasks.clone().spawn(async move {
        let told = tell.clone();
        let done = export(&*engine.journal, window, move |lines| {
            let told = told.clone();
            async move { told.send(Ok(Bytes::from(lines))).await.is_ok() }
        });
        if let Err(why) = done.await {
            // Nobody may be there any more to hear it.
            let _unheard = tell.send(Err(why)).await;
        }
    });
    AdminStream { content_type: "text/csv; charset=utf-8", pieces }
}

/// `from=DATE&to=DATE`, both of them or neither.
fn window(request: &AdminRequest) -> Result<Window, String> {
    let query = request.query.as_deref().unwrap_or_default();
    let find = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    Window::of_days(find("from"), find("to"))
}

fn with_model(
    request: &AdminRequest,
    place: impl FnOnce(risk::model::Model) -> Result<Arc<Served>, String>,
) -> Result<Arc<Served>, String> {
    let text = std::str::from_utf8(&request.body).map_err(|_| "the model file is not UTF-8".to_owned())?;
    place(parse(text)?)
}

fn changed(what: &str, served: Result<Arc<Served>, String>) -> AdminReply {
    match served {
        Ok(served) => {
            info!(model = served.mark.version.as_str(), "{what}");
            AdminReply::json(200, shown(&served).to_string())
        }
        Err(why) => {
            AdminReply::problem(409, &format!("Nothing was changed, the last good model stays: {why}."))
        }
    }
}

fn shown(served: &Served) -> Value {
    let file = served.model.file();
    json!({
        "version": file.version,
        "checksum": file.checksum,
        "feature_set": file.feature_set,
        "features": file.features.len(),
        "training": file.training,
        "metrics": file.metrics,
    })
}

fn overview(engine: &Engine) -> Value {
    let scoring = &engine.scoring;
    let serving = scoring.models.serving();
    let [card, address, bin, merchant] = scoring.tripped();
    json!({
        "model": shown(&serving.champion),
        "previous": serving.previous().map(shown),
        "shadows": serving.shadows.iter().map(|shadow| shown(shadow)).collect::<Vec<_>>(),
        "records": scoring.position(),
        "windows_that_refuse": { "card": card, "address": address, "bin": bin, "merchant": merchant },
    })
}

async fn upload(engine: &Engine, body: &[u8]) -> AdminReply {
    let Ok(text) = std::str::from_utf8(body) else {
        return AdminReply::problem(400, "The file is not UTF-8.");
    };
    match labels::upload(engine, text).await {
        Ok(report) => AdminReply::json(200, json!(report).to_string()),
        Err(why) => AdminReply::problem(400, &format!("{why}.")),
    }
}
