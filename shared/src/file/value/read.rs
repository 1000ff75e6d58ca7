//! Types, read from values.
//!
//! It is what serde's `Deserialize` is, for one source. Serde's code knows neither the source
//! nor the type until it is compiled, and then stands in the program once for each type; here
//! only what a type is made of does.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use super::{At, Located, Value, ValueError, fraction};

/// What can be read from a value. `#[derive(Read)]` goes by what `#[serde(…)]` says, so that
/// it reads what serde writes; a type that serde is told of by hand is told of here by hand
/// as well.
pub trait Read: Sized {
    /// # Errors
    /// The first thing in it that is no such thing, or is not allowed.
    fn read(found: Located) -> Result<Self, ValueError>;

    /// What a key that is missing means. None: it must not be.
    fn missing() -> Option<Self> {
        None
    }
}

// These know no type, and so stand in a program once.
impl Located {
    pub(super) fn resolve(self) -> Value {
        match self.value {
            Value::Plain(text) => Value::resolved(&text),
            other => other,
        }
    }

    /// # Errors
    /// It is no text. `expected` tells what it should have been.
    #[inline(never)]
    pub fn into_text(self, expected: &str) -> Result<String, ValueError> {
        let at = self.at;
        match self.value {
            Value::Text(text) => Ok(text),
            Value::Plain(text) if !matches!(Value::resolved(&text), Value::Null) => Ok(text),
            other => Err(Located::new(at, other).unlike(expected)),
        }
    }

    /// A text, as it stands there, or what reads as a number, as it is written: for what
    /// people write as a text with a number in it.
    ///
    /// # Errors
    /// It is neither.
    #[inline(never)]
    pub fn into_text_or_number(self, expected: &str) -> Result<String, ValueError> {
        let at = self.at;
        match self.resolve() {
            Value::Text(text) | Value::Plain(text) => Ok(text),
            Value::Unsigned(n) => Ok(n.to_string()),
            Value::Signed(n) => Ok(n.to_string()),
            other => Err(Located::new(at, other).unlike(expected)),
        }
    }

    /// # Errors
    /// It is no list.
    #[inline(never)]
    pub fn into_list(self) -> Result<Vec<Located>, ValueError> {
        match self.value {
            Value::List(items) => Ok(items),
            _ => Err(ValueError::expected("a list", self.at)),
        }
    }

    /// # Errors
    /// It is no map.
    #[inline(never)]
    pub fn into_map(self) -> Result<Vec<(Located, Located)>, ValueError> {
        match self.value {
            Value::Map(entries) => Ok(entries),
            _ => Err(ValueError::expected("a table of keys and values", self.at)),
        }
    }

    /// The error that this is not what was expected.
    #[cold]
    pub fn unlike(self, expected: &str) -> ValueError {
        let at = self.at;
        let found = self.resolve();
        ValueError::new(at, format!("invalid type: {}, expected {expected}", found.kind()))
    }

    #[inline(never)]
    fn unsigned(self, max: u64, expected: &str) -> Result<u64, ValueError> {
        let at = self.at;
        let found = self.resolve();
        let n = match found {
            Value::Unsigned(n) => Some(n),
            Value::Signed(n) => u64::try_from(n).ok(),
            _ => None,
        };
        n.filter(|n| *n <= max)
            .ok_or_else(|| no_such_number(at, &found, expected))
    }

    #[inline(never)]
    fn signed(self, min: i64, max: i64, expected: &str) -> Result<i64, ValueError> {
        let at = self.at;
        let found = self.resolve();
        let n = match found {
            Value::Unsigned(n) => i64::try_from(n).ok(),
            Value::Signed(n) => Some(n),
            _ => None,
        };
        n.filter(|n| (min..=max).contains(n))
            .ok_or_else(|| no_such_number(at, &found, expected))
    }
}

#[cold]
fn no_such_number(at: At, found: &Value, expected: &str) -> ValueError {
    let what = match found {
        Value::Unsigned(_) | Value::Signed(_) => "value",
        Value::Fraction(_) => "type",
        _ => return ValueError::expected("a whole number", at),
    };
    ValueError::new(
        at,
        format!("invalid {what}: {}, expected {expected}", found.kind()),
    )
}

