//! iCalendar files (RFC 5545) as calendars.
//!
//! Events become days and ranges; rules are carried out up to a horizon, so that what a
//! calendar covers can be read off it and no agent needs the rules. A rule that gives the same
//! days of each week for ever becomes weekly windows instead, and has no horizon. What is not understood
//! is refused, with its line: a blackout that is silently shorter than its file is worse
//! than none. What does not bear on when something is (summaries, alarms, who comes) is not
//! looked at; an event is busy whatever its `TRANSP` says, as calendars of holidays are
//! transparent. What is left out, such as cancelled events, is listed.
//!
//! In reading order: `lines` unfolds the text into properties, `windows` names zones, `value`
//! reads dates and durations, `rule` carries out recurrences, `event` makes spans of an event.

mod lines;
mod windows;
mod value;
mod rule;
mod event;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use super::{Calendar, Day, Moment, Range};
use crate::{
    schedule::{Zone, civil::DAY_END},
    time::Time,
};
use event::{Event, Spans};
use lines::Property;

/// The largest file that is read, in bytes.
pub const FILE_BYTES_MAX: usize = 8 << 20;
/// How many occurrences are made of a file.
const OCCURRENCES_MAX: usize = 100_000;

/// What a file does not say of how it is to be taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Whose days whole-day events are, and whose times those without a zone; what the file
    /// says unless given.
    pub timezone: Option<Zone>,
    /// What has begun by now and takes the same days or times of each week for ever becomes a
    /// weekly window; what is still to begin is carried out.
    pub now: Time,
    /// What ended before this is left out.
    pub from: Time,
    /// What begins at this or later is left out: rules are carried out up to here. That it is
    /// shows in the calendar, by whole days.
    pub until: Time,
}

/// What came of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// It says until when it is known if the file has more, beyond the horizon.
    pub calendar: Calendar,
    /// Where its zone is from.
    pub zone_from: ZoneFrom,
    /// How many events bear on it.
    pub events: usize,
    /// What was left out, and why.
    pub notes: Vec<Note>,
}

/// Where a calendar's zone is from: the first of these that there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZoneFrom {
    Options,
    /// The file's own, `X-WR-TIMEZONE`.
    File,
    /// The only one that its events name, or that it defines.
    Only,
    /// None of these: UTC.
    Nowhere,
}

/// Something that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Counted from 1.
    pub line: usize,
    pub text: String,
}

/// Why a file is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct IcalError {
    /// Counted from 1; zero for the whole file.
    pub line: usize,
    pub message: String,
}

impl fmt::Display for IcalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}: ", self.line)?;
        }
        f.write_str(&self.message)
    }
}

/// Of what a file says no more is shown than a person reads, and nothing that a terminal obeys.
fn shown(text: &str) -> String {
    let text = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    text.take(400).collect()
}

fn wrong<T>(line: usize, message: impl Into<String>) -> Result<T, IcalError> {
    let message = message.into();
    Err(IcalError { line, message })
}

/// Makes a calendar of an iCalendar file.
///
/// # Errors
/// What cannot be read or is not understood, with its line.
pub fn import(file: &[u8], options: &Options) -> Result<Imported, IcalError> {
    let mut found = read(file, options).map_err(|e| IcalError {
        message: shown(&e.message),
        ..e
    })?;
    for note in &mut found.notes {
        note.text = shown(&note.text);
    }
    Ok(found)
}

