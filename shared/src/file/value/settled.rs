//! Settled values: what a file says to a reader that takes anything, without its places. A
//! program that compares and changes values (the console's editor) works on these: each
//! scalar is what it means, and a map's keys stand in the alphabet's order, so that two that
//! say the same are equal.

use super::{Located, Value, fraction};

impl Located {
    /// Without places, each scalar resolved, and the keys sorted.
    pub fn settled(self) -> Value {
        match self.value {
            Value::Plain(text) => Value::resolved(&text),
            Value::List(items) => Value::List(items.into_iter().map(|item| item.settled().into()).collect()),
            Value::Map(entries) => {
                let entry = |(key, value): (Located, Located)| match key.value {
                    Value::Text(key) | Value::Plain(key) => {
                        Some((Value::Text(key).into(), value.settled().into()))
                    }
                    _ => None,
                };
                let mut entries: Vec<(Located, Located)> = entries.into_iter().filter_map(entry).collect();
                entries.sort_by(|(a, _), (b, _)| a.text().cmp(&b.text()));
                Value::Map(entries)
            }
            other => other,
        }
    }
}

impl Value {
    /// A map of nothing.
    pub const fn map() -> Value {
        Value::Map(Vec::new())
    }

    pub fn is_map(&self) -> bool {
        matches!(self, Value::Map(_))
    }

    pub fn is_list(&self) -> bool {
        matches!(self, Value::List(_))
    }

    /// Whether it says nothing: null, or a list or a map of nothing.
    pub fn says_nothing(&self) -> bool {
        match self {
            Value::Null => true,
            Value::List(items) => items.is_empty(),
            Value::Map(entries) => entries.is_empty(),
            _ => false,
        }
    }

    /// What a text says.
    pub fn text(&self) -> Option<&str> {
        match self {
            Value::Text(text) | Value::Plain(text) => Some(text),
            _ => None,
        }
    }

    /// A scalar as a person would write it, without quotes; none of a list or a map.
    pub fn scalar(&self) -> Option<String> {
        Some(match self {
            Value::Null => "null".to_owned(),
            Value::Bool(is) => is.to_string(),
            Value::Unsigned(n) => n.to_string(),
            Value::Signed(n) => n.to_string(),
            Value::Fraction(text) | Value::Text(text) | Value::Plain(text) => text.clone(),
            Value::List(_) | Value::Map(_) => return None,
        })
    }

    /// A list's items; of anything else none.
    pub fn items(&self) -> impl DoubleEndedIterator<Item = &Value> + ExactSizeIterator {
        let items = match self {
            Value::List(items) => items.as_slice(),
            _ => &[],
        };
        items.iter().map(|item| &item.value)
    }

    /// A map's keys and what stands under them; of anything else none.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Value)> {
        let entries = match self {
            Value::Map(entries) => entries.as_slice(),
            _ => &[],
        };
        entries
            .iter()
            .filter_map(|(key, value)| Some((key.text()?, &value.value)))
    }

    /// What stands under a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.entries()
            .find(|(name, _)| *name == key)
            .map(|(_, value)| value)
    }

    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        let Value::Map(entries) = self else { return None };
        let found = entries.iter_mut().find(|(name, _)| name.text() == Some(key));
        found.map(|(_, value)| &mut value.value)
    }

    /// Puts something under a key, in the place of what stood there. What is no map becomes
    /// one.
    pub fn insert(&mut self, key: impl Into<String>, value: impl Into<Value>) {
        put(self, key.into(), value.into());
    }

    /// Takes a key and what stands under it out.
    pub fn remove(&mut self, key: &str) {
        if let Value::Map(entries) = self {
            entries.retain(|(name, _)| name.text() != Some(key));
        }
    }
}

fn put(map: &mut Value, key: String, value: Value) {
    if !map.is_map() {
        *map = Value::map();
    }
    let Value::Map(entries) = map else { return };
    let place = entries.binary_search_by(|(name, _)| name.text().cmp(&Some(&key)));
    match place {
        Ok(place) => entries[place].1 = value.into(),
        Err(place) => entries.insert(place, (Value::Text(key).into(), value.into())),
    }
}

