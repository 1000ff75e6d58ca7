//! `gnomon import`: take over what another scheduler does.

use std::{collections::BTreeSet, io::Read, path::PathBuf};

use clap::Subcommand;
use shared::{
    id::{Namespace, NodeId},
    job::{JobSpec, file::to_yaml},
    schedule::Zone,
    target::{NodeSet, Place, Target},
};

use super::{Context, apply::show, job::apply::apply};
use crate::{
    client::{Client, Server},
    crontab::{self, Crontab, Kind, Naming},
    error::{CliError, Doing, Result},
    output::{self, Format},
};

#[derive(Subcommand)]
pub enum Command {
    /// Take over a crontab: a user's own, /etc/crontab, or files of /etc/cron.d
    Crontab(Args),
}

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  crontab -l | gnomon import crontab --dry-run
  gnomon import crontab /etc/crontab /etc/cron.d/* --node \"$(hostname)\"

A file below /etc is read as a system crontab, with the user column; --system and --user
say otherwise. Five-field lines keep their meaning to the minute, in this host's time zone
unless CRON_TZ or --timezone says otherwise. Lines that cannot be taken over are listed
with the reason. As with cron, a run that takes long does not hold up the next.")]
pub struct Args {
    /// Crontabs; standard input if none
    files: Vec<PathBuf>,
    /// Only show what would be created
    #[arg(long)]
    dry_run: bool,
    /// Lines have a user column, as in /etc/crontab
    #[arg(long, conflicts_with = "user")]
    system: bool,
    /// Whom the lines of a user's crontab run as; the agent's own user if none
    #[arg(long)]
    user: Option<String>,
    /// Where the jobs go
    #[arg(short, long, default_value = "default")]
    namespace: Namespace,
    /// Run on this node; may be given several times. One of all nodes if none
    #[arg(long = "node")]
    nodes: Vec<NodeId>,
    /// Run on every node (of --node, or all)
    #[arg(long)]
    every: bool,
    /// Whose local time the lines are in; this host's if none
    #[arg(long)]
    timezone: Option<Zone>,
}

pub async fn run(command: Command, server: Server, format: Format) -> Result<()> {
    let Command::Crontab(args) = command;
    let crontab = read(&args)?;
    for skipped in &crontab.skipped {
        output::note(format!(
            "line {} not taken: {}: {}",
            skipped.line, skipped.reason, skipped.text
        ));
    }
    if crontab.jobs.is_empty() {
        return Err(CliError::failed("the crontab holds nothing to take over"));
    }
    if args.dry_run {
        return preview(&crontab.jobs, format);
    }
    let context = Context {
        client: Client::new(&server)?,
        format,
    };
    let applied = apply(&context, crontab.jobs, false).await?;
    show(&applied, format, false)
}

/// What would be created, exactly: the job files themselves.
fn preview(jobs: &[JobSpec], format: Format) -> Result<()> {
    match format {
        Format::Table => output::lines(jobs.iter().map(|job| format!("---\n{}", to_yaml(job).trim_end()))),
        Format::Name => output::lines(jobs.iter().map(|job| job.path().to_string())),
        format => output::value(format, jobs),
    }
}

fn read(args: &Args) -> Result<Crontab> {
    let timezone = match args.timezone {
        Some(zone) => zone,
        None => host_zone()?,
    };
    let on = NodeSet {
        nodes: args.nodes.iter().cloned().collect::<BTreeSet<_>>(),
        ..NodeSet::default()
    };
    let place = if args.every { Place::Every } else { Place::One };
    let target = Target {
        place,
        on,
        ..Target::default()
    };
    let mut all = Crontab::default();
    let sources = if args.files.is_empty() {
        vec![PathBuf::from("-")]
    } else {
        args.files.clone()
    };
    for path in &sources {
        let (prefix, text) = if path.as_os_str() == "-" {
            let mut text = String::new();
            std::io::stdin()
                .lock()
                .read_to_string(&mut text)
                .doing("reading standard input")?;
            ("crontab".to_owned(), text)
        } else {
            let bytes =
                std::fs::read(path).map_err(|e| CliError::usage(format!("{}: {e}", path.display())))?;
            let prefix = path
                .file_name()
                .map(|n| n.to_string_lossy().into_owned())
                .unwrap_or_default();
            (prefix, String::from_utf8_lossy(&bytes).into_owned())
        };
        let is_system = args.system || (args.user.is_none() && path.starts_with("/etc"));
        let kind = if is_system {
            Kind::System
        } else {
            Kind::User(args.user.clone())
        };
        let naming = Naming {
            namespace: args.namespace.clone(),
            prefix: &prefix,
            target: target.clone(),
            timezone,
        };
        let one = crontab::parse(&text, &kind, &naming);
        all.jobs.extend(one.jobs);
        all.skipped.extend(one.skipped);
    }
    Ok(all)
}

/// The host's time zone: cron's lines are in it.
fn host_zone() -> Result<Zone> {
    let name = std::env::var("TZ")
        .ok()
        .map(|tz| tz.trim_start_matches(':').to_owned())
        .filter(|tz| !tz.is_empty())
        .or_else(|| {
            std::fs::read_to_string("/etc/timezone")
                .ok()
                .map(|s| s.trim().to_owned())
        })
        .or_else(|| {
            let link = std::fs::read_link("/etc/localtime")
                .ok()?
                .to_string_lossy()
                .into_owned();
            link.split_once("zoneinfo/").map(|(_, name)| name.to_owned())
        })
        .unwrap_or_else(|| "UTC".into());
    name.parse()
        .map_err(|e| CliError::usage(format!("this host's time zone: {e}")).hint("give --timezone"))
}
