//! The webhook endpoint: an address that events are sent to.

use super::{Metadata, Null, object_name};
use serde::Serialize;

object_name!(WebhookEndpointName = "webhook_endpoint");

/// An address that events are sent to.
#[derive(Debug, Clone, Default, Serialize)]
pub struct WebhookEndpoint<'a> {
    pub id: &'a str,
    pub object: WebhookEndpointName,
    pub api_version: Option<&'a str>,
    pub application: Null,
    pub created: i64,
    pub description: Option<&'a str>,
    pub enabled_events: Vec<&'a str>,
    pub livemode: bool,
    pub metadata: Metadata<'a>,
    /// Shown once, in the answer to the creation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<&'a str>,
    /// `enabled` or `disabled`.
    pub status: &'a str,
    pub url: &'a str,
}
