//! What the URL holds of the timeline.

use leptos::prelude::*;
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_query_map},
};
use shared::{
    api::timeline::{LaneBy, TimelineQuery},
    time::Time,
};

use super::window::Window;
use crate::{api::Query, clock};

const SPAN_MS: i64 = 3_600_000;

/// The window, the lanes, and the search.
#[derive(Clone, Copy)]
pub struct ViewState {
    pub window: RwSignal<Window>,
    pub by: RwSignal<LaneBy>,
    pub text: RwSignal<String>,
}

impl ViewState {
    /// Reads the URL, and keeps it as the view is.
    pub fn of_url() -> ViewState {
        let query = use_query_map();
        let (window, by, text) = query.with_untracked(|q| {
            let span_ms = q
                .get("span")
                .and_then(|s| s.parse::<i64>().ok())
                .map_or(SPAN_MS, |secs| secs * 1000);
            let to = q.get("to").and_then(|to| to.parse::<Time>().ok());
            let by = if q.get("by").as_deref() == Some("job") {
                LaneBy::Job
            } else {
                LaneBy::Node
            };
            (
                Window {
                    to,
                    ..Window::following(span_ms)
                },
                by,
                q.get("q").unwrap_or_default(),
            )
        });
        let view = ViewState {
            window: RwSignal::new(window),
            by: RwSignal::new(by),
            text: RwSignal::new(text),
        };
        let navigate = use_navigate();
        Effect::new(move |before: Option<()>| {
            let url = view.url();
            if before.is_some() {
                navigate(
                    &url,
                    NavigateOptions {
                        replace: true,
                        scroll: false,
                        ..Default::default()
                    },
                );
            }
        });
        view
    }

    fn url(self) -> String {
        let Window { span_ms, to } = self.window.get();
        let mut query = Query::default();
        if self.by.get() == LaneBy::Job {
            query = query.with("by", "job");
        }
        if span_ms != SPAN_MS {
            query = query.with("span", span_ms / 1000);
        }
        let text = self.text.get();
        if !text.is_empty() {
            query = query.with("q", text);
        }
        query.with_some("to", to).after("/timeline")
    }

    /// What to ask for.
    pub fn query(self, now: Time) -> TimelineQuery {
        let (from, to) = self.window.get().bounds(now);
        let text = self.text.get();
        TimelineQuery {
            from: Some(from),
            to: Some(to),
            by: self.by.get(),
            q: (!text.trim().is_empty()).then(|| text.trim().to_owned()),
            ..TimelineQuery::default()
        }
    }

    pub fn shift(self, share: f64) {
        self.window.update(|w| *w = w.moved(share, clock::now()));
    }

    pub fn zoom(self, factor: f64, at: f64) {
        self.window.update(|w| *w = w.zoomed(factor, at));
    }

    pub fn follow(self) {
        self.window.update(|w| w.to = None);
    }
}
