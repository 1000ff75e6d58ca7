//! The conformance suite against real etcd servers of both versions, and what happens
//! when those are killed, frozen or restored.
#![cfg(feature = "store")]
// These are tests through and through: what goes wrong may panic, real processes are
// started and real time is measured.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod store;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use shared::store::{
    Compare, DynStore, Outcome, Revision, Store, StoreError, Txn,
    etcd::{Etcd, EtcdConfig, EtcdTls},
    lease::KeptLease,
};
use store::{
    PATIENCE, changes, delete, eventually,
    mirrors::{contents, numbers, until},
    put, put_leased,
    server::{Release, Server, config, store_at},
    values, write,
};
use tokio::time::{Instant, sleep, timeout};

/// Each test once for each version.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod etcd_34 {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(super::Release::etcd_34()).await;
            })*
        }
        mod etcd_35 {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(super::Release::etcd_35()).await;
            })*
        }
    };
}

on_both!(
    conforms,
    long_lists,
    prefixes_are_apart,
    starts_while_etcd_is_down,
    killed_and_started_again,
    frozen_and_thawed,
    restored_from_a_snapshot,
    cluster_loses_members_under_load,
    lease_outlives_a_frozen_member,
    quorum_lost_and_found,
    passwords,
    certificates,
);

struct Subject(Server);

#[async_trait::async_trait]
impl store::Subject for Subject {
    fn store(&self) -> DynStore {
        self.0.store()
    }

    async fn compact(&self, revision: Revision) {
        self.0.etcdctl(&["compaction", &revision.to_string()]);
    }
}

async fn conforms(release: Release) {
    store::all(&Subject(Server::start(&release).await)).await;
}

/// More keys than a page holds, and more bytes than gRPC takes by default.
async fn long_lists(release: Release) {
    let server = Server::start(&release).await;
    let store = server.store();
    for batch in 0..25 {
        let writes = (0..100)
            .map(|i| put(&format!("long/{:05}", batch * 100 + i), vec![7; 4096]))
            .collect();
        write(&store, writes).await;
    }
    let start = store.snapshot("long/").await.unwrap();
    let keys: Vec<String> = start.kvs.into_iter().map(|kv| kv.key).collect();
    let expected: Vec<String> = (0..2500).map(|i| format!("long/{i:05}")).collect();
    assert_eq!(keys, expected);
    // All pages are of one revision, however busy the store is.
    let stop = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn({
        let (store, stop) = (server.store(), stop.clone());
        async move {
            for n in 0.. {
                let value = n.to_string();
                write(
                    &store,
                    vec![put("long/00000", value.clone()), put("long/02499", value)],
                )
                .await;
                if stop.load(Ordering::Relaxed) {
                    return n;
                }
            }
            0
        }
    });
    for _ in 0..20 {
        let kvs = store.snapshot("long/").await.unwrap().kvs;
        assert_eq!((kvs.len(), &kvs[0].value), (2500, &kvs[2499].value));
    }
    stop.store(true, Ordering::Relaxed);
    let written = writer.await.unwrap();
    assert!(written > 20, "{written}");
    // A watch from the beginning tells them all too.
    let mut watch = store.watch("long/", 1).await.unwrap();
    let mut seen = 0;
    let all = 2500 + 2 * (written + 1);
    while seen < all {
        seen += changes(&mut watch).await.unwrap().1.len();
    }
    assert_eq!(seen, all);
}

async fn prefixes_are_apart(release: Release) {
    let server = Server::start(&release).await;
    let with = |prefix: &str| {
        Etcd::connect(EtcdConfig {
            prefix: prefix.into(),
            ..config(&[&server.url])
        })
        .unwrap()
    };
    let (one, other): (DynStore, DynStore) = (Arc::new(with("/one")), Arc::new(with("/one-more/")));
    write(&one, vec![put("key", "1")]).await;
    write(&other, vec![put("key", "2")]).await;
    assert_eq!(
        values(&one, "").await,
        BTreeMap::from([("key".into(), b"1".to_vec())])
    );
    assert_eq!(
        server.etcdctl(&["get", "--from-key", "", "--keys-only"]).trim(),
        "/one-more/key\n\n/one/key"
    );
}

