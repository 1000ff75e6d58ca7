//! Time zones: IANA's, built into the program, and the changes of their offsets.
//!
//! A zone's changes from 1970 to 2199 are laid out once, when it is first used, so that the
//! walk over them costs no more than an index. A `Zone` is two bytes.

use std::{cmp::Reverse, fmt, str::FromStr, sync::OnceLock};

use jiff::{civil::DateTime, tz::Offset};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::civil::DAY;
use super::tzdb::{self, Offsets, Rules};
use crate::{file::value::read_text, time::Time};

/// An IANA time zone. UTC unless told otherwise.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Zone(u16);

/// An instant at which a zone's clocks are set, forward or back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockChange {
    /// The first instant with the new offset.
    pub at: Time,
    /// Seconds east of UTC before it.
    pub before: i64,
    /// Seconds east of UTC from it on.
    pub after: i64,
}

/// A stretch of time in which a zone keeps one offset from UTC.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stretch {
    /// Its first second, UTC.
    pub start: i64,
    /// The local time that clocks had reached before it: what lies between it and the local
    /// time of `start` was jumped over if it is earlier, and is repeated if it is later.
    pub reached: i64,
    /// Seconds east of UTC.
    pub offset: i64,
}

/// The stretches of one zone, and an index to them by time.
pub(crate) struct Stretches {
    all: Box<[Stretch]>,
    index: Box<[u16]>,
}

struct Entry {
    name: &'static str,
    rules: Rules,
    /// Laid out when the zone is first used.
    stretches: OnceLock<Stretches>,
}

/// 1969-12-25 and 2200-01-10: wide enough for the local year of any zone.
const FROM: i64 = -7 * 86_400;
const UNTIL: i64 = 7_258_896_000;
/// An index entry covers 2^23 seconds, 97 days: rarely more than one change.
const INDEX_SHIFT: u32 = 23;

impl Zone {
    /// Coordinated universal time.
    pub fn utc() -> Zone {
        static UTC: OnceLock<Zone> = OnceLock::new();
        *UTC.get_or_init(|| find("UTC").unwrap_or(Zone(0)))
    }

    /// The zone's name as IANA writes it.
    pub fn name(self) -> &'static str {
        self.entry().name
    }

    /// All names, sorted.
    pub fn names() -> impl Iterator<Item = &'static str> {
        entries().iter().map(|e| e.name)
    }

    /// Seconds east of UTC at an instant.
    pub fn offset(self, at: Time) -> i64 {
        let stretches = self.stretches();
        stretches.get(stretches.at(at.as_secs())).map_or(0, |s| s.offset)
    }

    /// What clocks in the zone show at an instant.
    pub fn clock(self, at: Time) -> DateTime {
        let shown = Time::from_millis(at.as_millis().saturating_add(self.offset(at) * 1000));
        Offset::UTC.to_datetime(shown.timestamp())
    }

    /// The instant at which clocks in the zone show this: the first, if they show it twice. Of
    /// what they jump over it is the one as long after the jump as the clock is told to be.
    pub fn instant(self, clock: DateTime) -> Time {
        let local = Offset::UTC.to_timestamp(clock).map_or(Time::EPOCH, Time::from);
        let stretches = self.stretches();
        let read = |offset: i64| Time::from_millis(local.as_millis() - offset * 1000);
        // No clock is further from UTC than a day.
        let mut at = stretches.at(local.as_secs() - DAY);
        while let (Some(stretch), Some(next)) = (stretches.get(at), stretches.get(at + 1)) {
            let is_past = local.as_secs() >= next.start + stretch.offset;
            let is_there = local.as_secs() >= next.start + next.offset;
            if !is_past || !is_there {
                break;
            }
            at += 1;
        }
        read(stretches.get(at).map_or(0, |stretch| stretch.offset))
    }

    /// The changes of the clock in `(after, until]`, from 1970 to 2199: what a list of
    /// instants marks between its rows.
    pub fn changes(self, after: Time, until: Time) -> impl Iterator<Item = ClockChange> {
        let stretches = self.stretches();
        let first = stretches.at(after.as_secs());
        (first..).map_while(move |at| {
            let (before, next) = (stretches.get(at)?, stretches.get(at + 1)?);
            let change = ClockChange {
                at: Time::from_secs(next.start),
                before: before.offset,
                after: next.offset,
            };
            (change.at <= until).then_some(change)
        })
    }

    fn entry(self) -> &'static Entry {
        &entries()[usize::from(self.0)]
    }

    pub(crate) fn stretches(self) -> &'static Stretches {
        self.entry()
            .stretches
            .get_or_init(|| Stretches::of(&self.entry().rules.offsets(FROM, UNTIL)))
    }
}

