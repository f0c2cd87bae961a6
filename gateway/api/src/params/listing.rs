//! Paging, time filters and the operations that only read.

use super::Decode;
use crate::error::ApiError;
use crate::expand::Expand;
use crate::form::{Change, Fields};

/// How many objects a list answers when it does not say.
pub const DEFAULT_LIMIT: u8 = 10;
/// The most objects of one answer.
pub const MAX_LIMIT: u8 = 100;

/// Where a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cursor<'p> {
    /// The objects older than this one, newest first.
    After(&'p str),
    /// The objects just newer than this one, newest first.
    Before(&'p str),
}

/// One page of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page<'p> {
    /// 1 to 100.
    pub limit: u8,
    pub cursor: Option<Cursor<'p>>,
}

impl<'p> Page<'p> {
    /// Takes `limit`, `starting_after` and `ending_before`.
    pub(super) fn take(fields: &mut Fields<'p>) -> Result<Self, ApiError> {
        let limit = match fields.integer("limit")? {
            None => DEFAULT_LIMIT,
            Some(limit) => match u8::try_from(limit) {
                Ok(limit @ 1..=MAX_LIMIT) => limit,
                _ => {
                    let message = format!("Invalid limit: it must be between 1 and {MAX_LIMIT}.");
                    let error = ApiError::invalid_parameter(fields.path("limit"), message);
                    return Err(error.with_code(crate::ErrorCode::ParameterInvalidInteger));
                }
            },
        };
        let cursor = match (fields.id("starting_after")?, fields.id("ending_before")?) {
            (Some(_), Some(_)) => {
                return Err(ApiError::parameters_exclusive("starting_after", "ending_before"));
            }
            (Some(id), None) => Some(Cursor::After(id)),
            (None, Some(id)) => Some(Cursor::Before(id)),
            (None, None) => None,
        };
        Ok(Self { limit, cursor })
    }
}

/// A filter on `created`, in unix seconds, as one closed interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CreatedFilter {
    /// The first second that passes.
    pub from_s: i64,
    /// The last second that passes.
    pub to_s: i64,
}

impl Default for CreatedFilter {
    fn default() -> Self {
        Self { from_s: i64::MIN, to_s: i64::MAX }
    }
}

impl CreatedFilter {
    /// Whether an object of this second passes.
    pub fn contains(&self, created_s: i64) -> bool {
        (self.from_s..=self.to_s).contains(&created_s)
    }

    /// Takes `created=N`, or `created[gt|gte|lt|lte]=N` in any combination.
    pub(super) fn take(fields: &mut Fields<'_>) -> Result<Self, ApiError> {
        let mut filter = Self::default();
        if !fields.has("created") {
            return Ok(filter);
        }
        if !fields.is_object("created") {
            if let Some(second) = fields.integer("created")? {
                filter = Self { from_s: second, to_s: second };
            }
            return Ok(filter);
        }
        let Change::Set(mut range) = fields.object_change("created")? else { return Ok(filter) };
        if let Some(second) = range.integer("gt")? {
            filter.from_s = filter.from_s.max(second.saturating_add(1));
        }
        if let Some(second) = range.integer("gte")? {
            filter.from_s = filter.from_s.max(second);
        }
        if let Some(second) = range.integer("lt")? {
            filter.to_s = filter.to_s.min(second.saturating_sub(1));
        }
        if let Some(second) = range.integer("lte")? {
            filter.to_s = filter.to_s.min(second);
        }
        range.finish()?;
        Ok(filter)
    }
}

/// The parameters of a read of one object: only what to expand. Operations without parameters of their own use it too.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Retrieve {
    pub expand: Expand,
}

impl<'p> Decode<'p> for Retrieve {
    fn read(fields: &mut Fields<'p>) -> Result<Self, ApiError> {
        Ok(Self { expand: Expand::take(fields)? })
    }
}

/// GET /v1/events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListEvents<'p> {
    pub page: Page<'p>,
    pub created: CreatedFilter,
    /// The types that pass, each of which may end in `.*`; empty when all do. `type` and `types[]` both end here.
    pub types: Vec<&'p str>,
    pub expand: Expand,
}

/// The most entries of `types[]`.
const MAX_TYPES: usize = 20;

impl<'p> Decode<'p> for ListEvents<'p> {
    fn read(fields: &mut Fields<'p>) -> Result<Self, ApiError> {
        fields.boolean("delivery_success")?;
        let single = fields.id("type")?;
        let mut types = fields.strings("types")?.unwrap_or_default();
        if single.is_some() && !types.is_empty() {
            return Err(ApiError::parameters_exclusive("type", "types"));
        }
        if types.len() > MAX_TYPES {
            let message = format!("At most {MAX_TYPES} types can be listed.");
            return Err(ApiError::invalid_parameter("types", message));
        }
        types.extend(single);
        Ok(Self {
            page: Page::take(fields)?,
            created: CreatedFilter::take(fields)?,
            types,
            expand: Expand::take(fields)?,
        })
    }
}

impl ListEvents<'_> {
    /// Whether an event of this type passes.
    pub fn wants_type(&self, kind: &str) -> bool {
        let matches = |wanted: &&str| match wanted.strip_suffix('*') {
            Some(prefix) => kind.starts_with(prefix),
            None => kind == *wanted,
        };
        self.types.is_empty() || self.types.iter().any(matches)
    }
}
