//! `gnomon run logs`: a run's output; with -f as it comes.

use base64::{Engine, engine::general_purpose::STANDARD};
use futures::StreamExt;
use shared::{
    api::{OutputView, paths},
    history::RunView,
    id::RunId,
    report::{Chunk, Gap, OutputSize, Stream},
};

use super::{Context, fetch, path};
use crate::{
    client::Client,
    error::{CliError, Doing, Kind, Result},
    output::{self, Format},
};

#[derive(clap::Args)]
#[command(after_help = "\
What the process wrote to its stdout comes on stdout, what it wrote to its stderr on stderr,
and so do Gnomon's own notes on the run. With -o json or yaml, -f prints a document for each
piece as it comes.")]
pub struct LogsArgs {
    /// The run's id, as `run ls` shows it
    id: RunId,
    /// Go on until the run ended
    #[arg(short, long)]
    follow: bool,
}

pub async fn run(args: LogsArgs, context: Context) -> Result<()> {
    match (args.follow, context.format) {
        (_, Format::Name) => output::lines([args.id.to_string()]),
        (true, format) => follow(&context.client, args.id, format).await,
        (false, Format::Table) => kept(&context, args.id).await,
        (false, format) => {
            let path = path(paths::RUN_OUTPUT, args.id);
            let pieces: Vec<OutputView> = context.client.pages(&path, usize::MAX).await?;
            output::value(format, &pieces)
        }
    }
}

/// The output as it is, any bytes, each stream to its own. What is not kept is said where
/// it is missing.
async fn kept(context: &Context, id: RunId) -> Result<()> {
    let run = fetch(context, id).await?;
    let mut missing = Missing::of(&run.output);
    let lines = format!("{}?format=ndjson", path(paths::RUN_OUTPUT, id));
    let mut pieces = std::pin::pin!(context.client.download(&lines).await?);
    let mut read = Vec::new();
    while let Some(bytes) = pieces.next().await {
        read.extend(bytes?);
        let whole = read
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |end| end + 1);
        let rest = read.split_off(whole);
        for line in read.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let piece: Chunk = serde_json::from_slice(line).doing("reading the output")?;
            let bytes = STANDARD.decode(&piece.data).doing("reading the output")?;
            missing.note(missing.before(piece.seq));
            print(piece.stream, &bytes)?;
            missing.printed(piece.stream, &bytes);
        }
        read = rest;
    }
    missing.note(true);
    Ok(())
}

/// The part of an output that is not kept: whether it has been told, and where it was.
struct Missing {
    /// Bytes that are not kept; none once that has been told.
    bytes: u64,
    gap: Option<Gap>,
    /// How much is printed before the gap, if no piece was numbered there: the head is half
    /// of what is kept.
    head: u64,
    printed: u64,
    is_in_line: bool,
}

impl Missing {
    fn of(output: &OutputSize) -> Missing {
        Missing {
            bytes: output.dropped,
            gap: output.gap,
            head: output.bytes.saturating_sub(output.dropped).div_ceil(2),
            printed: 0,
            is_in_line: false,
        }
    }

    /// Whether it was between what is printed and this piece.
    fn before(&self, seq: u64) -> bool {
        match self.gap {
            Some(gap) => seq >= gap.until,
            None => self.printed >= self.head,
        }
    }

    fn printed(&mut self, stream: Stream, bytes: &[u8]) {
        if stream != Stream::Note {
            self.printed += bytes.len() as u64;
        }
        self.is_in_line = bytes.last().is_some_and(|byte| *byte != b'\n');
    }

    /// Says it, once, if it is now.
    fn note(&mut self, is_here: bool) {
        if is_here && self.bytes > 0 {
            let line = if self.is_in_line { "\n" } else { "" };
            output::note(format!("{line}[{} bytes are not kept here]", self.bytes));
            self.bytes = 0;
        }
    }
}

const RECONNECTS_MAX: u32 = 10;

/// The output as it comes. A broken connection is taken up again where it broke.
async fn follow(client: &Client, id: RunId, format: Format) -> Result<()> {
    let mut seen: Option<u64> = None;
    let mut failures = 0;
    loop {
        match follow_once(client, id, format, &mut seen, &mut failures).await {
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
    format: Format,
    seen: &mut Option<u64>,
    failures: &mut u32,
) -> Result<bool> {
    let after = seen.map(|seq| seq.to_string());
    let mut events = std::pin::pin!(
        client
            .events(&path(paths::RUN_OUTPUT_LIVE, id), after.as_deref())
            .await?
    );
    while let Some(event) = events.next().await {
        let event = event?;
        *failures = 0;
        match event.name.as_str() {
            "output" => {
                let piece: OutputView = serde_json::from_str(&event.data).doing("reading the output")?;
                let expected = seen.replace(piece.seq).map_or(0, |seq| seq + 1);
                match format {
                    Format::Json => output::lines([serde_json::to_string(&piece).doing("writing JSON")?])?,
                    Format::Yaml => {
                        output::lines(["---"])?;
                        output::value(format, &piece)?;
                    }
                    Format::Table | Format::Name => {
                        if piece.seq > expected {
                            output::note("[output is missing here]");
                        }
                        print(piece.stream, piece.text.as_bytes())?;
                    }
                }
            }
            "end" => {
                let run: RunView = serde_json::from_str(&event.data).doing("reading the run")?;
                if run.output.dropped > 0 {
                    output::note(format!("[{} bytes of it are not kept]", run.output.dropped));
                }
                return Ok(true);
            }
            _ => {}
        }
    }
    Ok(false)
}

fn print(stream: Stream, bytes: &[u8]) -> Result<()> {
    match stream {
        Stream::Stdout => output::bytes(std::io::stdout().lock(), bytes),
        Stream::Stderr | Stream::Note => output::bytes(std::io::stderr().lock(), bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Before which of pieces of four bytes it is told that bytes are missing.
    fn told_before(pieces: &[u64], output: OutputSize) -> Option<u64> {
        let mut missing = Missing::of(&output);
        pieces.iter().copied().find(|seq| {
            let is_here = missing.before(*seq);
            missing.printed(Stream::Stdout, b"1234");
            is_here
        })
    }

    #[test]
    fn a_gap_is_told_where_it_is() {
        let output = |bytes, dropped, gap: Option<(u64, u64)>| OutputSize {
            bytes,
            dropped,
            gap: gap.map(|(from, until)| Gap { from, until }),
        };
        assert_eq!(told_before(&[0, 1, 7, 8], output(36, 20, Some((2, 7)))), Some(7));
        // What was dropped before it was ever a piece has no number.
        assert_eq!(told_before(&[0, 1, 2, 3], output(100, 84, None)), Some(2));
        // Half of an odd limit is rounded up: 5 of the 9 bytes are the head.
        assert_eq!(told_before(&[0, 1, 2], output(100, 91, None)), Some(2));
        assert_eq!(told_before(&[0, 1], output(100, 92, Some((2, 9)))), None);
    }
}
