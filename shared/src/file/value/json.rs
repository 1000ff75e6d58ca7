//! Values from JSON and as JSON, which has no places.

use std::fmt;

use serde::{Deserialize, Deserializer, de};

use super::{At, Located, Value};

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
