//! Placeholder.
use crate::engine::Engine;
use crate::exchange::{Exchange, Reply};
use gateway_api::error::ApiError;
use std::sync::Arc;
pub const PREFIX: &str = "/challenge/";
pub async fn serve(_engine: &Arc<Engine>, _exchange: &Exchange) -> Reply {
    Reply::from(ApiError::internal())
}