macro_rules! whole_numbers {
    ($($unsigned:ident)*; $($signed:ident)*) => {
        $(impl Read for $unsigned {
            fn read(found: Located) -> Result<$unsigned, ValueError> {
                let n = found.unsigned($unsigned::MAX as u64, stringify!($unsigned))?;
                Ok(n as $unsigned)
            }
        })*
        $(impl Read for $signed {
            fn read(found: Located) -> Result<$signed, ValueError> {
                let n = found.signed($signed::MIN.into(), $signed::MAX.into(), stringify!($signed))?;
                Ok(n as $signed)
            }
        })*
    };
}

whole_numbers! { u8 u16 u32 u64 usize; i32 i64 }

impl Read for f64 {
    fn read(found: Located) -> Result<f64, ValueError> {
        let at = found.at;
        let n = match found.resolve() {
            Value::Unsigned(n) => Some(n as f64),
            Value::Signed(n) => Some(n as f64),
            Value::Fraction(text) => fraction::to_f64(&text),
            _ => None,
        };
        n.ok_or_else(|| ValueError::expected("a number", at))
    }
}

impl Read for bool {
    fn read(found: Located) -> Result<bool, ValueError> {
        let at = found.at;
        match found.resolve() {
            Value::Bool(is) => Ok(is),
            _ => Err(ValueError::expected("true or false", at)),
        }
    }
}

impl Read for String {
    fn read(found: Located) -> Result<String, ValueError> {
        found.into_text("a string")
    }
}

/// Where nothing is said.
impl Read for () {
    fn read(found: Located) -> Result<(), ValueError> {
        match found.is_null() {
            true => Ok(()),
            false => Err(found.unlike("unit")),
        }
    }
}

impl Read for Located {
    fn read(found: Located) -> Result<Located, ValueError> {
        Ok(found)
    }
}

impl Read for Value {
    fn read(found: Located) -> Result<Value, ValueError> {
        Ok(found.settled())
    }
}

impl<T: Read> Read for Option<T> {
    fn read(found: Located) -> Result<Option<T>, ValueError> {
        match found.is_null() {
            true => Ok(None),
            false => T::read(found).map(Some),
        }
    }

    fn missing() -> Option<Option<T>> {
        Some(None)
    }
}

impl<T: Read> Read for Box<T> {
    fn read(found: Located) -> Result<Box<T>, ValueError> {
        T::read(found).map(Box::new)
    }
}

impl<T: Read> Read for Vec<T> {
    fn read(found: Located) -> Result<Vec<T>, ValueError> {
        let items = found.into_list()?;
        let mut all = Vec::with_capacity(items.len());
        for item in items {
            all.push(T::read(item)?);
        }
        Ok(all)
    }
}

impl<T: Read + Ord> Read for BTreeSet<T> {
    fn read(found: Located) -> Result<BTreeSet<T>, ValueError> {
        let mut all = BTreeSet::new();
        for item in found.into_list()? {
            all.insert(T::read(item)?);
        }
        Ok(all)
    }
}

impl<K: Read + Ord, T: Read> Read for BTreeMap<K, T> {
    fn read(found: Located) -> Result<BTreeMap<K, T>, ValueError> {
        let mut all = BTreeMap::new();
        for (key, value) in found.into_map()? {
            all.insert(K::read(key)?, T::read(value)?);
        }
        Ok(all)
    }
}

/// Types that are written as a text, and read by their `FromStr`.
macro_rules! read_text {
    ($($type:ty),* $(,)?) => {$(
        impl $crate::file::value::Read for $type {
            fn read(
                found: $crate::file::value::Located,
            ) -> ::core::result::Result<$type, $crate::file::value::ValueError> {
                let at = found.at;
                let text = found.into_text("a string")?;
                text.parse()
                    .map_err(|why| $crate::file::value::ValueError::of(at, &why))
            }
        }
    )*};
}

pub(crate) use read_text;

impl Value {
    /// What it is, as an error tells it.
    fn kind(&self) -> Kind<'_> {
        Kind(self)
    }
}

struct Kind<'a>(&'a Value);

impl fmt::Display for Kind<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Null => f.write_str("unit value"),
            Value::Bool(is) => write!(f, "boolean `{is}`"),
            Value::Unsigned(n) => write!(f, "integer `{n}`"),
            Value::Signed(n) => write!(f, "integer `{n}`"),
            Value::Fraction(text) => write!(f, "floating point `{text}`"),
            Value::Text(text) | Value::Plain(text) => write!(f, "string {text:?}"),
            Value::List(_) => f.write_str("sequence"),
            Value::Map(_) => f.write_str("map"),
        }
    }
}
