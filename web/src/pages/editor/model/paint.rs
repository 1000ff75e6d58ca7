//! What is what in a line of YAML, for its colours.

use super::patch::comment;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    Key,
    Comment,
    /// In quotes, or of several lines.
    Text,
    /// Dashes and the like.
    Mark,
    Plain,
}

impl Ink {
    /// As in `data-ink`.
    pub fn as_str(self) -> &'static str {
        match self {
            Ink::Key => "key",
            Ink::Comment => "comment",
            Ink::Text => "text",
            Ink::Mark => "mark",
            Ink::Plain => "plain",
        }
    }
}

/// Each line in pieces that, joined, are the line.
pub fn paint(text: &str) -> Vec<Vec<(Ink, &str)>> {
    // Lines deeper than this belong to a text of several lines.
    let mut text_in: Option<usize> = None;
    let mut painted = Vec::new();
    for line in text.split('\n') {
        let indent = line.len() - line.trim_start_matches(' ').len();
        if text_in.is_some_and(|at| indent > at || line.trim().is_empty()) {
            painted.push(vec![(Ink::Text, line)]);
            continue;
        }
        text_in = None;
        let mut pieces = Vec::new();
        let (rest, note) = match comment(line) {
            _ if line.trim_start().starts_with('#') => ("", line),
            Some(note) => line.split_at(line.len() - note.len() - (line.len() - line.trim_end().len())),
            None => (line, ""),
        };
        let value = head(rest, &mut pieces);
        let mut owner = indent;
        if pieces.iter().any(|(ink, _)| *ink == Ink::Mark) && pieces.iter().any(|(ink, _)| *ink == Ink::Key) {
            owner = pieces
                .iter()
                .take_while(|(ink, _)| *ink != Ink::Key)
                .map(|(_, p)| p.len())
                .sum();
        }
        let trimmed = value.trim();
        if trimmed.starts_with(['|', '>']) && trimmed.len() <= 3 {
            text_in = Some(owner);
            pieces.push((Ink::Mark, value));
        } else if trimmed.starts_with(['"', '\'']) {
            pieces.push((Ink::Text, value));
        } else {
            pieces.push((Ink::Plain, value));
        }
        pieces.push((Ink::Comment, note));
        pieces.retain(|(_, piece)| !piece.is_empty());
        painted.push(pieces);
    }
    painted
}

/// Takes dashes and a key off a line's front; what is left is the value.
fn head<'l>(line: &'l str, pieces: &mut Vec<(Ink, &'l str)>) -> &'l str {
    let mut rest = line;
    loop {
        let inner = rest.trim_start_matches(' ');
        match inner.strip_prefix("- ") {
            Some(after) => {
                pieces.push((Ink::Mark, &rest[..rest.len() - after.len()]));
                rest = after;
            }
            None => break,
        }
    }
    let end = match (rest.find(": "), rest.trim_end().ends_with(':')) {
        (Some(at), _) => at + 1,
        (None, true) => rest.trim_end().len(),
        (None, false) => return rest,
    };
    let key = &rest[..end];
    if key.trim_start().starts_with(['"', '\'', '[', '{']) {
        return rest;
    }
    pieces.push((Ink::Key, key));
    &rest[end..]
}

/// How many comments a text has.
pub fn comments(text: &str) -> usize {
    let painted = paint(text);
    painted
        .iter()
        .flatten()
        .filter(|(ink, _)| *ink == Ink::Comment)
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_apart_and_lose_nothing() {
        let text = "# note\nname: a # b\nrun:\n  shell: |\n    # not a note\n\n    x: y\n  env: {A: \"#\"}\nt:\n  - cron: '* * * * *' # c\n  - run: |-\n      z # no\n    k: v";
        let painted = paint(text);
        let joined: Vec<String> = painted
            .iter()
            .map(|line| line.iter().map(|(_, p)| *p).collect())
            .collect();
        assert_eq!(joined.join("\n"), text);
        assert_eq!(comments(text), 3);
        let inks: Vec<Vec<Ink>> = painted
            .iter()
            .map(|l| l.iter().map(|(i, _)| *i).collect())
            .collect();
        assert_eq!(inks[1], [Ink::Key, Ink::Plain, Ink::Comment]);
        assert_eq!(inks[4], [Ink::Text]);
        assert_eq!(inks[9], [Ink::Mark, Ink::Key, Ink::Text, Ink::Comment]);
        assert_eq!(inks[11], [Ink::Text]);
        assert_eq!(inks[12], [Ink::Key, Ink::Plain]);
    }
}
