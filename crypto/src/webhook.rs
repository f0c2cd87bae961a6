//! Signatures of webhook deliveries, in the two styles that receivers check.
//!
//! `Stripe-Signature: t=<unix seconds>,v1=<hex>` signs `t.body` with the secret's text as key. The Standard Webhooks
//! headers sign `id.t.body` with the bytes that the secret's text encodes. One `whsec_` secret serves both.

use crate::Secret;
use crate::hex;
use crate::mac::{MacKey, same};
use crate::random::Entropy;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use zeroize::Zeroizing;

/// What every secret's text begins with.
const PREFIX: &str = "whsec_";

/// Random bytes of a secret that is made here; Standard Webhooks asks for 24 to 64.
const FRESH_BYTES: usize = 24;

/// The signing secret of one endpoint, with both styles' keys set up.
pub struct WebhookSecret {
    text: Secret<String>,
    /// Keyed by the text, prefix and all.
    by_text: MacKey,
    /// Keyed by the bytes that the text encodes.
    by_bytes: MacKey,
}

impl WebhookSecret {
    /// Makes a new one: `whsec_` and 32 base64 characters (192 bits).
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut bytes = Zeroizing::new([0; FRESH_BYTES]);
        entropy.fill(&mut *bytes);
        Self::assemble(format!("{PREFIX}{}", STANDARD.encode(*bytes)), &*bytes)
    }

    /// Reads one that was shown to a merchant before.
    ///
    /// # Errors
    /// [`SecretError`] if it is not `whsec_` followed by the base64 of 24 to 64 bytes.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let encoded = text.strip_prefix(PREFIX).ok_or(SecretError)?;
        let bytes = Zeroizing::new(STANDARD.decode(encoded).map_err(|_| SecretError)?);
        match bytes.len() {
            FRESH_BYTES..=64 => Ok(Self::assemble(text.to_owned(), &bytes)),
            _ => Err(SecretError),
        }
    }

    fn assemble(text: String, bytes: &[u8]) -> Self {
        Self { by_text: MacKey::new(text.as_bytes()), by_bytes: MacKey::new(bytes), text: Secret::new(text) }
    }

    /// The text, to be shown to the merchant once and to be sealed.
    pub fn expose(&self) -> &str {
        self.text.expose()
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(whsec_***)")
    }
}

/// The value of `Stripe-Signature` for a body sent at `sent_at` (unix seconds): one `v1` for each secret, so that
/// a rotated secret and its successor are both satisfied.
pub fn stripe_signature(secrets: &[&WebhookSecret], sent_at: u64, body: &[u8]) -> String {
    let stamp = sent_at.to_string();
    let mut header = format!("t={stamp}");
    for secret in secrets {
        header.push_str(",v1=");
        hex::encode_onto(&mut header, &secret.by_text.sign_parts(&[stamp.as_bytes(), b".", body]));
    }
    header
}

/// What the Standard Webhooks headers say about one delivery.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// `webhook-id`: stays the same over retries. Must hold no full stop.
    pub id: &'a str,
    /// `webhook-timestamp`: unix seconds of this attempt.
    pub sent_at: u64,
    /// The body as it goes over the wire.
    pub body: &'a [u8],
}

/// The value of `webhook-signature`: one `v1,<base64>` for each secret, divided by spaces.
pub fn standard_signature(secrets: &[&WebhookSecret], delivery: Delivery<'_>) -> String {
    let stamp = delivery.sent_at.to_string();
    let parts = [delivery.id.as_bytes(), b".", stamp.as_bytes(), b".", delivery.body];
    let signatures =
        secrets.iter().map(|secret| format!("v1,{}", STANDARD.encode(secret.by_bytes.sign_parts(&parts))));
    signatures.collect::<Vec<_>>().join(" ")
}

/// How a receiver judges the age of a delivery.
#[derive(Clone, Copy, Debug)]
pub struct Freshness {
    /// The receiver's clock, unix seconds.
    pub now: u64,
    /// Greatest distance from the sender's clock, either way, in seconds. SDKs take 300.
    pub tolerance_s: u64,
}

/// Checks a `Stripe-Signature` header as a receiver does: any `v1` that fits is enough.
///
/// # Errors
/// [`SignatureError`] says whether the header can't be read, does not fit, or is too old or too early.
pub fn verify_stripe(
    secret: &WebhookSecret,
    header: &str,
    body: &[u8],
    freshness: Freshness,
) -> Result<(), SignatureError> {
    let pairs = || header.split(',').filter_map(|pair| pair.trim().split_once('='));
    let stamp =
        pairs().find(|(name, _)| *name == "t").map(|(_, value)| value).ok_or(SignatureError::Malformed)?;
    let sent_at: u64 = stamp.parse().map_err(|_| SignatureError::Malformed)?;
    let expected = secret.by_text.sign_parts(&[stamp.as_bytes(), b".", body]);
    let mut offered =
        pairs().filter(|(name, _)| *name == "v1").filter_map(|(_, value)| hex::decode::<32>(value));
    if !offered.any(|signature| same(&signature, &expected)) {
        return Err(SignatureError::Mismatch);
    }
    if freshness.now.abs_diff(sent_at) > freshness.tolerance_s {
        return Err(SignatureError::Stale);
    }
    Ok(())
}

