//! From local times to instants: what changes of the clock do to a cron expression.
//!
//! As in Debian's cron (crontab(5), "daylight saving time"), with two kinds of expression:
//!
//! - One whose minute or hour starts with `*` *ticks*: it fires at every instant whose local
//!   time matches. A repeated stretch counts twice, a jumped one not at all.
//! - Any other is *fixed*: each matching local time fires once, when local clocks first reach
//!   it or jump over it. That one sentence holds for gaps and repeats of any length: a time
//!   in a gap fires at the first instant after it (times of one gap share that instant), a
//!   repeated time fires in the first pass. With `Dst::Skip`, times in a gap do not fire.

use super::{Cron, Dst, Zone, civil::DAY, zone::Stretches};

/// The first second at or after `from` (UTC) at which the expression fires.
pub(crate) fn next(cron: &Cron, zone: Zone, dst: Dst, from: i64) -> Option<i64> {
    let stretches = zone.stretches();
    let at = stretches.at(from);
    match cron.ticks() {
        true => next_ticking(cron, stretches, at, from),
        false => next_fixed(cron, stretches, at, from, dst),
    }
}

/// The last second at or before `until` (UTC) at which the expression fires.
pub(crate) fn prev(cron: &Cron, zone: Zone, dst: Dst, until: i64) -> Option<i64> {
    let stretches = zone.stretches();
    let at = stretches.at(until);
    match cron.ticks() {
        true => prev_ticking(cron, stretches, at, until),
        false => prev_fixed(cron, stretches, at, until, dst),
    }
}

/// What a change of the clock does to a second at which a fixed expression fires. Local
/// times are in seconds from 1970-01-01 00:00:00.
pub(crate) enum Odd {
    /// `wanted`, a local time in the gap before `local`, does not exist.
    Moved { wanted: i64, local: i64 },
    /// The local time comes again.
    First { local: i64 },
}

/// What is odd about a fire at this second (UTC), if anything is.
pub(crate) fn odd(cron: &Cron, zone: Zone, dst: Dst, second: i64) -> Option<Odd> {
    if cron.ticks() {
        return None;
    }
    let stretches = zone.stretches();
    let at = stretches.at(second);
    let stretch = stretches.get(at)?;
    let local = second + stretch.offset;
    if dst == Dst::Tick
        && second == stretch.start
        && let Some(wanted) = cron.next_local(stretch.reached)
        && wanted < local
    {
        return Some(Odd::Moved { wanted, local });
    }
    // No clock was ever set back by more than a day.
    let soon = (at + 1..).map_while(|at| stretches.get(at));
    let mut soon = soon.take_while(|later| later.start <= second + 2 * DAY);
    soon.any(|later| later.start + later.offset <= local)
        .then_some(Odd::First { local })
}

fn next_ticking(cron: &Cron, stretches: &Stretches, mut at: usize, from: i64) -> Option<i64> {
    let mut stretch = stretches.get(at)?;
    // The first match at or after `searched` answers for every later start up to itself.
    let mut searched = from.saturating_add(stretch.offset);
    let mut local = cron.next_local(searched);
    loop {
        let following = stretches.get(at + 1);
        if let Some(second) = local.map(|l| l - stretch.offset)
            && following.is_none_or(|f| second < f.start)
        {
            return Some(second);
        }
        (at, stretch) = (at + 1, following?);
        let begin = stretch.start + stretch.offset;
        // Set forward over the match, or back to before the search began.
        if begin < searched || local.is_some_and(|l| l < begin) {
            searched = begin;
            local = cron.next_local(searched);
        }
    }
}

fn next_fixed(cron: &Cron, stretches: &Stretches, mut at: usize, from: i64, dst: Dst) -> Option<i64> {
    let mut stretch = stretches.get(at)?;
    let earliest = match dst {
        // At the first instant after a gap, what the gap held is still to come.
        Dst::Tick if from == stretch.start => stretch.reached,
        _ => from.saturating_add(stretch.offset).max(stretch.reached),
    };
    let mut local = cron.next_local(earliest)?;
    loop {
        let begin = stretch.start.saturating_add(stretch.offset);
        if local < begin {
            if dst == Dst::Tick {
                return Some(stretch.start);
            }
            local = cron.next_local(begin)?;
        }
        match stretches.get(at + 1) {
            Some(f) if local - stretch.offset >= f.start => (at, stretch) = (at + 1, f),
            _ => return Some(local - stretch.offset),
        }
    }
}

fn prev_ticking(cron: &Cron, stretches: &Stretches, mut at: usize, until: i64) -> Option<i64> {
    let mut stretch = stretches.get(at)?;
    let mut search = Backward::from(cron, until.saturating_add(stretch.offset));
    loop {
        if let Some(second) = search.found.map(|l| l - stretch.offset)
            && second >= stretch.start
        {
            return Some(second);
        }
        let end = stretch.start.saturating_sub(1);
        at = at.checked_sub(1)?;
        stretch = stretches.get(at)?;
        search = search.before(cron, end.saturating_add(stretch.offset));
    }
}

fn prev_fixed(cron: &Cron, stretches: &Stretches, mut at: usize, until: i64, dst: Dst) -> Option<i64> {
    let mut stretch = stretches.get(at)?;
    let mut search = Backward::from(cron, until.saturating_add(stretch.offset));
    loop {
        let begin = stretch.start.saturating_add(stretch.offset);
        if let Some(local) = search.found {
            if local >= begin.max(stretch.reached) {
                return Some(local - stretch.offset);
            }
            if dst == Dst::Tick && local < begin && local >= stretch.reached {
                return Some(stretch.start);
            }
        }
        let end = stretch.start.saturating_sub(1);
        at = at.checked_sub(1)?;
        stretch = stretches.get(at)?;
        search = search.before(cron, end.saturating_add(stretch.offset));
    }
}

/// The last match at or before a local time. It answers for every earlier time down to itself.
struct Backward {
    searched: i64,
    found: Option<i64>,
}

impl Backward {
    fn from(cron: &Cron, local: i64) -> Backward {
        Backward {
            searched: local,
            found: cron.prev_local(local),
        }
    }

    /// The same for another local time, mostly an earlier one.
    fn before(self, cron: &Cron, local: i64) -> Backward {
        match self.found {
            _ if local > self.searched => Backward::from(cron, local),
            Some(found) if found > local => Backward::from(cron, local),
            _ => self,
        }
    }
}
