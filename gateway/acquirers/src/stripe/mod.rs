//! Upstreams over HTTPS that speak the dialect: Stripe itself, another gateway of ours, anything like them.

mod notice;
mod outcome;
mod settings;
mod steps;

pub use settings::Settings;

use crate::Ports;
use crate::https::{self, Peer};
use crypto::webhook::WebhookSecret;
use gateway_api::client::Client;
use gateway_core::acquirer::{
    Abilities, Able, Acquirer, AcquirerRequest, Answer, Link, Notice, Noticed, Permit,
};
use gateway_core::ports::{BoxFuture, Clock};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use steps::Steps;
use tokio::time::timeout;

/// An upstream that speaks the dialect.
pub struct Stripe {
    name: String,
    client: Client,
    settings: Settings,
    /// What its notifications are signed with.
    secret: Option<WebhookSecret>,
    clock: Arc<dyn Clock>,
    /// The last call got an answer of any kind.
    reached: AtomicBool,
}

impl Stripe {
    /// An upstream of this name. It connects when it is first used.
    ///
    /// # Errors
    /// A URL, key or authority that can't be used; the text says what to write.
    pub fn new(name: &str, settings: Settings, ports: &Ports) -> Result<Stripe, String> {
        let peer = Peer {
            url: &settings.url,
            ca: settings.ca.as_deref(),
            key: &settings.key,
            response_timeout_ms: settings.response_timeout_ms,
            window: settings.window,
        };
        let client = peer.client()?;
        let secret = settings
            .webhook_secret
            .as_ref()
            .map(|reference| https::secret("webhook_secret", reference))
            .transpose()?;
        let clock = Arc::clone(&ports.clock);
        Ok(Stripe { name: name.to_owned(), client, settings, secret, clock, reached: AtomicBool::new(true) })
    }

    async fn exchange(&self, request: AcquirerRequest) -> Answer {
        let committed = AtomicBool::new(false);
        let steps = Steps {
            client: &self.client,
            name: &self.name,
            request: &request,
            now: self.clock.now(),
            idempotency_window_ms: self.settings.idempotency_window_ms,
            card_as_method: self.settings.card_as_method,
            committed: &committed,
        };
        let patience = request.timeout_ms.min(self.settings.response_timeout_ms);
        let answer = match timeout(Duration::from_millis(patience), steps.run()).await {
            Ok(answer) => answer,
            Err(_) if committed.load(Ordering::Acquire) => {
                Answer::Unknown(format!("no answer within {patience} ms"))
            }
            Err(_) => Answer::NotSent(format!("nothing was asked for within {patience} ms")),
        };
        self.reached.store(!matches!(answer, Answer::NotSent(_) | Answer::Unknown(_)), Ordering::Release);
        answer
    }
}

impl Acquirer for Stripe {
    fn name(&self) -> &str {
        &self.name
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            inquiry: Able::Yes,
            partial_capture: Able::Yes,
            multiple_capture: Able::Yes,
            incremental: Able::Yes,
            repeat_window_ms: self.settings.idempotency_window_ms,
            max_delay_ms: 120_000,
        }
    }

    fn window(&self) -> usize {
        self.settings.window
    }

    fn link(&self) -> Link {
        // Connections are made when they are needed; there is none to be down.
        if self.reached.load(Ordering::Acquire) { Link::Up } else { Link::Connecting }
    }

    fn send<'a>(&'a self, permit: Permit, request: AcquirerRequest) -> BoxFuture<'a, Answer> {
        if !permit.covers(&request) {
            return Box::pin(std::future::ready(Answer::NotSent(
                "the permit is for another message".to_owned(),
            )));
        }
        Box::pin(self.exchange(request))
    }

    fn notified(&self, notice: &Notice<'_>) -> Noticed {
        self.secret.as_ref().map_or(Noticed::NotTaken, |secret| notice::judge(secret, notice))
    }
}
