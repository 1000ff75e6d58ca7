//! The guarantees, checked from outside: what the pretended processes really did, and what
//! the history says of each instant that was due.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::PoisonError,
    time::Duration,
};

use agent::{
    parts::{Exit, Spool},
    pretend::Seen,
};
use shared::{
    id::{Fire, JobId, NodeId, Owner, RunId},
    job::{Isolation, OnLost},
    keys,
    report::Run,
    run::State,
    store::Store,
    time::Time,
};

use super::{
    agents::{AgentHost, Spell},
    jobs::{HOUR, SimJob, Told},
    world::World,
};

/// A fire of a living node starts within this of its instant.
const ON_TIME: Duration = Duration::from_millis(100);
/// How long a node's lease is, unless told otherwise.
const LEASE: Duration = Duration::from_secs(10);
/// How long killing may take.
const AT_ONCE: Duration = Duration::from_millis(50);
/// So long after an agent's start, a clock's step or a full disk nothing is said of how
/// punctual it is; so long before one neither: fires are claimed and written ahead.
const AFTER: Duration = Duration::from_secs(4);
const BEFORE: Duration = Duration::from_secs(2);

/// A process that was really started.
struct Start {
    node: NodeId,
    told: Told,
    run: RunId,
    /// Since the simulation's begin.
    began: Duration,
    ended: Option<Duration>,
    exit: Option<Exit>,
}

/// Everything that was seen, in the shapes that the checks need.
struct Facts<'w> {
    world: &'w World,
    nodes: Vec<NodeId>,
    starts: BTreeMap<RunId, Vec<Start>>,
    history: BTreeMap<RunId, Run>,
    ever_lost: BTreeSet<RunId>,
}

/// Whether nothing is under way and everything that was due is in the history.
pub async fn is_settled(world: &World) -> bool {
    if world.agents.iter().any(|agent| agent.processes.running() > 0) {
        return false;
    }
    for prefix in [keys::ORDERS, keys::OWED] {
        if world
            .store
            .snapshot(prefix)
            .await
            .is_ok_and(|found| !found.kvs.is_empty())
        {
            return false;
        }
    }
    for agent in &world.agents {
        if agent
            .spool
            .unsent(1, 1)
            .await
            .is_ok_and(|unsent| unsent.total > 0)
        {
            return false;
        }
    }
    let facts = Facts::new(world);
    facts.history.values().all(|run| run.state.is_end()) && facts.unexplained().is_empty()
}

/// Checks all guarantees; tells the trace what is broken, and how everything ended.
/// Returns how many processes were started and how many runs are recorded.
pub fn everything(world: &World) -> (usize, usize) {
    let facts = Facts::new(world);
    let mut broken = Vec::new();
    facts.each_started_once(&mut broken);
    broken.extend(facts.unexplained());
    facts.history_is_true(&mut broken);
    facts.every_node_fires(&mut broken);
    facts.killed_once_the_lease_lapses(&mut broken);
    facts.killed_when_the_agent_returns(&mut broken);
    for run in facts.history.values() {
        let reason = run.reason.as_ref().map(ToString::to_string).unwrap_or_default();
        world.trace.tell(
            "==",
            format_args!(
                "{} {} {} {:?} {} #{} {} {} {:?}",
                run.id,
                run.path,
                run.scheduled_at,
                run.slot,
                run.node,
                run.attempt,
                run.cause.as_str(),
                run.state,
                run.started_at
            ),
        );
        if !reason.is_empty() {
            world.trace.tell("==", format_args!("  {reason}"));
        }
    }
    broken.into_iter().for_each(|what| world.trace.broken(what));
    (facts.starts.values().map(Vec::len).sum(), facts.history.len())
}

