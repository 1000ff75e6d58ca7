//! What words of either language name.

use super::{WEEKDAYS, day::day_at, number};

/// The times, the days of the month with their steps, and the weekdays that words of either
/// language name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Named {
    times: Vec<String>,
    days: Vec<u32>,
    pub weekdays: Vec<u32>,
}

impl Named {
    pub fn english(words: &str) -> Named {
        let (time, day) = words.split_at(day_at(words));
        let mut days: Vec<u32> = numbers(day).into_iter().map(|(n, _)| number(n)).collect();
        days.extend(day.matches("but one").map(|_| 2));
        days.sort_unstable();
        let plain = day.replace("on weekdays", "on Mondays to Fridays");
        Named {
            times: numbers(time)
                .into_iter()
                .filter(|(n, _)| n.contains(':'))
                .map(|(n, _)| n.to_owned())
                .collect(),
            days,
            weekdays: mentions(&plain, &WEEKDAYS),
        }
    }

    pub fn chinese(words: &str) -> Named {
        let all = numbers(words);
        let of_day = |rest: &str| rest.starts_with(" 日") || rest.starts_with(" 天");
        let mut days: Vec<u32> = all
            .iter()
            .filter(|(_, rest)| of_day(rest))
            .map(|(n, _)| number(n))
            .collect();
        days.sort_unstable();
        let weekdays = ["周日", "周一", "周二", "周三", "周四", "周五", "周六"];
        Named {
            times: all
                .into_iter()
                .filter(|(n, _)| n.contains(':'))
                .map(|(n, _)| n.to_owned())
                .collect(),
            days,
            weekdays: mentions(words, &weekdays),
        }
    }
}

/// Numbers and times of the day, each with what follows it.
fn numbers(words: &str) -> Vec<(&str, &str)> {
    let is_of_number = |c: char| c.is_ascii_digit() || c == ':';
    let mut rest = words;
    let mut all = Vec::new();
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let (number, after) =
            rest[at..].split_at(rest[at..].find(|c| !is_of_number(c)).unwrap_or(rest.len() - at));
        all.push((number, after));
        rest = after;
    }
    all
}

/// Which of these names are said, in order.
fn mentions(words: &str, names: &[&str]) -> Vec<u32> {
    let mut all: Vec<(usize, u32)> = (0..)
        .zip(names)
        .flat_map(|(n, name)| words.match_indices(name).map(move |(at, _)| (at, n)))
        .collect();
    all.sort_unstable();
    all.into_iter().map(|(_, n)| n).collect()
}
