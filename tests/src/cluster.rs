//! A whole cluster: etcd members, a database, masters, agents, all real processes.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use serde_json::Value;
use shared::time::Time;

use crate::{
    Agent, Cli, EtcdCluster, Ledger, Master, Postgres, Scratch, cli::text, eventually, ledger::tally,
    wait::SOON,
};

/// Fields stand in the order in which they are ended.
pub struct Cluster {
    pub agents: Vec<Agent>,
    pub masters: Vec<Master>,
    pub database: Postgres,
    pub etcd: EtcdCluster,
    /// The person's home, and the ledger.
    pub scratch: Scratch,
    token: String,
}

impl Cluster {
    /// So many etcd members, masters and agents, all ready. Agent `i` is `node-i`, with the
    /// label `zone=i`.
    pub fn start(members: usize, masters: usize, agents: usize) -> Cluster {
        let etcd = EtcdCluster::start(members);
        let database = Postgres::start();
        let mut masters: Vec<_> = (0..masters)
            .map(|_| Master::start(&etcd.urls(), &database.url()))
            .collect();
        for master in &mut masters {
            master.wait_ready();
        }
        let scratch = Scratch::new("cluster");
        let token = log_in(&scratch, &masters);
        let agents = (0..agents).map(|i| agent(i, &etcd)).collect();
        let cluster = Cluster {
            agents,
            masters,
            database,
            etcd,
            scratch,
            token,
        };
        for agent in &cluster.agents {
            agent.wait_up(&cluster.cli(0));
        }
        cluster
    }

    /// The command line, talking to this master.
    pub fn cli(&self, master: usize) -> Cli {
        Cli::at_home(self.scratch.path().to_owned())
            .with_url(&self.masters[master].url())
            .with_token(&self.token)
    }

    pub fn ledger(&self) -> Ledger {
        Ledger::new(self.scratch.join("ledger"))
    }

    /// Which master leads, as the store says.
    pub fn leader(&self) -> usize {
        eventually("a leader", SOON, || {
            let member = self.etcd.members.iter().find(|m| m.is_running())?;
            let id = member.get("/gnomon/leader")?;
            let id = serde_json::from_str::<String>(&id).unwrap_or(id);
            let about = member.get(&format!("/gnomon/masters/{id}"))?;
            self.masters
                .iter()
                .position(|m| about.contains(&m.port.to_string()))
        })
    }
}

fn agent(i: usize, etcd: &EtcdCluster) -> Agent {
    Agent::start_with(
        &format!("node-{i}"),
        &etcd.urls(),
        &["--label", &format!("zone={i}")],
    )
}

/// Logs in with the password that the first master showed, as a person would; gives the
/// token that it got.
pub fn log_in(home: &Scratch, masters: &[Master]) -> String {
    let password = eventually("a master to show the admin's password", SOON, || {
        masters.iter().find_map(|m| password_in(&m.process.log()))
    });
    let cli = Cli::at_home(home.path().to_owned());
    let done = cli.run_with(&["login", "--url", &masters[0].url()], &format!("{password}\n"));
    assert_eq!(done.code, 0, "login with {password:?}: {}", done.stderr);
    let context = std::fs::read_to_string(home.join("config/gnomon/context.json")).unwrap();
    let context: Value = serde_json::from_str(&context).unwrap();
    text(&context, "token").to_owned()
}

/// The password in what a fresh instance prints.
pub fn password_in(log: &str) -> Option<String> {
    let line = log.lines().find(|l| l.to_lowercase().contains("password"))?;
    let after = &line[line.to_lowercase().find("password")? + "password".len()..];
    let word = after
        .trim_start_matches([':', '=', ' ', '"', '\''])
        .split([' ', '"', '\'', ',', '\x1b'])
        .next()?;
    (!word.is_empty()).then(|| word.to_owned())
}

/// What a job of one run a second should have done within a span of instants.
pub struct Expectation<'a> {
    pub job: &'a str,
    /// Who fires: `node-0`... for an every-node job, `0`... for slots.
    pub owners: Vec<String>,
    /// Whole seconds, the last one not included.
    pub from: Time,
    pub until: Time,
}

