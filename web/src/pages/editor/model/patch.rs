//! A change in a file's text that touches no more than it must: comments, order and the way
//! things are written stay.
//!
//! It knows block maps and lists by their indentation, and takes everything else (what stands
//! in one line, texts of several lines, anchors) as one piece that is written anew. Whoever
//! calls it reads the result again, and writes the whole file where that is not what was
//! meant.

use shared::file::value::Value;

use super::{
    tree::{Op, Step},
    yaml,
};

/// The text with the change carried out; `after` is what it shall say. None if the text's
/// form is one that this does not know.
pub fn patch(text: &str, op: &Op, after: &Value) -> Option<String> {
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let start = lines.iter().position(|line| is_content(line))?;
    // A document's mark stays above it.
    let start = start + usize::from(lines[start].trim_end() == "---");
    let (head, rest) = lines.split_at(start);
    let indent = indent(rest.iter().find(|line| is_content(line))?);
    let rest = in_map(rest, indent, &op.at.0, after, "")?;
    let mut lines = head.to_vec();
    lines.extend(rest);
    lines.push(String::new());
    Some(lines.join("\n"))
}

/// An entry of a map, by its lines.
struct Entry {
    key: String,
    /// The line with its key.
    head: usize,
    /// The line after its last.
    end: usize,
    /// Its value stands in the lines below, not behind the key.
    is_block: bool,
}

/// Changes what a map's lines say. `whole` is the map as it shall be.
fn in_map(
    lines: &[String],
    indent: usize,
    steps: &[Step],
    whole: &Value,
    parent: &str,
) -> Option<Vec<String>> {
    let (Step::Key(key), rest) = steps.split_first()? else {
        return None;
    };
    let entries = entries(lines, indent)?;
    let found = entries.iter().find(|entry| entry.key == *key);
    let mut lines = lines.to_vec();
    match (found, whole.get(key)) {
        (None, None) => {}
        (Some(entry), None) => drop(lines.drain(entry.head..entry.end)),
        (None, Some(value)) => {
            let rank = yaml::rank(parent, key);
            let before = entries
                .iter()
                .rev()
                .find(|entry| yaml::rank(parent, &entry.key) <= rank);
            let at = match (before, entries.first()) {
                (Some(before), _) => before.end,
                (None, Some(first)) => first.head,
                (None, None) => lines.len(),
            };
            lines.splice(at..at, yaml::entry(key, value, indent));
        }
        (Some(entry), Some(value)) => {
            let below = &lines[entry.head + 1..entry.end];
            let changed = (entry.is_block && !rest.is_empty()).then(|| inside(below, rest, value, key));
            match changed.flatten() {
                Some(changed) => drop(lines.splice(entry.head + 1..entry.end, changed)),
                None => {
                    let mut new = yaml::entry(key, value, indent);
                    if let (Some(first), Some(comment)) = (new.first_mut(), comment(&lines[entry.head])) {
                        *first = format!("{first}  {comment}");
                    }
                    lines.splice(entry.head..entry.end, new);
                }
            }
        }
    }
    Some(lines)
}

/// Changes what stands in the lines below a key.
fn inside(below: &[String], steps: &[Step], value: &Value, key: &str) -> Option<Vec<String>> {
    let deep = indent(below.iter().find(|line| is_content(line))?);
    match steps.first()? {
        Step::Key(_) if value.is_map() => in_map(below, deep, steps, value, key),
        Step::Index(index) if value.is_list() => in_list(below, deep, *index, &steps[1..], value),
        _ => None,
    }
}

/// Changes an item of a list. `whole` is the list as it shall be.
fn in_list(lines: &[String], at: usize, index: usize, rest: &[Step], whole: &Value) -> Option<Vec<String>> {
    let items = items(lines, at)?;
    let mut wanted = whole.items();
    let mut lines = lines.to_vec();
    if rest.is_empty() && wanted.len() + 1 == items.len() {
        let (head, end) = *items.get(index)?;
        lines.drain(head..end);
        return Some(lines);
    }
    let value = wanted.nth(index)?;
    let Some((head, end)) = items.get(index).copied() else {
        let last = items.last()?.1;
        lines.splice(last..last, yaml::item(value, at));
        return Some(lines);
    };
    let changed = (!rest.is_empty())
        .then(|| in_item(&lines[head..end], at, rest, value))
        .flatten();
    lines.splice(head..end, changed.unwrap_or_else(|| yaml::item(value, at)));
    Some(lines)
}

