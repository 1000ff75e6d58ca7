//! The history in memory, for the simulator and for tests: no threads, no waiting.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use shared::{
    api::Page,
    history::{Asked, RunQuery, RunView, Statistic, StatisticsQuery, Step},
    id::{JobId, NodeId, RunId},
    report::{Chunk, Run},
    run::State,
    time::Time,
};

use super::{
    EXPIRE_ROWS, Expire, Expired, Glimpse, History, HistoryError, News, Runs, Seen, Sum, batch,
    page::{Cursor, Wanted},
    statistics,
    tally::Sums,
};

#[derive(Default)]
pub struct MemoryHistory {
    state: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    runs: BTreeMap<RunId, Run>,
    /// In the order of pages, backwards.
    order: BTreeSet<Cursor>,
    /// Those that have not ended, those with another attempt to come, those that stand for a
    /// range of instants.
    open: BTreeSet<RunId>,
    retried: BTreeSet<RunId>,
    ranges: BTreeSet<RunId>,
    outputs: BTreeMap<(RunId, u64), Chunk>,
    sums: Sums,
    asked: BTreeMap<RunId, Asked>,
    seen: BTreeMap<NodeId, Seen>,
    /// The database is down: nothing answers.
    down: bool,
}

impl MemoryHistory {
    pub fn new() -> MemoryHistory {
        MemoryHistory::default()
    }

    /// From now on nothing is answered, or all is again.
    pub fn set_down(&self, down: bool) {
        self.kept().down = down;
    }

    /// Every run, in order of id.
    pub fn all(&self) -> Vec<Run> {
        self.kept().runs.values().cloned().collect()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Nothing in here panics with half a change made.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn up(&self) -> Result<MutexGuard<'_, Kept>, HistoryError> {
        let kept = self.kept();
        if kept.down {
            Err(HistoryError::Unavailable("it is switched off".to_owned()))
        } else {
            Ok(kept)
        }
    }

    fn put(&self, runs: &[Run], chunks: &[Chunk], count: bool) -> Result<Vec<RunId>, HistoryError> {
        let chunks = batch::Piece::decode_all(chunks)?;
        let mut kept = self.up()?;
        let mut changed = Vec::new();
        for run in batch::latest_of_each(runs).into_values() {
            let old = kept.runs.get(&run.id).cloned();
            if !batch::is_news(old.as_ref(), run) {
                continue;
            }
            if count {
                let mut hour = Sums::default();
                hour.count(old.as_ref(), run);
                hour.with_days().values().for_each(|sum| kept.sums.add(sum));
            }
            if let Some(gap) = run.output.gap {
                kept.outputs
                    .retain(|(id, seq), _| *id != run.id || !(gap.from..gap.until).contains(seq));
            }
            kept.insert(run);
            changed.push(run.id);
        }
        for piece in chunks {
            let gap = kept.runs.get(&piece.run).and_then(|run| run.output.gap);
            if gap.is_none_or(|gap| !(gap.from..gap.until).contains(&piece.seq)) {
                kept.outputs
                    .entry((piece.run, piece.seq))
                    .or_insert_with(|| piece.into_chunk());
            }
        }
        Ok(changed)
    }
}

impl Kept {
    fn insert(&mut self, run: &Run) {
        self.remove(run.id);
        self.order.insert(Cursor::of(run));
        for (ids, is_in) in [
            (&mut self.open, !run.state.is_end()),
            (&mut self.retried, run.retry_at.is_some()),
            (&mut self.ranges, run.range.is_some()),
        ] {
            if is_in {
                ids.insert(run.id);
            }
        }
        self.runs.insert(run.id, run.clone());
    }

    fn remove(&mut self, id: RunId) {
        let Some(run) = self.runs.remove(&id) else { return };
        self.order.remove(&Cursor::of(&run));
        for ids in [&mut self.open, &mut self.retried, &mut self.ranges] {
            ids.remove(&id);
        }
    }

    fn of<'a>(&'a self, ids: &'a BTreeSet<RunId>) -> impl Iterator<Item = &'a Run> {
        ids.iter().filter_map(|id| self.runs.get(id))
    }

