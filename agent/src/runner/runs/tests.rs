//! Tables of what happens to runs and what is done about it.

use std::fmt::Write as _;

use shared::{
    assign::RunOrder,
    id::{Fire, JobId, Owner, RunId},
    job::{Action as JobAction, Isolation, JobSpec, OverlapPolicy, RunSpec},
    run::Cause,
    units::Span,
};

use super::*;
use crate::runner::run_of;

/// Runs at second 100 of the day and of the agent; names for runs by their instant.
struct Table {
    runs: Runs,
    spec: JobSpec,
    secs: f64,
    epoch: Option<Revision>,
    shown: String,
    slot: Option<u32>,
}

impl Table {
    fn new(edit: impl FnOnce(&mut JobSpec)) -> Table {
        let mut spec = JobSpec::new(
            "j".parse().unwrap(),
            RunSpec::new(JobAction::Shell("true".into())),
        );
        spec.run.grace = Span::from_secs(2);
        edit(&mut spec);
        let (day, lease) = (Duration::from_secs(3600), Duration::from_secs(110));
        let runs = Runs::new("n".parse().unwrap(), 4, Some(day), lease);
        Table {
            runs,
            spec,
            secs: 100.0,
            epoch: Some(7),
            shown: String::new(),
            slot: Some(0),
        }
    }

    fn run(&self, secs: i64, cause: Cause) -> SpooledRun {
        let (job, at) = (JobId::new(Time::EPOCH, 1), Time::from_secs(secs));
        let owner = self.slot.map_or(Owner::Node("n".parse().unwrap()), Owner::Slot);
        let order = RunOrder {
            job,
            revision: 1,
            spec: self.spec.clone(),
            first: RunId::of(&Fire { job, at, owner }),
            attempt: 1,
            scheduled_at: at,
            not_before: at,
            slot: self.slot,
            cause,
            env: Default::default(),
        };
        let run = run_of(&order, &"n".parse().unwrap(), State::Pending);
        SpooledRun {
            run,
            order,
            claim: self.slot.map(|_| 3),
            process: None,
            epoch: self.slot.map(|_| 7),
        }
    }

    fn id(&self, secs: i64) -> RunId {
        self.run(secs, Cause::Schedule).run.id
    }

    fn at(&mut self, secs: f64) -> &mut Table {
        self.secs = secs;
        self
    }

    /// A line of what happens, then one for each thing that is done about it.
    fn step(&mut self, what: &str, event: Event) -> &mut Table {
        let ms = (self.secs * 1000.0) as u64;
        let now = Now {
            wall: Time::from_millis(ms as i64),
            mono: Duration::from_millis(ms),
            epoch: self.epoch,
        };
        writeln!(self.shown, "{} {what}", self.secs).unwrap();
        for action in self.runs.step(event, now) {
            let line = show(&action);
            writeln!(self.shown, "      {line}").unwrap();
        }
        self
    }

    fn due(&mut self, secs: i64) -> &mut Table {
        self.caused(secs, Cause::Schedule)
    }

    fn caused(&mut self, secs: i64, cause: Cause) -> &mut Table {
        let run = self.run(secs, cause);
        self.step(&format!("due {secs} {}", cause.as_str()), Event::Due(vec![run]))
    }

    fn started(&mut self, secs: i64) -> &mut Table {
        let (run, at) = (self.id(secs), Time::from_millis((self.secs * 1000.0) as i64));
        self.step(
            &format!("started {secs}"),
            Event::Started {
                run,
                at,
                process: None,
            },
        )
    }

    fn ended(&mut self, secs: i64, exit: Exit) -> &mut Table {
        let run = self.id(secs);
        let what = format!("ended {secs} {exit:?}");
        self.step(
            &what,
            Event::Ended {
                run,
                exit,
                usage: Usage::default(),
                output: OutputSize::default(),
            },
        )
    }

    fn tick(&mut self) -> &mut Table {
        self.step("tick", Event::Tick)
    }

    fn check(&mut self, expect: expect_test::Expect) {
        expect.assert_eq(&self.shown);
    }
}

fn name(run: &shared::report::Run) -> String {
    format!("{}#{}", run.scheduled_at.as_secs(), run.attempt)
}

