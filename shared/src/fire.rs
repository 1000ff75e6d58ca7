//! Due fires: the instants of all of a job's triggers as one sequence, when each starts,
//! and what becomes of those at which nobody could start the job.
//!
//! Everything here looks at a bounded number of instants, however long nobody looked: a
//! job that is due each second and was last seen thirty years ago costs what one costs
//! that was seen a minute ago.

use std::time::Duration;

use crate::{
    calendar::Blackouts,
    id::JobId,
    job::{Compiled, JobSpec, Misfire, MisfireRun, OnLost},
    run::{Cause, Reason, State},
    schedule::{ScheduleError, jitter},
    target::NodeSet,
    time::Time,
    units::Span,
};

/// So many instants are recorded each; what is older, as a range.
pub const RECORDS_MAX: usize = 100;
/// So many fires are started by one look; the next look goes on from there.
pub const STARTS_MAX: usize = 100;
/// A range's instants are counted up to this many: more of them are "at least" so many.
pub const COUNT_MAX: u64 = 100_000;
/// A fire that starts at most this late counts as on time in a job that catches nothing up.
pub const GRACE: Duration = Duration::from_secs(5);
/// In a job that does, this late: what is later says so.
pub const GRACE_CAUGHT_UP: Duration = Duration::from_secs(1);
/// How many stretches of a job's calendars one look goes through: after so many, what is
/// left is counted to the first of them.
const STRETCHES_MAX: usize = 100_000;
/// How many attempts a fire gets that nodes keep dying with, where its job says
/// `on_lost: retry` and allows no more by itself.
const LOST_ATTEMPTS_MAX: u32 = 3;

/// A job's triggers, made ready to be asked for fires.
#[derive(Clone, Debug)]
pub struct Timetable {
    triggers: Vec<Compiled>,
    seed: u64,
    misfire: Misfire,
    blackouts: Blackouts,
}

/// A fire that is due: its instant, and when it starts (the instant and its jitter). The
/// instant is the fire's identity; nothing but its start ever looks at the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    pub at: Time,
    pub start_at: Time,
}

/// What is to become of an instant, or of a range of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Start it, not before `start_at`.
    Start { at: Time, start_at: Time, cause: Cause },
    /// Record it as ended.
    Record { at: Time, state: State, reason: Reason },
    /// Record these as ended, as one: they are too many to record each. `count` stops at
    /// [`COUNT_MAX`]. Where some of them ended for another reason (a calendar covered
    /// them), those are a range of their own, over the same time.
    Range {
        from: Time,
        until: Time,
        count: u64,
        state: State,
        reason: Reason,
    },
}

impl Decision {
    /// The first instant that it decides.
    pub fn from(&self) -> Time {
        match self {
            Decision::Start { at, .. } | Decision::Record { at, .. } => *at,
            Decision::Range { from, .. } => *from,
        }
    }

    /// The last instant that it decides.
    pub fn until(&self) -> Time {
        match self {
            Decision::Start { at, .. } | Decision::Record { at, .. } => *at,
            Decision::Range { until, .. } => *until,
        }
    }
}

impl Timetable {
    /// All triggers of an exclusive job.
    ///
    /// # Errors
    /// None for a spec that was validated.
    pub fn new(job: JobId, spec: &JobSpec) -> Result<Timetable, ScheduleError> {
        Timetable::matching(job, spec, |_| true)
    }

    /// The triggers of an every-node job that are for one node: those without a target of
    /// their own and those whose target it is in.
    ///
    /// # Errors
    /// None for a spec that was validated.
    pub fn matching(
        job: JobId,
        spec: &JobSpec,
        is_in: impl Fn(&NodeSet) -> bool,
    ) -> Result<Timetable, ScheduleError> {
        let seed = job.seed();
        let own = spec
            .triggers
            .iter()
            .filter(|t| t.target.as_ref().is_none_or(&is_in));
        let triggers = own.map(|t| t.compile(seed)).collect::<Result<_, _>>()?;
        Ok(Timetable {
            triggers,
            seed,
            misfire: spec.misfire,
            blackouts: Blackouts::default(),
        })
    }

    /// The same under calendars: fires that they suppress are recorded as skipped.
    pub fn under(self, blackouts: Blackouts) -> Timetable {
        Timetable { blackouts, ..self }
    }

    /// Why the fire of an instant is skipped, if a calendar suppresses it.
    pub fn suppressed(&self, at: Time) -> Option<Reason> {
        self.blackouts.suppressed(at)
    }

