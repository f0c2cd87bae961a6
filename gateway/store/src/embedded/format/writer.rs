//! Writes rows in postcard's format, straight into the bytes of a batch.
//!
//! The bytes are postcard's own, and postcard reads them; what differs is the work. A row has hundreds of small fields, and here each is a
//! few instructions: nothing that is written can fail, so no field asks whether the one before it did, and a number takes its bytes at once.

use super::put_varint;
use serde::ser::{self, Serialize};
use std::fmt;

/// What serialization fails with here: nothing.
#[derive(Debug)]
pub(super) enum Never {}

impl fmt::Display for Never {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

impl std::error::Error for Never {}

impl ser::Error for Never {
    fn custom<T: fmt::Display>(why: T) -> Self {
        panic!("a row holds what can't be written: {why}")
    }
}

/// Adds a value to `out`.
///
/// # Panics
/// The value holds a list or a map that does not know its length: no row has one.
pub(in super::super) fn put<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    match value.serialize(&mut Writer(out)) {
        Ok(()) => {}
        Err(never) => match never {},
    }
}

struct Writer<'a>(&'a mut Vec<u8>);

impl Writer<'_> {
    #[inline]
    fn varint(&mut self, value: u64) {
        put_varint(self.0, value);
    }

    #[inline]
    fn bytes(&mut self, bytes: &[u8]) {
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn varint_128(&mut self, mut value: u128) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

/// A signed number with its sign at the lowest bit, so that small ones of both signs are short.
const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

macro_rules! numbers {
    ($($name:ident($type:ty) = |$out:ident, $value:ident| $write:expr;)*) => {$(
        #[inline]
        fn $name(self, $value: $type) -> Result<(), Never> {
            let $out = self;
            $write;
            Ok(())
        }
    )*};
}

impl<'a, 'b> ser::Serializer for &'a mut Writer<'b> {
    type Ok = ();
    type Error = Never;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    numbers! {
        serialize_bool(bool) = |out, value| out.0.push(u8::from(value));
        serialize_u8(u8) = |out, value| out.0.push(value);
        serialize_i8(i8) = |out, value| out.0.push(value as u8);
        serialize_u16(u16) = |out, value| out.varint(value.into());
        serialize_u32(u32) = |out, value| out.varint(value.into());
        serialize_u64(u64) = |out, value| out.varint(value);
        serialize_u128(u128) = |out, value| out.varint_128(value);
        serialize_i16(i16) = |out, value| out.varint(zigzag(value.into()));
        serialize_i32(i32) = |out, value| out.varint(zigzag(value.into()));
        serialize_i64(i64) = |out, value| out.varint(zigzag(value));
        serialize_i128(i128) = |out, value| out.varint_128(((value << 1) ^ (value >> 127)) as u128);
        serialize_f32(f32) = |out, value| out.0.extend_from_slice(&value.to_le_bytes());
        serialize_f64(f64) = |out, value| out.0.extend_from_slice(&value.to_le_bytes());
        serialize_char(char) = |out, value| out.bytes(value.encode_utf8(&mut [0; 4]).as_bytes());
        serialize_str(&str) = |out, value| out.bytes(value.as_bytes());
        serialize_bytes(&[u8]) = |out, value| out.bytes(value);
    }

    #[inline]
    fn serialize_none(self) -> Result<(), Never> {
        self.0.push(0);
        Ok(())
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Never> {
        self.0.push(1);
        value.serialize(self)
    }

    #[inline]
    fn serialize_unit(self) -> Result<(), Never> {
        Ok(())
    }

    #[inline]
    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), Never> {
        Ok(())
    }

    #[inline]
    fn serialize_unit_variant(
        self,
        _name: &'static str,
        index: u32,
        _variant: &'static str,
    ) -> Result<(), Never> {
        self.varint(index.into());
        Ok(())
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<(), Never> {
        value.serialize(self)
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        index: u32,
        _variant: &'static str,
        value: &T,
    ) -> Result<(), Never> {
        self.varint(index.into());
        value.serialize(self)
    }

    #[inline]
    fn serialize_seq(self, len: Option<usize>) -> Result<Self, Never> {
        self.varint(len.expect("a list in a row knows its length") as u64);
        Ok(self)
    }

    #[inline]
    fn serialize_tuple(self, _len: usize) -> Result<Self, Never> {
        Ok(self)
    }

    #[inline]
    fn serialize_tuple_struct(self, _name: &'static str, _len: usize) -> Result<Self, Never> {
        Ok(self)
    }

    #[inline]
    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        index: u32,
        _variant: &'static str,
        _len: usize,
    ) -> Result<Self, Never> {
        self.varint(index.into());
        Ok(self)
    }

    #[inline]
    fn serialize_map(self, len: Option<usize>) -> Result<Self, Never> {
        self.varint(len.expect("a map in a row knows its length") as u64);
        Ok(self)
    }

    #[inline]
    fn serialize_struct(self, _name: &'static str, _len: usize) -> Result<Self, Never> {
        Ok(self)
    }

    #[inline]
    fn serialize_struct_variant(
        self,
        _name: &'static str,
        index: u32,
        _variant: &'static str,
        _len: usize,
    ) -> Result<Self, Never> {
        self.varint(index.into());
        Ok(self)
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

macro_rules! parts {
    ($($trait:ident: $method:ident($($name:ident)?);)*) => {$(
        impl<'a, 'b> ser::$trait for &'a mut Writer<'b> {
            type Ok = ();
            type Error = Never;

            #[inline]
            fn $method<T: Serialize + ?Sized>(
                &mut self,
                $($name: &'static str,)?
                value: &T,
            ) -> Result<(), Never> {
                value.serialize(&mut **self)
            }

            #[inline]
            fn end(self) -> Result<(), Never> {
                Ok(())
            }
        }
    )*};
}

parts! {
    SerializeSeq: serialize_element();
    SerializeTuple: serialize_element();
    SerializeTupleStruct: serialize_field();
    SerializeTupleVariant: serialize_field();
    SerializeStruct: serialize_field(_name);
    SerializeStructVariant: serialize_field(_name);
}

impl<'a, 'b> ser::SerializeMap for &'a mut Writer<'b> {
    type Ok = ();
    type Error = Never;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Never> {
        key.serialize(&mut **self)
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Never> {
        value.serialize(&mut **self)
    }

    #[inline]
    fn end(self) -> Result<(), Never> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::Serialize;
    use std::collections::BTreeMap;

    #[derive(Debug, Clone, Serialize)]
    struct Unit;

    #[derive(Debug, Clone, Serialize)]
    struct Numbers {
        small: (u8, i8, u16, i16),
        middle: (u32, i32, f32, bool),
        large: (u64, i64, f64, char),
        largest: (u128, i128),
    }

    #[derive(Debug, Clone, Serialize)]
    enum Shape {
        Nothing,
        One(Option<String>),
        Two(u64, Vec<Shape>),
        Named { numbers: Numbers, map: BTreeMap<String, i64>, unit: Unit, nothing: () },
        Wrapped(#[serde(with = "serde_bytes")] Vec<u8>),
    }

    fn numbers() -> impl Strategy<Value = Numbers> {
        // Of every length, not of the longest nearly always.
        let small = any::<(u8, i8, u16, i16)>();
        let middle = any::<(u32, i32, f32, bool)>();
        let large = (any::<u64>(), any::<i64>(), any::<f64>(), any::<char>(), 0..64u32)
            .prop_map(|(a, b, c, d, bits)| (a >> bits, b >> bits, c, d));
        let largest =
            (any::<u128>(), any::<i128>(), 0..128u32).prop_map(|(a, b, bits)| (a >> bits, b >> bits));
        (small, middle, large, largest).prop_map(|(small, middle, large, largest)| Numbers {
            small,
            middle,
            large,
            largest,
        })
    }

    fn shape() -> impl Strategy<Value = Shape> {
        let map = prop::collection::btree_map(".{0,3}", any::<i64>(), 0..4);
        let leaf = prop_oneof![
            Just(Shape::Nothing),
            any::<Option<String>>().prop_map(Shape::One),
            (numbers(), map).prop_map(|(numbers, map)| Shape::Named {
                numbers,
                map,
                unit: Unit,
                nothing: ()
            }),
            prop::collection::vec(any::<u8>(), 0..300).prop_map(Shape::Wrapped),
        ];
        leaf.prop_recursive(3, 24, 6, |inner| {
            (any::<u64>(), prop::collection::vec(inner, 0..6)).prop_map(|(n, list)| Shape::Two(n, list))
        })
    }

    proptest! {
        #[test]
        fn it_writes_what_postcard_writes(shape in shape(), before in prop::collection::vec(any::<u8>(), 0..9)) {
            let mut ours = before.clone();
            put(&mut ours, &shape);
            prop_assert_eq!(&ours[..before.len()], &before[..]);
            prop_assert_eq!(&ours[before.len()..], &postcard::to_stdvec(&shape).expect("it can be written")[..]);
        }
    }
}