fn show(action: &Action) -> String {
    let at = |run: &RunId| run.time().as_secs();
    match action {
        Action::Record(s) => {
            let reason = s
                .run
                .reason
                .as_ref()
                .map(|r| format!(": {r}"))
                .unwrap_or_default();
            format!("record {} {}{reason}", name(&s.run), s.run.state)
        }
        Action::RecordNext { ended, next } => {
            let reason = ended
                .run
                .reason
                .as_ref()
                .map(|r| format!(": {r}"))
                .unwrap_or_default();
            let at = ended.run.retry_at.map_or(0, |t| t.as_secs());
            format!(
                "record {} {}{reason}; next {} {} at {at}",
                name(&ended.run),
                ended.run.state,
                name(&next.run),
                next.run.state
            )
        }
        Action::Start { launch, epoch, .. } => format!("start {} under {epoch:?}", at(&launch.run)),
        Action::Signal(run, signal) => format!("signal {} {signal:?}", at(run)),
        Action::Verify { run, claim, .. } => format!("verify {} claimed under {claim}", at(run)),
    }
}

fn policy(policy: OverlapPolicy, limit: u32, queue: u32) -> impl Fn(&mut JobSpec) {
    move |spec| (spec.overlap.policy, spec.overlap.limit, spec.overlap.queue) = (policy, limit, queue)
}

