//! When in the day a cron expression fires, read for what a person would call it.

use super::runs;
use crate::schedule::{
    Cron,
    cron::{SIXTY, bits},
};

/// When in the day, in seconds from midnight.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Clock {
    /// A few times of the day.
    Points(Vec<u32>),
    /// Each so many seconds the day round: `at` seconds after 00:00, and on.
    Each { step: u32, at: u32 },
    /// Each so many seconds through stretches of the day, both ends included, and at a few times
    /// besides. One that ends earlier than it begins goes on into the next day.
    Spans {
        step: u32,
        spans: Vec<(u32, u32)>,
        points: Vec<u32>,
    },
    /// Anything else: field by field.
    Fields {
        seconds: Values,
        minutes: Values,
        hours: Values,
    },
}

/// The values of one field, read for their pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Values {
    All,
    /// Every `step`th from `from` to `to`: more than are told one by one.
    Even {
        from: u32,
        to: u32,
        step: u32,
    },
    /// Runs of one or of three and more.
    Runs(Vec<(u32, u32)>),
}

/// So many times, or values, are told one by one.
pub(super) const POINTS_MAX: usize = 6;
/// So many stretches of the day are told one by one.
const SPANS_MAX: usize = 3;
/// So many that go evenly are a stretch rather than times one by one.
const SPAN_MIN: usize = 4;
/// Beside other stretches, fewer are one too.
const SPAN_MIN_BESIDE: usize = 3;

const HOUR: u32 = 3600;
const MINUTE: u32 = 60;
const ALL_HOURS: u32 = (1 << 24) - 1;

impl Clock {
    /// With `every_day`, a stretch may go on over midnight. It may not where a day that fires
    /// can stand beside one that does not: then each day has both ends of its own.
    pub fn of(cron: &Cron, every_day: bool) -> Clock {
        let read = Read {
            seconds: cron.seconds,
            minutes: cron.minutes,
            hours: cron.hours,
            every_day,
        };
        let clock = match (only(cron.seconds), only(cron.minutes)) {
            (Some(second), Some(minute)) => Some(read.by_hour(minute * MINUTE + second)),
            (Some(second), None) => read.by_minute(second),
            _ => read.by_second(),
        };
        clock.or_else(|| read.points()).unwrap_or_else(|| Clock::Fields {
            seconds: Values::of(cron.seconds, 60),
            minutes: Values::of(cron.minutes, 60),
            hours: Values::of(u64::from(cron.hours), 24),
        })
    }

    /// Whether it keeps to some times of the day, so that `every day` tells something.
    pub fn is_bounded(&self) -> bool {
        match self {
            Clock::Points(_) | Clock::Spans { .. } => true,
            Clock::Each { .. } => false,
            Clock::Fields { hours, .. } => *hours != Values::All,
        }
    }
}

/// What is read: the masks of a day.
struct Read {
    seconds: u64,
    minutes: u64,
    hours: u32,
    every_day: bool,
}

impl Read {
    /// Once an hour, `at` seconds after its beginning.
    fn by_hour(&self, at: u32) -> Clock {
        let hours: Vec<u32> = bits(u64::from(self.hours)).collect();
        let time = |hour: u32| hour * HOUR + at;
        match even(&hours) {
            Some(1) if self.hours == ALL_HOURS => return Clock::Each { step: HOUR, at },
            Some(step) if step > 1 => {
                let (from, to) = (hours[0], hours[hours.len() - 1]);
                if at == 0 && from == 0 && to + step == 24 {
                    return Clock::Each {
                        step: step * HOUR,
                        at,
                    };
                }
                return spans(step * HOUR, vec![(time(from), time(to))], Vec::new());
            }
            _ => {}
        }
        let of_hours = |(from, to): (u32, u32)| (time(from), time(to));
        let (long, points) = stretches(self.hour_runs(SPAN_MIN), 24);
        let is_mixed = long.len() > 1 || !points.is_empty();
        let told = if is_mixed { POINTS_MAX } else { SPAN_MIN - 1 };
        if long.is_empty() || hours.len() <= told {
            return Clock::Points(hours.into_iter().map(time).collect());
        }
        spans(
            HOUR,
            long.into_iter().map(of_hours).collect(),
            points.into_iter().map(time).collect(),
        )
    }

