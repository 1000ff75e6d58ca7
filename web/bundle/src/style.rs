//! One style sheet of many files: `tokens.css` and `base.css` first, then what else stands
//! beside them, then the folders; each by name.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

const FIRST: [&str; 2] = ["tokens.css", "base.css"];

pub fn sheet(folder: &Path) -> Result<String> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    files.sort_by_key(|path| {
        let relative = path.strip_prefix(folder).unwrap_or(path);
        let name = relative.to_string_lossy().into_owned();
        let first = FIRST.iter().position(|f| *f == name).unwrap_or(FIRST.len());
        (relative.components().count(), first, name)
    });
    let mut sheet = String::new();
    for path in files {
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        sheet.push_str(&squeeze(&text));
    }
    Ok(sheet)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|e| e == "css") {
            files.push(path);
        }
    }
    Ok(())
}

/// Without comments and indentation. The rest is left to the compression: what a stranger
/// made of it would have to be understood first.
fn squeeze(css: &str) -> String {
    let mut kept = String::with_capacity(css.len());
    let mut rest = css;
    // A comment's mark within a string or a URL is none.
    while let Some(at) = rest.find(['"', '\'', '/']) {
        let (before, from) = rest.split_at(at);
        kept.push_str(before);
        let taken = match from.as_bytes() {
            [b'/', b'*', ..] => {
                let end = from.find("*/").map_or(from.len(), |end| end + 2);
                rest = &from[end..];
                continue;
            }
            [b'/', ..] => 1,
            [quote, ..] => string_length(from, *quote),
            [] => break,
        };
        kept.push_str(&from[..taken]);
        rest = &from[taken..];
    }
    kept.push_str(rest);
    let lines = kept.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// Of a quoted string, its quotes included.
fn string_length(text: &str, quote: u8) -> usize {
    let mut escaped = false;
    for (i, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b if b == quote => return i + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_indentation_go_and_strings_stay() {
        let css = "/* a */\na {\n  color: red; /* b */\n\n  content: \"/* c */ \\\" '\";\n}\nb{width:calc(1px / 2)}/* d";
        assert_eq!(
            squeeze(css),
            "a {\ncolor: red;\ncontent: \"/* c */ \\\" '\";\n}\nb{width:calc(1px / 2)}\n"
        );
    }

    #[test]
    fn tokens_come_first_and_folders_last() {
        let folder = std::env::temp_dir().join(format!("gnomon-style-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("pages")).unwrap();
        for name in ["pages/a.css", "base.css", "a.css", "tokens.css", "notes.txt"] {
            std::fs::write(folder.join(name), format!("/*x*/{name}")).unwrap();
        }
        let sheet = sheet(&folder);
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(sheet.unwrap(), "tokens.css\nbase.css\na.css\npages/a.css\n");
    }
}
