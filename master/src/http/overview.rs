//! `GET /overview`: what needs attention, the day, what runs now, the nodes.

use std::{collections::BTreeMap, time::Duration};

use axum::{Json, extract::State};
use shared::{
    api::{
        NodeState, NodeView, Part,
        board::JobState,
        load::Load,
        overview::{
            ATTENTION_MAX, Attention, BUCKETS_MAX, CLOCK_OFF_MS, ComingBucket, Day, GLANCES_MAX, NodeGlance,
            NodeTrouble, Overview, OverviewQuery, PastBucket, RUNNING_MAX, RunningRun, StateCount,
            TroubledJob, TroubledNode,
        },
        paths,
    },
    history::{Outcomes, StatisticsQuery, Step},
    id::NodeId,
    keys,
    run::State as RunState,
    time::Time,
};
use tokio::time::timeout;

use super::{
    App,
    extract::Params,
    failure::{Answer, Failure},
    kept, nodes,
    planned::{Schedules, schedules},
    status,
};
use crate::history::Glimpse;

/// How long the database and the store may take to say that they are there; the page does
/// not wait for longer.
const PART_TIMEOUT: Duration = Duration::from_millis(1500);
/// How old what is said of them, the past and the coming hours may be.
const PARTS_LIFE: Duration = Duration::from_secs(3);
const PAST_LIFE: Duration = Duration::from_secs(3);
const COMING_LIFE: Duration = Duration::from_secs(8);
const HOURS: u32 = 12;
const HOURS_MAX: u32 = 48;
const STEP_MINUTES: u32 = 15;
const STEP_MINUTES_MAX: u32 = 240;
/// Instants that are looked at for the coming hours: a few tenths of a second's work.
const LOOKS_MAX: u64 = 2_000_000;
/// Jobs are counted in so many passes; those that there is no time for are estimated.
const PASSES: usize = 8;

/// What is kept between two looks at the overview.
#[derive(Default)]
pub struct Kept {
    parts: kept::Kept<(), [Part; 2]>,
    past: kept::Kept<(), Result<Vec<(Time, Outcomes)>, String>>,
    coming: kept::Kept<(Time, i64, u32), Load>,
}

/// The overview: what needs attention first, outcomes of the past hours and what is planned
/// for the coming ones, what runs now, the nodes.
#[utoipa::path(get, path = paths::OVERVIEW, tag = "status", params(OverviewQuery),
    responses((status = 200, body = Overview), Failure))]
pub async fn get(State(app): State<App>, Params(query): Params<OverviewQuery>) -> Answer<Json<Overview>> {
    app.jobs()?;
    let span = Span::of(&query)?;
    let (parts, day) = tokio::join!(parts(&app), day(&app, &span));
    let asked = app.clone();
    // Ten thousand rows are looked at.
    let rest = tokio::task::spawn_blocking(move || now(&asked, parts, day));
    rest.await.map_err(|e| Failure::internal(&e))?.map(Json)
}

/// Which hours, in which pieces.
struct Span {
    past_hours: u32,
    coming_hours: u32,
    step_ms: i64,
}

impl Span {
    fn of(query: &OverviewQuery) -> Answer<Span> {
        let hours = |given: Option<u32>, field: &str| match given.unwrap_or(HOURS) {
            hours @ 0..=HOURS_MAX => Ok(hours),
            _ => Err(Failure::invalid(format!("at most {HOURS_MAX} hours can be shown")).field(field)),
        };
        let minutes = query.step_minutes.unwrap_or(STEP_MINUTES);
        if minutes == 0 || !minutes.is_multiple_of(5) || minutes > STEP_MINUTES_MAX {
            let why = format!("a step is a multiple of 5 minutes, {STEP_MINUTES_MAX} at most");
            return Err(Failure::invalid(why).field("step_minutes"));
        }
        Ok(Span {
            past_hours: hours(query.past_hours, "past_hours")?,
            coming_hours: hours(query.coming_hours, "coming_hours")?,
            step_ms: i64::from(minutes) * 60_000,
        })
    }

    fn floor(&self, at: Time) -> Time {
        Time::from_millis(at.as_millis().div_euclid(self.step_ms) * self.step_ms)
    }
}

fn hours(n: u32) -> Duration {
    Duration::from_secs(u64::from(n) * 3600)
}