/// The text is not `whsec_` followed by the base64 of 24 to 64 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretError;

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a webhook secret is whsec_ followed by the base64 of 24 to 64 bytes")
    }
}

impl std::error::Error for SecretError {}

/// Why a delivery's signature was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureError {
    /// There is no readable `t=`.
    Malformed,
    /// No signature fits this secret, time and body.
    Mismatch,
    /// Signed properly, but too long ago or too far ahead.
    Stale,
}

impl fmt::Display for SignatureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the signature header has no readable time",
            Self::Mismatch => "no signature in the header fits this secret and body",
            Self::Stale => "the signature fits, but its time is outside the tolerance",
        })
    }
}

impl std::error::Error for SignatureError {}

#[cfg(test)]
mod tests {
    use super::*;

    const FRESH: Freshness = Freshness { now: 1_614_265_330, tolerance_s: 300 };

    fn secret() -> WebhookSecret {
        WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap()
    }

    #[test]
    fn the_standard_webhooks_example_is_reproduced() {
        // The worked example that the Standard Webhooks libraries share.
        let delivery = Delivery {
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
            sent_at: 1_614_265_330,
            body: br#"{"test": 2432232314}"#,
        };
        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(standard_signature(&[&secret()], delivery), expected);
        assert_eq!(standard_signature(&[&secret(), &secret()], delivery), format!("{expected} {expected}"));
    }

    #[test]
    fn a_stripe_signature_is_that_of_an_independent_implementation() {
        // python3: hmac.new(b"whsec_Mf...", b'1614265330.{"id":"evt_1"}', "sha256").hexdigest()
        let expected = "t=1614265330,v1=c4c4b8c26bb0896bc1156d83fde8b0052e4932e8abe988e7c657735832001b47";
        assert_eq!(stripe_signature(&[&secret()], 1_614_265_330, br#"{"id":"evt_1"}"#), expected);
    }

    #[test]
    fn a_receiver_accepts_what_was_signed_and_nothing_else() {
        let (old, new) = (secret(), WebhookSecret::generate(&crate::random::System));
        let header = stripe_signature(&[&old, &new], FRESH.now, b"body");
        for accepted in [&old, &new] {
            assert_eq!(verify_stripe(accepted, &header, b"body", FRESH), Ok(()));
        }
        let stranger = WebhookSecret::generate(&crate::random::System);
        assert_eq!(verify_stripe(&stranger, &header, b"body", FRESH), Err(SignatureError::Mismatch));
        assert_eq!(verify_stripe(&old, &header, b"bodx", FRESH), Err(SignatureError::Mismatch));
        let other_time = header.replace("t=1614265330", "t=1614265331");
        assert_eq!(verify_stripe(&old, &other_time, b"body", FRESH), Err(SignatureError::Mismatch));
        for text in ["", "t=", "t=x,v1=00", "v1=00", "t"] {
            assert_eq!(verify_stripe(&old, text, b"body", FRESH), Err(SignatureError::Malformed), "{text}");
        }
        assert_eq!(verify_stripe(&old, "t=1614265330,v1=zz", b"body", FRESH), Err(SignatureError::Mismatch));
    }

    #[test]
    fn age_is_bounded_on_both_sides() {
        let header = stripe_signature(&[&secret()], 1_000, b"");
        for (now, expected) in [
            (700, Ok(())),
            (1_300, Ok(())),
            (699, Err(SignatureError::Stale)),
            (1_301, Err(SignatureError::Stale)),
            (u64::MAX, Err(SignatureError::Stale)),
        ] {
            assert_eq!(
                verify_stripe(&secret(), &header, b"", Freshness { now, tolerance_s: 300 }),
                expected,
                "{now}"
            );
        }
    }

    #[test]
    fn secrets_are_read_back_and_hidden() {
        let made = WebhookSecret::generate(&crate::random::System);
        assert_eq!(made.expose().len(), 38);
        assert_eq!(WebhookSecret::parse(made.expose()).unwrap().expose(), made.expose());
        assert_eq!(format!("{made:?}"), "WebhookSecret(whsec_***)");
        for text in ["", "whsec_", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_!!!!"] {
            assert_eq!(WebhookSecret::parse(text).unwrap_err(), SecretError, "{text}");
        }
    }
}
