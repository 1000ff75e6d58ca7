//! Follows the history: reads what there is of every job once, then what is recorded here
//! and elsewhere. From time to time, and whenever something may have been missed, all of it
//! is read again.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use shared::{api::board::Known, host::Host, id::JobId, job::Job, store::mirror::Mirror};
use tokio::{
    sync::broadcast::{self, error::RecvError},
    time::{Instant, MissedTickBehavior, interval, sleep},
};
use tokio_util::sync::CancellationToken;

use super::{Board, runs::Runs};
use crate::{
    history::{Glimpse, History, HistoryError, News, Told},
    intake::Live,
};

/// Jobs that one question asks about, and how many runs of each: some of the newest may not
/// have ended.
const JOBS_AT_ONCE: usize = 256;
const RUNS_OF_EACH: u32 = 24;
/// Runs that have not ended, in all.
const OPEN_MAX: u32 = 50_000;
/// How often other masters' news are read, and how many at once.
const LOOK: Duration = Duration::from_secs(1);
const NEWS_MAX: u32 = 500;
/// How long an id that is missing may still come: a transaction is given up sooner.
const GAP_MAX: Duration = Duration::from_secs(12);
/// How often the database is asked whether it is there.
const PING: Duration = Duration::from_secs(5);
/// How often everything is read again, and the least time between two such readings.
const RELOAD: Duration = Duration::from_secs(1800);
const RELOAD_REST: Duration = Duration::from_secs(20);
/// After an error.
const AGAIN: Duration = Duration::from_secs(2);
/// News that wait while the history is read.
const WAITING_MAX: usize = 100_000;

pub struct Follower {
    pub board: Board,
    pub history: Arc<dyn History>,
    pub jobs: Mirror<Job>,
    pub host: Host,
    pub live: broadcast::Receiver<Live>,
}

impl Follower {
    /// Until cancelled.
    pub async fn run(mut self, cancel: CancellationToken) {
        cancel.run_until_cancelled(self.follow()).await;
    }

    async fn follow(&mut self) {
        self.jobs.ready().await;
        loop {
            match self.load().await {
                Ok(ear) => {
                    self.listen(ear).await;
                    sleep(RELOAD_REST).await;
                }
                Err(error) => {
                    tracing::debug!(%error, "the board cannot read the history");
                    self.board.knows(false, self.host.now());
                    sleep(AGAIN).await;
                }
            }
        }
    }

    /// Reads everything, and keeps what is recorded meanwhile.
    async fn load(&mut self) -> Result<Ear, HistoryError> {
        let (history, jobs) = (self.history.clone(), self.jobs.snapshot());
        let read = async {
            let ear = Ear::new(history.newest_news().await?);
            let jobs: Vec<JobId> = jobs.iter().map(|(_, entry)| entry.value.id).collect();
            let mut runs = Runs::default();
            for some in jobs.chunks(JOBS_AT_ONCE) {
                let recent = history.recent(some, RUNS_OF_EACH).await?;
                recent.iter().for_each(|run| runs.read(run));
            }
            let open = history.open(OPEN_MAX).await?;
            open.iter().for_each(|run| runs.read(run));
            Ok::<_, HistoryError>((ear, runs))
        };
        tokio::pin!(read);
        let mut waiting: Vec<Arc<shared::history::RunView>> = Vec::new();
        let (ear, runs) = loop {
            tokio::select! {
                done = &mut read => break done?,
                live = self.live.recv(), if waiting.len() < WAITING_MAX => match live {
                    Ok(Live::Run(run)) => waiting.push(run),
                    Ok(Live::Output(_)) => {}
                    // Read again in a while; what is here until then is nearly right.
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => std::future::pending().await,
                },
            }
        };
        self.board.replace(runs);
        self.board.take(waiting.iter().map(|run| Glimpse::from(&**run)));
        self.board.knows(true, self.host.now());
        Ok(ear)
    }

