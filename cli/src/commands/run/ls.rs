//! `gnomon run ls`.

use comfy_table::Cell;
use shared::{
    api::paths,
    history::RunView,
    id::{JobPath, NodeId},
    run::State,
    time::Time,
    units::Span,
};

use super::Context;
use crate::{
    client::escape,
    error::{CliError, Result},
    output::{self, Row},
};

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  gnomon run ls --since 1h
  gnomon run ls --job ops/backup-db --state failed --state lost
  gnomon run ls -o json --limit 1000")]
pub struct LsArgs {
    /// Only runs of this job
    #[arg(long)]
    job: Option<JobPath>,
    /// Only runs on this node
    #[arg(long)]
    node: Option<NodeId>,
    /// Only runs in this state; may be given several times
    #[arg(long)]
    state: Vec<State>,
    /// Only runs scheduled since: a duration (2h) or an instant
    #[arg(long, value_name = "D", value_parser = since)]
    since: Option<Since>,
    /// How many at most
    #[arg(long, default_value_t = 100)]
    limit: u32,
}

/// `--since`: an instant, or so long ago.
#[derive(Clone, Copy)]
enum Since {
    At(Time),
    Ago(Span),
}

fn since(text: &str) -> Result<Since, String> {
    match (text.parse(), text.parse()) {
        (Ok(at), _) => Ok(Since::At(at)),
        (_, Ok(span)) => Ok(Since::Ago(span)),
        (_, Err(why)) => Err(format!("{why}, or an instant such as 2026-01-31T02:30:00Z")),
    }
}

pub async fn run(args: LsArgs, context: Context) -> Result<()> {
    if args.limit == 0 {
        return Err(CliError::usage("--limit: 0 would list nothing; give at least 1"));
    }
    let mut query = vec![format!("limit={}", args.limit.min(1000))];
    let mut add = |key: &str, value: String| query.push(format!("{key}={}", escape(&value)));
    if let Some(job) = &args.job {
        add("job", job.to_string());
    }
    if let Some(node) = &args.node {
        add("node", node.to_string());
    }
    if !args.state.is_empty() {
        add(
            "state",
            args.state
                .iter()
                .map(|s| s.as_str())
                .collect::<Vec<_>>()
                .join(","),
        );
    }
    match args.since {
        Some(Since::At(at)) => add("since", at.to_string()),
        Some(Since::Ago(span)) => add("since", (output::now() - span.get()).to_string()),
        None => {}
    }
    let path = format!("{}?{}", paths::RUNS, query.join("&"));
    let mut runs: Vec<RunView> = context.client.pages(&path, args.limit as usize).await?;
    newest_first(&mut runs);
    output::list(context.format, &runs)
}

/// The server orders runs of one instant by their ids, which are hashes: here the attempts
/// at a fire stand together, the last one first.
fn newest_first(runs: &mut [RunView]) {
    runs.sort_by(|a, b| {
        let fire = |run: &RunView| {
            (
                run.job.clone(),
                run.slot,
                run.slot.is_none().then(|| run.node.clone()),
            )
        };
        let newer = b.scheduled_at.cmp(&a.scheduled_at);
        newer
            .then_with(|| fire(a).cmp(&fire(b)))
            .then_with(|| b.attempt.cmp(&a.attempt))
            .then_with(|| b.id.cmp(&a.id))
    });
}

impl Row for RunView {
    const HEAD: &'static [&'static str] = &[
        "RUN",
        "JOB",
        "SCHEDULED",
        "STATE",
        "TOOK",
        "NODE",
        "SLOT",
        "ATTEMPT",
        "REASON",
    ];

    fn name(&self) -> String {
        self.id.to_string()
    }

    fn cells(&self, now: Time) -> Vec<Cell> {
        let took = self
            .started_at
            .map(|start| output::rough(self.finished_at.unwrap_or(now).since(start)));
        vec![
            Cell::new(self.id),
            Cell::new(&self.job),
            Cell::new(output::time(self.scheduled_at)),
            output::state_cell(self.state),
            Cell::new(took.unwrap_or_else(|| "-".into())),
            Cell::new(&self.node),
            Cell::new(self.slot.map_or_else(|| "-".into(), |s| s.to_string())),
            Cell::new(self.attempt),
            Cell::new(&self.reason),
        ]
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run(id: u32, job: &str, hour: u32, slot: Option<u32>, attempt: u32) -> RunView {
        let id = format!("01HV5TQ4WM{id:016}");
        let view = json!({
            "id": id, "first": id, "job": job, "job_id": "01HV5TQ4WM0000000000000000",
            "scheduled_at": format!("2026-01-31T{hour:02}:00:00.000Z"), "started_at": null,
            "finished_at": null, "state": "failed", "reason": "", "reason_detail": null,
            "node": "n1", "slot": slot, "attempt": attempt, "cause": "retry", "exit_code": 1,
            "signal": null, "retry_at": null, "usage": {}, "output": {}, "range": null,
        });
        serde_json::from_value(view).unwrap()
    }

    #[test]
    fn attempts_at_a_fire_stand_together_the_last_one_first() {
        // As the server gives them: by instant and then by ids that say nothing.
        let mut runs = [
            run(9, "ops/a", 3, Some(0), 1),
            run(8, "ops/b", 3, Some(0), 1),
            run(7, "ops/a", 3, Some(1), 1),
            run(6, "ops/a", 3, Some(0), 3),
            run(5, "ops/a", 3, Some(0), 2),
            run(4, "ops/a", 2, Some(0), 1),
        ];
        newest_first(&mut runs);
        let shown = runs
            .iter()
            .map(|r| (r.job.to_string(), r.slot.unwrap_or(9), r.attempt))
            .collect::<Vec<_>>();
        let expected = [
            ("ops/a", 0, 3),
            ("ops/a", 0, 2),
            ("ops/a", 0, 1),
            ("ops/a", 1, 1),
            ("ops/b", 0, 1),
            ("ops/a", 0, 1),
        ];
        assert_eq!(
            shown,
            expected.map(|(job, slot, attempt)| (job.to_owned(), slot, attempt))
        );
    }
}
