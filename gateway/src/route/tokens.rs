//! Placeholder.

use super::{Reading, Writing};
use crate::exchange::Reply;
use crate::flow::Fault;
use gateway_api::error::ApiError;
pub async fn retrieve(_reading: Reading<'_>) -> Result<Reply, ApiError> {
    Err(ApiError::internal())
}
pub async fn create(_writing: &Writing<'_>) -> Result<Reply, Fault> {
    Err(Fault::Refused(ApiError::internal()))
}
