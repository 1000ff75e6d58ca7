//! What the URL holds of the timeline.

use shared::{
    api::timeline::{LaneBy, TimelineQuery},
    time::Time,
};

use super::window::Window;
use crate::{address::InUrl, api::Query};

const SPAN_MS: i64 = 3_600_000;

/// The window, the lanes, and the search.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    pub window: Window,
    pub by: LaneBy,
    pub q: String,
}

impl InUrl for View {
    fn read(get: &dyn Fn(&str) -> Option<String>) -> View {
        let seconds = get("span").and_then(|s| s.parse::<i64>().ok());
        let span_ms = seconds.map_or(SPAN_MS, |seconds| seconds.saturating_mul(1000));
        View {
            window: Window {
                to: get("to").and_then(|to| to.parse().ok()),
                ..Window::following(span_ms)
            },
            by: match get("by").as_deref() {
                Some("job") => LaneBy::Job,
                _ => LaneBy::Node,
            },
            q: get("q").unwrap_or_default(),
        }
    }

    fn written(&self) -> Query {
        let Window { span_ms, to } = self.window;
        Query::default()
            .with_some("by", (self.by == LaneBy::Job).then_some("job"))
            .with_some("span", (span_ms != SPAN_MS).then_some(span_ms / 1000))
            .with_some("q", (!self.q.is_empty()).then_some(&self.q))
            .with_some("to", to)
    }
}

impl View {
    /// What to ask for.
    pub fn asked(&self, now: Time) -> TimelineQuery {
        let (from, to) = self.window.bounds(now);
        let q = self.q.trim();
        TimelineQuery {
            from: Some(from),
            to: Some(to),
            by: self.by,
            q: (!q.is_empty()).then(|| q.to_owned()),
            ..TimelineQuery::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn what_the_url_holds_is_read_again() {
        let read = |query: &str| {
            let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            let pairs: HashMap<&str, &str> = pairs.collect();
            View::read(&|name| pairs.get(name).map(|value| (*value).to_owned()))
        };
        for url in [
            "",
            "by=job",
            "by=job&span=900&q=backup",
            "q=a&to=2026-11-01T00:00:00Z",
        ] {
            let view = read(url);
            let written = view.written().after("").replace("%3A", ":");
            assert_eq!(read(written.trim_start_matches('?')), view, "{url} -> {written}");
        }
        assert_eq!(
            read("span=99999999999999999&to=never&by=colour"),
            read("span=99999999999999999")
        );
    }
}
