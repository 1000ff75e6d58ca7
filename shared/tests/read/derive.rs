//! `#[derive(Read)]`: each annotation that it knows, and what it says of what is wrong.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value as Json, json};
use shared::file::value::{self, At, Located, Read, Value};

use super::{agree, check};

#[derive(Debug, PartialEq, Deserialize, Read)]
struct Plain {
    name: String,
    r#type: u8,
    perhaps: Option<i32>,
    many: Vec<f64>,
    by_name: BTreeMap<String, bool>,
    each: BTreeSet<u64>,
    boxed: Box<i64>,
    nothing: (),
}

#[derive(Debug, PartialEq, Deserialize, Read)]
#[serde(deny_unknown_fields)]
struct Strict {
    #[serde(rename = "for")]
    span: String,
    #[serde(default)]
    count: usize,
    #[serde(default = "seven")]
    seven: u32,
    word: Word,
}

fn seven() -> u32 {
    7
}

#[derive(Debug, PartialEq, Deserialize, Read)]
#[serde(default)]
struct Defaults {
    runs: u32,
    name: String,
    perhaps: Option<bool>,
}

impl Default for Defaults {
    fn default() -> Defaults {
        Defaults {
            runs: 3,
            name: "a".to_owned(),
            perhaps: Some(true),
        }
    }
}

#[derive(Debug, PartialEq, Deserialize, Read)]
#[serde(rename_all = "snake_case")]
enum Word {
    One,
    TwoWords,
    #[serde(rename = "3")]
    Three,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Read)]
#[serde(rename_all = "lowercase")]
enum Lower {
    OneWord,
}

#[derive(Debug, PartialEq, Deserialize, Read)]
enum Named {
    Nothing,
    One(Box<Strict>),
    Many { count: u8, perhaps: Option<u8> },
}

#[derive(Debug, PartialEq, Deserialize, Read)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Tagged {
    Nothing,
    One(Strict),
    Many { count: u8, perhaps: Option<u8> },
}

#[derive(Debug, PartialEq, Deserialize, Read)]
struct Flat<T> {
    first: u8,
    #[serde(flatten)]
    all: Page<T>,
}

#[derive(Debug, PartialEq, Deserialize, Read)]
struct Page<T> {
    items: Vec<T>,
    next: Option<String>,
}

#[derive(Debug, PartialEq, Deserialize, Read)]
struct Wrapped(Vec<Word>);

#[derive(Debug, PartialEq, Deserialize, Read)]
#[serde(from = "Wrapped")]
struct Count(usize);

impl From<Wrapped> for Count {
    fn from(all: Wrapped) -> Count {
        Count(all.0.len())
    }
}

#[derive(Debug, PartialEq, Deserialize, Read)]
#[serde(try_from = "u64")]
struct Even(u64);

impl TryFrom<u64> for Even {
    type Error = String;

    fn try_from(n: u64) -> Result<Even, String> {
        match n % 2 {
            0 => Ok(Even(n)),
            _ => Err(format!("{n} is odd")),
        }
    }
}

#[test]
fn serde_agrees_of_each_annotation() {
    check::<Plain>(&json!({
        "name": "a", "type": 1, "perhaps": -4, "many": [1.5, 2, -3], "by_name": {"x": true}, "each": [2, 1, 2],
        "boxed": 4, "nothing": null,
    }));
    check::<Strict>(&json!({"for": "1h", "count": 2, "seven": 8, "word": "two_words"}));
    check::<Defaults>(&json!({"runs": 1, "name": "b", "perhaps": false}));
    for word in ["one", "two_words", "3"] {
        check::<Word>(&json!(word));
    }
    check::<Lower>(&json!("oneword"));
    let strict = json!({"for": "1h", "word": "one"});
    for named in [
        json!("Nothing"),
        json!({"Nothing": null}),
        json!({"One": strict}),
        json!({"Many": {"count": 1}}),
    ] {
        check::<Named>(&named);
    }
    for tagged in [
        json!({"kind": "nothing"}),
        json!({"kind": "one", "for": "1h", "word": "3"}),
        json!({"count": 1, "perhaps": 2, "kind": "many"}),
    ] {
        check::<Tagged>(&tagged);
    }
    check::<Flat<Strict>>(&json!({"first": 1, "items": [strict], "next": "x"}));
    check::<Count>(&json!(["one", "3"]));
    check::<Even>(&json!(4));
    assert!(agree::<Even>(&json!(5)).is_err());
}

