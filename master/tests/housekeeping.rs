//! Housekeeping: what it does, and that only the leader's does it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

#[path = "intake/gate.rs"]
#[allow(dead_code, reason = "the intake's tests use the rest")]
mod gate;
#[path = "history/sample.rs"]
#[allow(dead_code, reason = "the history's tests use the rest")]
mod sample;

use std::{
    sync::{Arc, Mutex, atomic::Ordering},
    time::Duration,
};

use gate::Gate;
use master::{
    history::{History, MemoryHistory, Seen},
    housekeeping::{Bounds, Findings, Housekeeping, Task},
};
use sample::{NOON, at, chunk, in_state, job, run};
use shared::{
    history::{Late, Overdue},
    host::{Clock, Host},
    job::{Author, Job, JobSpec, Keep, RunSpec, Trigger},
    keys,
    report::{Range, Run},
    run::State,
    store::{DynStore, Txn, Write, embedded::Embedded, mirror::Mirror},
    time::Time,
    units::Span,
};
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

struct Hand(Mutex<Time>);

impl Clock for Hand {
    fn now(&self) -> Time {
        *self.0.lock().unwrap()
    }
}

struct House {
    history: Arc<MemoryHistory>,
    store: DynStore,
    jobs: Mirror<Job>,
    clock: Arc<Hand>,
    keeping: Housekeeping,
}

impl House {
    fn new(bounds: Bounds) -> House {
        let history = Arc::new(MemoryHistory::new());
        let store: DynStore = Arc::new(Embedded::memory().client());
        let jobs = mirror(&store);
        let clock = Arc::new(Hand(Mutex::new(NOON)));
        let host = Host {
            clock: clock.clone(),
            random: Host::system().random,
        };
        let keeping = Housekeeping::new(history.clone(), store.clone(), jobs.clone(), host, bounds);
        House {
            history,
            store,
            jobs,
            clock,
            keeping,
        }
    }

    async fn put(&self, key: String, value: Vec<u8>) {
        let writes = vec![Write::Put {
            key,
            value,
            lease: None,
        }];
        self.store
            .txn(Txn {
                compares: vec![],
                writes,
            })
            .await
            .unwrap();
    }

