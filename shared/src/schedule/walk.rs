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

use super::{Cron, Dst, Zone, zone::Stretches};

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

fn next_ticking(cron: &Cron, stretches: &Stretches, mut at: usize, from: i64) -> Option<i64> {
    let mut stretch = stretches.get(at)?;
    let mut local = cron.next_local(from.saturating_add(stretch.offset));
    loop {
        let following = stretches.get(at + 1);
        match (local, following) {
            (Some(l), None) => return Some(l - stretch.offset),
            (Some(l), Some(f)) if l - stretch.offset < f.start => return Some(l - stretch.offset),
            (None, None) => return None,
            // Nothing ahead in this stretch; a clock set back may bring some of it again.
            (_, Some(f)) => {
                let begin = f.start + f.offset;
                if local.is_none_or(|l| l < begin) || begin < f.reached {
                    local = cron.next_local(begin);
                }
                (at, stretch) = (at + 1, f);
            }
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
    let mut until = until;
    loop {
        let stretch = stretches.get(at)?;
        let local = cron.prev_local(until.saturating_add(stretch.offset));
        if let Some(local) = local.filter(|l| l - stretch.offset >= stretch.start) {
            return Some(local - stretch.offset);
        }
        at = at.checked_sub(1)?;
        until = stretch.start - 1;
    }
}

fn prev_fixed(cron: &Cron, stretches: &Stretches, mut at: usize, until: i64, dst: Dst) -> Option<i64> {
    let mut until = until;
    loop {
        let stretch = stretches.get(at)?;
        let begin = stretch.start.saturating_add(stretch.offset);
        if let Some(local) = cron.prev_local(until.saturating_add(stretch.offset)) {
            if local >= begin.max(stretch.reached) {
                return Some(local - stretch.offset);
            }
            if dst == Dst::Tick && local < begin && local >= stretch.reached {
                return Some(stretch.start);
            }
        }
        at = at.checked_sub(1)?;
        until = stretch.start - 1;
    }
}
