//! `gnomon run logs`: a run's output; with -f as it comes.

use futures::StreamExt;
use shared::{
    api::{OutputView, paths},
    id::RunId,
    report::Stream,
};

use super::{Context, path};
use crate::{
    client::Client,
    error::{CliError, Doing, Kind, Result},
    output::{self, Format},
};

#[derive(clap::Args)]
pub struct LogsArgs {
    /// The run's id, as `run ls` shows it
    id: RunId,
    /// Go on until the run ended
    #[arg(short, long)]
    follow: bool,
}

pub async fn run(args: LogsArgs, context: Context) -> Result<()> {
    if args.follow {
        return follow(&context.client, args.id).await;
    }
    if context.format == Format::Table {
        return download(&context.client, args.id).await;
    }
    let pieces: Vec<OutputView> = context
        .client
        .pages(&path(paths::RUN_OUTPUT, args.id), usize::MAX)
        .await?;
    output::value(context.format, &pieces)
}

/// The output as it is, any bytes.
async fn download(client: &Client, id: RunId) -> Result<()> {
    let text = format!("{}?format=text", path(paths::RUN_OUTPUT, id));
    let mut pieces = std::pin::pin!(client.download(&text).await?);
    while let Some(piece) = pieces.next().await {
        output::bytes(std::io::stdout().lock(), &piece?)?;
    }
    Ok(())
}

const RECONNECTS_MAX: u32 = 10;

/// The output as it comes. A broken connection is taken up again where it broke.
async fn follow(client: &Client, id: RunId) -> Result<()> {
    let mut seen: Option<String> = None;
    let mut failures = 0;
    loop {
        match follow_once(client, id, &mut seen, &mut failures).await {
            Ok(true) => return Ok(()),
            Err(e) if e.kind != Kind::Unreachable || failures >= RECONNECTS_MAX => return Err(e),
            // A connection that ends without an end of the run is as good as broken.
            Ok(false) if failures >= RECONNECTS_MAX => {
                return Err(CliError::new(
                    Kind::Unreachable,
                    format!("{} ended the stream again and again", client.url()),
                ));
            }
            Ok(false) | Err(_) => {
                failures += 1;
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            }
        }
    }
}

/// Whether the run's end was seen.
async fn follow_once(
    client: &Client,
    id: RunId,
    seen: &mut Option<String>,
    failures: &mut u32,
) -> Result<bool> {
    let mut events = std::pin::pin!(
        client
            .events(&path(paths::RUN_OUTPUT_LIVE, id), seen.as_deref())
            .await?
    );
    while let Some(event) = events.next().await {
        let event = event?;
        *failures = 0;
        match event.name.as_str() {
            "output" => {
                let piece: OutputView = serde_json::from_str(&event.data).doing("reading the output")?;
                print(&piece)?;
                *seen = Some(event.id);
            }
            "end" => return Ok(true),
            _ => {}
        }
    }
    Ok(false)
}

fn print(piece: &OutputView) -> Result<()> {
    match piece.stream {
        Stream::Stdout => output::bytes(std::io::stdout().lock(), piece.text.as_bytes()),
        Stream::Stderr | Stream::Note => output::bytes(std::io::stderr().lock(), piece.text.as_bytes()),
    }
}
