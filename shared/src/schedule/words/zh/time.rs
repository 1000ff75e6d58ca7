//! When in the day, in Chinese.

use super::super::{
    clock::{Clock, Values},
    clock_times,
};

pub(in super::super) fn time(clock: &Clock) -> String {
    match clock {
        Clock::Points(times) => clock_times(times).join("、"),
        Clock::Each { step: 3600, at: 0 } => "每小时整点".to_owned(),
        Clock::Each { step, at: 0 } => every(*step),
        Clock::Each { step: 3600, at } => match (at / 60, at % 60) {
            (minute, 0) => format!("每小时的第 {minute} 分钟"),
            (minute, second) => format!("每小时的第 {minute} 分 {second} 秒"),
        },
        Clock::Each { step, at } => format!("{}的第 {at} 秒", every(*step)),
        Clock::Spans { step, spans, points } => {
            let told = |&(from, to): &(u32, u32)| {
                let to_word = if to < from { " 至次日 " } else { " 至 " };
                clock_times(&[from, to]).join(to_word)
            };
            let mut words = spans.iter().map(told).collect::<Vec<_>>().join("、");
            words.push_str(&format!(" {}", every(*step)));
            if !points.is_empty() {
                words.push_str(&format!("，以及 {}", clock_times(points).join("、")));
            }
            words
        }
        Clock::Fields {
            seconds,
            minutes,
            hours,
        } => fields(seconds, minutes, hours),
    }
}

/// Each so many seconds: `每 2 小时`.
fn every(step: u32) -> String {
    let (n, unit) = match step {
        3600.. => (step / 3600, "小时"),
        60.. => (step / 60, "分钟"),
        _ => (step, "秒"),
    };
    count(n, unit)
}

fn count(step: u32, unit: &str) -> String {
    match step {
        1 => format!("每{unit}"),
        _ => format!("每 {step} {unit}"),
    }
}

fn fields(seconds: &Values, minutes: &Values, hours: &Values) -> String {
    let of_hours = match (hours, minutes) {
        (Values::All, _) if minutes.round().is_some() => String::new(),
        (Values::All, _) => "每小时的".to_owned(),
        _ => format!("{}的", oclock(hours)),
    };
    let minutes = values(minutes, "分钟");
    match (seconds.only(), seconds.round()) {
        (Some(0), _) => format!("{of_hours}{minutes}"),
        (_, Some(step)) => format!("{of_hours}{minutes}内{}", count(step, "秒")),
        _ => format!("{of_hours}{minutes}的{}", values(seconds, "秒")),
    }
}

/// Hours of the day: `5、7 点`, `5 点、9 点至 12 点`.
fn oclock(hours: &Values) -> String {
    match (hours, hours.singles()) {
        (Values::All, _) => "每小时".to_owned(),
        (Values::Even { from, to, step }, _) => one_by_one((*from..=*to).step_by(*step as usize), "点"),
        (_, Some(list)) => one_by_one(list.into_iter(), "点"),
        (Values::Runs(runs), None) => {
            let told = runs.iter().map(|(a, b)| match a == b {
                true => format!("{a} 点"),
                false => format!("{a} 点至 {b} 点"),
            });
            told.collect::<Vec<_>>().join("、")
        }
    }
}

fn one_by_one(values: impl Iterator<Item = u32>, unit: &str) -> String {
    let values: Vec<String> = values.map(|v| v.to_string()).collect();
    format!("{} {unit}", values.join("、"))
}

/// Minutes or seconds: `每 15 分钟`, `第 1 至 3、10 分钟`.
fn values(values: &Values, unit: &str) -> String {
    match (values.round(), values) {
        (Some(step), _) => count(step, unit),
        (None, Values::Even { from, to, step }) => {
            format!("第 {from} 至 {to} {unit}之间{}", count(*step, unit))
        }
        (None, Values::Runs(runs)) => {
            let told = runs.iter().map(|(a, b)| match a == b {
                true => a.to_string(),
                false => format!("{a} 至 {b}"),
            });
            format!("第 {} {unit}", told.collect::<Vec<_>>().join("、"))
        }
        (None, Values::All) => count(1, unit),
    }
}
