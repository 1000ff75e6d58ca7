//! Which days, in English.

use super::{
    super::{
        days::{Days, MonthDays},
        runs,
    },
    join, ordinal,
};
use crate::schedule::{
    Cron,
    cron::{MONTHS, NTH_LAST, bits},
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

/// Which days, with the months; none for every day.
pub(super) fn day(cron: &Cron) -> Option<String> {
    let month = match cron.months {
        MONTHS => "of every month".to_owned(),
        _ => of_months(cron.months),
    };
    match Days::of(cron) {
        Days::All => None,
        Days::OfMonth => Some(by_month(cron, &month)),
        Days::OfWeek => Some(by_week(cron, &month)),
        Days::Either => Some(format!(
            "{} and {}",
            by_month(cron, &month),
            by_week(cron, &month)
        )),
        Days::Both => Some(format!(
            "{} if it is {}",
            by_month(cron, &month),
            if_weekday(cron)
        )),
    }
}

/// `on the 1st and 15th of every month`, `every 3 days from the 1st of every month`.
fn by_month(cron: &Cron, month: &str) -> String {
    let of = MonthDays::of(cron);
    if let (Some(day), true) = (of.only(), cron.months.is_power_of_two()) {
        return format!("on {day} {}", MONTH[cron.months.trailing_zeros() as usize]);
    }
    let even = of.even().map(|(step, first, last)| {
        let to = last.map_or(String::new(), |last| format!(" to the {}", ordinal(last)));
        format!("every {step} days from the {}{to}", ordinal(first))
    });
    let mut parts = Vec::new();
    if even.is_none() {
        parts.extend(runs(u64::from(of.days)).into_iter().map(|(a, b)| match a == b {
            true => ordinal(a),
            false => format!("{} to {}", ordinal(a), ordinal(b)),
        }));
        if let Some(first) = parts.first_mut() {
            first.insert_str(0, "the ");
        }
    }
    parts.extend(bits(u64::from(of.work)).map(|d| format!("the weekday nearest the {}", ordinal(d))));
    parts.extend(bits(u64::from(of.last)).map(|back| match back {
        0 => "the last day".to_owned(),
        1 => "the last day but one".to_owned(),
        _ => format!("the {}-last day", ordinal(back + 1)),
    }));
    parts.extend(bits(u64::from(of.last_work)).map(|back| match back {
        0 => "the last weekday".to_owned(),
        1 => "the weekday nearest the last day but one".to_owned(),
        _ => format!("the weekday nearest the {}-last day", ordinal(back + 1)),
    }));
    let listed = (!parts.is_empty()).then(|| format!("on {}", join(&parts, "and")));
    let told: Vec<String> = even.into_iter().chain(listed).collect();
    format!("{} {month}", join(&told, "and"))
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
        parts.push(format!("on {} {month}", join(&nth(cron.nth), "and")));
    }
    join(&parts, "and")
}

fn weekdays(mask: u8) -> String {
    match mask {
        0b011_1110 => "on weekdays".to_owned(),
        0b100_0001 => "at weekends".to_owned(),
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

fn nth(mask: u64) -> Vec<String> {
    bits(mask)
        .map(|bit| {
            let name = WEEKDAY[(bit % 7) as usize];
            match bit {
                ..NTH_LAST => format!("the {} {name}", NTH[(bit / 7) as usize]),
                _ => format!("the last {name}"),
            }
        })
        .collect()
}

/// `a Friday`, `a weekday`, `the last Friday of the month`.
fn if_weekday(cron: &Cron) -> String {
    let mut parts: Vec<String> = match cron.weekdays {
        0b011_1110 => vec!["a weekday".to_owned()],
        mask => {
            let days = bits(from_monday(mask)).map(|d| format!("a {}", WEEKDAY[(d % 7) as usize]));
            days.collect()
        }
    };
    parts.extend(nth(cron.nth));
    let of_month = if cron.nth == 0 { "" } else { " of the month" };
    join(&parts, "or") + of_month
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
pub(super) fn months(mask: u16) -> String {
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