#[test]
fn a_run_waits_for_its_time_starts_and_ends() {
    let mut t = Table::new(|_| {});
    t.due(101)
        .at(101.0)
        .tick()
        .started(101)
        .at(103.0)
        .ended(101, Exit::Code(0));
    assert!(t.runs.is_empty() && t.runs.groups.is_empty() && t.runs.timers.is_empty());
    t.check(expect_test::expect![[r#"
          100 due 101 schedule
          101 tick
                start 101 under Some(7)
          101 started 101
                record 101#1 running
          103 ended 101 Code(0)
                record 101#1 succeeded
    "#]]);
}

#[test]
fn overlap_skip() {
    let mut t = Table::new(policy(OverlapPolicy::Skip, 1, 0));
    t.due(100)
        .started(100)
        .at(101.0)
        .due(101)
        .at(102.0)
        .ended(100, Exit::Code(0))
        .due(102);
    t.check(expect_test::expect![[r#"
          100 due 100 schedule
                start 100 under Some(7)
          100 started 100
                record 100#1 running
          101 due 101 schedule
                record 101#1 skipped: 1 of the job's runs still going on, 0 waiting
          102 ended 100 Code(0)
                record 100#1 succeeded
          102 due 102 schedule
                start 102 under Some(7)
    "#]]);
}

#[test]
fn overlap_queue_is_bounded() {
    let mut t = Table::new(policy(OverlapPolicy::Queue, 1, 2));
    t.due(100).started(100);
    for secs in 101..=104 {
        t.at(secs as f64).due(secs);
    }
    t.at(105.0)
        .ended(100, Exit::Code(0))
        .started(101)
        .ended(101, Exit::Signal(11));
    t.check(expect_test::expect![[r#"
          100 due 100 schedule
                start 100 under Some(7)
          100 started 100
                record 100#1 running
          101 due 101 schedule
                record 101#1 queued
          102 due 102 schedule
                record 102#1 queued
          103 due 103 schedule
                record 103#1 skipped: 1 of the job's runs still going on, 2 waiting
          104 due 104 schedule
                record 104#1 skipped: 1 of the job's runs still going on, 2 waiting
          105 ended 100 Code(0)
                record 100#1 succeeded
                start 101 under Some(7)
          105 started 101
                record 101#1 running
          105 ended 101 Signal(11)
                record 101#1 failed: ended by signal 11
                start 102 under Some(7)
    "#]]);
}

#[test]
fn overlap_replace() {
    let mut t = Table::new(policy(OverlapPolicy::Replace, 1, 0));
    t.due(100).started(100).at(101.0).due(101).at(102.0).due(102);
    t.at(103.0).tick().ended(100, Exit::Signal(9)).started(102);
    t.check(expect_test::expect![[r#"
          100 due 100 schedule
                start 100 under Some(7)
          100 started 100
                record 100#1 running
          101 due 101 schedule
                record 101#1 queued
                signal 100 Term
          102 due 102 schedule
                record 102#1 queued
                record 101#1 skipped: a later fire took its place (overlap: replace)
          103 tick
                signal 100 Kill
          103 ended 100 Signal(9)
                record 100#1 killed: a later fire took its place (overlap: replace)
                start 102 under Some(7)
          103 started 102
                record 102#1 running
    "#]]);
}

#[test]
fn overlap_allow_has_a_limit_and_the_node_has_one() {
    let mut t = Table::new(policy(OverlapPolicy::Allow, 5, 0));
    for secs in 96..=101 {
        t.at(101.0).due(secs);
    }
    t.started(96).ended(96, Exit::Code(0));
    t.check(expect_test::expect![[r#"
          101 due 96 schedule
                start 96 under Some(7)
          101 due 97 schedule
                start 97 under Some(7)
          101 due 98 schedule
                start 98 under Some(7)
          101 due 99 schedule
                start 99 under Some(7)
          101 due 100 schedule
                record 100#1 queued
          101 due 101 schedule
                record 101#1 skipped: 5 of the job's runs still going on, 0 waiting
          101 started 96
                record 96#1 running
          101 ended 96 Code(0)
                record 96#1 succeeded
                start 100 under Some(7)
    "#]]);
}

#[test]
fn each_missed_fire_waits_its_turn_where_each_is_wanted() {
    let mut t = Table::new(|spec| spec.misfire.run = MisfireRun::All);
    t.caused(60, Cause::CatchUp).caused(70, Cause::CatchUp).due(100);
    t.started(60)
        .ended(60, Exit::Code(0))
        .started(70)
        .ended(70, Exit::Code(0))
        .started(100);
    t.at(101.0).due(101);
    t.check(expect_test::expect![[r#"
          100 due 60 catch_up
                start 60 under Some(7)
          100 due 70 catch_up
                record 70#1 queued
          100 due 100 schedule
                record 100#1 queued
          100 started 60
                record 60#1 running
          100 ended 60 Code(0)
                record 60#1 succeeded
                start 70 under Some(7)
          100 started 70
                record 70#1 running
          100 ended 70 Code(0)
                record 70#1 succeeded
                start 100 under Some(7)
          100 started 100
                record 100#1 running
          101 due 101 schedule
                record 101#1 skipped: 1 of the job's runs still going on, 0 waiting
    "#]]);
}

#[test]
fn a_failed_run_is_retried_once_the_spool_knows() {
    let mut t = Table::new(|spec| (spec.retry.attempts, spec.retry.backoff) = (2, Span::from_secs(5)));
    let second = t.id(100).attempt(2);
    t.due(100).started(100).at(101.0).ended(100, Exit::Code(3));
    t.at(106.0)
        .tick()
        .at(107.0)
        .step("recorded #2", Event::Recorded(second));
    t.step(
        "started #2",
        Event::Started {
            run: second,
            at: Time::from_secs(107),
            process: None,
        },
    );
    let end = Event::Ended {
        run: second,
        exit: Exit::Code(3),
        usage: Usage::default(),
        output: OutputSize::default(),
    };
    t.step("ended #2", end);
    assert!(t.runs.is_empty());
    t.check(expect_test::expect![[r#"
          100 due 100 schedule
                start 100 under Some(7)
          100 started 100
                record 100#1 running
          101 ended 100 Code(3)
                record 100#1 failed: exited with code 3; next 100#2 queued at 106
          106 tick
          107 recorded #2
                start 100 under Some(7)
          107 started #2
                record 100#2 running
          107 ended #2
                record 100#2 failed: exited with code 3
    "#]]);
}

#[test]
fn a_retry_elsewhere_is_the_leaders() {
    let mut t = Table::new(|spec| (spec.retry.attempts, spec.retry.elsewhere) = (2, true));
    t.due(100).started(100).ended(100, Exit::Code(3));
    assert!(t.runs.is_empty());
    t.check(expect_test::expect![[r#"
          100 due 100 schedule
                start 100 under Some(7)
          100 started 100
                record 100#1 running
          100 ended 100 Code(3)
                record 100#1 failed: exited with code 3
    "#]]);
}

#[test]
fn a_timeout_is_term_then_kill() {
    let mut t = Table::new(|spec| spec.run.timeout = Some(Span::from_secs(3)));
    t.due(100)
        .started(100)
        .at(103.0)
        .tick()
        .at(104.9)
        .tick()
        .at(105.0)
        .tick()
        .ended(100, Exit::Code(0));
    t.check(expect_test::expect![[r#"
        100 due 100 schedule
              start 100 under Some(7)
        100 started 100
              record 100#1 running
        103 tick
              signal 100 Term
        104.9 tick
        105 tick
              signal 100 Kill
        105 ended 100 Code(0)
              record 100#1 timed_out: ran longer than its timeout of 3s
    "#]]);
}

#[test]
fn no_run_takes_longer_than_the_host_allows() {
    let mut t = Table::new(|spec| spec.run.timeout = Some(Span::from_secs(7200)));
    t.due(100).started(100).at(3700.0).tick();
    t.ended(100, Exit::Http("the request was given up".into()));
    t.check(expect_test::expect![[r#"
        100 due 100 schedule
              start 100 under Some(7)
        100 started 100
              record 100#1 running
        3700 tick
              signal 100 Term
        3700 ended 100 Http("the request was given up")
              record 100#1 timed_out: ran longer than its timeout of 1h
    "#]]);
}

#[test]
fn a_kill_before_between_and_after() {
    let mut t = Table::new(|_| {});
    let kill = |t: &mut Table, secs| {
        let (by, reason) = ("ann".to_owned(), String::new());
        let run = t.id(secs);
        t.step(&format!("kill {secs}"), Event::Kill { run, by, reason });
    };
    t.due(110);
    kill(&mut t, 110);
    t.due(100);
    kill(&mut t, 100);
    t.started(100).ended(100, Exit::Signal(15));
    kill(&mut t, 100);
    t.check(expect_test::expect![[r#"
          100 due 110 schedule
          100 kill 110
                record 110#1 killed: killed by ann
          100 due 100 schedule
                start 100 under Some(7)
          100 kill 100
          100 started 100
                record 100#1 running
                signal 100 Term
          100 ended 100 Signal(15)
                record 100#1 killed: killed by ann
          100 kill 100
    "#]]);
}

#[test]
fn nothing_exclusive_starts_without_its_registration() {
    let mut t = Table::new(|_| {});
    let (a, b) = (t.id(101), t.id(102));
    t.due(101).epoch = None;
    t.at(101.0).tick();
    t.epoch = Some(9);
    t.at(102.0).step(
        "registered",
        Event::Registered {
            epoch: 9,
            continues: None,
        },
    );
    t.step(
        "verified 101",
        Event::Verified {
            run: a,
            verdict: Verdict::Stands(9),
        },
    );
    // The lease was lost locally, and never in the store: nobody can have settled it.
    t.due(102).step(
        "registered",
        Event::Registered {
            epoch: 9,
            continues: Some(7),
        },
    );
    t.step(
        "verified 102",
        Event::Verified {
            run: b,
            verdict: Verdict::Gone,
        },
    );
    t.check(expect_test::expect![[r#"
          100 due 101 schedule
          101 tick
          102 registered
                verify 101 claimed under 3
          102 verified 101
                start 101 under Some(9)
          102 due 102 schedule
                verify 102 claimed under 3
          102 registered
          102 verified 102
                record 102#1 lost: its node was gone before it reported an end
    "#]]);
}

#[test]
fn a_registration_that_continues_needs_no_look() {
    let mut t = Table::new(|_| {});
    t.due(101).epoch = None;
    t.at(101.0).tick();
    t.epoch = Some(9);
    t.at(102.0).step(
        "registered",
        Event::Registered {
            epoch: 9,
            continues: Some(7),
        },
    );
    t.check(expect_test::expect![[r#"
          100 due 101 schedule
          101 tick
          102 registered
                start 101 under Some(9)
    "#]]);
}

#[test]
fn every_node_runs_need_no_registration() {
    let mut t = Table::new(|_| {});
    (t.slot, t.epoch) = (None, None);
    t.due(100);
    t.check(expect_test::expect![[r#"
          100 due 100 schedule
                start 100 under None
    "#]]);
}

#[test]
fn what_waited_too_long_for_a_registration_has_missed_its_time() {
    let mut t = Table::new(|spec| spec.misfire.within = Span::from_secs(60));
    let run = t.id(101);
    t.due(101).epoch = None;
    t.at(101.0).tick();
    t.epoch = Some(9);
    t.at(200.0).step(
        "registered",
        Event::Registered {
            epoch: 9,
            continues: None,
        },
    );
    t.step(
        "verified",
        Event::Verified {
            run,
            verdict: Verdict::Stands(9),
        },
    );
    t.check(expect_test::expect![[r#"
          100 due 101 schedule
          101 tick
          200 registered
                record 101#1 missed: could not be started in time: 1m39s late, and the job allows 1m
          200 verified
    "#]]);
}

#[test]
fn a_start_that_is_fenced_at_the_last_moment_is_held() {
    let mut t = Table::new(|_| {});
    let run = t.id(100);
    t.due(100).epoch = None;
    t.step(
        "fenced",
        Event::NotStarted {
            run,
            why: NotStarted::Fenced,
        },
    );
    assert_eq!(t.runs.taken, 0);
    t.epoch = Some(9);
    t.at(101.0).step(
        "registered",
        Event::Registered {
            epoch: 9,
            continues: None,
        },
    );
    t.check(expect_test::expect![[r#"
          100 due 100 schedule
                start 100 under Some(7)
          100 fenced
          101 registered
                verify 100 claimed under 3
    "#]]);
}

#[test]
fn isolation_kills_at_once() {
    let mut t = Table::new(|spec| spec.isolation = Isolation::Kill);
    t.due(100).started(100).epoch = None;
    t.step("lease lost", Event::LeaseLost).ended(100, Exit::Signal(9));
    t.check(expect_test::expect![[r#"
        100 due 100 schedule
              start 100 under Some(7)
        100 started 100
              record 100#1 running
        100 lease lost
              signal 100 Kill
        100 ended 100 Signal(9)
              record 100#1 killed: the node lost its lease and the job asks for isolation: kill
    "#]]);
}

#[test]
fn a_run_that_cannot_start_fails_and_one_not_allowed_is_rejected() {
    let mut t = Table::new(|_| {});
    let (a, b) = (t.id(100), t.id(101));
    t.due(100);
    t.step(
        "failed",
        Event::NotStarted {
            run: a,
            why: NotStarted::Failed("no such program".into()),
        },
    );
    t.at(101.0).due(101);
    t.step(
        "rejected",
        Event::NotStarted {
            run: b,
            why: NotStarted::Rejected("user root".into()),
        },
    );
    assert!(t.runs.is_empty() && t.runs.taken == 0);
    t.check(expect_test::expect![[r#"
          100 due 100 schedule
                start 100 under Some(7)
          100 failed
                record 100#1 failed: could not be started: no such program
          101 due 101 schedule
                start 101 under Some(7)
          101 rejected
                record 101#1 rejected: the host's policy does not allow it: user root
    "#]]);
}

#[test]
fn a_stop_waits_and_then_kills() {
    let mut t = Table::new(policy(OverlapPolicy::Queue, 1, 5));
    t.due(100).started(100).at(101.0).due(101).due(130);
    t.step(
        "stop",
        Event::Stop {
            within: Duration::from_secs(10),
        },
    );
    t.at(111.0)
        .tick()
        .at(112.0)
        .tick()
        .at(113.0)
        .tick()
        .ended(100, Exit::Signal(9));
    assert!(t.runs.is_empty());
    t.check(expect_test::expect![[r#"
          100 due 100 schedule
                start 100 under Some(7)
          100 started 100
                record 100#1 running
          101 due 101 schedule
                record 101#1 queued
          101 due 130 schedule
          101 stop
                record 130#1 killed: the agent was stopped
          111 tick
                signal 100 Term
                record 101#1 killed: the agent was stopped
          112 tick
          113 tick
                signal 100 Kill
          113 ended 100 Signal(9)
                record 100#1 killed: the agent was stopped
    "#]]);
}
