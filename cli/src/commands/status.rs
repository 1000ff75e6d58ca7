//! `gnomon status`: how the instance is.

use shared::api::{Part, Status, paths};

use super::Context;
use crate::{
    error::{CliError, Result},
    output::{self, Format},
};

/// Prints it; ends with 1 when a part does not answer.
pub async fn run(context: Context) -> Result<()> {
    let status: Status = context.client.get(paths::STATUS).await?;
    match context.format {
        Format::Table => output::lines(facts(&status))?,
        Format::Name => output::lines([status.master.to_string()])?,
        format => output::value(format, &status)?,
    }
    match [&status.store, &status.database]
        .into_iter()
        .find(|part| !part.ok)
    {
        None => Ok(()),
        Some(part) => Err(CliError::failed(format!("{} does not answer", part.kind))),
    }
}

fn facts(s: &Status) -> Vec<String> {
    let part = |part: &Part| match &part.error {
        None if part.ok => format!("{}, ok", part.kind),
        error => format!("{}, {}", part.kind, error.as_deref().unwrap_or("does not answer")),
    };
    let masters: Vec<&str> = s.masters.iter().map(|m| m.as_str()).collect();
    let mut facts = vec![
        ("version", s.version.clone()),
        ("master", s.master.to_string()),
        (
            "leader",
            s.leader
                .as_ref()
                .map_or_else(|| "none".into(), ToString::to_string),
        ),
        ("masters", masters.join(", ")),
        ("store", part(&s.store)),
        ("database", part(&s.database)),
        ("nodes", format!("{} ({} down)", s.nodes, s.nodes_down)),
        ("jobs", s.jobs.to_string()),
        ("tzdb", s.tzdb.clone()),
    ];
    facts.extend(s.broken.iter().map(|b| ("unreadable", b.clone())));
    facts
        .into_iter()
        .map(|(name, value)| format!("{name:<12}{value}"))
        .collect()
}
