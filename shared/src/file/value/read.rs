//! Types, read from values.

use serde::{Deserializer, de};

use super::{At, Located, Value, ValueError, fraction};

// These read one value each, and know no type: they stand in a program once. The
// deserializer's own functions, which stand there once for each type, only call them.
impl Located {
    fn resolve(self) -> Value {
        match self.value {
            Value::Plain(text) => Value::resolved(&text),
            other => other,
        }
    }

    fn into_text(self) -> Result<String, Located> {
        match self.value {
            Value::Text(text) => Ok(text),
            Value::Plain(text) if !matches!(Value::resolved(&text), Value::Null) => Ok(text),
            _ => Err(self),
        }
    }

    fn into_bool(self) -> Result<bool, ValueError> {
        let at = self.at;
        match self.resolve() {
            Value::Bool(is) => Ok(is),
            _ => Err(ValueError::expected("true or false", at)),
        }
    }

    fn into_list(self) -> Result<List, ValueError> {
        match self.value {
            Value::List(items) => Ok(List::new(self.at, items)),
            _ => Err(ValueError::expected("a list", self.at)),
        }
    }

    fn into_map(self) -> Result<Map, ValueError> {
        match self.value {
            Value::Map(entries) => Ok(Map::new(self.at, entries)),
            _ => Err(ValueError::expected("a table of keys and values", self.at)),
        }
    }
}

/// Any number a format can write, as the reader's visitor takes it.
fn number<'de, V: de::Visitor<'de>>(found: Located, visitor: V, what: &str) -> Result<V::Value, ValueError> {
    let at = found.at;
    match found.resolve() {
        Value::Unsigned(n) => visitor.visit_u64(n),
        Value::Signed(n) => visitor.visit_i64(n),
        Value::Fraction(text) => match fraction::to_f64(&text) {
            Some(n) => visitor.visit_f64(n),
            None => Err(ValueError::expected(what, at)),
        },
        _ => Err(ValueError::expected(what, at)),
    }
    .map_err(|e| e.within(at))
}

macro_rules! numbers {
    ($what:literal: $($method:ident)*) => {$(
        fn $method<V: de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
            number(self, visitor, $what)
        }
    )*};
}

impl<'de> Deserializer<'de> for Located {
    type Error = ValueError;

    fn deserialize_any<V: de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        let at = self.at;
        match self.resolve() {
            Value::Null => visitor.visit_unit(),
            Value::Bool(is) => visitor.visit_bool(is),
            Value::Unsigned(n) => visitor.visit_u64(n),
            Value::Signed(n) => visitor.visit_i64(n),
            decimal @ Value::Fraction(_) => number(Located::new(at, decimal), visitor, "a number"),
            Value::Text(text) | Value::Plain(text) => visitor.visit_string(text),
            Value::List(items) => visitor.visit_seq(List::new(at, items)),
            Value::Map(entries) => visitor.visit_map(Map::new(at, entries)),
        }
        .map_err(|e| e.within(at))
    }

    numbers! { "a whole number": deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
    deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 }
    numbers! { "a number": deserialize_f32 deserialize_f64 }

    fn deserialize_string<V: de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        let at = self.at;
        match self.into_text() {
            Ok(text) => visitor.visit_string(text).map_err(|e: ValueError| e.within(at)),
            Err(other) => other.deserialize_any(visitor),
        }
    }

    fn deserialize_identifier<V: de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        let at = self.at;
        let text = self.into_text().map_err(|_| ValueError::expected("a name", at))?;
        visitor.visit_str(&text).map_err(|e: ValueError| e.within(at))
    }

    fn deserialize_bool<V: de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_bool(self.into_bool()?)
    }

    fn deserialize_option<V: de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.is_null() {
            true => visitor.visit_none(),
            false => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: de::Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        let at = self.at;
        visitor.visit_newtype_struct(self).map_err(|e| e.within(at))
    }

    fn deserialize_seq<V: de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        let mut list = self.into_list()?;
        visitor.visit_seq(&mut list).map_err(|e| e.within(list.at))
    }

    fn deserialize_map<V: de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        let mut map = self.into_map()?;
        visitor.visit_map(&mut map).map_err(|e| e.within(map.at))
    }

    fn deserialize_struct<V: de::Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        self.deserialize_map(visitor)
    }

    fn deserialize_tuple<V: de::Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, ValueError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: de::Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_enum<V: de::Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        let at = self.at;
        let (name, value) = match self.value {
            Value::Map(mut entries) if entries.len() == 1 => {
                let (name, value) = entries.remove(0);
                (name, Some(value))
            }
            _ => (self, None),
        };
        visitor
            .visit_enum(Variant { name, value })
            .map_err(|e| e.within(at))
    }

    fn deserialize_ignored_any<V: de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_unit()
    }

    fn deserialize_str<V: de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        self.deserialize_string(visitor)
    }

    fn deserialize_char<V: de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        self.deserialize_string(visitor)
    }

    serde::forward_to_deserialize_any! { i128 u128 bytes byte_buf unit unit_struct }
}

