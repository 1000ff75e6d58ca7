//! What commands print: tables for people, JSON and YAML for programs, names for pipes.

use std::{
    fmt::Display,
    io::{self, IsTerminal, Write},
};

use clap::ValueEnum;
use comfy_table::{Attribute, Cell, Color, ContentArrangement, Table, presets};
use serde::Serialize;
use shared::{run::State, time::Time, units::Span};

use crate::error::{CliError, Doing, Kind, Result};

/// How to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    #[default]
    Table,
    Json,
    Yaml,
    /// One name a line.
    Name,
}

/// Something that can be shown in a list.
pub trait Row: Serialize {
    const HEAD: &'static [&'static str];
    fn name(&self) -> String;
    fn cells(&self, now: Time) -> Vec<Cell>;
}

/// Prints a list.
pub fn list<T: Row>(format: Format, items: &[T]) -> Result<()> {
    match format {
        Format::Table => table(
            T::HEAD,
            items.iter().map(|item| item.cells(now())),
            items.is_empty(),
        ),
        Format::Name => lines(items.iter().map(Row::name)),
        _ => value(format, &items),
    }
}

/// Prints one thing for programs; tables print it as YAML.
pub fn value<T: Serialize + ?Sized>(format: Format, item: &T) -> Result<()> {
    let text = match format {
        Format::Json => serde_json::to_string_pretty(item).doing("writing JSON")?,
        _ => serde_saphyr::to_string(&item).doing("writing YAML")?,
    };
    lines([text.trim_end()])
}

/// Says what was done to one thing: a line to people, `answer` to programs, its name to pipes.
pub fn done<T: Serialize>(format: Format, name: impl Display, what: &str, answer: &T) -> Result<()> {
    match format {
        Format::Table => lines([format!("{name} {what}")]),
        Format::Name => lines([name.to_string()]),
        format => value(format, answer),
    }
}

/// Says what was done to one thing after the other: to people at once, to programs as one
/// list at the end.
pub struct Told<T> {
    format: Format,
    answers: Vec<T>,
}

impl<T: Serialize> Told<T> {
    pub fn new(format: Format) -> Told<T> {
        Told {
            format,
            answers: Vec::new(),
        }
    }

    pub fn tell(&mut self, name: impl Display, what: &str, answer: T) -> Result<()> {
        match self.format {
            Format::Table | Format::Name => done(self.format, name, what, &answer),
            Format::Json | Format::Yaml => {
                self.answers.push(answer);
                Ok(())
            }
        }
    }

    /// How it ended: also of what failed half-way it is said what was done.
    pub fn end(self, ended: Result<()>) -> Result<()> {
        if matches!(self.format, Format::Json | Format::Yaml) {
            value(self.format, &self.answers)?;
        }
        ended
    }
}

/// Prints a table that fits the terminal.
pub fn table(head: &[&str], rows: impl Iterator<Item = Vec<Cell>>, is_empty: bool) -> Result<()> {
    if is_empty {
        return lines::<&str>([]);
    }
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_header(head.iter().map(|h| bold(h)));
    if io::stdout().is_terminal() {
        table.set_content_arrangement(ContentArrangement::Dynamic);
    }
    if !is_coloured() {
        table.force_no_tty();
    }
    for row in rows {
        table.add_row(row);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    lines(
        table
            .lines()
            .map(|line| line.trim_end().to_owned())
            .collect::<Vec<_>>(),
    )
}

/// Prints lines.
pub fn lines<T: AsRef<str>>(lines: impl IntoIterator<Item = T>) -> Result<()> {
    let mut out = io::stdout().lock();
    written(
        lines
            .into_iter()
            .try_for_each(|line| writeln!(out, "{}", line.as_ref()))
            .and_then(|()| out.flush()),
    )
}

/// Prints bytes as they are, at once.
pub fn bytes(mut out: impl Write, bytes: &[u8]) -> Result<()> {
    written(out.write_all(bytes).and_then(|()| out.flush()))
}

/// A reader that has gone has read enough: `gnomon run ls | head` ends quietly, as other
/// tools do. SIGPIPE, which does that for them, stays ignored: it would also end a server
/// whose client goes away.
fn written(done: io::Result<()>) -> Result<()> {
    done.map_err(|e| match e.kind() {
        io::ErrorKind::BrokenPipe => CliError::new(Kind::ReaderGone, "nobody reads this any more"),
        _ => CliError::failed(format!("writing the output: {e}")),
    })
}

/// Says on stderr what is going on, so that stdout holds only results.
pub fn note(text: impl AsRef<str>) {
    let _ = writeln!(io::stderr().lock(), "{}", text.as_ref());
}

pub fn is_coloured() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

fn bold(text: &str) -> Cell {
    let cell = Cell::new(text);
    if is_coloured() {
        cell.add_attribute(Attribute::Bold)
    } else {
        cell
    }
}

/// A run's state: its word, and on a terminal a colour as well.
pub fn state_cell(state: State) -> Cell {
    let cell = Cell::new(state.as_str());
    if !is_coloured() {
        return cell;
    }
    cell.fg(match state {
        State::Succeeded => Color::Green,
        State::Failed | State::TimedOut | State::Lost | State::Rejected => Color::Red,
        State::Killed | State::Missed => Color::Yellow,
        State::Running => Color::Cyan,
        State::Pending | State::Queued | State::Skipped => Color::Grey,
    })
}

/// An instant for people: UTC, to the second.
pub fn time(t: Time) -> String {
    let text = t.to_string();
    format!("{}Z", text.get(..19).unwrap_or(&text).replace('T', " "))
}

pub fn time_or_dash(t: Option<Time>) -> String {
    t.map_or_else(|| "-".into(), time)
}

/// How long ago or ahead, roughly: `3m ago`, `in 2h`.
pub fn relative(t: Time, now: Time) -> String {
    let (ahead, span) = if t > now {
        (true, t.since(now))
    } else {
        (false, now.since(t))
    };
    let rough = rough(span);
    if ahead {
        format!("in {rough}")
    } else {
        format!("{rough} ago")
    }
}

/// The two largest units of a span.
pub fn rough(span: std::time::Duration) -> String {
    let secs = span.as_secs();
    match secs {
        0 => format!("{}ms", span.as_millis()),
        1..60 => format!("{secs}s"),
        60..3600 => Span::from_secs(secs).to_string(),
        3600..86_400 => Span::from_secs(secs / 60 * 60).to_string(),
        _ => Span::from_secs(secs / 3600 * 3600).to_string(),
    }
}

/// The wall clock, for relative times only.
pub fn now() -> Time {
    shared::host::Host::system().now()
}
