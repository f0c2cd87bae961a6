//! Notifications of the operator: signed, and believed no further than that there is news.

use super::wire::Notification;
use crate::https::genuine;
use crypto::webhook::WebhookSecret;
use gateway_core::acquirer::{Notice, Noticed};

/// Longest body, in bytes: a notification holds two words.
const BODY_BYTES: usize = 4 * 1024;

/// Which message a notification is about.
pub(super) fn judge(secret: &WebhookSecret, notice: &Notice<'_>) -> Noticed {
    if notice.body.len() > BODY_BYTES || !genuine(secret, notice) {
        return Noticed::NotGenuine;
    }
    let read: Option<Notification<'_>> = serde_json::from_slice(notice.body).ok();
    let reference = read.and_then(|notification| notification.reference.parse().ok());
    reference.map_or(Noticed::Nothing, Noticed::About)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crypto::webhook::stripe_signature;
    use gateway_core::time::Timestamp;

    const BODY: &[u8] = br#"{"type":"payment.paid","reference":"000000000042"}"#;

    fn judged(secret: &WebhookSecret, (signed_at, now_s): (u64, i64), body: &[u8]) -> Noticed {
        let signature = stripe_signature(&[secret], signed_at, body);
        judge(secret, &Notice { signature: &signature, body, now: Timestamp(now_s * 1_000) })
    }

    #[test]
    fn only_what_is_signed_fresh_and_short_is_news() {
        let secret = WebhookSecret::generate(&crypto::random::System);
        let other = WebhookSecret::generate(&crypto::random::System);
        assert_eq!(judged(&secret, (1_000, 1_010), BODY), Noticed::About(42));
        assert_eq!(judged(&secret, (1_000, 1_301), BODY), Noticed::NotGenuine, "too old");
        assert_eq!(judged(&secret, (2_000, 1_000), BODY), Noticed::NotGenuine, "from the future");
        let foreign = stripe_signature(&[&other], 1_000, BODY);
        let notice = Notice { signature: &foreign, body: BODY, now: Timestamp(1_000_000) };
        assert_eq!(judge(&secret, &notice), Noticed::NotGenuine, "another's secret");
        let signature = stripe_signature(&[&secret], 1_000, BODY);
        let changed = br#"{"type":"payment.paid","reference":"000000000043"}"#;
        let notice = Notice { signature: &signature, body: changed, now: Timestamp(1_000_000) };
        assert_eq!(judge(&secret, &notice), Noticed::NotGenuine, "another body");
        assert_eq!(judged(&secret, (1_000, 1_000), &vec![b' '; 5_000]), Noticed::NotGenuine, "too long");
        for body in [&b"{}"[..], b"not json", br#"{"type":"x","reference":"x"}"#] {
            assert_eq!(judged(&secret, (1_000, 1_000), body), Noticed::Nothing);
        }
    }
}
