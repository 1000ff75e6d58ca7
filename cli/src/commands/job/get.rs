//! `gnomon job get`: the job as its file, ready to be applied again.

use shared::job::file::to_yaml;

use super::{Context, Name, fetch};
use crate::{
    error::Result,
    output::{self, Format},
};

pub async fn run(args: Name, context: Context) -> Result<()> {
    let job = fetch(&context, &args.job).await?;
    match context.format {
        Format::Json => output::value(Format::Json, &job),
        Format::Yaml => output::value(Format::Yaml, &job.spec),
        Format::Name => output::lines([args.job.to_string()]),
        Format::Table => {
            let mut lines = vec![
                format!("# id {}, revision {}", job.id, job.revision),
                format!("# updated {} by {}", output::time(job.updated.at), job.updated.by),
            ];
            if let Some(next) = job.next {
                lines.push(format!("# next {}", output::time(next)));
            }
            lines.extend(job.unplaced.iter().map(|why| format!("# not placed: {why}")));
            lines.push(to_yaml(&job.spec).trim_end().to_owned());
            output::lines(lines)
        }
    }
}
