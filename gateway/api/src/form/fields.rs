//! Typed reading of one object of parameters: every field is asked for by name, and what nobody asked for is unknown.

use super::values::Change;
use super::{MAX_ENTRIES, Params};
use crate::error::ApiError;
use crate::wire_enum::WireEnum;

/// Reads one object. Each method takes the named parameter; [`Fields::finish`] then refuses those that were not taken.
pub struct Fields<'p> {
    params: &'p Params<'p>,
    node: u16,
    /// One bit an entry, in the order in which they were sent.
    taken: u128,
}

const _: () = assert!(MAX_ENTRIES <= 128, "an object's entries fit the bits of `taken`");

/// The longest identifier that is accepted, in bytes.
const MAX_ID_BYTES: usize = 255;

impl<'p> Fields<'p> {
    pub(super) fn new(params: &'p Params<'p>, node: u16) -> Self {
        Self { params, node, taken: 0 }
    }

    /// The bracket form of the path of a field of this object, sent or not.
    pub fn path(&self, name: &str) -> String {
        self.params.path_of(self.node, name)
    }

    /// Whether a field was sent, in whatever shape. It does not count as taken.
    pub fn has(&self, name: &str) -> bool {
        self.params.find(self.node, name).is_some()
    }

    /// Whether a field was sent as an object or a list. It does not count as taken.
    pub fn is_object(&self, name: &str) -> bool {
        self.params.find(self.node, name).is_some_and(|index| !self.params.node(index).leaf)
    }

