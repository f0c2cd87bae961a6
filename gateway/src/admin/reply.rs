//! Answers of the admin listener: JSON, text, and RFC 9457 problem documents.

use bytes::Bytes;
use http::StatusCode;
use serde_json::json;
use std::borrow::Cow;

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminReply {
    pub status: u16,
    pub content_type: Cow<'static, str>,
    pub body: Bytes,
}

impl AdminReply {
    /// JSON.
    pub fn json(status: u16, body: impl Into<Bytes>) -> Self {
        Self { status, content_type: Cow::Borrowed("application/json"), body: body.into() }
    }

    /// Plain text.
    pub fn text(status: u16, body: impl Into<Bytes>) -> Self {
        Self { status, content_type: Cow::Borrowed("text/plain; charset=utf-8"), body: body.into() }
    }

    /// A problem document; `detail` says what is wrong and what to do.
    pub fn problem(status: u16, detail: &str) -> Self {
        let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
        let title = reason.unwrap_or("Error");
        let body = json!({"type": "about:blank", "title": title, "status": status, "detail": detail});
        Self {
            status,
            content_type: Cow::Borrowed("application/problem+json"),
            body: body.to_string().into(),
        }
    }

    /// 404 for a path.
    pub fn not_found(path: &str) -> Self {
        let path: String = path.chars().filter(|letter| !letter.is_control()).take(200).collect();
        Self::problem(404, &format!("There is nothing at {path}."))
    }

    /// 405 for a path that exists.
    pub fn method_not_allowed(allowed: &str) -> Self {
        Self::problem(405, &format!("Use {allowed} here."))
    }
}
