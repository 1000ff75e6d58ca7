//! `GET /timeline`: runs as bars over time and what is planned, in lanes.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use axum::{Json, extract::State};
use shared::{
    api::{
        load::Steps,
        paths,
        timeline::{
            BARS_MAX, Bar, LANES_MAX, Lane, LaneBy, Planned, RUNS_MAX, Timeline, TimelineQuery, WINDOW_MS_MAX,
        },
    },
    history::RunQuery,
    id::{JobId, JobPath, NodeId},
    run::State as RunState,
    time::Time,
};

use super::{
    App,
    extract::Params,
    failure::{Answer, Failure},
    jobs::by_id,
    planned::{Schedules, schedules},
};
use crate::history::{Glimpse, Runs};

/// Runs from before the window that are looked at: some go on into it.
const EARLIER_MAX: u32 = 2000;
/// How long before it.
const EARLIER: Duration = Duration::from_secs(86_400);
const POINTS: u32 = 1000;
const POINTS_MAX: u32 = 4000;
/// Jobs that are asked for one by one; of more that a part of a name means, the newest runs
/// of all jobs are read, and the others left out.
const JOBS_MAX: usize = 20;
/// Buckets of a lane in which planned instants are put together, and instants looked at.
const PLANNED_POINTS: i64 = 240;
const LOOKS_MAX: u64 = 1_000_000;
/// Rows of a lane; what does not fit is drawn over the last.
const ROWS_MAX: usize = 50;

/// Runs within a window of time, in a lane for each node or job, and what is planned in the
/// part of it that is to come.
#[utoipa::path(get, path = paths::TIMELINE, tag = "runs", params(TimelineQuery),
    responses((status = 200, body = Timeline), Failure))]
pub async fn get(State(app): State<App>, Params(query): Params<TimelineQuery>) -> Answer<Json<Timeline>> {
    app.jobs()?;
    let window = Window::of(&query, app.host.now())?;
    let asked = Asked::of(&app, query)?;
    let runs = runs(&app, &asked, &window).await?;
    let made = tokio::task::spawn_blocking(move || picture(&app, &asked, &window, runs));
    made.await.map_err(|e| Failure::internal(&e)).map(Json)
}

struct Window {
    from: Time,
    to: Time,
    now: Time,
    step_ms: i64,
}

impl Window {
    fn of(query: &TimelineQuery, now: Time) -> Answer<Window> {
        let to = query.to.unwrap_or(now);
        let from = query.from.unwrap_or(to - Duration::from_secs(3600));
        let long = to.as_millis().saturating_sub(from.as_millis());
        if long <= 0 {
            return Err(Failure::invalid("`to` must be later than `from`").field("to"));
        }
        if long > WINDOW_MS_MAX {
            return Err(Failure::invalid("a timeline shows 31 days at most").field("from"));
        }
        let points = query.points.unwrap_or(POINTS).clamp(10, POINTS_MAX);
        Ok(Window {
            from,
            to,
            now,
            step_ms: (long / i64::from(points)).max(1),
        })
    }
}

/// What is asked for, with the jobs that a part of a name means.
struct Asked {
    query: TimelineQuery,
    job_id: Option<JobId>,
    jobs: Option<BTreeSet<JobId>>,
}

impl Asked {
    fn of(app: &App, mut query: TimelineQuery) -> Answer<Asked> {
        let mut job_id = None;
        by_id(app, &mut query.job, &mut job_id);
        let q = query.q.as_ref().map(|q| q.trim().to_lowercase());
        let jobs = q.filter(|q| !q.is_empty()).map(|q| super::runs::named(app, &q));
        Ok(Asked {
            jobs: jobs.transpose()?.map(|jobs| jobs.into_keys().collect()),
            query,
            job_id,
        })
    }

    fn takes_job(&self, id: JobId, path: &JobPath) -> bool {
        let query = &self.query;
        self.jobs.as_ref().is_none_or(|jobs| jobs.contains(&id))
            && self.job_id.is_none_or(|job| job == id)
            && query.job.as_ref().is_none_or(|job| job == path)
            && query
                .namespace
                .as_deref()
                .is_none_or(|namespace| namespace.is_empty() || namespace == path.namespace.as_str())
    }

