//! serde_json is the measure of what JSON is.

use proptest::prelude::*;

use super::*;

fn theirs(value: &serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match value {
        Json::Null => Value::Null,
        Json::Bool(is) => (*is).into(),
        Json::Number(n) => match (n.as_u64(), n.as_i64()) {
            (Some(n), _) => n.into(),
            (_, Some(n)) => n.into(),
            _ => Value::Fraction(fraction::canonical(&n.to_string()).expect("a number")),
        },
        Json::String(text) => text.as_str().into(),
        Json::Array(items) => items.iter().map(theirs).collect::<Vec<_>>().into(),
        Json::Object(map) => {
            let mut value = Value::map();
            for (key, inner) in map {
                value.insert(key, theirs(inner));
            }
            value
        }
    }
}

fn documents() -> impl Strategy<Value = serde_json::Value> {
    let scalar = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        (-1e9..1e9).prop_map(|n: f64| (n.round() / 64.0).into()),
        any::<String>().prop_map(Into::into),
    ];
    scalar.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::vec((any::<String>(), inner), 0..6)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_serde_json_writes_reads_the_same(value in documents(), pretty: bool) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
        prop_assert_eq!(parse(&text.unwrap()).unwrap().settled(), theirs(&value));
    }

    #[test]
    fn what_is_written_serde_json_reads_the_same(value in documents()) {
        let text = theirs(&value).to_json();
        prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }

    /// Pieces in any order: most are no JSON, and both say so.
    #[test]
    fn what_is_no_json_is_refused(parts in prop::collection::vec(prop::sample::select(PIECES), 0..12)) {
        let text = parts.concat();
        let json = serde_json::from_str::<serde_json::Value>(&text);
        // It wants to count with what is only read here.
        prop_assume!(!json.as_ref().is_err_and(|e| e.to_string().contains("out of range")));
        let ours = parse(&text).ok().map(|value| without_fractions(value.settled()));
        let theirs = json.ok().map(|value| without_fractions(theirs(&value)));
        prop_assert_eq!(ours, theirs, "{}", text);
    }
}

/// Those are kept as they are written: `1e2` is another text than `100.0`.
fn without_fractions(value: Value) -> Value {
    match value {
        Value::Fraction(_) => Value::Fraction(String::new()),
        Value::List(_) => value
            .items()
            .cloned()
            .map(without_fractions)
            .collect::<Vec<_>>()
            .into(),
        Value::Map(_) => {
            let mut map = Value::map();
            for (key, inner) in value.entries() {
                map.insert(key, without_fractions(inner.clone()));
            }
            map
        }
        other => other,
    }
}

/// No `-0`, which is a fraction to serde_json.
const PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"a\"",
    "\"b\":",
    "1",
    "23",
    "-4",
    "0",
    ".5",
    "e2",
    "E-1",
    "e+",
    "true",
    "false",
    "null",
    "nul",
    " ",
    "\n",
    "\t",
    "\"",
    "\\n",
    "\\u00e9",
    "\\ud83d\\ude00",
    "\\ud83d",
    "\\u12",
    "\\x",
    "é",
    "\u{1}",
    "\u{a0}",
    "+",
    "'",
    "/**/",
];

#[test]
fn depth_is_bounded() {
    let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    assert!(parse(&nested(128)).is_ok());
    assert!(parse(&nested(129)).is_err());
    assert!(parse(&"{\"a\":".repeat(1_000_000)).is_err());
}

#[test]
fn numbers_beyond_all_bounds_are_kept_as_they_are() {
    let said = |text: &str| parse(text).unwrap().value;
    assert_eq!(said("18446744073709551615"), Value::Unsigned(u64::MAX));
    assert_eq!(said("-9223372036854775808"), Value::Signed(i64::MIN));
    for text in [
        "18446744073709551616",
        "-9223372036854775809",
        "1e400",
        "0.1000000000000000055",
    ] {
        assert_eq!(said(text), Value::Fraction(text.into()));
        assert_eq!(said(text).to_json(), text);
    }
    assert_eq!(said("-0"), Value::Unsigned(0));
}

#[test]
fn errors_say_where() {
    let refused = |text: &str| parse(text).unwrap_err();
    assert_eq!(
        refused("{\"é\": 1,\n \"b\" 2}").to_string(),
        "this is no JSON at line 2 column 6"
    );
    assert_eq!(refused("").to_string(), "this is no JSON at line 1 column 1");
    assert_eq!(refused("[1, 2").at(), At { line: 1, column: 6 });
}

#[test]
fn what_is_written_twice_is_for_the_type_to_refuse() {
    #[derive(Debug, crate::file::value::Read)]
    struct One {
        #[expect(dead_code, reason = "it is never read: the whole is refused")]
        a: u8,
    }
    let refused = crate::file::value::of_json::<One>(r#"{"a": 1, "a": 2}"#).unwrap_err();
    assert_eq!(refused.to_string(), "duplicate field `a`");
}