    /// Saves job `n`.
    async fn save(&self, n: u64, change: impl FnOnce(&mut JobSpec)) {
        let shell = serde_json::from_str::<RunSpec>(r#"{"shell": "true"}"#).unwrap();
        let mut spec = JobSpec::new(format!("job-{n}").parse().unwrap(), shell);
        spec.namespace = "ops".parse().unwrap();
        change(&mut spec);
        let author = Author {
            by: "test".into(),
            at: at(-86_400),
        };
        let job = Job::create(job(n), spec, author);
        self.put(keys::job(&job.spec.path()), serde_json::to_vec(&job).unwrap())
            .await;
        self.jobs.refresh().await;
    }

    async fn secs(&self, n: u64) -> Vec<i64> {
        let runs = self.history.all().into_iter().filter(|run| run.job == job(n));
        let mut secs: Vec<i64> = runs
            .map(|run| run.scheduled_at.as_secs() - NOON.as_secs())
            .collect();
        secs.sort_unstable();
        secs
    }
}

fn mirror(store: &DynStore) -> Mirror<Job> {
    Mirror::spawn(store.clone(), keys::JOBS, |kv| {
        serde_json::from_slice(&kv.value).map_err(|e| e.to_string())
    })
}

#[tokio::test]
async fn each_job_keeps_what_it_asks_for() {
    let house = House::new(Bounds::default());
    house
        .save(1, |spec| {
            spec.keep = Keep {
                runs: 3,
                span: Span::from_secs(30 * 86_400),
            }
        })
        .await;
    house
        .save(2, |spec| {
            spec.keep = Keep {
                runs: 1000,
                span: Span::from_secs(2 * 3600),
            }
        })
        .await;
    // Job 3 has been deleted.
    let hours = |n| (0..10).map(move |hour| run(n, -hour * 3600 - 60));
    let runs: Vec<Run> = hours(1).chain(hours(2)).chain(hours(3)).collect();
    house.history.record(&runs, &[]).await.unwrap();
    // Many a minute: the last hour is spared.
    let busy: Vec<Run> = (0..100).map(|n| run(1, -n * 30 - 5)).collect();
    house.history.record(&busy, &[]).await.unwrap();

    house.keeping.run(Task::Retention).await.unwrap();
    let left = house.secs(1).await;
    assert_eq!((left.len(), left[0]), (101, -2975), "{left:?}");
    assert_eq!(house.secs(2).await, [-3660, -60]);
    assert_eq!(house.secs(3).await.len(), 10);
}

#[tokio::test]
async fn the_bounds_hold_for_all() {
    let bounds = Bounds {
        runs: 8,
        run_days: 2,
        statistics_hours_days: 1,
        statistics_days_days: 3,
    };
    let house = House::new(bounds);
    house.save(1, |_| ()).await;
    let days: Vec<Run> = (1..=5).map(|day| run(1, -day * 86_400 - 1)).collect();
    let hours: Vec<Run> = (1..=20).map(|n| run(2, -n * 3600 - 1)).collect();
    let stuck = in_state(&run(3, -3 * 86_400), State::Running);
    let fresh_stuck = in_state(&run(3, -86_400), State::Running);
    house
        .history
        .record(&[days, hours, vec![stuck, fresh_stuck]].concat(), &[])
        .await
        .unwrap();
    house
        .history
        .record(
            &[],
            &[chunk(&run(9, -2 * 86_400), 0, b"x"), chunk(&run(9, -5), 0, b"x")],
        )
        .await
        .unwrap();
    let word = |node: &str, secs: i64| {
        let seen = Seen {
            boot: "b1".to_owned(),
            health: None,
            clock_offset_ms: 0,
            at: at(secs),
        };
        (node.parse().unwrap(), seen)
    };
    let nodes = [word("gone", -2 * 86_400 - 1), word("off", -86_400)];
    house.history.note_seen(&nodes.into()).await.unwrap();

    house.keeping.run(Task::Bounds).await.unwrap();
    assert_eq!(
        house.history.seen(10).await.unwrap(),
        [word("off", -86_400)].into()
    );
    assert!(house.secs(1).await.is_empty());
    assert_eq!(house.secs(2).await.len(), 8);
    assert_eq!(
        house.secs(3).await,
        [-86_400],
        "what has not ended stays until it is too old"
    );
    assert_eq!(
        house
            .history
            .output(run(9, -2 * 86_400).id, 0, 9)
            .await
            .unwrap()
            .len(),
        0
    );
    assert_eq!(house.history.output(run(9, -5).id, 0, 9).await.unwrap().len(), 1);
    let sums = house.history.sums_after(None, 1000).await.unwrap();
    let oldest = |step: &str| {
        sums.iter()
            .filter(|s| s.step.as_str() == step)
            .map(|s| s.at)
            .min()
            .unwrap()
    };
    assert_eq!(oldest("hour"), at(-20 * 3600 - 3600));
    assert_eq!(oldest("day"), at(-2 * 86_400 - 43_200));
}

#[tokio::test]
async fn expired_sessions_go() {
    let house = House::new(Bounds::default());
    for n in 0..250 {
        // Every other one has expired.
        let session = format!(
            r#"{{"user":"u","created_at":"{NOON}","expires_at":"{}"}}"#,
            at(if n % 2 == 0 { 0 } else { 1 })
        );
        house
            .put(format!("{}{n:03}", keys::SESSIONS), session.into_bytes())
            .await;
    }
    house
        .put(format!("{}other", keys::SESSIONS), b"{}".to_vec())
        .await;
    house.keeping.run(Task::Sessions).await.unwrap();
    let left = house.store.snapshot(keys::SESSIONS).await.unwrap().kvs;
    assert_eq!(left.len(), 126);
    assert!(
        left.iter()
            .all(|kv| !String::from_utf8_lossy(&kv.value).contains(&format!("\"{NOON}\"}}")))
    );
}

#[tokio::test]
async fn late_and_overdue_are_found() {
    let house = House::new(Bounds::default());
    // Job 1 usually takes two seconds, job 2 has no habits, job 3 takes an hour.
    let mut past: Vec<Run> = (1..=20).map(|n| run(1, -n * 3600)).collect();
    past.extend((1..=3).map(|n| run(2, -n * 3600)));
    past.extend((1..=20).map(|n| Run {
        finished_at: Some(at(-n * 3600 + 3600)),
        ..run(3, -n * 3600)
    }));
    let running: Vec<Run> = [1, 2, 3]
        .iter()
        .map(|n| in_state(&run(*n, -600), State::Running))
        .collect();
    house
        .history
        .record(&[past, running.clone()].concat(), &[])
        .await
        .unwrap();

    // Each hour. Of 4 all is recorded, of 5 nothing since ten, 6 and 7 do not count, of 8 a
    // range; 9 was due a moment ago.
    for n in 4..=8 {
        house
            .save(n, |spec| {
                spec.triggers = vec![Trigger::cron("0 * * * *").unwrap()];
                spec.paused = n == 6;
                if n == 7 {
                    spec.target = serde_json::from_str(r#"{"place": "every"}"#).unwrap();
                }
            })
            .await;
    }
    house
        .save(9, |spec| {
            spec.triggers = vec![Trigger::cron("55 11 * * *").unwrap()]
        })
        .await;
    let range = Some(Range {
        until: at(-3600),
        count: 2,
    });
    let recorded = [
        run(4, -3600),
        run(5, -7200),
        Run {
            range,
            ..in_state(&run(8, -7200), State::Missed)
        },
    ];
    house.history.record(&recorded, &[]).await.unwrap();
    house.keeping.run(Task::Statistics).await.unwrap();
    house.keeping.run(Task::Checks).await.unwrap();

    let late = Late {
        run: running[0].id,
        job: "ops/job-1".parse().unwrap(),
        node: "node-1".parse().unwrap(),
        started_at: running[0].started_at.unwrap(),
        usual_ms: 2047,
    };
    let overdue = Overdue {
        job: "ops/job-5".parse().unwrap(),
        slot: 0,
        at: at(-3600),
    };
    let found = Findings {
        at: Some(NOON),
        late: vec![late],
        overdue: vec![overdue],
    };
    assert_eq!(*house.keeping.findings().borrow(), found);

    // Later, what is in order is no longer found, and noon is due of four.
    *house.clock.0.lock().unwrap() = at(660);
    house
        .history
        .record(&[run(1, -600), run(4, 0), run(8, 0)], &[])
        .await
        .unwrap();
    house.keeping.run(Task::Checks).await.unwrap();
    let found = house.keeping.findings().borrow().clone();
    assert_eq!(found.late, []);
    let overdue: Vec<String> = found
        .overdue
        .iter()
        .map(|o| format!("{} {}", o.job, o.at))
        .collect();
    assert_eq!(
        overdue,
        [
            "ops/job-5 2026-01-31T12:00:00.000Z",
            "ops/job-9 2026-01-31T11:55:00.000Z"
        ]
    );
}

#[tokio::test]
async fn only_a_leader_keeps_house() {
    let history = Arc::new(Gate::new(true));
    let store: DynStore = Arc::new(Embedded::memory().client());
    let keeping = Housekeeping::new(
        history.clone(),
        store.clone(),
        mirror(&store),
        Host::system(),
        Bounds::default(),
    );
    let (lead, leading) = watch::channel(None);
    let cancel = CancellationToken::new();
    let following = tokio::spawn(keeping.clone().follow(leading, cancel.clone()));
    let folds = || history.folds.load(Ordering::SeqCst);
    let wait = async |for_secs, until: &dyn Fn() -> bool| {
        let start = Instant::now();
        while !until() && start.elapsed() < Duration::from_secs(for_secs) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        until()
    };
    assert!(!wait(6, &|| folds() > 0).await, "it keeps house without leading");
    lead.send_replace(Some(()));
    assert!(wait(15, &|| folds() > 0).await, "it does not begin");
    lead.send_replace(None);
    tokio::task::yield_now().await;
    let before = folds();
    assert!(
        !wait(6, &|| folds() > before + 1).await,
        "it goes on without leading"
    );

    // Winning and losing again and again leaves nothing behind.
    let alive = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let tasks = alive();
    for _ in 0..20 {
        lead.send_replace(Some(()));
        tokio::time::sleep(Duration::from_millis(5)).await;
        lead.send_replace(None);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(alive() <= tasks + 10, "{tasks} tasks were {}", alive());
    lead.send_replace(Some(()));
    let before = folds();
    assert!(wait(15, &|| folds() > before).await, "it does not begin again");
    cancel.cancel();
    tokio::time::timeout(Duration::from_secs(5), following)
        .await
        .expect("it ends when cancelled")
        .unwrap();
}
