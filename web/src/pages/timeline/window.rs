//! Which stretch of time is looked at, and how it moves. Pure.

use shared::{api::timeline::WINDOW_MS_MAX, time::Time};

/// The shortest stretch: a minute.
const SPAN_MS_MIN: i64 = 60_000;
/// How much of a window that follows the present lies ahead.
const AHEAD: f64 = 0.2;

/// A stretch of time: a fixed one, or one that moves with the present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub span_ms: i64,
    /// Its end; none while it follows the present.
    pub to: Option<Time>,
}

impl Window {
    pub fn following(span_ms: i64) -> Window {
        Window {
            span_ms: span_ms.clamp(SPAN_MS_MIN, WINDOW_MS_MAX),
            to: None,
        }
    }

    /// Its beginning and end.
    pub fn bounds(self, now: Time) -> (Time, Time) {
        let to = self.to.unwrap_or_else(|| {
            // In steps, so that the question changes only when the picture would.
            let step = (self.span_ms / 600).max(1_000);
            let ahead = now.as_millis() + (self.span_ms as f64 * AHEAD) as i64;
            Time::from_millis(ahead / step * step + step)
        });
        (Time::from_millis(to.as_millis() - self.span_ms), to)
    }

    /// Moved by a share of its length; forward if positive.
    pub fn moved(self, share: f64, now: Time) -> Window {
        let (_, to) = self.bounds(now);
        let to = to.as_millis() + (self.span_ms as f64 * share) as i64;
        Window {
            to: Some(Time::from_millis(to)),
            ..self
        }
    }

    /// Made longer or shorter, so that what is at a share of its length stays there. One
    /// that follows the present goes on doing so.
    pub fn zoomed(self, factor: f64, at: f64) -> Window {
        let span_ms = ((self.span_ms as f64 * factor) as i64).clamp(SPAN_MS_MIN, WINDOW_MS_MAX);
        let behind = |span: i64| (span as f64 * (1.0 - at)) as i64;
        let to = self
            .to
            .map(|to| Time::from_millis(to.as_millis() - behind(self.span_ms) + behind(span_ms)));
        Window { span_ms, to }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn at(ms: i64) -> Time {
        Time::from_millis(ms)
    }

    #[test]
    fn a_following_window_has_the_present_in_it() {
        let now = at(100 * HOUR + 1234);
        let (from, to) = Window::following(HOUR).bounds(now);
        assert_eq!(to.as_millis() - from.as_millis(), HOUR);
        assert!(from < now && now < to);
        assert_eq!(
            Window::following(HOUR).bounds(at(now.as_millis() + 1)),
            (from, to),
            "it moves in steps"
        );
        assert_eq!(Window::following(0).span_ms, SPAN_MS_MIN);
    }

    #[test]
    fn moving_and_zooming_keep_what_they_should() {
        let window = Window {
            span_ms: HOUR,
            to: Some(at(10 * HOUR)),
        };
        assert_eq!(window.moved(-0.5, at(0)).to, Some(at(9 * HOUR + HOUR / 2)));
        // The middle stays in the middle.
        assert_eq!(
            window.zoomed(0.5, 0.5),
            Window {
                span_ms: HOUR / 2,
                to: Some(at(10 * HOUR - HOUR / 4))
            }
        );
        assert_eq!(
            window.zoomed(2.0, 1.0),
            Window {
                span_ms: 2 * HOUR,
                to: Some(at(10 * HOUR))
            }
        );
        assert_eq!(
            Window::following(HOUR).zoomed(2.0, 0.3),
            Window::following(2 * HOUR)
        );
        assert_eq!(window.zoomed(0.0, 0.5).span_ms, SPAN_MS_MIN);
        assert_eq!(window.zoomed(1e9, 0.5).span_ms, WINDOW_MS_MAX);
    }
}
