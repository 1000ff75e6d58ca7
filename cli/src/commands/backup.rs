//! `gnomon backup` and `gnomon restore`: everything that lasts, as one file of JSON lines.

use std::{
    io::SeekFrom,
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use futures::{StreamExt, TryStreamExt};
use shared::api::{Restored, paths};
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt},
};
use tokio_util::io::ReaderStream;

use super::Context;
use crate::{
    error::{CliError, Doing, Result},
    output,
};

#[derive(clap::Args)]
pub struct BackupArgs {
    /// The file to write; it must not exist
    file: PathBuf,
}

#[derive(clap::Args)]
pub struct RestoreArgs {
    /// A file that `gnomon backup` wrote
    file: PathBuf,
    /// Also into an instance that has jobs: those of the file replace them
    #[arg(long)]
    force: bool,
}

/// Writes beside the file and renames at the end, so that a half backup never looks whole.
pub async fn backup(args: BackupArgs, context: Context) -> Result<()> {
    let name = args.file.display().to_string();
    if args.file.exists() {
        return Err(
            CliError::usage(format!("{name} exists already")).hint("name a new file, or move it away")
        );
    }
    let mut pieces = std::pin::pin!(context.client.download(paths::BACKUP).await?);
    let mut options = tokio::fs::OpenOptions::new();
    // Tokens' and passwords' hashes are inside.
    options.write(true).create(true).truncate(true).mode(0o600);
    let part = PathBuf::from(format!("{name}.part"));
    let mut file = options
        .open(&part)
        .await
        .doing(format!("writing {}", part.display()))?;
    let mut bytes = 0;
    while let Some(piece) = pieces.next().await {
        let piece = piece?;
        bytes += piece.len();
        file.write_all(&piece)
            .await
            .doing(format!("writing {}", part.display()))?;
    }
    file.sync_all()
        .await
        .doing(format!("writing {}", part.display()))?;
    tokio::fs::rename(&part, &args.file)
        .await
        .doing(format!("writing {name}"))?;
    let answer = serde_json::json!({"file": name, "bytes": bytes});
    output::done(context.format, &name, &format!("written, {bytes} bytes"), &answer)
}

pub async fn restore(args: RestoreArgs, context: Context) -> Result<()> {
    let name = args.file.display().to_string();
    let mut file = File::open(&args.file)
        .await
        .map_err(|e| CliError::usage(format!("{name}: {e}")))?;
    check_end(&mut file, &name).await?;
    // What goes wrong with the file while it is sent is no fault of the server.
    let broken = Arc::new(OnceLock::new());
    let body = ReaderStream::new(file).inspect_err({
        let broken = broken.clone();
        move |e| _ = broken.set(format!("{name}: {e}"))
    });
    let path = format!("{}?force={}", paths::RESTORE, args.force);
    let sent = context
        .client
        .upload(&path, reqwest::Body::wrap_stream(body))
        .await;
    let restored: Restored = sent.map_err(|e| match broken.get() {
        Some(why) => CliError::failed(why),
        None => e,
    })?;
    output::done(context.format, args.file.display(), "restored", &restored)
}

/// How the last line of a backup begins, and the most bytes that it has.
const END: &[u8] = b"{\"end\":";
const END_BYTES_MAX: u64 = 4096;

/// Refuses a file that is not whole before anything is restored. What is no regular file
/// (a pipe) is found out by the server, half-way.
async fn check_end(file: &mut File, name: &str) -> Result<()> {
    let meta = file.metadata().await.doing(format!("reading {name}"))?;
    if !meta.is_file() {
        return Ok(());
    }
    let mut end = Vec::new();
    let from = meta.len().saturating_sub(END_BYTES_MAX);
    let read = async {
        file.seek(SeekFrom::Start(from)).await?;
        file.read_to_end(&mut end).await?;
        file.rewind().await
    };
    read.await.doing(format!("reading {name}"))?;
    if is_end(&end) {
        return Ok(());
    }
    Err(
        CliError::failed(format!("{name} is not whole: it does not end as a backup does"))
            .hint("nothing was restored; take another backup"),
    )
}

/// Whether these bytes end with a backup's last line.
fn is_end(bytes: &[u8]) -> bool {
    let line = bytes
        .strip_suffix(b"\n")
        .map(|text| text.rsplit(|byte| *byte == b'\n').next());
    line.flatten().is_some_and(|line| line.starts_with(END))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_is_whole_or_not() {
        assert!(is_end(b"{\"key\":1}\n{\"end\":{\"runs\":1}}\n"));
        assert!(!is_end(b"{\"key\":1}\n{\"end\":{\"runs\":1"));
        assert!(!is_end(b"{\"key\":1}\n"));
        assert!(!is_end(b""));
    }
}
