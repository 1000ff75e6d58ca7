use crate::error::Result;
#[derive(clap::Args)]
pub struct Args {}
pub async fn run(_args: Args) -> Result<()> { Ok(()) }