async fn parts(app: &App) -> [Part; 2] {
    let make = || async {
        let late = |kind: &str| Part {
            kind: kind.to_owned(),
            ok: false,
            error: Some(format!("no answer within {}s", PART_TIMEOUT.as_secs_f32())),
        };
        let (store, database) = tokio::join!(
            timeout(PART_TIMEOUT, status::store(app)),
            timeout(PART_TIMEOUT, status::database(app)),
        );
        [
            store.unwrap_or_else(|_| late(&app.config.store_kind)),
            database.unwrap_or_else(|_| late(&app.config.database_kind)),
        ]
    };
    app.day.parts.get((), PARTS_LIFE, make).await
}

async fn day(app: &App, span: &Span) -> Day {
    let now = app.host.now();
    let (past, coming) = tokio::join!(past(app, now), coming(app, span, now));
    let from = span.floor(now - hours(span.past_hours));
    let mut buckets: BTreeMap<Time, Outcomes> = BTreeMap::new();
    let (sums, past_error) = match past {
        Ok(sums) => (sums, None),
        Err(error) => (Vec::new(), Some(error)),
    };
    for (at, outcomes) in sums.iter().filter(|(at, _)| *at >= from && *at <= now) {
        buckets.entry(span.floor(*at)).or_default().add(outcomes);
    }
    let coming_buckets = coming.buckets().filter(|(_, runs)| *runs > 0);
    Day {
        step_ms: span.step_ms,
        past: buckets
            .into_iter()
            .map(|(at, outcomes)| PastBucket { at, outcomes })
            .collect(),
        coming: coming_buckets
            .map(|(at, runs)| ComingBucket { at, runs })
            .collect(),
        estimated: coming.is_estimated(),
        past_error,
    }
}

/// How runs ended in the past hours, in pieces of five minutes.
async fn past(app: &App, now: Time) -> Result<Vec<(Time, Outcomes)>, String> {
    let query = StatisticsQuery {
        since: Some(now - hours(HOURS_MAX + 4)),
        step: Step::Minutes,
        ..StatisticsQuery::default()
    };
    let make = || async {
        match timeout(PART_TIMEOUT, app.history.statistics(&query)).await {
            Ok(Ok(sums)) => Ok(sums
                .into_iter()
                .filter_map(|s| Some((s.at?, s.outcomes)))
                .collect()),
            Ok(Err(e)) => Err(e.to_string()),
            Err(_) => Err(format!(
                "the database does not answer within {}s",
                PART_TIMEOUT.as_secs_f32()
            )),
        }
    };
    app.day.past.get((), PAST_LIFE, make).await
}

/// What is planned.
async fn coming(app: &App, span: &Span, now: Time) -> Load {
    let from = span.floor(now);
    let step = Duration::from_millis(span.step_ms as u64);
    let count = (hours(span.coming_hours).as_millis() / step.as_millis()) as u32;
    let count = (count + 1).min(BUCKETS_MAX);
    let step_ms = span.step_ms;
    let make = || async {
        let app = app.clone();
        let made = tokio::task::spawn_blocking(move || {
            let schedules = schedules(&app, |_| true);
            load(&schedules, now, Load::new(from, step_ms, count))
        });
        // Only a panic in there ends it otherwise.
        made.await.unwrap_or_else(|_| Load::new(from, step_ms, 0))
    };
    app.day
        .coming
        .get((from, step_ms, count), COMING_LIFE, make)
        .await
}

/// Counts as many jobs as there is time for, taken evenly from all of them.
fn load(schedules: &Schedules, now: Time, mut load: Load) -> Load {
    let (mut looks, mut counted) = (0, 0);
    for pass in 0..PASSES {
        for schedule in schedules.all.iter().skip(pass).step_by(PASSES) {
            let triggers = schedule.triggers.iter();
            for (triggers, runs) in triggers {
                let open = |at| schedule.is_open(at);
                looks += load.add(triggers, now.max(schedule.since), *runs, open);
            }
            counted += 1;
        }
        if looks > LOOKS_MAX {
            break;
        }
    }
    load.scale(counted, schedules.all.len() as u64);
    load
}

