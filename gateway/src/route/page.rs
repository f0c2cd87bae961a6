//! Pages of lists: from cursors to ranges of ids, and back to an answer.

use gateway_api::error::ApiError;
use gateway_api::objects::{List, More, write};
use gateway_api::params::{CreatedFilter, Cursor, Page};
use gateway_core::id::Id;
use gateway_core::journal::{First, Range};
use serde::Serialize;

/// What a list asks of the store.
pub struct Asked {
    pub range: Range,
    pub limit: usize,
}

/// Turns a page and a time filter into a range of ids. Ids carry their time, so the filter is a range too.
///
/// # Errors
/// 404 if a cursor is no id of this list.
pub fn ask(
    page: &Page<'_>,
    created: &CreatedFilter,
    read_id: impl Fn(&str) -> Option<Id>,
    kind: &'static str,
) -> Result<Asked, ApiError> {
    let cursor = |text: &str, param: &'static str| {
        read_id(text).ok_or_else(|| ApiError::resource_missing(kind, text, param))
    };
    let (mut above, mut below) = (None, None);
    let mut first = First::Newest;
    match page.cursor {
        None => {}
        Some(Cursor::After(id)) => below = Some(cursor(id, "starting_after")?),
        Some(Cursor::Before(id)) => {
            above = Some(cursor(id, "ending_before")?);
            first = First::Oldest;
        }
    }
    if created.from_s > i64::MIN {
        let floor = Id(Id::floor_at(created.from_s.saturating_mul(1000)).0.saturating_sub(1));
        above = Some(above.map_or(floor, |id| id.max(floor)));
    }
    if created.to_s < i64::MAX {
        let ceiling = Id::floor_at(created.to_s.saturating_add(1).saturating_mul(1000));
        below = Some(below.map_or(ceiling, |id| id.min(ceiling)));
    }
    let limit = usize::from(page.limit);
    // One more than asked tells whether there is more.
    Ok(Asked { range: Range { above, below, first, limit: limit + 1 }, limit })
}

/// Cuts what was read to the page, newest first, and tells whether there is more in the direction of reading.
pub fn cut<T>(asked: &Asked, mut rows: Vec<T>) -> (Vec<T>, More) {
    let more = if rows.len() > asked.limit { More::Yes } else { More::No };
    rows.truncate(asked.limit);
    if asked.range.first == First::Oldest {
        rows.reverse();
    }
    (rows, more)
}

/// Writes a list.
pub fn list<T: Serialize>(url: &str, data: Vec<T>, more: More) -> Vec<u8> {
    let mut out = Vec::with_capacity(2048 * (data.len() + 1));
    write(&List::new(url, data, more), &mut out);
    out
}

/// Asks the store.
///
/// # Errors
/// 503 if it can't answer.
pub async fn query(
    engine: &crate::engine::Engine,
    query: &gateway_core::journal::Query,
) -> Result<Vec<gateway_core::journal::Versioned>, ApiError> {
    engine.journal.query(query).await.map_err(|why| {
        tracing::error!(?why, "the store can't be queried");
        ApiError::unavailable(1)
    })
}