    /// The next fire after an instant that no calendar suppresses; `None` if there is none,
    /// or none within very many stretches of the calendars.
    pub fn next_open(&self, after: Time) -> Option<Due> {
        let mut due = self.next(after)?;
        for _ in 0..STRETCHES_MAX {
            let verdict = self.blackouts.verdict(due.at);
            if verdict.suppressed.is_none() {
                return Some(due);
            }
            due = self.next(before(verdict.until).max(due.at))?;
        }
        None
    }

    /// The next fire after an instant, whether a calendar suppresses it or not; `None` if
    /// there is none.
    pub fn next(&self, after: Time) -> Option<Due> {
        next(&self.triggers, after).map(|at| Due {
            at,
            start_at: self.start_at(at),
        })
    }

    /// All instants in `(after, until]`, ascending.
    pub fn instants(&self, after: Time, until: Time) -> Instants<'_> {
        instants(&self.triggers, after, until)
    }

    /// When the fire of an instant starts. Of several triggers due at it, the one that
    /// waits least decides.
    pub fn start_at(&self, at: Time) -> Time {
        if self.triggers.iter().all(|t| t.jitter.is_zero()) {
            return at;
        }
        let following = next(&self.triggers, at);
        let due = self
            .triggers
            .iter()
            .filter(|t| t.schedule.next(before(at)) == Some(at));
        let wait = due
            .map(|t| jitter(self.seed, at, t.jitter.get(), following))
            .min();
        at + wait.unwrap_or_default()
    }

    /// What is to become of the instants after `last` that start by `now + lead`, by the
    /// last instant that each decides. Each is in exactly one decision. Where there are more than one look takes,
    /// the rest follows once `last` is where these decisions end.
    pub fn due(&self, last: Time, now: Time, lead: Duration) -> Vec<Decision> {
        self.due_until(last, now, lead, Time::MAX)
    }

    /// As [`Timetable::due`], of the instants up to and including `end` alone: the ones
    /// that were claimed and not yet decided.
    pub fn due_until(&self, last: Time, now: Time, lead: Duration, end: Time) -> Vec<Decision> {
        let from = after(last);
        let grace = match self.misfire.run {
            MisfireRun::None => GRACE,
            MisfireRun::Once | MisfireRun::All => GRACE_CAUGHT_UP,
        };
        let until = self.starting_from(after(now + lead)).min(after(end));
        let on_time = self.starting_from(now - grace).clamp(from, until.max(from));
        let within = self
            .starting_from(now - self.misfire.within.get())
            .clamp(from, on_time);

        let mut decisions = Vec::new();
        self.record(
            from,
            within,
            &mut decisions,
            |late| {
                (
                    State::Missed,
                    Reason::TooLate {
                        late,
                        within: self.misfire.within,
                    },
                )
            },
            now,
        );
        let starts = match self.misfire.run {
            MisfireRun::None => {
                self.record(
                    within,
                    on_time,
                    &mut decisions,
                    |late| (State::Missed, Reason::NotCaughtUp { late }),
                    now,
                );
                self.starts(on_time, until, now)
            }
            MisfireRun::Once => self.once(within, on_time, until, now, &mut decisions),
            MisfireRun::All => self.starts(within, until, now),
        };
        decisions.extend(starts);
        decisions
    }

    /// The latest missed instant is caught up, unless a fire that is on time does for it.
    fn once(
        &self,
        within: Time,
        on_time: Time,
        until: Time,
        now: Time,
        out: &mut Vec<Decision>,
    ) -> Vec<Decision> {
        let starts = self.starts(on_time, until, now);
        let is_done_for = starts.iter().any(|d| matches!(d, Decision::Start { .. }));
        let latest = if is_done_for {
            None
        } else {
            self.last_open(within, on_time)
        };
        let superseded = |_: Span| (State::Skipped, Reason::Superseded);
        let Some(at) = latest else {
            self.record(within, on_time, out, superseded, now);
            return starts;
        };
        self.record(within, at, out, superseded, now);
        out.push(self.start(at, now));
        // After the last open one there are only suppressed ones.
        self.record(after(at), on_time, out, superseded, now);
        starts
    }

    /// The last instant from `from` to before `until` that no calendar suppresses.
    fn last_open(&self, from: Time, until: Time) -> Option<Time> {
        let mut until = until;
        for _ in 0..STRETCHES_MAX {
            let at = prev(&self.triggers, until).filter(|at| *at >= from)?;
            let verdict = self.blackouts.verdict(at);
            if verdict.suppressed.is_none() {
                return Some(at);
            }
            until = verdict.from.min(at);
        }
        None
    }

    /// Starts of the instants from `from` to before `until`, oldest first, and records of
    /// those between them that a calendar suppresses.
    fn starts(&self, from: Time, until: Time, now: Time) -> Vec<Decision> {
        let mut out = Vec::new();
        let mut from = from;
        while out.len() < STARTS_MAX
            && from < until
            && let Some(at) = next(&self.triggers, before(from)).filter(|at| *at < until)
        {
            let verdict = self.blackouts.verdict(at);
            let end = verdict.until.clamp(after(at), until);
            match verdict.suppressed {
                Some(reason) => self.record(at, end, &mut out, |_| (State::Skipped, reason.clone()), now),
                None => {
                    let instants = instants(&self.triggers, before(at), before(end));
                    let room = STARTS_MAX - out.len();
                    out.extend(instants.take(room).map(|at| self.start(at, now)));
                }
            }
            from = end;
        }
        out
    }

    fn start(&self, at: Time, now: Time) -> Decision {
        let start_at = self.start_at(at);
        let is_late = now.since(start_at) > GRACE_CAUGHT_UP && self.misfire.run != MisfireRun::None;
        let cause = if is_late { Cause::CatchUp } else { Cause::Schedule };
        Decision::Start { at, start_at, cause }
    }

    /// Records the instants from `from` to before `until`: the newest each, those before
    /// them as a range for each reason. `end` says what becomes of those that no calendar
    /// suppresses.
    fn record(
        &self,
        from: Time,
        until: Time,
        out: &mut Vec<Decision>,
        end: impl Fn(Span) -> (State, Reason),
        now: Time,
    ) {
        let end = |at: Time, suppressed: Option<Reason>| match suppressed {
            Some(reason) => (State::Skipped, reason),
            None => end(Span::from(now.since(self.start_at(at)))),
        };
        let (mut newest, mut earliest) = (Vec::new(), until);
        while newest.len() < RECORDS_MAX
            && let Some(at) = prev(&self.triggers, earliest).filter(|at| *at >= from)
        {
            newest.push(at);
            earliest = at;
        }
        if newest.len() == RECORDS_MAX
            && let Some(last) = prev(&self.triggers, earliest).filter(|at| *at >= from)
        {
            out.extend(self.ranges(from, last).into_iter().map(|older| {
                let (state, reason) = end(older.from, older.suppressed);
                Decision::Range {
                    from: older.from,
                    until: older.until,
                    count: older.count as u64,
                    state,
                    reason,
                }
            }));
        }
        out.extend(newest.into_iter().rev().map(|at| {
            let (state, reason) = end(at, self.suppressed(at));
            Decision::Record { at, state, reason }
        }));
    }

    /// The instants from `from` to `last`, which is one of them: for each fate one range,
    /// by where they end.
    fn ranges(&self, from: Time, last: Time) -> Vec<Older> {
        let mut ranges: Vec<Older> = Vec::new();
        let mut reached = before(from);
        for _ in 0..STRETCHES_MAX {
            let Some(at) = next(&self.triggers, reached).filter(|at| *at <= last) else {
                break;
            };
            let verdict = self.blackouts.verdict(at);
            let end = verdict.until.clamp(after(at), after(last));
            let until = prev(&self.triggers, end).unwrap_or(at);
            let known = ranges.iter().position(|r| r.suppressed == verdict.suppressed);
            let range = known.unwrap_or_else(|| {
                ranges.push(Older {
                    from: at,
                    until,
                    count: 0,
                    suppressed: verdict.suppressed,
                });
                ranges.len() - 1
            });
            let range = &mut ranges[range];
            range.until = until;
            let room = COUNT_MAX as usize - range.count;
            range.count += instants(&self.triggers, before(at), until).take(room).count();
            reached = until;
        }
        if let Some(first) = ranges.first_mut().filter(|_| reached < last) {
            (first.until, first.count) = (last, COUNT_MAX as usize);
        }
        ranges.sort_by_key(|range| range.until);
        ranges
    }

    /// Where the instants begin that start at or after `time`: all before it start
    /// earlier. As jitter never reaches the next instant, only the last one before `time`
    /// can still start after it.
    fn starting_from(&self, time: Time) -> Time {
        prev(&self.triggers, time)
            .filter(|at| self.start_at(*at) >= time)
            .unwrap_or(time)
    }
}

