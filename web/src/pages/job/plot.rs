//! Where the runs of a history stand in a picture: time goes right, duration goes up.

use shared::{api::timeline::Point, run::State, time::Time};

/// A run in the picture. Both are shares of one: `x` from the left, `y` from the top.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dot {
    pub x: f64,
    pub y: f64,
    pub state: State,
}

/// The picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Plot {
    pub from: Time,
    pub to: Time,
    /// One for each point, in their order.
    pub dots: Vec<Dot>,
    /// Lines that tell heights: where, and how long in milliseconds.
    pub lines: Vec<(f64, u64)>,
    /// Where the usual duration is.
    pub usual: Option<f64>,
}

/// Durations that people count in, in milliseconds.
const ROUND_MS: [u64; 30] = [
    1,
    2,
    5,
    10,
    20,
    50,
    100,
    200,
    500,
    1_000,
    2_000,
    5_000,
    10_000,
    15_000,
    30_000,
    60_000,
    120_000,
    300_000,
    600_000,
    900_000,
    1_800_000,
    3_600_000,
    7_200_000,
    10_800_000,
    21_600_000,
    43_200_000,
    86_400_000,
    172_800_000,
    432_000_000,
    864_000_000,
];
/// More than so many times the usual duration, and the scale is one of magnitudes.
const SPREAD_MAX: u64 = 12;
const LINES_MAX: usize = 4;

/// How durations become heights.
#[derive(Clone, Copy)]
enum Scale {
    Even { top: f64 },
    Magnitudes { bottom: f64, top: f64 },
}

impl Scale {
    fn of(lengths: &[u64], usual: Option<u64>) -> Scale {
        let longest = lengths.iter().copied().max().unwrap_or_default().max(1);
        let usual = usual.unwrap_or(longest).max(1);
        if longest / usual <= SPREAD_MAX {
            return Scale::Even {
                top: longest as f64 * 1.08,
            };
        }
        let shortest = lengths.iter().copied().filter(|ms| *ms > 0).min().unwrap_or(1);
        Scale::Magnitudes {
            bottom: (shortest as f64 / 2.0).max(1.0).ln(),
            top: (longest as f64 * 1.3).ln(),
        }
    }

    /// From the top.
    fn y(self, ms: u64) -> f64 {
        let height = match self {
            Scale::Even { top } => ms as f64 / top,
            Scale::Magnitudes { bottom, top } => ((ms as f64).max(1.0).ln() - bottom) / (top - bottom),
        };
        1.0 - height.clamp(0.0, 1.0)
    }

    fn lines(self) -> Vec<(f64, u64)> {
        let round = ROUND_MS.into_iter();
        let inside = |ms: &u64| (0.02..0.94).contains(&self.y(*ms));
        let mut lines: Vec<u64> = round.filter(inside).collect();
        match self {
            // The largest, and its even parts.
            Scale::Even { top } => {
                let step = ROUND_MS
                    .into_iter()
                    .find(|ms| top / *ms as f64 <= LINES_MAX as f64 + 0.5);
                let step = step.unwrap_or(ROUND_MS[ROUND_MS.len() - 1]);
                lines = (1..=LINES_MAX as u64 + 1)
                    .map(|n| n * step)
                    .filter(inside)
                    .collect();
            }
            Scale::Magnitudes { .. } => {
                while lines.len() > LINES_MAX {
                    let mut n = 0;
                    lines.retain(|_| {
                        n += 1;
                        n % 2 == 1
                    });
                }
            }
        }
        lines.into_iter().map(|ms| (self.y(ms), ms)).collect()
    }
}

/// How long a run has taken; one that goes on, until now.
pub fn length(point: &Point, now: Time) -> Option<u64> {
    match point.state {
        State::Running => Some(now.since(point.at).as_millis() as u64),
        _ => point.took_ms,
    }
}

pub fn plot(points: &[Point], usual_ms: Option<u64>, now: Time) -> Plot {
    let lengths: Vec<u64> = points.iter().filter_map(|point| length(point, now)).collect();
    let scale = Scale::of(&lengths, usual_ms);
    let from = points.first().map_or(now, |point| point.at);
    let last = points.last().map_or(now, |point| point.at);
    // One run, or several of one instant, stand at the end of a minute.
    let (from, to) = match last > from {
        true => (from, last),
        false => (from - std::time::Duration::from_secs(60), last),
    };
    let span = to.since(from).as_millis().max(1) as f64;
    let dot = |point: &Point| Dot {
        x: point.at.since(from).as_millis() as f64 / span,
        y: length(point, now).map_or(1.0, |ms| scale.y(ms)),
        state: point.state,
    };
    Plot {
        from,
        to,
        dots: points.iter().map(dot).collect(),
        lines: if lengths.is_empty() {
            Vec::new()
        } else {
            scale.lines()
        },
        usual: usual_ms.filter(|_| !lengths.is_empty()).map(|ms| scale.y(ms)),
    }
}

