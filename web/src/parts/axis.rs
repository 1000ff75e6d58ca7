//! Time along a line: where its marks stand, and what they say.

use std::time::Duration;

use shared::{schedule::Zone, time::Time};

use crate::locale::{clock_time, day, minute};

/// A mark on the axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub at: Time,
    /// `14:00`; the day at midnight.
    pub label: String,
    pub is_midnight: bool,
}

/// The steps that people count in, in seconds.
const STEPS: [i64; 16] = [
    1, 5, 15, 30, 60, 300, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800,
];

const HOUR: i64 = 3_600;

/// Marks between two instants at round times of the zone, at most `max` of them.
pub fn marks(from: Time, to: Time, zone: Zone, max: usize) -> Vec<Mark> {
    let span = (to.as_secs() - from.as_secs()).max(1);
    let step = STEPS
        .into_iter()
        .find(|step| span / step < max as i64)
        .unwrap_or(STEPS[STEPS.len() - 1]);
    let mut marks = Vec::new();
    let mut next = Some(first(from, step, zone));
    while let Some(at) = next.filter(|at| *at <= to) {
        if at >= from {
            let clock = zone.clock(at);
            let is_midnight = clock == clock.start_of_day();
            let label = match (is_midnight, step < 60) {
                (true, _) => day(at, zone),
                (false, true) => clock_time(at, zone),
                (false, false) => minute(at, zone),
            };
            marks.push(Mark {
                at,
                label,
                is_midnight,
            });
        }
        next = following(at, step, zone);
    }
    marks
}

/// The last round time at or before `from`: counted from its local midnight.
fn first(from: Time, step: i64, zone: Zone) -> Time {
    let midnight = zone.instant(zone.clock(from).start_of_day());
    match step < HOUR {
        true => midnight + Duration::from_secs((from.since(midnight).as_secs() / step as u64) * step as u64),
        false => midnight,
    }
}

/// Hours and days are counted by the clock on the wall, since not all days have 24 of them;
/// what is less is counted as it passes.
fn following(at: Time, step: i64, zone: Zone) -> Option<Time> {
    if step < HOUR {
        return Some(at + Duration::from_secs(step as u64));
    }
    // As UTC reads it, the wall's clock is never set.
    let utc = Zone::utc();
    let mut wall = utc.instant(zone.clock(at));
    while wall < Time::MAX {
        wall = wall + Duration::from_secs(step as u64);
        let next = zone.instant(utc.clock(wall));
        // An hour that does not exist is the one after it, which is there already.
        if next > at {
            return Some(next);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(from: &str, to: &str, zone: &str, max: usize) -> Vec<String> {
        let zone: Zone = zone.parse().unwrap();
        marks(from.parse().unwrap(), to.parse().unwrap(), zone, max)
            .into_iter()
            .map(|m| m.label)
            .collect()
    }

    #[test]
    fn marks_stand_at_round_times() {
        assert_eq!(
            labels("2026-11-21T07:10:00Z", "2026-11-21T10:50:00Z", "UTC", 8),
            ["07:30", "08:00", "08:30", "09:00", "09:30", "10:00", "10:30"]
        );
        assert_eq!(
            labels("2026-11-21T18:00:00Z", "2026-11-22T06:00:00Z", "Asia/Kolkata", 7),
            ["22 Nov", "02:00", "04:00", "06:00", "08:00", "10:00"],
            "hours of the zone, not of UTC"
        );
        assert_eq!(
            labels("2026-11-21T07:00:00Z", "2026-11-21T07:00:10Z", "UTC", 4),
            ["07:00:00", "07:00:05", "07:00:10"]
        );
    }

    #[test]
    fn days_of_other_lengths_keep_their_midnights() {
        // Clocks go back on the 25th.
        assert_eq!(
            labels("2026-10-24T22:00:00Z", "2026-10-27T00:00:00Z", "Europe/Berlin", 5),
            ["25 Oct", "12:00", "26 Oct", "12:00", "27 Oct"]
        );
        assert_eq!(
            labels(
                "2026-10-20T00:00:00Z",
                "2026-10-30T00:00:00Z",
                "Europe/Berlin",
                11
            ),
            [
                "21 Oct", "22 Oct", "23 Oct", "24 Oct", "25 Oct", "26 Oct", "27 Oct", "28 Oct", "29 Oct",
                "30 Oct"
            ]
        );
    }
    #[test]
    fn an_hour_that_does_not_exist_has_no_mark() {
        assert_eq!(
            labels("2026-03-28T23:30:00Z", "2026-03-29T03:30:00Z", "Europe/Berlin", 6),
            ["01:00", "03:00", "04:00", "05:00"]
        );
    }
}
