//! An event, and the days and times that it takes.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    IcalError, Note, Options,
    lines::Property,
    rule::{Rule, Until},
    value::{Length, ROUND_DAYS, Stamp, at_local, split},
    wrong,
};
use crate::{
    calendar::{Weekdays, Weekly},
    schedule::{
        Zone,
        civil::{DAY, DAY_END, weekday_of},
    },
    time::Time,
};

/// When an occurrence begins: how occurrences are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Start {
    Day(i32),
    At(Time),
}

/// An event that is understood.
#[derive(Clone, Debug)]
pub struct Event {
    pub line: usize,
    pub uid: Option<String>,
    /// It stands for this occurrence of the event with its UID.
    pub instead_of: Option<Start>,
    pub is_cancelled: bool,
    start: Stamp,
    length: EventLength,
    rule: Option<Rule>,
    /// Beginnings that the rule does not give, and those that it gives and are not; of times
    /// whole days too.
    more: Vec<Stamp>,
    without: BTreeSet<Start>,
}

#[derive(Clone, Copy, Debug)]
enum EventLength {
    /// Whole days.
    Days(u32),
    /// The same exact time for each occurrence: its end was given.
    Exact(u64),
    /// Local days and a time: its duration was given.
    Nominal(Length),
}

impl Event {
    /// Reads an event; or the note that it covers nothing.
    pub fn read(
        line: usize,
        properties: &[&Property],
        floating: Zone,
    ) -> Result<Result<Event, Note>, IcalError> {
        let one = |name: &str| -> Result<Option<&Property>, IcalError> {
            let mut all = properties.iter().filter(|p| p.name == name);
            match (all.next(), all.next()) {
                (_, Some(second)) => wrong(second.line, format!("{name} is given twice")),
                (found, None) => Ok(found.copied()),
            }
        };
        if let Some(exrule) = one("EXRULE")? {
            return wrong(exrule.line, "EXRULE is not understood; give the days as EXDATE");
        }
        let Some(start) = one("DTSTART")? else {
            return wrong(line, "the event has no DTSTART");
        };
        let start = Stamp::read(start, floating)?;
        let length = match length(start, one("DTEND")?, one("DURATION")?, floating)? {
            Some(length) => length,
            None => {
                let text = "the event begins and ends at once: it covers nothing".to_owned();
                return Ok(Err(Note { line, text }));
            }
        };
        let rule = one("RRULE")?
            .map(|p| Rule::read(p, start, floating))
            .transpose()?;
        let mut more = Vec::new();
        for property in properties.iter().filter(|p| p.name == "RDATE") {
            more.extend(alike(property, start, floating)?);
        }
        let mut without = BTreeSet::new();
        for property in properties.iter().filter(|p| p.name == "EXDATE") {
            without.extend(excluded(property, start, floating)?);
        }
        let instead_of = match one("RECURRENCE-ID")? {
            Some(p) if p.parameter("RANGE").is_some() => {
                return wrong(p.line, "RECURRENCE-ID: RANGE is not understood");
            }
            Some(p) => Some(begin(Stamp::read(p, floating)?, floating)),
            None => None,
        };
        let is_cancelled = one("STATUS")?.is_some_and(|p| p.value.eq_ignore_ascii_case("CANCELLED"));
        let uid = one("UID")?.map(|p| p.value.clone());
        Ok(Ok(Event {
            line,
            uid,
            instead_of,
            is_cancelled,
            start,
            length,
            rule,
            more,
            without,
        }))
    }

