//! `gnomon import`: take over what another scheduler does.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    io::Read,
    path::{Path, PathBuf},
};

use clap::Subcommand;
use shared::{
    file,
    id::{Namespace, NodeId},
    job::{JobSpec, file::to_yaml},
    schedule::Zone,
    target::{NodeSet, Place, Target},
};

use super::{
    Context,
    apply::{is_stdin, name_of, show},
    job::apply::{Given, apply, check_distinct},
};
use crate::{
    client::{Client, Server},
    crontab::{self, Kind, Naming},
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

A file below /etc or in a folder cron.d is read as a system crontab, with the user column;
--system and --user say otherwise. Five-field lines keep their meaning to the minute, in this host's time zone
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
    let jobs = read(&args)?;
    if jobs.is_empty() {
        return Err(CliError::failed("there is nothing to take over"));
    }
    check_distinct(&jobs)?;
    if args.dry_run {
        return preview(jobs.into_iter().map(|job| job.spec).collect(), format);
    }
    let context = Context {
        client: Client::new(&server)?,
        format,
    };
    let applied = apply(&context, jobs, false).await?;
    show(&applied, format, false)
}

/// What would be created, exactly: the job files themselves.
fn preview(jobs: Vec<JobSpec>, format: Format) -> Result<()> {
    match format {
        Format::Table => output::lines(jobs.iter().map(|job| format!("---\n{}", to_yaml(job).trim_end()))),
        Format::Name => output::lines(jobs.iter().map(|job| job.path().to_string())),
        format => output::value(format, &jobs),
    }
}

/// The jobs of all files. What is not taken over is said.
fn read(args: &Args) -> Result<Vec<Given>> {
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
    let mut files = if args.files.is_empty() {
        vec![PathBuf::from("-")]
    } else {
        args.files.clone()
    };
    files.retain(|path| is_read_by_cron(path));
    let mut all = Vec::new();
    for path in &files {
        let naming = Naming {
            namespace: args.namespace.clone(),
            prefix: &prefix(path, &files),
            target: target.clone(),
            timezone,
        };
        let file = name_of(path);
        let text = text_of(path)?;
        let kind = kind(args, path, &text)?;
        let crontab = crontab::parse(&text, &kind, &naming);
        for skipped in &crontab.skipped {
            output::note(format!(
                "{file}:{}: not taken: {}: {}",
                skipped.line, skipped.reason, skipped.text
            ));
        }
        all.extend(crontab.jobs.into_iter().map(|(line, spec)| Given {
            spec,
            file: file.clone(),
            place: file::Place::starting(file::At {
                line: line as u32,
                column: 0,
            }),
        }));
    }
    Ok(all)
}

/// Whether cron itself would read it; else it is said that it does not.
fn is_read_by_cron(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy());
    if !in_cron_d(path) || name.is_some_and(|name| crontab::is_read_in_cron_d(&name)) {
        return true;
    }
    output::note(format!(
        "{}: not taken: cron reads no file of cron.d whose name has characters other than letters, digits, `_` and `-`",
        name_of(path)
    ));
    false
}

fn in_cron_d(path: &Path) -> bool {
    !is_stdin(path)
        && whole(path)
            .parent()
            .is_some_and(|folder| folder.ends_with("cron.d"))
}

/// From the root on; as it was given if nothing is there.
fn whole(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

fn text_of(path: &Path) -> Result<String> {
    let name = name_of(path);
    let bytes = match is_stdin(path) {
        true => {
            let mut bytes = Vec::new();
            let read = std::io::stdin().lock().read_to_end(&mut bytes);
            read.doing("reading standard input")?;
            bytes
        }
        false => std::fs::read(path).map_err(|e| CliError::usage(format!("{name}: {e}")))?,
    };
    String::from_utf8(bytes).map_err(|e| {
        let before = &e.as_bytes()[..e.utf8_error().valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        CliError::usage(format!("{name}:{line}: it has bytes that are not UTF-8"))
            .hint("write it in UTF-8 first, for instance with `iconv -t UTF-8`")
    })
}

/// Whether the lines have a user column. Where nobody says so, a file below /etc and of a
/// cron.d has; one that looks so and lies elsewhere is not guessed about.
fn kind(args: &Args, path: &Path, text: &str) -> Result<Kind> {
    if args.system {
        return Ok(Kind::System);
    }
    if args.user.is_some() {
        return Ok(Kind::User(args.user.clone()));
    }
    if !is_stdin(path) && (whole(path).starts_with("/etc") || in_cron_d(path)) {
        return Ok(Kind::System);
    }
    let users = crontab::user_column(text);
    let is_user = |name: &&str| nix::unistd::User::from_name(name).is_ok_and(|user| user.is_some());
    if !users.is_empty() && users.iter().all(is_user) {
        return Err(CliError::usage(format!(
            "{}: after the schedule, each line has the name of a user of this host: {}",
            name_of(path),
            users[0]
        ))
        .hint("give --system if this is a user column, as /etc/crontab has it; give --user NAME if it is the command"));
    }
    Ok(Kind::User(None))
}

/// What the names of a file's jobs begin with: its own name, and that of its folder too where
/// another file is called the same.
fn prefix(path: &Path, files: &[PathBuf]) -> String {
    let called = |path: &Path| match (is_stdin(path), path.file_name()) {
        (false, Some(name)) => name.to_string_lossy().into_owned(),
        _ => "crontab".to_owned(),
    };
    let name = called(path);
    let is_shared = files.iter().filter(|other| called(other) == name).count() > 1;
    let folder = match is_stdin(path) {
        true => None,
        false => whole(path)
            .parent()
            .and_then(Path::file_name)
            .map(OsStr::to_owned),
    };
    match folder.filter(|_| is_shared) {
        Some(folder) => format!("{}-{name}", folder.to_string_lossy()),
        None => name,
    }
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
