//! Numbers, names and steps, and the errors where they are none.

use super::{Parsed, column, field::FieldReader, quote};
use crate::schedule::{
    Cron, Dialect,
    civil::{YEAR_MAX, YEAR_MIN},
    error::{Field, ScheduleError},
};

const MONTH_NAMES: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];
const WEEKDAY_NAMES: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// One value of a list, before it is put into the masks.
#[derive(Clone, Copy)]
pub(super) struct Value {
    pub number: u32,
    /// SUN as a name: it begins a range as 0 and ends one as 7.
    pub sunday_by_name: bool,
}

impl FieldReader<'_> {
    pub(super) fn expect(&mut self, byte: u8, message: &str) -> Parsed<()> {
        if self.peek() != Some(byte) {
            return self.fail(self.at, message);
        }
        self.at += 1;
        Ok(())
    }

    /// `/step`, where one follows.
    pub(super) fn step(&mut self) -> Parsed<Option<u32>> {
        if self.peek() != Some(b'/') {
            return Ok(None);
        }
        self.at += 1;
        let start = self.at;
        let step = self.number()?;
        if step == 0 {
            return self.fail(start, "a step of 0 goes nowhere; 1 is the least");
        }
        let most = match self.field {
            Field::Second | Field::Minute => 59,
            Field::Hour => 23,
            Field::DayOfMonth => 31,
            Field::Month => 12,
            Field::DayOfWeek => 7,
            Field::Year => 229,
        };
        if self.dialect == Dialect::Quartz && step > most {
            return self.fail(
                start,
                format!("the step {step} is larger than the field; {most} is the most"),
            );
        }
        Ok(Some(step))
    }

    /// A number or a name, within the field's bounds.
    pub(super) fn value(&mut self) -> Parsed<Value> {
        let start = self.at;
        match self.peek() {
            Some(b'0'..=b'9') => {
                let number = self.number()?;
                let (min, max) = self.bounds();
                if !(min..=max).contains(&number) {
                    let digits = quote(&self.text[start..self.at]);
                    let hint = match (self.dialect, self.field) {
                        (Dialect::Quartz, Field::DayOfWeek) => " (Quartz counts from 1 for SUN to 7 for SAT)",
                        _ => "",
                    };
                    return self.fail(start, format!("{digits} is out of {min}-{max}{hint}"));
                }
                Ok(Value {
                    number,
                    sunday_by_name: false,
                })
            }
            Some(b'A'..=b'Z' | b'a'..=b'z') => self.name(),
            _ => self.fail(start, format!("a value is missing here; {}", self.wanted())),
        }
    }

    fn name(&mut self) -> Parsed<Value> {
        let start = self.at;
        let rest = &self.text.as_bytes()[start..self.span.1];
        let length = rest.iter().take_while(|b| b.is_ascii_alphabetic()).count();
        let names: &[&str] = match self.field {
            Field::Month => &MONTH_NAMES,
            Field::DayOfWeek => &WEEKDAY_NAMES,
            _ => &[],
        };
        let found = names.iter().position(|n| {
            rest.get(..3)
                .is_some_and(|r| r.eq_ignore_ascii_case(n.as_bytes()))
        });
        // `FRIL` is a name and a modifier; any other letter after a name makes it another word.
        let last = self.field == Field::DayOfWeek && length == 4 && matches!(rest[3], b'L' | b'l');
        let Some(place) = found.filter(|_| length == 3 || last) else {
            return self.unknown_word(start, length, found.map(|p| names[p]));
        };
        self.at += 3;
        let base = u32::from(self.field == Field::Month || self.dialect == Dialect::Quartz);
        let sunday_by_name = self.field == Field::DayOfWeek && place == 0;
        Ok(Value {
            number: place as u32 + base,
            sunday_by_name,
        })
    }

    fn unknown_word<T>(&self, start: usize, length: usize, near: Option<&str>) -> Parsed<T> {
        let word = &self.text[start..start + length];
        let upper = word.get(..1).map(str::to_ascii_uppercase);
        let message = match (self.field, upper.as_deref(), near) {
            (_, _, Some(near)) => format!("`{}` is not known; write {near}", quote(word)),
            (Field::DayOfWeek, Some("L"), _) if length == 1 => {
                "a bare L says no weekday; write FRIL for the last Friday, or SAT for Saturday".to_owned()
            }
            (Field::DayOfWeek, Some("W"), _) if length == 1 => {
                "W is for day of month; write MON-FRI for working days".to_owned()
            }
            (Field::DayOfMonth, Some("W"), _) if length == 1 => {
                "W follows a day, as in 15W, or L, as in LW".to_owned()
            }
            (Field::DayOfMonth, Some("L"), _) if length == 1 => {
                "L is no end of a range; write 25-31 for days to the end of the month".to_owned()
            }
            (_, Some("L" | "W"), _) if length == 1 => {
                format!("`{}` is only for the two day fields", quote(word))
            }
            _ => format!("`{}` is not known; {}", quote(word), self.wanted()),
        };
        self.fail(start, message)
    }

    /// Digits; at least one. Too many are out of every field's range.
    pub(super) fn number(&mut self) -> Parsed<u32> {
        let start = self.at;
        let mut number: u32 = 0;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            number = number.saturating_mul(10).saturating_add(u32::from(digit - b'0'));
            self.at += 1;
        }
        if self.at == start {
            return self.fail(start, "a number is missing here");
        }
        Ok(number)
    }

    /// Puts from, from + step, ... up to `to` into the field's mask.
    pub(super) fn fill(&self, cron: &mut Cron, from: u32, to: u32, step: u32) {
        if self.field == Field::Year {
            let years = cron.years.get_or_insert_default();
            (from..=to)
                .step_by(step as usize)
                .for_each(|year| years.insert(year as u16));
            return;
        }
        let mask = progression(from, to, step);
        match self.field {
            Field::Second => cron.seconds |= mask,
            Field::Minute => cron.minutes |= mask,
            Field::Hour => cron.hours |= mask as u32,
            Field::DayOfMonth => cron.days |= mask as u32,
            Field::Month => cron.months |= mask as u16,
            Field::DayOfWeek if self.dialect == Dialect::Quartz => cron.weekdays |= (mask >> 1) as u8,
            // 7 is Sunday too.
            Field::DayOfWeek => cron.weekdays |= (mask & 0x7f | mask >> 7) as u8,
            Field::Year => {}
        }
    }

    /// The weekday of a value: 0 for Sunday.
    pub(super) fn weekday(&self, value: u32) -> u32 {
        match self.dialect {
            Dialect::Cron => value % 7,
            Dialect::Quartz => value - 1,
        }
    }

    pub(super) fn bounds(&self) -> (u32, u32) {
        match self.field {
            Field::Second | Field::Minute => (0, 59),
            Field::Hour => (0, 23),
            Field::DayOfMonth => (1, 31),
            Field::Month => (1, 12),
            Field::DayOfWeek if self.dialect == Dialect::Quartz => (1, 7),
            Field::DayOfWeek => (0, 7),
            Field::Year => (u32::from(YEAR_MIN), u32::from(YEAR_MAX)),
        }
    }

    /// What the field takes, for errors.
    pub(super) fn wanted(&self) -> String {
        let (min, max) = self.bounds();
        match self.field {
            Field::Month => format!("write {min}-{max} or JAN-DEC"),
            Field::DayOfWeek => format!("write {min}-{max} or SUN-SAT"),
            _ => format!("write {min}-{max}"),
        }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes()[..self.span.1].get(self.at).copied()
    }

    pub(super) fn unexpected<T>(&self, at: usize) -> Parsed<T> {
        let what = self
            .text
            .get(at..)
            .and_then(|t| t.chars().next())
            .map_or_else(String::new, String::from);
        self.fail(at, format!("`{}` is not understood here", quote(&what)))
    }

    pub(super) fn fail<T>(&self, at: usize, message: impl Into<String>) -> Parsed<T> {
        Err(ScheduleError {
            field: Some(self.field),
            position: Some(column(self.text, at)),
            ..ScheduleError::malformed(message)
        })
    }
}

/// The bits from, from + step, ... up to `to`, all below 64.
fn progression(from: u32, to: u32, step: u32) -> u64 {
    if step == 1 && from <= to {
        return (u64::MAX >> (63 - (to - from))) << from;
    }
    let mut mask = 0;
    let mut value = from;
    while value <= to {
        mask |= 1 << value;
        value = value.saturating_add(step);
    }
    mask
}
