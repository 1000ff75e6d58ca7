//! The canonical text of an expression: in the dialect cron, and parsing to the same masks.

use std::fmt::{self, Write};

use super::{
    Cron,
    civil::{YEAR_MAX, YEAR_MIN},
    cron::{NTH_LAST, SIXTY, bits, flag},
};

const WEEKDAYS: [&str; 8] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let has = |bit| self.flags & bit != 0;
        if self.seconds != 1 || self.years.is_some() {
            let full = self.seconds == SIXTY;
            Values::new(ones(self.seconds), 0, 59).write(f, full)?;
            f.write_char(' ')?;
        }
        Values::new(ones(self.minutes), 0, 59).write(f, has(flag::MINUTE_STAR))?;
        f.write_char(' ')?;
        Values::new(ones(u64::from(self.hours)), 0, 23).write(f, has(flag::HOUR_STAR))?;
        f.write_char(' ')?;
        self.write_days(f, has(flag::DOM_STAR))?;
        f.write_char(' ')?;
        let full = self.months == super::cron::MONTHS;
        Values::new(ones(u64::from(self.months)), 1, 12).write(f, full)?;
        f.write_char(' ')?;
        if has(flag::PLUS) {
            f.write_char('+')?;
        }
        self.write_weekdays(f, has(flag::DOW_STAR))?;
        if let Some(years) = &self.years {
            f.write_char(' ')?;
            Values::new(
                years.iter().map(u32::from).collect(),
                YEAR_MIN.into(),
                YEAR_MAX.into(),
            )
            .write(f, false)?;
        }
        Ok(())
    }
}

impl Cron {
    fn write_days(&self, f: &mut fmt::Formatter<'_>, star: bool) -> fmt::Result {
        let mut list = List { f, first: true };
        if self.days != 0 {
            list.comma()?;
            Values::new(ones(u64::from(self.days)), 1, 31).write(list.f, star)?;
        }
        for day in bits(u64::from(self.days_work)) {
            list.comma()?;
            write!(list.f, "{day}W")?;
        }
        for (mask, suffix) in [(self.days_last, ""), (self.days_last_work, "W")] {
            for back in bits(u64::from(mask)) {
                list.comma()?;
                match back {
                    0 => write!(list.f, "L{suffix}")?,
                    _ => write!(list.f, "L-{back}{suffix}")?,
                }
            }
        }
        Ok(())
    }

    fn write_weekdays(&self, f: &mut fmt::Formatter<'_>, star: bool) -> fmt::Result {
        let mut list = List { f, first: true };
        if self.weekdays != 0 {
            list.comma()?;
            Values::weekdays(self.weekdays).write(list.f, star)?;
        }
        for bit in bits(self.nth) {
            list.comma()?;
            let name = WEEKDAYS[(bit % 7) as usize];
            match bit {
                ..NTH_LAST => write!(list.f, "{name}#{}", bit / 7 + 1)?,
                _ => write!(list.f, "{name}#L")?,
            }
        }
        Ok(())
    }
}

struct List<'a, 'b> {
    f: &'a mut fmt::Formatter<'b>,
    first: bool,
}

impl List<'_, '_> {
    fn comma(&mut self) -> fmt::Result {
        match std::mem::replace(&mut self.first, false) {
            true => Ok(()),
            false => self.f.write_char(','),
        }
    }
}

/// The values of one field, to be written as short as it goes.
struct Values {
    values: Vec<u32>,
    min: u32,
    max: u32,
    named: bool,
}

impl Values {
    fn new(values: Vec<u32>, min: u32, max: u32) -> Values {
        Values {
            values,
            min,
            max,
            named: false,
        }
    }

    fn weekdays(mask: u8) -> Values {
        Values {
            values: ones(u64::from(mask)),
            min: 0,
            max: 6,
            named: true,
        }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, star: bool) -> fmt::Result {
        if star {
            return self.write_star(f);
        }
        if !self.named
            && let Some(step) = self.even_step()
        {
            let (first, last) = (self.values[0], self.values[self.values.len() - 1]);
            // Up to the field's end the start says it all, but for a star that it must not be.
            return write!(f, "{first}-{last}/{step}");
        }
        self.write_runs(f, &self.values)
    }

    /// With a star in front: the finest step that lies within, then the rest.
    fn write_star(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.values.len() as u32 == self.max - self.min + 1 {
            return f.write_char('*');
        }
        // Day of week has 7 for Sunday too: its steps run to 7.
        let end = if self.named { 7 } else { self.max };
        let holds = |v: u32| self.values.contains(&if self.named { v % 7 } else { v });
        let covered = |step: u32| (self.min..=end).step_by(step as usize);
        let step = (2..=end).find(|s| covered(*s).all(holds)).unwrap_or(end + 1);
        write!(f, "*/{step}")?;
        let rest: Vec<u32> = self
            .values
            .iter()
            .copied()
            .filter(|v| !covered(step).any(|c| c == *v || self.named && c % 7 == *v))
            .collect();
        if rest.is_empty() {
            return Ok(());
        }
        f.write_char(',')?;
        self.write_runs(f, &rest)
    }

    fn even_step(&self) -> Option<u32> {
        let [first, second, _, ..] = self.values[..] else {
            return None;
        };
        let step = second - first;
        (step > 1 && self.values.windows(2).all(|w| w[1] - w[0] == step)).then_some(step)
    }

    fn write_runs(&self, f: &mut fmt::Formatter<'_>, values: &[u32]) -> fmt::Result {
        let mut rest = values;
        while let Some(first) = rest.first() {
            let length = rest
                .iter()
                .zip(*first..)
                .take_while(|(v, want)| *v == want)
                .count();
            let last = rest[length - 1];
            match length {
                1 => self.write_value(f, *first)?,
                2 => {
                    self.write_value(f, *first)?;
                    f.write_char(',')?;
                    self.write_value(f, last)?;
                }
                _ => {
                    self.write_value(f, *first)?;
                    f.write_char('-')?;
                    self.write_value(f, last)?;
                }
            }
            rest = &rest[length..];
            if !rest.is_empty() {
                f.write_char(',')?;
            }
        }
        Ok(())
    }

    fn write_value(&self, f: &mut fmt::Formatter<'_>, value: u32) -> fmt::Result {
        match self.named {
            true => f.write_str(WEEKDAYS[value as usize]),
            false => write!(f, "{value}"),
        }
    }
}

fn ones(mask: u64) -> Vec<u32> {
    bits(mask).collect()
}
