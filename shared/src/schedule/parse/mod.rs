//! From text to `Cron`: the Open Cron Pattern Specification 1.0 to 1.4, `H`, and Quartz.
//!
//! One pass over the bytes. Every error knows its field, its column and what would be right.
//! Here a text becomes fields; `field` reads a field's items, `value` what they are made of.

mod field;
mod value;

use super::{
    Cron, Dialect,
    error::{Field, ScheduleError},
    hash::{DayCounts, Source},
};
use crate::shown::shown;
use field::FieldReader;

/// Longer than any expression needs: all values of every field, one by one, fit.
const LENGTH_MAX: usize = 4096;
/// How much of a wrong text an error repeats.
const QUOTE_MAX: usize = 24;

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
/// The first byte of a field and the first after it.
type Span = (usize, usize);

/// An expression as it was read.
pub(super) struct Read {
    pub cron: Cron,
    /// Where it has `H` in place of a day.
    pub counts: DayCounts,
}

/// Reads an expression. It may still never fire: that is for `Schedule` to say.
pub(super) fn parse(text: &str, dialect: Dialect, source: Source) -> Parsed<Read> {
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
        return parse(nickname(trimmed, dialect)?, Dialect::Cron, source);
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
    let mut counts = DayCounts::default();
    for (field, span) in fields.into_iter().flatten() {
        let mut reader = FieldReader::new(text, span, field, dialect, source);
        reader.read(&mut cron)?;
        match field {
            Field::DayOfMonth => counts.day = reader.counts,
            Field::Month => counts.month = reader.counts,
            Field::DayOfWeek => counts.weekday = reader.counts,
            _ => {}
        }
    }
    if cron.seconds == 0 {
        // Five fields: on the minute.
        cron.seconds = 1;
    }
    Ok(Read {
        cron: cron.settle(),
        counts,
    })
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
fn split(text: &str, dialect: Dialect) -> Parsed<[Option<(Field, Span)>; 7]> {
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
fn question_marks(text: &str, dom: Span, dow: Span) -> Parsed<()> {
    let is_free = |(from, to): Span| &text[from..to] == "?";
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
    let mut quoted: String = text.chars().take(QUOTE_MAX).map(shown).collect();
    if text.chars().nth(QUOTE_MAX).is_some() {
        quoted.push('…');
    }
    quoted
}