    /// At one second of several minutes.
    fn by_minute(&self, second: u32) -> Option<Clock> {
        let minutes: Vec<u32> = bits(self.minutes).collect();
        let (first, last) = (minutes[0], minutes[minutes.len() - 1]);
        if let Some(hour) = only(u64::from(self.hours)) {
            let time = |minute: u32| hour * HOUR + minute * MINUTE + second;
            return one_by_one(&minutes, MINUTE, time);
        }
        let step = round(&minutes)?;
        if self.hours == ALL_HOURS {
            return (first == 0).then_some(Clock::Each {
                step: step * MINUTE,
                at: second,
            });
        }
        if let Some(points) = self.points() {
            return Some(points);
        }
        self.through_hours(step * MINUTE, first * MINUTE + second, last * MINUTE + second)
    }

    /// At several seconds.
    fn by_second(&self) -> Option<Clock> {
        let seconds: Vec<u32> = bits(self.seconds).collect();
        let (first, last) = (seconds[0], seconds[seconds.len() - 1]);
        if let (Some(hour), Some(minute)) = (only(u64::from(self.hours)), only(self.minutes)) {
            let time = |second: u32| hour * HOUR + minute * MINUTE + second;
            return one_by_one(&seconds, 1, time);
        }
        let step = round(&seconds)?;
        if self.minutes == SIXTY {
            return match self.hours {
                ALL_HOURS => (first == 0).then_some(Clock::Each { step, at: 0 }),
                _ => self.through_hours(step, first, 59 * MINUTE + last),
            };
        }
        let hour = only(u64::from(self.hours))?;
        let time = |minute: u32| hour * HOUR + minute * MINUTE;
        let runs = whole_runs(self.minutes);
        (runs.len() <= SPANS_MAX).then(|| {
            let of_minutes = |(from, to): (u32, u32)| (time(from) + first, time(to) + last);
            spans(step, runs.into_iter().map(of_minutes).collect(), Vec::new())
        })
    }

    /// Evenly from the `first` second of an hour to its `last`, and on into the next.
    fn through_hours(&self, step: u32, first: u32, last: u32) -> Option<Clock> {
        let runs = self.hour_runs(2);
        (runs.len() <= SPANS_MAX).then(|| {
            let of_hours = |(from, to): (u32, u32)| (from * HOUR + first, to * HOUR + last);
            spans(step, runs.into_iter().map(of_hours).collect(), Vec::new())
        })
    }

    /// The hours in a row; with every day, the last of the day and the first of the next are one
    /// run where that makes one of `joined` hours.
    fn hour_runs(&self, joined: usize) -> Vec<(u32, u32)> {
        let mut runs = whole_runs(u64::from(self.hours));
        if let [(0, morning), .., (evening, 23)] = runs[..]
            && self.every_day
            && runs.len() > 1
            && (24 - evening + morning + 1) as usize >= joined
        {
            runs.remove(0);
            let last = runs.len() - 1;
            runs[last] = (evening, morning);
        }
        runs
    }

    /// Time by time, if they are few.
    fn points(&self) -> Option<Clock> {
        let count = self.hours.count_ones() * self.minutes.count_ones() * self.seconds.count_ones();
        (count as usize <= POINTS_MAX).then(|| {
            let hours = bits(u64::from(self.hours)).map(|h| h * HOUR);
            let minutes = hours.flat_map(|h| bits(self.minutes).map(move |m| h + m * MINUTE));
            Clock::Points(
                minutes
                    .flat_map(|m| bits(self.seconds).map(move |s| m + s))
                    .collect(),
            )
        })
    }
}

