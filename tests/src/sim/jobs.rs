//! The jobs of the simulated cluster, of each place and rule, and what their processes do.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use agent::{
    parts::{Exit, Launch},
    pretend::Script,
};
use serde_json::{Value, json};
use shared::{
    id::{Fire, JobId, NodeId, Owner, RunId},
    job::{Author, Job, JobSpec},
    time::Time,
};

use super::chance::{Chance, hash};

/// All due instants are within this hour, so that a simulation comes to an end.
pub const HOUR: &str = "2026-11-21T10:00:00Z";

/// A job and what is known of it from outside.
pub struct SimJob {
    pub job: Job,
    /// Due each so many seconds of the hour.
    step_secs: u64,
    /// How long its processes take, in milliseconds.
    lasts: std::ops::Range<u64>,
    /// How many of a hundred fail, and how many do not heed TERM.
    fails: u64,
    ignores_term: u64,
}

/// All jobs, by name.
pub struct Jobs {
    seed: u64,
    minutes: u64,
    by_name: BTreeMap<String, SimJob>,
}

/// What a process was told of itself.
#[derive(Clone, Debug)]
pub struct Told {
    pub job: String,
    pub fire: Fire,
    pub attempt: u32,
    pub cause: String,
}

impl SimJob {
    /// How many slots it has; none if it is an every-node job.
    pub fn slots(&self) -> Option<u32> {
        self.job.spec.target.place.slots()
    }

    /// Whose fires there are.
    pub fn owners(&self, nodes: &[NodeId]) -> Vec<Owner> {
        match self.slots() {
            Some(slots) => (0..slots).map(Owner::Slot).collect(),
            None => nodes.iter().cloned().map(Owner::Node).collect(),
        }
    }
}

impl Jobs {
    /// Jobs that are due in the first so many minutes of the hour (at most 60), made at
    /// `since` by a person.
    pub fn new(seed: u64, minutes: u64, since: Time) -> Arc<Jobs> {
        let chance = Chance::new(seed, "jobs");
        let all = [
            // A name, each so many seconds, ms, failures, deaf ones of a hundred, the rest.
            ("second-one", 1, 50..300, 0, 0, json!({})),
            (
                "second-every",
                1,
                50..300,
                0,
                0,
                json!({"target": {"place": "every"}}),
            ),
            (
                "two",
                10,
                100..4000,
                20,
                0,
                json!({"target": {"place": 2},
                "retry": {"attempts": 3, "backoff": "3s"}, "misfire": {"run": "all"}, "overlap": {"policy": "queue"}}),
            ),
            (
                "shards",
                10,
                100..9000,
                0,
                0,
                json!({"target": {"place": {"shards": 3}}, "on_lost": "retry"}),
            ),
            (
                "kill",
                10,
                6000..9000,
                0,
                30,
                json!({"isolation": "kill", "on_lost": "retry"}),
            ),
            (
                "elsewhere",
                10,
                100..3000,
                30,
                0,
                json!({"retry": {"attempts": 3, "backoff": "1s", "elsewhere": true}}),
            ),
            (
                "every",
                10,
                100..14000,
                20,
                20,
                json!({"target": {"place": "every"},
                "overlap": {"policy": "replace"}, "retry": {"attempts": 2, "backoff": "2s"}}),
            ),
            ("none", 10, 100..2000, 10, 0, json!({"misfire": {"run": "none"}})),
            (
                "allow",
                10,
                5000..30000,
                0,
                0,
                json!({"overlap": {"policy": "allow"}, "misfire": {"run": "all"}, "on_lost": "retry"}),
            ),
            (
                "timeout",
                10,
                1000..6000,
                0,
                50,
                json!({"run": {"timeout": "3s", "grace": "1s"},
                "retry": {"attempts": 2, "backoff": "1s"}}),
            ),
            (
                "minute",
                60,
                1000..50000,
                10,
                0,
                json!({"jitter": "20s", "overlap": {"policy": "replace"}, "retry": {"attempts": 2}}),
            ),
            (
                "queue",
                10,
                2000..20000,
                0,
                0,
                json!({"overlap": {"policy": "queue", "queue": 3}, "misfire": {"run": "all", "within": "30s"}}),
            ),
        ];
        let jobs = all
            .into_iter()
            .map(|(name, step_secs, lasts, fails, ignores_term, rest)| {
                let spec = spec(name, step_secs, minutes, rest);
                let id = JobId::new(since, u128::from(shared::host::Random::next_u64(&chance)));
                let job = Job::create(
                    id,
                    spec,
                    Author {
                        by: "somebody".into(),
                        at: since,
                    },
                );
                (
                    name.to_owned(),
                    SimJob {
                        job,
                        step_secs,
                        lasts,
                        fails,
                        ignores_term,
                    },
                )
            });
        Arc::new(Jobs {
            seed,
            minutes,
            by_name: jobs.collect(),
        })
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &SimJob)> {
        self.by_name.iter().map(|(name, job)| (name.as_str(), job))
    }

