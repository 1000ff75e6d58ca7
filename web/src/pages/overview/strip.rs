//! Where the day's bars stand: a function of the day, for one SVG.

use shared::{
    api::overview::{ComingBucket, Day, PastBucket},
    history::Outcomes,
    time::Time,
};

/// The strip's size in its own units; the page scales it.
pub const WIDTH: f64 = 1000.0;
pub const HEIGHT: f64 = 96.0;
/// A bar that stands for anything at all is at least so high.
const HEIGHT_MIN: f64 = 2.0;

/// A bucket on the strip.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    pub at: Time,
    pub x: f64,
    pub width: f64,
    /// Each part's height, from the bottom up.
    pub good: f64,
    pub unrun: f64,
    pub bad: f64,
    pub planned: f64,
    /// How many runs it stands for: that were, and that are planned.
    pub ran: u64,
    pub coming: u64,
    pub outcomes: Option<Outcomes>,
}

/// What the whole strip shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Strip {
    pub from: Time,
    pub to: Time,
    pub columns: Vec<Column>,
    /// Where now is.
    pub now_x: f64,
    /// The runs of the highest bar.
    pub most: u64,
}

/// How many of each kind: succeeded, not run, and not succeeded.
fn parts(outcomes: &Outcomes) -> (u64, u64, u64) {
    let sum = |parts: &[i64]| parts.iter().map(|n| (*n).max(0) as u64).sum();
    (
        sum(&[outcomes.succeeded]),
        sum(&[outcomes.skipped, outcomes.missed]),
        sum(&[
            outcomes.failed,
            outcomes.timed_out,
            outcomes.killed,
            outcomes.rejected,
            outcomes.lost,
        ]),
    )
}

fn total(outcomes: &Outcomes) -> u64 {
    let (good, unrun, bad) = parts(outcomes);
    good + unrun + bad
}

/// What is known of a bucket: what ran, what is planned, or both where now is.
#[derive(Clone, Copy, Default)]
struct Bucket {
    outcomes: Option<Outcomes>,
    planned: u64,
}

impl Bucket {
    fn ran(&self) -> u64 {
        self.outcomes.as_ref().map_or(0, total)
    }

    fn runs(&self) -> u64 {
        self.ran() + self.planned
    }
}

/// In the order of time. The past's and the coming ones are, and overlap at most in one.
fn buckets(day: &Day) -> Vec<(Time, Bucket)> {
    let past = day.past.iter().map(|&PastBucket { at, outcomes }| {
        let outcomes = Some(outcomes);
        (at, Bucket { outcomes, planned: 0 })
    });
    let mut buckets: Vec<(Time, Bucket)> = past.collect();
    for &ComingBucket { at, runs: planned } in &day.coming {
        match buckets.binary_search_by_key(&at, |(at, _)| *at) {
            Ok(i) => buckets[i].1.planned = planned,
            Err(i) => buckets.insert(
                i,
                (
                    at,
                    Bucket {
                        outcomes: None,
                        planned,
                    },
                ),
            ),
        }
    }
    buckets
}

/// Lays the day out. The bars are as high as the square root of what they stand for, so
/// that one pile-up does not flatten the rest.
pub fn layout(day: &Day, now: Time) -> Option<Strip> {
    let buckets = buckets(day);
    let (first, last) = (buckets.first()?.0, buckets.last()?.0);
    let step = day.step_ms.max(1);
    let (from, to) = (
        first.min(now),
        Time::from_millis(last.as_millis() + step).max(now),
    );
    let span = (to.as_millis() - from.as_millis()).max(1) as f64;
    let x = |at: Time| (at.as_millis() - from.as_millis()) as f64 / span * WIDTH;
    let width = step as f64 / span * WIDTH;
    let most = buckets
        .iter()
        .map(|(_, bucket)| bucket.runs())
        .max()
        .unwrap_or(0)
        .max(1);
    let columns = buckets
        .iter()
        .map(|(at, bucket)| column(*at, x(*at), width, bucket, most));
    Some(Strip {
        from,
        to,
        columns: columns.collect(),
        now_x: x(now),
        most,
    })
}

fn column(at: Time, x: f64, width: f64, bucket: &Bucket, most: u64) -> Column {
    let runs = bucket.runs();
    let whole = ((runs as f64 / most as f64).sqrt() * HEIGHT).max(HEIGHT_MIN);
    let part = |n: u64| match n {
        0 => 0.0,
        n => whole * n as f64 / runs as f64,
    };
    let (good, unrun, bad) = bucket.outcomes.as_ref().map_or((0, 0, 0), parts);
    // A few failures among thousands must still be seen.
    let bad_height = if bad == 0 {
        0.0
    } else {
        part(bad).max(2.0 * HEIGHT_MIN)
    };
    Column {
        at,
        x,
        width,
        good: part(good),
        unrun: part(unrun),
        bad: bad_height,
        planned: part(bucket.planned),
        ran: bucket.ran(),
        coming: bucket.planned,
        outcomes: bucket.outcomes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: i64 = 900_000;

    fn past(n: i64, succeeded: i64, failed: i64) -> PastBucket {
        let outcomes = Outcomes {
            succeeded,
            failed,
            ..Outcomes::default()
        };
        PastBucket {
            at: Time::from_millis(n * STEP),
            outcomes,
        }
    }

    #[test]
    fn bars_stand_in_time_and_the_highest_is_full() {
        let day = Day {
            step_ms: STEP,
            past: vec![past(0, 100, 0), past(1, 24, 1)],
            coming: vec![ComingBucket {
                at: Time::from_millis(3 * STEP),
                runs: 25,
            }],
            ..Day::default()
        };
        let strip = layout(&day, Time::from_millis(2 * STEP)).unwrap();
        assert_eq!((strip.most, strip.now_x), (100, WIDTH / 2.0));
        let [a, b, c] = &strip.columns[..] else {
            panic!("three columns")
        };
        assert_eq!((a.x, a.width, a.good, a.bad), (0.0, 250.0, HEIGHT, 0.0));
        assert_eq!((b.x, b.good), (250.0, HEIGHT / 2.0 * 24.0 / 25.0));
        assert_eq!(b.bad, 2.0 * HEIGHT_MIN, "one failure among many is seen");
        assert_eq!((c.x, c.planned, c.coming), (750.0, HEIGHT / 2.0, 25));
    }

    #[test]
    fn the_bucket_of_now_is_one_column() {
        let day = Day {
            step_ms: STEP,
            past: vec![past(0, 30, 0)],
            coming: vec![ComingBucket {
                at: Time::from_millis(0),
                runs: 10,
            }],
            ..Day::default()
        };
        let strip = layout(&day, Time::from_millis(STEP / 2)).unwrap();
        let [only] = &strip.columns[..] else {
            panic!("one column")
        };
        assert_eq!((strip.most, only.ran, only.coming), (40, 30, 10));
        assert_eq!((only.good, only.planned), (HEIGHT * 0.75, HEIGHT * 0.25));
    }

    #[test]
    fn an_empty_day_has_no_strip() {
        assert_eq!(layout(&Day::default(), Time::from_millis(0)), None);
    }
}
