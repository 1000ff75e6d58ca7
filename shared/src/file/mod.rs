//! Files that people write: YAML, JSON or TOML, with one thing or many. Errors say what is
//! wrong, where (line and column) and what to do.

pub mod value;
pub mod write;
mod yaml;

use std::{collections::BTreeMap, fmt, marker::PhantomData};

use serde::{Deserialize, Deserializer, de, de::DeserializeOwned};

pub use value::At;
use value::{Located, Read, Value};

/// The largest file that is read, in bytes.
pub const FILE_BYTES_MAX: usize = 8 << 20;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Yaml,
    Json,
    Toml,
}

impl Format {
    /// By the file name's ending; YAML where it says nothing.
    pub fn of_name(name: &str) -> Format {
        match name.rsplit_once('.') {
            Some((_, "json")) => Format::Json,
            Some((_, "toml")) => Format::Toml,
            _ => Format::Yaml,
        }
    }
}

/// What a file holds: how people are told of it.
pub trait Written: Read + DeserializeOwned {
    /// One of it, as in "the file holds no job"; the key of a list of tables in TOML too.
    const NOUN: &'static str;
    /// What a document is, as in "a job (`name:`, `run:`, …) or a list of jobs".
    const DOCUMENT: &'static str;
    /// What the least of it is, for a file that holds none.
    const LEAST: &'static str;
    /// Which command's help lists the keys.
    const HELP: &'static str;
}

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileError {
    /// What is wrong.
    pub message: String,
    /// Counted from 1; zero where the parser cannot say.
    pub line: u64,
    /// Counted from 1, in characters.
    pub column: u64,
    /// What to do.
    pub hint: Option<String>,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}, column {}: ", self.line, self.column)?;
        }
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for FileError {}

/// One thing that a file holds, and where it stands there.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed<T> {
    pub one: T,
    pub place: Place,
}

/// Where one thing of a file stands, and its keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    pub start: At,
    keys: Vec<(String, At)>,
}

impl Place {
    /// A place of which only the beginning is known.
    pub fn starting(start: At) -> Place {
        Place {
            start,
            keys: Vec::new(),
        }
    }

    fn of_value(said: &Located) -> Place {
        let Value::Map(entries) = &said.value else {
            return Place::starting(said.at);
        };
        let key = |(key, _): &(Located, Located)| Some((key.text()?.to_owned(), key.at));
        Place {
            start: said.at,
            keys: entries.iter().filter_map(key).collect(),
        }
    }

    /// Where the key stands that a field (`calendars.only`, `triggers[0]`) is of; where the
    /// whole begins if it has no such key.
    pub fn of(&self, field: &str) -> At {
        let name = field.split(['.', '[', ':']).next().unwrap_or_default();
        let key = self.keys.iter().find(|(key, _)| key == name);
        key.map_or(self.start, |(_, at)| *at)
    }
}

/// Reads all of a file: at least one.
///
/// # Errors
/// The first thing that is wrong: nothing of the file may then be used.
pub fn read<T: Written>(text: &str, format: Format) -> Result<Vec<T>, FileError> {
    read_placed(text, format).map(without_places)
}

/// The same, each with where it stands: for what only turns out to be wrong later.
///
/// # Errors
/// As [`read`].
pub fn read_placed<T: Written>(text: &str, format: Format) -> Result<Vec<Placed<T>>, FileError> {
    check_size(text)?;
    let all = match format {
        Format::Yaml => of_yaml(text)?,
        Format::Json => read_json(text)?,
        Format::Toml => read_toml(text)?,
    };
    at_least_one(all)
}

/// The same of YAML alone, without the other parsers.
///
/// # Errors
/// As [`read`].
pub fn read_yaml<T: Written>(text: &str) -> Result<Vec<T>, FileError> {
    read_yaml_placed(text).map(without_places)
}

/// The same of YAML alone, each with where it stands.
///
/// # Errors
/// As [`read`].
pub fn read_yaml_placed<T: Written>(text: &str) -> Result<Vec<Placed<T>>, FileError> {
    check_size(text)?;
    at_least_one(of_yaml(text)?)
}

/// What a file holds, wherever it stands.
pub fn without_places<T>(all: Vec<Placed<T>>) -> Vec<T> {
    all.into_iter().map(|placed| placed.one).collect()
}

