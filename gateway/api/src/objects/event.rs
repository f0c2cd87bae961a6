//! The event: what happened to an object, as it was then.

use super::{Null, object_name};
use serde::Serialize;
use serde_json::value::RawValue;

object_name!(EventName = "event");

/// Something that happened. `T` is the object's rendering: one of this module's structs, or stored JSON
/// (`&serde_json::value::RawValue`).
#[derive(Debug, Clone, Serialize)]
pub struct Event<'a, T> {
    pub id: &'a str,
    pub object: EventName,
    pub account: Null,
    pub api_version: &'a str,
    pub context: Null,
    pub created: i64,
    pub data: EventData<'a, T>,
    pub livemode: bool,
    pub pending_webhooks: u32,
    pub request: Option<EventRequest<'a>>,
    /// Like `payment_intent.succeeded`.
    #[serde(rename = "type")]
    pub kind: &'a str,
}

/// The object, and what was different before.
#[derive(Debug, Clone, Serialize)]
pub struct EventData<'a, T> {
    pub object: T,
    /// The former values of the fields that changed; left out when nothing is known of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_attributes: Option<&'a RawValue>,
}

/// The request that caused the event; both null when none did.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct EventRequest<'a> {
    pub id: Option<&'a str>,
    pub idempotency_key: Option<&'a str>,
}

impl<'a, T> Event<'a, T> {
    /// An event of the API version that is served, without a cause or receivers yet.
    pub fn new(id: &'a str, kind: &'a str, created: i64, object: T) -> Self {
        Self {
            id,
            object: EventName,
            account: Null,
            api_version: crate::API_VERSION,
            context: Null,
            created,
            data: EventData { object, previous_attributes: None },
            livemode: false,
            pending_webhooks: 0,
            request: Some(EventRequest::default()),
            kind,
        }
    }
}