    pub fn get(&self, name: &str) -> &SimJob {
        &self.by_name[name]
    }

    /// When a job is due, worked out without the schedule engine.
    pub fn due(&self, job: &SimJob) -> impl Iterator<Item = Time> + use<> {
        let begin: Time = HOUR.parse().unwrap();
        let step = job.step_secs;
        (0..self.minutes * 60 / step).map(move |n| begin + Duration::from_secs(n * step))
    }

    /// What a process was told. Panics if that is not what a job of these would be told.
    pub fn told(&self, launch: &Launch, node: &NodeId) -> Told {
        let env = |name: &str| {
            launch
                .env
                .iter()
                .find(|(k, _)| k == name)
                .map(|(_, v)| v.as_str())
        };
        let job = env("GNOMON_JOB").unwrap().to_owned();
        let sim = self.get(&job);
        let owner = match (sim.slots(), env("GNOMON_SHARD")) {
            (None, _) => Owner::Node(node.clone()),
            (Some(_), slot) => Owner::Slot(slot.map_or(0, |slot| slot.parse().unwrap())),
        };
        let fire = Fire {
            job: sim.job.id,
            at: env("GNOMON_SCHEDULED_AT").unwrap().parse().unwrap(),
            owner,
        };
        let attempt = env("GNOMON_ATTEMPT").unwrap().parse().unwrap();
        assert_eq!(
            launch.run,
            RunId::of(&fire).attempt(attempt),
            "{job} was told of another run: {:?}",
            launch.env
        );
        Told {
            job,
            fire,
            attempt,
            cause: env("GNOMON_CAUSE").unwrap().to_owned(),
        }
    }

    /// What a process does: the same for the same run of the same seed.
    pub fn script(&self, launch: &Launch) -> Script {
        let name = launch
            .env
            .iter()
            .find(|(k, _)| k == "GNOMON_JOB")
            .map(|(_, v)| v.as_str())
            .unwrap();
        let job = self.get(name);
        let chance = Chance::new(hash(self.seed, launch.run), "script");
        let (lasts, fails) = (chance.ms(job.lasts.clone()), chance.percent(job.fails));
        Script {
            exit: Exit::Code(if fails { 3 } else { 0 }),
            ignores_term: chance.percent(job.ignores_term),
            output: if name == "shards" {
                b"one line\n".to_vec()
            } else {
                Vec::new()
            },
            ..Script::lasting(lasts)
        }
    }
}

fn spec(name: &str, step_secs: u64, minutes: u64, mut rest: Value) -> JobSpec {
    let last = minutes - 1;
    let cron = match step_secs {
        1 => format!("* 0-{last} 10 * * *"),
        60 => format!("0 0-{last} 10 * * *"),
        step => format!("*/{step} 0-{last} 10 * * *"),
    };
    let rest = rest.as_object_mut().unwrap();
    let mut trigger = json!({"cron": cron});
    if let Some(jitter) = rest.remove("jitter") {
        trigger["jitter"] = jitter;
    }
    let mut run = rest.remove("run").unwrap_or(json!({}));
    run["shell"] = json!("true");
    let mut file = json!({"name": name, "run": run, "triggers": [trigger]});
    file.as_object_mut().unwrap().append(rest);
    serde_json::from_value(file).unwrap()
}
