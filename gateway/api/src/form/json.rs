//! `application/json` bodies into the same tree. All text goes through the scratch buffer: this is not the hot path.

use super::tree::{ROOT, Span};
use super::{MAX_DEPTH, Params};
use crate::error::ApiError;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use std::fmt;

pub(super) fn decode(text: &str) -> Result<Params<'_>, ApiError> {
    let mut params = Params::new("", 16);
    let mut refusal = None;
    let mut reader = serde_json::Deserializer::from_str(text);
    let place = Place { params: &mut params, refusal: &mut refusal, parent: ROOT, name: None, depth: 0 };
    let outcome = place.deserialize(&mut reader).and_then(|()| reader.end());
    match (refusal, outcome) {
        (Some(refusal), _) => Err(refusal),
        (None, Err(error)) => Err(not_json(&error)),
        (None, Ok(())) => Ok(params),
    }
}

/// The parser's own words may quote the body, so only the position is passed on.
fn not_json(error: &serde_json::Error) -> ApiError {
    let (line, column) = (error.line(), error.column());
    ApiError::invalid_request(format!("The body is not a valid JSON object (line {line}, column {column})."))
}

/// Where the next JSON value goes. `refusal` carries our own error past the parser's.
struct Place<'t, 'a> {
    params: &'t mut Params<'a>,
    refusal: &'t mut Option<ApiError>,
    parent: u16,
    /// `None` for the outermost value.
    name: Option<Span>,
    depth: usize,
}

impl<'a> Place<'_, 'a> {
    fn keep<T, E: serde::de::Error>(&mut self, result: Result<T, ApiError>) -> Result<T, E> {
        result.map_err(|refusal| {
            *self.refusal = Some(refusal);
            E::custom("refused")
        })
    }

    fn store(&mut self, text: &str) -> Span {
        let from = self.params.scratch.len();
        self.params.scratch.push_str(text);
        Span::scratch(from..self.params.scratch.len())
    }

    fn leaf<E: serde::de::Error>(mut self, text: &str) -> Result<(), E> {
        let Some(name) = self.name else {
            return Err(E::custom("not an object"));
        };
        let value = self.store(text);
        let result = self.params.leaf(self.parent, name, value);
        self.keep(result)
    }

    /// Opens the object or list that begins here, and returns its node.
    fn open<E: serde::de::Error>(&mut self) -> Result<u16, E> {
        let Some(name) = self.name else { return Ok(ROOT) };
        let fresh = self.params.find(self.parent, self.params.text(name)).is_none();
        let result = if self.depth >= MAX_DEPTH {
            let message = format!("The parameters are nested deeper than {MAX_DEPTH} levels.");
            Err(ApiError::invalid_request(message))
        } else if fresh {
            self.params.branch(self.parent, name)
        } else {
            let path = self.params.path_of(self.parent, self.params.text(name));
            let message = format!("The parameter '{path}' was sent more than once. Send it once.");
            Err(ApiError::invalid_parameter(path, message))
        };
        self.keep(result)
    }

    fn inner(&mut self, parent: u16, name: Span) -> Place<'_, 'a> {
        Place {
            params: &mut *self.params,
            refusal: &mut *self.refusal,
            parent,
            name: Some(name),
            depth: self.depth + 1,
        }
    }
}

impl<'de> DeserializeSeed<'de> for Place<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Place<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a parameter")
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.leaf(if value { "true" } else { "false" })
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.leaf(&value.to_string())
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        self.leaf(&value.to_string())
    }

    /// Fractions and numbers beyond 64 bits. Their digits are lost already, so two different ones could look the same.
    fn visit_f64<E: serde::de::Error>(mut self, _: f64) -> Result<(), E> {
        let name =
            self.name.map_or(String::new(), |name| self.params.path_of(self.parent, self.params.text(name)));
        let message = "Invalid integer: numbers have no fraction and at most 64 bits.";
        let refusal = ApiError::invalid_parameter(name, message);
        let refusal = refusal.with_code(crate::ErrorCode::ParameterInvalidInteger);
        self.keep(Err(refusal))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        self.leaf(text)
    }

    /// `null` unsets, as the empty string does in a form.
    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.leaf("")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let node = self.open()?;
        while let Some(name) = map.next_key::<std::borrow::Cow<'_, str>>()? {
            let name = self.store(&name);
            map.next_value_seed(self.inner(node, name))?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        if self.name.is_none() {
            return Err(A::Error::custom("not an object"));
        }
        let node = self.open()?;
        loop {
            let position = usize::from(self.params.node(node).entries);
            let name = self.params.position(position);
            if list.next_element_seed(self.inner(node, name))?.is_none() {
                return Ok(());
            }
        }
    }
}
