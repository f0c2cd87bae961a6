//! Webhooks of the upstream: signed, and believed no further than that there is news.

use crate::https::genuine;
use crypto::webhook::WebhookSecret;
use gateway_core::acquirer::{Notice, Noticed};
use serde::Deserialize;

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
    if !genuine(secret, notice) {
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