async fn starts_while_etcd_is_down(release: Release) {
    let mut server = Server::start(&release).await;
    write(&server.store(), vec![put("down/a", "1")]).await;
    server.kill();

    let store = server.store();
    let asked = Instant::now();
    let error = store.get("down/a").await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    assert!(
        error.to_string().contains("refused"),
        "the reason is missing: {error}"
    );
    assert!(asked.elapsed() < Duration::from_secs(6), "{:?}", asked.elapsed());
    let mirror = numbers(store.clone(), "down/");
    server.run();
    timeout(PATIENCE, mirror.ready())
        .await
        .expect("the mirror gets ready by itself");
    assert_eq!(contents(&mirror), BTreeMap::from([("down/a".into(), 1)]));
    assert!(store.get("down/a").await.unwrap().is_some());
}

async fn killed_and_started_again(release: Release) {
    let mut server = Server::start(&release).await;
    let store = server.store();
    let lease = KeptLease::grant(store.clone(), Duration::from_secs(20))
        .await
        .unwrap();
    let mirror = numbers(store.clone(), "killed/");
    write(&store, vec![put("killed/a", "1")]).await;
    until(&mirror, "the first value", |all| all.get("killed/a") == Some(&1)).await;

    server.kill();
    let stale = async {
        while mirror.snapshot().stale_since().is_none() {
            mirror.changed().await;
        }
    };
    timeout(PATIENCE, stale)
        .await
        .expect("the mirror says that it is stale");
    assert_eq!(contents(&mirror).len(), 1, "the last snapshot stays");

    server.run();
    eventually(|| {
        store.txn(Txn {
            compares: vec![],
            writes: vec![put("killed/a", "2")],
        })
    })
    .await;
    until(&mirror, "the value after the restart", |all| {
        all.get("killed/a") == Some(&2)
    })
    .await;
    assert_eq!(mirror.snapshot().stale_since(), None);
    assert!(
        lease.is_valid(),
        "the lease outlives a restart shorter than itself"
    );
    let before = lease.deadline();
    timeout(PATIENCE, async {
        while lease.deadline() == before {
            sleep(Duration::from_millis(50)).await;
        }
    })
    .await
    .expect("it is renewed again");
}

async fn frozen_and_thawed(release: Release) {
    let server = Server::start(&release).await;
    let store = server.store();
    let mirror = numbers(store.clone(), "frozen/");
    write(&store, vec![put("frozen/a", "1")]).await;
    until(&mirror, "the first value", |all| all.get("frozen/a") == Some(&1)).await;
    let lease = KeptLease::grant(store.clone(), Duration::from_secs(4))
        .await
        .unwrap();

    let impatient = EtcdConfig {
        watch_silence: Duration::from_millis(500),
        ..config(&[&server.url])
    };
    let mut watch = Etcd::connect(impatient)
        .unwrap()
        .watch("quiet/", 1)
        .await
        .unwrap();
    assert!(
        timeout(Duration::from_secs(3), watch.next()).await.is_err(),
        "a quiet watch goes on"
    );

    server.freeze();
    // Long before the connection's own pings could notice.
    let silent = timeout(Duration::from_secs(2), watch.next())
        .await
        .expect("silence is noticed");
    assert!(
        matches!(&silent, Err(StoreError::Unavailable(why)) if why.contains("silent")),
        "{silent:?}"
    );
    let asked = Instant::now();
    let (read, written) = tokio::join!(
        store.get("frozen/a"),
        store.txn(Txn {
            compares: vec![],
            writes: vec![put("frozen/b", "7")]
        })
    );
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
    assert!(matches!(written, Err(StoreError::Unavailable(_))), "{written:?}");
    assert!(asked.elapsed() < Duration::from_secs(6), "{:?}", asked.elapsed());
    timeout(Duration::from_secs(5), lease.lost())
        .await
        .expect("the lease is lost at its deadline");
    timeout(PATIENCE, async {
        while mirror.snapshot().stale_since().is_none() {
            mirror.changed().await;
        }
    })
    .await
    .expect("silence is noticed");

    server.thaw();
    eventually(|| {
        store.txn(Txn {
            compares: vec![],
            writes: vec![put("frozen/a", "2")],
        })
    })
    .await;
    until(&mirror, "the value after the thaw", |all| {
        all.get("frozen/a") == Some(&2)
    })
    .await;
    assert!(!lease.is_valid(), "a lost lease stays lost");
}