/// Numbers every value, the keys as well, in the order in which they are written: an error's
/// line is then the number of what it is about.
fn numbered(said: Json) -> Located {
    fn number(said: &mut Located, last: &mut u32) {
        *last += 1;
        said.at = At {
            line: *last,
            column: 1,
        };
        match &mut said.value {
            Value::List(items) => items.iter_mut().for_each(|item| number(item, last)),
            Value::Map(entries) => {
                for (key, value) in entries {
                    number(key, last);
                    number(value, last);
                }
            }
            _ => {}
        }
    }
    let mut said = value::parse(&said.to_string()).expect("it is JSON");
    number(&mut said, &mut 0);
    said
}

#[track_caller]
fn wrong<T: Read + std::fmt::Debug>(said: Json, line: u32, message: &str) {
    let error = value::to::<T>(numbered(said)).expect_err(message);
    assert_eq!((error.at().line, error.to_string().as_str()), (line, message));
}

#[test]
fn errors_tell_what_is_wrong_and_where() {
    let keys = "expected one of `for`, `count`, `seven`, `word`";
    wrong::<Strict>(
        json!({"for": "x", "word": "one", "cuont": 1}),
        2,
        &format!("unknown field `cuont`, {keys}"),
    );
    wrong::<Strict>(json!({"for": "x"}), 1, "missing field `word`");
    wrong::<Strict>(json!({"word": "one"}), 1, "missing field `for`");
    wrong::<Strict>(json!([]), 1, "this must be a table of keys and values");
    wrong::<Strict>(
        json!({"for": 7, "word": "one"}),
        3,
        "invalid type: integer `7`, expected a string",
    );
    wrong::<Strict>(
        json!({"count": -1, "for": "x", "word": "one"}),
        3,
        "invalid value: integer `-1`, expected usize",
    );
    wrong::<Strict>(
        json!({"count": 1.5, "for": "x", "word": "one"}),
        3,
        "invalid type: floating point `1.5`, expected usize",
    );
    wrong::<Strict>(
        json!({"count": "x", "for": "x", "word": "one"}),
        3,
        "this must be a whole number",
    );
    wrong::<Word>(
        json!("four"),
        1,
        "unknown variant `four`, expected one of `one`, `two_words`, `3`",
    );
    wrong::<Word>(json!({"one": 1}), 3, "this takes no value");
    wrong::<Lower>(
        json!("OneWord"),
        1,
        "unknown variant `OneWord`, expected `oneword`",
    );
    wrong::<Named>(json!(7), 1, "this must be a name");
    wrong::<Named>(
        json!({"Many": {"count": 256}}),
        5,
        "invalid value: integer `256`, expected u8",
    );
    wrong::<Named>(json!({"Many": {}}), 3, "missing field `count`");
    wrong::<Tagged>(json!({"count": 1}), 1, "missing field `kind`");
    wrong::<Tagged>(
        json!({"count": 1, "kind": "x"}),
        5,
        "unknown variant `x`, expected one of `nothing`, `one`, `many`",
    );
    wrong::<Tagged>(json!({"kind": "one", "word": "one"}), 1, "missing field `for`");
    wrong::<Flat<Even>>(json!({"first": 1, "items": [2, 3]}), 7, "3 is odd");
    wrong::<Flat<Even>>(json!({"items": []}), 1, "missing field `first`");
    wrong::<Flat<Even>>(json!({"first": 1}), 1, "missing field `items`");
    wrong::<Wrapped>(json!("one"), 1, "this must be a list");
    wrong::<BTreeMap<Lower, bool>>(json!({"oneword": 7}), 3, "this must be true or false");
    wrong::<BTreeMap<Lower, bool>>(json!({"x": true}), 2, "unknown variant `x`, expected `oneword`");
    wrong::<f64>(json!("x"), 1, "this must be a number");
    wrong::<()>(json!(true), 1, "invalid type: boolean `true`, expected unit");
}

/// A parser of JSON keeps both.
#[test]
fn a_key_stands_once() {
    let text = |text: &str| Located::from(Value::Text(text.to_owned()));
    let twice = vec![(text("for"), text("x")), (text("for"), text("y"))];
    let error = value::to::<Strict>(Value::Map(twice)).unwrap_err();
    assert_eq!(error.to_string(), "duplicate field `for`");
}

/// What YAML has without quotes is what its field wants it to be.
#[test]
fn plain_words_are_what_is_asked_for() {
    let plain = |text: &str| Located::from(Value::Plain(text.to_owned()));
    assert_eq!(value::to::<String>(plain("1.10")), Ok("1.10".to_owned()));
    assert_eq!(value::to::<f64>(plain("1.10")), Ok(1.1));
    assert_eq!(value::to::<u64>(plain("0x10")), Ok(16));
    assert_eq!(value::to::<Option<bool>>(plain("true")), Ok(Some(true)));
    assert_eq!(value::to::<Option<String>>(plain("~")), Ok(None));
    assert_eq!(
        value::to::<String>(plain("~")).unwrap_err().to_string(),
        "invalid type: unit value, expected a string"
    );
}
