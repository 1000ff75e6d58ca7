//! Schedules in English.

mod day;
mod place;
mod time;

use super::{
    clock::Clock,
    date_time,
    days::{self, Days},
    units,
};
use crate::{
    schedule::{
        Cron, Zone,
        cron::{MONTHS, Years},
    },
    time::Time,
};

pub(super) fn cron(cron: &Cron, zone: Zone, skips: bool) -> String {
    let clock = Clock::of(cron, days::is_every_day(cron));
    let mut words = time::time(&clock);
    match day::day(cron) {
        Some(day) => words = format!("{words} {day}"),
        None => {
            if clock.is_bounded() {
                words.push_str(" every day");
            }
            if cron.months != MONTHS {
                words = format!("{words} {}", day::months(cron.months));
            }
        }
    }
    if let Some(set) = &cron.years {
        words.push_str(&years(set, cron));
    }
    words = format!("{words}, {}", place::place(zone));
    if skips {
        words.push_str(", leaving out times that the clock jumps over");
    }
    words
}

pub(super) fn every(interval_ms: i64, anchor: Time) -> String {
    let words = format!("every {}", length(interval_ms));
    match anchor {
        Time::EPOCH => words,
        _ => format!("{words}, counted from {}", date_time(anchor)),
    }
}

pub(super) fn at(instants: &[Time]) -> String {
    let shown: Vec<String> = instants.iter().take(3).map(|t| date_time(*t)).collect();
    match instants.len() {
        1 => format!("once, at {}", shown[0]),
        n @ 2..=3 => format!("{n} times, at {}", join(&shown, "and")),
        n => format!("{n} times, at {} and {} more", shown.join(", "), n - 3),
    }
}

/// ` in 2027`, after the days it is for.
fn years(set: &Years, cron: &Cron) -> String {
    let all: Vec<u16> = set.iter().collect();
    let named = match all[..] {
        [first, .., last] if usize::from(last - first) + 1 == all.len() && all.len() > 2 => {
            format!("in the years {first} to {last}")
        }
        [first, second, _, .., last] if all.windows(2).all(|w| w[1] - w[0] == second - first) => {
            format!(
                "in every {} year from {first} to {last}",
                ordinal(u32::from(second - first))
            )
        }
        _ => format!(
            "in {}",
            join(&all.iter().map(u16::to_string).collect::<Vec<_>>(), "and")
        ),
    };
    // The years are not those of the last part alone.
    let is_apart = match Days::of(cron) {
        Days::Either | Days::Both => true,
        Days::OfWeek => cron.weekdays != 0 && cron.nth != 0,
        Days::All | Days::OfMonth => false,
    };
    match all[..] {
        _ if is_apart => format!(", only {named}"),
        // The words end with the month.
        [year] if cron.months.is_power_of_two() => format!(" {year}"),
        _ => format!(" {named}"),
    }
}

/// `1 hour and 30 minutes`.
fn length(ms: i64) -> String {
    const UNITS: [&str; 5] = ["day", "hour", "minute", "second", "millisecond"];
    let parts: Vec<String> = match units(ms)[..] {
        [(1, unit)] => return UNITS[unit].to_owned(),
        ref units => {
            let plural = |n: i64| if n == 1 { "" } else { "s" };
            let told = units
                .iter()
                .map(|&(n, unit)| format!("{n} {}{}", UNITS[unit], plural(n)));
            told.collect()
        }
    };
    join(&parts, "and")
}

fn ordinal(n: u32) -> String {
    let suffix = match (n % 100, n % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    format!("{n}{suffix}")
}

fn join(parts: &[String], word: &str) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} {word} {last}", first.join(", ")),
    }
}