    /// Text of at most `max_chars` characters, on creation: absent and empty are the same.
    pub fn text(&mut self, name: &str, max_chars: usize) -> Result<Option<&'p str>, ApiError> {
        Ok(self.text_change(name, max_chars)?.set())
    }

    /// Text of at most `max_chars` characters, on update: empty unsets.
    pub fn text_change(&mut self, name: &str, max_chars: usize) -> Result<Change<&'p str>, ApiError> {
        match self.value(name)? {
            None => Ok(Change::Keep),
            Some("") => Ok(Change::Clear),
            Some(text) if text.len() > max_chars && text.chars().count() > max_chars => {
                let message = format!("Invalid string: it must be at most {max_chars} characters long.");
                Err(ApiError::invalid_parameter(self.path(name), message))
            }
            Some(text) => Ok(Change::Set(text)),
        }
    }

    /// An identifier: visible ASCII, not empty, at most 255 bytes.
    pub fn id(&mut self, name: &str) -> Result<Option<&'p str>, ApiError> {
        let Some(text) = self.nonempty(name)? else { return Ok(None) };
        if text.len() > MAX_ID_BYTES {
            let message = format!("Invalid string: it must be at most {MAX_ID_BYTES} characters long.");
            return Err(ApiError::invalid_parameter(self.path(name), message));
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ApiError::invalid_characters(self.path(name)));
        }
        Ok(Some(text))
    }

    /// A value that is taken as it is but may not be empty: card numbers and codes.
    pub fn nonempty(&mut self, name: &str) -> Result<Option<&'p str>, ApiError> {
        match self.value(name)? {
            Some("") => Err(ApiError::parameter_invalid_empty(self.path(name))),
            other => Ok(other),
        }
    }

    /// A whole number of 64 bits, in decimal.
    pub fn integer(&mut self, name: &str) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.nonempty(name)? else { return Ok(None) };
        match text.parse() {
            Ok(number) if !text.starts_with('+') => Ok(Some(number)),
            _ => Err(ApiError::parameter_invalid_integer(self.path(name), text)),
        }
    }

    /// An amount of money in minor units: a positive integer. Zero and less are `amount_too_small`'s of the dialect.
    pub fn amount(&mut self, name: &str) -> Result<Option<i64>, ApiError> {
        match self.integer(name)? {
            Some(amount) if amount < 0 => {
                let message = "Invalid positive integer";
                let error = ApiError::invalid_parameter(self.path(name), message);
                Err(error.with_code(crate::ErrorCode::ParameterInvalidInteger))
            }
            Some(0) => Err(ApiError::amount_too_small(self.path(name), crate::AMOUNT_MIN)),
            other => Ok(other),
        }
    }

    /// `true` or `false`.
    pub fn boolean(&mut self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.nonempty(name)? {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => {
                Err(ApiError::invalid_parameter(self.path(name), "Invalid boolean: send true or false."))
            }
        }
    }

    /// One word of a closed set; the error lists the set.
    pub fn choice<E: WireEnum>(&mut self, name: &str) -> Result<Option<E>, ApiError> {
        match self.choice_change(name)? {
            Change::Keep => Ok(None),
            Change::Clear => Err(ApiError::parameter_invalid_empty(self.path(name))),
            Change::Set(value) => Ok(Some(value)),
        }
    }

    /// One word of a closed set, or an empty string to unset it.
    pub fn choice_change<E: WireEnum>(&mut self, name: &str) -> Result<Change<E>, ApiError> {
        match self.value(name)? {
            None => Ok(Change::Keep),
            Some("") => Ok(Change::Clear),
            Some(text) => E::parse(text).map(Change::Set).ok_or_else(|| {
                let allowed: Vec<&str> = E::ALL.iter().map(|value| value.as_str()).collect();
                ApiError::parameter_invalid_choice(self.path(name), &allowed)
            }),
        }
    }

    /// A nested object. The caller finishes it.
    pub fn object(&mut self, name: &str) -> Result<Option<Fields<'p>>, ApiError> {
        match self.object_change(name)? {
            Change::Keep => Ok(None),
            Change::Clear => Err(ApiError::parameter_invalid_empty(self.path(name))),
            Change::Set(fields) => Ok(Some(fields)),
        }
    }

    /// A nested object, or an empty string to unset it.
    pub fn object_change(&mut self, name: &str) -> Result<Change<Fields<'p>>, ApiError> {
        let Some(index) = self.take(name) else { return Ok(Change::Keep) };
        let node = self.params.node(index);
        if !node.leaf {
            return Ok(Change::Set(Fields::new(self.params, index)));
        }
        if node.value.len() == 0 {
            return Ok(Change::Clear);
        }
        let message =
            format!("Invalid object: send its fields in brackets, like {}[field].", self.path(name));
        Err(ApiError::invalid_parameter(self.path(name), message))
    }

    /// The name-value pairs of a nested object of text, in the order in which they were sent; an empty string unsets.
    pub fn pairs(&mut self, name: &str) -> Result<Change<Vec<(&'p str, &'p str)>>, ApiError> {
        let fields = match self.object_change(name)? {
            Change::Keep => return Ok(Change::Keep),
            Change::Clear => return Ok(Change::Clear),
            Change::Set(fields) => fields,
        };
        let params = self.params;
        let mut pairs = Vec::with_capacity(usize::from(params.node(fields.node).entries));
        for index in params.entries(fields.node) {
            let key = params.text(params.node(index).name);
            pairs.push((key, fields.leaf_at(index)?));
        }
        Ok(Change::Set(pairs))
    }

    /// A list of values, none of them empty. An empty string in its place is an empty list.
    pub fn strings(&mut self, name: &str) -> Result<Option<Vec<&'p str>>, ApiError> {
        let Some(index) = self.take(name) else { return Ok(None) };
        let node = self.params.node(index);
        if node.leaf {
            if node.value.len() == 0 {
                return Ok(Some(Vec::new()));
            }
            let message = format!("Invalid array: send its items in brackets, like {}[0].", self.path(name));
            return Err(ApiError::invalid_parameter(self.path(name), message));
        }
        let mut items = Vec::with_capacity(usize::from(node.entries));
        for entry in self.params.entries(index) {
            let position = self.params.text(self.params.node(entry).name);
            let Ok(position) = position.parse::<u32>() else {
                let message = "Invalid array: its items are named by their positions, 0, 1, 2.";
                return Err(ApiError::invalid_parameter(self.params.path(entry), message));
            };
            let text = self.leaf_at(entry)?;
            if text.is_empty() {
                return Err(ApiError::parameter_invalid_empty(self.params.path(entry)));
            }
            items.push((position, text));
        }
        items.sort_by_key(|&(position, _)| position);
        Ok(Some(items.into_iter().map(|(_, text)| text).collect()))
    }

    /// Takes a parameter that is legal here but means nothing to this service, whatever its shape.
    pub fn accept(&mut self, name: &str) {
        let _ = self.take(name);
    }

    /// A field that must be there.
    pub fn required<T>(&self, name: &str, value: Option<T>) -> Result<T, ApiError> {
        value.ok_or_else(|| ApiError::parameter_missing(self.path(name)))
    }

    /// Ends the reading of this object.
    ///
    /// # Errors
    /// `parameter_unknown`, naming every field that was not taken, the first one as `param`.
    pub fn finish(self) -> Result<(), ApiError> {
        self.finish_refusing(&[])
    }

    /// Ends the reading, with reasons for parameters that the dialect has and this service does not offer: `refused`
    /// pairs a name with why. Ignoring them would be a lie, and calling them unknown would mislead.
    ///
    /// # Errors
    /// As for [`Fields::finish`]; 400 with the reason for a refused one.
    pub fn finish_refusing(self, refused: &[(&str, &str)]) -> Result<(), ApiError> {
        if self.taken.count_ones() == u32::from(self.params.node(self.node).entries) {
            return Ok(());
        }
        let left = self.params.entries(self.node).enumerate();
        let left = left.filter(|(position, _)| self.taken & (1 << position) == 0).map(|(_, index)| index);
        let name_of = |index| self.params.text(self.params.node(index).name);
        let reason = left.clone().find_map(|index| refused.iter().find(|(name, _)| *name == name_of(index)));
        if let Some(&(name, why)) = reason {
            let path = self.path(name);
            let message = format!("The parameter '{path}' is not supported: {why}.");
            return Err(ApiError::invalid_parameter(path, message));
        }
        let unknown: Vec<String> = left.map(|index| self.params.path(self.first_leaf(index))).collect();
        Err(ApiError::parameter_unknown(&unknown))
    }

    fn take(&mut self, name: &str) -> Option<u16> {
        let (position, index) = self.params.position_of(self.node, name.as_bytes())?;
        self.taken |= 1 << position;
        Some(index)
    }

    fn value(&mut self, name: &str) -> Result<Option<&'p str>, ApiError> {
        match self.take(name) {
            None => Ok(None),
            Some(index) => self.leaf_at(index).map(Some),
        }
    }

    fn leaf_at(&self, index: u16) -> Result<&'p str, ApiError> {
        let node = self.params.node(index);
        if node.leaf {
            return Ok(self.params.text(node.value));
        }
        let message = "Invalid string: a single value is expected here, not an object or a list.";
        Err(ApiError::invalid_parameter(self.params.path(index), message))
    }

    /// The first value inside an unknown branch, as the sender wrote it: `foo[bar][0]` rather than `foo`.
    fn first_leaf(&self, index: u16) -> u16 {
        let mut at = index;
        while let Some(inner) = self.params.entries(at).next() {
            at = inner;
        }
        at
    }
}
