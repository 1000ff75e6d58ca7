//! The outbox on virtual time, and its way to the masters over real HTTP.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use agent::{
    link::{HttpLink, HttpLinkConfig},
    outbox,
    parts::{Link, LinkError, Spool, SpoolError, SpoolWrite},
    spool::Memory,
};
use async_trait::async_trait;
use shared::{
    host::Host,
    id::RunId,
    report::{Ack, BATCH_CHUNKS_MAX, BATCH_REPORTS_MAX, Batch},
    run::State,
    time::Time,
};
use tokio::{
    sync::Notify,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

mod records;
mod server;
use records::{node, put, put_chunk, run_id, spooled};
use server::{reply, serve};

/// A master that answers as it is told, and then with success.
#[derive(Default)]
struct Pretended {
    answers: Mutex<VecDeque<LinkError>>,
    /// For ever, if set.
    refusal: Mutex<Option<LinkError>>,
    got: Mutex<Vec<(Instant, Batch)>>,
    attempts: AtomicUsize,
}

impl Pretended {
    fn got(&self) -> Vec<Batch> {
        self.got
            .lock()
            .unwrap()
            .iter()
            .map(|(_, batch)| batch.clone())
            .collect()
    }
}

#[async_trait]
impl Link for Pretended {
    async fn send(&self, batch: &Batch) -> Result<Ack, LinkError> {
        self.attempts.fetch_add(1, Ordering::SeqCst);
        sleep(Duration::from_millis(5)).await;
        let refusal = self.refusal.lock().unwrap().clone();
        if let Some(error) = refusal.or_else(|| self.answers.lock().unwrap().pop_front()) {
            return Err(error);
        }
        self.got.lock().unwrap().push((Instant::now(), batch.clone()));
        Ok(Ack {
            runs: batch.runs.len(),
            chunks: batch.chunks.len(),
            now: Time::EPOCH,
        })
    }
}

struct Bench {
    spool: Memory,
    link: Arc<Pretended>,
    wake: Arc<Notify>,
    cancel: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Bench {
    fn start(spool: Memory, link: Pretended) -> Bench {
        let (link, wake, cancel) = (Arc::new(link), Arc::new(Notify::new()), CancellationToken::new());
        let task = tokio::spawn(outbox::run(
            Arc::new(spool.clone()),
            link.clone(),
            Host::system(),
            node(),
            "boot".into(),
            wake.clone(),
            cancel.clone(),
        ));
        Bench {
            spool,
            link,
            wake,
            cancel,
            task,
        }
    }

    async fn commit(&self, writes: Vec<SpoolWrite>) {
        self.spool.commit(writes).await.unwrap();
        self.wake.notify_one();
    }

    async fn left(&self) -> u64 {
        self.spool.unsent(1, 1).await.unwrap().total
    }

    async fn until_sent(&self) {
        let deadline = Instant::now() + Duration::from_secs(600);
        while self.left().await > 0 {
            assert!(Instant::now() < deadline, "never sent");
            sleep(Duration::from_millis(10)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn reports_go_out_in_bounded_batches_oldest_first() {
    let spool = Memory::default();
    spool
        .commit((0..1200).map(|n| put(n, State::Succeeded)).collect())
        .await
        .unwrap();
    spool
        .commit((0..200).map(|seq| put_chunk(1, seq, &[1; 64 * 1024])).collect())
        .await
        .unwrap();
    let bench = Bench::start(spool, Pretended::default());
    bench.until_sent().await;
    let got = bench.link.got();
    let runs: Vec<_> = got.iter().flat_map(|b| b.runs.iter().map(|r| r.id)).collect();
    assert_eq!(runs, (0..1200).map(run_id).collect::<Vec<_>>());
    let seqs: Vec<_> = got.iter().flat_map(|b| b.chunks.iter().map(|c| c.seq)).collect();
    assert_eq!(seqs, (0..200).collect::<Vec<_>>());
    for batch in &got {
        assert!(batch.runs.len() <= BATCH_REPORTS_MAX && batch.chunks.len() <= BATCH_CHUNKS_MAX);
        let bytes: usize = batch.chunks.iter().map(|c| c.data.len()).sum();
        assert!(bytes <= 3 << 20, "{bytes}");
        assert_eq!((&batch.node, batch.boot.as_str()), (&node(), "boot"));
    }
    assert!(bench.spool.load().await.unwrap().runs.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_comes_goes_out_at_once_and_health_every_ten_seconds() {
    let bench = Bench::start(Memory::default(), Pretended::default());
    sleep(Duration::from_secs(35)).await;
    assert_eq!(bench.link.got().iter().filter(|b| b.health.is_some()).count(), 4);
    let begin = Instant::now();
    bench
        .commit(vec![put(1, State::Running), put_chunk(1, 0, b"x")])
        .await;
    bench.until_sent().await;
    assert!(
        begin.elapsed() < Duration::from_millis(200),
        "{:?}",
        begin.elapsed()
    );
    assert_eq!(
        bench.spool.load().await.unwrap().runs.len(),
        1,
        "it has not ended"
    );
}

#[tokio::test(start_paused = true)]
async fn outages_are_waited_out_with_growing_gaps() {
    let link = Pretended::default();
    *link.refusal.lock().unwrap() = Some(LinkError::Unreachable("down".into()));
    let bench = Bench::start(Memory::default(), link);
    bench.commit(vec![put(1, State::Succeeded)]).await;
    sleep(Duration::from_secs(600)).await;
    let attempts = bench.link.attempts.load(Ordering::SeqCst);
    assert!((20..60).contains(&attempts), "{attempts} attempts in ten minutes");
    // More work does not make it try more often.
    for n in 2..50 {
        bench.commit(vec![put(n, State::Succeeded)]).await;
        sleep(Duration::from_millis(10)).await;
    }
    assert!(bench.link.attempts.load(Ordering::SeqCst) <= attempts + 1);
    *bench.link.refusal.lock().unwrap() = None;
    bench.until_sent().await;
}

#[tokio::test(start_paused = true)]
async fn refused_batches_become_smaller() {
    let spool = Memory::default();
    spool
        .commit((0..500).map(|n| put(n, State::Succeeded)).collect())
        .await
        .unwrap();
    let link = Pretended::default();
    link.answers
        .lock()
        .unwrap()
        .extend((0..3).map(|_| LinkError::Refused("413".into())));
    let bench = Bench::start(spool, link);
    bench.until_sent().await;
    let sizes: Vec<_> = bench
        .link
        .got()
        .iter()
        .map(|b| b.runs.len())
        .filter(|n| *n > 0)
        .collect();
    assert_eq!(sizes, [62, 125, 250, 63]);
}

#[tokio::test(start_paused = true)]
async fn what_changes_while_it_is_sent_is_sent_again() {
    let bench = Bench::start(Memory::default(), Pretended::default());
    bench.commit(vec![put(1, State::Running)]).await;
    while bench.link.attempts.load(Ordering::SeqCst) < 2 {
        sleep(Duration::from_millis(1)).await;
    }
    bench.commit(vec![put(1, State::Succeeded)]).await;
    bench.until_sent().await;
    let states: Vec<_> = bench
        .link
        .got()
        .iter()
        .flat_map(|b| b.runs.iter().map(|r| r.state))
        .collect();
    assert_eq!(states, [State::Running, State::Succeeded]);
    assert!(bench.spool.load().await.unwrap().runs.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_taken_out_of_the_spool_is_sent_again() {
    let bench = Bench::start(Memory::default(), Pretended::default());
    bench.commit(vec![put(1, State::Succeeded)]).await;
    bench.spool.fail_with(Some(SpoolError::DiskFull));
    sleep(Duration::from_secs(60)).await;
    assert!(bench.link.got().iter().filter(|b| !b.runs.is_empty()).count() > 1);
    bench.spool.fail_with(None);
    bench.until_sent().await;
}

#[tokio::test(start_paused = true)]
async fn at_the_end_all_that_can_be_sent_is() {
    let spool = Memory::default();
    let bench = Bench::start(spool, Pretended::default());
    sleep(Duration::from_secs(1)).await;
    bench
        .spool
        .commit((0..1200).map(|n| put(n, State::Succeeded)).collect())
        .await
        .unwrap();
    bench.cancel.cancel();
    bench.task.await.unwrap();
    assert_eq!(bench.spool.unsent(1, 1).await.unwrap().total, 0);

    // Without a master it goes on trying; its owner gives it a bound.
    let link = Pretended::default();
    *link.refusal.lock().unwrap() = Some(LinkError::Unreachable("down".into()));
    let bench = Bench::start(Memory::default(), link);
    bench.commit(vec![put(1, State::Succeeded)]).await;
    bench.cancel.cancel();
    assert!(
        tokio::time::timeout(Duration::from_secs(5), bench.task)
            .await
            .is_err()
    );
    assert!(bench.link.attempts.load(Ordering::SeqCst) < 60);
}

const ACK: &str = r#"{"runs":1,"chunks":0,"now":"2026-01-31T02:30:00.000Z"}"#;

fn batch() -> Batch {
    Batch {
        node: node(),
        boot: "boot".into(),
        sent_at: Time::EPOCH,
        runs: vec![spooled(1, State::Running).run],
        chunks: Vec::new(),
        health: None,
    }
}

fn link(masters: Vec<String>, dir: &std::path::Path) -> HttpLink {
    HttpLink::new(HttpLinkConfig {
        masters: Arc::new(move || masters.clone()),
        remembered: Some(dir.join("masters.json")),
        token: "the-token".into(),
        ca_file: None,
    })
    .unwrap()
}

#[tokio::test]
async fn a_batch_goes_to_a_master_that_answers_and_stays_with_it() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let bad = serve(move |_, _| {
        counted.fetch_add(1, Ordering::SeqCst);
        reply("500 Internal Server Error", "", "oops")
    })
    .await;
    let good = serve(|line, all| {
        let is_right = line.starts_with("POST /api/v1/agent/reports ")
            && all.contains("authorization: Bearer the-token")
            && all.contains("\"state\":\"running\"");
        if is_right {
            reply("200 OK", "", ACK)
        } else {
            reply("404 Not Found", "", "")
        }
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let urls = vec!["http://127.0.0.1:1".to_owned(), bad, format!("{good}/")];
    let to = link(urls, dir.path());
    assert_eq!(to.send(&batch()).await.unwrap().runs, 1);
    for _ in 0..3 {
        to.send(&batch()).await.unwrap();
    }
    assert_eq!(
        calls.load(Ordering::SeqCst),
        1,
        "it stays with the one that works"
    );

    // While the store is away, the last known masters are tried.
    let to = link(Vec::new(), dir.path());
    assert_eq!(to.send(&batch()).await.unwrap().runs, 1);
    let empty = tempfile::tempdir().unwrap();
    let error = link(Vec::new(), empty.path()).send(&batch()).await.unwrap_err();
    assert!(error.to_string().contains("no master is known yet"), "{error}");
}

#[tokio::test]
async fn refusals_and_later_are_told_apart() {
    let body = r#"{"error":{"code":"unauthenticated","message":"no such credential"}}"#;
    let dir = tempfile::tempdir().unwrap();
    let url = serve(move |_, _| reply("401 Unauthorized", "", body)).await;
    let error = link(vec![url], dir.path()).send(&batch()).await.unwrap_err();
    assert!(
        matches!(&error, LinkError::Refused(why) if why.contains("no such credential")),
        "{error:?}"
    );
    assert!(!error.to_string().contains("the-token"));

    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let url = serve(move |_, _| match counted.fetch_add(1, Ordering::SeqCst) {
        0 => reply("503 Service Unavailable", "retry-after: 1\r\n", "busy"),
        _ => reply("200 OK", "", ACK),
    })
    .await;
    let to = link(vec![url], dir.path());
    let error = to.send(&batch()).await.unwrap_err();
    assert!(matches!(error, LinkError::Later(_)), "{error:?}");
    let begin = Instant::now();
    to.send(&batch()).await.unwrap();
    assert!(
        begin.elapsed() >= Duration::from_millis(900),
        "it waits as it was asked to"
    );

    let url = serve(|_, _| reply("200 OK", "", "<html>a proxy's page</html>")).await;
    let error = link(vec![url], dir.path()).send(&batch()).await.unwrap_err();
    assert!(
        matches!(error, LinkError::Unreachable(_)),
        "an answer that is not a master's is none: {error:?}"
    );
}

#[test]
fn a_wrong_ca_file_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let make = |ca: std::path::PathBuf| {
        HttpLink::new(HttpLinkConfig {
            masters: Arc::new(Vec::new),
            remembered: None,
            token: String::new(),
            ca_file: Some(ca),
        })
    };
    let error = format!("{:#}", make(dir.path().join("none")).err().unwrap());
    assert!(error.contains("cannot read the CA file"), "{error}");
    let file = dir.path().join("ca.pem");
    std::fs::write(&file, "not PEM").unwrap();
    let error = format!("{:#}", make(file).err().unwrap());
    assert!(error.contains("holds no certificate"), "{error}");
}

/// A master that takes no batch with one of these in it.
#[derive(Default)]
struct Particular {
    runs: Mutex<Vec<RunId>>,
    pieces: Vec<(RunId, u64)>,
    got: Mutex<Vec<Batch>>,
    attempts: AtomicUsize,
}

#[async_trait]
impl Link for Particular {
    async fn send(&self, batch: &Batch) -> Result<Ack, LinkError> {
        self.attempts.fetch_add(1, Ordering::SeqCst);
        let refused = self.runs.lock().unwrap();
        let is_refused = batch.runs.iter().any(|run| refused.contains(&run.id))
            || batch.chunks.iter().any(|c| self.pieces.contains(&(c.run, c.seq)));
        if is_refused {
            return Err(LinkError::Invalid("it is not to my liking".into()));
        }
        self.got.lock().unwrap().push(batch.clone());
        Ok(Ack {
            runs: batch.runs.len(),
            chunks: batch.chunks.len(),
            now: Time::EPOCH,
        })
    }
}

#[tokio::test(start_paused = true)]
async fn what_no_master_takes_is_set_aside_and_tried_again() {
    let spool = Memory::default();
    let runs = (0..600).map(|n| put(n, State::Succeeded));
    let pieces = (0..100).map(|seq| put_chunk(1, seq, b"x"));
    spool.commit(runs.chain(pieces).collect()).await.unwrap();
    let link = Arc::new(Particular {
        runs: Mutex::new(vec![run_id(0), run_id(1), run_id(333)]),
        pieces: vec![(run_id(1), 50)],
        ..Particular::default()
    });
    let _outbox = tokio::spawn(outbox::run(
        Arc::new(spool.clone()),
        link.clone(),
        Host::system(),
        node(),
        "boot".into(),
        Arc::new(Notify::new()),
        CancellationToken::new(),
    ));
    sleep(Duration::from_secs(30)).await;
    let unsent = spool.unsent(500, 64).await.unwrap();
    assert_eq!(
        (
            unsent.total,
            unsent.set_aside,
            unsent.runs.len(),
            unsent.chunks.len()
        ),
        (0, 4, 0, 0)
    );
    let metrics = spool.metrics();
    assert_eq!((metrics.aside_runs, metrics.aside_pieces), (3, 1));
    let sent: Vec<RunId> = link
        .got
        .lock()
        .unwrap()
        .iter()
        .flat_map(|b| b.runs.iter().map(|r| r.id))
        .collect();
    assert_eq!(sent.len(), 597, "each once");
    let asked = link.attempts.load(Ordering::SeqCst);
    assert!(asked < 100, "{asked} requests");
    // They are still there, and masters are told how many.
    assert_eq!(spool.load().await.unwrap().runs.len(), 3);
    sleep(Duration::from_secs(60)).await;
    let told = link
        .got
        .lock()
        .unwrap()
        .iter()
        .filter_map(|b| b.health.clone())
        .next_back();
    assert_eq!(told.unwrap().set_aside, 4);

    // One that changes is tried at once, the rest within the hour.
    link.runs.lock().unwrap().retain(|run| *run == run_id(333));
    spool.commit(vec![put(0, State::Failed)]).await.unwrap();
    sleep(Duration::from_secs(15)).await;
    assert_eq!(spool.metrics().aside_runs, 2);
    sleep(Duration::from_secs(3600)).await;
    let metrics = spool.metrics();
    assert_eq!((metrics.aside_runs, metrics.aside_pieces), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_master_that_refuses_everything_is_not_believed_at_once() {
    let spool = Memory::default();
    spool
        .commit((0..500).map(|n| put(n, State::Succeeded)).collect())
        .await
        .unwrap();
    let link = Pretended::default();
    *link.refusal.lock().unwrap() = Some(LinkError::Invalid("I am too old for this".into()));
    let bench = Bench::start(spool, link);
    sleep(Duration::from_secs(120)).await;
    let aside = bench.spool.metrics().aside_runs;
    assert!((20..=300).contains(&aside), "{aside} set aside in two minutes");
    *bench.link.refusal.lock().unwrap() = None;
    bench.until_sent().await;
    sleep(Duration::from_secs(3700)).await;
    assert!(
        bench.spool.load().await.unwrap().runs.is_empty(),
        "all arrive in the end"
    );
}

#[tokio::test]
async fn a_refusal_of_what_is_in_a_batch_is_told_from_one_of_who_sends_it() {
    let dir = tempfile::tempdir().unwrap();
    let body = r#"{"error":{"code":"invalid","message":"no such state"}}"#;
    for status in [
        "400 Bad Request",
        "422 Unprocessable Entity",
        "413 Payload Too Large",
    ] {
        let url = serve(move |_, _| reply(status, "", body)).await;
        let error = link(vec![url], dir.path()).send(&batch()).await.unwrap_err();
        assert!(
            matches!(&error, LinkError::Invalid(why) if why.contains("no such state")),
            "{error:?}"
        );
    }
}