    /// Where each occurrence begins, in no order, but for some that are over by `from`; and
    /// whether there are more from `until` on. The first is where the event begins, be that a
    /// day of its rule or not.
    fn starts(&self, from: Time, until: Time, floating: Zone) -> (Vec<Stamp>, bool) {
        let mut starts = self.more.clone();
        starts.push(self.start);
        let Some(rule) = &self.rule else {
            return (starts, false);
        };
        let again = |day: i32| match self.start {
            Stamp::Date(_) => Stamp::Date(day),
            Stamp::Local { second, zone, .. } => Stamp::Local { day, second, zone },
            Stamp::Utc(at) => Stamp::Utc(Time::from_secs(
                i64::from(day) * DAY + at.as_secs().rem_euclid(DAY),
            )),
        };
        let first = self.start.local().0;
        // A day more at both ends, whatever the zone.
        let from = split(from.as_secs()).0 - self.length.days() - 2;
        for day in rule.days_after(first, from) {
            let start = again(day);
            let is_over = match rule.until {
                Some(Until::Day(last)) => day > last,
                Some(Until::Instant(last)) => start.instant(floating) > last,
                None => false,
            };
            if is_over {
                return (starts, false);
            }
            if start.instant(floating) >= until {
                return (starts, true);
            }
            starts.push(start);
        }
        // By its count, or the last year there is.
        (starts, false)
    }

    /// The windows of the week that it takes for ever, if that is all it does but for where it
    /// begins: by a rule without end or exceptions, of days or times of the calendar's zone.
    fn weekly(&self, zone: Zone) -> Option<Vec<Weekly>> {
        let is_plain = self.more.is_empty() && self.without.is_empty() && self.instead_of.is_none();
        let is_local = match self.start {
            Stamp::Date(_) => true,
            Stamp::Local { zone: own, .. } => own == zone,
            Stamp::Utc(_) => zone == Zone::utc(),
        };
        let (first, second) = self.start.local();
        let days = self.rule.as_ref()?.weekdays(first)?;
        let length = match self.length {
            EventLength::Days(days) => i64::from(days) * DAY,
            EventLength::Nominal(length) => i64::from(length.days) * DAY + i64::from(length.seconds),
            // As the clock shows it, should it be set within the first one.
            EventLength::Exact(seconds) => {
                let from = self.start.instant(zone);
                let to = from + Duration::from_secs(seconds);
                seconds as i64 + zone.offset(to) - zone.offset(from)
            }
        };
        (is_plain && is_local && length > 0).then(|| windows(days, second, length))
    }

    /// Whether its rule gives the day that it begins on.
    fn begins_by_rule(&self) -> bool {
        let (first, _) = self.start.local();
        let weekday = weekday_of((first + ROUND_DAYS as i32) as u32);
        let days = self.rule.as_ref().and_then(|rule| rule.weekdays(first));
        days.is_some_and(|days| days.contains(weekday))
    }

    /// Whether an occurrence is not one after all, or stands elsewhere.
    fn is_without(&self, start: Stamp, elsewhere: Option<&BTreeSet<Start>>, floating: Zone) -> bool {
        let (begun, of_day) = (begin(start, floating), Start::Day(start.local().0));
        let has = |all: &BTreeSet<Start>| all.contains(&begun) || all.contains(&of_day);
        has(&self.without) || elsewhere.is_some_and(has)
    }
}

impl EventLength {
    /// Days that it takes at most.
    fn days(self) -> i32 {
        match self {
            EventLength::Days(days) => days as i32,
            EventLength::Exact(seconds) => (seconds / DAY as u64) as i32 + 1,
            EventLength::Nominal(length) => (length.days + length.seconds / DAY as u32) as i32 + 1,
        }
    }
}

/// Windows of so many seconds from a second of some days on; a day of them at most, as those
/// of a calendar are.
fn windows(days: Weekdays, second: u32, length: i64) -> Vec<Weekly> {
    let end = i64::from(second) + length;
    if length < DAY {
        let to = if end > DAY { end - DAY } else { end } as u32;
        return vec![Weekly {
            days,
            from: second,
            to,
        }];
    }
    let parts = (0..8u32).take_while(|day| i64::from(*day) * DAY < end);
    let part = |day: u32| Weekly {
        days: days.later(day),
        from: if day == 0 { second } else { 0 },
        to: (end - i64::from(day) * DAY).min(DAY) as u32,
    };
    parts.map(part).collect()
}

fn begin(stamp: Stamp, floating: Zone) -> Start {
    match stamp {
        Stamp::Date(day) => Start::Day(day),
        other => Start::At(other.instant(floating)),
    }
}