/// Values within one hour or one minute, as stretches and what lies beside them.
fn one_by_one(values: &[u32], unit: u32, time: impl Fn(u32) -> u32) -> Option<Clock> {
    let (first, last) = (values[0], values[values.len() - 1]);
    if let Some(step) = even(values)
        && values.len() >= SPAN_MIN
    {
        return Some(spans(step * unit, vec![(time(first), time(last))], Vec::new()));
    }
    let mask = values.iter().fold(0, |mask, v| mask | 1u64 << v);
    let (long, points) = stretches(whole_runs(mask), 60);
    if long.is_empty() || long.len() > SPANS_MAX || points.len() > POINTS_MAX || values.len() <= POINTS_MAX {
        return None;
    }
    Some(spans(
        unit,
        long.into_iter()
            .map(|(from, to)| (time(from), time(to)))
            .collect(),
        points.into_iter().map(time).collect(),
    ))
}

fn spans(step: u32, spans: Vec<(u32, u32)>, points: Vec<u32>) -> Clock {
    Clock::Spans { step, spans, points }
}

/// Runs that are long enough to be stretches, and the values of the rest, in order.
fn stretches(runs: Vec<(u32, u32)>, count: u32) -> (Vec<(u32, u32)>, Vec<u32>) {
    let length = |from: u32, to: u32| ((to + count - from) % count + 1) as usize;
    let (long, short): (Vec<_>, Vec<_>) = runs
        .into_iter()
        .partition(|(a, b)| length(*a, *b) >= SPAN_MIN_BESIDE);
    (long, short.into_iter().flat_map(|(a, b)| a..=b).collect())
}

/// The step between three and more.
fn even(values: &[u32]) -> Option<u32> {
    let [first, second, _, ..] = *values else {
        return None;
    };
    let step = second - first;
    values.windows(2).all(|w| w[1] - w[0] == step).then_some(step)
}

/// The step of values that go evenly round the sixty: the last and the first are as far apart.
fn round(values: &[u32]) -> Option<u32> {
    let step = match *values {
        [first, second] => second - first,
        _ => even(values)?,
    };
    (values.len() as u32 * step == 60).then_some(step)
}

impl Values {
    /// Of a field that counts from 0 to less than `count`.
    fn of(mask: u64, count: u32) -> Values {
        let values: Vec<u32> = bits(mask).collect();
        match (even(&values), values.first(), values.last()) {
            _ if values.len() == count as usize => Values::All,
            (Some(step), Some(&from), Some(&to)) if step > 1 && values.len() > POINTS_MAX => {
                Values::Even { from, to, step }
            }
            _ => Values::Runs(runs(mask)),
        }
    }

    /// The step, if they go evenly round the sixty from 0 on.
    pub fn round(&self) -> Option<u32> {
        match *self {
            Values::All => Some(1),
            Values::Even { from: 0, to, step } => (to + step == 60).then_some(step),
            Values::Even { .. } => None,
            Values::Runs(ref runs) => {
                let values: Vec<u32> = runs.iter().flat_map(|(a, b)| *a..=*b).collect();
                round(&values).filter(|_| values[0] == 0)
            }
        }
    }

    /// The only value.
    pub fn only(&self) -> Option<u32> {
        match *self {
            Values::Runs(ref runs) => match runs[..] {
                [(a, b)] if a == b => Some(a),
                _ => None,
            },
            _ => None,
        }
    }

    /// The values, if no run is among them.
    pub fn singles(&self) -> Option<Vec<u32>> {
        match self {
            Values::Runs(runs) => runs.iter().map(|(a, b)| (a == b).then_some(*a)).collect(),
            _ => None,
        }
    }
}

fn only(mask: u64) -> Option<u32> {
    (mask.count_ones() == 1).then(|| mask.trailing_zeros())
}

/// Values in runs: `(3, 5)` for 3, 4 and 5.
pub(super) fn whole_runs(mask: u64) -> Vec<(u32, u32)> {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for value in bits(mask) {
        match runs.last_mut() {
            Some((_, to)) if *to + 1 == value => *to = value,
            _ => runs.push((value, value)),
        }
    }
    runs
}
