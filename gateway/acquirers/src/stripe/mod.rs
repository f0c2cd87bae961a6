//! Upstreams over HTTPS that speak the dialect: Stripe itself, another gateway of ours, anything like them.

mod notice;
mod outcome;
mod settings;
mod steps;

pub use settings::{KeyReference, Place, Settings};

use crate::Ports;
use crypto::webhook::WebhookSecret;
use gateway_api::client::{Client, Deadlines, PoolSize, Protocol, Target};
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
        let place = settings.place()?;
        let target = if place.encrypted {
            let config = crate::tls::client(settings.ca.as_deref(), &[])?;
            Target::tls(&place.host, place.port, &config, Protocol::Http1)
                .map_err(|error| format!("url: {:?}: {error}", settings.url))?
        } else {
            Target::plain(&place.host, place.port, Protocol::Http1)
        };
        let answer = Duration::from_millis(settings.response_timeout_ms);
        let deadlines = Deadlines { connect: answer.min(Duration::from_secs(5)), answer };
        let size = PoolSize { calls: settings.window, connections: 1 };
        let key = settings.key.resolve()?;
        let client = Client::new(target, &key, deadlines, size).map_err(|_| "key: not a key".to_owned())?;
        let secret = settings.webhook_secret.as_ref().map(notice::secret).transpose()?;
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