async fn restored_from_a_snapshot(release: Release) {
    let mut server = Server::start(&release).await;
    let store = server.store();
    let mirror = numbers(store.clone(), "old/");
    // An empty mirror lacks every key, so it would answer the questions below too early.
    timeout(PATIENCE, mirror.ready()).await.unwrap();
    write(&store, vec![put("old/a", "1"), put("old/b", "1")]).await;
    let snapshot = server.dir().join("snapshot");
    server.etcdctl(&["snapshot", "save", &snapshot.display().to_string()]);
    for i in 0..50 {
        write(&store, vec![put("old/a", i.to_string()), put("old/new", "1")]).await;
    }
    write(&store, vec![delete("old/b")]).await;
    until(&mirror, "the newest", |all| !all.contains_key("old/b")).await;
    let newest = mirror.snapshot().revision();

    server.kill();
    server.restore(&snapshot);
    server.run();
    let old = BTreeMap::from([("old/a".to_owned(), 1), ("old/b".to_owned(), 1)]);
    until(&mirror, "what was restored", |all| *all == old).await;
    assert!(mirror.snapshot().revision() < newest);
    // And what is written at revisions that were used before.
    eventually(|| {
        store.txn(Txn {
            compares: vec![],
            writes: vec![put("old/a", "99")],
        })
    })
    .await;
    until(&mirror, "what is new", |all| all["old/a"] == 99).await;
}

/// What a writer knows of each key that it made once.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum Known {
    Written(Revision),
    Unknown,
}

async fn cluster_loses_members_under_load(release: Release) {
    let mut cluster = Server::start_cluster(&release).await;
    let urls: Vec<String> = cluster.iter().map(|s| s.url.clone()).collect();
    let urls: Vec<&str> = urls.iter().map(|u| u.as_str()).collect();
    let mirror = numbers(store_at(&urls), "load/");
    timeout(PATIENCE, mirror.ready()).await.unwrap();

    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..6)
        .map(|w| tokio::spawn(load(store_at(&urls), w, stop.clone())))
        .collect();
    sleep(Duration::from_secs(1)).await;
    for server in &mut cluster {
        server.kill();
        progress_within(&mirror, Duration::from_secs(6), "a member was killed").await;
        server.run();
        server.wait().await;
        server.freeze();
        progress_within(&mirror, Duration::from_secs(10), "a member was frozen").await;
        sleep(Duration::from_secs(1)).await;
        server.thaw();
        server.wait().await;
    }
    stop.store(true, Ordering::Relaxed);

    // The list is of what was written once the last writer has ended.
    let mut told = Vec::new();
    for writer in writers {
        told.extend(writer.await.unwrap());
    }
    let store = store_at(&urls);
    let list = store.snapshot("load/").await.unwrap();
    let found: BTreeMap<&str, Revision> = list
        .kvs
        .iter()
        .map(|kv| (kv.key.as_str(), kv.create_revision))
        .collect();
    let (mut written, mut unknown) = (0, 0);
    for (key, known) in told {
        match known {
            Known::Written(revision) => {
                assert_eq!(found.get(key.as_str()), Some(&revision), "{key} was acknowledged");
                written += 1;
            }
            Known::Unknown => unknown += 1,
        }
    }
    assert!(written > 100, "only {written} were written");
    assert!(
        written + unknown >= list.kvs.len(),
        "more keys than were ever sent"
    );
    timeout(PATIENCE, mirror.reached(list.revision))
        .await
        .expect("the mirror arrives");
    assert_eq!(contents(&mirror).len(), list.kvs.len());
    let one_at_a_time: Vec<_> = list
        .kvs
        .iter()
        .filter(|kv| kv.create_revision != kv.mod_revision)
        .collect();
    assert_eq!(one_at_a_time, Vec::<&_>::new(), "written twice");
}

/// Creates keys, one after another, and remembers what it knows of each.
async fn load(store: DynStore, writer: usize, stop: Arc<AtomicBool>) -> BTreeMap<String, Known> {
    let mut known = BTreeMap::new();
    for n in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let key = format!("load/{writer}/{n:05}");
        let compares = vec![Compare::CreateRevision(key.clone(), 0)];
        let outcome = store
            .txn(Txn {
                compares,
                writes: vec![put(&key, n.to_string())],
            })
            .await;
        match outcome {
            Ok(Outcome::Committed(revision)) => known.insert(key, Known::Written(revision)),
            Ok(Outcome::Refused(revision)) => panic!("{key} exists at {revision}: a txn was sent twice"),
            Err(StoreError::Unavailable(_)) => known.insert(key, Known::Unknown),
            Err(error) => panic!("{key}: {error}"),
        };
        sleep(Duration::from_millis(5)).await;
    }
    known
}