/// Dates or times of a property, which must be of the kind that the event's beginning is.
fn alike(property: &Property, start: Stamp, floating: Zone) -> Result<Vec<Stamp>, IcalError> {
    let all = Stamp::read_all(property, floating)?;
    match all.iter().all(|stamp| stamp.is_date() == start.is_date()) {
        true => Ok(all),
        false => wrong(
            property.line,
            format!(
                "{}: dates and times are mixed: DTSTART is of the other kind",
                property.name
            ),
        ),
    }
}

/// What is taken away from an event. A day takes away what begins on it.
fn excluded(property: &Property, start: Stamp, floating: Zone) -> Result<Vec<Start>, IcalError> {
    if start.is_date() {
        let all = alike(property, start, floating)?;
        return Ok(all.into_iter().map(|stamp| begin(stamp, floating)).collect());
    }
    let all = Stamp::read_all(property, floating)?;
    for stamp in &all {
        // Whose day is it, that of UTC or of whoever wrote it?
        if let (Stamp::Date(day), Stamp::Utc(at)) = (stamp, start) {
            let at = Time::from_secs(i64::from(*day) * DAY + at.as_secs().rem_euclid(DAY));
            if split(at.as_secs() + floating.offset(at)).0 != *day {
                return wrong(
                    property.line,
                    format!("EXDATE: a day alone, and DTSTART is of another day in UTC than in {floating}"),
                );
            }
        }
    }
    Ok(all.into_iter().map(|stamp| begin(stamp, floating)).collect())
}

/// How long it lasts; `None`: not at all.
fn length(
    start: Stamp,
    end: Option<&Property>,
    duration: Option<&Property>,
    floating: Zone,
) -> Result<Option<EventLength>, IcalError> {
    match (start, end, duration) {
        (_, Some(end), Some(_)) => wrong(end.line, "DTEND and DURATION exclude each other"),
        (Stamp::Date(_), None, None) => Ok(Some(EventLength::Days(1))),
        (_, None, None) => Ok(None),
        (Stamp::Date(first), Some(end), None) => match Stamp::read(end, floating)? {
            Stamp::Date(after) if after > first => Ok(Some(EventLength::Days((after - first) as u32))),
            // Some programs write the day itself as the end of a day.
            Stamp::Date(after) if after == first => Ok(Some(EventLength::Days(1))),
            Stamp::Date(_) => wrong(end.line, "DTEND is before DTSTART"),
            _ => wrong(end.line, "DTEND is a time and DTSTART a date"),
        },
        (Stamp::Date(_), None, Some(duration)) => match Length::read(duration)? {
            Length {
                days: 1..,
                seconds: 0,
            } => Ok(Some(EventLength::Days(Length::read(duration)?.days))),
            _ => wrong(duration.line, "DURATION: an event of whole days lasts whole days"),
        },
        (start, Some(end), None) => {
            let stamp = Stamp::read(end, floating)?;
            let (from, to) = (start.instant(floating), stamp.instant(floating));
            match () {
                () if stamp.is_date() => wrong(end.line, "DTEND is a date and DTSTART a time"),
                () if to < from => wrong(end.line, "DTEND is before DTSTART"),
                () if to == from => Ok(None),
                () => Ok(Some(EventLength::Exact(to.since(from).as_secs()))),
            }
        }
        (_, None, Some(duration)) => match Length::read(duration)? {
            Length { days: 0, seconds: 0 } => Ok(None),
            length => Ok(Some(EventLength::Nominal(length))),
        },
    }
}

/// From here on a calendar can cover: whatever the zone, no local day is below zero.
const FIRST: Time = Time::from_secs(DAY);

/// The days and times that events take.
pub struct Spans {
    zone: Zone,
    now: Time,
    from: Time,
    until: Time,
    room: usize,
    /// Whole days, from the first that a calendar can cover.
    pub days: BTreeSet<u32>,
    times: Vec<(Time, Time)>,
    /// Windows of each week, by where they begin and end.
    weekly: BTreeMap<(u32, u32), Weekdays>,
    /// The first event that will be windows of each week once it has begun: its line, and when
    /// it begins.
    pub weekly_later: Option<(usize, Time)>,
    /// There is more from the end on.
    pub goes_on: bool,
}

