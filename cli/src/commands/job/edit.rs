//! `gnomon job edit`: the job file in an editor. What was typed is never lost: on an
//! error or a conflict the file stays, and its name is said.

use std::io::Write;

use shared::{
    api::{JobView, paths},
    job::file::{self, Format, to_yaml},
};

use super::{Context, Name, fetch, path};
use crate::{
    error::{CliError, Doing, Kind, Result},
    output,
};

pub async fn run(args: Name, context: Context) -> Result<()> {
    let job = fetch(&context, &args.job).await?;
    let before = to_yaml(&job.spec);
    let mut file = tempfile::Builder::new()
        .prefix("gnomon-")
        .suffix(".yaml")
        .tempfile()
        .doing("making a file to edit")?;
    file.write_all(before.as_bytes())
        .doing("writing the file to edit")?;
    edit(file.path())?;
    let after = std::fs::read_to_string(file.path()).doing("reading the edited file")?;
    if after == before {
        return output::done(context.format, &args.job, "unchanged", &job);
    }
    let kept = |e: CliError, file: tempfile::NamedTempFile| match file.keep() {
        Ok((_, path)) => e.hint(format!("your version is kept in {}", path.display())),
        Err(_) => e,
    };
    let spec = match file::parse(&after, Format::Yaml) {
        Ok(mut jobs) if jobs.len() == 1 => jobs.remove(0),
        Ok(_) => {
            return Err(kept(
                CliError::usage("the file holds several jobs; edit one at a time"),
                file,
            ));
        }
        Err(e) => return Err(kept(CliError::usage(e), file)),
    };
    let saved: Result<JobView> = context
        .client
        .put(&path(paths::JOB, &args.job), job.revision, &spec)
        .await;
    match saved {
        Ok(saved) => {
            let what = format!("saved, revision {}", saved.revision);
            output::done(context.format, saved.spec.path(), &what, &saved)
        }
        Err(e) if e.kind == Kind::Conflict => {
            let e = CliError::new(
                Kind::Conflict,
                format!("{} was changed by someone else meanwhile", args.job),
            );
            Err(kept(e, file))
        }
        Err(e) => Err(kept(e, file)),
    }
}

/// The user's own editor, as git and crontab find it.
#[allow(
    clippy::disallowed_methods,
    reason = "an editor is no job: it belongs to the person at the terminal"
)]
fn edit(path: &std::path::Path) -> Result<()> {
    let editor = ["VISUAL", "EDITOR"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()))
        .unwrap_or_else(|| "vi".into());
    let status = std::process::Command::new("/bin/sh")
        .arg("-c")
        .arg(format!("{editor} \"$1\""))
        .arg("editor")
        .arg(path)
        .status()
        .doing(format!("starting the editor `{editor}`"))?;
    if status.success() {
        Ok(())
    } else {
        Err(CliError::failed(format!(
            "the editor `{editor}` failed ({status})"
        )))
    }
}