    /// Until everything is to be read again.
    async fn listen(&mut self, mut ear: Ear) {
        let began = Instant::now();
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut pinged = Instant::now();
        loop {
            tokio::select! {
                () = self.board.reload.notified() => return,
                live = self.live.recv() => match live {
                    Ok(Live::Run(run)) => self.board.take([Glimpse::from(&*run)]),
                    Ok(Live::Output(_)) => {}
                    Err(RecvError::Lagged(_)) => return,
                    Err(RecvError::Closed) => std::future::pending().await,
                },
                _ = look.tick() => {
                    if began.elapsed() > RELOAD {
                        return;
                    }
                    let is_heard = match self.history.news(ear.low, NEWS_MAX).await {
                        Ok(news) => {
                            if hear(&self.board, &mut ear, news) {
                                return;
                            }
                            true
                        }
                        Err(_) => false,
                    };
                    if is_heard && pinged.elapsed() < PING {
                        continue;
                    }
                    let is_there = is_heard && self.history.ping().await.is_ok();
                    pinged = Instant::now();
                    self.board.knows(is_there, self.host.now());
                }
            }
        }
    }
}

/// Takes others' news; whether there is too much of them to know everything.
fn hear(board: &Board, ear: &mut Ear, news: Vec<News>) -> bool {
    let is_behind = news.len() as u32 >= NEWS_MAX && news.first().is_some_and(|n| n.id > ear.low + 1);
    let mut is_foreign = false;
    for News { id, what } in news {
        if !ear.is_new(id) {
            continue;
        }
        match what {
            Told::Own => {}
            Told::Runs(runs) => {
                is_foreign = true;
                board.take(runs);
            }
            Told::All => return true,
        }
    }
    ear.advance(Instant::now());
    if is_foreign {
        board.foreign.send_modify(|n| *n += 1);
    }
    is_behind
}

/// Which news have been heard: all up to `low`, and some after it.
struct Ear {
    low: i64,
    heard: BTreeSet<i64>,
    /// Since when an id is missing.
    missing: BTreeMap<i64, Instant>,
}

impl Ear {
    fn new(low: i64) -> Ear {
        // One with a smaller id may yet come.
        let before = 8;
        Ear {
            low: (low - before).max(0),
            heard: BTreeSet::new(),
            missing: BTreeMap::new(),
        }
    }

    fn is_new(&mut self, id: i64) -> bool {
        id > self.low && self.heard.insert(id)
    }

    /// Moves over what was heard, and over what is missing for too long.
    fn advance(&mut self, now: Instant) {
        while let Some(first) = self.heard.first().copied() {
            let next = self.low + 1;
            if first > next {
                let since = *self.missing.entry(next).or_insert(now);
                if now.duration_since(since) < GAP_MAX {
                    break;
                }
                self.low = first - 1;
            }
            self.missing.retain(|id, _| *id > first);
            self.heard.remove(&first);
            self.low = first;
        }
    }
}

impl Board {
    fn take(&self, runs: impl IntoIterator<Item = Glimpse>) {
        let mut all = self.runs();
        for run in runs {
            all.take(&run);
        }
    }

    fn replace(&self, runs: Runs) {
        self.runs().replace(runs);
    }

    /// The history answers, or does not.
    fn knows(&self, is_there: bool, now: shared::time::Time) {
        self.known.send_if_modified(|known| {
            let before = known.what;
            known.what = match (is_there, before) {
                (true, _) => Known::Current,
                (false, Known::Reading) => Known::Reading,
                (false, _) => Known::Old,
            };
            if before != Known::Current && known.what == Known::Current {
                known.current_since = now;
            }
            before != known.what
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_late_is_heard_and_what_never_comes_is_given_up() {
        let start = Instant::now();
        let mut ear = Ear::new(108);
        assert_eq!(ear.low, 100);
        for id in [101, 102, 104] {
            assert!(ear.is_new(id));
        }
        ear.advance(start);
        assert_eq!(ear.low, 102);
        assert!(!ear.is_new(104) && !ear.is_new(101));
        assert!(ear.is_new(103));
        ear.advance(start);
        assert_eq!((ear.low, ear.missing.len()), (104, 0));
        // 105 to 109 never come.
        assert!(ear.is_new(110));
        ear.advance(start);
        assert_eq!(ear.low, 104);
        ear.advance(start + GAP_MAX);
        assert_eq!((ear.low, ear.heard.len()), (110, 0));
    }
}
