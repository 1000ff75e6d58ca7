//! A cron expression compiled to bit masks, and the search for local times that match it.
//!
//! Nothing here knows of zones: a local time is a count of seconds from 1970-01-01 00:00:00.
//! A month's matching days become one mask of 32 bits, so that even the rarest expression
//! looks at each candidate month once.

use super::civil::{DAY, DAY_END, YEAR_MAX, YEAR_MIN, date_of, day_of, days_in_month, weekday_of};

/// A bit of `Cron::flags`.
pub(crate) mod flag {
    /// The minute field starts with `*`.
    pub const MINUTE_STAR: u8 = 1;
    /// The hour field starts with `*`.
    pub const HOUR_STAR: u8 = 2;
    /// The day of month field starts with `*` or is `?`.
    pub const DOM_STAR: u8 = 4;
    /// The day of week field starts with `*` or is `?`.
    pub const DOW_STAR: u8 = 8;
    /// The day of week starts with `+`, and neither day field with `*`.
    pub const PLUS: u8 = 16;
    /// Every day of every year matches. Derived: it saves the look at the calendar.
    pub const ANY_DAY: u8 = 32;
    /// Only the weekday decides the day. Derived.
    pub const WEEKLY: u8 = 64;

    pub const MINUTE_OR_HOUR_STAR: u8 = MINUTE_STAR | HOUR_STAR;
    /// Day of month and day of week must both match.
    pub const BOTH_DAYS: u8 = DOM_STAR | DOW_STAR | PLUS;
}

pub(crate) const SIXTY: u64 = (1 << 60) - 1;
pub(crate) const DAYS: u32 = !1;
pub(crate) const MONTHS: u16 = 0b1_1111_1111_1110;
pub(crate) const WEEKDAYS: u8 = 0x7f;

/// The years of 1970 to 2199, a bit each.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) struct Years(pub [u64; 4]);

impl Years {
    pub fn insert(&mut self, year: u16) {
        let bit = usize::from(year - YEAR_MIN);
        self.0[bit / 64] |= 1 << (bit % 64);
    }

    pub fn contains(&self, year: u16) -> bool {
        let bit = usize::from(year - YEAR_MIN);
        self.0[bit / 64] >> (bit % 64) & 1 == 1
    }

    pub fn is_full(&self) -> bool {
        (YEAR_MIN..=YEAR_MAX).all(|y| self.contains(y))
    }

    pub fn iter(&self) -> impl Iterator<Item = u16> + '_ {
        (YEAR_MIN..=YEAR_MAX).filter(|y| self.contains(*y))
    }
}

/// A cron expression, compiled. Two that are equal fire alike.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cron {
    pub(crate) seconds: u64,
    pub(crate) minutes: u64,
    /// None: every year. Boxed because few expressions have any.
    pub(crate) years: Option<Box<Years>>,
    /// Bit 7 * (n - 1) + weekday: the nth of that weekday; bit 35 + weekday: the last.
    pub(crate) nth: u64,
    pub(crate) hours: u32,
    /// Bit n: day n.
    pub(crate) days: u32,
    /// Bit n: n days before the last.
    pub(crate) days_last: u32,
    /// Bit n: the working day nearest to day n.
    pub(crate) days_work: u32,
    /// Bit n: the working day nearest to n days before the last.
    pub(crate) days_last_work: u32,
    pub(crate) months: u16,
    pub(crate) weekdays: u8,
    pub(crate) flags: u8,
}

/// The bit of the last of a weekday in `Cron::nth`.
pub(crate) const NTH_LAST: u32 = 35;

impl Cron {
    /// Minute or hour starts with `*`: it ticks in real time across changes of the clock.
    pub(crate) fn ticks(&self) -> bool {
        self.flags & flag::MINUTE_OR_HOUR_STAR != 0
    }

    /// Sets what follows from the rest, so that equal rules compare equal.
    pub(crate) fn settle(mut self) -> Cron {
        if self.years.as_ref().is_some_and(|y| y.is_full()) {
            self.years = None;
        }
        if self.flags & (flag::DOM_STAR | flag::DOW_STAR) != 0 {
            self.flags &= !flag::PLUS;
        }
        self.flags &= !(flag::ANY_DAY | flag::WEEKLY);
        let calendar = self.months == MONTHS && self.years.is_none();
        let dom_free = self.flags & flag::DOM_STAR != 0 && self.days == DAYS;
        let dow_free = self.flags & flag::DOW_STAR != 0 && self.weekdays == WEEKDAYS;
        if calendar && dom_free && dow_free {
            self.flags |= flag::ANY_DAY;
        } else if calendar && dom_free && self.nth == 0 {
            self.flags |= flag::WEEKLY;
        }
        self
    }

