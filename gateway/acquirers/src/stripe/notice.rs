//! Webhooks of the upstream: signed, and believed no further than that there is news.

use super::settings::KeyReference;
use crypto::webhook::{Freshness, WebhookSecret, verify_stripe};
use gateway_core::acquirer::{Notice, Noticed};
use serde::Deserialize;

/// Greatest age of a notification, in seconds: what the dialect's SDKs take.
const TOLERANCE_S: u64 = 300;

/// Reads the secret.
pub(super) fn secret(reference: &KeyReference) -> Result<WebhookSecret, String> {
    let text = reference.resolve().map_err(|why| why.replacen("key:", "webhook_secret:", 1))?;
    // The text is not shown: it is the secret.
    WebhookSecret::parse(&text)
        .map_err(|_| "webhook_secret: whsec_ and the base64 of 24 to 64 bytes are expected".to_owned())
}

/// As much of an event as matters.
#[derive(Deserialize)]
struct Event {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
struct Metadata {
    /// Written into what we create.
    tollgate_reference: Option<String>,
}

/// Which message a webhook is about.
pub(super) fn judge(secret: &WebhookSecret, notice: &Notice<'_>) -> Noticed {
    let now = u64::try_from(notice.now.unix_seconds()).unwrap_or(0);
    let freshness = Freshness { now, tolerance_s: TOLERANCE_S };
    if verify_stripe(secret, notice.signature, notice.body, freshness).is_err() {
        return Noticed::NotGenuine;
    }
    let event: Option<Event> = serde_json::from_slice(notice.body).ok();
    let reference = event.and_then(|event| event.data.object.metadata.tollgate_reference?.parse().ok());
    reference.map_or(Noticed::Nothing, Noticed::About)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crypto::webhook::stripe_signature;
    use gateway_core::time::Timestamp;

    const BODY: &[u8] = br#"{"type":"payment_intent.succeeded","data":{"object":{"id":"pi_1","metadata":{"tollgate_reference":"000000000042"}}}}"#;

    fn judged(
        secret: &WebhookSecret,
        (signed_at, now_s): (u64, i64),
        (signed, body): (&[u8], &[u8]),
    ) -> Noticed {
        let signature = stripe_signature(&[secret], signed_at, signed);
        judge(secret, &Notice { signature: &signature, body, now: Timestamp(now_s * 1_000) })
    }

    #[test]
    fn only_what_is_signed_and_fresh_is_news() {
        let secret = WebhookSecret::generate(&crypto::random::System);
        let other = WebhookSecret::generate(&crypto::random::System);
        assert_eq!(judged(&secret, (1_000, 1_010), (BODY, BODY)), Noticed::About(42));
        assert_eq!(judged(&secret, (1_000, 1_301), (BODY, BODY)), Noticed::NotGenuine, "too old");
        assert_eq!(judged(&secret, (1_000, 1_010), (BODY, b"{}")), Noticed::NotGenuine, "another body");
        let foreign = stripe_signature(&[&other], 1_000, BODY);
        let notice = Notice { signature: &foreign, body: BODY, now: Timestamp(1_000_000) };
        assert_eq!(judge(&secret, &notice), Noticed::NotGenuine, "another's secret");
        for body in [&b"{}"[..], b"not json", br#"{"data":{"object":{"metadata":{}}}}"#] {
            assert_eq!(judged(&secret, (1_000, 1_000), (body, body)), Noticed::Nothing);
        }
    }
}
