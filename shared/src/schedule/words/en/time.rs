//! When in the day, in English.

use super::{
    super::{
        clock::{Clock, Values},
        clock_times,
    },
    join, ordinal,
};

pub(in super::super) fn time(clock: &Clock) -> String {
    match clock {
        Clock::Points(times) => at(times),
        Clock::Each { step, at: 0 } => every(*step),
        Clock::Each { step: 3600, at } => match (at / 60, at % 60) {
            (1, 0) => "at 1 minute past every hour".to_owned(),
            (minute, 0) => format!("at {minute} minutes past every hour"),
            (minute, second) => format!("at second {second} of minute {minute} of every hour"),
        },
        Clock::Each { step: 60, at } => format!("at second {at} of every minute"),
        Clock::Each { step, at } => format!("{} at second {at}", every(*step)),
        Clock::Spans { step, spans, points } => {
            let told = |&(from, to): &(u32, u32)| format!("from {}", clock_times(&[from, to]).join(" to "));
            let mut parts: Vec<String> = spans.iter().map(told).collect();
            if !points.is_empty() {
                parts.push(at(points));
            }
            format!("{} {}", every(*step), join(&parts, "and"))
        }
        Clock::Fields {
            seconds,
            minutes,
            hours,
        } => fields(seconds, minutes, hours),
    }
}

fn at(times: &[u32]) -> String {
    format!("at {}", join(&clock_times(times), "and"))
}

/// Each so many seconds: `every 2 hours`.
fn every(step: u32) -> String {
    let (n, unit) = match step {
        3600.. => (step / 3600, "hour"),
        60.. => (step / 60, "minute"),
        _ => (step, "second"),
    };
    count(n, unit)
}

fn count(step: u32, unit: &str) -> String {
    match step {
        1 => format!("every {unit}"),
        _ => format!("every {step} {unit}s"),
    }
}

fn fields(seconds: &Values, minutes: &Values, hours: &Values) -> String {
    if seconds.only() == Some(0) {
        return match (minutes.round(), minutes.singles()) {
            (Some(step), _) if *hours != Values::All => {
                format!("{} in {}", count(step, "minute"), values(hours, "hour"))
            }
            (_, Some(list)) if *hours == Values::All => {
                let list: Vec<String> = list.iter().map(u32::to_string).collect();
                format!("at {} minutes past every hour", join(&list, "and"))
            }
            _ => format!("{} of {}", each(minutes, "minute"), values(hours, "hour")),
        };
    }
    let of_minutes = match (minutes, hours) {
        (Values::All, Values::All) => "every minute".to_owned(),
        _ => format!("{} of {}", values(minutes, "minute"), values(hours, "hour")),
    };
    match seconds.round() {
        Some(step) => format!("{} of {of_minutes}", count(step, "second")),
        None => format!("{} of {of_minutes}", each(seconds, "second")),
    }
}

/// As the first of a sentence: `at minutes 5 to 10`, `every 7 minutes from minute 0 to 56`.
fn each(of: &Values, unit: &str) -> String {
    match of {
        Values::Even { from, to, step } => format!("{} from {unit} {from} to {to}", count(*step, unit)),
        _ => format!("at {}", values(of, unit)),
    }
}

/// Within a sentence: `minutes 5, 10 and 22`, `every 7th minute from 0 to 56`.
fn values(of: &Values, unit: &str) -> String {
    match of {
        Values::All => format!("every {unit}"),
        Values::Even { from, to, step } => format!("every {} {unit} from {from} to {to}", ordinal(*step)),
        Values::Runs(runs) => {
            let plural = if of.only().is_some() { "" } else { "s" };
            let told = runs.iter().map(|(a, b)| match a == b {
                true => a.to_string(),
                false => format!("{a} to {b}"),
            });
            format!("{unit}{plural} {}", join(&told.collect::<Vec<_>>(), "and"))
        }
    }
}
