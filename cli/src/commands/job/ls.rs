//! `gnomon job ls`.

use comfy_table::Cell;
use shared::{
    api::{JobView, paths},
    id::Namespace,
    schedule::Lang,
    target::Place,
    time::Time,
};

use super::Context;
use crate::{
    client::escape,
    error::Result,
    output::{self, Row},
};

#[derive(clap::Args)]
pub struct LsArgs {
    /// Only jobs of this namespace
    #[arg(short, long)]
    namespace: Option<Namespace>,
    /// Only jobs whose labels match, e.g. team=dba
    #[arg(short = 'l', long)]
    selector: Option<shared::target::Selector>,
}

pub async fn run(args: LsArgs, context: Context) -> Result<()> {
    let path = match &args.namespace {
        Some(namespace) => format!(
            "{}?limit=1000&namespace={}",
            paths::JOBS,
            escape(namespace.as_str())
        ),
        None => format!("{}?limit=1000", paths::JOBS),
    };
    let mut jobs: Vec<JobView> = context.client.pages(&path, usize::MAX).await?;
    if let Some(selector) = &args.selector {
        jobs.retain(|job| selector.matches(&job.spec.labels));
    }
    if jobs.is_empty() && context.format == output::Format::Table {
        output::note("no jobs; `gnomon job apply -f FILE` makes one");
    }
    output::list(context.format, &jobs)
}

impl Row for JobView {
    const HEAD: &'static [&'static str] = &["JOB", "SCHEDULE", "PLACE", "STATE", "NEXT"];

    fn name(&self) -> String {
        self.spec.path().to_string()
    }

    fn cells(&self, now: Time) -> Vec<Cell> {
        let place = match self.spec.target.place {
            Place::Every => "every".to_owned(),
            Place::One => "one".to_owned(),
            Place::Count(n) => n.to_string(),
            Place::Shards(n) => format!("{n} shards"),
        };
        let state = if self.spec.paused {
            "paused"
        } else if !self.unplaced.is_empty() {
            "unplaced"
        } else {
            "active"
        };
        let next = self.next.filter(|_| !self.spec.paused);
        let next = next.map_or_else(
            || "-".into(),
            |t| format!("{} ({})", output::time(t), output::relative(t, now)),
        );
        vec![
            Cell::new(self.name()),
            Cell::new(schedule_in_words(self)),
            Cell::new(place),
            Cell::new(state),
            Cell::new(next),
        ]
    }
}

fn schedule_in_words(job: &JobView) -> String {
    if job.spec.triggers.is_empty() {
        return "when asked".into();
    }
    let words: Vec<String> = job
        .spec
        .triggers
        .iter()
        .map(|t| match t.compile(job.id.seed()) {
            Ok(compiled) => compiled.schedule.describe(Lang::En),
            Err(e) => e.to_string(),
        })
        .collect();
    words.join("; ")
}