    fn newest_first(&self) -> impl Iterator<Item = &Run> {
        self.order
            .iter()
            .rev()
            .filter_map(|cursor| self.runs.get(&cursor.id))
    }

    /// Those nodes that spoke last.
    fn last_heard(&self, count: usize) -> BTreeMap<NodeId, Seen> {
        let mut newest: Vec<_> = self.seen.iter().collect();
        newest.sort_by_key(|(_, seen)| std::cmp::Reverse(seen.at));
        let newest = newest.into_iter().take(count);
        newest.map(|(node, seen)| (node.clone(), seen.clone())).collect()
    }

    fn expire(&mut self, what: &Expire) -> u64 {
        let gone: Vec<RunId> = match what {
            Expire::Job {
                job,
                before,
                keep,
                spared,
            } => {
                let runs = self.newest_first().filter(|run| run.job == *job).enumerate();
                let old = runs.filter(|(n, run)| {
                    done_with(run, *spared)
                        && (run.scheduled_at < *before || (*n as u64 >= *keep && run.scheduled_at < *spared))
                });
                old.map(|(_, run)| run.id).collect()
            }
            Expire::All { before, keep, spared } => {
                let runs = self.newest_first().enumerate();
                let old = runs.filter(|(n, run)| {
                    run.scheduled_at < *before
                        || (*n as u64 >= *keep && run.scheduled_at < *spared && done_with(run, *spared))
                });
                old.map(|(_, run)| run.id).collect()
            }
            Expire::Orphans { before } => {
                let count = self.outputs.len();
                let Kept { runs, outputs, .. } = self;
                outputs.retain(|(run, _), _| run.time() >= *before || runs.contains_key(run));
                return (count - self.outputs.len()) as u64;
            }
            Expire::Statistics {
                hours_before,
                days_before,
            } => {
                return self.sums.remove_if(|sum| match sum.step {
                    Step::Hour | Step::Minutes => sum.at < *hours_before,
                    Step::Day => sum.at < *days_before,
                });
            }
            Expire::Nodes { before, keep } => {
                let count = self.seen.len();
                let mut kept = self.last_heard(usize::try_from(*keep).unwrap_or(usize::MAX));
                kept.retain(|_, seen| seen.at >= *before);
                self.seen = kept;
                return (count - self.seen.len()) as u64;
            }
        };
        let gone: std::collections::BTreeSet<RunId> =
            gone.into_iter().rev().take(EXPIRE_ROWS as usize).collect();
        gone.iter().for_each(|id| self.remove(*id));
        self.outputs.retain(|(run, _), _| !gone.contains(run));
        self.asked.retain(|run, _| !gone.contains(run));
        gone.len() as u64
    }
}

/// Whether it has ended and has no attempt to come, of which nothing else knows.
fn done_with(run: &Run, spared: Time) -> bool {
    run.state.is_end() && run.retry_at.is_none_or(|at| at < spared)
}

#[async_trait]
impl History for MemoryHistory {
    /// Masters in one process may share it.
    fn is_local(&self) -> bool {
        false
    }

    async fn record(&self, runs: &[Run], chunks: &[Chunk]) -> Result<Vec<RunId>, HistoryError> {
        self.put(runs, chunks, true)
    }

    async fn run(&self, id: RunId) -> Result<Option<RunView>, HistoryError> {
        let kept = self.up()?;
        let mut run = kept.runs.get(&id).cloned().map(RunView::from);
        if let Some(run) = &mut run {
            run.asked = kept.asked.get(&id).cloned();
        }
        Ok(run)
    }

    async fn runs(&self, query: &RunQuery) -> Result<Page<RunView>, HistoryError> {
        let wanted = Wanted::check(query)?;
        let kept = self.up()?;
        let matching = kept.newest_first().filter(|run| wanted.matches(run));
        let mut runs: Vec<Run> = matching.take(wanted.limit + 1).cloned().collect();
        let next = wanted.cut(&mut runs);
        Ok(Page {
            items: runs.into_iter().map(RunView::from).collect(),
            next,
        })
    }

