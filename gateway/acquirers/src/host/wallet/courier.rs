//! The courier: carries notifications to a gateway over HTTPS.

use super::{Courier, Notifying, Signed};
use crate::https::{KeyReference, Place};
use crate::wallet::wire::SIGNATURE;
use crypto::webhook::WebhookSecret;
use gateway_api::client::{Call, Client, Deadlines, PoolSize};
use gateway_core::ports::BoxFuture;
use http::HeaderName;
use std::sync::Arc;
use std::time::Duration;

/// Delivers to one address.
pub struct Post {
    client: Client,
    path: String,
}

impl Post {
    /// Towards `https://host:port/notifications/NAME`. `ca`: `file:PATH` of the authorities to believe, the web's without it.
    ///
    /// # Errors
    /// An address or authority that can't be used; the text says what to write.
    pub fn to(url: &str, ca: Option<&str>) -> Result<Post, String> {
        let (server, name) = url.split_once("/notifications/").ok_or_else(|| {
            format!("{url}: write https://host:port/notifications/NAME, as the gateway knows the acquirer")
        })?;
        let target = Place::of(server)?.target(ca)?;
        let deadlines = Deadlines { connect: Duration::from_secs(2), answer: Duration::from_secs(5) };
        let size = PoolSize { calls: 32, connections: 1 };
        // The route asks for no key: the signature is all that it takes.
        let client =
            Client::new(target, "none", deadlines, size).map_err(|error| format!("{url}: {error}"))?;
        Ok(Post { client, path: format!("/notifications/{name}") })
    }

    /// What an operator needs to tell by this courier; `secret` is `env:NAME` or `file:PATH`.
    ///
    /// # Errors
    /// A secret that can't be read, or is none.
    pub fn signing(self, secret: &str) -> Result<Notifying, String> {
        let reference = KeyReference::try_from(secret.to_owned())?;
        let text = reference.resolve()?;
        let secret = WebhookSecret::parse(&text).map_err(|error| error.to_string())?;
        Ok(Notifying { courier: Arc::new(self), secret })
    }
}

impl Courier for Post {
    fn deliver(&self, signed: Signed) -> BoxFuture<'_, bool> {
        Box::pin(async move {
            let name = HeaderName::from_static(SIGNATURE);
            let delivery = Call::json(&self.path, signed.body).with_header(name, &signed.signature);
            self.client.send(&delivery).await.is_ok_and(|answer| answer.status == 200)
        })
    }
}