fn check_size(text: &str) -> Result<(), FileError> {
    if text.len() <= FILE_BYTES_MAX {
        return Ok(());
    }
    let mib = FILE_BYTES_MAX >> 20;
    Err(FileError::plain(
        format!("the file has {} bytes; at most {mib}MiB are read", text.len()),
        Some("split it into several files".into()),
    ))
}

fn at_least_one<T: Written>(all: Vec<Placed<T>>) -> Result<Vec<Placed<T>>, FileError> {
    match all.is_empty() {
        true => Err(FileError::plain(
            format!("the file holds no {}", T::NOUN),
            Some(T::LEAST.into()),
        )),
        false => Ok(all),
    }
}

/// What a YAML file says, settled: a document each, whatever it is about.
///
/// # Errors
/// Where it is no YAML, or too large.
pub fn values(text: &str) -> Result<Vec<Value>, FileError> {
    check_size(text)?;
    let documents = yaml::documents(text)?;
    Ok(documents.into_iter().map(Located::settled).collect())
}

/// A document of JSON: one or a list.
struct Document<T>(Vec<T>);

impl<'de, T: Written> Deserialize<'de> for Document<T> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Document<T>, D::Error> {
        struct Visitor<T>(PhantomData<T>);
        impl<'de, T: Written> de::Visitor<'de> for Visitor<T> {
            type Value = Document<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(T::DOCUMENT)
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Document<T>, A::Error> {
                T::deserialize(de::value::MapAccessDeserializer::new(map)).map(|one| Document(vec![one]))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Document<T>, A::Error> {
                let mut all = Vec::new();
                while let Some(one) = seq.next_element()? {
                    all.push(one);
                }
                Ok(Document(all))
            }
        }
        d.deserialize_any(Visitor(PhantomData))
    }
}

/// Each document is one or a list; one that says nothing is none.
fn of_yaml<T: Written>(text: &str) -> Result<Vec<Placed<T>>, FileError> {
    let mut all = Vec::new();
    for document in yaml::documents(text)? {
        match document.value {
            Value::List(items) => {
                for item in items {
                    all.push(one(item)?);
                }
            }
            _ if document.is_null() => {}
            _ => all.push(one(document)?),
        }
    }
    Ok(all)
}

fn one<T: Written>(said: Located) -> Result<Placed<T>, FileError> {
    let place = Place::of_value(&said);
    if !matches!(said.value, Value::Map(_)) {
        let At { line, column } = place.start;
        let message = format!("expected {}", T::DOCUMENT);
        return Err(located::<T>(&message, line.into(), column.into()));
    }
    match T::read(said) {
        Ok(one) => Ok(Placed { one, place }),
        Err(e) => {
            let message = e.to_string();
            // What the whole gets wrong names its key first (`retry.attempts: …`).
            let At { line, column } = match e.at() == place.start {
                true => place.of(&message),
                false => e.at(),
            };
            Err(located::<T>(&message, line.into(), column.into()))
        }
    }
}

fn read_json<T: Written>(text: &str) -> Result<Vec<Placed<T>>, FileError> {
    let mut all = Vec::new();
    for document in serde_json::Deserializer::from_str(text).into_iter::<Document<T>>() {
        let document = document.map_err(|e| {
            let text = e.to_string();
            located::<T>(strip_location(&text), e.line() as u64, e.column() as u64)
        })?;
        all.extend(document.0);
    }
    let places = places_of_json(text);
    let place = |i: usize| places.get(i).cloned().unwrap_or_default();
    let placed = |(i, one)| Placed { one, place: place(i) };
    Ok(all.into_iter().enumerate().map(placed).collect())
}

/// The parser of JSON tells no places; almost all JSON is YAML, whose parser does. None for
/// what is not.
fn places_of_json(text: &str) -> Vec<Place> {
    let documents = yaml::documents(text).unwrap_or_default();
    let each = documents.into_iter().flat_map(|document| match document.value {
        Value::List(items) => items,
        _ => vec![document],
    });
    each.map(|said| Place::of_value(&said)).collect()
}

