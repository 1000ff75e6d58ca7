//! What is known of the output and how one wants to see it: the log, where its lines stand,
//! what is searched for, and what is in sight.

use shared::report::Stream;

use super::{
    find::{Find, Search},
    layout::{Layout, Terms},
    log::Log,
};
use crate::{browser, prelude::*};

/// The height of a row, as in `style/pages/run.css`.
pub const ROW_PX: f64 = 20.0;

/// Copies are the same.
#[derive(Clone, Copy)]
pub struct Viewer {
    log: StoredValue<Log>,
    layout: StoredValue<Layout>,
    search: StoredValue<Search>,
    /// Moves when the log has grown; at most once a frame.
    grown: RwSignal<u64>,
    is_frame_asked: StoredValue<bool>,
    /// Moves when what stands where, or what was found, has changed.
    pub shape: RwSignal<u64>,
    pub only: RwSignal<Option<Stream>>,
    pub is_wrapped: RwSignal<bool>,
    pub has_times: RwSignal<bool>,
    pub is_followed: RwSignal<bool>,
    pub query: RwSignal<String>,
    pub is_exact: RwSignal<bool>,
    /// Which of the finds one has gone to.
    pub current: RwSignal<Option<usize>>,
    whole: RwSignal<Vec<u64>>,
    /// How many characters a row holds.
    pub columns: RwSignal<u32>,
    /// Where the lines are scrolled to, and how much of them is in sight, in pixels.
    pub sight: RwSignal<(f64, f64)>,
    pub element: NodeRef<html::Div>,
}

/// A row's place and all that its looks depend on.
pub type RowKey = (u64, u32, u64, bool);

impl Viewer {
    pub fn new() -> Viewer {
        let is_kept = |name: &str| RwSignal::new(browser::recall(name).is_some_and(|v| v == "yes"));
        let viewer = Viewer {
            log: StoredValue::new(Log::default()),
            layout: StoredValue::new(Layout::default()),
            search: StoredValue::new(Search::default()),
            grown: RwSignal::new(0),
            is_frame_asked: StoredValue::new(false),
            shape: RwSignal::new(0),
            only: RwSignal::new(None),
            is_wrapped: is_kept("output.wrap"),
            has_times: is_kept("output.times"),
            is_followed: RwSignal::new(false),
            query: RwSignal::new(String::new()),
            is_exact: RwSignal::new(false),
            current: RwSignal::new(None),
            whole: RwSignal::new(Vec::new()),
            columns: RwSignal::new(80),
            sight: RwSignal::new((0.0, 900.0)),
            element: NodeRef::new(),
        };
        viewer.keep_up();
        viewer
    }