impl From<bool> for Value {
    fn from(is: bool) -> Value {
        Value::Bool(is)
    }
}

impl From<u64> for Value {
    fn from(n: u64) -> Value {
        Value::Unsigned(n)
    }
}

/// One that is not negative is the same as an unsigned one.
impl From<i64> for Value {
    fn from(n: i64) -> Value {
        u64::try_from(n).map_or(Value::Signed(n), Value::Unsigned)
    }
}

/// Integers of the source's own, as in `value!({"attempts": 3})`.
impl From<i32> for Value {
    fn from(n: i32) -> Value {
        Value::from(i64::from(n))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(text)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Value {
        Value::List(items.into_iter().map(|item| item.into().into()).collect())
    }
}

/// A text as a file would have it: a number that would be shown just so is one.
pub fn typed(text: &str) -> Value {
    let text = text.trim();
    let whole = text.parse::<i64>().ok().filter(|n| n.to_string() == text);
    let decimal = || {
        fraction::canonical(text).filter(|canonical| {
            canonical == text && text.contains('.') && !text.ends_with(".0") && !text.contains('e')
        })
    };
    match (whole, decimal()) {
        (Some(n), _) => n.into(),
        (None, Some(decimal)) => Value::Fraction(decimal),
        (None, None) => text.into(),
    }
}

/// A settled value, written as in JSON: `value!({"place": {"shards": 4}, "at": [now]})`. What
/// is no literal, list or map is a name or stands in parentheses.
#[macro_export]
macro_rules! value {
    ({}) => { $crate::file::value::Value::map() };
    ({ $($key:tt : $value:tt),+ $(,)? }) => {{
        let mut map = $crate::file::value::Value::map();
        $(map.insert($key, $crate::value!($value));)+
        map
    }};
    ([ $($item:tt),* $(,)? ]) => {
        $crate::file::value::Value::List(vec![$($crate::value!($item).into()),*])
    };
    (null) => { $crate::file::value::Value::Null };
    ($value:expr) => { $crate::file::value::Value::from($value) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_the_same_is_the_same() {
        let said = |text: &str| crate::file::values(text).unwrap().remove(0);
        let one = said("b: 0x10\na: [~, +5, .50, 'x', !!str 5]\n");
        assert_eq!(one, said("a: [null, 5, 0.5, x, '5']\nb: 16\n"));
        assert_eq!(
            one,
            value!({"b": 16, "a": [null, 5, (Value::Fraction("0.5".into())), "x", "5"]})
        );
        assert_ne!(one, said("a: [null, 5, 0.5, x, 5]\nb: 16\n"));
    }

    #[test]
    fn keys_keep_their_order() {
        let mut map = value!({"b": 1});
        map.insert("c", 2);
        map.insert("a", 3);
        map.insert("b", 4);
        let told: Vec<_> = map.entries().map(|(key, _)| key).collect();
        assert_eq!(told, ["a", "b", "c"]);
        assert_eq!(map.get("b"), Some(&Value::Unsigned(4)));
        map.remove("b");
        map.remove("z");
        assert_eq!(map, value!({"a": 3, "c": 2}));
        let mut text = Value::from("x");
        text.insert("a", true);
        assert_eq!(text, value!({"a": true}));
    }

    #[test]
    fn numbers_are_numbers_only_if_they_look_so_again() {
        assert_eq!(typed("3"), value!(3));
        assert_eq!(typed("-3"), value!(-3));
        assert_eq!(typed(" 2.5 "), Value::Fraction("2.5".into()));
        for text in [
            "03",
            "+3",
            "-0",
            "2.50",
            "3.0",
            "1e3",
            "1.5e3",
            ".5",
            "18446744073709551616",
            "many",
            "",
        ] {
            assert_eq!(typed(text), value!(text), "{text}");
        }
    }
}