/// TOML has no list at the top: one, or `[[job]]` tables.
fn read_toml<T: Written>(text: &str) -> Result<Vec<Placed<T>>, FileError> {
    let wrong = |e: toml::de::Error| {
        let (line, column) = e.span().map_or((0, 0), |span| position(text, span.start));
        located::<T>(e.message(), line, column)
    };
    let placed = |one: toml::Spanned<T>| {
        let (line, column) = position(text, one.span().start);
        let start = At {
            line: line as u32,
            column: column as u32,
        };
        Placed {
            one: one.into_inner(),
            place: Place::starting(start),
        }
    };
    let table = text.parse::<toml::Table>().map_err(wrong)?;
    if !table.contains_key(T::NOUN) {
        let one = toml::from_str::<toml::Spanned<T>>(text).map_err(wrong)?;
        return Ok(vec![placed(one)]);
    }
    if let Some(key) = table.keys().find(|key| *key != T::NOUN) {
        let message = format!("unknown field `{key}`, expected `{}`", T::NOUN);
        let (line, column) = find_key(&format!("{key}:"), text);
        return Err(located::<T>(&message, line, column));
    }
    let all = toml::from_str::<BTreeMap<String, Vec<toml::Spanned<T>>>>(text).map_err(wrong)?;
    Ok(all.into_values().flatten().map(placed).collect())
}

/// Line and column of a byte, counted from 1.
fn position(text: &str, byte: usize) -> (u64, u64) {
    let before = &text[..text.floor_char_boundary(byte)];
    let line = before.matches('\n').count() as u64 + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() as u64 + 1;
    (line, column)
}

impl FileError {
    /// One about what stands there.
    pub fn at(at: At, message: String, hint: Option<String>) -> FileError {
        FileError {
            message,
            line: at.line.into(),
            column: at.column.into(),
            hint,
        }
    }

    /// One without a place.
    pub fn plain(message: String, hint: Option<String>) -> FileError {
        FileError {
            message,
            line: 0,
            column: 0,
            hint,
        }
    }
}

fn located<T: Written>(message: &str, line: u64, column: u64) -> FileError {
    FileError {
        message: message.to_owned(),
        line,
        column,
        hint: nearest_key::<T>(message),
    }
}

/// Parsers write where they are at the end of the text, each in its way.
fn strip_location(message: &str) -> &str {
    let end = [" at line ", " (line ", "\n"]
        .iter()
        .filter_map(|mark| message.find(mark))
        .min();
    message[..end.unwrap_or(message.len())].trim_end_matches([':', ' '])
}

/// What a whole job gets wrong starts with its key (`retry.attempts: …`) but has no place
/// of its own: where that key stands, if it stands in one place only.
fn find_key(message: &str, text: &str) -> (u64, u64) {
    let key = message.split([':', '.']).next().unwrap_or_default();
    let starts = |line: &str| {
        line.trim_start_matches([' ', '-'])
            .strip_prefix(key)
            .is_some_and(|r| r.starts_with(':'))
    };
    let mut places = text.lines().enumerate().filter(|(_, line)| starts(line));
    match (places.next(), places.next()) {
        (Some((i, line)), None) => {
            let column = line.chars().take_while(|c| matches!(c, ' ' | '-')).count();
            (i as u64 + 1, column as u64 + 1)
        }
        _ => (0, 0),
    }
}

/// Of known names the one that was probably meant.
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = wrong.chars().count();
    let most = |name: &str| 1 + name.len() / 3;
    let near = known
        .into_iter()
        // As far apart as they are in length, at least: what is long is not compared at all.
        .filter(|name| name.chars().count().abs_diff(length) <= most(name))
        .map(|name| (strsim::damerau_levenshtein(wrong, name), name))
        .min();
    near.filter(|(distance, name)| *distance <= most(name))
        .map(|(_, name)| name)
}

/// For "unknown field `shel`, expected one of `shell`, …": the nearest known key.
fn nearest_key<T: Written>(message: &str) -> Option<String> {
    if !message.contains("unknown field") && !message.contains("unknown variant") {
        return None;
    }
    let wrong = message.split('`').nth(1)?;
    let (_, known) = message.split_once("expected ")?;
    let known = known.trim_start_matches("one of ");
    let known: Vec<&str> = known.split(',').map(|key| key.trim().trim_matches('`')).collect();
    match nearest(wrong, known) {
        Some(key) => Some(format!("did you mean `{key}`?")),
        None => Some(format!("see `{}` for the keys of a {} file", T::HELP, T::NOUN)),
    }
}