/// Instants that are recorded as one.
struct Older {
    from: Time,
    until: Time,
    count: usize,
    /// Why a calendar suppresses them, if one does.
    suppressed: Option<Reason>,
}

/// The first instant of any trigger strictly after another.
pub fn next(triggers: &[Compiled], after: Time) -> Option<Time> {
    triggers.iter().filter_map(|t| t.schedule.next(after)).min()
}

/// The last instant of any trigger strictly before another.
pub fn prev(triggers: &[Compiled], before: Time) -> Option<Time> {
    triggers.iter().filter_map(|t| t.schedule.prev(before)).max()
}

/// All instants of all triggers in `(after, until]`, ascending, each once; found one by one
/// as they are asked for.
pub fn instants(triggers: &[Compiled], after: Time, until: Time) -> Instants<'_> {
    let heads = triggers.iter().map(|t| t.schedule.next(after)).collect();
    Instants {
        triggers,
        heads,
        until,
    }
}

/// See [`instants`].
#[derive(Clone, Debug)]
pub struct Instants<'a> {
    triggers: &'a [Compiled],
    /// Each trigger's next instant.
    heads: Vec<Option<Time>>,
    until: Time,
}

impl Iterator for Instants<'_> {
    type Item = Time;

    fn next(&mut self) -> Option<Time> {
        let at = self
            .heads
            .iter()
            .flatten()
            .min()
            .copied()
            .filter(|at| *at <= self.until)?;
        for (head, trigger) in self.heads.iter_mut().zip(self.triggers) {
            if *head == Some(at) {
                *head = trigger.schedule.next(at);
            }
        }
        Some(at)
    }
}

