//! What the calendars of one job together say of an instant.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{Calendar, Coverage};
use crate::{Revision, file::value::Read, id::CalendarName, run::Reason, time::Time};

/// How many calendars one job names.
const NAMES_MAX: usize = 6;

/// The calendars that a job names.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default, rename = "calendars")]
pub struct Calendars {
    /// Instants that one of these covers are skipped.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub exclude: BTreeSet<CalendarName>,
    /// If any are given: instants that none of these covers are skipped.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub only: BTreeSet<CalendarName>,
}

impl Calendars {
    pub fn is_empty(&self) -> bool {
        self.exclude.is_empty() && self.only.is_empty()
    }

    /// All names, those to exclude first.
    pub fn names(&self) -> impl Iterator<Item = &CalendarName> {
        self.exclude.iter().chain(&self.only)
    }

    /// # Errors
    /// What is wrong, beginning with the key.
    pub(crate) fn check(&self) -> Result<(), String> {
        if let Some(both) = self.exclude.intersection(&self.only).next() {
            return Err(format!(
                "calendars: `{both}` stands in `exclude` and in `only`: the job would never run"
            ));
        }
        match self.names().count() {
            n if n > NAMES_MAX => Err(format!(
                "calendars: {n} named; a job may name at most {NAMES_MAX}"
            )),
            _ => Ok(()),
        }
    }
}

/// A calendar inside an assignment, and the revision that its key had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InlinedCalendar {
    pub revision: Revision,
    #[serde(with = "as_itself")]
    pub calendar: Arc<Calendar>,
}

/// An `Arc` as what it holds.
mod as_itself {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Calendar;

    pub fn serialize<S: Serializer>(calendar: &Arc<Calendar>, s: S) -> Result<S::Ok, S::Error> {
        (**calendar).serialize(s)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Arc<Calendar>, D::Error> {
        Calendar::deserialize(d).map(Arc::new)
    }
}

/// The calendars that a job names, as they were when its assignment was written. One that
/// did not exist is not in it, and covers nothing.
pub type Inlined = BTreeMap<CalendarName, InlinedCalendar>;

/// Those of all calendars that are named.
pub fn inlined(named: &Calendars, all: &Inlined) -> Inlined {
    let found = named.names().filter_map(|name| all.get_key_value(name));
    found.map(|(name, at)| (name.clone(), at.clone())).collect()
}

/// A job's calendars, made ready to be asked.
#[derive(Clone, Debug, Default)]
pub struct Blackouts {
    exclude: Vec<(CalendarName, Arc<Coverage>)>,
    /// Empty: the job is not limited.
    only: Vec<(CalendarName, Option<Arc<Coverage>>)>,
}

/// What becomes of the instants of a stretch of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Why they are skipped; `None`: they are not.
    pub suppressed: Option<Reason>,
    pub from: Time,
    /// The first instant after it.
    pub until: Time,
}

impl Blackouts {
    /// `coverage` makes a calendar ready, or knows that it was; `None` if there is none of
    /// that name.
    pub fn new(
        named: &Calendars,
        mut coverage: impl FnMut(&CalendarName) -> Option<Arc<Coverage>>,
    ) -> Blackouts {
        let exclude = named.exclude.iter();
        let exclude = exclude.filter_map(|name| Some((name.clone(), coverage(name)?)));
        let exclude = exclude.collect();
        let only = named.only.iter().map(|name| (name.clone(), coverage(name)));
        Blackouts {
            exclude,
            only: only.collect(),
        }
    }

    /// Of an assignment's own calendars.
    pub fn of(named: &Calendars, calendars: &Inlined) -> Blackouts {
        Blackouts::new(named, |name| {
            let at = calendars.get(name)?;
            Some(Arc::new(Coverage::new(&at.calendar)))
        })
    }

    /// Nothing is ever suppressed.
    pub fn is_empty(&self) -> bool {
        self.exclude.is_empty() && self.only.is_empty()
    }

    /// Why the fire of an instant is skipped; `None`: it is not.
    pub fn suppressed(&self, at: Time) -> Option<Reason> {
        self.verdict(at).suppressed
    }