    /// The first matching local time at or after `local`.
    pub(crate) fn next_local(&self, local: i64) -> Option<i64> {
        let local = local.max(0);
        let day = local / DAY;
        if day >= i64::from(DAY_END) {
            return None;
        }
        let day = day as u32;
        let second = (local % DAY) as u32;
        if self.matches_day(day)
            && let Some(second) = self.next_in_day(second)
        {
            return Some(i64::from(day) * DAY + i64::from(second));
        }
        let day = self.next_day(day + 1)?;
        Some(i64::from(day) * DAY + i64::from(self.first_in_day()))
    }

    /// The last matching local time at or before `local`.
    pub(crate) fn prev_local(&self, local: i64) -> Option<i64> {
        let local = local.min(i64::from(DAY_END) * DAY - 1);
        if local < 0 {
            return None;
        }
        let day = (local / DAY) as u32;
        let second = (local % DAY) as u32;
        if self.matches_day(day)
            && let Some(second) = self.prev_in_day(second)
        {
            return Some(i64::from(day) * DAY + i64::from(second));
        }
        let day = self.prev_day(day.checked_sub(1)?)?;
        Some(i64::from(day) * DAY + i64::from(self.prev_in_day(86_399)?))
    }

    fn first_in_day(&self) -> u32 {
        self.hours.trailing_zeros() * 3600
            + self.minutes.trailing_zeros() * 60
            + self.seconds.trailing_zeros()
    }

    fn next_in_day(&self, second: u32) -> Option<u32> {
        let (h, m, s) = (second / 3600, second / 60 % 60, second % 60);
        if self.hours >> h & 1 == 1 {
            if self.minutes >> m & 1 == 1
                && let Some(s) = at_or_after(self.seconds, s)
            {
                return Some(h * 3600 + m * 60 + s);
            }
            if let Some(m) = at_or_after(self.minutes, m + 1) {
                return Some(h * 3600 + m * 60 + self.seconds.trailing_zeros());
            }
        }
        let h = at_or_after(u64::from(self.hours), h + 1)?;
        Some(h * 3600 + self.minutes.trailing_zeros() * 60 + self.seconds.trailing_zeros())
    }

    fn prev_in_day(&self, second: u32) -> Option<u32> {
        let (h, m, s) = (second / 3600, second / 60 % 60, second % 60);
        if self.hours >> h & 1 == 1 {
            if self.minutes >> m & 1 == 1
                && let Some(s) = at_or_before(self.seconds, s)
            {
                return Some(h * 3600 + m * 60 + s);
            }
            if let Some(m) = m.checked_sub(1).and_then(|m| at_or_before(self.minutes, m)) {
                return Some(h * 3600 + m * 60 + highest(self.seconds));
            }
        }
        let h = at_or_before(u64::from(self.hours), h.checked_sub(1)?)?;
        Some(h * 3600 + highest(self.minutes) * 60 + highest(self.seconds))
    }

    fn matches_day(&self, day: u32) -> bool {
        if self.flags & flag::ANY_DAY != 0 {
            return true;
        }
        if self.flags & flag::WEEKLY != 0 {
            return self.weekdays >> weekday_of(day) & 1 == 1;
        }
        let date = date_of(day);
        self.months >> date.month & 1 == 1
            && self.in_year(date.year)
            && self.days_of(date.year, date.month) >> date.day & 1 == 1
    }

    /// The first matching day at or after `day`.
    fn next_day(&self, day: u32) -> Option<u32> {
        if day >= DAY_END {
            return None;
        }
        if self.flags & flag::ANY_DAY != 0 {
            return Some(day);
        }
        if self.flags & flag::WEEKLY != 0 {
            let week = u32::from(self.weekdays) | u32::from(self.weekdays) << 7;
            let next = day + (week >> weekday_of(day)).trailing_zeros();
            return (next < DAY_END).then_some(next);
        }
        let date = date_of(day);
        let (mut year, mut month, mut from) = (date.year, date.month, u32::from(date.day));
        while year <= YEAR_MAX {
            if self.in_year(year) {
                while let Some(found) = at_or_after(u64::from(self.months), u32::from(month)) {
                    if found != u32::from(month) {
                        (month, from) = (found as u8, 1);
                    }
                    if let Some(d) = at_or_after(u64::from(self.days_of(year, month)), from) {
                        return Some(day_of(year, month, d as u8));
                    }
                    (month, from) = (month + 1, 1);
                }
            }
            (year, month, from) = (year + 1, 1, 1);
        }
        None
    }

