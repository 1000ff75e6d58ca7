//! From text to `Cron`: the Open Cron Pattern Specification 1.0 to 1.4, `H`, and Quartz.
//!
//! One pass over the bytes. Every error knows its field, its column and what would be right.

use super::{
    Cron, Dialect,
    civil::{YEAR_MAX, YEAR_MIN},
    cron::{NTH_LAST, flag},
    error::{Field, ScheduleError},
    hash,
};

/// Longer than any expression needs: all values of every field, one by one, fit.
const LENGTH_MAX: usize = 4096;
/// How much of a wrong text an error repeats.
const QUOTE_MAX: usize = 24;

const MONTH_NAMES: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];
const WEEKDAY_NAMES: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
const NICKNAMES: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

const FIELDS: [Field; 7] = [
    Field::Second,
    Field::Minute,
    Field::Hour,
    Field::DayOfMonth,
    Field::Month,
    Field::DayOfWeek,
    Field::Year,
];

type Parsed<T> = Result<T, ScheduleError>;

/// Reads an expression. It may still never fire: that is for `Schedule` to say.
pub(super) fn parse(text: &str, dialect: Dialect, seed: u64) -> Parsed<Cron> {
    if text.len() > LENGTH_MAX {
        let message = format!(
            "the expression has {} bytes; {LENGTH_MAX} are the most",
            text.len()
        );
        return Err(ScheduleError {
            position: Some(1),
            ..ScheduleError::malformed(message)
        });
    }
    let trimmed = text.trim_ascii();
    if trimmed.starts_with('@') {
        return parse(nickname(trimmed, dialect)?, Dialect::Cron, seed);
    }
    let fields = split(text, dialect)?;
    let mut cron = Cron {
        seconds: 0,
        minutes: 0,
        years: None,
        nth: 0,
        hours: 0,
        days: 0,
        days_last: 0,
        days_work: 0,
        days_last_work: 0,
        months: 0,
        weekdays: 0,
        flags: 0,
    };
    for (field, span) in fields.into_iter().flatten() {
        FieldReader {
            text,
            span,
            at: span.0,
            field,
            dialect,
            seed,
        }
        .read(&mut cron)?;
    }
    if cron.seconds == 0 {
        // Five fields: on the minute.
        cron.seconds = 1;
    }
    Ok(cron.settle())
}

fn nickname(text: &str, dialect: Dialect) -> Parsed<&'static str> {
    let err = |message: String| {
        Err(ScheduleError {
            position: Some(1),
            ..ScheduleError::malformed(message)
        })
    };
    let known = || NICKNAMES.map(|(name, _)| name).join(", ");
    if text.eq_ignore_ascii_case("@reboot") {
        return err(
            "@reboot is not a time: a fleet's jobs run by the clock, whichever node is up; \
             start it from the host's init instead (for example a systemd unit)"
                .to_owned(),
        );
    }
    if dialect == Dialect::Quartz {
        return err(format!(
            "`{}`: Quartz has no nicknames; write 6 or 7 fields",
            quote(text)
        ));
    }
    if let Some((_, expression)) = NICKNAMES.iter().find(|(name, _)| text.eq_ignore_ascii_case(name)) {
        return Ok(expression);
    }
    let word = text.split_ascii_whitespace().next().unwrap_or(text);
    if NICKNAMES.iter().any(|(name, _)| word.eq_ignore_ascii_case(name)) {
        return err(format!("`{}` stands alone, without fields after it", quote(word)));
    }
    if word.eq_ignore_ascii_case("@every") {
        return err("`@every` is not a cron expression; write the trigger `every: 10m`".to_owned());
    }
    err(format!(
        "`{}` is not a nickname; known are {}",
        quote(word),
        known()
    ))
}

/// The byte spans of the fields, in order, with what each means.
fn split(text: &str, dialect: Dialect) -> Parsed<[Option<(Field, (usize, usize))>; 7]> {
    let mut spans = [(0, 0); 7];
    let mut count = 0;
    let mut beyond = 0;
    let bytes = text.as_bytes();
    let end = text.trim_ascii_end().len();
    let mut at = bytes.len() - text.trim_ascii_start().len();
    while at < end {
        let length = bytes[at..end]
            .iter()
            .take_while(|b| !matches!(b, b' ' | b'\t'))
            .count();
        match count {
            0..7 => spans[count] = (at, at + length),
            7 => beyond = at,
            _ => {}
        }
        count += 1;
        at += length;
        at += bytes[at..end]
            .iter()
            .take_while(|b| matches!(b, b' ' | b'\t'))
            .count();
    }
    // The place of the first field too many, or of the first that is missing.
    let place = if count > 7 { beyond } else { end };
    let wrong = |message: String| {
        Err(ScheduleError {
            position: Some(column(text, place)),
            ..ScheduleError::malformed(message)
        })
    };
    let first = match (count, dialect) {
        (0, _) => return wrong("the expression is empty; write 5 fields, such as `30 2 * * *`".to_owned()),
        (5, Dialect::Cron) => 1,
        (6 | 7, _) => 0,
        (_, Dialect::Cron) => {
            return wrong(format!(
                "the expression has {count} field{}; write 5 (minute, hour, day of month, month, \
                 day of week), 6 with seconds first, or 7 with a year last",
                if count == 1 { "" } else { "s" }
            ));
        }
        (_, Dialect::Quartz) => {
            return wrong(format!(
                "the expression has {count} field{}; Quartz wants 6 (second, minute, hour, day of month, \
                 month, day of week), or 7 with a year last",
                if count == 1 { "" } else { "s" }
            ));
        }
    };
    if dialect == Dialect::Quartz {
        question_marks(text, spans[3], spans[5])?;
    }
    let mut fields = [None; 7];
    for (slot, span) in spans.iter().take(count).enumerate() {
        fields[slot] = Some((FIELDS[first + slot], *span));
    }
    Ok(fields)
}