/// What is so at this moment.
fn now(app: &App, parts: [Part; 2], day: Day) -> Answer<Overview> {
    let now = app.host.now();
    let open = app.board.open();
    let nodes = nodes::all(app)?;
    let mut attention = Attention {
        parts: parts.into_iter().filter(|part| !part.ok).collect(),
        no_leader: app.view.leader.snapshot().get(keys::LEADER).is_none(),
        broken: status::broken(app),
        ..Attention::default()
    };
    let jobs = jobs(app, &mut attention);
    troubled_nodes(&nodes, &mut attention);
    let (running, running_count) = running(app, &open);
    let queued = open.iter().filter(|run| run.state == RunState::Queued);
    Ok(Overview {
        now,
        attention,
        jobs,
        day,
        running,
        running_count,
        queued_count: queued.count() as u32,
        nodes: glances(nodes, &open),
        history: app.board.known.borrow().what,
    })
}

/// Counts jobs by their state, and names those that need attention.
fn jobs(app: &App, attention: &mut Attention) -> Vec<StateCount> {
    let mut counts: BTreeMap<JobState, u32> = BTreeMap::new();
    app.board.with_rows(app, |rows| {
        let mut troubled = Vec::new();
        for row in rows {
            *counts.entry(row.job.state).or_default() += 1;
            if row.job.state.needs_attention() {
                troubled.push(&row.job);
            }
        }
        attention.jobs_count = troubled.len() as u32;
        // The rows are in order of name.
        troubled.sort_by_key(|job| job.state);
        let named = troubled.into_iter().take(ATTENTION_MAX);
        attention.jobs = named
            .map(|job| TroubledJob {
                id: job.id,
                job: job.path(),
                state: job.state,
                trouble: job.trouble.clone(),
            })
            .collect();
    });
    let counts = counts.into_iter();
    counts.map(|(state, count)| StateCount { state, count }).collect()
}

fn troubled_nodes(nodes: &[NodeView], attention: &mut Attention) {
    let mut troubled: Vec<TroubledNode> = Vec::new();
    for node in nodes {
        let offset_ms = node.clock_offset_ms.unwrap_or(0);
        let why = match node.state {
            NodeState::Down => Some(NodeTrouble::Down),
            _ if offset_ms.abs() > CLOCK_OFF_MS => Some(NodeTrouble::ClockOff { offset_ms }),
            NodeState::Draining => Some(NodeTrouble::Draining),
            NodeState::Cordoned => Some(NodeTrouble::Cordoned),
            NodeState::Ready => None,
        };
        troubled.extend(why.map(|why| TroubledNode {
            node: node.id.clone(),
            why,
            slots: node.slots,
            last_seen: node.last_seen,
        }));
    }
    attention.nodes_count = troubled.len() as u32;
    troubled.sort_by(|a, b| (a.why, &a.node).cmp(&(b.why, &b.node)));
    troubled.truncate(ATTENTION_MAX);
    attention.nodes = troubled;
}

fn running(app: &App, open: &[Glimpse]) -> (Vec<RunningRun>, u32) {
    let mut running: Vec<&Glimpse> = open.iter().filter(|run| run.state == RunState::Running).collect();
    let count = running.len() as u32;
    running.sort_by_key(|run| (run.started_at.unwrap_or(run.scheduled_at), run.id));
    running.truncate(RUNNING_MAX);
    let view = |run: &Glimpse| RunningRun {
        id: run.id,
        job: run.path.clone(),
        job_id: run.job,
        node: run.node.clone(),
        slot: run.slot,
        attempt: run.attempt,
        cause: run.cause,
        scheduled_at: run.scheduled_at,
        started_at: run.started_at,
        usual_ms: app.board.usual_ms(run.job),
    };
    (running.into_iter().map(view).collect(), count)
}

fn glances(nodes: Vec<NodeView>, open: &[Glimpse]) -> Vec<NodeGlance> {
    let mut running: BTreeMap<&NodeId, u32> = BTreeMap::new();
    for run in open.iter().filter(|run| run.state == RunState::Running) {
        *running.entry(&run.node).or_default() += 1;
    }
    let glance = |node: NodeView| NodeGlance {
        running: running.get(&node.id).copied().unwrap_or(0),
        name: match (node.intent.alias, &node.node) {
            (Some(alias), _) => alias,
            (None, Some(agent)) => agent.name.clone(),
            (None, None) => node.id.to_string(),
        },
        state: node.state,
        capacity: node.node.as_ref().map(|agent| agent.capacity),
        slots: node.slots,
        load_milli: node.health.as_ref().map(|health| health.load_milli),
        clock_offset_ms: node.clock_offset_ms,
        id: node.id,
    };
    nodes.into_iter().take(GLANCES_MAX).map(glance).collect()
}
