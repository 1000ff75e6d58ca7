//! What a file says, before anybody knows what it is about: values, each with where it
//! stands. One kind of value for every format and every type that is read from it, so that an
//! error can name its place whatever the type, and a program that reads many types (the
//! console, which a browser loads) holds one reader.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeOwned, Unexpected},
};

/// What is said, as a `T`.
///
/// # Errors
/// The first thing in it that is none, or that `T` does not allow.
pub fn to<T: DeserializeOwned>(said: impl Into<Located>) -> Result<T, ValueError> {
    T::deserialize(said.into())
}

/// A text of JSON, as a `T`.
///
/// # Errors
/// As [`to`], and where it is no JSON.
pub fn of_json<T: DeserializeOwned>(text: &str) -> Result<T, ValueError> {
    to(serde_json::from_str::<Located>(text).map_err(de::Error::custom)?)
}

/// A place in a file, counted from 1; zeroes where nobody knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct At {
    pub line: u32,
    /// In characters.
    pub column: u32,
}

/// A value and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Located {
    pub at: At,
    pub value: Value,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(String),
    /// What YAML has without quotes. What it is depends on who reads it: `1.10` is a text to
    /// a field of text, and a number to one of numbers.
    Plain(String),
    List(Vec<Located>),
    /// In the file's order; no key stands twice.
    Map(Vec<(Located, Located)>),
}

impl Value {
    /// What a plain scalar is to a reader that takes anything (YAML 1.2, core schema).
    pub fn resolved(text: &str) -> Value {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
            "true" | "True" | "TRUE" => return Value::Bool(true),
            "false" | "False" | "FALSE" => return Value::Bool(false),
            ".nan" | ".NaN" | ".NAN" => return Value::Float(f64::NAN),
            _ => {}
        }
        if let Some(number) = whole(text) {
            return number;
        }
        match text.strip_prefix(['-', '+']).unwrap_or(text) {
            ".inf" | ".Inf" | ".INF" if text.starts_with('-') => Value::Float(f64::NEG_INFINITY),
            ".inf" | ".Inf" | ".INF" => Value::Float(f64::INFINITY),
            // Rust reads `inf`, `nan` and `infinity` as well, which are words here.
            digits if digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') => text
                .parse()
                .map_or_else(|_| Value::Plain(text.to_owned()), Value::Float),
            _ => Value::Plain(text.to_owned()),
        }
    }
}

/// Whole numbers: decimal, `0x` and `0o`.
fn whole(text: &str) -> Option<Value> {
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (radix, digits) = match (digits.strip_prefix("0x"), digits.strip_prefix("0o")) {
        (Some(digits), _) => (16, digits),
        (_, Some(digits)) => (8, digits),
        _ => (10, digits),
    };
    if !digits.starts_with(|c: char| c.is_ascii_hexdigit()) {
        return None;
    }
    match is_negative {
        false => u64::from_str_radix(digits, radix).ok().map(Value::Unsigned),
        true => i64::from_str_radix(&format!("-{digits}"), radix)
            .ok()
            .map(Value::Signed),
    }
}

impl Located {
    pub fn new(at: At, value: Value) -> Located {
        Located { at, value }
    }

    /// The text of a scalar.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) | Value::Plain(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it stands for no value.
    pub fn is_null(&self) -> bool {
        match &self.value {
            Value::Null => true,
            Value::Plain(text) => matches!(Value::resolved(text), Value::Null),
            _ => false,
        }
    }
}

/// Why a value is not what was asked for. It is small, as each field of each type that is
/// read hands it on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueError(Box<Wrong>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Wrong {
    message: String,
    at: Option<At>,
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for ValueError {}