/// New values of all six writers arrive in time.
async fn progress_within(mirror: &shared::store::mirror::Mirror<u64>, limit: Duration, what: &str) {
    let newest = || {
        let mut newest = [0; 6];
        for (key, value) in contents(mirror) {
            let writer: usize = key.split('/').nth(1).unwrap().parse().unwrap();
            newest[writer] = newest[writer].max(value);
        }
        newest
    };
    let before = newest();
    let deadline = Instant::now() + limit;
    while newest()
        .iter()
        .zip(before)
        .any(|(now, before)| *now <= before + 1)
    {
        assert!(Instant::now() < deadline, "{what}: nothing new within {limit:?}");
        sleep(Duration::from_millis(20)).await;
    }
}

async fn lease_outlives_a_frozen_member(release: Release) {
    let cluster = Server::start_cluster(&release).await;
    let urls: Vec<&str> = cluster.iter().map(|s| s.url.as_str()).collect();
    // Whichever member each client uses: one of them uses the frozen one.
    let mut leases = Vec::new();
    for i in 0..9 {
        let lease = KeptLease::grant(store_at(&urls), Duration::from_secs(10))
            .await
            .unwrap();
        leases.push((i, lease));
    }
    for server in &cluster {
        server.freeze();
        sleep(Duration::from_secs(8)).await;
        server.thaw();
        server.wait().await;
        for (i, lease) in &leases {
            let left = lease.deadline().saturating_duration_since(Instant::now());
            assert!(lease.is_valid(), "client {i} lost its lease");
            assert!(
                left > Duration::from_secs(2),
                "client {i} came within {left:?} of losing it"
            );
        }
    }
}

/// A member alone answers nothing, and its watches do not pretend that all is quiet.
async fn quorum_lost_and_found(release: Release) {
    let mut cluster = Server::start_cluster(&release).await;
    let alone = cluster[0].store();
    write(&alone, vec![put("quorum/a", "1")]).await;
    let mirror = numbers(alone.clone(), "quorum/");
    timeout(PATIENCE, mirror.ready()).await.unwrap();
    let lease = KeptLease::grant(alone.clone(), Duration::from_secs(60))
        .await
        .unwrap();

    cluster[1].kill();
    cluster[2].kill();
    timeout(PATIENCE, async {
        while mirror.snapshot().stale_since().is_none() {
            mirror.changed().await;
        }
    })
    .await
    .expect("the loss of the quorum is noticed");
    let asked = Instant::now();
    let written = alone
        .txn(Txn {
            compares: vec![],
            writes: vec![put("quorum/a", "2")],
        })
        .await;
    assert!(matches!(written, Err(StoreError::Unavailable(_))), "{written:?}");
    assert!(
        alone.snapshot("").await.is_err(),
        "a list without a quorum may be old"
    );
    assert!(asked.elapsed() < Duration::from_secs(12), "{:?}", asked.elapsed());
    assert_eq!(contents(&mirror).len(), 1);

    cluster[1].run();
    cluster[2].run();
    eventually(|| {
        alone.txn(Txn {
            compares: vec![],
            writes: vec![put("quorum/a", "3")],
        })
    })
    .await;
    until(&mirror, "the value after the return", |all| all["quorum/a"] == 3).await;
    assert!(lease.is_valid());
}

