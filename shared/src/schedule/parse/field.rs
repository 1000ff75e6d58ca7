//! The items of a field: stars, ranges, steps, and the words for special days.

use super::{Parsed, Span, quote, value::Value};
use crate::schedule::{
    Cron, Dialect,
    cron::{NTH_LAST, flag},
    error::Field,
    hash::{Counts, Source},
};

/// The last day of month that `H` may stand for.
const HASHED_DAY_MAX: u32 = 28;

/// Reads one field of an expression into the masks.
pub(super) struct FieldReader<'a> {
    pub(super) text: &'a str,
    pub(super) span: Span,
    /// The next byte to read.
    pub(super) at: usize,
    pub(super) field: Field,
    pub(super) dialect: Dialect,
    pub(super) source: Source,
    /// What each `H` of the field chooses from, where the field decides the day.
    pub(super) counts: Counts,
}

impl<'a> FieldReader<'a> {
    pub(super) fn new(
        text: &'a str,
        span: Span,
        field: Field,
        dialect: Dialect,
        source: Source,
    ) -> FieldReader<'a> {
        FieldReader {
            text,
            span,
            at: span.0,
            field,
            dialect,
            source,
            counts: Counts::default(),
        }
    }

    pub(super) fn read(&mut self, cron: &mut Cron) -> Parsed<()> {
        if self.peek() == Some(b'?') {
            return self.question_mark(cron);
        }
        if self.peek() == Some(b'+') && self.field == Field::DayOfWeek {
            if self.dialect == Dialect::Quartz {
                return self.fail(self.at, "Quartz has no `+`");
            }
            cron.flags |= flag::PLUS;
            self.at += 1;
        }
        if self.peek() == Some(b'*') {
            self.mark_star(cron);
        }
        loop {
            self.item(cron)?;
            match self.peek() {
                None => return Ok(()),
                Some(b',') => self.at += 1,
                Some(_) => return self.unexpected(self.at),
            }
        }
    }

    fn question_mark(&mut self, cron: &mut Cron) -> Parsed<()> {
        if !matches!(self.field, Field::DayOfMonth | Field::DayOfWeek) {
            return self.fail(self.at, "`?` is only for day of month and day of week; write `*`");
        }
        if self.span.1 - self.span.0 != 1 {
            return self.fail(self.at, "`?` stands alone");
        }
        self.mark_star(cron);
        let (min, max) = self.bounds();
        self.fill(cron, min, max, 1);
        Ok(())
    }

    fn mark_star(&self, cron: &mut Cron) {
        cron.flags |= match self.field {
            Field::Minute => flag::MINUTE_STAR,
            Field::Hour => flag::HOUR_STAR,
            Field::DayOfMonth => flag::DOM_STAR,
            Field::DayOfWeek => flag::DOW_STAR,
            Field::Second | Field::Month | Field::Year => 0,
        };
    }

    /// One item of a list, up to the comma or the field's end.
    fn item(&mut self, cron: &mut Cron) -> Parsed<()> {
        let start = self.at;
        let (min, max) = self.bounds();
        match self.peek() {
            Some(b'*') => {
                self.at += 1;
                let step = self.step()?.unwrap_or(1);
                self.fill(cron, min, max, step);
                Ok(())
            }
            // Quartz reads `/5` as `*/5`.
            Some(b'/') if self.dialect == Dialect::Quartz => {
                let step = self.step()?.unwrap_or(1);
                self.fill(cron, min, max, step);
                Ok(())
            }
            Some(b'H' | b'h') if self.is_hash() => self.hashed(cron),
            Some(b'L' | b'l') if self.field == Field::DayOfMonth => self.last_day(cron),
            Some(b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z') => {
                let value = self.value()?;
                match (self.peek(), self.field) {
                    (Some(b'W' | b'w'), Field::DayOfMonth) => self.working_day(cron, value),
                    (Some(b'#' | b'L' | b'l'), Field::DayOfWeek) => self.nth_weekday(cron, value),
                    _ => self.range(cron, start, value),
                }
            }
            None | Some(b',') => self.fail(start, format!("a value is missing here; {}", self.wanted())),
            Some(b'?') => self.fail(start, "`?` stands alone"),
            Some(b'+') => self.fail(start, "`+` is only for the start of day of week"),
            Some(b'/') => self.fail(start, "a step follows a value, a range or a star, as in */5"),
            Some(_) => self.unexpected(start),
        }
    }

    /// `a`, `a-b`, `a/step`, `a-b/step`, the first value being read.
    fn range(&mut self, cron: &mut Cron, start: usize, from: Value) -> Parsed<()> {
        let (_, max) = self.bounds();
        let mut to = from.number;
        let ranged = self.peek() == Some(b'-');
        if ranged {
            self.at += 1;
            let end = self.value()?;
            to = end.number;
            if end.sunday_by_name && from.number > 0 && self.dialect == Dialect::Cron {
                to = 7;
            }
            if matches!(self.peek(), Some(b'W' | b'w' | b'#' | b'L' | b'l')) {
                let what = self.peek().map_or(' ', |b| char::from(b.to_ascii_uppercase()));
                return self.fail(
                    self.at,
                    format!("`{what}` goes with a single day, not with a range"),
                );
            }
        }
        let step = self.step()?;
        if !ranged && step.is_some() {
            to = max;
        }
        if to < from.number {
            return self.backward(cron, start, from.number, to, step.unwrap_or(1));
        }
        self.fill(cron, from.number, to, step.unwrap_or(1));
        Ok(())
    }

    /// A range over the field's end: Quartz goes on at its beginning.
    fn backward(&mut self, cron: &mut Cron, start: usize, from: u32, to: u32, step: u32) -> Parsed<()> {
        if self.dialect == Dialect::Cron || self.field == Field::Year {
            let text = quote(&self.text[start..self.at]);
            return self.fail(
                start,
                format!("the range {text} runs backwards; write it as two, with a comma"),
            );
        }
        let (min, max) = self.bounds();
        let count = max - min + 1;
        let mut value = from;
        while value <= to + count {
            let wrapped = if value > max { value - count } else { value };
            self.fill(cron, wrapped, wrapped, 1);
            value += step;
        }
        Ok(())
    }

    /// `L`, `L-n`, `LW`, `L-nW`.
    fn last_day(&mut self, cron: &mut Cron) -> Parsed<()> {
        let start = self.at;
        self.at += 1;
        let mut back = 0;
        if self.peek() == Some(b'-') {
            self.at += 1;
            let digits = self.at;
            back = self.number()?;
            if back > 30 {
                return self.fail(
                    digits,
                    format!("L-{back} is before every month's first; L-30 is the most"),
                );
            }
        }
        let mask = match self.peek() {
            Some(b'W' | b'w') => {
                self.at += 1;
                &mut cron.days_last_work
            }
            _ => &mut cron.days_last,
        };
        *mask |= 1 << back;
        self.alone(start)
    }

    /// `nW`, the day being read.
    fn working_day(&mut self, cron: &mut Cron, day: Value) -> Parsed<()> {
        let start = self.at;
        self.at += 1;
        cron.days_work |= 1 << day.number;
        self.alone(start)
    }

    /// `d#n`, `d#L`, `dL`, the weekday being read.
    fn nth_weekday(&mut self, cron: &mut Cron, day: Value) -> Parsed<()> {
        let start = self.at;
        let weekday = self.weekday(day.number);
        let hash = self.peek() == Some(b'#');
        self.at += 1;
        let bit = match self.peek() {
            _ if !hash => NTH_LAST + weekday,
            Some(b'L' | b'l') => {
                self.at += 1;
                NTH_LAST + weekday
            }
            Some(b'0'..=b'9') => {
                let digits = self.at;
                let n = self.number()?;
                if !(1..=5).contains(&n) {
                    return self.fail(digits, format!("{n} after # is out of 1-5"));
                }
                7 * (n - 1) + weekday
            }
            _ => return self.fail(self.at, "after # stands 1 to 5, or L for the last"),
        };
        cron.nth |= 1 << bit;
        self.alone(start)
    }

    /// After a modifier neither a step nor a range may follow.
    fn alone(&self, start: usize) -> Parsed<()> {
        match self.peek() {
            None | Some(b',') => Ok(()),
            Some(b'/') => self.fail(self.at, "a step cannot follow L, W or #"),
            Some(b'-') => self.fail(self.at, "L, W and # go with a single day, not with a range"),
            Some(_) => self.unexpected(start.max(self.at)),
        }
    }

    /// `H` as a word of its own, not the start of a name.
    fn is_hash(&self) -> bool {
        !self.text.as_bytes()[self.at + 1..self.span.1]
            .first()
            .is_some_and(|b| b.is_ascii_alphanumeric())
    }

    /// `H`, `H(a-b)`, each with or without `/step`.
    fn hashed(&mut self, cron: &mut Cron) -> Parsed<()> {
        let start = self.at;
        if self.dialect == Dialect::Quartz {
            return self.fail(start, "Quartz has no `H`; use the dialect cron");
        }
        if self.field == Field::Year {
            return self.fail(start, "`H` is not for years");
        }
        self.at += 1;
        let (min, max) = self.bounds();
        let (mut from, mut to) = match self.field {
            Field::DayOfMonth => (min, HASHED_DAY_MAX),
            Field::DayOfWeek => (min, 6),
            _ => (min, max),
        };
        if self.peek() == Some(b'(') {
            self.at += 1;
            from = self.value()?.number;
            self.expect(b'-', "`H(` is followed by a range, such as `H(0-29)`")?;
            to = self.value()?.number;
            self.expect(b')', "`)` is missing after the range of `H`")?;
            if to < from {
                let text = quote(&self.text[start..self.at]);
                return self.fail(start, format!("the range of {text} runs backwards"));
            }
        }
        if self.field == Field::DayOfMonth && to > HASHED_DAY_MAX {
            return self.fail(start, "`H` goes to day 28 at most, which every month has");
        }
        let step = self.step()?;
        let count = (to - from + 1).min(step.unwrap_or(u32::MAX));
        if matches!(self.field, Field::DayOfMonth | Field::Month | Field::DayOfWeek) {
            self.counts.insert(count);
        }
        let first = from + self.source.number(self.field, count);
        match step {
            Some(step) => self.fill(cron, first, to, step),
            None => self.fill(cron, first, first, 1),
        }
        Ok(())
    }
}
