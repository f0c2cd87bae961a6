//! `expand[]`: which references a caller wants to see as whole objects.

use crate::error::ApiError;
use crate::form::Fields;

/// How many levels one path may have.
pub const MAX_LEVELS: usize = 4;
/// How many paths one request may name.
pub const MAX_PATHS: usize = 20;

/// A set of expand paths, as they were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Level<'e> {
    paths: &'e [Box<str>],
    /// The names on the way here; paths that do not begin with them do not count.
    prefix: Prefix<'e>,
}

/// The names descended through so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Prefix<'e> {
    names: [&'e str; MAX_LEVELS],
    depth: usize,
}

/// The expand paths of one request, owned, so that they can wait in a flow or in an intent's record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expand(Vec<Box<str>>);

impl Expand {
    /// Takes `expand[]` from the parameters.
    ///
    /// # Errors
    /// 400 with `param` `expand` for more than four levels, more than twenty paths, or a path that is no path.
    pub fn take(fields: &mut Fields<'_>) -> Result<Self, ApiError> {
        match fields.strings("expand")? {
            None => Ok(Self::default()),
            Some(paths) => Self::parse(&paths),
        }
    }

    /// Checks paths that come from elsewhere (a stored request).
    ///
    /// # Errors
    /// As for [`Expand::take`].
    pub fn parse(paths: &[&str]) -> Result<Self, ApiError> {
        if paths.len() > MAX_PATHS {
            return Err(refused(format!("You can expand at most {MAX_PATHS} paths in one request.")));
        }
        for path in paths {
            check(path)?;
        }
        Ok(Self(paths.iter().map(|&path| path.into()).collect()))
    }

    /// The paths, as they were sent.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|path| &**path)
    }

    /// Whether nothing is to be expanded.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The outermost level.
    pub fn root(&self) -> Level<'_> {
        Level { paths: &self.0, prefix: Prefix::default() }
    }

    /// Whether the outermost object's field is to be expanded.
    pub fn wants(&self, field: &str) -> bool {
        self.root().wants(field)
    }

    /// The level inside a field of the outermost object (`data` for lists).
    pub fn descend<'e>(&'e self, field: &'e str) -> Level<'e> {
        self.root().descend(field)
    }

    /// Refuses paths whose first name is none of `known`.
    ///
    /// # Errors
    /// 400 with `param` `expand`, naming the path.
    pub fn check_known(&self, known: &[&str]) -> Result<(), ApiError> {
        match self.paths().find(|path| !begins_with(path, known)) {
            None => Ok(()),
            Some(path) => Err(refused(format!("This property cannot be expanded ({path})."))),
        }
    }

    /// The same for a list, whose paths begin with `data`.
    ///
    /// # Errors
    /// As [`Expand::check_known`], with a hint where only `data` is missing.
    pub fn check_listed(&self, known: &[&str]) -> Result<(), ApiError> {
        let listed = |path: &str| path.strip_prefix("data.").is_some_and(|field| begins_with(field, known));
        match self.paths().find(|path| !listed(path)) {
            None => Ok(()),
            Some(path) if begins_with(path, known) => Err(refused(format!(
                "This property cannot be expanded ({path}). You may want to try expanding 'data.{path}' instead."
            ))),
            Some(path) => Err(refused(format!("This property cannot be expanded ({path})."))),
        }
    }
}

impl<'e> Level<'e> {
    /// Whether this field of the object at this level is to be expanded, itself or on the way to another.
    pub fn wants(&self, field: &str) -> bool {
        self.rest().any(|rest| rest == field || rest.strip_prefix(field).is_some_and(|r| r.starts_with('.')))
    }

    /// The level inside a field.
    pub fn descend(&self, field: &'e str) -> Level<'e> {
        let mut prefix = self.prefix;
        if prefix.depth < MAX_LEVELS {
            prefix.names[prefix.depth] = field;
            prefix.depth += 1;
            Level { paths: self.paths, prefix }
        } else {
            Level::default()
        }
    }

    /// Whether nothing is to be expanded from here on.
    pub fn is_empty(&self) -> bool {
        self.rest().next().is_none()
    }

    /// What remains of the paths that lead through this level.
    fn rest(&self) -> impl Iterator<Item = &'e str> {
        let names = self.prefix.names;
        let depth = self.prefix.depth;
        self.paths.iter().filter_map(move |path| {
            names[..depth].iter().try_fold(&**path, |rest, name| rest.strip_prefix(name)?.strip_prefix('.'))
        })
    }
}

fn begins_with(path: &str, known: &[&str]) -> bool {
    path.split('.').next().is_some_and(|first| known.contains(&first))
}

fn check(path: &str) -> Result<(), ApiError> {
    let word = |name: &str| {
        !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    if path.split('.').count() > MAX_LEVELS {
        return Err(refused(format!("You cannot expand more than {MAX_LEVELS} levels of a property.")));
    }
    if path.split('.').all(word) { Ok(()) } else { Err(refused("An expand path is names joined by dots.")) }
}

fn refused(message: impl Into<std::borrow::Cow<'static, str>>) -> ApiError {
    ApiError::invalid_parameter("expand", message)
}