impl Stretches {
    fn of(offsets: &Offsets) -> Stretches {
        let mut all = vec![Stretch {
            start: i64::MIN,
            reached: i64::MIN,
            offset: offsets.first,
        }];
        for &(at, offset) in &offsets.changes {
            if let Some(last) = all.last().filter(|s| s.offset != offset).copied() {
                all.push(Stretch {
                    start: at,
                    reached: last.reached.max(at + last.offset),
                    offset,
                });
            }
        }
        let mut index = Vec::new();
        let mut current = 0;
        for slot in 0..=(UNTIL - FROM) >> INDEX_SHIFT {
            let time = FROM + (slot << INDEX_SHIFT);
            while all.get(current + 1).is_some_and(|next| next.start <= time) {
                current += 1;
            }
            index.push(current as u16);
        }
        Stretches {
            all: all.into(),
            index: index.into(),
        }
    }

    /// The place of the stretch that holds this second of UTC.
    pub fn at(&self, second: i64) -> usize {
        if self.all.len() == 1 {
            return 0;
        }
        let slot = (second.clamp(FROM, UNTIL) - FROM) >> INDEX_SHIFT;
        let mut at = usize::from(self.index[slot as usize]);
        // A slot's first entry may lie ahead of what comes before all slots.
        while self.all[at].start > second {
            at -= 1;
        }
        while self.all.get(at + 1).is_some_and(|next| next.start <= second) {
            at += 1;
        }
        at
    }

    pub fn get(&self, at: usize) -> Option<&Stretch> {
        self.all.get(at)
    }
}

fn entries() -> &'static [Entry] {
    static ENTRIES: OnceLock<Box<[Entry]>> = OnceLock::new();
    ENTRIES.get_or_init(|| {
        let mut zones: Vec<_> = tzdb::zones().collect();
        // A stand-in for a zone that nobody has chosen yet.
        zones.retain(|(name, _)| *name != "Factory");
        zones.sort_unstable_by_key(|(name, _)| *name);
        zones
            .into_iter()
            .map(|(name, rules)| Entry {
                name,
                rules,
                stretches: OnceLock::new(),
            })
            .collect()
    })
}

fn find(name: &str) -> Option<Zone> {
    let at = entries().binary_search_by(|e| e.name.cmp(name)).ok()?;
    Some(Zone(u16::try_from(at).ok()?))
}

/// Names people write that IANA does not know, or knows under another spelling.
fn find_loosely(name: &str) -> Option<Zone> {
    let at = entries().iter().position(|e| e.name.eq_ignore_ascii_case(name))?;
    Some(Zone(u16::try_from(at).ok()?))
}

fn nearest(name: &str) -> Option<&'static str> {
    if name.is_empty() || name.len() > 64 {
        return None;
    }
    let wanted = name.to_ascii_lowercase().replace(' ', "_");
    let distance = |candidate: &str| {
        let candidate = candidate.to_ascii_lowercase();
        let city = candidate.rsplit('/').next().unwrap_or(&candidate);
        let whole = strsim::normalized_damerau_levenshtein(&wanted, &candidate);
        let by_city = strsim::normalized_damerau_levenshtein(&wanted, city) - 0.01;
        (whole.max(by_city) * 1000.0) as i64
    };
    // Names of other lengths are too far away whatever their letters.
    let may_be_near = |candidate: &&str| {
        let city = candidate.rsplit('/').next().unwrap_or(candidate);
        [candidate.len(), city.len()]
            .into_iter()
            .any(|length| length.min(name.len()) * 1000 >= length.max(name.len()) * 600)
    };
    let all = Zone::names().filter(may_be_near);
    let (near, best) = all
        .map(|name| (distance(name), name))
        .max_by_key(|(near, name)| (*near, Reverse(*name)))?;
    (near >= 600).then_some(best)
}

/// A name that is no IANA time zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is not a time zone{}", hint(.nearest))]
pub struct ZoneError {
    /// What was written, cut to a readable length.
    pub name: String,
    /// The zone that was probably meant.
    pub nearest: Option<&'static str>,
}

fn hint(nearest: &Option<&'static str>) -> String {
    match nearest {
        Some(name) => format!("; did you mean `{name}`?"),
        None => "; write an IANA name such as Asia/Shanghai or UTC".to_owned(),
    }
}

impl FromStr for Zone {
    type Err = ZoneError;
    fn from_str(name: &str) -> Result<Zone, ZoneError> {
        let name = name.trim();
        find(name)
            .or_else(|| find_loosely(name))
            .ok_or_else(|| ZoneError {
                name: name.chars().take(64).collect(),
                nearest: nearest(name),
            })
    }
}

impl Default for Zone {
    fn default() -> Zone {
        Zone::utc()
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.name())
    }
}

read_text!(Zone);

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Zone, D::Error> {
        let name = std::borrow::Cow::<str>::deserialize(d)?;
        name.parse().map_err(serde::de::Error::custom)
    }
}