impl Spans {
    pub fn new(zone: Zone, options: &Options, room: usize) -> Spans {
        Spans {
            zone,
            now: options.now,
            from: options.from.max(FIRST),
            until: options.until,
            room,
            days: BTreeSet::new(),
            times: Vec::new(),
            weekly: BTreeMap::new(),
            weekly_later: None,
            goes_on: false,
        }
    }

    /// Adds an event's occurrences, but for those that stand elsewhere; how many there are.
    pub fn add(&mut self, event: &Event, elsewhere: Option<&BTreeSet<Start>>) -> Result<usize, IcalError> {
        if elsewhere.is_none()
            && let Some(windows) = event.weekly(self.zone)
        {
            let start = event.start.instant(self.zone);
            if start <= self.now {
                for Weekly { days, from, to } in windows {
                    let known = self.weekly.entry((from, to)).or_insert(days);
                    *known = known.and(days);
                }
                let once = [event.start].into_iter().filter(|_| !event.begins_by_rule());
                return Ok(1 + self.add_all(event, once, None)?);
            }
            self.weekly_later.get_or_insert((event.line, start));
        }
        let (starts, goes_on) = event.starts(self.from, self.until, self.zone);
        self.goes_on |= goes_on;
        self.add_all(event, starts, elsewhere)
    }

    fn add_all(
        &mut self,
        event: &Event,
        starts: impl IntoIterator<Item = Stamp>,
        elsewhere: Option<&BTreeSet<Start>>,
    ) -> Result<usize, IcalError> {
        let mut count = 0;
        for start in starts {
            if event.is_without(start, elsewhere, self.zone) {
                continue;
            }
            let (from, until) = self.span(start, event.length);
            self.goes_on |= from >= self.until;
            if until <= self.from || from >= self.until {
                continue;
            }
            count += 1;
            match (start, event.length) {
                (Stamp::Date(first), EventLength::Days(n)) => {
                    self.take(event.line, n as usize)?;
                    let end = first.saturating_add(n as i32).min(DAY_END as i32);
                    self.days
                        .extend((first..end).filter_map(|day| u32::try_from(day).ok()));
                }
                _ => {
                    self.take(event.line, 1)?;
                    self.times.push((from.max(FIRST), until));
                }
            }
        }
        Ok(count)
    }

    fn take(&mut self, line: usize, n: usize) -> Result<(), IcalError> {
        match self.room.checked_sub(n) {
            Some(room) => {
                self.room = room;
                Ok(())
            }
            None => wrong(
                line,
                "the file's events take too many days and times; take over less time",
            ),
        }
    }

    fn span(&self, start: Stamp, length: EventLength) -> (Time, Time) {
        let from = start.instant(self.zone);
        let until = match length {
            EventLength::Days(n) => {
                let (first, _) = start.local();
                at_local(first.saturating_add(n as i32), 0, self.zone)
            }
            EventLength::Exact(seconds) => from + Duration::from_secs(seconds),
            EventLength::Nominal(length) => {
                let later = match start {
                    Stamp::Local { day, second, zone } => {
                        at_local(day.saturating_add(length.days as i32), second, zone)
                    }
                    _ => from + Duration::from_secs(u64::from(length.days) * DAY as u64),
                };
                later + Duration::from_secs(length.seconds.into())
            }
        };
        (from, until)
    }

    /// The windows of each week.
    pub fn weekly(&self) -> Vec<Weekly> {
        let all = self.weekly.iter();
        all.map(|((from, to), days)| Weekly {
            days: *days,
            from: *from,
            to: *to,
        })
        .collect()
    }

    /// The times, sorted, with what overlaps or touches made one.
    pub fn joined(&self) -> Vec<(Time, Time)> {
        let mut all = self.times.clone();
        all.sort_unstable();
        let mut out: Vec<(Time, Time)> = Vec::new();
        for (from, until) in all {
            match out.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(until),
                _ => out.push((from, until)),
            }
        }
        out
    }
}