/// A list or a map while it is read. `at` is the place of what was handed out last: errors
/// that have none belong there.
struct List {
    at: At,
    items: std::vec::IntoIter<Located>,
}

impl List {
    fn new(at: At, items: Vec<Located>) -> List {
        let items = items.into_iter();
        List { at, items }
    }

    fn next(&mut self) -> Option<Located> {
        let item = self.items.next()?;
        self.at = item.at;
        Some(item)
    }
}

impl<'de> de::SeqAccess<'de> for List {
    type Error = ValueError;

    fn next_element_seed<S: de::DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, ValueError> {
        match self.next() {
            Some(item) => seed.deserialize(item).map(Some),
            None => Ok(None),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

struct Map {
    start: At,
    at: At,
    entries: std::vec::IntoIter<(Located, Located)>,
    value: Option<Located>,
}

impl Map {
    fn new(start: At, entries: Vec<(Located, Located)>) -> Map {
        Map {
            start,
            at: start,
            entries: entries.into_iter(),
            value: None,
        }
    }

    fn next_key(&mut self) -> Option<Located> {
        let Some((key, value)) = self.entries.next() else {
            // What is missing is missing in the whole.
            self.at = self.start;
            return None;
        };
        self.at = key.at;
        self.value = Some(value);
        Some(key)
    }

    fn next_value(&mut self) -> Located {
        let value = self.value.take().unwrap_or(Located::new(self.at, Value::Null));
        self.at = value.at;
        value
    }
}

impl<'de> de::MapAccess<'de> for Map {
    type Error = ValueError;

    fn next_key_seed<S: de::DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, ValueError> {
        match self.next_key() {
            Some(key) => seed.deserialize(key).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<S: de::DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, ValueError> {
        seed.deserialize(self.next_value())
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.entries.len())
    }
}

struct Variant {
    name: Located,
    value: Option<Located>,
}

impl<'de> de::EnumAccess<'de> for Variant {
    type Error = ValueError;
    type Variant = Content;

    fn variant_seed<S: de::DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Content), ValueError> {
        let at = self.name.at;
        let name = seed.deserialize(self.name).map_err(|e| e.within(at))?;
        Ok((name, Content(at, self.value)))
    }
}

/// What stands under a variant's name.
struct Content(At, Option<Located>);

impl Content {
    fn found(self) -> Located {
        self.1.unwrap_or(Located::new(self.0, Value::Null))
    }
}

impl<'de> de::VariantAccess<'de> for Content {
    type Error = ValueError;

    fn unit_variant(self) -> Result<(), ValueError> {
        match self.1 {
            None => Ok(()),
            Some(found) if found.is_null() => Ok(()),
            Some(found) => Err(ValueError::plain("this takes no value").within(found.at)),
        }
    }

    fn newtype_variant_seed<S: de::DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, ValueError> {
        seed.deserialize(self.found())
    }

    fn tuple_variant<V: de::Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, ValueError> {
        self.found().deserialize_seq(visitor)
    }

    fn struct_variant<V: de::Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        self.found().deserialize_map(visitor)
    }
}
