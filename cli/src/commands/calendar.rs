//! `gnomon calendar`: named stretches of time that jobs keep out of, or keep to.

mod apply;
mod check;
mod horizon;
mod import;

use clap::{Args, Subcommand};
use comfy_table::Cell;
use shared::{
    api::{calendars::CalendarView, paths},
    calendar::{Calendar, Named, to_yaml},
    id::{CalendarName, JobPath},
    time::Time,
};

use super::Context;
use crate::{
    client::fill,
    error::Result,
    output::{self, Format, Row},
};

#[derive(Subcommand)]
pub enum Command {
    /// Make calendars as a file says: create, update or leave as they are
    Apply(apply::ApplyArgs),
    /// List calendars, whether they cover the present, and who names them
    #[command(visible_alias = "list")]
    Ls,
    /// Show one calendar as its file
    Get(Name),
    /// Delete a calendar that no job names
    #[command(visible_alias = "delete")]
    Rm(RmArgs),
    /// Make a calendar of an iCalendar file (.ics)
    Import(import::ImportArgs),
    /// Whether a calendar covers an instant, and when that changes
    Check(check::CheckArgs),
}

#[derive(Args)]
pub struct Name {
    /// The calendar's name
    name: CalendarName,
}

#[derive(Args)]
pub struct RmArgs {
    /// The calendar's name
    name: CalendarName,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

pub async fn run(command: Command, context: Context) -> Result<()> {
    match command {
        Command::Apply(args) => apply::run(args, context).await,
        Command::Ls => {
            let all: Vec<CalendarView> = context
                .client
                .pages(&format!("{}?limit=1000", paths::CALENDARS), usize::MAX)
                .await?;
            output::list(context.format, &all)?;
            all.iter().for_each(|view| warn(&view.name, &view.calendar));
            Ok(())
        }
        Command::Get(args) => get(&args.name, context).await,
        Command::Rm(args) => {
            super::confirm(&format!("delete calendar {}?", args.name), args.yes)?;
            context.client.delete(&path(&args.name)).await?;
            output::lines([format!("{} deleted", args.name)])
        }
        Command::Import(args) => import::run(args, context).await,
        Command::Check(args) => check::run(args, context).await,
    }
}

fn path(name: &CalendarName) -> String {
    fill(paths::CALENDAR, &[name.as_str()])
}

/// Says of a calendar that it runs out.
fn warn(name: &CalendarName, calendar: &Calendar) {
    if let Some(text) = horizon::warning(name, calendar, output::now()) {
        output::note(text);
    }
}

async fn get(name: &CalendarName, context: Context) -> Result<()> {
    let found: CalendarView = context.client.get(&path(name)).await?;
    let named = Named {
        name: found.name.clone(),
        calendar: found.calendar.clone(),
    };
    match context.format {
        Format::Table | Format::Yaml => output::lines([to_yaml(&named).trim_end()])?,
        Format::Name => output::lines([found.name.to_string()])?,
        Format::Json => output::value(Format::Json, &named)?,
    }
    warn(&found.name, &found.calendar);
    Ok(())
}

/// How many jobs a table names.
const JOBS_MAX: usize = 3;

impl Row for CalendarView {
    const HEAD: &'static [&'static str] = &[
        "CALENDAR",
        "ZONE",
        "NOW",
        "UNTIL",
        "KNOWN UNTIL",
        "JOBS",
        "DESCRIPTION",
    ];

    fn name(&self) -> String {
        self.name.to_string()
    }

    fn cells(&self, now: Time) -> Vec<Cell> {
        let jobs: Vec<String> = self
            .used_by
            .iter()
            .take(JOBS_MAX)
            .map(JobPath::to_string)
            .collect();
        let more = match self.jobs as usize - jobs.len().min(self.jobs as usize) {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        let until = self.changes_at.map_or_else(
            || "-".to_owned(),
            |at| format!("{} ({})", output::time(at), output::relative(at, now)),
        );
        vec![
            Cell::new(&self.name),
            Cell::new(self.calendar.timezone),
            Cell::new(if self.covers { "covers" } else { "-" }),
            Cell::new(until),
            Cell::new(horizon::known(&self.calendar, now)),
            Cell::new(format!("{}{more}", jobs.join(", "))),
            Cell::new(&self.calendar.description),
        ]
    }
}