/// How the files and the history of a job agree with what should have been.
#[derive(Debug, Default)]
pub struct Findings {
    /// Each is something that must not be.
    pub wrong: Vec<String>,
    /// Attempts that ended lost, and fires that were run by a second attempt.
    pub lost: usize,
    pub retried: usize,
}

impl Expectation<'_> {
    /// Compares file and history with each other and with the instants that there were.
    ///
    /// Every fire has one explained end, the last attempt's. It stands in the file exactly
    /// once; where a run was lost with its node and tried again, as its job asks, the lost
    /// attempt may have written too.
    pub fn check(&self, ledger: &Ledger, runs: &[Value]) -> Findings {
        let mut found = Findings::default();
        let inside = |at: &Time| (self.from..self.until).contains(at);
        let by_id: BTreeMap<_, _> = runs.iter().map(|r| (text(r, "id"), r)).collect();

        let entries: Vec<_> = ledger
            .entries(self.job)
            .into_iter()
            .filter(|e| inside(&e.scheduled_at))
            .collect();
        for (run, times) in tally(entries.iter().map(|e| e.run.clone())) {
            if times > 1 {
                found.wrong.push(format!("run {run} wrote {times} times"));
            }
        }
        let mut wrote: BTreeMap<(Time, String), Vec<&str>> = BTreeMap::new();
        for entry in &entries {
            match by_id.get(entry.run.as_str()) {
                Some(run) => wrote.entry(fire(run)).or_default().push(&entry.run),
                None => found.wrong.push(format!("{entry:?} is not in the history")),
            }
        }

        let mut attempts: BTreeMap<(Time, String), Vec<&Value>> = BTreeMap::new();
        for run in runs.iter().filter(|r| inside(&time(r))) {
            attempts.entry(fire(run)).or_default().push(run);
        }
        let expected: BTreeSet<_> = self.fires().collect();
        for fire in &expected {
            let attempts = attempts.get(fire).map(Vec::as_slice).unwrap_or_default();
            let wrote = wrote.get(fire).map(Vec::as_slice).unwrap_or_default();
            check_fire(fire, attempts, wrote, &mut found);
        }
        for fire in attempts
            .keys()
            .chain(wrote.keys())
            .filter(|f| !expected.contains(f))
        {
            found.wrong.push(format!("{fire:?} was never due"));
        }
        found
    }

    fn fires(&self) -> impl Iterator<Item = (Time, String)> {
        let (from, until) = (self.from.as_secs(), self.until.as_secs());
        (from..until).flat_map(|s| self.owners.iter().map(move |o| (Time::from_secs(s), o.clone())))
    }
}

fn check_fire(fire: &(Time, String), attempts: &[&Value], wrote: &[&str], found: &mut Findings) {
    let lost = attempts.iter().filter(|r| text(r, "state") == "lost").count();
    found.lost += lost;
    found.retried += usize::from(attempts.len() > 1);
    let mut say = |what: &str| {
        let mut line = format!("{fire:?}: {what};");
        for r in attempts {
            let _ = write!(
                line,
                " [{} attempt {} {} on {} {:?} cause {}]",
                text(r, "id"),
                r["attempt"],
                text(r, "state"),
                text(r, "node"),
                text(r, "reason"),
                text(r, "cause")
            );
        }
        let _ = write!(line, " wrote: {wrote:?}");
        found.wrong.push(line);
    };
    let Some(last) = attempts.iter().max_by_key(|r| r["attempt"].as_u64()) else {
        return say("is not in the history");
    };
    match text(last, "state") {
        "succeeded" => {}
        "pending" | "queued" | "running" => say("has no end"),
        _ if text(last, "reason").is_empty() => say("has an end without a reason"),
        // It ran, as the file must show; what became of it nobody saw, and history says so.
        "lost" => {}
        _ => say("did not succeed"),
    }
    match wrote.len() {
        1 => {}
        0 => say("did not run"),
        n if n <= 1 + lost && attempts.len() > 1 => {}
        _ => say("ran more than once"),
    }
}

fn fire(run: &Value) -> (Time, String) {
    let owner = match run.get("slot").and_then(Value::as_u64) {
        Some(slot) => slot.to_string(),
        None => text(run, "node").to_owned(),
    };
    (time(run), owner)
}

/// A run's scheduled instant.
pub fn time(run: &Value) -> Time {
    text(run, "scheduled_at").parse().unwrap()
}
