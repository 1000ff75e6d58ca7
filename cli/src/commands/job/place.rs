//! `gnomon job where`: each slot's owner, and what each node is to the job.

use comfy_table::Cell;
use shared::api::{Whereabouts, calendars::CalendarUse, paths};

use super::{Context, Name, path};
use crate::{
    error::Result,
    output::{self, Format},
};

pub async fn run(args: Name, context: Context) -> Result<()> {
    let found: Whereabouts = context.client.get(&path(paths::JOB_WHERE, &args.job)).await?;
    match context.format {
        Format::Table => {}
        Format::Name => {
            return output::lines(
                found
                    .slots
                    .iter()
                    .filter_map(|s| s.node.as_ref())
                    .map(ToString::to_string),
            );
        }
        format => return output::value(format, &found),
    }
    let slots = found.slots.iter().map(|slot| {
        let node = slot.node.as_ref().map_or_else(|| "-".into(), ToString::to_string);
        let why = slot.why.clone().unwrap_or_default();
        vec![
            Cell::new(slot.slot),
            Cell::new(node),
            Cell::new(output::time_or_dash(slot.claimed)),
            Cell::new(why),
        ]
    });
    if !found.slots.is_empty() {
        output::table(&["SLOT", "NODE", "LAST CLAIMED", "WHY"], slots, false)?;
        output::lines([""])?;
    }
    let calendars = found.calendars.iter().map(|c| {
        let now = match (c.exists, c.covers) {
            (false, _) => "does not exist: covers nothing",
            (true, true) => "covers",
            (true, false) => "-",
        };
        let used = match c.used {
            CalendarUse::Exclude => "exclude",
            CalendarUse::Only => "only",
        };
        vec![
            Cell::new(&c.name),
            Cell::new(used),
            Cell::new(now),
            Cell::new(output::time_or_dash(c.changes_at)),
        ]
    });
    if !found.calendars.is_empty() {
        output::table(&["CALENDAR", "USE", "NOW", "UNTIL"], calendars, false)?;
        output::lines([""])?;
    }
    let nodes = found.nodes.iter().map(|n| {
        vec![
            Cell::new(&n.node),
            Cell::new(if n.matches { "yes" } else { "no" }),
            Cell::new(&n.why),
        ]
    });
    output::table(&["NODE", "MATCHES", "WHY"], nodes, found.nodes.is_empty())
}