    fn takes_node(&self, node: &NodeId) -> bool {
        self.query.node.as_ref().is_none_or(|wanted| wanted == node)
    }

    fn takes(&self, run: &Glimpse) -> bool {
        self.takes_job(run.job, &run.path) && self.takes_node(&run.node)
    }

    /// The lane that something of a job on a node is in.
    fn lane(&self, job: &JobPath, node: &NodeId) -> String {
        match self.query.by {
            LaneBy::Node => node.to_string(),
            LaneBy::Job => job.to_string(),
        }
    }
}

/// Runs, and from when on they are all there.
struct Found {
    runs: Vec<Glimpse>,
    since: Option<Time>,
}

async fn runs(app: &App, asked: &Asked, window: &Window) -> Answer<Found> {
    let few = asked.jobs.as_ref().filter(|jobs| jobs.len() <= JOBS_MAX);
    let ask = |since: Time, until: Time, limit: u32| Runs {
        query: RunQuery {
            job: asked.query.job.clone(),
            job_id: asked.job_id,
            namespace: asked.query.namespace.clone(),
            node: asked.query.node.clone(),
            since: Some(since),
            until: Some(until),
            ..RunQuery::default()
        },
        jobs: few.map(|jobs| jobs.iter().copied().collect()),
        limit,
    };
    let within = ask(window.from, window.to, RUNS_MAX as u32 + 1);
    let earlier = ask(window.from - EARLIER, window.from, EARLIER_MAX);
    let (within, earlier) = tokio::join!(app.history.glimpses(&within), app.history.glimpses(&earlier));
    let mut within = within?;
    let is_more = within.len() > RUNS_MAX;
    within.truncate(RUNS_MAX);
    let since = within.last().filter(|_| is_more).map(|run| run.scheduled_at);
    let mut all: BTreeMap<_, Glimpse> = BTreeMap::new();
    let reaches = |run: &Glimpse| run.finished_at.is_some_and(|at| at >= window.from);
    let going_on = app.board.open().into_iter();
    let going_on = going_on.filter(|run| run.scheduled_at < window.to && run.state != RunState::Pending);
    for run in going_on.chain(earlier?.into_iter().filter(reaches)).chain(within) {
        if run.state != RunState::Pending && asked.takes(&run) {
            all.insert(run.id, run);
        }
    }
    Ok(Found {
        runs: all.into_values().collect(),
        since,
    })
}

fn picture(app: &App, asked: &Asked, window: &Window, found: Found) -> Timeline {
    let schedules = schedules(app, |job| asked.takes_job(job.id, &job.path()));
    let (planned, mut more_planned) = planned(&schedules, asked, window);
    let names = names(app, asked, &found.runs, &planned);
    let more_lanes = names.len() > LANES_MAX;
    let lanes = chosen(names);
    let index: BTreeMap<&str, u32> = lanes.iter().zip(0..).map(|(lane, i)| (&*lane.name, i)).collect();
    let (bars, rows, step_ms) = bars(asked, window, &found.runs, &index);
    let mut shown: Vec<Planned> = planned
        .into_iter()
        .filter_map(|((name, _), planned)| {
            let lane = *index.get(name.as_str())?;
            Some(Planned { lane, ..planned })
        })
        .collect();
    shown.sort_by_key(|planned| (planned.lane, planned.at));
    if shown.len() > BARS_MAX {
        // The nearest are worth most.
        shown.sort_by_key(|planned| planned.at);
        shown.truncate(BARS_MAX);
        shown.sort_by_key(|planned| (planned.lane, planned.at));
        more_planned = true;
    }
    let lanes = lanes.into_iter().zip(rows);
    Timeline {
        from: window.from,
        to: window.to,
        now: window.now,
        step_ms,
        lanes: lanes.map(|(lane, rows)| Lane { rows, ..lane }).collect(),
        bars,
        planned: shown,
        runs_since: found.since,
        more_planned,
        more_lanes,
    }
}

