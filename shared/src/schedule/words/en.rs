//! Schedules in English.

use super::{Clock, Values, clock_time, date_time, runs, span};
use crate::{
    schedule::{
        Cron, Zone,
        cron::{DAYS, MONTHS, NTH_LAST, Years, bits, flag},
    },
    time::Time,
};

const MONTH: [&str; 13] = [
    "",
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAY: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];
const NTH: [&str; 5] = ["first", "second", "third", "fourth", "fifth"];

pub(super) fn cron(cron: &Cron, zone: Zone, skips: bool) -> String {
    let clock = Clock::of(cron);
    let mut words = time(&clock);
    let day = day(cron);
    match day {
        Some(day) => words = format!("{words} {day}"),
        None if cron.months != MONTHS => words = format!("{words} every day {}", months(cron.months)),
        None if matches!(clock, Clock::Points(_)) => words.push_str(" every day"),
        None => {}
    }
    if let Some(set) = &cron.years {
        words = format!("{words} {}", years(set));
    }
    words = format!("{words}, {}", place(zone));
    if skips {
        words.push_str(", not on days when the clock jumps over it");
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

fn time(clock: &Clock) -> String {
    match clock {
        Clock::Points(times) => {
            let times: Vec<String> = times.iter().map(|t| clock_time(*t)).collect();
            format!("at {}", join(&times, "and"))
        }
        Clock::Hours {
            step: 1,
            first: 0,
            whole_day: true,
            ..
        } => "every hour".to_owned(),
        Clock::Hours {
            step: 1,
            first,
            whole_day: true,
            ..
        } => match (first / 60, first % 60) {
            (1, 0) => "at 1 minute past every hour".to_owned(),
            (minute, 0) => format!("at {minute} minutes past every hour"),
            (minute, second) => format!("every hour, at minute {minute} and second {second}"),
        },
        Clock::Hours {
            step,
            first: 0,
            whole_day: true,
            ..
        } => format!("every {step} hours"),
        Clock::Hours {
            step, first, last, ..
        } => {
            let each = if *step == 1 {
                "every hour".to_owned()
            } else {
                format!("every {step} hours")
            };
            format!("{each} from {} to {}", clock_time(*first), clock_time(*last))
        }
        Clock::Minutes { step, second, hours } => {
            let each = count(*step, "minute");
            let last = (60 - step) * 60 + second;
            let words = through(&each, hours, last, *second);
            match (second, span(hours, last, *second)) {
                (0, _) | (_, Some(_)) => words,
                _ => format!("{words}, at second {second}"),
            }
        }
        Clock::Seconds { step, hours } => through(&count(*step, "second"), hours, 3600 - step, 0),
        Clock::Fields {
            seconds,
            minutes,
            hours,
        } => {
            let mut words = match seconds {
                Values::List(list) if list[..] == [0] => String::new(),
                Values::All => "every second of ".to_owned(),
                _ => format!("at {} of ", values(seconds, "second")),
            };
            let minutes = match minutes {
                Values::All => "every minute".to_owned(),
                _ => values(minutes, "minute"),
            };
            if words.is_empty() {
                words.push_str("at ");
            }
            let hours = match hours {
                Values::All => "every hour".to_owned(),
                _ => values(hours, "hour"),
            };
            format!("{words}{minutes} of {hours}")
        }
    }
}

fn count(step: u32, unit: &str) -> String {
    match step {
        1 => format!("every {unit}"),
        _ => format!("every {step} {unit}s"),
    }
}

/// Something even, through some hours of the day.
fn through(each: &str, hours: &Values, last_in_hour: u32, second: u32) -> String {
    match (hours, span(hours, last_in_hour, second)) {
        (Values::All, _) => each.to_owned(),
        (_, Some((from, to))) => format!("{each} from {from} to {to}"),
        _ => format!("{each} in {}", values(hours, "hour")),
    }
}

/// `minutes 5, 10 and 22`, `every 7th minute from 0 to 56`.
fn values(values: &Values, unit: &str) -> String {
    match values {
        Values::All => format!("every {unit}"),
        Values::Even { from, to, step: 1 } | Values::Around { from, to } => format!("{unit}s {from} to {to}"),
        Values::Even { from, to, step } => format!("every {} {unit} from {from} to {to}", ordinal(*step)),
        Values::List(list) => {
            let plural = if list.len() == 1 { "" } else { "s" };
            let list: Vec<String> = list.iter().map(u32::to_string).collect();
            format!("{unit}{plural} {}", join(&list, "and"))
        }
    }
}

/// Which days, with the months; none for every day.
fn day(cron: &Cron) -> Option<String> {
    let dom_free = cron.flags & flag::DOM_STAR != 0 && cron.days == DAYS;
    let dow_free = cron.flags & flag::DOW_STAR != 0 && cron.weekdays == 0x7f;
    let both = cron.flags & flag::BOTH_DAYS != 0;
    let month = match cron.months {
        MONTHS => "of every month".to_owned(),
        _ => of_months(cron.months),
    };
    match (dom_free, dow_free) {
        (true, true) => None,
        (false, true) => Some(format!("on {}", by_month(cron, &month))),
        (true, false) => Some(by_week(cron, &month)),
        (false, false) if both => {
            let condition = if_weekday(cron);
            Some(format!("on {} if it is {condition}", by_month(cron, &month)))
        }
        (false, false) => Some(format!(
            "on {} and {}",
            by_month(cron, &month),
            by_week(cron, &month)
        )),
    }
}

/// `the 1st and 15th of every month`.
fn by_month(cron: &Cron, month: &str) -> String {
    let modified = cron.days_last | cron.days_work | cron.days_last_work != 0;
    let single = (cron.days.count_ones(), cron.months.count_ones()) == (1, 1) && !modified;
    if single {
        let name = MONTH[cron.months.trailing_zeros() as usize];
        return format!("{} {name}", cron.days.trailing_zeros());
    }
    let mut parts = Vec::new();
    match Values::of(u64::from(cron.days), 1, 31) {
        Values::All => parts.push("every day".to_owned()),
        Values::Even { from, to, step } if step > 1 => {
            let range = if from == 1 && to + step > 31 {
                String::new()
            } else {
                format!(" from the {} to the {}", ordinal(from), ordinal(to))
            };
            parts.push(format!("every {} day{range}", ordinal(step)));
        }
        _ => {
            let days = runs(u64::from(cron.days)).into_iter().map(|(a, b)| match a == b {
                true => ordinal(a),
                false => format!("{} to {}", ordinal(a), ordinal(b)),
            });
            parts.extend(days);
            if let Some(first) = parts.first_mut() {
                first.insert_str(0, "the ");
            }
        }
    }
    parts.extend(
        bits(u64::from(cron.days_work)).map(|d| format!("the working day nearest the {}", ordinal(d))),
    );
    parts.extend(bits(u64::from(cron.days_last)).map(|back| match back {
        0 => "the last day".to_owned(),
        1 => "the last day but one".to_owned(),
        _ => format!("the {} day before the last", ordinal(back)),
    }));
    parts.extend(bits(u64::from(cron.days_last_work)).map(|back| match back {
        0 => "the last working day".to_owned(),
        _ => format!(
            "the working day nearest the {} day before the last",
            ordinal(back)
        ),
    }));
    format!("{} {month}", join(&parts, "and"))
}

/// `on weekdays`, `on the last Friday of every month`.
fn by_week(cron: &Cron, month: &str) -> String {
    let mut parts = Vec::new();
    if cron.weekdays != 0 {
        let days = weekdays(cron.weekdays);
        match cron.months {
            MONTHS => parts.push(days),
            _ => parts.push(format!("{days} {}", months(cron.months))),
        }
    }
    if cron.nth != 0 {
        parts.push(format!("on {} {month}", join(&nth(cron.nth, "the "), "and")));
    }
    join(&parts, "and")
}

fn weekdays(mask: u8) -> String {
    match mask {
        0b011_1110 => "on weekdays".to_owned(),
        0b100_0001 => "at weekends".to_owned(),
        0x7f => "on every day of the week".to_owned(),
        _ => {
            // The week is told from Monday on.
            let names = runs(from_monday(mask)).into_iter().map(|(a, b)| {
                let name = |d: u32| WEEKDAY[(d % 7) as usize];
                match a == b {
                    true => format!("{}s", name(a)),
                    false => format!("{}s to {}s", name(a), name(b)),
                }
            });
            format!("on {}", join(&names.collect::<Vec<_>>(), "and"))
        }
    }
}

/// Sunday as bit 7 rather than bit 0.
fn from_monday(mask: u8) -> u64 {
    u64::from(mask & !1) | u64::from(mask & 1) << 7
}

fn nth(mask: u64, article: &str) -> Vec<String> {
    bits(mask)
        .map(|bit| {
            let name = WEEKDAY[(bit % 7) as usize];
            match bit {
                ..NTH_LAST => format!("{article}{} {name}", NTH[(bit / 7) as usize]),
                _ => format!("{article}last {name}"),
            }
        })
        .collect()
}

/// `a Friday`, `a weekday`, `the last Friday`.
fn if_weekday(cron: &Cron) -> String {
    let mut parts: Vec<String> = match cron.weekdays {
        0b011_1110 => vec!["a weekday".to_owned()],
        0x7f => vec!["any day".to_owned()],
        mask => {
            let days = bits(from_monday(mask)).map(|d| format!("a {}", WEEKDAY[(d % 7) as usize]));
            days.collect()
        }
    };
    parts.extend(nth(cron.nth, "the "));
    join(&parts, "or")
}

/// `of January and July`, `of every month from March to October`.
fn of_months(mask: u16) -> String {
    match runs(u64::from(mask))[..] {
        [(a, b)] if a != b => format!(
            "of every month from {} to {}",
            MONTH[a as usize], MONTH[b as usize]
        ),
        _ => format!("of {}", month_names(mask)),
    }
}

/// `in January and July`, `from March to October`.
fn months(mask: u16) -> String {
    match runs(u64::from(mask))[..] {
        [(a, b)] if a != b => format!("from {} to {}", MONTH[a as usize], MONTH[b as usize]),
        _ => format!("in {}", month_names(mask)),
    }
}

fn month_names(mask: u16) -> String {
    join(
        &bits(u64::from(mask))
            .map(|m| MONTH[m as usize].to_owned())
            .collect::<Vec<_>>(),
        "and",
    )
}

fn years(set: &Years) -> String {
    let all: Vec<u16> = set.iter().collect();
    match all[..] {
        [first, .., last] if usize::from(last - first) + 1 == all.len() && all.len() > 2 => {
            format!("from {first} to {last}")
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
    }
}

fn place(zone: Zone) -> String {
    match zone.name().rsplit_once('/') {
        Some((area, city)) if area != "Etc" => format!("{} time", city.replace('_', " ")),
        _ => zone.name().to_owned(),
    }
}

/// `1 hour and 30 minutes`.
fn length(ms: i64) -> String {
    let units = [
        (86_400_000, "day"),
        (3_600_000, "hour"),
        (60_000, "minute"),
        (1000, "second"),
        (1, "millisecond"),
    ];
    let mut rest = ms;
    let mut parts = Vec::new();
    for (unit, name) in units {
        let n = rest / unit;
        rest %= unit;
        match n {
            0 => {}
            1 if ms == unit => return name.to_owned(),
            1 => parts.push(format!("1 {name}")),
            n => parts.push(format!("{n} {name}s")),
        }
    }
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