/// Changes an item that is a map: without its dash it is one like any other.
fn in_item(lines: &[String], at: usize, rest: &[Step], value: &Value) -> Option<Vec<String>> {
    let mut lines = lines.to_vec();
    let first = lines.first_mut()?;
    first.replace_range(at..=at, " ");
    let deep = indent(first);
    if deep <= at || !value.is_map() {
        return None;
    }
    let mut lines = in_map(&lines, deep, rest, value, "")?;
    let first = lines.iter_mut().find(|line| is_content(line))?;
    first.replace_range(at..=at, "-");
    Some(lines)
}

/// The entries of the map whose keys stand at `indent`.
fn entries(lines: &[String], indent_of_keys: usize) -> Option<Vec<Entry>> {
    let mut entries: Vec<Entry> = Vec::new();
    for (i, line) in lines.iter().enumerate() {
        let deep = indent(line);
        if line.trim().is_empty() || (line.trim_start().starts_with('#') && deep <= indent_of_keys) {
            continue;
        }
        let is_item = line[deep..].starts_with("- ") || line[deep..].trim_end() == "-";
        if deep < indent_of_keys {
            return None;
        }
        if deep > indent_of_keys || (is_item && entries.last().is_some_and(|entry| entry.is_block)) {
            entries.last_mut()?.end = i + 1;
            continue;
        }
        let (key, value) = split_key(&line[deep..])?;
        entries.push(Entry {
            key,
            head: i,
            end: i + 1,
            is_block: value.is_empty() || value.starts_with('#'),
        });
    }
    Some(entries)
}

/// Where each item of the list begins and ends, whose dashes stand at `at`.
fn items(lines: &[String], at: usize) -> Option<Vec<(usize, usize)>> {
    let mut items: Vec<(usize, usize)> = Vec::new();
    for (i, line) in lines.iter().enumerate() {
        let deep = indent(line);
        if line.trim().is_empty() || (line.trim_start().starts_with('#') && deep <= at) {
            continue;
        }
        match line[deep..].starts_with("- ") {
            true if deep == at => items.push((i, i + 1)),
            _ if deep > at => items.last_mut()?.1 = i + 1,
            _ => return None,
        }
    }
    Some(items)
}

/// The key and what stands behind it.
fn split_key(line: &str) -> Option<(String, &str)> {
    if let Some(quote) = line.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        let close = line[1..].find(quote)? + 1;
        let key = &line[1..close];
        let value = line[close + 1..].trim_start().strip_prefix(':')?;
        let is_simple = !key.contains('\\') && !value.starts_with(quote);
        return is_simple.then(|| (key.to_owned(), value.trim()));
    }
    if line.starts_with(['[', '{', '&', '*', '!', '?', '|', '>', '%']) {
        return None;
    }
    match (line.split_once(": "), line.trim_end().strip_suffix(':')) {
        (Some((key, value)), _) => Some((key.trim_end().to_owned(), value.trim())),
        (None, Some(key)) => Some((key.trim_end().to_owned(), "")),
        (None, None) => {
            let (key, comment) = line.split_once(":\t").or_else(|| line.split_once(": #"))?;
            Some((key.to_owned(), comment.trim()))
        }
    }
}

/// The comment at a line's end, with its mark.
pub fn comment(line: &str) -> Option<&str> {
    let mut quote = None;
    let mut before = ' ';
    for (i, c) in line.char_indices() {
        match (quote, c) {
            (Some('"'), '"') if before != '\\' => quote = None,
            (Some('\''), '\'') => quote = None,
            (None, '"' | '\'') if matches!(before, ' ' | '[' | '{' | ',' | ':') => quote = Some(c),
            (None, '#') if matches!(before, ' ' | '\t') => return Some(line[i..].trim_end()),
            _ => {}
        }
        before = c;
    }
    None
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// Neither blank nor a comment.
fn is_content(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && !line.starts_with('#')
}