/// Lanes by how much is in them: 0 something that ran, 1 something planned, 2 nothing.
fn names(
    app: &App,
    asked: &Asked,
    runs: &[Glimpse],
    planned: &BTreeMap<(String, i64), Planned>,
) -> BTreeMap<String, (u8, Lane)> {
    let lane = |name: &str| Lane {
        name: name.to_owned(),
        node: name.parse().ok().filter(|_| asked.query.by == LaneBy::Node),
        job: name.parse().ok().filter(|_| asked.query.by == LaneBy::Job),
        rows: 1,
    };
    let mut names: BTreeMap<String, (u8, Lane)> = BTreeMap::new();
    for run in runs {
        let name = asked.lane(&run.path, &run.node);
        if !names.contains_key(&name) {
            names.insert(name.clone(), (0, lane(&name)));
        }
    }
    for (name, _) in planned.keys() {
        if !names.contains_key(name) {
            names.insert(name.clone(), (1, lane(name)));
        }
    }
    let nodes = app.view.nodes.snapshot();
    if asked.query.by == LaneBy::Node {
        for (_, entry) in nodes
            .iter()
            .filter(|(_, entry)| asked.takes_node(&entry.value.id))
        {
            let name = entry.value.id.to_string();
            names.entry(name.clone()).or_insert_with(|| (2, lane(&name)));
        }
    } else if let Some(job) = &asked.query.job {
        let name = job.to_string();
        names.entry(name.clone()).or_insert_with(|| (2, lane(&name)));
    }
    names
}

/// As many as an answer may have, those with runs before the others; by name.
fn chosen(names: BTreeMap<String, (u8, Lane)>) -> Vec<Lane> {
    let mut lanes: Vec<(u8, Lane)> = names.into_values().collect();
    lanes.sort_by_key(|(worth, _)| *worth);
    lanes.truncate(LANES_MAX);
    lanes.sort_by(|a, b| a.1.name.cmp(&b.1.name));
    lanes.into_iter().map(|(_, lane)| lane).collect()
}

/// Which of several states most needs to be seen: the smallest.
fn urgency(state: RunState) -> u8 {
    match state {
        RunState::Failed => 0,
        RunState::TimedOut => 1,
        RunState::Lost => 2,
        RunState::Rejected => 3,
        RunState::Missed => 4,
        RunState::Killed => 5,
        RunState::Running => 6,
        RunState::Queued => 7,
        RunState::Pending => 8,
        RunState::Succeeded => 9,
        RunState::Skipped => 10,
    }
}

/// The bars, how many rows each lane needs, and the step at which they fit into an answer.
fn bars(
    asked: &Asked,
    window: &Window,
    runs: &[Glimpse],
    index: &BTreeMap<&str, u32>,
) -> (Vec<Bar>, Vec<u32>, i64) {
    let mut all: Vec<Bar> = runs
        .iter()
        .filter_map(|run| bar(asked, run, index))
        .filter(|bar| bar.from < window.to)
        .collect();
    all.sort_by_key(|bar| (bar.lane, bar.from, bar.run));
    let mut step_ms = window.step_ms;
    let mut bars = together(&all, window, step_ms);
    while bars.len() > BARS_MAX && step_ms < window.to.as_millis() - window.from.as_millis() {
        step_ms *= 2;
        bars = together(&all, window, step_ms);
    }
    // Only so many lanes of bars that are all long are left.
    bars.truncate(BARS_MAX);
    let rows = rows(&mut bars, index.len(), window, step_ms);
    (bars, rows, step_ms)
}

fn bar(asked: &Asked, run: &Glimpse, index: &BTreeMap<&str, u32>) -> Option<Bar> {
    let lane = *index.get(asked.lane(&run.path, &run.node).as_str())?;
    let from = run.started_at.unwrap_or(run.scheduled_at);
    Some(Bar {
        lane,
        row: 0,
        from,
        to: run
            .state
            .is_end()
            .then(|| run.finished_at.or(run.until).unwrap_or(from).max(from)),
        state: run.state,
        run: run.id,
        job: run.path.clone(),
        node: run.node.clone(),
        count: 1,
    })
}

