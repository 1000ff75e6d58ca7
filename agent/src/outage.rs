//! Spells in which the spool took nothing, and what becomes of the fires that were due in
//! them.
//!
//! Nothing starts without its record, so nothing that was due then has started. Once the
//! disk takes records again, the job's own misfire rule says what is caught up; what it
//! does not let be caught up is missed, and the reason is the disk, not that somebody was
//! late.

use std::{collections::VecDeque, time::Duration};

use shared::{
    fire::{COUNT_MAX, Decision, GRACE, GRACE_CAUGHT_UP, Timetable},
    job::MisfireRun,
    run::{Reason, State},
    time::Time,
};

/// So many spells are remembered.
const SPELLS_MAX: usize = 32;
/// A disk that takes a little in between and then no more has been full all the time.
const BETWEEN_MAX: Duration = Duration::from_secs(5);

/// The latest spells, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Outages(VecDeque<Spell>);

#[derive(Clone, Debug)]
struct Spell {
    from: Time,
    /// `None`: it goes on.
    until: Option<Time>,
    error: String,
}

impl Outages {
    /// The spool has not taken something. `since`: what it is about was due then.
    /// Whether a spell begins.
    pub fn begin(&mut self, since: Time, now: Time, error: &str) -> bool {
        // What was late before the disk had anything to do with it stays late.
        let since = since.clamp(now - GRACE, now);
        if let Some(last) = self.0.back_mut()
            && last.until.is_none_or(|until| until + BETWEEN_MAX >= now)
        {
            last.from = last.from.min(since);
            (last.until, last.error) = (None, error.to_owned());
            return false;
        }
        if self.0.len() == SPELLS_MAX {
            self.0.pop_front();
        }
        self.0.push_back(Spell {
            from: since,
            until: None,
            error: error.to_owned(),
        });
        true
    }

    /// The spool takes what it is given.
    pub fn end(&mut self, now: Time) {
        if let Some(last) = self.0.back_mut() {
            last.until.get_or_insert(now);
        }
    }

    fn spell(&self, at: Time) -> Option<&Spell> {
        let holds = |spell: &&Spell| spell.from <= at && spell.until.is_none_or(|until| at <= until);
        self.0.iter().rev().find(holds)
    }

    /// The decisions with the disk named where the disk was it.
    pub fn explain(
        &self,
        decisions: Vec<Decision>,
        timetable: &Timetable,
        misfire: MisfireRun,
        now: Time,
    ) -> Vec<Decision> {
        if self.0.is_empty() {
            return decisions;
        }
        let explained = decisions
            .into_iter()
            .flat_map(|decision| self.explain_one(decision, timetable, misfire, now));
        explained.collect()
    }

    fn explain_one(
        &self,
        decision: Decision,
        timetable: &Timetable,
        misfire: MisfireRun,
        now: Time,
    ) -> Vec<Decision> {
        match decision {
            // Started within its second it is on time. Later it is not, in a job that
            // catches nothing up.
            Decision::Start { at, start_at, .. }
                if misfire == MisfireRun::None && now.since(start_at) > GRACE_CAUGHT_UP =>
            {
                vec![self.spell(start_at).map_or(decision, |spell| missed(at, spell))]
            }
            Decision::Record {
                at,
                state: State::Missed,
                ..
            } => {
                let spell = self.spell(timetable.start_at(at));
                vec![spell.map_or(decision, |spell| missed(at, spell))]
            }
            Decision::Range {
                from,
                until,
                count,
                state: State::Missed,
                reason,
            } => match self.spell(until) {
                Some(spell) => split(timetable, spell, from, until, count, reason),
                None => vec![Decision::Range {
                    from,
                    until,
                    count,
                    state: State::Missed,
                    reason,
                }],
            },
            decision => vec![decision],
        }
    }
}

fn missed(at: Time, spell: &Spell) -> Decision {
    Decision::Record {
        at,
        state: State::Missed,
        reason: spell.reason(),
    }
}

/// A range that ends within a spell: what of it came before has its own reason.
fn split(
    timetable: &Timetable,
    spell: &Spell,
    from: Time,
    until: Time,
    count: u64,
    reason: Reason,
) -> Vec<Decision> {
    let state = State::Missed;
    let just_before = spell.from - Duration::from_millis(1);
    let earlier = timetable.instants(from - Duration::from_millis(1), just_before.min(until));
    let (earlier, last) = earlier
        .take(COUNT_MAX as usize)
        // What a calendar covers is in a range of its own.
        .filter(|at| timetable.suppressed(*at).is_none())
        .fold((0, from), |(n, _), at| (n + 1, at));
    let within = timetable.next(just_before.max(from - Duration::from_millis(1)));
    let mut ranges = Vec::new();
    if earlier > 0 {
        ranges.push(Decision::Range {
            from,
            until: if earlier == COUNT_MAX { just_before } else { last },
            count: earlier,
            state,
            reason,
        });
    }
    if let Some(within) = within.filter(|within| within.at <= until) {
        ranges.push(Decision::Range {
            from: within.at,
            until,
            // Counts stop at their most: the rest is "at least".
            count: (count - earlier.min(count)).max(1),
            state,
            reason: spell.reason(),
        });
    }
    ranges
}