    /// What becomes of an instant, and of those around it for how long at least.
    pub fn verdict(&self, at: Time) -> Verdict {
        let mut verdict = Verdict {
            suppressed: None,
            from: Time::from_millis(i64::MIN),
            until: Time::from_millis(i64::MAX),
        };
        for (name, coverage) in &self.exclude {
            let covered = verdict.cut(coverage, at);
            if covered {
                let calendar = name.to_string();
                verdict.suppressed = Some(Reason::Blackout { calendar });
                return verdict;
            }
        }
        if self.only.is_empty() {
            return verdict;
        }
        let mut outside = verdict.clone();
        for coverage in self.only.iter().filter_map(|(_, coverage)| coverage.as_ref()) {
            if coverage.covers(at) {
                verdict.cut(coverage, at);
                return verdict;
            }
            outside.cut(coverage, at);
        }
        let calendars = self.only.iter().map(|(name, _)| name.to_string()).collect();
        outside.suppressed = Some(Reason::OutsideCalendars { calendars });
        outside
    }
}

impl Verdict {
    /// Shortens it to the stretch of a calendar; whether that is covered.
    fn cut(&mut self, coverage: &Coverage, at: Time) -> bool {
        let stretch = coverage.stretch(at);
        self.from = self.from.max(stretch.from);
        self.until = self.until.min(stretch.until);
        stretch.covered
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{calendar, file::Format};

    fn blackouts(exclude: &[&str], only: &[&str]) -> Blackouts {
        let files = "
- {name: nights, weekly: [{from: 22:00, to: 06:00}]}
- {name: noon, weekly: [{from: 12:00, to: 13:00}]}
- {name: office, weekly: [{days: mon-fri, from: 08:00, to: 17:00}]}
- {name: saturdays, weekly: [{days: sat}]}
";
        let all: Inlined = calendar::parse(files, Format::Yaml)
            .unwrap()
            .into_iter()
            .map(|named| {
                let calendar = Arc::new(named.calendar);
                (
                    named.name,
                    InlinedCalendar {
                        revision: 1,
                        calendar,
                    },
                )
            })
            .collect();
        let names = |names: &[&str]| names.iter().map(|n| n.parse().unwrap()).collect();
        let named = Calendars {
            exclude: names(exclude),
            only: names(only),
        };
        named.check().unwrap();
        Blackouts::of(&named, &inlined(&named, &all))
    }

    /// Saturday, 21 November 2026.
    fn why(blackouts: &Blackouts, clock: &str) -> String {
        let at = format!("2026-11-21T{clock}Z").parse().unwrap();
        let verdict = blackouts.verdict(at);
        assert!(verdict.from <= at && at < verdict.until, "{verdict:?}");
        match verdict.suppressed {
            Some(reason) => format!("{reason} until {}", verdict.until),
            None => format!("open until {}", verdict.until),
        }
    }

    #[test]
    fn any_excluded_calendar_suppresses_and_any_only_one_allows() {
        let both = blackouts(&["nights", "noon"], &[]);
        assert_eq!(
            why(&both, "12:00:00"),
            "within the blackout `noon` until 2026-11-21T13:00:00.000Z"
        );
        assert_eq!(why(&both, "11:59:59.999"), "open until 2026-11-21T12:00:00.000Z");
        assert_eq!(
            why(&both, "23:00:00"),
            "within the blackout `nights` until 2026-11-22T06:00:00.000Z"
        );
        let only = blackouts(&["noon"], &["office", "saturdays"]);
        assert_eq!(why(&only, "09:00:00"), "open until 2026-11-21T12:00:00.000Z");
        assert_eq!(
            why(&only, "12:30:00"),
            "within the blackout `noon` until 2026-11-21T13:00:00.000Z"
        );
        let office = blackouts(&["noon"], &["office"]);
        assert_eq!(
            why(&office, "09:00:00"),
            "outside the calendar `office` until 2026-11-21T12:00:00.000Z"
        );
        assert!(!office.is_empty() && blackouts(&[], &[]).is_empty());
    }

    #[test]
    fn a_calendar_that_does_not_exist_covers_nothing() {
        assert!(blackouts(&["gone"], &[]).suppressed(Time::EPOCH).is_none());
        let reason = blackouts(&[], &["gone", "noon"]).suppressed(Time::EPOCH).unwrap();
        assert_eq!(reason.to_string(), "outside the calendars `gone`, `noon`");
    }

    #[test]
    fn a_job_that_could_never_run_is_refused() {
        let names = |n: usize| (0..n).map(|i| format!("c{i}").parse().unwrap()).collect();
        let both = Calendars {
            exclude: names(2),
            only: names(1),
        };
        assert!(
            both.check()
                .unwrap_err()
                .contains("`c0` stands in `exclude` and in `only`")
        );
        let many = Calendars {
            exclude: names(7),
            only: BTreeSet::new(),
        };
        assert!(many.check().unwrap_err().contains("at most 6"));
    }
}
