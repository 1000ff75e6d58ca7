//! Until when it is known what a calendar covers.

use std::time::Duration;

use super::{Calendar, Moment};
use crate::{schedule::civil::DAY, time::Time};

/// So long before the end of what is known it is time to write down more.
const SOON: Duration = Duration::from_secs(30 * 86_400);

/// Until when it is known what a calendar covers, and how near that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Horizon {
    /// The first instant that nothing is known of.
    pub at: Time,
    pub distance: Distance,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distance {
    Far,
    /// 30 days at most.
    Near,
    Past,
}

impl Calendar {
    /// Until when it is known what it covers; `None`: for ever.
    pub fn horizon(&self, now: Time) -> Option<Horizon> {
        let at = match self.known_until? {
            Moment::Date(day) => self.about((i64::from(day) + 1) * DAY),
            Moment::Local(second) => self.about(second),
            Moment::Instant(at) => at,
        };
        let distance = match at {
            at if at <= now => Distance::Past,
            at if at <= now + SOON => Distance::Near,
            _ => Distance::Far,
        };
        Some(Horizon { at, distance })
    }

    /// When the local clock shows this; where it never or twice does, an hour does not matter.
    fn about(&self, local: i64) -> Time {
        let guess = local - self.timezone.offset(Time::from_secs(local));
        Time::from_secs(local - self.timezone.offset(Time::from_secs(guess)))
    }
}

#[cfg(test)]
mod tests {
    use crate::{calendar::parse_yaml, time::Time};

    use super::*;

    #[test]
    fn a_calendar_is_known_until_its_horizon() {
        let horizon = |until: &str, now: &str| {
            let file = format!("name: a\ntimezone: America/New_York\nknown_until: {until}\ndates: [12-25]\n");
            let now: Time = now.parse().unwrap();
            let found = parse_yaml(&file).unwrap()[0].calendar.horizon(now).unwrap();
            (found.at.to_string(), found.distance)
        };
        for (until, at) in [
            // A day belongs to what is known, and it has the hours that it has there.
            ("2026-12-31", "2027-01-01T05:00:00.000Z"),
            ("2026-07-04", "2026-07-05T04:00:00.000Z"),
            ("2026-12-31T18:00", "2026-12-31T23:00:00.000Z"),
            ("2026-12-31T18:00:00Z", "2026-12-31T18:00:00.000Z"),
        ] {
            let now = "2020-01-01T00:00:00Z";
            assert_eq!(horizon(until, now), (at.to_owned(), Distance::Far));
        }
        for (now, expected) in [
            ("2026-12-02T04:59:59Z", Distance::Far),
            ("2026-12-02T05:00:00Z", Distance::Near),
            ("2027-01-01T04:59:59Z", Distance::Near),
            ("2027-01-01T05:00:00Z", Distance::Past),
        ] {
            assert_eq!(horizon("2026-12-31", now).1, expected, "{now}");
        }
        let without = &parse_yaml("name: a\ndates: [12-25]\n").unwrap()[0].calendar;
        assert_eq!(without.horizon(Time::EPOCH), None);
    }
}
