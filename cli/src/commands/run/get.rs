//! `gnomon run get`.

use shared::{history::RunView, units::Size};

use super::{Context, Id, fetch};
use crate::{
    error::Result,
    output::{self, Format},
};

pub async fn run(args: Id, context: Context) -> Result<()> {
    let run = fetch(&context, args.id).await?;
    match context.format {
        Format::Table => output::lines(facts(&run)),
        Format::Name => output::lines([run.id.to_string()]),
        format => output::value(format, &run),
    }
}

fn facts(run: &RunView) -> Vec<String> {
    let mut facts = vec![
        ("run", run.id.to_string()),
        ("job", run.job.to_string()),
        ("state", run.state.to_string()),
        ("reason", run.reason.clone()),
        ("scheduled", run.scheduled_at.to_string()),
        (
            "started",
            run.started_at.map(|t| t.to_string()).unwrap_or_default(),
        ),
        (
            "finished",
            run.finished_at.map(|t| t.to_string()).unwrap_or_default(),
        ),
        ("node", run.node.to_string()),
        ("slot", run.slot.map(|s| s.to_string()).unwrap_or_default()),
        ("attempt", run.attempt.to_string()),
        ("cause", run.cause.as_str().to_owned()),
        (
            "exit code",
            run.exit_code.map(|c| c.to_string()).unwrap_or_default(),
        ),
        ("signal", run.signal.map(|c| c.to_string()).unwrap_or_default()),
        (
            "next attempt",
            run.retry_at.map(|t| t.to_string()).unwrap_or_default(),
        ),
    ];
    // Known once it has ended; a peak of nothing is one that nobody saw.
    if run.started_at.is_some() && run.finished_at.is_some() {
        let peak = Some(run.usage.memory_max_bytes >> 10 << 10).filter(|peak| *peak > 0);
        facts.extend([
            ("cpu time", format!("{}ms", run.usage.cpu_ms)),
            (
                "peak memory",
                peak.map(|peak| Size::bytes(peak).to_string()).unwrap_or_default(),
            ),
            (
                "output",
                format!(
                    "{} bytes, {} of them not kept",
                    run.output.bytes, run.output.dropped
                ),
            ),
        ]);
    }
    if let Some(range) = run.range {
        facts.push((
            "stands for",
            format!("{} instants until {}", range.count, range.until),
        ));
    }
    facts.retain(|(_, value)| !value.is_empty());
    facts
        .into_iter()
        .map(|(name, value)| format!("{name:<14}{value}"))
        .collect()
}