/// Quartz wants `?` in exactly one of the two day fields.
fn question_marks(text: &str, dom: (usize, usize), dow: (usize, usize)) -> Parsed<()> {
    let is_free = |(from, to): (usize, usize)| &text[from..to] == "?";
    let (message, at) = match (is_free(dom), is_free(dow)) {
        (true, true) => (
            "Quartz wants `?` in only one of day of month and day of week; write `*` here",
            dow,
        ),
        (false, false) => (
            "Quartz wants `?` in one of day of month and day of week, the one that does not decide",
            dow,
        ),
        _ => return Ok(()),
    };
    Err(ScheduleError {
        field: Some(Field::DayOfWeek),
        position: Some(column(text, at.0)),
        ..ScheduleError::malformed(message)
    })
}

/// The column of a byte, in characters from 1.
fn column(text: &str, byte: usize) -> usize {
    text.char_indices().take_while(|(at, _)| *at < byte).count() + 1
}

/// A text in an error: short, and without control characters.
fn quote(text: &str) -> String {
    let mut quoted: String = text
        .chars()
        .take(QUOTE_MAX)
        .flat_map(char::escape_debug)
        .collect();
    if text.chars().nth(QUOTE_MAX).is_some() {
        quoted.push('…');
    }
    quoted
}

/// One value of a list, before it is put into the masks.
#[derive(Clone, Copy)]
struct Value {
    number: u32,
    /// SUN as a name: it begins a range as 0 and ends one as 7.
    sunday_by_name: bool,
}

struct FieldReader<'a> {
    text: &'a str,
    span: (usize, usize),
    /// The next byte to read.
    at: usize,
    field: Field,
    dialect: Dialect,
    seed: u64,
}

impl FieldReader<'_> {
    fn read(&mut self, cron: &mut Cron) -> Parsed<()> {
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
            Field::DayOfMonth => (min, 28),
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
        let count = to - from + 1;
        match self.step()? {
            Some(step) => {
                let first = from + hash::of_field(self.seed, self.field, count.min(step));
                self.fill(cron, first, to, step);
            }
            None => {
                let value = from + hash::of_field(self.seed, self.field, count);
                self.fill(cron, value, value, 1);
            }
        }
        Ok(())
    }

    fn expect(&mut self, byte: u8, message: &str) -> Parsed<()> {
        if self.peek() != Some(byte) {
            return self.fail(self.at, message);
        }
        self.at += 1;
        Ok(())
    }

    /// `/step`, where one follows.
    fn step(&mut self) -> Parsed<Option<u32>> {
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
    fn value(&mut self) -> Parsed<Value> {
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
            (_, Some("L" | "W"), _) if length == 1 => {
                format!("`{}` is only for the two day fields", quote(word))
            }
            _ => format!("`{}` is not known; {}", quote(word), self.wanted()),
        };
        self.fail(start, message)
    }

    /// Digits; at least one. Too many are out of every field's range.
    fn number(&mut self) -> Parsed<u32> {
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
    fn fill(&self, cron: &mut Cron, from: u32, to: u32, step: u32) {
        let mut value = from;
        while value <= to {
            match self.field {
                Field::Second => cron.seconds |= 1 << value,
                Field::Minute => cron.minutes |= 1 << value,
                Field::Hour => cron.hours |= 1 << value,
                Field::DayOfMonth => cron.days |= 1 << value,
                Field::Month => cron.months |= 1 << value,
                Field::DayOfWeek => cron.weekdays |= 1 << self.weekday(value),
                Field::Year => {
                    cron.years.get_or_insert_default().insert(value as u16);
                }
            }
            value = value.saturating_add(step);
        }
    }

    /// The weekday of a value: 0 for Sunday.
    fn weekday(&self, value: u32) -> u32 {
        match self.dialect {
            Dialect::Cron => value % 7,
            Dialect::Quartz => value - 1,
        }
    }

    fn bounds(&self) -> (u32, u32) {
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
    fn wanted(&self) -> String {
        let (min, max) = self.bounds();
        match self.field {
            Field::Month => format!("write {min}-{max} or JAN-DEC"),
            Field::DayOfWeek => format!("write {min}-{max} or SUN-SAT"),
            _ => format!("write {min}-{max}"),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes()[..self.span.1].get(self.at).copied()
    }

    fn unexpected<T>(&self, at: usize) -> Parsed<T> {
        let what = self
            .text
            .get(at..)
            .and_then(|t| t.chars().next())
            .map_or_else(String::new, String::from);
        self.fail(at, format!("`{}` is not understood here", quote(&what)))
    }

    fn fail<T>(&self, at: usize, message: impl Into<String>) -> Parsed<T> {
        Err(ScheduleError {
            field: Some(self.field),
            position: Some(column(self.text, at)),
            ..ScheduleError::malformed(message)
        })
    }
}