    /// The last matching day at or before `day`.
    fn prev_day(&self, day: u32) -> Option<u32> {
        let date = date_of(day);
        let (mut year, mut month, mut to) = (date.year, date.month, u32::from(date.day));
        while year >= YEAR_MIN {
            if self.in_year(year) {
                while let Some(found) = at_or_before(u64::from(self.months), u32::from(month)) {
                    if found != u32::from(month) {
                        (month, to) = (found as u8, 31);
                    }
                    if let Some(d) = at_or_before(u64::from(self.days_of(year, month)), to) {
                        return Some(day_of(year, month, d as u8));
                    }
                    (month, to) = (month - 1, 31);
                }
            }
            (year, month, to) = (year - 1, 12, 31);
        }
        None
    }

    fn in_year(&self, year: u16) -> bool {
        self.years.as_ref().is_none_or(|y| y.contains(year))
    }

    /// The matching days of a month, bit n for day n.
    fn days_of(&self, year: u16, month: u8) -> u32 {
        let length = days_in_month(year, month);
        let first = weekday_of(day_of(year, month, 1));
        let of_month = self.by_day_of_month(length, first);
        let of_week = self.by_day_of_week(length, first);
        let days = if self.flags & flag::BOTH_DAYS != 0 {
            of_month & of_week
        } else {
            of_month | of_week
        };
        days & ((2u64 << length) - 2) as u32
    }

    fn by_day_of_month(&self, length: u32, first: u32) -> u32 {
        let mut days = self.days;
        // Day 0 collects what falls before the first, and is masked away.
        for back in bits(u64::from(self.days_last)) {
            days |= 1 << length.saturating_sub(back);
        }
        for day in bits(u64::from(self.days_work)) {
            if day <= length {
                days |= 1 << nearest_working_day(day, length, first);
            }
        }
        for back in bits(u64::from(self.days_last_work)) {
            if back < length {
                days |= 1 << nearest_working_day(length - back, length, first);
            }
        }
        days
    }

    fn by_day_of_week(&self, length: u32, first: u32) -> u32 {
        // The week as seen from the first of the month, in bits 0 to 6, then five times over.
        let week = (u32::from(self.weekdays) | u32::from(self.weekdays) << 7) >> first & 0x7f;
        let mut days = ((u64::from(week) * 0x1020_4081) << 1) as u32;
        for bit in bits(self.nth) {
            let day = 1 + (bit % 7 + 7 - first) % 7;
            if bit < NTH_LAST {
                let day = day + bit / 7 * 7;
                if day <= length {
                    days |= 1 << day;
                }
            } else {
                days |= 1 << (day + (length - day) / 7 * 7);
            }
        }
        days
    }
}

/// The working day (Monday to Friday) nearest to `day`, never leaving the month.
fn nearest_working_day(day: u32, length: u32, first: u32) -> u32 {
    match (first + day - 1) % 7 {
        0 if day == length => day - 2,
        0 => day + 1,
        6 if day == 1 => day + 2,
        6 => day - 1,
        _ => day,
    }
}

/// The lowest set bit at or above `from`, which may be 64 at most.
pub(crate) fn at_or_after(mask: u64, from: u32) -> Option<u32> {
    let rest = mask.checked_shr(from).unwrap_or(0);
    (rest != 0).then(|| from + rest.trailing_zeros())
}

/// The highest set bit at or below `to`, which may be 63 at most.
fn at_or_before(mask: u64, to: u32) -> Option<u32> {
    let rest = mask << (63 - to);
    (rest != 0).then(|| to - rest.leading_zeros())
}

/// The highest set bit of a mask that is not empty.
fn highest(mask: u64) -> u32 {
    63 - (mask | 1).leading_zeros()
}

/// The set bits, lowest first.
pub(crate) fn bits(mut mask: u64) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        (mask != 0).then(|| {
            let bit = mask.trailing_zeros();
            mask &= mask - 1;
            bit
        })
    })
}
