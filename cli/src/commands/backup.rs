//! `gnomon backup` and `gnomon restore`: everything that lasts, as one file of JSON lines.

use std::path::PathBuf;

use futures::StreamExt;
use shared::api::paths;
use tokio::io::AsyncWriteExt;
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
    output::lines([format!("{name}: {bytes} bytes")])
}

pub async fn restore(args: RestoreArgs, context: Context) -> Result<()> {
    let name = args.file.display().to_string();
    let file = tokio::fs::File::open(&args.file)
        .await
        .map_err(|e| CliError::usage(format!("{name}: {e}")))?;
    let path = format!("{}?force={}", paths::RESTORE, args.force);
    context
        .client
        .upload(&path, reqwest::Body::wrap_stream(ReaderStream::new(file)))
        .await?;
    output::lines([format!("{name} restored")])
}
