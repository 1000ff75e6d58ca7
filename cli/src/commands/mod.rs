//! A command a file. Each takes its arguments and says what it did.

mod agent;
mod apply;
mod backup;
mod calendar;
mod completion;
mod etcd;
mod group;
mod import;
mod job;
mod keep;
mod login;
mod master;
mod next;
mod node;
mod reset_password;
mod run;
mod standalone;
mod status;
mod token;

use clap::{Parser, Subcommand};

use crate::{
    client::{Client, Server},
    error::{CliError, Doing, Result},
    output::Format,
};

/// Distributed cron: one place to say what runs when and where.
#[derive(Parser)]
#[command(name = "gnomon", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "\
Start here:
  gnomon standalone                     a whole instance on this machine
  gnomon job apply -f job.yaml          say what runs when and where
  gnomon run ls                         see what ran

Exit codes: 0 done, 1 it failed, 2 wrong usage, 3 not found, 4 conflict, 5 not allowed,
6 cannot reach the server; 141 nobody reads its output any more.")]
pub struct Cli {
    #[command(flatten)]
    server: Server,
    /// How to print results
    #[arg(short, long, global = true, value_enum, default_value_t)]
    output: Format,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Everything on this machine, in one process
    Standalone(standalone::Args),
    /// An API server; one of them plans
    Master(master::Args),
    /// The daemon on each host that fires jobs
    Agent(agent::Args),
    /// Jobs: what runs when and where
    #[command(subcommand)]
    Job(job::Command),
    /// Runs: what ran, and its output
    #[command(subcommand)]
    Run(run::Command),
    /// Nodes: hosts with an agent
    #[command(subcommand)]
    Node(node::Command),
    /// Groups of nodes
    #[command(subcommand)]
    Group(group::Command),
    /// Calendars that jobs keep out of, or keep to
    #[command(subcommand)]
    Calendar(calendar::Command),
    /// The next instants of a cron expression
    Next(next::Args),
    /// Take over what another scheduler does
    #[command(subcommand)]
    Import(import::Command),
    /// Write everything that lasts into a file
    Backup(backup::BackupArgs),
    /// Read such a file into an empty instance
    Restore(backup::RestoreArgs),
    /// How the instance is
    Status,
    /// Log in and remember the server
    Login(login::Args),
    /// API tokens
    #[command(subcommand)]
    Token(token::Command),
    /// A new password for the user admin, from the host that has the data
    #[command(subcommand)]
    ResetPassword(reset_password::Command),
    /// A script that completes commands in a shell
    Completion(completion::Args),
}

/// What every command that talks to a server gets.
pub struct Context {
    pub client: Client,
    pub format: Format,
}

/// Carries out what the command line says.
pub fn run(cli: Cli) -> Result<()> {
    let Cli {
        server,
        output,
        command,
    } = cli;
    match command {
        Command::Standalone(args) => blocking(standalone::run(args)),
        Command::Master(args) => blocking(master::run(args)),
        Command::Agent(args) => blocking(agent::run(args)),
        Command::Next(args) => blocking(next::run(args, server, output)),
        Command::Completion(args) => completion::run(args),
        Command::Login(args) => blocking(login::run(args, server)),
        Command::ResetPassword(command) => blocking(reset_password::run(command)),
        Command::Import(command) => blocking(import::run(command, server, output)),
        command => {
            let context = Context {
                client: Client::new(&server)?,
                format: output,
            };
            blocking(remote(command, context))
        }
    }
}

async fn remote(command: Command, context: Context) -> Result<()> {
    match command {
        Command::Job(command) => job::run(command, context).await,
        Command::Run(command) => run::run(command, context).await,
        Command::Node(command) => node::run(command, context).await,
        Command::Group(command) => group::run(command, context).await,
        Command::Calendar(command) => calendar::run(command, context).await,
        Command::Backup(args) => backup::backup(args, context).await,
        Command::Restore(args) => backup::restore(args, context).await,
        Command::Status => status::run(context).await,
        Command::Token(command) => token::run(command, context).await,
        _ => Err(CliError::usage("this command does not talk to a server")),
    }
}

fn blocking(work: impl Future<Output = Result<()>>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .doing("starting the async runtime")?;
    let result = runtime.block_on(work);
    // Reading a terminal or a slow disk must not hold up the exit.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    result
}

/// Asks before something is destroyed. Scripts, which have no terminal, are not asked.
fn confirm(question: &str, yes: bool) -> Result<()> {
    use std::io::{IsTerminal, Write, stdin, stdout};
    if yes || !stdin().is_terminal() || !stdout().is_terminal() {
        return Ok(());
    }
    let mut out = stdout().lock();
    let _ = write!(out, "{question} [y/N] ");
    let _ = out.flush();
    let mut answer = String::new();
    stdin().read_line(&mut answer).doing("reading the answer")?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        return Ok(());
    }
    Err(CliError::failed("nothing was done"))
}