async fn passwords(release: Release) {
    // Tokens that are over in no time: they must be renewed unnoticed.
    let server = Server::start_with(&release, &["--auth-token-ttl", "1"]).await;
    for command in [
        &["user", "add", "root:top"][..],
        &["role", "add", "gnomon"],
        &[
            "role",
            "grant-permission",
            "gnomon",
            "--prefix=true",
            "readwrite",
            "/gnomon/",
        ],
        &["user", "add", "agent:secret"],
        &["user", "grant-role", "agent", "gnomon"],
        &["user", "grant-role", "root", "root"],
        &["auth", "enable"],
    ] {
        server.etcdctl(command);
    }
    let with = |user: Option<(&str, &str)>, prefix: &str| -> DynStore {
        let user = user.map(|(n, p)| (n.to_owned(), p.to_owned()));
        let config = EtcdConfig {
            user,
            prefix: prefix.into(),
            ..config(&[&server.url])
        };
        Arc::new(Etcd::connect(config).unwrap())
    };
    let agent = with(Some(("agent", "secret")), "/gnomon/");
    write(&agent, vec![put("auth/a", "1")]).await;
    let mirror = numbers(agent.clone(), "auth/");
    timeout(PATIENCE, mirror.ready()).await.unwrap();
    write(&agent, vec![put("auth/a", "2")]).await;
    until(&mirror, "a change", |all| all["auth/a"] == 2).await;
    let lease = KeptLease::grant(agent.clone(), Duration::from_secs(2))
        .await
        .unwrap();
    sleep(Duration::from_secs(4)).await;
    assert!(lease.is_valid());
    write(&agent, vec![put_leased("auth/leased", lease.id())]).await;
    write(&agent, vec![delete("auth/leased"), put("auth/a", "3")]).await;
    until(&mirror, "a change after the first token", |all| {
        all["auth/a"] == 3
    })
    .await;

    for (what, store) in [
        ("nobody", with(None, "/gnomon/")),
        ("a wrong password", with(Some(("agent", "wrong")), "/gnomon/")),
        ("another prefix", with(Some(("agent", "secret")), "/other/")),
    ] {
        let asked = Instant::now();
        let refused = store.get("auth/a").await;
        assert!(
            matches!(refused, Err(StoreError::Refused(_))),
            "{what}: {refused:?}"
        );
        assert!(
            asked.elapsed() < Duration::from_secs(2),
            "{what}: tried for {:?}",
            asked.elapsed()
        );
    }
}

async fn certificates(release: Release) {
    let certs = tempfile::tempdir().unwrap();
    make_certificates(certs.path());
    let server = Server::start_tls(&release, certs.path()).await;
    let file = |name: &str| Some(certs.path().join(name));
    let with = |tls: EtcdTls| -> DynStore {
        Arc::new(
            Etcd::connect(EtcdConfig {
                tls,
                ..config(&[&server.url])
            })
            .unwrap(),
        )
    };
    let identity = EtcdTls {
        ca: file("ca.pem"),
        cert: file("client.pem"),
        key: file("client.key"),
        server_name: None,
    };
    let store = with(identity.clone());
    eventually(|| store.snapshot("")).await;
    write(&store, vec![put("tls/a", "1")]).await;

    for (what, tls) in [
        (
            "no certificate",
            EtcdTls {
                ca: file("ca.pem"),
                ..EtcdTls::default()
            },
        ),
        (
            "a foreign authority",
            EtcdTls {
                ca: file("other.pem"),
                ..identity.clone()
            },
        ),
        (
            "another name",
            EtcdTls {
                server_name: Some("elsewhere.example".into()),
                ..identity.clone()
            },
        ),
    ] {
        let refused = with(tls).get("tls/a").await;
        assert!(
            matches!(refused, Err(StoreError::Unavailable(_))),
            "{what}: {refused:?}"
        );
    }
    let half = EtcdTls {
        key: None,
        ..identity
    };
    let error = Etcd::connect(EtcdConfig {
        tls: half,
        ..config(&[&server.url])
    })
    .err()
    .unwrap();
    assert_eq!(
        error.to_string(),
        "a client certificate needs its key, and a key its certificate"
    );
}

/// An authority, a server's and a client's certificate, and an authority of strangers.
fn make_certificates(dir: &std::path::Path) {
    let openssl = |args: &str| {
        let output = std::process::Command::new("openssl")
            .current_dir(dir)
            .args(args.split(' '))
            .output()
            .expect("openssl is missing: install it");
        assert!(
            output.status.success(),
            "openssl {args}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2";
    for (name, subject) in [("ca", "Gnomon-test"), ("other", "Strangers")] {
        openssl(&format!(
            "req -x509 {key} -keyout {name}.key -out {name}.pem -subj /CN={subject}"
        ));
    }
    std::fs::write(dir.join("names"), "subjectAltName=IP:127.0.0.1,DNS:localhost").unwrap();
    for name in ["server", "client"] {
        openssl(&format!(
            "req {key} -keyout {name}.key -out {name}.csr -subj /CN={name}"
        ));
        openssl(&format!(
            "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out {name}.pem -extfile names"
        ));
    }
}