impl Spell {
    fn reason(&self) -> Reason {
        Reason::Spool {
            error: self.error.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::{
        id::JobId,
        job::{Action, JobSpec, Misfire, RunSpec, Trigger},
        units::Span,
    };

    use super::*;

    fn at(secs: i64) -> Time {
        Time::from_secs(secs)
    }

    fn timetable(run: MisfireRun, within: u64) -> Timetable {
        let mut spec = JobSpec::new("j".parse().unwrap(), RunSpec::new(Action::Shell("true".into())));
        spec.triggers.push(Trigger::cron("* * * * * *").unwrap());
        spec.misfire = Misfire {
            run,
            within: Span::from_secs(within),
        };
        Timetable::new(JobId::new(Time::EPOCH, 1), &spec).unwrap()
    }

    fn full(from: i64, until: i64) -> Outages {
        let mut outages = Outages::default();
        outages.begin(at(from), at(from), "full");
        outages.end(at(until));
        outages
    }

    /// `100` starts, `100!` is missed for the disk, `100~` for being late, `100-` for another.
    fn show(decisions: &[Decision]) -> String {
        let one = |d: &Decision| match d {
            Decision::Start { at, .. } => at.as_secs().to_string(),
            Decision::Record { at, reason, .. } => format!("{}{}", at.as_secs(), sign(reason)),
            Decision::Range {
                from,
                until,
                count,
                reason,
                ..
            } => format!("{}..{}={count}{}", from.as_secs(), until.as_secs(), sign(reason)),
        };
        decisions.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    fn sign(reason: &Reason) -> &'static str {
        match reason {
            Reason::Spool { .. } => "!",
            Reason::TooLate { .. } | Reason::NotCaughtUp { .. } => "~",
            _ => "-",
        }
    }

    fn check(run: MisfireRun, within: u64, outages: &Outages, last: i64, now: i64) -> String {
        let timetable = timetable(run, within);
        let decided = timetable.due(at(last), at(now), Duration::ZERO);
        show(&outages.explain(decided, &timetable, run, at(now)))
    }

    #[test]
    fn a_job_that_catches_nothing_up_has_missed_all_but_this_second() {
        let outages = full(100, 110);
        assert_eq!(
            check(MisfireRun::None, 3600, &outages, 100, 110),
            "101! 102! 103! 104! 105! 106! 107! 108! 109 110"
        );
        // Nobody blames the disk for what was late before, or after.
        assert_eq!(
            check(MisfireRun::None, 3600, &outages, 97, 117),
            "98~ 99~ 100! 101! 102! 103! 104! 105! 106! 107! 108! 109! 110! 111~ 112 113 114 115 116 117"
        );
    }

    #[test]
    fn others_catch_up_and_what_is_too_old_for_that_names_the_disk() {
        let outages = full(100, 110);
        assert_eq!(
            check(MisfireRun::All, 3600, &outages, 105, 110),
            "106 107 108 109 110"
        );
        assert_eq!(
            check(MisfireRun::All, 4, &outages, 102, 110),
            "103! 104! 105! 106 107 108 109 110"
        );
        assert_eq!(
            check(MisfireRun::Once, 3600, &outages, 105, 110),
            "106- 107- 108- 109 110"
        );
    }

    #[test]
    fn a_range_is_split_where_the_spell_began() {
        let shown = check(MisfireRun::All, 1, &full(150, 400), 100, 400);
        assert!(
            shown.starts_with("101..149=49~ 150..298=149! 299! 300! "),
            "{shown}"
        );
        let shown = check(MisfireRun::All, 1, &full(50, 400), 100, 400);
        assert!(shown.starts_with("101..298=198! 299! "), "{shown}");
    }

    #[test]
    fn a_disk_that_takes_a_little_in_between_was_full_all_the_time() {
        let mut outages = full(100, 102);
        assert!(!outages.begin(at(104), at(104), "full"));
        outages.end(at(106));
        assert!(outages.spell(at(103)).is_some() && outages.spell(at(107)).is_none());
        // A new one, and never more than are remembered.
        for n in 2..100 {
            assert!(outages.begin(at(n * 100), at(n * 100), "full"));
            outages.end(at(n * 100 + 1));
        }
        assert_eq!(outages.0.len(), SPELLS_MAX);
        // What was due before the look that failed fell into it, but not what was due long before.
        outages.begin(at(19_990), at(20_000), "full");
        assert!(outages.spell(at(19_995)).is_some() && outages.spell(at(19_994)).is_none());
    }
}
