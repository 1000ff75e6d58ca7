//! Leases, watches and mirrors over connections that are cut, slow or lossy: on virtual
//! time, as the simulator runs them.
#![cfg(feature = "store")]
// These are tests through and through: what goes wrong may panic, real processes are
// started and real time is measured.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod store;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use shared::store::{
    Change, DynStore, KeyValue, Outcome, Snapshot, Store, StoreError, Txn, Watch, WatchEvent,
    embedded::{Client, Embedded, History},
    lease::KeptLease,
    mirror::Mirror,
};
use store::{
    changes, delete,
    mirrors::{contents, numbers, until},
    put, put_leased, values, write,
};
use tokio::time::{Instant, advance, sleep, timeout};

const TTL: Duration = Duration::from_secs(10);

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn pair() -> (DynStore, Client, DynStore) {
    let store = Embedded::memory();
    let client = store.client();
    (Arc::new(store), client.clone(), Arc::new(client))
}

#[tokio::test(start_paused = true)]
async fn a_cut_call_fails_after_its_timeout_and_may_be_carried_out_later() {
    let (store, link, client) = pair();
    link.cut();
    let asked = Instant::now();
    let outcome = client
        .txn(Txn {
            compares: vec![],
            writes: vec![put("a", "1")],
        })
        .await;
    assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
    assert_eq!(asked.elapsed(), secs(5));
    assert!(client.get("a").await.is_err());
    assert!(values(&store, "").await.is_empty());
    link.heal();
    sleep(Duration::from_millis(1)).await;
    assert_eq!(values(&store, "").await.len(), 1, "what was under way arrives");
    assert!(client.get("a").await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn lost_replies_hide_what_was_carried_out() {
    let (store, link, client) = pair();
    link.lose_replies();
    let outcome = client
        .txn(Txn {
            compares: vec![],
            writes: vec![put("a", "1")],
        })
        .await;
    assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
    assert_eq!(values(&store, "").await.len(), 1);
    link.heal();
    assert!(client.get("a").await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_slow_store_answers_late() {
    let (_, link, client) = pair();
    link.slow(secs(2));
    let asked = Instant::now();
    write(&client, vec![put("a", "1")]).await;
    assert_eq!(asked.elapsed(), secs(2));
    link.slow(secs(12));
    assert!(client.get("a").await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_cut_watch_goes_silent_then_ends() {
    let (store, link, client) = pair();
    let mut watch = client.watch("", 1).await.unwrap();
    link.cut();
    write(&store, vec![put("a", "1")]).await;
    assert!(
        timeout(secs(9), watch.next()).await.is_err(),
        "nothing passes a cut connection"
    );
    link.heal();
    assert_eq!(changes(&mut watch).await.unwrap().1.len(), 1, "then it arrives");
    link.cut();
    let cut = Instant::now();
    assert!(matches!(watch.next().await, Err(StoreError::Unavailable(_))));
    assert_eq!(cut.elapsed(), secs(10));
    link.heal();
    assert!(watch.next().await.is_err(), "it is done");
    let mut watch = client.watch("", 1).await.unwrap();
    link.reset();
    assert!(watch.next().await.is_err(), "a reset ends it at once");
}

/// The heart of fencing: when the owner stops, the store still holds its keys.
#[tokio::test(start_paused = true)]
async fn a_cut_off_owner_stops_before_the_store_lets_go() {
    for cut_after in [0, 1, 3, 4, 5, 7, 8, 9, 10, 11] {
        let (store, link, client) = pair();
        link.slow(Duration::from_millis(600));
        let lease = KeptLease::grant(client, TTL).await.unwrap();
        write(&store, vec![put_leased("owner", lease.id())]).await;
        sleep(secs(cut_after)).await;
        assert!(lease.is_valid());
        let mut watch = store.watch("owner", 1).await.unwrap();
        changes(&mut watch).await.unwrap();
        link.cut();
        let (stopped, let_go) = tokio::join!(
            async {
                lease.lost().await;
                assert!(!lease.is_valid());
                Instant::now()
            },
            async {
                changes(&mut watch).await.unwrap();
                Instant::now()
            }
        );
        assert_eq!(stopped, lease.deadline());
        assert!(
            stopped < let_go,
            "cut after {cut_after} s: stopped {:?} late",
            stopped - let_go
        );
        link.heal();
        sleep(secs(30)).await;
        assert!(!lease.is_valid(), "a lost lease stays lost");
    }
}

#[tokio::test(start_paused = true)]
async fn a_short_cut_costs_no_lease() {
    let (store, link, client) = pair();
    let lease = KeptLease::grant(client, TTL).await.unwrap();
    write(&store, vec![put_leased("owner", lease.id())]).await;
    for _ in 0..20 {
        sleep(secs(4)).await;
        link.cut();
        sleep(secs(4)).await;
        link.heal();
        assert!(lease.is_valid());
    }
    assert!(store.get("owner").await.unwrap().is_some());
}

/// A process that stood still (SIGSTOP, a sleeping machine) past its deadline must not
/// come back to life, even if the store kept the lease.
#[tokio::test(start_paused = true)]
async fn an_owner_that_stood_still_has_lost() {
    let (_, _, client) = pair();
    let lease = KeptLease::grant(client, TTL).await.unwrap();
    advance(TTL + secs(1)).await;
    assert!(!lease.is_valid());
    timeout(Duration::ZERO, lease.lost()).await.expect("at once");
}

/// A store whose renewals are answered when the test says so.
struct Late(tokio::sync::Notify);

#[async_trait::async_trait]
impl Store for Late {
    async fn snapshot(&self, _: &str) -> Result<Snapshot, StoreError> {
        unreachable!()
    }
    async fn get(&self, _: &str) -> Result<Option<KeyValue>, StoreError> {
        unreachable!()
    }
    async fn watch(&self, _: &str, _: i64) -> Result<Box<dyn Watch>, StoreError> {
        unreachable!()
    }
    async fn txn(&self, _: Txn) -> Result<Outcome, StoreError> {
        unreachable!()
    }
    async fn grant(&self, _: Duration) -> Result<i64, StoreError> {
        Ok(1)
    }
    async fn keep_alive(&self, _: i64) -> Result<(), StoreError> {
        self.0.notified().await;
        Ok(())
    }
    async fn revoke(&self, _: i64) -> Result<(), StoreError> {
        Ok(())
    }
}

/// It stood still while the answer came in: on waking it finds both the answer and the
/// deadline behind it. The answer must not count.
#[tokio::test(start_paused = true)]
async fn a_renewal_answered_too_late_revives_nothing() {
    let late = Arc::new(Late(tokio::sync::Notify::new()));
    let lease = KeptLease::grant(late.clone(), TTL).await.unwrap();
    sleep(secs(4)).await;
    let deadline = lease.deadline();
    late.0.notify_one();
    advance(secs(7)).await;
    sleep(Duration::from_millis(1)).await;
    assert!(!lease.is_valid());
    assert_eq!(lease.deadline(), deadline);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_lease_ends_by_itself() {
    let (store, _, client) = pair();
    let lease = KeptLease::grant(client, TTL).await.unwrap();
    write(&store, vec![put_leased("owner", lease.id())]).await;
    sleep(secs(60)).await;
    drop(lease);
    sleep(secs(6)).await;
    assert!(store.get("owner").await.unwrap().is_some());
    sleep(secs(5)).await;
    assert!(store.get("owner").await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_falls_behind_ends_and_blocks_nobody() {
    let embedded = Embedded::memory();
    embedded.keep_history(History {
        changes_max: 100,
        bytes_max: 1 << 20,
    });
    let store: DynStore = Arc::new(embedded.clone());
    let mut slow = store.watch("", 1).await.unwrap();
    for i in 0..100 {
        write(&store, vec![put("k", i.to_string())]).await;
    }
    let mut still = store.watch("", 1).await.unwrap();
    assert_eq!(
        changes(&mut still).await.unwrap().1.len(),
        100,
        "within the bound nothing is lost"
    );
    write(&store, vec![put("k", "more")]).await;
    assert!(matches!(
        slow.next().await,
        Err(StoreError::Compacted { asked: 1 })
    ));
    assert_eq!(changes(&mut still).await.unwrap().1.len(), 1);
    // Large values count by their size.
    write(&store, vec![put("large", vec![0; 700_000])]).await;
    write(&store, vec![put("large", vec![1; 700_000])]).await;
    let Err(StoreError::Compacted { .. }) = still.next().await else {
        panic!("the bytes are bounded")
    };
}

#[tokio::test(start_paused = true)]
async fn a_watch_tells_its_progress() {
    let (store, _, client) = pair();
    let mut watch = client.watch("mine/", 1).await.unwrap();
    let elsewhere = write(&store, vec![put("other", "")]).await;
    let told = timeout(secs(2), watch.next()).await.unwrap().unwrap();
    assert_eq!(told, WatchEvent::Progress { revision: elsewhere });
    assert!(
        timeout(secs(60), watch.next()).await.is_err(),
        "and no more of it"
    );
}

#[tokio::test(start_paused = true)]
async fn a_mirror_survives_a_cut() {
    let (store, link, client) = pair();
    write(&store, vec![put("m/a", "1"), put("m/b", "2")]).await;
    let mirror = numbers(client, "m/");
    mirror.ready().await;
    link.cut();
    write(&store, vec![put("m/a", "3"), delete("m/b"), put("other", "")]).await;
    let cut = Instant::now();
    while mirror.snapshot().stale_since().is_none() {
        mirror.changed().await;
    }
    assert_eq!(cut.elapsed(), secs(10));
    assert!(mirror.snapshot().trouble().unwrap().contains("silent"));
    assert_eq!(
        contents(&mirror),
        BTreeMap::from([("m/a".into(), 1), ("m/b".into(), 2)])
    );
    sleep(secs(600)).await;
    link.heal();
    let healed = Instant::now();
    until(&mirror, "what changed", |all| {
        *all == BTreeMap::from([("m/a".into(), 3)])
    })
    .await;
    assert_eq!(mirror.snapshot().stale_since(), None);
    assert!(healed.elapsed() <= secs(6), "{:?}", healed.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_mirror_follows_a_store_that_goes_back() {
    let embedded = Embedded::memory();
    let store: DynStore = Arc::new(embedded.clone());
    write(&store, vec![put("m/a", "1")]).await;
    let backup = embedded.checkpoint();
    let mirror = numbers(store.clone(), "m/");
    write(&store, vec![put("m/a", "2")]).await;
    write(&store, vec![put("m/b", "2")]).await;
    until(&mirror, "the newest", |all| all.len() == 2).await;
    let newest = mirror.snapshot().revision();
    embedded.rewind(&backup);
    // Used-up revisions are used again, for other values.
    write(&store, vec![put("m/a", "7")]).await;
    write(&store, vec![put("m/b", "8")]).await;
    assert_eq!(store.snapshot("").await.unwrap().revision, newest);
    let expected = BTreeMap::from([("m/a".into(), 7), ("m/b".into(), 8)]);
    until(&mirror, "what stands there now", |all| *all == expected).await;
}

#[tokio::test(start_paused = true)]
async fn a_mirror_wakes_once_for_many_changes_and_never_for_none() {
    let (store, link, client) = pair();
    let mirror = numbers(client, "m/");
    mirror.ready().await;
    mirror.changed().await;
    assert!(
        timeout(secs(60), mirror.changed()).await.is_err(),
        "nothing has changed"
    );
    write(&store, vec![put("other", "1")]).await;
    assert!(
        timeout(secs(60), mirror.changed()).await.is_err(),
        "not under its prefix"
    );
    // The connection holds up a hundred transactions: one batch.
    link.cut();
    for i in 0..100 {
        write(&store, vec![put("m/a", i.to_string())]).await;
    }
    link.heal();
    let mut wakes = 0;
    while timeout(secs(1), mirror.changed()).await.is_ok() {
        wakes += 1;
    }
    assert!((1..=3).contains(&wakes), "{wakes}");
    assert_eq!(contents(&mirror)["m/a"], 99);
    // Listing again without news wakes nobody.
    mirror.refresh().await;
    assert!(timeout(secs(60), mirror.changed()).await.is_err());
    // Clones wake each for themselves.
    let other = mirror.clone();
    write(&store, vec![put("m/a", "0")]).await;
    mirror.changed().await;
    other.changed().await;
}

#[tokio::test(start_paused = true)]
async fn a_decoder_that_panics_harms_one_value() {
    let (store, _, client) = pair();
    write(&store, vec![put("m/a", "1"), put("m/b", "panic")]).await;
    let mirror: Mirror<u64> = Mirror::spawn(client, "m/", |kv| {
        let text = String::from_utf8_lossy(&kv.value).into_owned();
        Ok(text.parse().unwrap_or_else(|_| panic!("cannot read {text}")))
    });
    let state = mirror.ready().await;
    assert_eq!((state.len(), state.broken().len()), (1, 1));
    let revision = write(&store, vec![put("m/b", "2")]).await;
    assert_eq!(mirror.reached(revision).await.get("m/b"), Some(&2));
}

#[tokio::test(start_paused = true)]
async fn a_mirror_ends_with_its_last_handle() {
    struct Noted(Arc<Mutex<bool>>);
    impl Drop for Noted {
        fn drop(&mut self) {
            *self.0.lock().unwrap() = true;
        }
    }
    let ended = Arc::new(Mutex::new(false));
    let noted = Noted(ended.clone());
    let mirror: Mirror<()> = Mirror::spawn(Arc::new(Embedded::memory()), "", move |_| {
        let _ = &noted;
        Ok(())
    });
    mirror.ready().await;
    let other = mirror.clone();
    drop(mirror);
    sleep(secs(1)).await;
    assert!(!*ended.lock().unwrap());
    drop(other);
    sleep(secs(1)).await;
    assert!(*ended.lock().unwrap(), "its task goes on without an owner");
}

/// 50,000 entries and a change at a time: seconds in a debug build, not minutes.
#[tokio::test]
async fn a_large_mirror_is_cheap() {
    let store: DynStore = Arc::new(Embedded::memory());
    for batch in 0..500 {
        write(
            &store,
            (0..100)
                .map(|i| put(&format!("m/{batch:03}/{i:02}"), "1"))
                .collect(),
        )
        .await;
    }
    let mirror = numbers(store.clone(), "m/");
    assert_eq!(mirror.ready().await.len(), 50_000);
    let begun = std::time::Instant::now();
    let mut revision = 0;
    for i in 0..2_000 {
        revision = write(&store, vec![put(&format!("m/{:03}/00", i % 500), "2")]).await;
        tokio::task::yield_now().await;
    }
    let state = mirror.reached(revision).await;
    assert_eq!(state.under("m/007/").filter(|(_, e)| *e.value == 2).count(), 1);
    assert!(begun.elapsed() < secs(5), "{:?}", begun.elapsed());
}

/// The same story twice: every instant and revision is the same.
#[test]
fn virtual_time_replays() {
    let story = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let begin = Instant::now();
            let store = Embedded::memory();
            let trace = Arc::new(Mutex::new(Vec::new()));
            for n in 0..5_u64 {
                let (link, trace) = (store.client(), trace.clone());
                let client: DynStore = Arc::new(link.clone());
                tokio::spawn(async move {
                    link.slow(Duration::from_millis(7 * n));
                    let mirror = numbers(client.clone(), "m/");
                    let lease = KeptLease::grant(client.clone(), TTL).await.unwrap();
                    for i in 0.. {
                        let changes = vec![put(&format!("m/{n}"), i.to_string())];
                        let outcome = client
                            .txn(Txn {
                                compares: vec![],
                                writes: changes,
                            })
                            .await;
                        let revision = mirror.snapshot().revision();
                        let line = format!(
                            "{:?} {n} {i} {:?} {revision} {:?}",
                            begin.elapsed(),
                            outcome
                                .map(|o| matches!(o, Outcome::Committed(_)))
                                .map_err(|e| e.to_string()),
                            lease.deadline() - begin
                        );
                        trace.lock().unwrap().push(line);
                        if i % 10 == n {
                            link.cut();
                        }
                        tokio::select! {
                            biased;
                            () = mirror.changed() => {}
                            () = sleep(secs(3 + n)) => link.heal(),
                        }
                    }
                });
            }
            sleep(secs(600)).await;
            let trace = trace.lock().unwrap().clone();
            (trace, store.revision())
        })
    };
    let first = story();
    assert!(first.0.len() > 100, "{}", first.0.len());
    assert_eq!(first, story());
}

#[tokio::test(start_paused = true)]
async fn keys_of_a_lease_are_told_in_one_batch() {
    let (store, _, client) = pair();
    let lease = client.grant(secs(5)).await.unwrap();
    let at = write(
        &store,
        (0..50).map(|i| put_leased(&format!("k/{i:02}"), lease)).collect(),
    )
    .await;
    let mut watch = client.watch("k/", at).await.unwrap();
    let (revision, gone) = changes(&mut watch).await.unwrap();
    assert_eq!(gone.len(), 50);
    assert!(
        gone.iter()
            .all(|c| matches!(c, Change::Deleted { mod_revision, .. } if *mod_revision == revision))
    );
}