impl std::iter::FusedIterator for Instants<'_> {}

/// How long after its end an attempt (counted from 1) is followed by the next one; `None`
/// if it was the fire's last.
pub fn retry_after(spec: &JobSpec, ended: State, attempt: u32) -> Option<Duration> {
    match ended {
        State::Failed | State::TimedOut => spec.retry.after(attempt),
        State::Lost => {
            let attempts = spec.retry.attempts.max(LOST_ATTEMPTS_MAX);
            (spec.on_lost == OnLost::Retry && attempt < attempts).then_some(Duration::ZERO)
        }
        _ => None,
    }
}

/// Who makes the attempt after one that has ended.
///
/// Never both: of a fire that a node had claimed and not reported when it died, the leader
/// knows nothing but that. If its job says `on_lost: retry`, the leader orders the next
/// attempt; an agent that had gone on to that attempt by itself would have started it
/// already. So in such a job the leader orders all of them.
pub fn is_retried_by_leader(spec: &JobSpec, slot: Option<u32>) -> bool {
    slot.is_some() && (spec.retry.elsewhere || spec.on_lost == OnLost::Retry)
}

fn after(time: Time) -> Time {
    time + Duration::from_millis(1)
}

fn before(time: Time) -> Time {
    time - Duration::from_millis(1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::job::{Action, RunSpec, Trigger};

    fn job() -> JobId {
        "01HV5TQ4WM0000000000000000".parse().unwrap()
    }

    fn spec(triggers: &[(&str, u64)], misfire: MisfireRun, within: u64) -> JobSpec {
        let run = RunSpec::new(Action::Shell("true".into()));
        let mut spec = JobSpec::new("j".parse().unwrap(), run);
        for (cron, jitter) in triggers {
            let mut trigger = Trigger::cron(*cron).unwrap();
            trigger.jitter = Span::from_secs(*jitter);
            spec.triggers.push(trigger);
        }
        spec.misfire = Misfire {
            run: misfire,
            within: Span::from_secs(within),
        };
        spec
    }

    fn table(triggers: &[(&str, u64)], misfire: MisfireRun, within: u64) -> Timetable {
        Timetable::new(job(), &spec(triggers, misfire, within)).unwrap()
    }

    fn show(decisions: &[Decision]) -> String {
        let clock = |t: Time| t.to_string()[11..19].to_owned();
        let lines = decisions.iter().map(|d| match d {
            Decision::Start { at, start_at, cause } => {
                format!(
                    "{} start at {} {}\n",
                    clock(*at),
                    clock(*start_at),
                    cause.as_str()
                )
            }
            Decision::Record { at, state, reason } => format!("{} {state}: {reason}\n", clock(*at)),
            Decision::Range {
                from,
                until,
                count,
                state,
                reason,
            } => {
                format!(
                    "{} to {} ({count}) {state}: {reason}\n",
                    clock(*from),
                    clock(*until)
                )
            }
        });
        lines.collect()
    }

    fn at(text: &str) -> Time {
        format!("2026-11-21T{text}Z").parse().unwrap()
    }

    #[test]
    fn triggers_due_at_once_are_one_fire() {
        let table = table(&[("*/10 * * * *", 0), ("*/15 * * * *", 0)], MisfireRun::All, 3600);
        let found: Vec<String> = instants(&table.triggers, at("10:00:00"), at("11:00:00"))
            .map(|t| t.to_string()[11..16].to_owned())
            .collect();
        assert_eq!(found.join(" "), "10:10 10:15 10:20 10:30 10:40 10:45 10:50 11:00");
    }

    #[test]
    fn missed_instants_by_rule() {
        let every_20m = [("*/20 * * * *", 0)];
        let look =
            |run| show(&table(&every_20m, run, 3600).due(at("08:00:00"), at("10:05:00"), Duration::ZERO));
        expect_test::expect![[r#"
            08:20:00 missed: could not be started in time: 1h45m late, and the job allows 1h
            08:40:00 missed: could not be started in time: 1h25m late, and the job allows 1h
            09:00:00 missed: could not be started in time: 1h5m late, and the job allows 1h
            09:20:00 skipped: missed; a later instant was caught up in its place
            09:40:00 skipped: missed; a later instant was caught up in its place
            10:00:00 start at 10:00:00 catch_up
        "#]]
        .assert_eq(&look(MisfireRun::Once));
        expect_test::expect![[r#"
            08:20:00 missed: could not be started in time: 1h45m late, and the job allows 1h
            08:40:00 missed: could not be started in time: 1h25m late, and the job allows 1h
            09:00:00 missed: could not be started in time: 1h5m late, and the job allows 1h
            09:20:00 start at 09:20:00 catch_up
            09:40:00 start at 09:40:00 catch_up
            10:00:00 start at 10:00:00 catch_up
        "#]]
        .assert_eq(&look(MisfireRun::All));
        expect_test::expect![[r#"
            08:20:00 missed: could not be started in time: 1h45m late, and the job allows 1h
            08:40:00 missed: could not be started in time: 1h25m late, and the job allows 1h
            09:00:00 missed: could not be started in time: 1h5m late, and the job allows 1h
            09:20:00 missed: could not be started in time (45m late); misfire: none
            09:40:00 missed: could not be started in time (25m late); misfire: none
            10:00:00 missed: could not be started in time (5m late); misfire: none
        "#]]
        .assert_eq(&look(MisfireRun::None));
    }

    #[test]
    fn a_fire_on_time_does_for_the_missed_ones() {
        let table = table(&[("* * * * *", 0)], MisfireRun::Once, 3600);
        expect_test::expect![[r#"
            09:59:00 skipped: missed; a later instant was caught up in its place
            10:00:00 start at 10:00:00 schedule
        "#]]
        .assert_eq(&show(&table.due(
            at("09:58:00"),
            at("09:59:59"),
            Duration::from_secs(1),
        )));
    }

    #[test]
    fn thirty_years_of_seconds_are_a_range() {
        for run in [MisfireRun::Once, MisfireRun::All, MisfireRun::None] {
            let table = table(&[("* * * * * *", 0)], run, 60);
            let decisions = table.due(
                at("00:00:00") - Duration::from_secs(30 * 365 * 86_400),
                at("12:00:00"),
                Duration::ZERO,
            );
            assert!(
                decisions.len() <= 2 * RECORDS_MAX + STARTS_MAX + 2,
                "{}",
                decisions.len()
            );
            let Decision::Range { count, until, .. } = &decisions[0] else {
                panic!("{:?}", decisions[0])
            };
            assert_eq!(*count, COUNT_MAX);
            assert!(*until < at("12:00:00") - Duration::from_secs(60));
            assert!(decisions.iter().any(|d| matches!(d, Decision::Start { .. })));
        }
    }

    fn blackouts(exclude: &[&str], only: &[&str]) -> Blackouts {
        use crate::calendar::{Calendars, Coverage, parse};
        let mut coverages = std::collections::BTreeMap::new();
        let mut make = |name: &str, windows: &str| -> crate::id::CalendarName {
            let yaml = format!("name: {name}\nweekly: [{windows}]");
            let named = parse(&yaml, crate::file::Format::Yaml).unwrap().remove(0);
            let coverage = std::sync::Arc::new(Coverage::new(&named.calendar));
            coverages.insert(named.name.clone(), coverage);
            named.name
        };
        let named = Calendars {
            exclude: exclude
                .iter()
                .enumerate()
                .map(|(i, w)| make(&format!("x{i}"), w))
                .collect(),
            only: only
                .iter()
                .enumerate()
                .map(|(i, w)| make(&format!("o{i}"), w))
                .collect(),
        };
        Blackouts::new(&named, |name| coverages.get(name).cloned())
    }

    #[test]
    fn what_a_calendar_covers_is_skipped_and_never_caught_up() {
        let every_20m = [("*/20 * * * *", 0)];
        let noon = || blackouts(&["{from: 09:30, to: 10:10}"], &[]);
        let look = |run, now: &str| {
            let table = table(&every_20m, run, 3600).under(noon());
            show(&table.due(at("08:00:00"), at(now), Duration::ZERO))
        };
        expect_test::expect![[r#"
            08:20:00 missed: could not be started in time: 1h45m late, and the job allows 1h
            08:40:00 missed: could not be started in time: 1h25m late, and the job allows 1h
            09:00:00 missed: could not be started in time: 1h5m late, and the job allows 1h
            09:20:00 start at 09:20:00 catch_up
            09:40:00 skipped: within the blackout `x0`
            10:00:00 skipped: within the blackout `x0`
        "#]]
        .assert_eq(&look(MisfireRun::Once, "10:05:00"));
        expect_test::expect![[r#"
            08:20:00 missed: could not be started in time: 2h5m late, and the job allows 1h
            08:40:00 missed: could not be started in time: 1h45m late, and the job allows 1h
            09:00:00 missed: could not be started in time: 1h25m late, and the job allows 1h
            09:20:00 missed: could not be started in time: 1h5m late, and the job allows 1h
            09:40:00 skipped: within the blackout `x0`
            10:00:00 skipped: within the blackout `x0`
            10:20:00 start at 10:20:00 catch_up
        "#]]
        .assert_eq(&look(MisfireRun::All, "10:25:00"));
        expect_test::expect![[r#"
            08:20:00 missed: could not be started in time: 1h45m late, and the job allows 1h
            08:40:00 missed: could not be started in time: 1h25m late, and the job allows 1h
            09:00:00 missed: could not be started in time: 1h5m late, and the job allows 1h
            09:20:00 missed: could not be started in time (45m late); misfire: none
            09:40:00 skipped: within the blackout `x0`
            10:00:00 skipped: within the blackout `x0`
        "#]]
        .assert_eq(&look(MisfireRun::None, "10:05:00"));
        // On time.
        let table = table(&every_20m, MisfireRun::Once, 3600).under(noon());
        expect_test::expect![[r#"
            10:00:00 skipped: within the blackout `x0`
        "#]]
        .assert_eq(&show(&table.due(
            at("09:40:00"),
            at("09:59:59"),
            Duration::from_secs(1),
        )));
        assert_eq!(table.next(at("09:20:00")).unwrap().at, at("09:40:00"));
        assert_eq!(table.next_open(at("09:20:00")).unwrap().at, at("10:20:00"));
        assert_eq!(table.next_open(at("08:20:00")).unwrap().at, at("08:40:00"));
    }

    #[test]
    fn thirty_years_of_seconds_under_calendars_are_a_range_for_each_fate() {
        for run in [MisfireRun::Once, MisfireRun::All, MisfireRun::None] {
            for (exclude, only) in [
                (&["{from: 22:00, to: 06:00}"][..], &["{days: mon-fri}"][..]),
                (&["{}"], &[]),
                (&["{from: 00:00, to: 23:59:59}"], &[]),
            ] {
                let table = table(&[("* * * * * *", 0)], run, 60).under(blackouts(exclude, only));
                let last = at("00:00:00") - Duration::from_secs(30 * 365 * 86_400);
                let decisions = table.due(last, at("12:00:00"), Duration::ZERO);
                assert!(
                    decisions.len() <= 2 * RECORDS_MAX + STARTS_MAX + 4,
                    "{}",
                    decisions.len()
                );
                let ranges = decisions.iter().filter(|d| matches!(d, Decision::Range { .. }));
                assert!((1..=4).contains(&ranges.count()));
                assert_eq!(
                    decisions.iter().map(Decision::from).min(),
                    Some(last + Duration::from_secs(1))
                );
                let is_sorted = decisions.windows(2).all(|d| d[0].until() < d[1].until());
                assert!(
                    is_sorted && decisions.last().unwrap().until() == at("12:00:00"),
                    "{run:?} {exclude:?}"
                );
                assert!(!decisions.iter().any(|d| matches!(d, Decision::Start { .. })));
            }
        }
        let never = table(&[("* * * * * *", 0)], MisfireRun::Once, 60).under(blackouts(&["{}"], &[]));
        assert_eq!(never.next_open(at("00:00:00")), None);
    }

    #[test]
    fn jitter_moves_the_start_and_not_the_fire() {
        let table = table(&[("0 * * * *", 3000)], MisfireRun::Once, 600);
        let due = table.next(at("09:59:00")).unwrap();
        assert_eq!(due.at, at("10:00:00"));
        assert!(due.start_at > due.at && due.start_at < at("10:50:00"), "{due:?}");
        // Before it starts it is not due, at its start it is on time, however long after
        // its instant that is.
        assert_eq!(
            table.due(at("09:59:00"), before(due.start_at), Duration::ZERO),
            []
        );
        let on_time = Decision::Start {
            at: due.at,
            start_at: due.start_at,
            cause: Cause::Schedule,
        };
        assert_eq!(table.due(at("09:59:00"), due.start_at, Duration::ZERO), [on_time]);
        let late = table.due(
            at("09:59:00"),
            due.start_at + Duration::from_secs(700),
            Duration::ZERO,
        );
        assert!(show(&late).contains("missed"), "{}", show(&late));
    }

    #[test]
    fn triggers_for_other_nodes_do_not_count() {
        let mut spec = spec(&[("0 * * * *", 0), ("30 * * * *", 0)], MisfireRun::Once, 60);
        spec.triggers[1].target = Some(NodeSet {
            nodes: BTreeSet::from(["db1".parse().unwrap()]),
            ..NodeSet::default()
        });
        let db1 = Timetable::matching(job(), &spec, |_| true).unwrap();
        let db2 = Timetable::matching(job(), &spec, |_| false).unwrap();
        assert_eq!(db1.next(at("10:00:00")).unwrap().at, at("10:30:00"));
        assert_eq!(db2.next(at("10:00:00")).unwrap().at, at("11:00:00"));
    }

    #[test]
    fn lost_runs_are_retried_a_bounded_number_of_times() {
        let mut spec = spec(&[], MisfireRun::Once, 60);
        assert_eq!(retry_after(&spec, State::Lost, 1), None);
        spec.on_lost = OnLost::Retry;
        assert_eq!(retry_after(&spec, State::Lost, 2), Some(Duration::ZERO));
        assert_eq!(retry_after(&spec, State::Lost, 3), None);
        assert_eq!(retry_after(&spec, State::Failed, 1), None);
        spec.retry.attempts = 2;
        assert_eq!(
            retry_after(&spec, State::TimedOut, 1),
            Some(Duration::from_secs(10))
        );
        assert_eq!(retry_after(&spec, State::Killed, 1), None);
    }

    fn crons() -> impl Strategy<Value = Vec<(&'static str, u64)>> {
        let cron = prop_oneof![
            Just("* * * * * *"),
            Just("*/7 * * * * *"),
            Just("30 * * * * *"),
            Just("* * * * *"),
            Just("*/5 * * * *"),
            Just("17 * * * *"),
            Just("0 10 * * *"),
        ];
        prop::collection::vec((cron, prop_oneof![Just(0u64), 1..400u64]), 1..4)
    }

    /// Windows of a few minutes or hours, several of which may be in a day.
    fn windows() -> impl Strategy<Value = String> {
        let clock = || (0..24u32, 0..60u32).prop_map(|(h, m)| format!("{h:02}:{m:02}:{:02}", m / 2));
        let window = (clock(), clock()).prop_filter("it covers something", |(from, to)| from != to);
        let window = window.prop_map(|(from, to)| format!("{{from: {from}, to: {to}}}"));
        let short = (0..24u32, 0..50u32, 1..9u32)
            .prop_map(|(h, m, n)| format!("{{from: {h:02}:{m:02}, to: {h:02}:{:02}}}", m + n));
        prop::collection::vec(prop_oneof![window, short], 1..6).prop_map(|all| all.join(", "))
    }

    fn rules() -> impl Strategy<Value = MisfireRun> {
        prop_oneof![
            Just(MisfireRun::Once),
            Just(MisfireRun::All),
            Just(MisfireRun::None)
        ]
    }

    proptest! {
        /// Every instant that starts by the horizon is in exactly one decision, whatever
        /// the steps in which one looks; none is decided twice; nothing else is decided.
        #[test]
        fn every_instant_is_decided_once(
            triggers in crons(), run in rules(), within in 0..4000u64, start in 0..86_400_000i64,
            steps in prop::collection::vec((0..2_000_000u64, 0..2000u64), 1..6),
        ) {
            let table = table(&triggers, run, within);
            let first = at("00:00:00") + Duration::from_millis(start as u64);
            let (mut last, mut now) = (first, first);
            let mut decided: Vec<Time> = Vec::new();
            let mut horizon = now;
            for (step, lead) in steps {
                now = now + Duration::from_millis(step);
                let lead = Duration::from_millis(lead);
                horizon = horizon.max(now + lead);
                loop {
                    let decisions = table.due(last, now, lead);
                    let Some(end) = decisions.last() else { break };
                    last = end.until();
                    for decision in decisions {
                        match decision {
                            Decision::Start { at, start_at, .. } => {
                                prop_assert_eq!(start_at, table.start_at(at));
                                decided.push(at);
                            }
                            Decision::Record { at, state, .. } => {
                                prop_assert!(state.is_end());
                                decided.push(at);
                            }
                            Decision::Range { from, until, count, .. } => {
                                let all: Vec<Time> = instants(&table.triggers, before(from), until).collect();
                                prop_assert_eq!(all.len() as u64, count);
                                decided.extend(all);
                            }
                        }
                    }
                }
            }
            let due: Vec<Time> = instants(&table.triggers, first, horizon)
                .filter(|at| table.start_at(*at) <= horizon)
                .collect();
            prop_assert_eq!(decided, due);
        }

        /// The same under calendars. What one suppresses is skipped, with its name, and never
        /// starts; what none suppresses never ends for that reason.
        #[test]
        fn every_instant_is_decided_once_under_calendars(
            triggers in crons(), run in rules(), within in 0..4000u64, start in 0..86_400_000i64,
            steps in prop::collection::vec((0..2_000_000u64, 0..2000u64), 1..6),
            exclude in prop::collection::vec(windows(), 0..3), only in prop::collection::vec(windows(), 0..3),
        ) {
            let blackouts = blackouts(
                &exclude.iter().map(String::as_str).collect::<Vec<_>>(),
                &only.iter().map(String::as_str).collect::<Vec<_>>(),
            );
            let table = table(&triggers, run, within).under(blackouts);
            let first = at("00:00:00") + Duration::from_millis(start as u64);
            let (mut last, mut now) = (first, first);
            let mut decided: Vec<Time> = Vec::new();
            let mut horizon = now;
            for (step, lead) in steps {
                now = now + Duration::from_millis(step);
                let lead = Duration::from_millis(lead);
                horizon = horizon.max(now + lead);
                loop {
                    let decisions = table.due(last, now, lead);
                    let Some(end) = decisions.last() else { break };
                    let before_all = last;
                    last = end.until();
                    prop_assert!(decisions.windows(2).all(|d| d[0].until() < d[1].until()));
                    let own = |reason: &Reason, suppressed: Option<Reason>| match suppressed {
                        Some(suppressed) => *reason == suppressed,
                        None => !matches!(reason, Reason::Blackout { .. } | Reason::OutsideCalendars { .. }),
                    };
                    for decision in decisions {
                        prop_assert!(decision.from() > before_all);
                        match decision {
                            Decision::Start { at, .. } => {
                                prop_assert_eq!(table.suppressed(at), None);
                                decided.push(at);
                            }
                            Decision::Record { at, reason, state } => {
                                prop_assert!(own(&reason, table.suppressed(at)), "{} {:?}", at, reason);
                                prop_assert_eq!(state == State::Missed, !matches!(
                                    reason,
                                    Reason::Blackout { .. } | Reason::OutsideCalendars { .. } | Reason::Superseded
                                ));
                                decided.push(at);
                            }
                            Decision::Range { from, until, count, reason, .. } => {
                                let fate = table.suppressed(from);
                                prop_assert!(own(&reason, fate.clone()));
                                let all: Vec<Time> = instants(&table.triggers, before(from), until)
                                    .filter(|at| table.suppressed(*at) == fate)
                                    .collect();
                                prop_assert_eq!(all.len() as u64, count);
                                decided.extend(all);
                            }
                        }
                    }
                }
            }
            let due: Vec<Time> = instants(&table.triggers, first, horizon)
                .filter(|at| table.start_at(*at) <= horizon)
                .collect();
            decided.sort();
            prop_assert_eq!(decided, due);
            let open = instants(&table.triggers, first, Time::MAX).take(5000).find(|at| table.suppressed(*at).is_none());
            if open.is_some() {
                prop_assert_eq!(table.next_open(first).map(|due| due.at), open);
            }
        }

        /// A start never waits beyond the next instant, nor comes before its own.
        #[test]
        fn starts_keep_the_order_of_the_instants(triggers in crons(), start in 0..86_400_000i64) {
            let table = table(&triggers, MisfireRun::Once, 60);
            let mut due = table.next(at("00:00:00") + Duration::from_millis(start as u64)).unwrap();
            for _ in 0..50 {
                let next = table.next(due.at).unwrap();
                prop_assert!(due.at <= due.start_at && due.start_at < next.at);
                due = next;
            }
        }
    }
}