impl de::Error for ValueError {
    fn custom<T: fmt::Display>(message: T) -> ValueError {
        ValueError::plain(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn de::Expected) -> ValueError {
        ValueError::plain(format!("invalid type: {found}, expected {expected}"))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> ValueError {
        ValueError::plain(format!("unknown field `{field}`, expected {}", one_of(expected)))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> ValueError {
        ValueError::plain(format!(
            "unknown variant `{variant}`, expected {}",
            one_of(expected)
        ))
    }
}

fn one_of(names: &[&str]) -> String {
    match names {
        [] => "none".to_owned(),
        [one] => format!("`{one}`"),
        many => format!("one of `{}`", many.join("`, `")),
    }
}

impl ValueError {
    fn plain(message: impl Into<String>) -> ValueError {
        ValueError(Box::new(Wrong {
            message: message.into(),
            at: None,
        }))
    }

    fn expected(what: &str, at: At) -> ValueError {
        ValueError::plain(format!("this must be {what}")).within(at)
    }

    /// The innermost place is the one that tells most.
    fn within(mut self, at: At) -> ValueError {
        self.0.at.get_or_insert(at);
        self
    }

    /// Where it stands. None: it is about the whole of what was read.
    pub fn at(&self) -> Option<At> {
        self.0.at
    }
}

// What follows reads one value each, and knows no type: these stand in a program once. The
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
        Value::Float(n) => visitor.visit_f64(n),
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
            Value::Float(n) => visitor.visit_f64(n),
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

/// Reads JSON, whose parser knows places only where it fails.
impl<'de> Deserialize<'de> for Located {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Located, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }

            fn visit_bool<E>(self, is: bool) -> Result<Value, E> {
                Ok(Value::Bool(is))
            }

            fn visit_u64<E>(self, n: u64) -> Result<Value, E> {
                Ok(Value::Unsigned(n))
            }

            fn visit_i64<E>(self, n: i64) -> Result<Value, E> {
                Ok(Value::Signed(n))
            }

            fn visit_f64<E>(self, n: f64) -> Result<Value, E> {
                Ok(Value::Float(n))
            }

            fn visit_str<E>(self, text: &str) -> Result<Value, E> {
                Ok(Value::Text(text.to_owned()))
            }

            fn visit_string<E>(self, text: String) -> Result<Value, E> {
                Ok(Value::Text(text))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                Ok(Value::List(items))
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Value::Map(entries))
            }
        }
        d.deserialize_any(Visitor).map(Located::from)
    }
}

impl From<Value> for Located {
    fn from(value: Value) -> Located {
        Located::new(At::default(), value)
    }
}

impl From<serde_json::Value> for Located {
    fn from(value: serde_json::Value) -> Located {
        use serde_json::Value as Json;
        Located::from(match value {
            Json::Null => Value::Null,
            Json::Bool(is) => Value::Bool(is),
            Json::Number(n) => match (n.as_u64(), n.as_i64()) {
                (Some(n), _) => Value::Unsigned(n),
                (_, Some(n)) => Value::Signed(n),
                _ => Value::Float(n.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(text) => Value::Text(text),
            Json::Array(items) => Value::List(items.into_iter().map(Located::from).collect()),
            Json::Object(map) => {
                let entry = |(key, value)| (Located::from(Value::Text(key)), Located::from(value));
                Value::Map(map.into_iter().map(entry).collect())
            }
        })
    }
}

/// What it says to a reader that takes anything.
impl From<Located> for serde_json::Value {
    fn from(found: Located) -> serde_json::Value {
        let value = match found.value {
            Value::Plain(text) => Value::resolved(&text),
            other => other,
        };
        match value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(is) => is.into(),
            Value::Unsigned(n) => n.into(),
            Value::Signed(n) => n.into(),
            Value::Float(n) => n.into(),
            Value::Text(text) | Value::Plain(text) => text.into(),
            Value::List(items) => items.into_iter().map(serde_json::Value::from).collect(),
            Value::Map(entries) => {
                let entry = |(key, value): (Located, Located)| match key.value {
                    Value::Text(key) | Value::Plain(key) => Some((key, serde_json::Value::from(value))),
                    _ => None,
                };
                serde_json::Value::Object(entries.into_iter().filter_map(entry).collect())
            }
        }
    }
}
