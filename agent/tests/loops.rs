//! The production loops of whole agents on virtual time: fires, claims, crashes.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod world;

use std::time::Duration;

use agent::{
    parts::{Exit, SpoolError},
    pretend::Script,
};
use shared::{
    id::RunId,
    job::{Isolation, MisfireRun, OnLost, OverlapPolicy},
    keys,
    node::Intent,
    run::{Reason, State},
    store::Store,
    units::Span,
};
use world::{World, clock, env, seconds, short};

#[tokio::test(start_paused = true)]
async fn jobs_of_each_place_fire_to_the_second() {
    let world = World::new();
    let a = world.host("a", short);
    let (exclusive, every) = (
        world.job("* * * * * *", |_| {}),
        world.every("*/5 * * * * *", |_| {}),
    );
    world.assign(&a, &exclusive).await;
    world.assign(&a, &every).await;
    let (_agent, _) = world.start(&a);
    a.until("10:00:20.500").await;

    let mut of_each: Vec<_> = [&exclusive, &every]
        .iter()
        .map(|j| j.spec.name.to_string())
        .map(|name| {
            let seen = a.processes.seen();
            let of_job = seen.iter().filter(|s| env(&s.launch, "GNOMON_JOB") == name);
            of_job
                .map(|s| env(&s.launch, "GNOMON_SCHEDULED_AT")[11..19].to_owned())
                .collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(of_each.remove(0), seconds(1, 20));
    assert_eq!(
        of_each.remove(0),
        ["10:00:05", "10:00:10", "10:00:15", "10:00:20"]
    );
    // Claimed ahead, so that nothing stands between the instant and the start.
    for seen in a.processes.seen() {
        let due = env(&seen.launch, "GNOMON_SCHEDULED_AT").parse().unwrap();
        assert!(
            seen.at.since(due) <= Duration::from_millis(2),
            "{due} at {}",
            seen.at
        );
    }
    assert_eq!(world.master.count(State::Succeeded), 24);
    assert_eq!(
        world.cursor(&exclusive).await.unwrap().at,
        "2026-11-21T10:00:21Z".parse().unwrap()
    );
}

#[tokio::test(start_paused = true)]
async fn a_slot_that_moves_fires_each_instant_once() {
    let world = World::new();
    let (a, b) = (world.host("a", short), world.host("b", short));
    let job = world.job("* * * * * *", |spec| spec.misfire.run = MisfireRun::All);
    world.assign(&a, &job).await;
    let (_a, _) = world.start(&a);
    let (_b, _) = world.start(&b);
    // At awkward moments: just before, at and just after an instant and its claim.
    for (n, at) in [
        "04.000", "07.990", "10.010", "13.500", "16.999", "20.051", "23.001",
    ]
    .iter()
    .enumerate()
    {
        a.until(&format!("10:00:{at}")).await;
        let (from, to) = if n % 2 == 0 { (&a, &b) } else { (&b, &a) };
        world.reassign(from, to, &job).await;
    }
    a.until("10:00:30.500").await;
    let mut all = [a.started(), b.started()].concat();
    all.sort();
    assert_eq!(all, seconds(1, 30));
    assert!(!a.started().is_empty() && !b.started().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_stale_slot_delays_no_other() {
    let world = World::new();
    let a = world.host("a", short);
    let jobs: Vec<_> = (0..60).map(|_| world.job("* * * * * *", |_| {})).collect();
    for job in &jobs {
        world.assign(&a, job).await;
    }
    let (_agent, _) = world.start(&a);
    a.until("10:00:05.500").await;
    // Somebody else moved a cursor; another slot was taken away and its news is slow.
    let cursor = world.cursor(&jobs[7]).await.unwrap();
    world.put(keys::cursor(jobs[7].job, 0), &cursor).await;
    world.unassign(&a, &jobs[9]).await;
    a.until("10:00:10.500").await;
    for seen in a.processes.seen() {
        let due: shared::time::Time = env(&seen.launch, "GNOMON_SCHEDULED_AT").parse().unwrap();
        assert!(
            seen.at.since(due) <= Duration::from_millis(2),
            "{due} at {}",
            seen.at
        );
    }
    let of = |n: usize| {
        let name = jobs[n].spec.name.to_string();
        a.processes
            .seen()
            .iter()
            .filter(|s| env(&s.launch, "GNOMON_JOB") == name)
            .count()
    };
    assert_eq!((of(0), of(7)), (10, 10));
    assert!((5..=6).contains(&of(9)), "{}", of(9));
}

/// An agent that dies between each two steps of a fire, at each of them.
#[tokio::test(start_paused = true)]
async fn an_agent_that_dies_at_any_moment_fires_each_instant_once() {
    for death in [
        "08.999", "09.000", "09.001", "09.300", "09.999", "10.000", "10.001", "10.050", "10.200",
    ] {
        let world = World::new();
        let a = world.host("a", short);
        let job = world.job("*/10 * * * * *", |_| {});
        let every = world.every("*/10 * * * * *", |_| {});
        world.assign(&a, &job).await;
        world.assign(&a, &every).await;
        let (agent, _) = world.start(&a);
        a.until(&format!("10:00:{death}")).await;
        drop(agent);
        a.until("10:00:13").await;
        let (_agent, _) = world.start(&a);
        a.until("10:00:25").await;
        let mut started = a.started();
        started.sort();
        assert_eq!(
            started,
            ["10:00:10", "10:00:10", "10:00:20", "10:00:20"],
            "died at {death}"
        );
        let ended: Vec<_> = world
            .master
            .runs()
            .into_iter()
            .filter(|r| *clock(r.scheduled_at) <= *"10:00:20")
            .collect();
        assert_eq!(ended.len(), 4, "died at {death}: {}", world.master.show());
        for run in ended {
            let how = (run.state, run.reason.clone());
            let is_fine = run.state == State::Succeeded || how == (State::Lost, Some(Reason::Vanished));
            assert!(is_fine, "died at {death}: {how:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_claim_without_an_answer_is_found_by_the_next_agent() {
    let world = World::new();
    let a = world.host("a", short);
    let job = world.job("*/10 * * * * *", |_| {});
    world.assign(&a, &job).await;
    let (agent, _) = world.start(&a);
    a.until("10:00:08.500").await;
    // The claim arrives, its answer does not, and then the agent dies.
    a.client.lose_replies();
    a.until("10:00:09.500").await;
    assert!(world.cursor(&job).await.is_some());
    drop(agent);
    a.client.heal();
    a.until("10:00:12").await;
    assert_eq!(a.started(), [""; 0]);
    let (_agent, _) = world.start(&a);
    a.until("10:00:14").await;
    assert_eq!(a.started(), ["10:00:10"]);
    assert_eq!(world.master.count(State::Succeeded), 1);
}

#[tokio::test(start_paused = true)]
async fn a_claim_without_an_answer_is_found_by_the_same_agent() {
    let world = World::new();
    let a = world.host("a", short);
    let job = world.job("* * * * * *", |spec| spec.misfire.run = MisfireRun::All);
    world.assign(&a, &job).await;
    let (_agent, _) = world.start(&a);
    for round in 0..5 {
        a.until(&format!("10:0{round}:05.500")).await;
        a.client.lose_replies();
        a.until(&format!("10:0{round}:08.700")).await;
        a.client.heal();
    }
    a.until("10:05:00.500").await;
    assert_eq!(a.started(), seconds(1, 300), "{}", world.master.show());
    a.until("10:05:02").await;
    assert!(
        world
            .master
            .runs()
            .iter()
            .filter(|r| *clock(r.scheduled_at) <= *"10:05:00")
            .all(|r| r.state == State::Succeeded)
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_dead_node_had_claimed_is_not_started_when_it_returns() {
    let world = World::new();
    let (a, b) = (world.host("a", short), world.host("b", short));
    let job = world.job("*/10 * * * * *", |_| {});
    world.assign(&a, &job).await;
    let (agent, _) = world.start(&a);
    let (_b, _) = world.start(&b);
    a.until("10:00:09.500").await;
    // Claimed, spooled, not started.
    drop(agent);
    // The lease ends, the leader gives the slot to another node, and it comes back even.
    a.until("10:00:25").await;
    assert!(world.node(&a).await.is_none());
    world.reassign(&a, &b, &job).await;
    a.until("10:00:26").await;
    world.reassign(&b, &a, &job).await;
    a.until("10:00:35").await;
    let (_agent, _) = world.start(&a);
    a.until("10:00:41").await;
    assert!(!a.started().contains(&"10:00:10".to_owned()), "{:?}", a.started());
    let run = world
        .master
        .runs()
        .into_iter()
        .find(|r| clock(r.scheduled_at) == "10:00:10")
        .unwrap();
    assert_eq!((run.state, run.reason), (State::Lost, Some(Reason::NodeGone)));
    let mut all = [a.started(), b.started()].concat();
    all.sort();
    assert_eq!(
        all,
        ["10:00:20", "10:00:30", "10:00:40"],
        "{}",
        world.master.show()
    );
}

#[tokio::test(start_paused = true)]
async fn a_running_process_is_taken_over_and_killed_with_its_tree() {
    let world = World::new();
    let a = world.host("a", |_| Script::lasting(Duration::from_secs(60)));
    let job = world.job("5 0 10 * * *", |_| {});
    world.assign(&a, &job).await;
    let (agent, _) = world.start(&a);
    a.until("10:00:07").await;
    drop(agent);
    a.until("10:00:09").await;
    let (_agent, _) = world.start(&a);
    a.until("10:00:12").await;
    let run = world.master.runs().remove(0);
    assert_eq!(run.state, State::Running);
    assert_eq!(a.processes.running(), 1);
    world.order_kill(&a, run.id).await;
    a.until("10:00:13").await;
    assert_eq!(a.processes.running(), 0);
    let run = world.master.run(run.id).unwrap();
    let by = Reason::KilledBy {
        by: "admin".into(),
        reason: "enough".into(),
    };
    assert_eq!((run.state, run.reason), (State::Killed, Some(by)));
    assert!(world.store.snapshot(keys::ORDERS).await.unwrap().kvs.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_host_that_restarts_loses_its_runs_and_retries_them_where_asked() {
    let world = World::new();
    let a = world.host("a", |_| Script::lasting(Duration::from_secs(5)));
    let fail = world.job("5 0 10 * * *", |_| {});
    // Of a slot's fire the leader orders the next attempt.
    let leader = world.job("5 0 10 * * *", |spec| spec.on_lost = OnLost::Retry);
    let retry = world.every("5 0 10 * * *", |spec| spec.on_lost = OnLost::Retry);
    for job in [&fail, &leader, &retry] {
        world.assign(&a, job).await;
    }
    let (agent, _) = world.start(&a);
    a.until("10:00:07").await;
    drop(agent);
    a.processes.reboot();
    a.until("10:00:09").await;
    let (_agent, _) = world.start(&a);
    a.until("10:00:20").await;
    let mut shown: Vec<String> = world.master.show().lines().map(str::to_owned).collect();
    shown.sort();
    expect_test::expect![[r#"
        10:00:05 #1 schedule lost started 10:00:05: its process was gone when the agent came back
        10:00:05 #1 schedule lost started 10:00:05: its process was gone when the agent came back
        10:00:05 #1 schedule lost started 10:00:05: its process was gone when the agent came back
        10:00:05 #2 lost succeeded started 10:00:09"#]]
    .assert_eq(&shown.join("\n"));
    let to_be_retried = |job: &shared::assign::Assignment| {
        let runs = world.master.runs();
        runs.iter()
            .any(|run| run.job == job.job && run.retry_at.is_some())
    };
    assert_eq!((to_be_retried(&fail), to_be_retried(&leader)), (false, true));
}

#[tokio::test(start_paused = true)]
async fn an_agent_cut_off_goes_on_with_every_node_jobs_alone() {
    let world = World::new();
    let a = world.host("a", short);
    let exclusive = world.job("* * * * * *", |spec| spec.misfire.run = MisfireRun::All);
    let every = world.every("* * * * * *", |_| {});
    world.assign(&a, &exclusive).await;
    world.assign(&a, &every).await;
    let (_agent, _) = world.start(&a);
    a.until("10:00:05.500").await;
    a.client.cut();
    a.until("10:00:40.500").await;
    let of = |job: &shared::assign::Assignment| {
        let name = job.spec.name.to_string();
        a.processes
            .seen()
            .iter()
            .filter(|s| env(&s.launch, "GNOMON_JOB") == name)
            .map(|s| env(&s.launch, "GNOMON_SCHEDULED_AT")[11..19].to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(of(&every), seconds(1, 40));
    assert!(of(&exclusive).len() <= 6, "{:?}", of(&exclusive));
    a.client.heal();
    a.until("10:01:00.500").await;
    assert_eq!(of(&every), seconds(1, 60));
    let mut caught_up = of(&exclusive);
    caught_up.sort();
    assert_eq!(caught_up, seconds(1, 60));
}

#[tokio::test(start_paused = true)]
async fn every_node_jobs_go_on_from_disk_without_a_store_or_a_master() {
    let world = World::new();
    let a = world.host("a", short);
    let every = world.every("* * * * * *", |_| {});
    world.assign(&a, &every).await;
    let (agent, _) = world.start(&a);
    a.until("10:00:05.500").await;
    a.client.cut();
    world.master.down(true);
    drop(agent);
    let (agent, _) = world.start(&a);
    a.until("10:00:15.500").await;
    assert_eq!(a.started(), seconds(1, 15));
    assert!(!agent.is_registered());
    world.master.down(false);
    a.until("10:00:50").await;
    let runs = world.master.runs();
    let reported: Vec<String> = runs.iter().map(|r| clock(r.scheduled_at)).collect();
    assert_eq!(reported[..49], seconds(1, 49));
    assert!(
        runs[..48].iter().all(|r| r.state == State::Succeeded),
        "{}",
        world.master.show()
    );
}

#[tokio::test(start_paused = true)]
async fn isolation_kills_at_the_deadline_and_finish_does_not() {
    let world = World::new();
    let a = world.host("a", |_| Script::lasting(Duration::from_secs(300)));
    let isolated = world.job("5 0 10 * * *", |spec| spec.isolation = Isolation::Kill);
    let finishing = world.job("5 0 10 * * *", |_| {});
    world.assign(&a, &isolated).await;
    world.assign(&a, &finishing).await;
    let (_agent, _) = world.start(&a);
    a.until("10:00:06").await;
    assert_eq!(a.processes.running(), 2);
    a.client.cut();
    a.until("10:00:20").await;
    assert_eq!(a.processes.running(), 1);
    assert!(world.node(&a).await.is_none());
    let killed = world
        .master
        .runs()
        .into_iter()
        .find(|r| r.state == State::Killed)
        .unwrap();
    assert_eq!(
        (killed.job, killed.reason),
        (isolated.job, Some(Reason::Isolation))
    );
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_misses_fires_and_says_so() {
    let world = World::new();
    let a = world.host("a", short);
    let every = world.every("* * * * * *", |spec| spec.misfire.within = Span::from_secs(2));
    let exclusive = world.job("*/10 * * * * *", |_| {});
    world.assign(&a, &every).await;
    world.assign(&a, &exclusive).await;
    let (_agent, _) = world.start(&a);
    a.until("10:00:05.500").await;
    a.spool.fail_with(Some(SpoolError::DiskFull));
    a.until("10:00:15.500").await;
    let while_full = a.started().len();
    a.spool.fail_with(None);
    a.until("10:00:21.500").await;
    assert!(while_full <= 7, "{while_full}");
    let shown = world.master.show();
    assert!(
        shown.contains("missed: the agent could not write its spool: the spool's disk is full"),
        "{shown}"
    );
    // Every instant is explained, once.
    let name = every.job;
    let explained: Vec<String> = world
        .master
        .runs()
        .iter()
        .filter(|r| r.job == name)
        .map(|r| clock(r.scheduled_at))
        .collect();
    assert_eq!(explained[..21], seconds(1, 21));
    assert!(
        world
            .master
            .runs()
            .iter()
            .filter(|r| *clock(r.scheduled_at) <= *"10:00:20")
            .all(|r| r.state.is_end()),
        "{shown}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_clean_stop_finishes_what_runs_and_gives_the_slots_back() {
    let world = World::new();
    let a = world.host("a", |launch| {
        let is_long = env(launch, "GNOMON_JOB") == "j2";
        Script::lasting(Duration::from_secs(if is_long { 300 } else { 8 }))
    });
    let short = world.job("5 0 10 * * *", |_| {});
    let long = world.job("5 0 10 * * *", |_| {});
    let next = world.job("7 0 10 * * *", |_| {});
    let later = world.job("9 0 10 * * *", |_| {});
    for job in [&short, &long, &next, &later] {
        world.assign(&a, job).await;
    }
    let (agent, cancel) = world.start(&a);
    a.until("10:00:06.500").await;
    cancel.cancel();
    a.until("10:00:08").await;
    // The leader may move the slots at once; what was claimed is started all the same.
    assert!(world.node(&a).await.unwrap().leaving);
    assert_eq!(a.processes.running(), 3);
    agent.wait().await.unwrap();
    assert!(world.node(&a).await.is_none());
    expect_test::expect![[r#"
        10:00:05 #1 schedule succeeded started 10:00:05
        10:00:05 #1 schedule killed started 10:00:05: the agent was stopped
        10:00:07 #1 schedule succeeded started 10:00:07
    "#]]
    .assert_eq(&sorted_by_job(&world));
}

fn sorted_by_job(world: &World) -> String {
    let mut runs = world.master.runs();
    runs.sort_by_key(|r| (r.scheduled_at, r.job));
    let show = |r: &shared::report::Run| {
        let reason = r.reason.as_ref().map(|r| format!(": {r}")).unwrap_or_default();
        let started = r
            .started_at
            .map(|t| format!(" started {}", clock(t)))
            .unwrap_or_default();
        format!(
            "{} #{} {} {}{started}{reason}\n",
            clock(r.scheduled_at),
            r.attempt,
            r.cause.as_str(),
            r.state
        )
    };
    runs.iter().map(show).collect()
}

#[tokio::test(start_paused = true)]
async fn orders_run_once_with_their_environment() {
    let world = World::new();
    let a = world.host("a", short);
    let job = world.job("", |_| {});
    world.assign(&a, &job).await;
    let (agent, _) = world.start(&a);
    a.until("10:00:02").await;
    let order = world.order(&a, &job);
    world.order_run(&a, &order).await;
    a.until("10:00:03").await;
    assert_eq!(a.processes.seen().len(), 1);
    assert_eq!(env(&a.processes.seen()[0].launch, "WHO"), "me");
    assert_eq!(env(&a.processes.seen()[0].launch, "GNOMON_CAUSE"), "manual");
    assert_eq!(world.master.run(order.first).unwrap().state, State::Succeeded);
    // An order that the agent took and could not delete is not carried out before it is.
    let order = world.order(&a, &job);
    a.client.lose_replies();
    world.order_run(&a, &order).await;
    a.until("10:00:05").await;
    drop(agent);
    a.client.heal();
    let (_agent, _) = world.start(&a);
    a.until("10:00:08").await;
    assert_eq!(a.processes.seen().len(), 2);
    assert_eq!(world.master.run(order.first).unwrap().state, State::Succeeded);
    assert!(world.store.snapshot(keys::ORDERS).await.unwrap().kvs.is_empty());
}

#[tokio::test(start_paused = true)]
async fn clocks_that_step_refire_nothing() {
    let world = World::new();
    let a = world.host("a", short);
    let (exclusive, every) = (
        world.job("* * * * * *", |_| {}),
        world.every("* * * * * *", |_| {}),
    );
    world.assign(&a, &exclusive).await;
    world.assign(&a, &every).await;
    let (_agent, _) = world.start(&a);
    a.until("10:00:10.500").await;
    a.step_clock(-5_000);
    a.until("10:00:20.500").await;
    a.step_clock(30_000);
    a.until("10:01:00.500").await;
    let mut started = a.started();
    started.sort();
    let before = started.len();
    started.dedup();
    // Each instant at most twice in all: once for each of the two jobs.
    assert!(before <= 2 * started.len());
    for job in [&exclusive, &every] {
        let mut instants: Vec<RunId> = world
            .master
            .runs()
            .iter()
            .filter(|r| r.job == job.job)
            .map(|r| r.id)
            .collect();
        let all = instants.len();
        instants.dedup();
        assert_eq!(instants.len(), all);
        let explained: Vec<String> = world
            .master
            .runs()
            .iter()
            .filter(|r| r.job == job.job)
            .map(|r| clock(r.scheduled_at))
            .collect();
        assert_eq!(explained[..60], seconds(1, 60));
    }
    assert!(world.master.count(State::Skipped) >= 50);
}

#[tokio::test(start_paused = true)]
async fn a_second_agent_of_the_same_name_is_refused() {
    let world = World::new();
    let (a, other) = (world.host("a", short), {
        let mut other = world.host("aa", short);
        other.id = "a".parse().unwrap();
        other
    });
    let (_a, _) = world.start(&a);
    a.until("10:00:02").await;
    let (second, _) = world.start(&other);
    let error = second.wait().await.unwrap_err().to_string();
    assert!(
        error.contains("another agent is registered as node `a`"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn cordoned_nodes_fire_no_every_node_jobs() {
    let world = World::new();
    let a = world.host("a", short);
    let every = world.every("* * * * * *", |_| {});
    world.assign(&a, &every).await;
    let (_agent, _) = world.start(&a);
    a.until("10:00:05.500").await;
    world
        .put(
            keys::intent(&a.id),
            &Intent {
                cordoned: true,
                ..Intent::default()
            },
        )
        .await;
    a.until("10:00:15.500").await;
    world.put(keys::intent(&a.id), &Intent::default()).await;
    a.until("10:00:20.500").await;
    let started = a.started();
    assert_eq!(started, [seconds(1, 6), seconds(16, 20)].concat());
    assert_eq!(world.master.runs().len(), 12, "{}", world.master.show());
}

#[tokio::test(start_paused = true)]
async fn overlap_retries_and_timeouts_end_as_the_job_says() {
    let world = World::new();
    let a = world.host("a", |launch| {
        let attempt = env(launch, "GNOMON_ATTEMPT");
        match env(launch, "GNOMON_JOB").as_str() {
            "j1" => Script::lasting(Duration::from_millis(2500)),
            "j2" if attempt != "3" => Script {
                exit: Exit::Code(1),
                ..short(launch)
            },
            "j3" => Script {
                ignores_term: true,
                ..Script::lasting(Duration::from_secs(99))
            },
            _ => short(launch),
        }
    });
    let queue = world.job("1-3 0 10 * * *", |spec| {
        (spec.overlap.policy, spec.overlap.queue) = (OverlapPolicy::Queue, 1);
    });
    let retry = world.job("1 0 10 * * *", |spec| {
        (spec.retry.attempts, spec.retry.backoff) = (3, Span::from_secs(2));
    });
    let timeout = world.job("1 0 10 * * *", |spec| {
        (spec.run.timeout, spec.run.grace) = (Some(Span::from_secs(3)), Span::from_secs(2));
    });
    for job in [&queue, &retry, &timeout] {
        world.assign(&a, job).await;
    }
    let (_agent, _) = world.start(&a);
    a.until("10:00:30").await;
    expect_test::expect![[r#"
        10:00:01 #1 schedule succeeded started 10:00:01
        10:00:01 #1 schedule failed started 10:00:01: exited with code 1
        10:00:01 #2 retry failed started 10:00:03.100: exited with code 1
        10:00:01 #3 retry succeeded started 10:00:07.200
        10:00:01 #1 schedule timed_out started 10:00:01: ran longer than its timeout of 3s
        10:00:02 #1 schedule succeeded started 10:00:03.500
        10:00:03 #1 schedule skipped: 1 of the job's runs still going on, 1 waiting
    "#]]
    .assert_eq(&sorted_by_job(&world));
    let timed_out = world
        .master
        .runs()
        .into_iter()
        .find(|r| r.state == State::TimedOut)
        .unwrap();
    assert_eq!(timed_out.signal, Some(9));
    assert_eq!(clock(timed_out.finished_at.unwrap()), "10:00:06");
}

#[tokio::test(start_paused = true)]
async fn a_long_backlog_is_caught_up_in_order_and_in_parts() {
    let world = World::new();
    let a = world.host("a", short);
    let job = world.job("* * * * * *", |spec| spec.misfire.run = MisfireRun::All);
    world.assign(&a, &job).await;
    a.until("10:10:00.500").await;
    let (agent, _) = world.start(&a);
    a.until("10:10:05").await;
    // A hundred at a time, not all that are due.
    assert!(
        (100..=250).contains(&agent.counts().queued),
        "{:?}",
        agent.counts()
    );
    a.until("10:15:00.500").await;
    let shown = world.master.show();
    let odd: Vec<&str> = shown.lines().filter(|l| !l.contains("succeeded")).collect();
    assert_eq!(a.started(), seconds(1, 900), "{odd:#?}");
}

/// What became of each instant of a job: `07 missed`, in order.
fn fates(world: &World, job: shared::id::JobId) -> Vec<(String, State, Option<Reason>)> {
    let runs = world.master.runs().into_iter().filter(|r| r.job == job);
    let mut fates: Vec<_> = runs.map(|r| (clock(r.scheduled_at), r.state, r.reason)).collect();
    fates.sort_by(|a, b| a.0.cmp(&b.0));
    fates
}

fn disk_is_named(reason: &Option<Reason>) -> bool {
    reason.as_ref().is_some_and(|reason| {
        reason.to_string() == "the agent could not write its spool: the spool's disk is full"
    })
}

#[tokio::test(start_paused = true)]
async fn misfire_rules_decide_what_becomes_of_fires_on_a_full_disk() {
    let world = World::new();
    let a = world.host("a", short);
    let job = |is_every: bool, run: MisfireRun| {
        let edit = |spec: &mut shared::job::JobSpec| {
            spec.misfire.run = run;
            (spec.overlap.policy, spec.overlap.limit) = (OverlapPolicy::Allow, 20);
        };
        match is_every {
            true => world.every("* * * * * *", edit),
            false => world.job("* * * * * *", edit),
        }
    };
    let kinds = [MisfireRun::None, MisfireRun::All, MisfireRun::Once];
    let jobs: Vec<_> = [true, false]
        .into_iter()
        .flat_map(|is_every| kinds.map(|kind| (kind, job(is_every, kind))))
        .collect();
    for (_, job) in &jobs {
        world.assign(&a, job).await;
    }
    let (_agent, _) = world.start(&a);
    a.until("10:00:05.500").await;
    a.spool.fail_with(Some(SpoolError::DiskFull));
    a.until("10:00:15.500").await;
    assert!(!a.started().contains(&"10:00:08".to_owned()), "{:?}", a.started());
    a.spool.fail_with(None);
    a.until("10:00:25.500").await;
    for (kind, job) in &jobs {
        let mut fates = fates(&world, job.job);
        fates.truncate(24);
        let instants: Vec<String> = fates.iter().map(|f| f.0.clone()).collect();
        assert_eq!(instants, seconds(1, 24), "{kind:?}: {}", world.master.show());
        for (at, state, reason) in &fates {
            let is_held_up = ("10:00:08".."10:00:14").contains(&at.as_str());
            let is_fine = match (kind, is_held_up) {
                // Each is the disk's, and none starts late.
                (MisfireRun::None, true) => *state == State::Missed && disk_is_named(reason),
                (MisfireRun::All, _) => *state == State::Succeeded,
                (MisfireRun::Once, true) => *state == State::Skipped && *reason == Some(Reason::Superseded),
                (_, false) => match state {
                    State::Succeeded => true,
                    State::Missed => *kind == MisfireRun::None && disk_is_named(reason),
                    State::Skipped => *reason == Some(Reason::Superseded),
                    _ => false,
                },
            };
            assert!(is_fine, "{kind:?} {:?} at {at}: {state} {reason:?}", job.slot);
        }
        let caught_up = world.master.runs();
        let caught_up = caught_up
            .iter()
            .filter(|r| r.job == job.job && r.cause == shared::run::Cause::CatchUp);
        let most = match kind {
            MisfireRun::None => 0,
            MisfireRun::Once => 1,
            MisfireRun::All => 10,
        };
        let caught_up = caught_up.count();
        assert!(caught_up <= most, "{kind:?}: {caught_up} caught up");
        assert!(*kind != MisfireRun::All || caught_up >= 6, "{caught_up}");
    }
    let mut started = a.started();
    let all = started.len();
    started.sort();
    let each: std::collections::BTreeSet<_> = a.processes.seen().iter().map(|s| s.launch.run).collect();
    assert_eq!(each.len(), all, "each once");
}

#[tokio::test(start_paused = true)]
async fn a_slot_that_is_new_on_a_full_disk_is_not_forgotten() {
    let world = World::new();
    let a = world.host("a", short);
    let (_agent, _) = world.start(&a);
    a.until("10:00:02").await;
    a.spool.fail_with(Some(SpoolError::DiskFull));
    let job = world.job("* * * * * *", |spec| spec.misfire.run = MisfireRun::All);
    world.assign(&a, &job).await;
    a.until("10:00:08").await;
    assert_eq!(a.started(), [""; 0]);
    a.spool.fail_with(None);
    a.until("10:00:20.500").await;
    assert_eq!(a.started(), seconds(1, 20));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_marked_does_not_start_and_is_caught_up_or_missed() {
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    };
    let is_full = Arc::new(AtomicBool::new(false));
    let world = World::new();
    let disk = is_full.clone();
    let a = world.host("a", move |launch| {
        let is_full = disk.load(Ordering::SeqCst);
        let error = agent::parts::StartError::Unmarked(SpoolError::DiskFull);
        Script {
            error: is_full.then_some(error),
            ..short(launch)
        }
    });
    let kinds = [MisfireRun::None, MisfireRun::All, MisfireRun::Once];
    let job = |kind| {
        world.every("* * * * * *", |spec| {
            spec.misfire.run = kind;
            (spec.overlap.policy, spec.overlap.limit) = (OverlapPolicy::Allow, 20);
        })
    };
    let jobs = kinds.map(|kind| (kind, job(kind)));
    for (_, job) in &jobs {
        world.assign(&a, job).await;
    }
    let (_agent, _) = world.start(&a);
    a.until("10:00:05.500").await;
    is_full.store(true, Ordering::SeqCst);
    a.until("10:00:15.500").await;
    is_full.store(false, Ordering::SeqCst);
    a.until("10:00:25.500").await;
    for (kind, job) in &jobs {
        let mut fates = fates(&world, job.job);
        fates.truncate(24);
        let instants: Vec<String> = fates.iter().map(|f| f.0.clone()).collect();
        assert_eq!(instants, seconds(1, 24), "{kind:?}: {}", world.master.show());
        for (at, state, reason) in &fates {
            let is_fine = match (kind, state) {
                (_, State::Succeeded) => true,
                (MisfireRun::None, State::Missed) => disk_is_named(reason),
                (MisfireRun::Once, State::Skipped) => *reason == Some(Reason::Superseded),
                _ => false,
            };
            assert!(is_fine, "{kind:?} at {at}: {state} {reason:?}");
            let is_held_up = ("10:00:06".."10:00:14").contains(&at.as_str());
            assert!(
                !is_held_up || *kind != MisfireRun::None || *state == State::Missed,
                "{at} started: {}",
                world.master.show()
            );
        }
        let late = world.master.runs();
        let late = late
            .iter()
            .filter(|r| r.job == job.job && r.cause == shared::run::Cause::CatchUp)
            .count();
        let is_fine = match kind {
            MisfireRun::None => late == 0,
            // One of those that the spool had, and one of those that it did not take.
            MisfireRun::Once => (1..=2).contains(&late),
            MisfireRun::All => late >= 8,
        };
        assert!(is_fine, "{kind:?}: {late} caught up: {}", world.master.show());
    }
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_returns_kills_what_wants_isolation_unless_its_lease_never_lapsed() {
    for (away_secs, is_cut, survives) in [(3, false, true), (30, false, false), (3, true, false)] {
        let world = World::new();
        let a = world.host("a", |_| Script::lasting(Duration::from_secs(300)));
        let isolated = world.job("5 0 10 * * *", |spec| spec.isolation = Isolation::Kill);
        let finishing = world.job("5 0 10 * * *", |_| {});
        world.assign(&a, &isolated).await;
        world.assign(&a, &finishing).await;
        let (agent, _) = world.start(&a);
        a.until("10:00:06").await;
        assert_eq!(a.processes.running(), 2);
        drop(agent);
        a.until(&format!("10:00:{:02}", 6 + away_secs)).await;
        if is_cut {
            a.client.cut();
        }
        let (agent, _) = world.start(&a);
        a.until(&format!("10:00:{:02}", 7 + away_secs)).await;
        let left = if survives || is_cut { 2 } else { 1 };
        assert_eq!(
            a.processes.running(),
            left,
            "after {away_secs} s, a second after its return"
        );
        // Without a registration at all, until the lease has certainly lapsed.
        a.until(&format!("10:00:{:02}", 18 + away_secs)).await;
        assert_eq!(
            a.processes.running(),
            if survives { 2 } else { 1 },
            "after {away_secs} s, cut {is_cut}"
        );
        a.client.heal();
        a.until("10:00:55").await;
        let of = |job| world.master.runs().into_iter().find(|r| r.job == job).unwrap();
        assert_eq!(of(finishing.job).state, State::Running);
        let run = of(isolated.job);
        match survives {
            true => assert_eq!(run.state, State::Running),
            false => assert_eq!((run.state, run.reason), (State::Killed, Some(Reason::Isolation))),
        }
        if survives {
            // The next one finds the registration that this one made, not the first.
            drop(agent);
            a.until("10:00:57").await;
            let (_agent, _) = world.start(&a);
            a.until("10:01:30").await;
            assert_eq!(a.processes.running(), 2);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_fire_that_was_prepared_does_not_start_in_a_job_that_is_paused() {
    let world = World::new();
    let a = world.host("a", short);
    let jobs = [
        world.job("*/10 * * * * *", |_| {}),
        world.every("*/10 * * * * *", |_| {}),
    ];
    for job in &jobs {
        world.assign(&a, job).await;
    }
    let (_agent, _) = world.start(&a);
    let pause = async |is_paused: bool| {
        for job in &jobs {
            let mut job = job.clone();
            job.spec.paused = is_paused;
            // As the leader does it.
            job.since = a.host.now();
            world.assign(&a, &job).await;
        }
    };
    a.until("10:00:09.500").await;
    assert_eq!(
        world.cursor(&jobs[0]).await.unwrap().at,
        "2026-11-21T10:00:10Z".parse().unwrap()
    );
    pause(true).await;
    a.until("10:00:25").await;
    pause(false).await;
    // Paused and resumed before the instant: as if nothing had been.
    a.until("10:00:29.400").await;
    pause(true).await;
    a.until("10:00:29.600").await;
    pause(false).await;
    a.until("10:00:31").await;
    assert_eq!(a.started(), ["10:00:30", "10:00:30"], "{}", world.master.show());
    for job in &jobs {
        let fates = fates(&world, job.job);
        assert_eq!(
            fates[0],
            ("10:00:10".to_owned(), State::Skipped, Some(Reason::Paused)),
            "{}",
            world.master.show()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_order_for_an_attempt_that_the_node_has_made_itself_starts_nothing() {
    let world = World::new();
    let a = world.host("a", |launch| Script {
        exit: Exit::Code(if env(launch, "GNOMON_ATTEMPT") == "1" {
            1
        } else {
            0
        }),
        ..short(launch)
    });
    let job = world.job("5 0 10 * * *", |spec| {
        spec.retry.attempts = 2;
        spec.retry.backoff = Span::from_secs(2);
    });
    world.assign(&a, &job).await;
    let (_agent, _) = world.start(&a);
    a.until("10:00:05.050").await;
    // Nobody hears of what it does; the leader orders the second attempt, too.
    world.master.down(true);
    a.until("10:00:15").await;
    assert_eq!(a.started(), ["10:00:05", "10:00:05"]);
    let mut order = world.order(&a, &job);
    let first = a.processes.seen()[0].launch.run;
    (order.first, order.attempt) = (first, 2);
    let write = shared::assign::Order {
        run: first.attempt(2),
        kind: shared::assign::OrderKind::Run(Box::new(order)),
        by: "leader".into(),
        at: a.host.now(),
    };
    let key = keys::order(&a.id, first.attempt(2));
    world.put(key.clone(), &write).await;
    a.until("10:00:20").await;
    assert_eq!(a.started().len(), 2, "made twice");
    assert!(world.store.snapshot(keys::ORDERS).await.unwrap().kvs.is_empty());
    // Neither right after a master has heard of it.
    world.master.down(false);
    a.until("10:00:55").await;
    assert_eq!(
        world.master.run(first.attempt(2)).unwrap().state,
        State::Succeeded
    );
    world.put(key, &write).await;
    a.until("10:01:05").await;
    assert_eq!(a.started().len(), 2, "made twice");
    assert!(world.store.snapshot(keys::ORDERS).await.unwrap().kvs.is_empty());
}

/// The instants from one second to before another are covered.
fn blackout(revision: i64, from: u32, to: u32) -> shared::calendar::Inlined {
    let yaml = format!("name: quiet\nweekly: [{{from: 10:00:{from:02}, to: 10:00:{to:02}}}]");
    let named = shared::calendar::parse(&yaml, shared::file::Format::Yaml)
        .unwrap()
        .remove(0);
    let calendar = shared::calendar::InlinedCalendar {
        revision,
        calendar: named.calendar.into(),
    };
    [(named.name, calendar)].into()
}

#[tokio::test(start_paused = true)]
async fn what_a_calendar_covers_is_skipped_with_its_name_and_an_edit_of_it_counts() {
    let world = World::new();
    let a = world.host("a", short);
    let mut exclusive = world.job("* * * * * *", |spec| {
        spec.calendars.exclude = ["quiet".parse().unwrap()].into();
        spec.misfire.run = MisfireRun::All;
    });
    let mut every = world.every("* * * * * *", |spec| {
        spec.calendars.exclude = ["quiet".parse().unwrap()].into();
    });
    let since = exclusive.since;
    for job in [&mut exclusive, &mut every] {
        job.calendars = blackout(1, 5, 10);
        world.assign(&a, job).await;
    }
    let (_agent, _) = world.start(&a);
    a.until("10:00:12.500").await;
    // The leader writes the assignment anew, in place.
    for job in [&mut exclusive, &mut every] {
        job.calendars = blackout(2, 15, 18);
        world.assign(&a, job).await;
    }
    a.until("10:00:20.500").await;
    let open = [seconds(1, 4), seconds(10, 14), seconds(18, 20)].concat();
    for job in [&exclusive, &every] {
        let runs: Vec<_> = world
            .master
            .runs()
            .into_iter()
            .filter(|run| run.job == job.job)
            .collect();
        let of = |state| {
            let all = runs.iter().filter(|run| run.state == state);
            let mut all: Vec<String> = all.map(|run| clock(run.scheduled_at)[..8].to_owned()).collect();
            all.sort();
            all
        };
        assert_eq!(of(State::Succeeded), open, "{}", world.master.show());
        assert_eq!(of(State::Skipped), [seconds(5, 9), seconds(15, 17)].concat());
        let skipped = runs.iter().filter(|run| run.state == State::Skipped);
        let quiet = Reason::Blackout {
            calendar: "quiet".into(),
        };
        assert!(skipped.into_iter().all(|run| run.reason.as_ref() == Some(&quiet)));
    }
    // Each instant was started once, by both jobs.
    let mut twice = [open.clone(), open].concat();
    twice.sort();
    let mut started = a.started();
    started.sort();
    assert_eq!(started, twice);
    let cursor = world.cursor(&exclusive).await.unwrap();
    assert_eq!(cursor.at, "2026-11-21T10:00:21Z".parse().unwrap());
    assert_eq!(exclusive.since, since);
}
