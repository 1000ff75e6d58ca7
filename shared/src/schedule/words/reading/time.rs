//! Reads when in the day.

use super::{Set, listed, number};

/// `09:00`, `09:00:30`.
fn seconds(time: &str) -> u32 {
    let mut parts = time.split(':').map(number);
    let mut next = || parts.next().unwrap_or(0);
    next() * 3600 + next() * 60 + next()
}

/// `every 5 minutes`, `every hour`: its seconds.
fn step(words: &str) -> u32 {
    let (n, unit) = match words.strip_prefix("every ").unwrap().split_once(' ') {
        Some((n, unit)) => (number(n), unit.strip_suffix('s').unwrap()),
        None => (1, words.strip_prefix("every ").unwrap()),
    };
    n * match unit {
        "second" => 1,
        "minute" => 60,
        "hour" => 3600,
        _ => panic!("`{words}` has no unit"),
    }
}

/// The times of a day, and whether some stretch goes over midnight.
pub(super) fn times(words: &str) -> (Set, bool) {
    if words.contains(':') {
        return clock_times(words);
    }
    if let Some(list) = words.strip_suffix(" past every hour") {
        let list = list.strip_prefix("at ").unwrap();
        let list = list
            .strip_suffix(" minutes")
            .or(list.strip_suffix(" minute"))
            .unwrap();
        let minutes: Set = listed(list).into_iter().map(number).collect();
        return (product(&(0..24).collect(), &minutes, &Set::from([0])), false);
    }
    if let Some((each, second)) = words.split_once(" at second ") {
        let all = (0..86_400).step_by(step(each) as usize);
        return (all.map(|t| t + number(second)).collect(), false);
    }
    let mut fields: [Option<Set>; 3] = [None, None, None];
    for part in words.split(" of ").flat_map(|part| part.split(" in ")) {
        let (unit, values) = field(part);
        assert!(fields[unit].replace(values).is_none(), "{words}");
    }
    let finest = fields.iter().position(Option::is_some).unwrap();
    let [seconds, minutes, hours] = std::array::from_fn(|unit| match &fields[unit] {
        Some(values) => values.clone(),
        None if unit < finest => Set::from([0]),
        None => (0..[60, 60, 24][unit]).collect(),
    });
    (product(&hours, &minutes, &seconds), false)
}

pub(super) fn product(hours: &Set, minutes: &Set, seconds: &Set) -> Set {
    let minutes = hours
        .iter()
        .flat_map(|h| minutes.iter().map(move |m| h * 3600 + m * 60));
    minutes.flat_map(|m| seconds.iter().map(move |s| m + s)).collect()
}

/// Of 0 seconds, 1 minutes, 2 hours: which, and the values.
fn field(part: &str) -> (usize, Set) {
    let unit_of = |word: &str| {
        let word = word.strip_suffix('s').unwrap_or(word);
        ["second", "minute", "hour"].iter().position(|u| *u == word)
    };
    let part = part.strip_prefix("at ").unwrap_or(part);
    let words: Vec<&str> = part.split(' ').collect();
    let count = |unit: usize| [60, 60, 24][unit];
    let evenly =
        |unit: usize, from: u32, to: u32, step: u32| (unit, (from..=to).step_by(step as usize).collect());
    match words[..] {
        ["every", unit] => evenly(unit_of(unit).unwrap(), 0, count(unit_of(unit).unwrap()) - 1, 1),
        ["every", n, unit] => {
            let unit = unit_of(unit).unwrap();
            assert_eq!(count(unit) % number(n), 0, "{part}");
            evenly(unit, 0, count(unit) - 1, number(n))
        }
        ["every", n, unit, "from", a, "to", b] => {
            evenly(unit_of(unit).unwrap(), number(a), number(b), number(n))
        }
        ["every", n, unit, "from", _, a, "to", b] => {
            evenly(unit_of(unit).unwrap(), number(a), number(b), number(n))
        }
        [unit, ..] => {
            let list = part.split_once(' ').unwrap().1;
            let values = listed(list)
                .into_iter()
                .flat_map(|item| match item.split_once(" to ") {
                    Some((a, b)) => number(a)..=number(b),
                    None => number(item)..=number(item),
                });
            (unit_of(unit).unwrap(), values.collect())
        }
        [] => panic!("nothing"),
    }
}

/// `every hour from 09:00 to 17:00 and at 20:00`, `at 09:00 and 12:00`.
fn clock_times(words: &str) -> (Set, bool) {
    let mut all = Set::new();
    let mut wraps = false;
    let (each, rest) = match words.find(" from ") {
        Some(at) => (Some(&words[..at]), &words[at + 1..]),
        None => (None, words),
    };
    for item in listed(rest) {
        let item = item.strip_prefix("at ").unwrap_or(item);
        let Some(span) = item.strip_prefix("from ") else {
            all.insert(seconds(item));
            continue;
        };
        let (from, to) = span.split_once(" to ").unwrap();
        let (from, mut to) = (seconds(from), seconds(to));
        if to < from {
            (wraps, to) = (true, to + 86_400);
        }
        let step = step(each.unwrap());
        assert_eq!((to - from) % step, 0, "{words}: it does not come to its end");
        all.extend((from..=to).step_by(step as usize).map(|t| t % 86_400));
    }
    (all, wraps)
}
