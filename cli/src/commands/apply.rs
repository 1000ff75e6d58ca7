//! What `job apply` and `calendar apply` have in common: how files are read, and how it is
//! shown what became of each thing in them.

use std::{fmt::Display, io::Read, path::Path};

use serde::Serialize;
use shared::{
    api::ApplyAction,
    file::{FILE_BYTES_MAX, FileError, Format},
};

use crate::{
    error::{CliError, Doing, Result},
    output,
};

/// What became of one thing.
pub trait Outcome: Serialize {
    fn name(&self) -> &dyn Display;
    fn action(&self) -> ApplyAction;
    /// Of an update: lines of a unified diff.
    fn diff(&self) -> Option<&str>;
}

/// Reads all that a file holds; an error says where in it.
pub fn read<T>(path: &Path, parse: impl Fn(&str, Format) -> Result<Vec<T>, FileError>) -> Result<Vec<T>> {
    let (name, text) = read_file(path, FILE_BYTES_MAX)?;
    parse(&text, Format::of_name(&name)).map_err(|e| {
        let at = if e.line > 0 {
            format!("{name}:{}:{}", e.line, e.column)
        } else {
            name
        };
        CliError {
            hint: e.hint,
            ..CliError::usage(format!("{at}: {}", e.message))
        }
    })
}

/// Shows what became of each, or would.
pub fn show<T: Outcome>(applied: &[T], format: output::Format, dry_run: bool) -> Result<()> {
    match format {
        output::Format::Table => {}
        output::Format::Name => return output::lines(applied.iter().map(|one| one.name().to_string())),
        format => return output::value(format, applied),
    }
    let suffix = if dry_run { " (dry run)" } else { "" };
    for one in applied {
        let action = match one.action() {
            ApplyAction::Create => "create",
            ApplyAction::Update => "update",
            ApplyAction::Unchanged => "unchanged",
        };
        output::lines([format!("{action} {}{suffix}", one.name())])?;
        if let Some(diff) = one.diff() {
            output::lines(diff.lines().map(coloured))?;
        }
    }
    Ok(())
}

/// A line of a diff, on a terminal in its colour.
fn coloured(line: &str) -> String {
    let colour = match line.as_bytes().first() {
        _ if !output::is_coloured() => return format!("  {line}"),
        Some(b'+') => "\x1b[32m",
        Some(b'-') => "\x1b[31m",
        _ => "\x1b[2m",
    };
    format!("  {colour}{line}\x1b[0m")
}

/// Whether a path stands for standard input.
pub fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// What people call a file, `-` being standard input.
pub fn name_of(path: &Path) -> String {
    match is_stdin(path) {
        true => "standard input".to_owned(),
        false => path.display().to_string(),
    }
}

/// What people call a file, `-` being standard input, and its text.
fn read_file(path: &Path, most: usize) -> Result<(String, String)> {
    let (name, bytes) = read_bytes(path, most)?;
    // The last character of what is too long may be cut: that it is too long is said later.
    if bytes.len() > most {
        return Ok((name, String::from_utf8_lossy(&bytes).into_owned()));
    }
    let text = text(&name, bytes)?;
    Ok((name, text))
}

/// A file's bytes as text; an error says in which line they are none.
pub fn text(name: &str, bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).map_err(|e| {
        let before = &e.as_bytes()[..e.utf8_error().valid_up_to()];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        CliError::usage(format!("{name}:{line}: the line is not UTF-8 text"))
            .hint("write it in UTF-8 first, for instance with `iconv -t UTF-8`")
    })
}

/// What people call a file, and what it holds. Reads no more than is needed to say that it is
/// longer than `most` bytes.
pub fn read_bytes(path: &Path, most: usize) -> Result<(String, Vec<u8>)> {
    let name = name_of(path);
    if is_stdin(path) {
        let bytes = read_all(std::io::stdin().lock(), most).doing("reading standard input")?;
        return Ok((name, bytes));
    }
    let file = std::fs::File::open(path).map_err(|e| CliError::usage(format!("{name}: {e}")))?;
    let bytes = read_all(file, most).map_err(|e| CliError::usage(format!("{name}: {e}")))?;
    Ok((name, bytes))
}

fn read_all(from: impl Read, most: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(most as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_text_is_refused_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml");
        std::fs::write(&path, b"name: a\ndescription: caf\xe9\n").unwrap();
        let error = read_file(&path, 100).unwrap_err();
        assert_eq!(
            error.message,
            format!("{}:2: the line is not UTF-8 text", path.display())
        );
        // What is too long is said to be so, and not what was cut.
        std::fs::write(&path, "a: é").unwrap();
        let (_, text) = read_file(&path, 3).unwrap();
        assert!(text.len() > 3, "{text}");
    }
}
