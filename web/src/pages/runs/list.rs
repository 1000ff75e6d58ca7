//! The runs that are here, newest first: pages that were read and news that came, as one
//! list in which each run stands once and the attempts at a fire stand together.

use std::{cmp::Reverse, sync::Arc};

use shared::{api::Page, history::RunView, id::RunId, time::Time};

/// More are not kept: who looks for an older one asks for less.
pub const ROWS_MAX: usize = 20_000;

/// The place in the list: what makes it never changes in a run.
type Place = (Reverse<Time>, Reverse<RunId>, Reverse<u32>, Reverse<RunId>);

fn place(run: &RunView) -> Place {
    (
        Reverse(run.scheduled_at),
        Reverse(run.first),
        Reverse(run.attempt),
        Reverse(run.id),
    )
}

/// Runs in the order of their places.
#[derive(Clone, Debug, Default)]
struct Sorted(Vec<Arc<RunView>>);

impl Sorted {
    /// Where a place is, or would be.
    fn find(&self, wanted: &Place) -> Result<usize, usize> {
        self.0.binary_search_by(|run| place(run).cmp(wanted))
    }

    /// Takes the place of what was there.
    fn put(&mut self, run: Arc<RunView>) {
        match self.find(&place(&run)) {
            Ok(i) => self.0[i] = run,
            Err(i) => self.0.insert(i, run),
        }
    }

    fn remove(&mut self, place: &Place) {
        if let Ok(i) = self.find(place) {
            self.0.remove(i);
        }
    }

    fn has(&self, place: &Place) -> bool {
        self.find(place).is_ok()
    }
}

/// What a row is among the attempts at the same fire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Among {
    /// There is no other.
    Alone,
    /// The last attempt: others stand below.
    Last,
    Middle,
    /// The first: the others stand above.
    First,
}

/// A run, and what it is among its neighbours.
#[derive(Clone, Debug)]
pub struct Row {
    pub run: Arc<RunView>,
    pub among: Among,
    /// It came while one looked.
    pub is_new: bool,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct List {
    runs: Sorted,
    /// New runs that wait until somebody looks at the top again.
    waiting: Sorted,
    /// Where the next page starts; none if all are here.
    next: Option<String>,
    fresh: Vec<RunId>,
}

impl List {
    pub fn waiting(&self) -> usize {
        self.waiting.0.len()
    }

    pub fn next(&self) -> Option<String> {
        self.next.clone().filter(|_| self.runs.0.len() < ROWS_MAX)
    }

    /// Whether there are more than are kept.
    pub fn is_full(&self) -> bool {
        self.next.is_some() && self.runs.0.len() >= ROWS_MAX
    }

    /// The next page.
    pub fn append(&mut self, page: Page<RunView>) {
        for run in page.items {
            self.runs.put(Arc::new(run));
        }
        self.next = page.next;
    }

    /// The first page, read again: what is new in it, as news. If it does not reach to what
    /// is here, there is a gap between: it takes the place of all.
    pub fn renew(&mut self, page: Page<RunView>, is_at_top: bool) {
        let reaches = page.next.is_none()
            || page.items.iter().any(|run| {
                let place = place(run);
                self.runs.has(&place) || self.waiting.has(&place)
            });
        if !reaches {
            *self = List::default();
            return self.append(page);
        }
        for run in page.items {
            self.put(Arc::new(run), true, is_at_top);
        }
    }

    /// A run as it was just recorded. One that is not to be shown, any more, goes. A new
    /// one waits, unless the top is in sight.
    pub fn put(&mut self, run: Arc<RunView>, is_shown: bool, is_at_top: bool) {
        let place = place(&run);
        if !is_shown {
            self.runs.remove(&place);
            self.waiting.remove(&place);
            return;
        }
        for known in [&mut self.runs, &mut self.waiting] {
            if known.has(&place) {
                return known.put(run);
            }
        }
        let is_before = |other: &Arc<RunView>| place < self::place(other);
        match (self.runs.0.first(), self.runs.0.last()) {
            (Some(newest), _) if is_before(newest) && !is_at_top => self.waiting.put(run),
            // It will come with its page.
            (_, Some(oldest)) if !is_before(oldest) && self.next.is_some() => {}
            _ => {
                self.fresh.push(run.id);
                self.runs.put(run);
            }
        }
        while self.runs.0.len() > ROWS_MAX
            && let Some(run) = self.runs.0.pop()
        {
            self.next = Some(format!("{}.{}", run.scheduled_at.as_millis(), run.id));
        }
    }

    /// Shows what waits.
    pub fn show_waiting(&mut self) {
        for run in std::mem::take(&mut self.waiting).0 {
            self.fresh.push(run.id);
            self.runs.put(run);
        }
    }

    /// All rows; those that came since this was last asked are new.
    pub fn rows(&mut self) -> Vec<Row> {
        let fresh = std::mem::take(&mut self.fresh);
        let runs = &self.runs.0;
        let is_same = |a: Option<&Arc<RunView>>, b: &Arc<RunView>| a.is_some_and(|a| a.first == b.first);
        let row = |(i, run): (usize, &Arc<RunView>)| {
            let above = i > 0 && is_same(runs.get(i - 1), run);
            let below = is_same(runs.get(i + 1), run);
            Row {
                run: run.clone(),
                among: match (above, below) {
                    (false, false) => Among::Alone,
                    (false, true) => Among::Last,
                    (true, true) => Among::Middle,
                    (true, false) => Among::First,
                },
                is_new: fresh.contains(&run.id),
            }
        };
        runs.iter().enumerate().map(row).collect()
    }
}

#[cfg(test)]
pub mod tests {
    use serde_json::json;
    use shared::run::State;

