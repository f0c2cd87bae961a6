//! Typed reading of one object of parameters: every field is asked for by name, and what nobody asked for is unknown.

use super::tree::{Names, Tag};
use super::values::Change;
use super::{MAX_ENTRIES, Params};
use crate::error::ApiError;
use crate::wire_enum::WireEnum;

/// Reads one object. Each method takes the named parameter; [`Fields::finish`] then refuses those that were not taken.
///
/// Most of what an operation asks for was not sent. So the methods are split: whether a name may be there is seen where the
/// method is called, by a constant; what was sent is read apart.
pub struct Fields<'p> {
    params: &'p Params<'p>,
    node: u16,
    names: Names,
    /// One bit an entry, in the order in which they were sent.
    taken: u128,
}

const _: () = assert!(MAX_ENTRIES <= 128, "an object's entries fit the bits of `taken`");

/// The longest identifier that is accepted, in bytes.
const MAX_ID_BYTES: usize = 255;

impl<'p> Fields<'p> {
    pub(super) fn new(params: &'p Params<'p>, node: u16) -> Self {
        Self { params, node, names: params.node(node).names, taken: 0 }
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
    #[inline(always)]
    pub fn text(&mut self, name: &str, max_chars: usize) -> Result<Option<&'p str>, ApiError> {
        Ok(self.text_change(name, max_chars)?.set())
    }

