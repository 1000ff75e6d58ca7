//! Real processes and requests under a whole agent: what becomes of a run is what the
//! runner and the launcher make of it together.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod world;

use std::{sync::Arc, time::Duration};

use agent::{
    Agent,
    launcher::{Launcher, LauncherConfig},
    policy::Policy,
};
use shared::{
    job::{Action, HttpRequest, RunSpec},
    report::Run,
    run::{Reason, State},
    units::Span,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    time::{Instant, sleep},
};
use world::{TestHost, World, short};

const SOON: Duration = Duration::from_secs(60);

/// A node that starts what it is told on this host.
struct Node {
    world: World,
    host: TestHost,
    _agent: Agent,
    _dir: tempfile::TempDir,
}

impl Node {
    fn new() -> Node {
        let world = World::new();
        let host = world.host("real", short);
        let dir = tempfile::tempdir().unwrap();
        let launcher = Launcher::open(LauncherConfig {
            dir: dir.path().to_path_buf(),
            policy: Arc::new(Policy::default()),
            cgroups: true,
        })
        .unwrap();
        let (agent, _) = world.start_on(&host, Arc::new(host.spool.clone()), Arc::new(launcher));
        Node {
            world,
            host,
            _agent: agent,
            _dir: dir,
        }
    }

    /// Orders a run and waits for its end to be reported.
    async fn run(&self, spec: RunSpec) -> Run {
        let job = self.world.every("", |job| job.run = spec);
        let order = self.world.order(&self.host, &job);
        self.world.order_run(&self.host, &order).await;
        let deadline = Instant::now() + SOON;
        loop {
            let run = self.world.master.run(order.first);
            if let Some(run) = run.filter(|run| run.state.is_end()) {
                return run;
            }
            assert!(Instant::now() < deadline, "it never ends");
            sleep(Duration::from_millis(10)).await;
        }
    }
}

/// A server whose answers never end. Returns its URL.
async fn trickle() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = socket.read(&mut [0; 4096]).await;
                let mut piece: &[u8] = b"HTTP/1.1 200 OK\r\n\r\n";
                while socket.write_all(piece).await.is_ok() {
                    piece = b".";
                    sleep(Duration::from_millis(5)).await;
                }
            });
        }
    });
    url
}

#[tokio::test]
async fn a_request_that_takes_too_long_has_timed_out() {
    let node = Node::new();
    let mut spec = RunSpec::new(Action::Http(HttpRequest {
        method: "GET".into(),
        url: trickle().await,
        headers: [].into(),
        body: None,
    }));
    let timeout = Span::from(Duration::from_millis(200));
    spec.timeout = Some(timeout);
    // Whoever else measured the same time would sometimes be first.
    for _ in 0..5 {
        let run = node.run(spec.clone()).await;
        assert_eq!(
            (run.state, run.reason),
            (State::TimedOut, Some(Reason::Timeout { timeout }))
        );
    }
}
