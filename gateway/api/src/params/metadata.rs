//! `metadata`: the caller's own labels, merged key by key.

use crate::error::ApiError;
use crate::form::{Change, Fields};

/// The most keys that one object may hold, after merging.
pub const MAX_KEYS: usize = 50;
const MAX_KEY_CHARS: usize = 40;
const MAX_VALUE_CHARS: usize = 500;

/// What a request says about metadata.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum MetadataInput<'p> {
    /// Not sent: the metadata stays.
    #[default]
    Keep,
    /// Sent as an empty string: every key goes.
    Clear,
    /// These keys are set; one with an empty value is deleted; the others stay.
    Merge(Vec<(&'p str, &'p str)>),
}

impl<'p> MetadataInput<'p> {
    /// Takes `metadata` and checks its keys and values.
    ///
    /// # Errors
    /// 400 naming the key that is too long, has too long a value, or is one too many.
    pub(super) fn take(fields: &mut Fields<'p>) -> Result<Self, ApiError> {
        let pairs = match fields.pairs("metadata")? {
            Change::Keep => return Ok(Self::Keep),
            Change::Clear => return Ok(Self::Clear),
            Change::Set(pairs) => pairs,
        };
        if pairs.len() > MAX_KEYS {
            let message = format!("Metadata can have at most {MAX_KEYS} keys.");
            return Err(ApiError::invalid_parameter(fields.path("metadata"), message));
        }
        for (key, value) in &pairs {
            check(fields, key, value)?;
        }
        Ok(Self::Merge(pairs))
    }

    /// Whether nothing was sent.
    pub fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }

    /// The keys that a new object begins with: those that were sent with a value.
    pub fn for_new(&self) -> impl Iterator<Item = (&'p str, &'p str)> {
        let pairs = match self {
            Self::Merge(pairs) => pairs.as_slice(),
            Self::Keep | Self::Clear => &[],
        };
        pairs.iter().copied().filter(|(_, value)| !value.is_empty())
    }
}

fn check(fields: &Fields<'_>, key: &str, value: &str) -> Result<(), ApiError> {
    let path = || format!("{}[{key}]", fields.path("metadata"));
    if key.is_empty() || key.contains(['[', ']']) {
        return Err(ApiError::invalid_parameter(
            path(),
            "Metadata keys can't be empty or contain square brackets.",
        ));
    }
    if key.chars().count() > MAX_KEY_CHARS {
        let message = format!("Metadata keys can be at most {MAX_KEY_CHARS} characters long.");
        return Err(ApiError::invalid_parameter(path(), message));
    }
    if value.len() > MAX_VALUE_CHARS && value.chars().count() > MAX_VALUE_CHARS {
        let message = format!("Metadata values can be at most {MAX_VALUE_CHARS} characters long.");
        return Err(ApiError::invalid_parameter(path(), message));
    }
    Ok(())
}