    /// Text of at most `max_chars` characters, on update: empty unsets.
    #[inline(always)]
    pub fn text_change(&mut self, name: &str, max_chars: usize) -> Result<Change<&'p str>, ApiError> {
        match self.take(name) {
            None => Ok(Change::Keep),
            Some(index) => self.text_at(index, max_chars),
        }
    }

    fn text_at(&self, index: u16, max_chars: usize) -> Result<Change<&'p str>, ApiError> {
        match self.leaf_at(index)? {
            "" => Ok(Change::Clear),
            text if text.len() > max_chars && text.chars().count() > max_chars => {
                let message = format!("Invalid string: it must be at most {max_chars} characters long.");
                Err(ApiError::invalid_parameter(self.params.path(index), message))
            }
            text => Ok(Change::Set(text)),
        }
    }

    /// An identifier: visible ASCII, not empty, at most 255 bytes.
    #[inline(always)]
    pub fn id(&mut self, name: &str) -> Result<Option<&'p str>, ApiError> {
        self.take(name).map(|index| self.id_at(index)).transpose()
    }

    fn id_at(&self, index: u16) -> Result<&'p str, ApiError> {
        let text = self.nonempty_at(index)?;
        if text.len() > MAX_ID_BYTES {
            let message = format!("Invalid string: it must be at most {MAX_ID_BYTES} characters long.");
            return Err(ApiError::invalid_parameter(self.params.path(index), message));
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ApiError::invalid_characters(self.params.path(index)));
        }
        Ok(text)
    }

    /// A value that is taken as it is but may not be empty: card numbers and codes.
    #[inline(always)]
    pub fn nonempty(&mut self, name: &str) -> Result<Option<&'p str>, ApiError> {
        self.take(name).map(|index| self.nonempty_at(index)).transpose()
    }

    fn nonempty_at(&self, index: u16) -> Result<&'p str, ApiError> {
        match self.leaf_at(index)? {
            "" => Err(ApiError::parameter_invalid_empty(self.params.path(index))),
            text => Ok(text),
        }
    }

    /// A whole number of 64 bits, in decimal.
    #[inline(always)]
    pub fn integer(&mut self, name: &str) -> Result<Option<i64>, ApiError> {
        self.take(name).map(|index| self.integer_at(index)).transpose()
    }

    fn integer_at(&self, index: u16) -> Result<i64, ApiError> {
        let text = self.nonempty_at(index)?;
        match text.parse() {
            Ok(number) if !text.starts_with('+') => Ok(number),
            _ => Err(ApiError::parameter_invalid_integer(self.params.path(index), text)),
        }
    }

    /// An amount of money in minor units: a positive integer. Zero and less are `amount_too_small`'s of the dialect.
    #[inline(always)]
    pub fn amount(&mut self, name: &str) -> Result<Option<i64>, ApiError> {
        self.take(name).map(|index| self.amount_at(index)).transpose()
    }

    fn amount_at(&self, index: u16) -> Result<i64, ApiError> {
        match self.integer_at(index)? {
            ..0 => {
                let message = "Invalid positive integer";
                let error = ApiError::invalid_parameter(self.params.path(index), message);
                Err(error.with_code(crate::ErrorCode::ParameterInvalidInteger))
            }
            0 => Err(ApiError::amount_too_small(self.params.path(index), crate::AMOUNT_MIN)),
            amount => Ok(amount),
        }
    }

    /// `true` or `false`.
    #[inline(always)]
    pub fn boolean(&mut self, name: &str) -> Result<Option<bool>, ApiError> {
        self.take(name).map(|index| self.boolean_at(index)).transpose()
    }

    fn boolean_at(&self, index: u16) -> Result<bool, ApiError> {
        match self.nonempty_at(index)? {
            "true" => Ok(true),
            "false" => Ok(false),
            _other => {
                let message = "Invalid boolean: send true or false.";
                Err(ApiError::invalid_parameter(self.params.path(index), message))
            }
        }
    }

    /// One word of a closed set; the error lists the set.
    #[inline(always)]
    pub fn choice<E: WireEnum>(&mut self, name: &str) -> Result<Option<E>, ApiError> {
        let Some(index) = self.take(name) else { return Ok(None) };
        match self.choice_at(index)? {
            Change::Keep => Ok(None),
            Change::Clear => Err(ApiError::parameter_invalid_empty(self.params.path(index))),
            Change::Set(value) => Ok(Some(value)),
        }
    }

    /// One word of a closed set, or an empty string to unset it.
    #[inline(always)]
    pub fn choice_change<E: WireEnum>(&mut self, name: &str) -> Result<Change<E>, ApiError> {
        match self.take(name) {
            None => Ok(Change::Keep),
            Some(index) => self.choice_at(index),
        }
    }

    fn choice_at<E: WireEnum>(&self, index: u16) -> Result<Change<E>, ApiError> {
        match self.leaf_at(index)? {
            "" => Ok(Change::Clear),
            text => E::parse(text).map(Change::Set).ok_or_else(|| {
                let allowed: Vec<&str> = E::ALL.iter().map(|value| value.as_str()).collect();
                ApiError::parameter_invalid_choice(self.params.path(index), &allowed)
            }),
        }
    }

    /// A nested object. The caller finishes it.
    #[inline(always)]
    pub fn object(&mut self, name: &str) -> Result<Option<Fields<'p>>, ApiError> {
        let Some(index) = self.take(name) else { return Ok(None) };
        match self.object_at(index)? {
            None => Err(ApiError::parameter_invalid_empty(self.params.path(index))),
            sent => Ok(sent),
        }
    }

    /// A nested object, or an empty string to unset it.
    #[inline(always)]
    pub fn object_change(&mut self, name: &str) -> Result<Change<Fields<'p>>, ApiError> {
        let Some(index) = self.take(name) else { return Ok(Change::Keep) };
        Ok(self.object_at(index)?.map_or(Change::Clear, Change::Set))
    }

    /// The object; nothing for an empty string in its place.
    fn object_at(&self, index: u16) -> Result<Option<Fields<'p>>, ApiError> {
        let node = self.params.node(index);
        if !node.leaf {
            return Ok(Some(Fields::new(self.params, index)));
        }
        if node.value.len() == 0 {
            return Ok(None);
        }
        let path = self.params.path(index);
        let message = format!("Invalid object: send its fields in brackets, like {path}[field].");
        Err(ApiError::invalid_parameter(path, message))
    }

    /// The name-value pairs of a nested object of text, in the order in which they were sent; an empty string unsets.
    #[inline(always)]
    pub fn pairs(&mut self, name: &str) -> Result<Change<Vec<(&'p str, &'p str)>>, ApiError> {
        let fields = match self.object_change(name)? {
            Change::Keep => return Ok(Change::Keep),
            Change::Clear => return Ok(Change::Clear),
            Change::Set(fields) => fields,
        };
        fields.pairs_inside().map(Change::Set)
    }

    fn pairs_inside(&self) -> Result<Vec<(&'p str, &'p str)>, ApiError> {
        let params = self.params;
        let mut pairs = Vec::with_capacity(usize::from(params.node(self.node).entries));
        for index in params.entries(self.node) {
            let key = params.text(params.node(index).name);
            pairs.push((key, self.leaf_at(index)?));
        }
        Ok(pairs)
    }

    /// A list of values, none of them empty. An empty string in its place is an empty list.
    #[inline(always)]
    pub fn strings(&mut self, name: &str) -> Result<Option<Vec<&'p str>>, ApiError> {
        self.take(name).map(|index| self.strings_at(index)).transpose()
    }

    fn strings_at(&self, index: u16) -> Result<Vec<&'p str>, ApiError> {
        let node = self.params.node(index);
        if node.leaf {
            if node.value.len() == 0 {
                return Ok(Vec::new());
            }
            let path = self.params.path(index);
            let message = format!("Invalid array: send its items in brackets, like {path}[0].");
            return Err(ApiError::invalid_parameter(path, message));
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
        Ok(items.into_iter().map(|(_, text)| text).collect())
    }

    /// Takes a parameter that is legal here but means nothing to this service, whatever its shape.
    #[inline(always)]
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
        let entries = u32::from(self.params.node(self.node).entries);
        if entries == 0 || self.taken == u128::MAX >> (u128::BITS - entries) {
            return Ok(());
        }
        Err(self.left_over(refused))
    }

    /// What was not taken, as an error.
    #[cold]
    fn left_over(&self, refused: &[(&str, &str)]) -> ApiError {
        let left = self.params.entries(self.node).enumerate();
        let left = left.filter(|(position, _)| self.taken & (1 << position) == 0).map(|(_, index)| index);
        let name_of = |index| self.params.text(self.params.node(index).name);
        let reason = left.clone().find_map(|index| refused.iter().find(|(name, _)| *name == name_of(index)));
        if let Some(&(name, why)) = reason {
            let path = self.path(name);
            let message = format!("The parameter '{path}' is not supported: {why}.");
            return ApiError::invalid_parameter(path, message);
        }
        let unknown: Vec<String> = left.map(|index| self.params.path(self.first_leaf(index))).collect();
        ApiError::parameter_unknown(&unknown)
    }

    #[inline(always)]
    fn take(&mut self, name: &str) -> Option<u16> {
        let tag = Tag::of(name.as_bytes());
        if self.names.may_hold(tag) { self.take_tagged((tag, name)) } else { None }
    }

    #[inline(never)]
    fn take_tagged(&mut self, (tag, name): (Tag, &str)) -> Option<u16> {
        let (position, index) = self.params.search(self.node, (tag, name.as_bytes()))?;
        self.taken |= 1 << position;
        Some(index)
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
