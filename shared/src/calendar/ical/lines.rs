//! From text to properties (RFC 5545, section 3.1).

use super::{IcalError, wrong};

/// `NAME;PARAMETER=VALUE:VALUE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    /// Where it begins, counted from 1.
    pub line: usize,
    /// In capitals.
    pub name: String,
    /// Names in capitals.
    pub parameters: Vec<(String, String)>,
    pub value: String,
}

impl Property {
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// Joins folded lines, and takes each apart. A fold may stand inside of a character: lines are
/// joined as bytes, and are text only then.
pub fn unfold(file: &[u8]) -> Result<Vec<Property>, IcalError> {
    let file = file.strip_prefix("\u{feff}".as_bytes()).unwrap_or(file);
    let mut whole: Vec<(usize, Vec<u8>)> = Vec::new();
    for (i, line) in file.split(|byte| *byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match (line, whole.last_mut()) {
            ([b' ' | b'\t', rest @ ..], Some((_, before))) => before.extend_from_slice(rest),
            ([b' ' | b'\t', ..], None) => return wrong(i + 1, "the file begins with a continued line"),
            ([], _) => {}
            _ => whole.push((i + 1, line.to_vec())),
        }
    }
    whole
        .iter()
        .map(|(line, bytes)| property(*line, text(*line, bytes)?))
        .collect()
}

fn text(line: usize, bytes: &[u8]) -> Result<&str, IcalError> {
    std::str::from_utf8(bytes).map_err(|_| IcalError {
        line,
        message: "the line is not UTF-8 text; save the file in that encoding".to_owned(),
    })
}

fn property(line: usize, text: &str) -> Result<Property, IcalError> {
    let name_end = text
        .find([';', ':'])
        .filter(|end| *end > 0)
        .ok_or_else(|| IcalError {
            line,
            message: format!(
                "`{}` is not a property: it has no colon",
                text.chars().take(40).collect::<String>()
            ),
        })?;
    let mut parameters = Vec::new();
    let mut rest = &text[name_end..];
    while let Some(parameter) = rest.strip_prefix(';') {
        let Some((name, after)) = parameter.split_once('=') else {
            return wrong(line, "a parameter has no value");
        };
        // A value in quotes may hold what else would end it.
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => match quoted.split_once('"') {
                Some(found) => found,
                None => return wrong(line, format!("the parameter {name} has no closing quote")),
            },
            None => after.split_at(after.find([';', ':']).unwrap_or(after.len())),
        };
        // Several values of one parameter (of people) are of no interest here.
        let end = after.find([';', ':']).unwrap_or(after.len());
        parameters.push((name.to_ascii_uppercase(), value.to_owned()));
        rest = &after[end..];
    }
    let Some(value) = rest.strip_prefix(':') else {
        return wrong(line, "a property has no value");
    };
    Ok(Property {
        line,
        name: text[..name_end].to_ascii_uppercase(),
        parameters,
        value: value.to_owned(),
    })
}

/// A text with its escapes undone.
pub fn plain_text(value: &str) -> String {
    let mut out = String::new();
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n' | 'N') => out.push(' '),
                Some(other) => out.push(other),
                None => {}
            },
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}
