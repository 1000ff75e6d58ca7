//! What the console reads by `Read`, programs read by serde. Both must find the same, whatever
//! is said: here in real answers and files, and in what becomes of them when anything in them
//! is missing, unknown or of another kind.

mod derive;

use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use shared::{
    api::{
        Applied, Changed, ErrorBody, GroupView, JobView, NextFires, NodeView, Ordered, OutputView, Page,
        Restored, Status, TokenView, Whereabouts, WhoAmI, Why,
        board::Board,
        calendars::CalendarView,
        overview::{About, LoginHint, Overview},
        timeline::{JobHistory, Timeline},
        work::{BulkResult, NodeWork},
    },
    calendar::Named,
    file::value::{self, Read, ValueError},
    history::{Findings, RunView},
    job::JobSpec,
    run::Reason,
    schedule::Preview,
};

#[test]
fn serde_agrees() {
    let mut lines = 0;
    for line in include_str!("answers.tsv")
        .lines()
        .filter(|l| !l.starts_with('#'))
    {
        let (kind, text) = line.split_once('\t').unwrap();
        let said = serde_json::from_str(text).unwrap();
        check_kind(kind, &said);
        lines += 1;
    }
    assert!(lines >= 60, "there are {lines} answers");
}

macro_rules! check {
    ($kind:ident, $said:ident: $($type:ty),* $(,)?) => {
        match $kind {
            $(stringify!($type) => check::<$type>($said),)*
            _ => panic!("no type for `{}`", $kind),
        }
    };
}

#[rustfmt::skip]
fn check_kind(kind: &str, said: &Value) {
    check!(
        kind, said: About, Board, BulkResult, CalendarView, Changed, ErrorBody, Findings, GroupView,
        JobHistory, JobSpec, JobView, LoginHint, Named, NextFires, NodeView, NodeWork, Ordered, Overview,
        Page<CalendarView>, Page<GroupView>, Page<JobView>, Page<NodeView>, Page<OutputView>,
        Page<RunView>, Preview, Reason, Restored, RunView, Status, String, Timeline, TokenView,
        Vec<Applied>, WhoAmI, Whereabouts, Why,
    );
}

fn check<T: DeserializeOwned + Read + PartialEq + Debug>(said: &Value) {
    agree::<T>(said).unwrap_or_else(|e| panic!("{e}: {said}"));
    for pointer in pointers(said) {
        let place = said.pointer(&pointer).expect("it is of these");
        for other in others(place) {
            let mut wrong = said.clone();
            *wrong.pointer_mut(&pointer).expect("it is of these") = other;
            let _ = agree::<T>(&wrong);
        }
    }
}

/// It is read by both, and as the same, or by neither.
fn agree<T: DeserializeOwned + Read + PartialEq + Debug>(said: &Value) -> Result<(), ValueError> {
    let by_serde = T::deserialize(said);
    let by_read = value::of_json::<T>(&said.to_string());
    match (by_read, by_serde) {
        (Ok(read), Ok(serde)) => {
            assert_eq!(read, serde, "{said}");
            Ok(())
        }
        (Err(e), Err(_)) => Err(e),
        (read, serde) => panic!("{read:?}\nbut serde\n{serde:?}\nof\n{said}"),
    }
}

/// Where each value stands in it: itself first.
fn pointers(said: &Value) -> Vec<String> {
    let below = |key: &str, value: &Value| {
        let key = key.replace('~', "~0").replace('/', "~1");
        let deeper = pointers(value).into_iter();
        deeper
            .map(move |rest| format!("/{key}{rest}"))
            .collect::<Vec<_>>()
    };
    let mut all = vec![String::new()];
    match said {
        Value::Object(map) => all.extend(map.iter().flat_map(|(key, value)| below(key, value))),
        // One item of a list is as another.
        Value::Array(items) => all.extend(
            items
                .iter()
                .take(2)
                .enumerate()
                .flat_map(|(i, v)| below(&i.to_string(), v)),
        ),
        _ => {}
    }
    all
}

/// What might stand there instead. No list, and no small number: serde takes the fields of a
/// type from a list as well, and a variant by its place, which nothing of Gnomon writes.
fn others(said: &Value) -> Vec<Value> {
    let mut all = vec![
        json!(null),
        json!(true),
        json!(1000),
        json!(-7),
        json!(1u64 << 40),
        json!(1.5),
        json!("x"),
        json!(""),
        json!({}),
        json!({"x": 1}),
    ];
    match said {
        Value::Object(map) => {
            for key in map.keys() {
                let mut fewer = map.clone();
                fewer.remove(key);
                all.push(Value::Object(fewer));
            }
            let mut more = map.clone();
            more.insert("unknown".to_owned(), json!(1));
            all.push(Value::Object(more));
        }
        Value::Array(_) => all.push(json!([])),
        Value::String(text) => all.push(json!(format!("{text}x"))),
        _ => {}
    }
    all
}
