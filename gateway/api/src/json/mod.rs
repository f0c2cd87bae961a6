//! JSON as answers are written: the bytes that `serde_json` writes, in a third of its steps.
//!
//! Objects derive serde's `Serialize` as ever. What is different: keys are names in this code and never escaped, text is looked
//! through eight or sixteen bytes at a time before it is copied, and everything is made to be inlined into the object that is
//! written, so that most of it is a copy of constants.

mod text;

use serde::ser::{
    Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple, SerializeTupleStruct,
    Serializer,
};
use std::fmt;
pub use text::write_text;

/// How `serde_json` calls JSON that is written already, among structs.
const RAW: &str = "$serde_json::private::RawValue";

/// Writes a value at the end of `out`.
///
/// # Errors
/// [`Unwritable`] for what no object here has.
pub fn write<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), Unwritable> {
    value.serialize(Writer { out, verbatim: false })
}

/// Something that has no place in an answer: a map's key that is no text, an enum's variant with fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unwritable;

impl fmt::Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this can't be written as JSON")
    }
}

impl std::error::Error for Unwritable {}

impl serde::ser::Error for Unwritable {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

/// Writes one value.
struct Writer<'w> {
    out: &'w mut Vec<u8>,
    /// The text that comes is JSON already.
    verbatim: bool,
}

/// Writes the entries of an object or a list.
struct Entries<'w> {
    out: &'w mut Vec<u8>,
    begun: bool,
    close: &'static [u8],
    verbatim: bool,
}

impl<'w> Writer<'w> {
    #[inline(always)]
    fn list(self) -> Entries<'w> {
        self.out.push(b'[');
        Entries { out: self.out, begun: false, close: b"]", verbatim: false }
    }

    #[inline(always)]
    fn object(self) -> Entries<'w> {
        self.out.push(b'{');
        Entries { out: self.out, begun: false, close: b"}", verbatim: false }
    }

    #[inline]
    fn integer(self, number: impl itoa::Integer) -> Result<(), Unwritable> {
        self.out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
        Ok(())
    }

    /// Fractions stand in no object of the dialect; if one came, it would be written as `serde_json` does.
    fn fraction(self, number: f64) -> Result<(), Unwritable> {
        serde_json::to_writer(self.out, &number).map_err(|_| Unwritable)
    }
}

impl Entries<'_> {
    /// Writes what stands between entries.
    #[inline(always)]
    fn next(&mut self) {
        if self.begun {
            self.out.push(b',');
        }
        self.begun = true;
    }

    #[inline(always)]
    fn close(self) -> Result<(), Unwritable> {
        self.out.extend_from_slice(self.close);
        Ok(())
    }
}

/// Integers of all widths.
macro_rules! integers {
    ($($method:ident: $number:ty),+) => {$(
        #[inline(always)]
        fn $method(self, number: $number) -> Result<(), Unwritable> {
            self.integer(number)
        }
    )+};
}

impl<'w> Serializer for Writer<'w> {
    type Ok = ();
    type Error = Unwritable;
    type SerializeSeq = Entries<'w>;
    type SerializeTuple = Entries<'w>;
    type SerializeTupleStruct = Entries<'w>;
    type SerializeTupleVariant = Impossible<(), Unwritable>;
    type SerializeMap = Entries<'w>;
    type SerializeStruct = Entries<'w>;
    type SerializeStructVariant = Impossible<(), Unwritable>;

    integers! {
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64
    }

    #[inline(always)]
    fn serialize_bool(self, value: bool) -> Result<(), Unwritable> {
        self.out.extend_from_slice(if value { b"true" } else { b"false" });
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Result<(), Unwritable> {
        serde_json::to_writer(self.out, &value).map_err(|_| Unwritable)
    }

    fn serialize_f64(self, value: f64) -> Result<(), Unwritable> {
        self.fraction(value)
    }

    fn serialize_char(self, value: char) -> Result<(), Unwritable> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    #[inline(always)]
    fn serialize_str(self, text: &str) -> Result<(), Unwritable> {
        if self.verbatim {
            self.out.extend_from_slice(text.as_bytes());
        } else {
            write_text(self.out, text);
        }
        Ok(())
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), Unwritable> {
        self.collect_seq(bytes)
    }

    #[inline(always)]
    fn serialize_none(self) -> Result<(), Unwritable> {
        self.serialize_unit()
    }

    #[inline(always)]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unwritable> {
        value.serialize(self)
    }

    #[inline(always)]
    fn serialize_unit(self) -> Result<(), Unwritable> {
        self.out.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Unwritable> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Unwritable> {
        self.serialize_str(variant)
    }

    #[inline(always)]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Unwritable> {
        Err(Unwritable)
    }

    #[inline(always)]
    fn serialize_seq(self, _: Option<usize>) -> Result<Entries<'w>, Unwritable> {
        Ok(self.list())
    }

    fn serialize_tuple(self, _: usize) -> Result<Entries<'w>, Unwritable> {
        Ok(self.list())
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Entries<'w>, Unwritable> {
        Ok(self.list())
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Unwritable> {
        Err(Unwritable)
    }

    #[inline(always)]
    fn serialize_map(self, _: Option<usize>) -> Result<Entries<'w>, Unwritable> {
        Ok(self.object())
    }

    #[inline(always)]
    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Entries<'w>, Unwritable> {
        if name == RAW {
            return Ok(Entries { out: self.out, begun: false, close: b"", verbatim: true });
        }
        Ok(self.object())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Unwritable> {
        Err(Unwritable)
    }
}

impl SerializeStruct for Entries<'_> {
    type Ok = ();
    type Error = Unwritable;

    #[inline(always)]
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        if self.verbatim {
            return value.serialize(Writer { out: self.out, verbatim: true });
        }
        // Keys are the names of fields in this code.
        self.out.extend_from_slice(if self.begun { b",\"" } else { b"\"" });
        self.begun = true;
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
        value.serialize(Writer { out: self.out, verbatim: false })
    }

    #[inline(always)]
    fn end(self) -> Result<(), Unwritable> {
        self.close()
    }
}

impl SerializeMap for Entries<'_> {
    type Ok = ();
    type Error = Unwritable;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unwritable> {
        self.next();
        let from = self.out.len();
        key.serialize(Writer { out: self.out, verbatim: false })?;
        // Numbers and the like are no keys.
        if self.out[from] == b'"' { Ok(()) } else { Err(Unwritable) }
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        self.out.push(b':');
        value.serialize(Writer { out: self.out, verbatim: false })
    }

    #[inline(always)]
    fn end(self) -> Result<(), Unwritable> {
        self.close()
    }
}

impl SerializeSeq for Entries<'_> {
    type Ok = ();
    type Error = Unwritable;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        self.next();
        value.serialize(Writer { out: self.out, verbatim: false })
    }

    #[inline(always)]
    fn end(self) -> Result<(), Unwritable> {
        self.close()
    }
}

impl SerializeTuple for Entries<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        SerializeSeq::serialize_element(self, value)
    }

    fn end(self) -> Result<(), Unwritable> {
        self.close()
    }
}

impl SerializeTupleStruct for Entries<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        SerializeSeq::serialize_element(self, value)
    }

    fn end(self) -> Result<(), Unwritable> {
        self.close()
    }
}

#[cfg(test)]
mod tests;