impl Plot {
    /// The instant at a share of the width.
    pub fn at(&self, x: f64) -> Time {
        let span = self.to.since(self.from).as_millis() as f64;
        self.from + std::time::Duration::from_millis((span * x.clamp(0.0, 1.0)) as u64)
    }

    /// The dot under the pointer, if one is near enough, in a picture of so many pixels.
    pub fn near(&self, x: f64, y: f64, width: f64, height: f64) -> Option<usize> {
        const REACH: f64 = 14.0;
        let apart = |dot: &Dot| (dot.x * width - x).hypot(dot.y * height - y);
        let nearest = self
            .dots
            .iter()
            .enumerate()
            .min_by(|a, b| apart(a.1).total_cmp(&apart(b.1)));
        nearest.filter(|(_, dot)| apart(dot) <= REACH).map(|(i, _)| i)
    }
}

/// The shape of an outcome around (0, 0), so that colour is never needed to tell it.
pub fn shape(state: State) -> &'static str {
    match state {
        State::Succeeded => "M-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0z",
        State::Failed => "M-4 -4L4 4M4 -4L-4 4",
        State::TimedOut => "M0 -5L5 4H-5z",
        State::Killed => "M-4 -4H4V4H-4z",
        State::Rejected => "M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0M-3 -3L3 3",
        State::Missed => "M0 -5L5 0L0 5L-5 0z",
        State::Lost => "M-3 -5A4.5 4.5 0 1 1 0 2M0 5V5.5",
        State::Skipped => "M-4 0H4",
        State::Running => "M-3 -4.5L5 0L-3 4.5z",
        State::Pending | State::Queued => "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0",
    }
}

/// Whether a shape is filled, or drawn by its line.
pub fn is_filled(state: State) -> bool {
    matches!(
        state,
        State::Succeeded | State::TimedOut | State::Killed | State::Missed | State::Running
    )
}

#[cfg(test)]
mod tests {
    use super::super::standing::tests::{NOW, point};
    use super::*;

    #[test]
    fn time_goes_right_and_duration_up() {
        let points = [
            point(100, State::Succeeded, Some(1_000)),
            point(50, State::Failed, Some(2_000)),
            point(0, State::Skipped, None),
        ];
        let plot = plot(&points, Some(1_000), NOW);
        let xs: Vec<f64> = plot.dots.iter().map(|dot| dot.x).collect();
        assert_eq!(xs, [0.0, 0.5, 1.0]);
        assert!(plot.dots[1].y < plot.dots[0].y, "longer is higher");
        assert_eq!(plot.dots[2].y, 1.0, "what did not run lies on the ground");
        assert_eq!(plot.usual, Some(plot.dots[0].y));
        let told: Vec<u64> = plot.lines.iter().map(|line| line.1).collect();
        assert_eq!(told, [500, 1_000, 1_500, 2_000]);
        assert_eq!(plot.at(0.5), points[1].at);
    }

    #[test]
    fn what_is_far_from_usual_is_told_in_magnitudes() {
        let points = [
            point(100, State::Succeeded, Some(100)),
            point(50, State::Succeeded, Some(100)),
            point(0, State::Succeeded, Some(3_600_000)),
        ];
        let plot = plot(&points, Some(100), NOW);
        assert!(
            plot.dots[0].y < 0.97,
            "the short ones are seen: {}",
            plot.dots[0].y
        );
        assert!(!plot.lines.is_empty() && plot.lines.len() <= LINES_MAX);
    }

    #[test]
    fn one_or_none_can_be_shown() {
        let alone = plot(&[point(10, State::Succeeded, Some(5))], Some(5), NOW);
        assert_eq!(alone.dots[0].x, 1.0);
        let none = plot(&[], None, NOW);
        assert!(none.dots.is_empty() && none.lines.is_empty());
        assert_eq!(none.near(1.0, 1.0, 100.0, 100.0), None);
    }

    #[test]
    fn the_pointer_takes_the_nearest_in_reach() {
        let points = [
            point(100, State::Succeeded, Some(50)),
            point(0, State::Succeeded, Some(100)),
        ];
        let plot = plot(&points, Some(100), NOW);
        let y = plot.dots[1].y * 100.0;
        assert_eq!(plot.near(295.0, y, 300.0, 100.0), Some(1));
        assert_eq!(plot.near(150.0, y, 300.0, 100.0), None);
    }

    #[test]
    fn every_outcome_has_a_shape_of_its_own() {
        let ends = State::ALL.into_iter().filter(|s| s.is_end());
        let shapes: std::collections::BTreeSet<_> = ends.clone().map(shape).collect();
        assert_eq!(shapes.len(), ends.count());
    }
}
