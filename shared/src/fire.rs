//! Due fires: the instants of all of a job's triggers as one sequence, when each starts,
//! and what becomes of those at which nobody could start the job.
//!
//! Everything here looks at a bounded number of instants, however long nobody looked: a
//! job that is due each second and was last seen thirty years ago costs what one costs
//! that was seen a minute ago.

use std::time::Duration;

use crate::{
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
/// How many attempts a fire gets that nodes keep dying with, where its job says
/// `on_lost: retry` and allows no more by itself.
const LOST_ATTEMPTS_MAX: u32 = 3;

/// A job's triggers, made ready to be asked for fires.
#[derive(Clone, Debug)]
pub struct Timetable {
    triggers: Vec<Compiled>,
    seed: u64,
    misfire: Misfire,
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
    /// [`COUNT_MAX`].
    Range {
        from: Time,
        until: Time,
        count: u64,
        state: State,
        reason: Reason,
    },
}

impl Decision {
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
        })
    }

    /// The next fire after an instant; `None` if there is none.
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

    /// What is to become of the instants after `last` that start by `now + lead`, oldest
    /// first. Each is in exactly one decision. Where there are more than one look takes,
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
        let latest = prev(&self.triggers, on_time).filter(|at| *at >= within);
        let catch_up = latest.filter(|_| starts.is_empty());
        let superseded_until = catch_up.unwrap_or(on_time);
        self.record(
            within,
            superseded_until,
            out,
            |_| (State::Skipped, Reason::Superseded),
            now,
        );
        out.extend(catch_up.map(|at| self.start(at, now)));
        starts
    }

    /// Starts of the instants from `from` to before `until`, oldest first.
    fn starts(&self, from: Time, until: Time, now: Time) -> Vec<Decision> {
        if from >= until {
            return Vec::new();
        }
        let instants = instants(&self.triggers, before(from), before(until));
        instants.take(STARTS_MAX).map(|at| self.start(at, now)).collect()
    }

    fn start(&self, at: Time, now: Time) -> Decision {
        let start_at = self.start_at(at);
        let is_late = now.since(start_at) > GRACE_CAUGHT_UP && self.misfire.run != MisfireRun::None;
        let cause = if is_late { Cause::CatchUp } else { Cause::Schedule };
        Decision::Start { at, start_at, cause }
    }

    /// Records the instants from `from` to before `until`: the newest each, those before
    /// them as a range.
    fn record(
        &self,
        from: Time,
        until: Time,
        out: &mut Vec<Decision>,
        end: impl Fn(Span) -> (State, Reason),
        now: Time,
    ) {
        let end = |at: Time| end(Span::from(now.since(self.start_at(at))));
        let (mut newest, mut earliest) = (Vec::new(), until);
        while newest.len() < RECORDS_MAX
            && let Some(at) = prev(&self.triggers, earliest).filter(|at| *at >= from)
        {
            newest.push(at);
            earliest = at;
        }
        let rest = prev(&self.triggers, earliest).filter(|at| *at >= from);
        if newest.len() == RECORDS_MAX
            && let Some(until) = rest
            && let Some(first) = next(&self.triggers, before(from))
        {
            let count = instants(&self.triggers, before(from), until)
                .take(COUNT_MAX as usize)
                .count();
            let (state, reason) = end(first);
            out.push(Decision::Range {
                from: first,
                until,
                count: count as u64,
                state,
                reason,
            });
        }
        out.extend(newest.into_iter().rev().map(|at| {
            let (state, reason) = end(at);
            Decision::Record { at, state, reason }
        }));
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