impl<'w> Facts<'w> {
    fn new(world: &'w World) -> Facts<'w> {
        let mut starts: BTreeMap<RunId, Vec<Start>> = BTreeMap::new();
        for agent in &world.agents {
            for seen in agent.processes.seen() {
                let start = start(world, &agent.id, seen);
                starts.entry(start.run).or_default().push(start);
            }
        }
        Facts {
            world,
            nodes: world.agents.iter().map(|agent| agent.id.clone()).collect(),
            starts,
            history: world.history.all().into_iter().map(|run| (run.id, run)).collect(),
            ever_lost: world
                .ever_lost
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
        }
    }

    /// Guarantee 2: no fire starts twice, and no attempt follows another but by its job's
    /// rules.
    fn each_started_once(&self, broken: &mut Vec<String>) {
        for (run, starts) in &self.starts {
            if starts.len() > 1 {
                let nodes: Vec<&str> = starts.iter().map(|s| s.node.as_str()).collect();
                broken.push(format!(
                    "started {} times, on {nodes:?}: {:?}",
                    starts.len(),
                    starts[0].told
                ));
            }
            let start = &starts[0];
            if start.told.attempt > 1
                && let Err(why) = self.follows(start)
            {
                broken.push(format!(
                    "{run} should not have started, as {why}: {:?}",
                    start.told
                ));
            }
        }
    }

    /// Whether an attempt was due by its job's rules.
    fn follows(&self, start: &Start) -> Result<(), String> {
        let spec = &self.world.jobs.get(&start.told.job).job.spec;
        let before = RunId::of(&start.told.fire).attempt(start.told.attempt - 1);
        if spec.on_lost == OnLost::Retry && self.ever_lost.contains(&before) {
            return Ok(());
        }
        if start.told.attempt > spec.retry.attempts {
            return Err(format!("its job allows {} attempts", spec.retry.attempts));
        }
        let Some(first) = self.starts.get(&before).and_then(|starts| starts.first()) else {
            return Err("the attempt before never started".into());
        };
        let Some(ended) = first.ended.filter(|ended| *ended <= start.began) else {
            return Err("the attempt before had not ended".into());
        };
        match self.history.get(&before).map(|run| run.state) {
            Some(State::Failed | State::TimedOut) => {}
            other => return Err(format!("the attempt before ended as {other:?}")),
        }
        // By monotonic time, unless the agent died in between and went by its wall clock.
        let backoff = spec.retry.after(start.told.attempt - 1).unwrap_or_default();
        let is_same_agent = self.agent(&first.node).lived(ended, start.began) && first.node == start.node;
        match is_same_agent && start.began < ended + backoff {
            true => Err(format!("it came before its backoff of {backoff:?}")),
            false => Ok(()),
        }
    }

    /// Guarantees 1 and 3: every instant that was due has one explained end.
    fn unexplained(&self) -> Vec<String> {
        let mut by_owner: BTreeMap<(JobId, Owner), Vec<&Run>> = BTreeMap::new();
        for run in self.history.values() {
            by_owner.entry((run.job, run.fire().owner)).or_default().push(run);
        }
        let mut found = Vec::new();
        for (name, sim) in self.world.jobs.iter() {
            for owner in sim.owners(&self.nodes) {
                let runs = by_owner.remove(&(sim.job.id, owner.clone())).unwrap_or_default();
                self.unexplained_of(name, sim, &owner, &runs, &mut found);
            }
        }
        found.extend(
            by_owner
                .keys()
                .map(|key| format!("the history has runs of what there is not: {key:?}")),
        );
        found
    }

    fn unexplained_of(
        &self,
        name: &str,
        sim: &SimJob,
        owner: &Owner,
        runs: &[&Run],
        found: &mut Vec<String>,
    ) {
        let mut fires: BTreeMap<Time, Vec<&Run>> = BTreeMap::new();
        let (ranges, single): (Vec<&Run>, Vec<&Run>) = runs.iter().partition(|run| run.range.is_some());
        single
            .into_iter()
            .for_each(|run| fires.entry(run.scheduled_at).or_default().push(run));
        let mut due: BTreeSet<Time> = self.world.jobs.due(sim).collect();
        for (at, attempts) in &mut fires {
            attempts.sort_by_key(|run| run.attempt);
            if let Err(why) = self.one_end(sim, owner, attempts) {
                found.push(format!("{name} {owner:?} at {at}: {why}"));
            }
            if !due.remove(at) {
                found.push(format!("{name} {owner:?} at {at} was never due"));
            }
        }
        for run in ranges {
            let Some(range) = run.range else { continue };
            let within: Vec<Time> = due.range(run.scheduled_at..=range.until).copied().collect();
            if within.len() as u64 != range.count || run.reason.is_none() || !run.state.is_end() {
                found.push(format!(
                    "{name} {owner:?}: {} to {range:?} is wrong: {}",
                    run.scheduled_at,
                    within.len()
                ));
            }
            due.retain(|at| !(run.scheduled_at..=range.until).contains(at));
        }
        if let (Some(first), Some(last)) = (due.first(), due.last()) {
            found.push(format!(
                "{name} {owner:?}: {} instants without an end, {first} to {last}",
                due.len()
            ));
        }
    }

    /// Whether the attempts at one fire are one story with an end.
    fn one_end(&self, sim: &SimJob, owner: &Owner, attempts: &[&Run]) -> Result<(), String> {
        for (n, run) in attempts.iter().enumerate() {
            let fire = Fire {
                job: sim.job.id,
                at: run.scheduled_at,
                owner: owner.clone(),
            };
            if run.attempt as usize != n + 1 || run.id != RunId::of(&fire).attempt(run.attempt) {
                return Err(format!(
                    "attempt {} is not the one that comes next: {run:?}",
                    run.attempt
                ));
            }
            if !run.state.is_end() {
                return Err(format!("attempt {} is still {}", run.attempt, run.state));
            }
            if run.state != State::Succeeded && run.reason.is_none() {
                return Err(format!(
                    "attempt {} is {} without a reason",
                    run.attempt, run.state
                ));
            }
            let is_last = n + 1 == attempts.len();
            // One that was lost, and retried, may yet have told how it ended.
            let is_followed = run.retry_at.is_some() || self.ever_lost.contains(&run.id);
            if !is_last && !is_followed {
                return Err(format!(
                    "attempt {} was the last, and is not: {run:?}",
                    run.attempt
                ));
            }
            if is_last && run.retry_at.is_some() {
                return Err(format!(
                    "attempt {} ({}) is to be followed and is not",
                    run.attempt, run.state
                ));
            }
        }
        Ok(())
    }

    /// The history tells what happened: it says of no process that it did not start, nor of
    /// one that did not that it did, nor another end than it had.
    fn history_is_true(&self, broken: &mut Vec<String>) {
        for (id, starts) in &self.starts {
            match self.history.get(id) {
                None => broken.push(format!("the history does not know of {:?}", starts[0].told)),
                Some(run) if matches!(run.state, State::Skipped | State::Missed | State::Rejected) => {
                    broken.push(format!(
                        "the history has it {}, and it started: {:?}",
                        run.state, starts[0].told
                    ));
                }
                Some(_) => {}
            }
        }
        for run in self.history.values() {
            let start = self.starts.get(&run.id).map(|starts| &starts[0]);
            let exit = start.and_then(|start| start.exit.as_ref());
            let lasted = start.and_then(|start| Some(start.ended? - start.began));
            let is_true = match run.state {
                State::Succeeded => exit == Some(&Exit::Code(0)),
                State::Failed => matches!(exit, Some(Exit::Code(1..) | Exit::Signal(_))),
                // It may have ended by itself after it was told to.
                State::TimedOut => lasted >= self.timeout(run),
                _ => true,
            };
            if !is_true {
                broken.push(format!(
                    "the history says {} of a process that ended with {exit:?}: {run:?}",
                    run.state
                ));
            }
        }
    }

    fn timeout(&self, run: &Run) -> Option<Duration> {
        self.world
            .jobs
            .get(run.path.name.as_str())
            .job
            .spec
            .run
            .timeout
            .map(|timeout| timeout.get())
    }

    /// Guarantee 4: an every-node job fires on each node whose agent is there, whatever else
    /// is down.
    fn every_node_fires(&self, broken: &mut Vec<String>) {
        for (name, sim) in self.world.jobs.iter().filter(|(_, sim)| sim.slots().is_none()) {
            for agent in &self.world.agents {
                for at in self.world.jobs.due(sim) {
                    let Some(due) = agent.shows(at) else { continue };
                    if !agent.is_steady(due) {
                        continue;
                    }
                    if let Err(why) = self.fired(sim, agent, at, due) {
                        broken.push(format!("{name} on {} at {at}: {why}", agent.id));
                    }
                }
            }
        }
    }

    fn fired(&self, sim: &SimJob, agent: &AgentHost, at: Time, due: Duration) -> Result<(), String> {
        let run = RunId::of(&Fire {
            job: sim.job.id,
            at,
            owner: Owner::Node(agent.id.clone()),
        });
        // Its own runs are in its way: then its overlap rule decides.
        let is_crowded = || {
            self.starts.values().flatten().any(|other| {
                let is_own = other.node == agent.id && other.told.fire.job == sim.job.id && other.run != run;
                is_own && other.began <= due + ON_TIME && other.ended.is_none_or(|ended| ended >= due)
            })
        };
        match self.starts.get(&run).and_then(|starts| starts.first()) {
            Some(start) if start.began < due => Err(format!("due {due:?}, started {:?}", start.began)),
            Some(start) if start.began <= due + ON_TIME => Ok(()),
            _ if is_crowded() => Ok(()),
            Some(start) => Err(format!("due {due:?}, started {:?}", start.began)),
            None => Err(format!(
                "it did not start: {:?}",
                self.history.get(&run).map(|run| (run.state, &run.reason))
            )),
        }
    }

    /// Section 4, `isolation: kill`: once the lease has lapsed, and before anybody else can
    /// start the job, its processes are gone. Only an agent that is there can see to that.
    fn killed_once_the_lease_lapses(&self, broken: &mut Vec<String>) {
        for agent in &self.world.agents {
            let lapses = agent.lapses();
            let own = self
                .starts
                .values()
                .flatten()
                .filter(|start| start.node == agent.id);
            for start in own {
                let spec = &self.world.jobs.get(&start.told.job).job.spec;
                if spec.isolation != Isolation::Kill {
                    continue;
                }
                let ended = start.ended.unwrap_or(Duration::MAX);
                let within = lapses
                    .iter()
                    .filter(|at| start.began < **at && ended > **at + AT_ONCE);
                // Also of those that an agent took over from the one before it.
                for at in within.filter(|at| agent.lived(**at, **at + AT_ONCE)) {
                    broken.push(format!(
                        "{} ran on after its lease lapsed at {at:?}: {:?}",
                        agent.id, start.told
                    ));
                }
            }
        }
    }

    /// Of those processes an agent that returns keeps none, unless the node's key was there
    /// all the time: it kills them when its registration says that it was not, and when it
    /// is there for a lease's length without one.
    fn killed_when_the_agent_returns(&self, broken: &mut Vec<String>) {
        for agent in &self.world.agents {
            for ((from, until), registrations) in agent.lives() {
                let first = registrations.first();
                let told = first.map(|r| r.at - self.world.trace.begin());
                let lapsed = from + LEASE;
                let at = match first {
                    Some(registered) if registered.continues && told <= Some(lapsed) => continue,
                    _ => told.unwrap_or(lapsed).min(lapsed) + AT_ONCE,
                };
                let own = self.starts.values().flatten().filter(|s| s.node == agent.id);
                let isolated =
                    own.filter(|s| self.world.jobs.get(&s.told.job).job.spec.isolation == Isolation::Kill);
                let taken_over =
                    isolated.filter(|s| s.began < from && s.ended.is_none_or(|ended| ended > from));
                for start in taken_over.filter(|s| s.ended.is_none_or(|ended| ended > at)) {
                    if until.is_none_or(|until| until > at) {
                        broken.push(format!(
                            "{} returned at {from:?}, was registered {first:?}, and let it run on after {at:?}: {:?}",
                            agent.id, start.told
                        ));
                    }
                }
            }
        }
    }

    fn agent(&self, node: &NodeId) -> &AgentHost {
        self.world.agents.iter().find(|agent| agent.id == *node).unwrap()
    }
}

impl AgentHost {
    /// When its clock first showed a time; `None` if it jumped over it.
    fn shows(&self, at: Time) -> Option<Duration> {
        let hour: Time = HOUR.parse().unwrap();
        let right_ms = at.as_millis() - hour.as_millis() + 60_000;
        let ends = self
            .offsets
            .iter()
            .skip(1)
            .map(|(from, _)| *from)
            .chain([Duration::MAX]);
        self.offsets.iter().zip(ends).find_map(|((from, offset), until)| {
            let when = Duration::from_millis(u64::try_from(right_ms - offset).ok()?);
            (*from <= when && when < until).then_some(when)
        })
    }

    /// Whether its agent was there around a moment, with a clock that did not step and a
    /// disk that took what it was given.
    fn is_steady(&self, when: Duration) -> bool {
        let around = when.saturating_sub(AFTER)..when + BEFORE;
        let covers =
            |(from, until): &Spell| *from <= around.start && until.is_none_or(|until| until >= around.end);
        let touches =
            |(from, until): &Spell| *from <= around.end && until.is_none_or(|until| until >= around.start);
        let steps = self.offsets.iter().skip(1).any(|(at, _)| around.contains(at));
        self.up.iter().any(covers) && !self.full.iter().any(touches) && !steps
    }

    /// Whether one agent was there all the time.
    fn lived(&self, from: Duration, until: Duration) -> bool {
        self.up
            .iter()
            .any(|(begin, end)| *begin <= from && end.is_none_or(|end| end >= until))
    }
}

fn start(world: &World, node: &NodeId, seen: Seen) -> Start {
    let since = |instant: tokio::time::Instant| instant - world.trace.begin();
    Start {
        node: node.clone(),
        told: world.jobs.told(&seen.launch, node),
        run: seen.launch.run,
        began: since(seen.began),
        ended: seen.ended.map(since),
        exit: seen.exit,
    }
}