    async fn glimpses(&self, runs: &Runs) -> Result<Vec<Glimpse>, HistoryError> {
        let wanted = runs.check()?;
        let kept = self.up()?;
        let matching = kept.newest_first().filter(|run| wanted.matches(run));
        Ok(matching.take(runs.limit as usize).map(Glimpse::from).collect())
    }

    async fn recent(&self, jobs: &[JobId], count: u32) -> Result<Vec<Glimpse>, HistoryError> {
        let kept = self.up()?;
        let of = |job: &JobId| {
            let runs = kept.newest_first().filter(|run| run.job == *job);
            runs.take(count as usize).map(Glimpse::from).collect::<Vec<_>>()
        };
        Ok(jobs.iter().flat_map(of).collect())
    }

    async fn open(&self, limit: u32) -> Result<Vec<Glimpse>, HistoryError> {
        let kept = self.up()?;
        Ok(kept
            .of(&kept.open)
            .take(limit as usize)
            .map(Glimpse::from)
            .collect())
    }

    /// Masters that share it in a test see each other's runs when they look again.
    async fn news(&self, _: i64, _: u32) -> Result<Vec<News>, HistoryError> {
        self.up().map(|_| Vec::new())
    }

    async fn newest_news(&self) -> Result<i64, HistoryError> {
        self.up().map(|_| 0)
    }

    async fn note_asked(&self, runs: &[RunId], asked: &Asked) -> Result<(), HistoryError> {
        let mut kept = self.up()?;
        for run in runs {
            kept.asked.entry(*run).or_insert_with(|| asked.clone());
        }
        Ok(())
    }

    async fn output_before(&self, run: RunId, before: u64, limit: u32) -> Result<Vec<Chunk>, HistoryError> {
        let kept = self.up()?;
        let range = kept.outputs.range((run, 0)..(run, before)).rev();
        let mut last: Vec<Chunk> = range
            .take(limit as usize)
            .map(|(_, chunk)| chunk.clone())
            .collect();
        last.reverse();
        Ok(last)
    }

    async fn unfinished(&self, node: &NodeId) -> Result<Vec<Run>, HistoryError> {
        let kept = self.up()?;
        Ok(kept
            .of(&kept.open)
            .filter(|run| run.node == *node)
            .cloned()
            .collect())
    }

    async fn unfinished_nodes(&self) -> Result<Vec<NodeId>, HistoryError> {
        let kept = self.up()?;
        let nodes: BTreeSet<NodeId> = kept.of(&kept.open).map(|run| run.node.clone()).collect();
        Ok(nodes.into_iter().collect())
    }

    async fn unretried(&self, since: Time, limit: u32) -> Result<Vec<Run>, HistoryError> {
        let kept = self.up()?;
        let ended = kept
            .of(&kept.retried)
            .filter(|run| run.state.is_end() && run.retry_at >= Some(since));
        let next = |run: &Run| run.first.attempt(run.attempt + 1);
        let mut open: Vec<Run> = ended
            .filter(|run| !kept.runs.contains_key(&next(run)))
            .cloned()
            .collect();
        open.sort_by_key(|run| (run.retry_at, run.id));
        open.truncate(limit as usize);
        Ok(open)
    }

    async fn known(&self, job: JobId, slot: u32, from: Time, until: Time) -> Result<Vec<Time>, HistoryError> {
        let kept = self.up()?;
        let within = kept.order.range(
            Cursor {
                scheduled_at: from,
                id: RunId::new(Time::EPOCH, 0),
            }..,
        );
        let within = within
            .take_while(|cursor| cursor.scheduled_at <= until)
            .filter_map(|c| kept.runs.get(&c.id));
        // A range that began earlier may end in here.
        let runs = within
            .chain(kept.of(&kept.ranges))
            .filter(|run| run.job == job && run.slot == Some(slot));
        Ok(statistics::instants(
            runs.map(|run| (run.scheduled_at, run.range.map(|r| r.until))),
            from,
            until,
        ))
    }

