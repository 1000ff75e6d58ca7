//! On which days a cron expression fires, read for what a person would call them.

use super::clock::POINTS_MAX;
use crate::schedule::{
    Cron,
    cron::{MONTHS, WEEKDAYS, bits, flag},
};

/// Which of the two day fields decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Days {
    /// Every day of the months.
    All,
    OfMonth,
    OfWeek,
    /// One of the two is enough.
    Either,
    /// Both must match.
    Both,
}

impl Days {
    pub fn of(cron: &Cron) -> Days {
        let of_month = MonthDays::of(cron);
        let any_weekday = cron.weekdays == WEEKDAYS;
        match cron.flags & flag::BOTH_DAYS != 0 {
            true => match (of_month.is_all, any_weekday) {
                (true, true) => Days::All,
                (true, false) => Days::OfWeek,
                (false, true) => Days::OfMonth,
                (false, false) => Days::Both,
            },
            false if of_month.is_all || any_weekday => Days::All,
            false if of_month.is_empty() => Days::OfWeek,
            false => Days::Either,
        }
    }
}

/// Whether it fires on every day that there is.
pub(super) fn is_every_day(cron: &Cron) -> bool {
    Days::of(cron) == Days::All && cron.months == MONTHS && cron.years.is_none()
}

/// What the day of month says, without days that its months never have.
pub(super) struct MonthDays {
    pub days: u32,
    pub work: u32,
    pub last: u32,
    pub last_work: u32,
    /// Every day that its months have.
    is_all: bool,
    /// Some month is without them, so that they come to an end.
    ends: bool,
}

impl MonthDays {
    pub fn of(cron: &Cron) -> MonthDays {
        let longest = bits(u64::from(cron.months)).map(length).max().unwrap_or(31);
        let there_are = ((2u64 << longest) - 2) as u32;
        MonthDays {
            days: cron.days & there_are,
            work: cron.days_work & there_are,
            last: cron.days_last & there_are >> 1,
            last_work: cron.days_last_work & there_are >> 1,
            is_all: cron.days & there_are == there_are,
            ends: cron.months != MONTHS,
        }
    }

    fn is_empty(&self) -> bool {
        self.days | self.work | self.last | self.last_work == 0
    }

    /// The day, if it is a single one without a modifier.
    pub fn only(&self) -> Option<u32> {
        let single = self.days.count_ones() == 1 && self.work | self.last | self.last_work == 0;
        single.then(|| self.days.trailing_zeros())
    }

    /// `(step, first, last)` of days too many to be told one by one; no last where they go on to
    /// the end of every month.
    pub fn even(&self) -> Option<(u32, u32, Option<u32>)> {
        let days: Vec<u32> = bits(u64::from(self.days)).collect();
        if days.len() <= POINTS_MAX {
            return None;
        }
        let (first, step) = (days[0], days[1] - days[0]);
        let last = days[days.len() - 1];
        let is_even = step > 1 && days.windows(2).all(|w| w[1] - w[0] == step);
        is_even.then_some((step, first, (self.ends || last + step <= 31).then_some(last)))
    }
}

/// The most days that a month has.
fn length(month: u32) -> u32 {
    match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}
