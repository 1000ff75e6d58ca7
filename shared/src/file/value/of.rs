//! Values of types: what a type's serialization says. What depends on the type is little, as
//! each type that is written brings it along.

use std::fmt::Display;

use serde::{
    Serialize, Serializer,
    ser::{
        self, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
        SerializeTupleStruct, SerializeTupleVariant,
    },
};

use super::{Located, Value, ValueError, fraction};

/// What a thing says, settled.
///
/// # Errors
/// Where its own serialization fails, or it holds a number that is none of JSON or has more
/// than six decimals.
pub fn of<T: Serialize + ?Sized>(thing: &T) -> Result<Value, ValueError> {
    thing.serialize(Writer)
}

impl ser::Error for ValueError {
    fn custom<T: Display>(message: T) -> ValueError {
        ValueError::plain(message.to_string())
    }
}

struct Writer;

macro_rules! numbers {
    ($wide:ty: $($method:ident $number:ty),*) => {$(
        fn $method(self, n: $number) -> Result<Value, ValueError> {
            Ok(Value::from(<$wide>::from(n)))
        }
    )*};
}

impl Serializer for Writer {
    type Ok = Value;
    type Error = ValueError;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Items;
    type SerializeMap = Entries;
    type SerializeStruct = Entries;
    type SerializeStructVariant = Entries;

    numbers! { u64: serialize_u8 u8, serialize_u16 u16, serialize_u32 u32, serialize_u64 u64 }
    numbers! { i64: serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64 }

    fn serialize_f32(self, n: f32) -> Result<Value, ValueError> {
        self.serialize_f64(n.into())
    }

    fn serialize_f64(self, n: f64) -> Result<Value, ValueError> {
        let text = fraction::of_f64(n);
        text.map(Value::Fraction)
            .ok_or_else(|| ValueError::plain("a number has more than six decimals"))
    }

    fn serialize_bool(self, is: bool) -> Result<Value, ValueError> {
        Ok(is.into())
    }

    fn serialize_char(self, c: char) -> Result<Value, ValueError> {
        Ok(c.to_string().into())
    }

    fn serialize_str(self, text: &str) -> Result<Value, ValueError> {
        Ok(text.into())
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<Value, ValueError> {
        Ok(Value::from(
            bytes.iter().map(|b| u64::from(*b)).collect::<Vec<_>>(),
        ))
    }

    fn serialize_none(self) -> Result<Value, ValueError> {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, inner: &T) -> Result<Value, ValueError> {
        inner.serialize(self)
    }

    fn serialize_unit(self) -> Result<Value, ValueError> {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Value, ValueError> {
        Ok(Value::Null)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
    ) -> Result<Value, ValueError> {
        Ok(name.into())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        inner: &T,
    ) -> Result<Value, ValueError> {
        inner.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        inner: &T,
    ) -> Result<Value, ValueError> {
        Ok(under(Some(name), inner.serialize(self)?))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items, ValueError> {
        Ok(Items::default())
    }

    fn serialize_tuple(self, _: usize) -> Result<Items, ValueError> {
        Ok(Items::default())
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Items, ValueError> {
        Ok(Items::default())
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Items, ValueError> {
        Ok(Items {
            variant: Some(name),
            ..Items::default()
        })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Entries, ValueError> {
        Ok(Entries::of(None))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Entries, ValueError> {
        Ok(Entries::of(None))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Entries, ValueError> {
        Ok(Entries::of(Some(name)))
    }
}

/// A variant that holds something is a map of its name.
fn under(variant: Option<&'static str>, value: Value) -> Value {
    let Some(name) = variant else { return value };
    let mut map = Value::map();
    map.insert(name, value);
    map
}

#[derive(Default)]
struct Items {
    variant: Option<&'static str>,
    items: Vec<Located>,
}

impl Items {
    fn done(self) -> Value {
        under(self.variant, Value::List(self.items))
    }
}

struct Entries {
    variant: Option<&'static str>,
    key: String,
    map: Value,
}

impl Entries {
    fn of(variant: Option<&'static str>) -> Entries {
        Entries {
            variant,
            key: String::new(),
            map: Value::map(),
        }
    }

    fn done(self) -> Value {
        under(self.variant, self.map)
    }
}

macro_rules! items {
    ($($of:ident $add:ident),*) => {$(
        impl $of for Items {
            type Ok = Value;
            type Error = ValueError;

            fn $add<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), ValueError> {
                self.items.push(of(item)?.into());
                Ok(())
            }

            fn end(self) -> Result<Value, ValueError> {
                Ok(self.done())
            }
        }
    )*};
}

items! {
    SerializeSeq serialize_element, SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field, SerializeTupleVariant serialize_field
}

macro_rules! fields {
    ($($of:ident),*) => {$(
        impl $of for Entries {
            type Ok = Value;
            type Error = ValueError;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), ValueError> {
                self.map.insert(key, of(value)?);
                Ok(())
            }

            fn end(self) -> Result<Value, ValueError> {
                Ok(self.done())
            }
        }
    )*};
}

fields! { SerializeStruct, SerializeStructVariant }

impl SerializeMap for Entries {
    type Ok = Value;
    type Error = ValueError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), ValueError> {
        let key = of(key)?.scalar();
        self.key = key.ok_or_else(|| ValueError::plain("a key must be a text"))?;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ValueError> {
        let key = std::mem::take(&mut self.key);
        self.map.insert(key, of(value)?);
        Ok(())
    }

    fn end(self) -> Result<Value, ValueError> {
        Ok(self.done())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Serialize)]
    enum Kind {
        Unit,
        Inner(u8),
        Two(i8, char),
        Fields { a: Option<u16>, b: () },
    }

    #[derive(Serialize)]
    struct Name(&'static str);

    #[derive(Serialize)]
    struct All {
        z: Vec<Kind>,
        by_number: BTreeMap<i64, bool>,
        by_name: BTreeMap<&'static str, f64>,
        name: Name,
        #[serde(skip_serializing_if = "Option::is_none")]
        skipped: Option<u8>,
        tuple: (f32, i64, u64),
    }

    #[test]
    fn types_say_what_serde_json_writes() {
        let all = All {
            z: vec![
                Kind::Unit,
                Kind::Inner(3),
                Kind::Two(-3, 'é'),
                Kind::Fields { a: None, b: () },
                Kind::Fields { a: Some(5), b: () },
            ],
            by_number: [(-1, true), (20, false)].into(),
            by_name: [("b", 1.5), ("a", 2.0)].into(),
            name: Name("x\n\"y\""),
            skipped: None,
            tuple: (0.25, i64::MIN, u64::MAX),
        };
        let json = serde_json::to_value(&all).unwrap().to_string();
        assert_eq!(of(&all).unwrap().to_json(), json);
    }

    #[test]
    fn what_cannot_be_said_is_refused() {
        assert!(of(&f64::NAN).is_err() && of(&0.123_456_78).is_err());
        assert!(of(&BTreeMap::from([(vec![1], 1)])).is_err());
    }
}
