//! Durations and sizes as people write them: always with a unit.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::file::value::{Located, Read, ValueError};

/// A length of time, written with units: `90s`, `5m`, `1h30m`, `2d`, `250ms`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(Duration);

/// A size in bytes, written with a unit: `512KiB`, `10MiB`, `64kB`, `100B`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Size(u64);

/// The longest span that can be written: a hundred years.
const SPAN_MAX: Duration = Duration::from_secs(100 * 366 * 86_400);

const SPAN_UNITS: [(&str, u64); 6] = [
    ("w", 604_800_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

/// Largest first. Binary units are shown; decimal ones are understood.
const SIZE_UNITS: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1000),
    ("B", 1),
];

impl Span {
    pub const ZERO: Span = Span(Duration::ZERO);

    pub const fn from_secs(secs: u64) -> Span {
        Span(Duration::from_secs(secs))
    }

    pub const fn from_millis(ms: u64) -> Span {
        Span(Duration::from_millis(ms))
    }

    pub const fn get(self) -> Duration {
        self.0
    }

    pub const fn is_zero(self) -> bool {
        self.0.is_zero()
    }
}

impl From<Duration> for Span {
    fn from(d: Duration) -> Span {
        Span(Duration::from_millis(
            u64::try_from(d.as_millis()).unwrap_or(u64::MAX),
        ))
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Span, String> {
        let wrong = |why: &str| {
            format!(
                "`{text}` is not a duration: {why}; write one with a unit, for example 90s, 5m, 1h30m or 2d"
            )
        };
        let mut rest = text.trim();
        if rest == "0" {
            return Ok(Span::ZERO);
        }
        if rest.is_empty() {
            return Err(wrong("it is empty"));
        }
        let mut total: u64 = 0;
        while !rest.is_empty() {
            let (number, after) = split_number(rest).ok_or_else(|| wrong("a number is missing"))?;
            let end = after
                .find(|c: char| !c.is_ascii_alphabetic())
                .unwrap_or(after.len());
            let (unit, tail) = after.split_at(end);
            if unit.is_empty() {
                return Err(wrong("it has no unit"));
            }
            let (_, ms) = SPAN_UNITS
                .iter()
                .find(|(name, _)| *name == unit)
                .ok_or_else(|| wrong(&format!("`{unit}` is not one of w, d, h, m, s, ms")))?;
            total = number
                .checked_mul(*ms)
                .and_then(|ms| total.checked_add(ms))
                .filter(|ms| u128::from(*ms) <= SPAN_MAX.as_millis())
                .ok_or_else(|| wrong("it is longer than a hundred years"))?;
            rest = tail.trim_start();
        }
        Ok(Span(Duration::from_millis(total)))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut ms = self.0.as_millis() as u64;
        if ms == 0 {
            return f.write_str("0s");
        }
        // Weeks are understood but not written: 14d says more than 2w.
        for (unit, size) in &SPAN_UNITS[1..] {
            if ms >= *size {
                write!(f, "{}{unit}", ms / size)?;
                ms %= size;
            }
        }
        Ok(())
    }
}

impl Size {
    pub const fn bytes(n: u64) -> Size {
        Size(n)
    }

    pub const fn get(self) -> u64 {
        self.0
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Size, String> {
        let wrong = |why: &str| {
            format!("`{text}` is not a size: {why}; write one with a unit, for example 512KiB or 10MiB")
        };
        let text = text.trim();
        let (number, unit) = split_number(text).ok_or_else(|| wrong("a number is missing"))?;
        let unit = unit.trim();
        if unit.is_empty() && number != 0 {
            return Err(wrong("it has no unit"));
        }
        let scale = SIZE_UNITS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(unit))
            .map(|(_, n)| *n);
        let scale = if unit.is_empty() { Some(1) } else { scale };
        let scale = scale.ok_or_else(|| {
            wrong(&format!(
                "`{unit}` is not one of B, kB, KiB, MB, MiB, GB, GiB, TB, TiB"
            ))
        })?;
        number
            .checked_mul(scale)
            .map(Size)
            .ok_or_else(|| wrong("it is too large"))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, scale) = SIZE_UNITS
            .iter()
            .find(|(_, n)| self.0 >= *n && self.0.is_multiple_of(*n))
            .unwrap_or(&("B", 1));
        write!(f, "{}{unit}", self.0 / scale)
    }
}

fn split_number(s: &str) -> Option<(u64, &str)> {
    let end = s.find(|c: char| !c.is_ascii_digit()).unwrap_or(s.len());
    Some((s[..end].parse().ok()?, &s[end..]))
}

/// Text forms for everything here that is written as a string.
macro_rules! as_text {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl Read for $name {
            fn read(found: Located) -> Result<$name, ValueError> {
                let at = found.at;
                // A bare number has no unit: its parser says so, rather than "invalid type".
                let text = found.into_text_or_number("a text with a unit")?;
                text.parse().map_err(|why| ValueError::of(at, &why))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<$name, D::Error> {
                struct Text;
                impl serde::de::Visitor<'_> for Text {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("a text with a unit")
                    }
                    fn visit_str<E: serde::de::Error>(self, s: &str) -> Result<$name, E> {
                        s.parse().map_err(E::custom)
                    }
                    fn visit_u64<E: serde::de::Error>(self, n: u64) -> Result<$name, E> {
                        n.to_string().parse().map_err(E::custom)
                    }
                    fn visit_i64<E: serde::de::Error>(self, n: i64) -> Result<$name, E> {
                        n.to_string().parse().map_err(E::custom)
                    }
                }
                d.deserialize_any(Text)
            }
        }
    )*};
}
as_text!(Span, Size);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_and_write() {
        for (text, ms, canonical) in [
            ("90s", 90_000, "1m30s"),
            ("1h30m", 5_400_000, "1h30m"),
            ("2d", 172_800_000, "2d"),
            ("1w", 604_800_000, "7d"),
            ("250ms", 250, "250ms"),
            ("1h 30m", 5_400_000, "1h30m"),
            ("0", 0, "0s"),
        ] {
            let span: Span = text.parse().unwrap();
            assert_eq!(span.get().as_millis(), ms, "{text}");
            assert_eq!(span.to_string(), canonical);
            assert_eq!(canonical.parse::<Span>().unwrap(), span);
        }
        for text in ["", "5", "m", "5x", "-5m", "99999999999999999999s", "9999999d"] {
            assert!(
                text.parse::<Span>().unwrap_err().contains("is not a duration"),
                "{text}"
            );
        }
    }

    #[test]
    fn sizes_read_and_write() {
        for (text, bytes, canonical) in [
            ("10MiB", 10 << 20, "10MiB"),
            ("512 KiB", 512 << 10, "512KiB"),
            ("1kB", 1000, "1kB"),
            ("0", 0, "0B"),
        ] {
            let size: Size = text.parse().unwrap();
            assert_eq!(size.get(), bytes, "{text}");
            assert_eq!(size.to_string(), canonical);
        }
        for text in ["", "5", "MiB", "5xB", "99999999999TiB"] {
            assert!(
                text.parse::<Size>().unwrap_err().contains("is not a size"),
                "{text}"
            );
        }
    }
}