fn read(file: &[u8], options: &Options) -> Result<Imported, IcalError> {
    if file.len() > FILE_BYTES_MAX {
        return wrong(
            0,
            format!("the file has {} bytes; at most 8MiB are read", file.len()),
        );
    }
    let lines = lines::unfold(file)?;
    let mut file = File::read(&lines)?;
    let (timezone, zone_from) = file.zone(options.timezone)?;
    let mut events = Vec::new();
    for (line, properties) in &file.events {
        match Event::read(*line, properties, timezone)? {
            Ok(event) => events.push(event),
            Err(note) => file.notes.push(note),
        }
    }
    let overridden = overridden(&events)?;
    let mut spans = Spans::new(timezone, options, OCCURRENCES_MAX);
    let mut taken = 0;
    for event in &events {
        let without = match (&event.uid, &event.instead_of) {
            (Some(uid), None) => overridden.get(uid.as_str()),
            _ => None,
        };
        if event.is_cancelled {
            file.notes.push(Note {
                line: event.line,
                text: "the event is cancelled".to_owned(),
            });
            continue;
        }
        match spans.add(event, without)? {
            0 => file.notes.push(Note {
                line: event.line,
                text: "nothing of the event is in the time that is taken over".to_owned(),
            }),
            _ => taken += 1,
        }
    }
    let mut calendar = calendar(file.title.unwrap_or_default(), timezone, &spans);
    if spans.goes_on {
        calendar.known_until = Some(last_day(options.until, timezone));
    }
    if calendar.entries() == 0 {
        return wrong(
            0,
            format!(
                "no event of the file is between {} and {}",
                options.from, options.until
            ),
        );
    }
    if let Err(message) = calendar.check() {
        return wrong(0, too_much(&message, &spans));
    }
    file.notes.sort_by_key(|note| note.line);
    Ok(Imported {
        calendar,
        zone_from,
        events: taken,
        notes: file.notes,
    })
}

/// The last day that is over by then.
fn last_day(until: Time, timezone: Zone) -> Moment {
    let (day, _) = value::split(until.as_secs() + timezone.offset(until));
    Moment::Date((day - 1).clamp(0, DAY_END as i32 - 1) as u32)
}

fn too_much(message: &str, spans: &Spans) -> String {
    let later = spans.weekly_later.map(|(line, start)| {
        format!("; the event of line {line} takes one weekly window once it has begun, at {start}")
    });
    format!("{message}; take over less time{}", later.unwrap_or_default())
}

