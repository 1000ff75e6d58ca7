//! What a file says, before anybody knows what it is about: values, each with where it
//! stands. One kind of value for every format and every type that is read from it, so that an
//! error can name its place whatever the type. [`Read`] makes a type of a value; it is small,
//! as a program that reads many types (the console) is loaded by a browser.

mod content;
mod error;
mod fields;
mod fraction;
mod json;
mod of;
mod read;
mod settled;

pub use content::Content;
pub use error::ValueError;
pub use fields::{Fields, Others};
pub(super) use fraction::canonical as decimal;
pub use fraction::of_f64;
pub use json::parse;
pub(super) use json::quote;
pub use of::of;
pub(crate) use read::read_text;
pub use settled::typed;
/// The trait, and the macro that implements it.
pub use {derive::Read, read::Read};

/// What is said, as a `T`.
///
/// # Errors
/// The first thing in it that is none, or that `T` does not allow.
pub fn to<T: Read>(said: impl Into<Located>) -> Result<T, ValueError> {
    T::read(said.into())
}

/// A text of JSON, as a `T`.
///
/// # Errors
/// As [`to`], and where it is no JSON.
pub fn of_json<T: Read>(text: &str) -> Result<T, ValueError> {
    to(json::parse(text)?)
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

#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    #[default]
    Null,
    Bool(bool),
    Unsigned(u64),
    /// Below zero.
    Signed(i64),
    /// A number that is no whole one, or too large to count with, as decimal text.
    Fraction(String),
    Text(String),
    /// What YAML has without quotes. What it is depends on who reads it: `1.10` is a text to
    /// a field of text, and a number to one of numbers.
    Plain(String),
    List(Vec<Located>),
    /// In the file's order. Keys are texts; no key stands twice in a file.
    Map(Vec<(Located, Located)>),
}

impl Value {
    /// What a plain scalar is to a reader that takes anything (YAML 1.2, core schema; but
    /// `.inf` and `.nan` are words, as nothing takes such numbers). Never [`Value::Plain`].
    pub fn resolved(text: &str) -> Value {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
            "true" | "True" | "TRUE" => return Value::Bool(true),
            "false" | "False" | "FALSE" => return Value::Bool(false),
            _ => {}
        }
        let fraction = || fraction::canonical(text).map(Value::Fraction);
        whole(text).or_else(fraction).unwrap_or_else(|| Value::from(text))
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
            .map(Value::from),
    }
}

impl Located {
    pub fn new(at: At, value: Value) -> Located {
        Located { at, value }
    }

    /// The text of a scalar.
    pub fn text(&self) -> Option<&str> {
        self.value.text()
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

impl From<Value> for Located {
    fn from(value: Value) -> Located {
        Located::new(At::default(), value)
    }
}