    fn keep_up(self) {
        let keep = |name: &'static str, signal: RwSignal<bool>| {
            Effect::new(move |_| browser::remember(name, if signal.get() { "yes" } else { "no" }));
        };
        keep("output.wrap", self.is_wrapped);
        keep("output.times", self.has_times);
        // A new search begins at what is in sight.
        Effect::new(move |before: Option<()>| {
            let (query, is_exact) = (self.query.get(), self.is_exact.get());
            self.only.track();
            if before.is_none() && query.is_empty() {
                return;
            }
            self.search.set_value(Search::new(&query, is_exact));
            self.lay_out();
            let from = self.line_in_sight();
            let first = self.search.with_value(|s| s.first_from(from));
            self.current.set(first);
            if first.is_some() {
                self.show_current();
            }
        });
        Effect::new(move |_| {
            self.grown.track();
            self.is_wrapped.track();
            self.columns.track();
            self.whole.track();
            self.lay_out();
            if self.is_followed.get_untracked() {
                request_animation_frame(move || self.scroll_to_end());
            }
        });
    }

    /// Changes the log, and shows it with the next frame.
    pub fn update(self, change: impl FnOnce(&mut Log)) {
        if self.log.try_update_value(change).is_none() || self.is_frame_asked.get_value() {
            return;
        }
        self.is_frame_asked.set_value(true);
        request_animation_frame(move || {
            self.is_frame_asked.try_update_value(|asked| *asked = false);
            self.grown.try_update(|n| *n += 1);
        });
    }

    pub fn with_log<T>(self, look: impl FnOnce(&Log) -> T) -> T {
        self.log.with_value(look)
    }

    pub fn next_seq(self) -> u64 {
        self.log.try_with_value(Log::next_seq).unwrap_or_default()
    }

    fn terms(self) -> Terms {
        Terms {
            only: self.only.get_untracked(),
            columns: self
                .is_wrapped
                .get_untracked()
                .then(|| self.columns.get_untracked()),
            whole: self.whole.get_untracked(),
        }
    }

    fn lay_out(self) {
        let terms = self.terms();
        self.log.with_value(|log| {
            self.layout.update_value(|layout| layout.go_on(log, &terms));
            self.search
                .update_value(|search| search.go_on(log, |line| terms.shows(log, line)));
        });
        self.shape.update(|n| *n += 1);
    }

    /// All rows, in pixels.
    pub fn height(self) -> f64 {
        self.shape.track();
        self.layout.with_value(|layout| f64::from(layout.rows()) * ROW_PX)
    }

    /// The lines in sight and some around them, and where the first of them stands.
    pub fn in_sight(self) -> (f64, Vec<RowKey>) {
        const BEYOND: u32 = 20;
        self.shape.track();
        let (top, height) = self.sight.get();
        let query_turn = self.query.with(|q| q.len() as u64) << 1 | u64::from(self.is_exact.get());
        let current = self.current_find();
        let whole = self.whole.get();
        let row = |px: f64| (px / ROW_PX).max(0.0) as u32;
        self.layout.with_value(|layout| {
            let from = layout.place_of_row(row(top).saturating_sub(BEYOND));
            let until = layout.place_of_row(row(top + height) + BEYOND);
            let lines = layout.lines();
            let until = (until + 1).min(lines.len());
            let keys = lines[from.min(until)..until].iter().map(|number| {
                let writes = self
                    .log
                    .with_value(|log| log.line(*number).map_or(0, |l| l.writes));
                let finds = self.search.with_value(|s| match s.of_line(*number) {
                    [] => 0,
                    finds => finds_stamp(finds, current) << 16 | query_turn,
                });
                (*number, writes, finds, whole.contains(number))
            });
            (f64::from(layout.row_of(from)) * ROW_PX, keys.collect())
        })
    }

    pub fn finds_of(self, line: u64) -> Vec<Find> {
        self.search.with_value(|s| s.of_line(line).to_vec())
    }

    pub fn current_find(self) -> Option<Find> {
        let at = self.current.get()?;
        self.search.with_value(|s| s.finds().get(at).copied())
    }

    /// How many were found, and whether there are more.
    pub fn found(self) -> (usize, bool) {
        self.shape.track();
        self.search.with_value(|s| (s.finds().len(), s.is_full()))
    }

    /// Goes so many finds on, or back, and round.
    pub fn step(self, by: isize) {
        let count = self.search.with_value(|s| s.finds().len()) as isize;
        if count == 0 {
            return;
        }
        let at = self.current.get_untracked().map_or(-1, |at| at as isize);
        self.current.set(Some((at + by).rem_euclid(count) as usize));
        self.show_current();
    }

    fn show_current(self) {
        let at = self.current.get_untracked();
        let find = at.and_then(|at| self.search.with_value(|s| s.finds().get(at).copied()));
        let Some(find) = find else { return };
        // What stands behind the end of a long line is shown with the rest of it.
        if find.until as usize > super::layout::SHOWN_CHARS {
            self.show_whole(find.line);
        }
        self.go_to(find.line);
        request_animation_frame(move || {
            reveal(".output mark.is-current");
        });
    }

    pub fn show_whole(self, line: u64) {
        if !self.whole.with_untracked(|whole| whole.contains(&line)) {
            self.whole.update(|whole| {
                whole.push(line);
            });
        }
    }

    /// Brings a line into sight, a third down from the top; not at all if it is well in
    /// sight.
    pub fn go_to(self, line: u64) {
        let Some(element) = self.element.try_get_untracked() else {
            return;
        };
        self.is_followed.set(false);
        let row = self.layout.with_value(|l| l.row_of(l.place_of_line(line)));
        let (y, top) = (f64::from(row) * ROW_PX, f64::from(element.scroll_top()));
        let height = f64::from(element.client_height());
        if y < top + ROW_PX || y > top + height - 3.0 * ROW_PX {
            element.set_scroll_top((y - height / 3.0).max(0.0) as i32);
        }
        self.look();
    }

    /// The first line that is in sight.
    fn line_in_sight(self) -> u64 {
        let row = (self.sight.get_untracked().0 / ROW_PX).max(0.0) as u32;
        self.layout.with_value(|layout| {
            let place = layout.place_of_row(row);
            layout.lines().get(place).copied().unwrap_or(0)
        })
    }

    pub fn scroll_to_end(self) {
        if let Some(element) = self.element.try_get_untracked() {
            element.set_scroll_top(element.scroll_height());
            self.look();
        }
    }

    /// Sees where it is scrolled to. Who scrolls up wants to read: following ends; at the
    /// end it begins again, while there is more to come.
    pub fn look(self) {
        let Some(element) = self.element.try_get_untracked() else {
            return;
        };
        let (top, height) = (
            f64::from(element.scroll_top()),
            f64::from(element.client_height()),
        );
        let (before, _) = self.sight.get_untracked();
        if (top, height) != self.sight.get_untracked() {
            self.sight.set((top, height));
        }
        let is_at_end = top + height >= f64::from(element.scroll_height()) - ROW_PX;
        if self.is_followed.get_untracked() && top < before && !is_at_end {
            self.is_followed.set(false);
        }
    }
}

/// Differs when what is marked in a line differs.
fn finds_stamp(finds: &[Find], current: Option<Find>) -> u64 {
    let at = finds.iter().position(|f| Some(*f) == current);
    (finds[0].from as u64) << 20 | (finds.len() as u64) << 8 | at.map_or(0, |at| at as u64 + 1)
}

/// Scrolls as little as is needed to have an element in sight.
fn reveal(selector: &str) {
    use wasm_bindgen::JsCast;
    let Ok(Some(element)) = browser::document().query_selector(selector) else {
        return;
    };
    let options = js_sys::Object::new();
    for side in ["block", "inline"] {
        let _ = js_sys::Reflect::set(&options, &side.into(), &"nearest".into());
    }
    element.scroll_into_view_with_scroll_into_view_options(options.unchecked_ref());
}