    async fn covering(&self, job: JobId, at: Time, limit: u32) -> Result<Vec<RunView>, HistoryError> {
        let kept = self.up()?;
        let covers = |run: &&Run| {
            run.job == job && run.scheduled_at < at && run.range.is_some_and(|range| range.until >= at)
        };
        let mut found: Vec<Run> = kept.of(&kept.ranges).filter(covers).cloned().collect();
        found.sort_by_key(|run| std::cmp::Reverse(Cursor::of(run)));
        found.truncate(limit as usize);
        Ok(found.into_iter().map(RunView::from).collect())
    }

    async fn output(&self, run: RunId, from: u64, limit: u32) -> Result<Vec<Chunk>, HistoryError> {
        let kept = self.up()?;
        let range = kept.outputs.range((run, from)..=(run, u64::MAX));
        Ok(range
            .take(limit as usize)
            .map(|(_, chunk)| chunk.clone())
            .collect())
    }

    async fn ping(&self) -> Result<(), HistoryError> {
        self.up().map(drop)
    }

    async fn statistics(&self, query: &StatisticsQuery) -> Result<Vec<Statistic>, HistoryError> {
        let wanted = statistics::Wanted::check(query)?;
        let kept = self.up()?;
        Ok(wanted.sum(kept.sums.values()))
    }

    async fn note_seen(&self, seen: &BTreeMap<NodeId, Seen>) -> Result<(), HistoryError> {
        let mut kept = self.up()?;
        for (node, seen) in seen {
            if kept.seen.get(node).is_none_or(|old| seen.at >= old.at) {
                kept.seen.insert(node.clone(), seen.clone());
            }
        }
        Ok(())
    }

    async fn seen(&self, limit: u32) -> Result<BTreeMap<NodeId, Seen>, HistoryError> {
        let kept = self.up()?;
        Ok(kept.last_heard(limit as usize))
    }

    async fn forget_seen(&self, nodes: &BTreeSet<NodeId>) -> Result<(), HistoryError> {
        self.up()?.seen.retain(|node, _| !nodes.contains(node));
        Ok(())
    }

    async fn fold(&self) -> Result<bool, HistoryError> {
        self.up().map(|_| false)
    }

    async fn newest(&self, job: JobId, slot: u32) -> Result<Option<Time>, HistoryError> {
        let kept = self.up()?;
        let newest = kept
            .newest_first()
            .find(|run| run.job == job && run.slot == Some(slot));
        Ok(newest.map(|run| run.range.map_or(run.scheduled_at, |r| r.until)))
    }

    async fn tidy(&self) -> Result<(), HistoryError> {
        self.up().map(drop)
    }

    async fn expire(&self, what: &Expire) -> Result<Expired, HistoryError> {
        let rows = self.up()?.expire(what);
        Ok(Expired {
            rows,
            more: rows == EXPIRE_ROWS,
        })
    }

    async fn going_on(&self, limit: u32) -> Result<Vec<RunView>, HistoryError> {
        let kept = self.up()?;
        let mut runs: Vec<&Run> = kept
            .of(&kept.open)
            .filter(|run| run.state == State::Running)
            .collect();
        runs.sort_by_key(|run| Cursor::of(run));
        Ok(runs
            .into_iter()
            .take(limit as usize)
            .cloned()
            .map(RunView::from)
            .collect())
    }

    async fn runs_after(&self, after: Option<RunId>, limit: u32) -> Result<Vec<Run>, HistoryError> {
        let kept = self.up()?;
        let runs = kept
            .runs
            .values()
            .filter(|run| after.is_none_or(|after| run.id > after));
        Ok(runs.take(limit as usize).cloned().collect())
    }

    async fn sums_after(&self, after: Option<&Sum>, limit: u32) -> Result<Vec<Sum>, HistoryError> {
        let kept = self.up()?;
        let sums = kept
            .sums
            .values()
            .filter(|sum| after.is_none_or(|after| sum.key() > after.key()));
        Ok(sums.take(limit as usize).cloned().collect())
    }

    async fn load(&self, runs: &[Run], chunks: &[Chunk], sums: &[Sum]) -> Result<(), HistoryError> {
        self.put(runs, chunks, false)?;
        let mut kept = self.up()?;
        sums.iter().for_each(|sum| kept.sums.replace(sum));
        Ok(())
    }
}