/// What stands at the top of a file.
struct File<'a> {
    title: Option<String>,
    /// With its line.
    timezone: Option<(usize, &'a str)>,
    /// Zones that it defines.
    defined: BTreeSet<&'a str>,
    /// Each with the line that it begins in.
    events: Vec<(usize, Vec<&'a Property>)>,
    notes: Vec<Note>,
}

impl<'a> File<'a> {
    fn read(lines: &'a [Property]) -> Result<File<'a>, IcalError> {
        let mut file = File {
            title: None,
            timezone: None,
            defined: BTreeSet::new(),
            events: Vec::new(),
            notes: Vec::new(),
        };
        let mut open: Vec<&str> = Vec::new();
        let mut has_calendar = false;
        for property in lines {
            let (line, name) = (property.line, property.name.as_str());
            match (name, open.as_slice()) {
                ("BEGIN", []) if property.value.eq_ignore_ascii_case("VCALENDAR") => {
                    has_calendar = true;
                    open.push("VCALENDAR");
                }
                (_, []) => return wrong(line, "a calendar begins with BEGIN:VCALENDAR"),
                ("BEGIN", ["VCALENDAR"]) => {
                    let kind = component(&property.value);
                    match kind {
                        "VEVENT" => file.events.push((line, Vec::new())),
                        // Zones are known by their names.
                        "VTIMEZONE" => {}
                        _ => file.notes.push(Note {
                            line,
                            text: format!("a {} is not an event", property.value),
                        }),
                    }
                    open.push(kind);
                }
                ("BEGIN", _) => open.push(component(&property.value)),
                ("END", [.., last]) if *last == component(&property.value) => {
                    open.pop();
                }
                ("END", [.., last]) => {
                    return wrong(line, format!("END:{} where END:{last} is due", property.value));
                }
                (_, ["VCALENDAR", "VEVENT"]) => {
                    if let Some((_, properties)) = file.events.last_mut() {
                        properties.push(property);
                    }
                }
                ("TZID", ["VCALENDAR", "VTIMEZONE"]) => {
                    file.defined.insert(&property.value);
                }
                ("X-WR-TIMEZONE", ["VCALENDAR"]) => file.timezone = Some((line, &property.value)),
                ("X-WR-CALNAME" | "NAME", ["VCALENDAR"]) => {
                    file.title = Some(lines::plain_text(&property.value).chars().take(200).collect());
                }
                ("CALSCALE", ["VCALENDAR"]) if !property.value.eq_ignore_ascii_case("GREGORIAN") => {
                    return wrong(line, format!("CALSCALE `{}` is not understood", property.value));
                }
                _ => {}
            }
        }
        match open.last() {
            Some(last) => wrong(0, format!("the file ends before END:{last}: it is not whole")),
            None if !has_calendar => wrong(0, "the file holds no calendar: it is not an iCalendar file"),
            None => Ok(file),
        }
    }

    fn zone(&self, given: Option<Zone>) -> Result<(Zone, ZoneFrom), IcalError> {
        if let Some(zone) = given {
            return Ok((zone, ZoneFrom::Options));
        }
        if let Some((line, name)) = self.timezone {
            let zone = value::zone(name).map_err(|e| IcalError {
                line,
                message: format!("X-WR-TIMEZONE: {e}"),
            })?;
            return Ok((zone, ZoneFrom::File));
        }
        let properties = self.events.iter().flat_map(|(_, properties)| properties);
        let named: BTreeSet<&str> = properties.filter_map(|p| p.parameter("TZID")).collect();
        // Programs define zones that no event is of: what events name goes before.
        let names = if named.is_empty() { &self.defined } else { &named };
        let zones: BTreeSet<Zone> = names.iter().filter_map(|name| value::zone(name).ok()).collect();
        Ok(match (zones.first(), zones.len()) {
            (Some(zone), 1) => (*zone, ZoneFrom::Only),
            _ => (Zone::utc(), ZoneFrom::Nowhere),
        })
    }
}

/// Components that are told apart; all others are one.
fn component(name: &str) -> &'static str {
    [
        "VCALENDAR",
        "VEVENT",
        "VTIMEZONE",
        "STANDARD",
        "DAYLIGHT",
        "VALARM",
        "VTODO",
        "VJOURNAL",
        "VFREEBUSY",
    ]
    .into_iter()
    .find(|known| known.eq_ignore_ascii_case(name))
    .unwrap_or("another component")
}

/// By event the occurrences that stand elsewhere in the file.
fn overridden(events: &[Event]) -> Result<BTreeMap<&str, BTreeSet<event::Start>>, IcalError> {
    let mut all: BTreeMap<&str, BTreeSet<event::Start>> = BTreeMap::new();
    for event in events {
        match (&event.uid, event.instead_of) {
            (Some(uid), Some(start)) => {
                all.entry(uid).or_default().insert(start);
            }
            (None, Some(_)) => return wrong(event.line, "RECURRENCE-ID: the event has no UID to belong to"),
            _ => {}
        }
    }
    Ok(all)
}

/// Days that stand alone as dates, days in a row and times as ranges.
fn calendar(description: String, timezone: Zone, spans: &Spans) -> Calendar {
    let mut calendar = Calendar {
        description,
        timezone,
        known_until: None,
        dates: BTreeSet::new(),
        ranges: Vec::new(),
        weekly: spans.weekly(),
    };
    let mut row: Option<(u32, u32)> = None;
    let put = |calendar: &mut Calendar, row: Option<(u32, u32)>| match row {
        Some((first, last)) if first == last => {
            calendar.dates.insert(Day::Date(first));
        }
        Some((first, last)) => calendar.ranges.push(Range {
            from: Moment::Date(first),
            to: Moment::Date(last),
        }),
        None => {}
    };
    for day in &spans.days {
        match &mut row {
            Some((_, last)) if *last + 1 == *day => *last = *day,
            _ => put(&mut calendar, row.replace((*day, *day))),
        }
    }
    put(&mut calendar, row);
    for (from, until) in spans.joined() {
        calendar.ranges.push(Range {
            from: value::moment(from, timezone),
            to: value::moment(until, timezone),
        });
    }
    // Both ends local, or both with an offset.
    for range in &mut calendar.ranges {
        if let (Moment::Local(_), Moment::Instant(_)) | (Moment::Instant(_), Moment::Local(_)) =
            (range.from, range.to)
        {
            range.from = value::instant(range.from, timezone);
            range.to = value::instant(range.to, timezone);
        }
    }
    calendar
}

#[cfg(test)]
mod tests;
