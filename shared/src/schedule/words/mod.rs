//! A schedule in words, as a person would say it.
//!
//! Here the masks are read for what they mean (`Clock`, `Values`); `en` and `zh` only say it.

mod en;
mod zh;

use super::{
    Cron, Dst, Rule, Schedule, Zone,
    cron::{SIXTY, bits},
};
use crate::time::Time;

/// A language people read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Simplified Chinese.
    Zh,
}

pub(super) fn describe(schedule: &Schedule, lang: Lang) -> String {
    match (&schedule.0, lang) {
        (Rule::Cron { cron, zone, dst }, Lang::En) => en::cron(cron, *zone, skips(cron, *zone, *dst)),
        (Rule::Cron { cron, zone, dst }, Lang::Zh) => zh::cron(cron, *zone, skips(cron, *zone, *dst)),
        (Rule::Every { interval_ms, anchor }, Lang::En) => en::every(*interval_ms, *anchor),
        (Rule::Every { interval_ms, anchor }, Lang::Zh) => zh::every(*interval_ms, *anchor),
        (Rule::At(instants), Lang::En) => en::at(instants),
        (Rule::At(instants), Lang::Zh) => zh::at(instants),
    }
}

/// Whether `dst: skip` makes any difference, and so is worth a word.
fn skips(cron: &Cron, zone: Zone, dst: Dst) -> bool {
    dst == Dst::Skip && !cron.ticks() && zone.stretches().get(1).is_some()
}

/// The values of one field, read for their pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Values {
    All,
    /// Every `step`th from `from` to `to`, at least three; a step of 1 is a plain range.
    Even {
        from: u32,
        to: u32,
        step: u32,
    },
    /// A range over the field's end, such as 22 to 2.
    Around {
        from: u32,
        to: u32,
    },
    List(Vec<u32>),
}

impl Values {
    fn of(mask: u64, min: u32, max: u32) -> Values {
        let values: Vec<u32> = bits(mask).collect();
        let (Some(&from), Some(&to)) = (values.first(), values.last()) else {
            return Values::List(values);
        };
        if values.len() as u32 == max - min + 1 {
            return Values::All;
        }
        if values.len() >= 3 {
            let step = values[1] - from;
            if values.windows(2).all(|w| w[1] - w[0] == step) {
                return Values::Even { from, to, step };
            }
        }
        let jumps: Vec<&[u32]> = values.windows(2).filter(|w| w[1] - w[0] > 1).collect();
        match jumps[..] {
            [jump] if from == min && to == max && values.len() > 3 => Values::Around {
                from: jump[1],
                to: jump[0],
            },
            _ => Values::List(values),
        }
    }
}

/// When in the day, in seconds from midnight.
#[derive(Debug, PartialEq, Eq)]
enum Clock {
    /// A few times of the day.
    Points(Vec<u32>),
    /// Every `step` hours, once each; from the first to the last of the day.
    Hours {
        step: u32,
        first: u32,
        last: u32,
        whole_day: bool,
    },
    /// Every `step` minutes through these hours.
    Minutes { step: u32, second: u32, hours: Values },
    /// Every `step` seconds through these hours.
    Seconds { step: u32, hours: Values },
    /// Anything else: field by field.
    Fields {
        seconds: Values,
        minutes: Values,
        hours: Values,
    },
}

/// So many times of the day are told one by one.
const POINTS_MAX: u32 = 6;

impl Clock {
    fn of(cron: &Cron) -> Clock {
        let hours = Values::of(u64::from(cron.hours), 0, 23);
        let minutes = Values::of(cron.minutes, 0, 59);
        let seconds = Values::of(cron.seconds, 0, 59);
        if let (Some(second), Some(minute)) = (only(cron.seconds), only(cron.minutes)) {
            let at = |hour: u32| hour * 3600 + minute * 60 + second;
            let even = |step, from, to, whole_day| Clock::Hours {
                step,
                first: at(from),
                last: at(to),
                whole_day,
            };
            match hours {
                Values::All => return even(1, 0, 23, true),
                Values::Even { from, to, step } if step > 1 || to - from > 2 => {
                    return even(step, from, to, from == 0 && to + step == 24);
                }
                Values::Around { from, to } => return even(1, from, to, false),
                _ => {}
            }
        }
        if let Some(second) = only(cron.seconds) {
            if cron.hours.count_ones() * cron.minutes.count_ones() <= POINTS_MAX {
                let times = bits(u64::from(cron.hours))
                    .flat_map(|h| bits(cron.minutes).map(move |m| h * 3600 + m * 60 + second));
                return Clock::Points(times.collect());
            }
            if let Some(step) = even_through(&minutes) {
                return Clock::Minutes { step, second, hours };
            }
        } else if cron.minutes == SIXTY
            && let Some(step) = even_through(&seconds)
        {
            return Clock::Seconds { step, hours };
        }
        Clock::Fields {
            seconds,
            minutes,
            hours,
        }
    }
}

/// The step of values that go evenly round the sixty, from 0 on.
fn even_through(values: &Values) -> Option<u32> {
    match *values {
        Values::All => Some(1),
        Values::Even { from: 0, to, step } if to + step == 60 => Some(step),
        Values::List(ref list) if list[..] == [0, 30] => Some(30),
        _ => None,
    }
}

fn only(mask: u64) -> Option<u32> {
    (mask.count_ones() == 1).then(|| mask.trailing_zeros())
}

/// `02:30`, with seconds only where there are any.
fn clock_time(second: u32) -> String {
    let (h, m, s) = (second / 3600, second / 60 % 60, second % 60);
    match s {
        0 => format!("{h:02}:{m:02}"),
        _ => format!("{h:02}:{m:02}:{s:02}"),
    }
}

/// `2026-01-31 02:30 UTC`, with seconds and milliseconds only where there are any.
fn date_time(at: Time) -> String {
    let format = match at.as_millis().rem_euclid(60_000) {
        0 => "%F %H:%M UTC",
        ms if ms % 1000 == 0 => "%F %T UTC",
        _ => "%F %T%.3f UTC",
    };
    at.timestamp().strftime(format).to_string()
}

/// The first and the last fire of hours in a row.
fn span(hours: &Values, last_in_hour: u32, second: u32) -> Option<(String, String)> {
    let (from, to) = match *hours {
        Values::Even { from, to, step: 1 } | Values::Around { from, to } => (from, to),
        Values::List(ref list) if list.len() == 1 => (list[0], list[0]),
        Values::List(ref list) if list.len() == 2 && list[1] == list[0] + 1 => (list[0], list[1]),
        _ => return None,
    };
    Some((
        clock_time(from * 3600 + second),
        clock_time(to * 3600 + last_in_hour),
    ))
}

/// Values in runs: `(3, 5)` for 3, 4 and 5. Runs of two come apart.
fn runs(mask: u64) -> Vec<(u32, u32)> {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for value in bits(mask) {
        match runs.last_mut() {
            Some((_, to)) if *to + 1 == value => *to = value,
            _ => runs.push((value, value)),
        }
    }
    runs.into_iter()
        .flat_map(|(a, b)| {
            if b == a + 1 {
                vec![(a, a), (b, b)]
            } else {
                vec![(a, b)]
            }
        })
        .collect()
}

#[cfg(test)]
mod tests;
