//! What runs now, by job: the time of its longest run against the usual one.

use shared::{api::overview::RunningRun, id::NodeId};

use super::words::OverviewWords;
use crate::{
    address,
    api::Query,
    clock,
    locale::{count, fixed, millis},
    parts::{
        icon::{Glyph, Icon},
        when::Elapsed,
    },
    prelude::*,
    words::say,
};

/// How many jobs are listed before the rest are counted.
const LISTED: usize = 12;

/// A job's runs, the longest first.
#[derive(Clone, Debug, PartialEq)]
struct Together {
    first: RunningRun,
    count: usize,
    /// The nodes that they run on.
    nodes: Vec<NodeId>,
}

/// The runs by job, in the order of each job's first.
fn by_job(runs: Vec<RunningRun>) -> Vec<Together> {
    let mut all: Vec<Together> = Vec::new();
    for run in runs {
        let known = all.iter_mut().find(|known| known.first.job_id == run.job_id);
        match known {
            Some(together) => {
                together.count += 1;
                if !together.nodes.contains(&run.node) {
                    together.nodes.push(run.node);
                }
            }
            None => all.push(Together {
                nodes: vec![run.node.clone()],
                count: 1,
                first: run,
            }),
        }
    }
    all
}

#[component]
pub fn RunningCard(runs: Vec<RunningRun>, running: u32, queued: u32) -> impl IntoView {
    let w = say::<OverviewWords>();
    let is_none = runs.is_empty();
    let is_first_only = running as usize > runs.len();
    let jobs = by_job(runs);
    let is_cut = jobs.len() > LISTED || is_first_only;
    let shown = jobs.len().min(LISTED);
    let rows = jobs
        .into_iter()
        .take(LISTED)
        .map(|together| view! { <JobLine together /> });
    view! {
        <section class="card" aria-label=w.running>
            <header>
                <h2>{w.running}</h2>
                <a href="/runs?state=running,queued" class="number">
                    {fill!(w.running_n, n = count(running.into()), queued = count(queued.into()))}
                </a>
            </header>
            {is_none.then(|| view! { <p class="body muted">{w.running_none}</p> })}
            <ul class="running">{rows.collect_view()}</ul>
            {is_cut.then(|| view! { <p class="body muted">{fill!(w.running_more, n = shown)}</p> })}
        </section>
    }
}

#[component]
fn JobLine(together: Together) -> impl IntoView {
    let w = say::<OverviewWords>();
    let Together {
        first: run,
        count: n,
        nodes,
    } = together;
    let now = clock::ticking();
    let (started, usual) = (run.started_at.unwrap_or(run.scheduled_at), run.usual_ms);
    let share = move || {
        let elapsed = now.get().since(started).as_millis() as f64;
        usual.map(|usual| elapsed / usual.max(1) as f64)
    };
    // Twice the usual time is what an operator would want to know of.
    let is_long = Memo::new(move |_| share().is_some_and(|share| share > 2.0));
    let width = move || fixed(share().unwrap_or(0.0).min(1.0) * 100.0, 1) + "%";
    let href = match n {
        1 => address::of_run(run.id),
        _ => Query::default()
            .with("job", &run.job)
            .with("state", "running")
            .after("/runs"),
    };
    let place = match nodes.len() {
        1 => run.node.to_string(),
        n => fill!(w.on_nodes, n = n),
    };
    view! {
        <li data-tone=move || if is_long.get() { "warning" } else { "busy" }>
            <div class="running-line">
                <a href=href title=run.job.to_string()>{run.job.to_string()}</a>
                {(n > 1).then(|| view! { <span class="number" title=fill!(w.runs_of_it, n = n)>{format!("×{n}")}</span> })}
                <span class="muted">{place}</span>
                <Elapsed since=started />
            </div>
            <div class="running-bar" aria-hidden="true"><span style:width=width></span></div>
            <small class="muted">
                {match usual {
                    Some(usual) => fill!(w.usual, usual = millis(usual)),
                    None => w.usual_unknown.to_owned(),
                }}
                <Show when=move || is_long.get()>" · " <Icon glyph=Glyph::Warning />{w.longer}</Show>
            </small>
        </li>
    }
}

#[cfg(test)]
mod tests {
    use shared::{
        id::{JobId, RunId},
        run::Cause,
        time::Time,
    };

    use super::*;

    fn run(job: &str, job_id: u128, node: &str) -> RunningRun {
        RunningRun {
            id: RunId::from_u128(1),
            job: job.parse().unwrap(),
            job_id: JobId::from_u128(job_id),
            node: node.parse().unwrap(),
            slot: None,
            attempt: 1,
            cause: Cause::Schedule,
            scheduled_at: Time::from_millis(0),
            started_at: None,
            usual_ms: None,
        }
    }

    #[test]
    fn shards_of_a_job_are_one_line() {
        let runs = vec![
            run("a/many", 1, "n1"),
            run("a/one", 2, "n1"),
            run("a/many", 1, "n2"),
            run("a/many", 1, "n2"),
        ];
        let lines: Vec<_> = by_job(runs)
            .into_iter()
            .map(|t| (t.first.job.to_string(), t.count, t.nodes.len()))
            .collect();
        assert_eq!(lines, [("a/many".into(), 3, 2), ("a/one".into(), 1, 1)]);
    }
}