/// Puts short bars of a lane that begin in the same step together. `all` is in order of
/// lane and time.
fn together(all: &[Bar], window: &Window, step_ms: i64) -> Vec<Bar> {
    let step_of = |at: Time| (at.as_millis() - window.from.as_millis()).div_euclid(step_ms);
    let is_short = |bar: &Bar| {
        bar.to
            .is_some_and(|to| to.as_millis() - bar.from.as_millis() < 2 * step_ms)
    };
    let mut bars: Vec<Bar> = Vec::new();
    // The last short one, which a long one may follow.
    let mut last: Option<usize> = None;
    for bar in all {
        let joins = |at: usize| {
            let before = &bars[at];
            before.lane == bar.lane && step_of(before.from) == step_of(bar.from)
        };
        match last.filter(|at| is_short(bar) && joins(*at)) {
            Some(at) => {
                let before = &mut bars[at];
                before.count += bar.count;
                before.to = before.to.max(bar.to);
                if urgency(bar.state) < urgency(before.state) {
                    (before.state, before.run) = (bar.state, bar.run);
                    (before.job, before.node) = (bar.job.clone(), bar.node.clone());
                }
            }
            None => {
                if is_short(bar) {
                    last = Some(bars.len());
                }
                bars.push(bar.clone());
            }
        }
    }
    bars
}

/// Gives each bar the first row of its lane that is free; how many rows each lane has.
fn rows(bars: &mut [Bar], lanes: usize, window: &Window, step_ms: i64) -> Vec<u32> {
    let mut free: Vec<Vec<Time>> = vec![Vec::new(); lanes];
    for bar in bars {
        let ends = &mut free[bar.lane as usize];
        let until = bar.to.unwrap_or(window.now.max(bar.from));
        // What is drawn at all is as wide as a step.
        let until = until.max(bar.from + Duration::from_millis(step_ms as u64));
        let row = ends.iter().position(|end| *end <= bar.from);
        let row = row.unwrap_or_else(|| match ends.len() {
            ROWS_MAX.. => ROWS_MAX - 1,
            fresh => {
                ends.push(until);
                fresh
            }
        });
        ends[row] = until;
        bar.row = row as u32;
    }
    free.iter().map(|ends| ends.len().max(1) as u32).collect()
}

/// What is planned by lane and bucket, and whether there is more.
fn planned(
    schedules: &Schedules,
    asked: &Asked,
    window: &Window,
) -> (BTreeMap<(String, i64), Planned>, bool) {
    let mut planned: BTreeMap<(String, i64), Planned> = BTreeMap::new();
    let from = window.now.max(window.from);
    if from >= window.to {
        return (planned, false);
    }
    let long = window.to.as_millis() - from.as_millis();
    let step_ms = window.step_ms.max(long / PLANNED_POINTS).max(1);
    let steps = Steps {
        from,
        step_ms,
        count: (long / step_ms + 1) as usize,
    };
    let mut looks = 0;
    let mut more = false;
    for scheduled in &schedules.all {
        let path = scheduled.job.path();
        for ((triggers, _), nodes) in scheduled.triggers.iter().zip(&scheduled.nodes) {
            let lanes: BTreeSet<String> = nodes
                .iter()
                .filter(|node| asked.takes_node(node))
                .map(|node| asked.lane(&path, node))
                .collect();
            if lanes.is_empty() {
                continue;
            }
            let after = window.now.max(scheduled.since);
            steps.walk(
                triggers,
                after,
                3,
                |at| scheduled.is_open(at),
                |found| {
                    looks += found.looks + lanes.len() as u64;
                    if found.first >= window.to {
                        return false;
                    }
                    for lane in &lanes {
                        let place = planned.entry((lane.clone(), found.bucket as i64));
                        let place = place.or_insert_with(|| Planned {
                            lane: 0,
                            at: found.first,
                            until: None,
                            job: path.clone(),
                            usual_ms: scheduled.job.usual_ms,
                            count: 0,
                        });
                        place.at = place.at.min(found.first);
                        place.count = place
                            .count
                            .saturating_add(u32::try_from(found.count).unwrap_or(u32::MAX));
                        if found.last > place.at {
                            place.until = place.until.max(Some(found.last));
                        }
                    }
                    more = looks > LOOKS_MAX;
                    !more
                },
            );
            if more {
                return (planned, true);
            }
        }
    }
    (planned, false)
}