    use super::*;

    /// The first attempt at a fire of `ops/backup`.
    pub fn run(n: u128, at: &str, state: State) -> RunView {
        attempt(n, n, 1, at, state)
    }

    fn attempt(n: u128, first: u128, attempt: u32, at: &str, state: State) -> RunView {
        let at: Time = at.parse().unwrap();
        serde_json::from_value(json!({
            "id": RunId::new(at, n), "first": RunId::new(at, first), "job": "ops/backup",
            "job_id": RunId::new(Time::EPOCH, 7), "scheduled_at": at, "started_at": at, "finished_at": null,
            "state": state, "reason": "", "reason_detail": null, "node": "db1", "slot": 0,
            "attempt": attempt, "cause": if attempt == 1 { "schedule" } else { "retry" },
            "exit_code": null, "signal": null, "retry_at": null, "usage": {}, "output": {}, "range": null,
        }))
        .unwrap()
    }

    const T1: &str = "2026-11-21T06:01:00Z";
    const T2: &str = "2026-11-21T06:02:00Z";
    const T3: &str = "2026-11-21T06:03:00Z";
    const T4: &str = "2026-11-21T06:04:00Z";

    fn page(items: Vec<RunView>, next: Option<&str>) -> Page<RunView> {
        Page {
            items,
            next: next.map(Into::into),
        }
    }

    fn minutes(list: &mut List) -> Vec<String> {
        let rows = list.rows();
        rows.iter()
            .map(|row| row.run.scheduled_at.to_string()[14..16].to_owned())
            .collect()
    }

    use State::{Failed, Running, Succeeded};

    #[test]
    fn news_stand_at_the_top_or_wait() {
        let mut list = List::default();
        list.append(page(vec![run(2, T2, Succeeded), run(1, T1, Succeeded)], None));
        list.put(Arc::new(run(3, T3, Running)), true, true);
        assert_eq!(minutes(&mut list), ["03", "02", "01"]);
        list.put(Arc::new(run(4, T4, Running)), true, false);
        assert_eq!((minutes(&mut list).len(), list.waiting()), (3, 1));
        list.put(Arc::new(run(4, T4, Succeeded)), true, false);
        assert_eq!(list.waiting(), 1, "it is the same one");
        list.show_waiting();
        let rows = list.rows();
        assert_eq!(
            (rows[0].run.state, rows[0].is_new, rows[1].is_new),
            (Succeeded, true, false)
        );
        assert!(!list.rows()[0].is_new, "it is new once");
    }

    #[test]
    fn a_run_that_changes_stays_where_it_is_or_goes() {
        let mut list = List::default();
        list.append(page(vec![run(2, T2, Running), run(1, T1, Running)], None));
        list.put(Arc::new(run(1, T1, Succeeded)), true, false);
        assert_eq!(list.rows()[1].run.state, Succeeded);
        list.put(Arc::new(run(2, T2, Succeeded)), false, true);
        assert_eq!(minutes(&mut list), ["01"]);
    }

    #[test]
    fn what_belongs_to_a_page_that_is_not_here_comes_with_it() {
        let mut list = List::default();
        list.append(page(
            vec![run(3, T3, Succeeded), run(2, T2, Succeeded)],
            Some("c"),
        ));
        list.put(Arc::new(run(1, T1, Succeeded)), true, true);
        assert_eq!(minutes(&mut list), ["03", "02"]);
        list.append(page(vec![run(1, T1, Succeeded)], None));
        assert_eq!(minutes(&mut list), ["03", "02", "01"]);
        assert_eq!(list.next(), None);
    }

    #[test]
    fn a_first_page_that_leaves_a_gap_takes_the_place_of_all() {
        let mut list = List::default();
        list.append(page(vec![run(1, T1, Succeeded)], None));
        list.renew(
            page(vec![run(2, T2, Succeeded), run(1, T1, Failed)], Some("c")),
            true,
        );
        assert_eq!(minutes(&mut list), ["02", "01"]);
        list.renew(
            page(vec![run(4, T4, Succeeded), run(3, T3, Succeeded)], Some("d")),
            true,
        );
        assert_eq!(minutes(&mut list), ["04", "03"]);
        assert_eq!(list.next(), Some("d".into()));
    }

    #[test]
    fn attempts_at_a_fire_stand_together() {
        let mut list = List::default();
        // Another fire of the same instant, whose id lies between.
        let runs = [
            attempt(10, 10, 1, T1, Failed),
            attempt(30, 10, 2, T1, Failed),
            attempt(5, 10, 3, T1, Succeeded),
            run(20, T1, Succeeded),
            run(40, T2, Succeeded),
        ];
        for run in runs {
            list.put(Arc::new(run), true, true);
        }
        let told: Vec<(u32, Among)> = list.rows().iter().map(|r| (r.run.attempt, r.among)).collect();
        assert_eq!(
            told,
            [
                (1, Among::Alone),
                (1, Among::Alone),
                (3, Among::Last),
                (2, Among::Middle),
                (1, Among::First)
            ]
        );
    }

    #[test]
    fn there_is_an_end_to_what_is_kept() {
        let mut list = List::default();
        let base: Time = T1.parse().unwrap();
        for n in 0..ROWS_MAX as i64 + 5 {
            let at = Time::from_millis(base.as_millis() + n);
            list.put(Arc::new(run(1, &at.to_string(), Succeeded)), true, true);
        }
        assert_eq!(list.runs.0.len(), ROWS_MAX);
        assert!(list.is_full() && list.next().is_none());
    }
}
