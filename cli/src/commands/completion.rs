//! `gnomon completion`: what a shell needs to complete commands.

use clap::CommandFactory;
use clap_complete::Shell;

use super::Cli;
use crate::{error::Result, output};

#[derive(clap::Args)]
#[command(after_help = "Example:\n  gnomon completion bash > /etc/bash_completion.d/gnomon")]
pub struct Args {
    shell: Shell,
}

pub fn run(args: Args) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "gnomon", &mut script);
    output::bytes(std::io::stdout().lock(), &script)
}
