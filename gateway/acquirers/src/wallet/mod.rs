//! Operators of wallets: the customer approves a payment on the operator's page, or scans its code, while the gateway waits for a
//! signed notification and asks by itself if none comes. gateway/docs/acquirers.md describes the wire.
//!
//! Every message has a reference of ours in it, by which the operator tells repeats apart for ever. So whatever was lost can be asked
//! for or sent again, and a reversal closes the door also before a payment that has not arrived yet.

mod notice;
mod outcome;
mod settings;
mod steps;
pub mod wire;

pub use settings::Settings;

use crate::https::{self, Peer};
use crypto::webhook::WebhookSecret;
use gateway_api::client::Client;
use gateway_core::acquirer::{
    Abilities, Able, Acquirer, AcquirerRequest, Answer, Link, Notice, Noticed, Permit,
};
use gateway_core::means::MeansKind;
use gateway_core::ports::BoxFuture;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use steps::Steps;
use tokio::time::timeout;

/// Repeats are recognised by their reference, however late: this long, in milliseconds, because something must be said.
const REPEAT_WINDOW_MS: u64 = 365 * 86_400_000;

/// An operator of wallets.
pub struct Wallet {
    name: String,
    client: Client,
    settings: Settings,
    /// What its notifications are signed with.
    secret: Option<WebhookSecret>,
    /// The last call got an answer of any kind.
    reached: AtomicBool,
}

impl Wallet {
    /// An operator of this name. It connects when it is first used.
    ///
    /// # Errors
    /// A URL, key, secret or authority that can't be used; the text says what to write.
    pub fn new(name: &str, settings: Settings) -> Result<Wallet, String> {
        settings.check()?;
        let peer = Peer {
            url: &settings.url,
            ca: settings.ca.as_deref(),
            key: &settings.key,
            response_timeout_ms: settings.response_timeout_ms,
            window: settings.window,
        };
        let client = peer.client()?;
        let secret = settings
            .notification_secret
            .as_ref()
            .map(|reference| https::secret("notification_secret", reference))
            .transpose()?;
        Ok(Wallet { name: name.to_owned(), client, settings, secret, reached: AtomicBool::new(true) })
    }

    async fn exchange(&self, request: AcquirerRequest) -> Answer {
        let steps =
            Steps { client: &self.client, request: &request, payment_life_s: self.settings.payment_life_s };
        let patience = request.timeout_ms.min(self.settings.response_timeout_ms);
        let answer = match timeout(Duration::from_millis(patience), steps.run()).await {
            Ok(answer) => answer,
            Err(_) => Answer::Unknown(format!("no answer within {patience} ms")),
        };
        self.reached.store(!matches!(answer, Answer::NotSent(_) | Answer::Unknown(_)), Ordering::Release);
        answer
    }
}

impl Acquirer for Wallet {
    fn name(&self) -> &str {
        &self.name
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            inquiry: Able::Yes,
            partial_capture: Able::No,
            multiple_capture: Able::No,
            incremental: Able::No,
            repeat_window_ms: REPEAT_WINDOW_MS,
            // It may wait for its place, and for a connection, before it leaves, until its time is up.
            max_delay_ms: self.settings.max_delay_ms.saturating_add(self.settings.response_timeout_ms),
        }
    }

    fn window(&self) -> usize {
        self.settings.window
    }

    fn link(&self) -> Link {
        // Connections are made when they are needed; there is none to be down.
        if self.reached.load(Ordering::Acquire) { Link::Up } else { Link::Connecting }
    }

    fn serves(&self, means: MeansKind) -> bool {
        self.settings.serves(means)
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
