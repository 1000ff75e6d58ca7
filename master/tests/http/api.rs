//! An instance to ask: a master's API without its planner.

use std::{
    fmt::Debug,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    http::{Method, Request, StatusCode, header, request::Builder},
    response::Response,
};
use futures::StreamExt;
use master::{
    auth::{Accounts, ensure_admin, sha256},
    history::MemoryHistory,
    housekeeping::Findings,
    http::{App, Config, Console, Parts, router},
    intake::Intake,
    planner::UnplacedList,
    view::View,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use shared::{
    api::JobView,
    assign::{Assignment, Cursor},
    file::value::{Read, of_json},
    host::{Clock, Host},
    id::{JobId, NodeId, RunId},
    keys,
    node::{Credential, Node},
    report::{Chunk, OutputSize, Run, Stream, Usage},
    run::{Cause, State},
    store::{
        DynStore, Outcome, Txn, Write,
        embedded::{Client, Embedded},
    },
    time::Time,
};
use tokio::{sync::watch, time::timeout};
use tower::ServiceExt;

use crate::hold::Hold;

/// Saturday, 2026-01-31 12:00 UTC.
pub const NOW: Time = Time::from_secs(1_769_860_800);

/// A clock that stands until it is moved.
pub struct Wall(AtomicI64);

impl Clock for Wall {
    fn now(&self) -> Time {
        Time::from_millis(self.0.load(Ordering::SeqCst))
    }
}

impl Wall {
    pub fn set(&self, now: Time) {
        self.0.store(now.as_millis(), Ordering::SeqCst);
    }
}

pub struct Api {
    pub app: App,
    pub router: Router,
    /// The store, and the API's own connection to it.
    pub store: DynStore,
    pub client: Client,
    pub hold: Arc<Hold>,
    pub history: Arc<MemoryHistory>,
    embedded: Embedded,
    pub wall: Arc<Wall>,
    pub password: String,
    pub token: String,
    _unplaced: watch::Sender<UnplacedList>,
}

impl Api {
    pub async fn start() -> Api {
        Api::on(Embedded::memory()).await
    }

    pub async fn on(embedded: Embedded) -> Api {
        Api::made_of(embedded, Arc::default(), Console::default()).await
    }

    pub async fn with_console(console: Console) -> Api {
        Api::made_of(Embedded::memory(), Arc::default(), console).await
    }

    /// Another master on the same store and history, asked with the same token.
    pub async fn beside(&self) -> Api {
        let (embedded, history) = (self.embedded.clone(), self.history.clone());
        let mut other = Api::made_of(embedded, history, Console::default()).await;
        other.token.clone_from(&self.token);
        other
    }

    async fn made_of(embedded: Embedded, history: Arc<MemoryHistory>, console: Console) -> Api {
        let client = embedded.client();
        let store: DynStore = Arc::new(embedded.clone());
        let hold = Arc::new(Hold::of(Arc::new(client.clone())));
        let connection: DynStore = hold.clone();
        let wall = Arc::new(Wall(AtomicI64::new(NOW.as_millis())));
        let host = Host {
            clock: wall.clone(),
            ..Host::system()
        };
        let password = ensure_admin(&store, &host).await.unwrap().unwrap_or_default();
        let accounts = Accounts::spawn(connection.clone(), host.clone());
        accounts.ready().await;
        let view = View::new(&connection);
        view.ready().await;
        let (_unplaced, unplaced) = watch::channel(UnplacedList::default());
        let app = App::new(Parts {
            intake: Intake::new(history.clone(), host.clone()),
            history: history.clone(),
            store: connection,
            view,
            accounts,
            host,
            unplaced,
            findings: watch::channel(Findings::default()).1,
            config: Config {
                console,
                ..Config::new("m1".parse().unwrap(), "embedded", "memory")
            },
        });
        let router = router(app.clone());
        let mut api = Api {
            app,
            router,
            store,
            client,
            hold,
            history,
            embedded,
            wall,
            password,
            token: String::new(),
            _unplaced,
        };
        if !api.password.is_empty() {
            let session = api.login().await;
            let made = api
                .send(
                    session
                        .over(Method::POST, "/tokens")
                        .json(json!({"name": "tests"})),
                )
                .await;
            api.token = made.value["secret"].as_str().unwrap().to_owned();
        }
        api
    }

    pub async fn login(&self) -> Session {
        self.login_with(&self.password).await
    }

    pub async fn login_with(&self, password: &str) -> Session {
        let body = json!({"user": "admin", "password": password});
        let answer = self.send(call(Method::POST, "/login").json(body)).await;
        assert_eq!(answer.status, 200, "{}", answer.value);
        let cookie = answer.headers[header::SET_COOKIE].to_str().unwrap();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        Session {
            cookie,
            csrf: answer.value["csrf"].as_str().unwrap().to_owned(),
        }
    }

    /// Sends a request and reads its whole answer.
    pub async fn send(&self, call: Call) -> Answer {
        let response = self.open(call).await;
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            value,
            bytes: bytes.to_vec(),
        }
    }

    /// Sends a request; the answer's body is still to be read.
    pub async fn open(&self, call: Call) -> Response {
        self.router
            .clone()
            .oneshot(call.request.body(call.body).unwrap())
            .await
            .unwrap()
    }

    /// A call with the tests' token.
    pub fn call(&self, method: Method, path: &str) -> Call {
        call(method, path).header("authorization", &format!("Bearer {}", self.token))
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.call(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(self.call(Method::POST, path).json(body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(self.call(Method::PUT, path).json(body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.call(Method::DELETE, path)).await
    }

    /// Makes a job and returns it.
    pub async fn job(&self, spec: Value) -> JobView {
        let name = spec["name"].as_str().unwrap().to_owned();
        let namespace = spec["namespace"].as_str().unwrap_or("default").to_owned();
        let answer = self.put(&format!("/jobs/{namespace}/{name}"), spec).await;
        assert_eq!(answer.status, 201, "{}", answer.value);
        answer.read()
    }

    /// Puts a value into the store, and waits until the API has seen it.
    pub async fn store<T: serde::Serialize>(&self, key: String, value: &T) -> i64 {
        let put = Write::Put {
            key,
            value: serde_json::to_vec(value).unwrap(),
            lease: None,
        };
        self.write(put).await
    }

    pub async fn write(&self, write: Write) -> i64 {
        let key = match &write {
            Write::Put { key, .. } | Write::Delete { key } => key.clone(),
        };
        let outcome = self
            .store
            .txn(Txn {
                compares: vec![],
                writes: vec![write],
            })
            .await
            .unwrap();
        let Outcome::Committed(revision) = outcome else {
            panic!("refused")
        };
        let (view, accounts) = (&self.app.view, &self.app.accounts);
        let prefix = key.split_inclusive('/').next().unwrap_or_default();
        let seen = async {
            // Only the mirror that holds the key is told at once.
            match prefix {
                keys::NODES => drop(view.nodes.reached(revision).await),
                keys::ASSIGN => drop(view.assign.reached(revision).await),
                keys::CURSOR => drop(view.cursor.reached(revision).await),
                keys::JOBS => drop(view.jobs.reached(revision).await),
                keys::CREDENTIALS => accounts.seen_agents(revision).await,
                _ => {}
            }
        };
        timeout(Duration::from_secs(10), seen)
            .await
            .expect("the mirrors follow");
        revision
    }

    /// A living node, with an agent's credential `secret-<name>`.
    pub async fn node(&self, name: &str) -> NodeId {
        let id: NodeId = name.parse().unwrap();
        let node = Node {
            id: id.clone(),
            name: name.to_owned(),
            boot: "b1".to_owned(),
            version: "0.1.0".to_owned(),
            labels: [("os".to_owned(), "linux".to_owned())].into(),
            capacity: 4,
            address: None,
            started_at: NOW,
            lease_secs: 10,
            leaving: false,
        };
        let credential = Credential {
            token_sha256: sha256(&format!("secret-{name}")),
        };
        self.store(keys::credential(&id), &credential).await;
        self.store(keys::node(&id), &node).await;
        id
    }

    pub async fn node_dies(&self, id: &NodeId) {
        self.write(Write::Delete { key: keys::node(id) }).await;
    }

    /// As the planner would.
    pub async fn assign(&self, job: &JobView, slot: u32, node: &NodeId) {
        let assignment = Assignment {
            job: job.id,
            revision: job.revision,
            spec: job.spec.clone(),
            since: job.since,
            slot: Some(slot),
            groups: Default::default(),
            calendars: Default::default(),
        };
        self.store(keys::assign_slot(node, job.id, slot), &assignment)
            .await;
    }

    pub async fn claim(&self, job: JobId, at: Time, node: &NodeId) -> RunId {
        let run = RunId::new(at, 7);
        let cursor = Cursor {
            at,
            run,
            node: node.clone(),
            unreported_since: at,
        };
        self.store(keys::cursor(job, 0), &cursor).await;
        run
    }
}

/// A run of a job, as an agent would report it.
pub fn run_of(job: &JobView, at: Time, node: &NodeId, state: State) -> Run {
    let id = RunId::of(&shared::id::Fire {
        job: job.id,
        at,
        owner: shared::id::Owner::Slot(0),
    });
    Run {
        id,
        first: id,
        job: job.id,
        path: job.spec.path(),
        revision: job.revision,
        scheduled_at: at,
        slot: Some(0),
        node: node.clone(),
        attempt: 1,
        cause: Cause::Schedule,
        state,
        reason: None,
        started_at: Some(at + Duration::from_millis(3)),
        finished_at: state.is_end().then(|| at + Duration::from_millis(1503)),
        exit_code: (state == State::Succeeded).then_some(0),
        signal: None,
        retry_at: None,
        usage: Usage::default(),
        output: OutputSize::default(),
        range: None,
    }
}

pub fn chunk(run: RunId, seq: u64, stream: Stream, bytes: &[u8]) -> Chunk {
    use base64::Engine as _;
    let data = base64::engine::general_purpose::STANDARD.encode(bytes);
    Chunk {
        run,
        seq,
        stream,
        at: NOW,
        data,
    }
}

/// A browser's session.
pub struct Session {
    pub cookie: String,
    pub csrf: String,
}

impl Session {
    pub fn over(&self, method: Method, path: &str) -> Call {
        call(method, path)
            .header("cookie", &self.cookie)
            .header("x-gnomon-csrf", &self.csrf)
    }
}

/// A request that is being put together.
pub struct Call {
    request: Builder,
    body: Body,
}

/// A call of the API without a credential; a path that starts with `//` is outside of it.
pub fn call(method: Method, path: &str) -> Call {
    let uri = match path.strip_prefix('/') {
        Some(outside) if outside.starts_with('/') => outside.to_owned(),
        _ => format!("/api/v1{path}"),
    };
    Call {
        request: Request::builder().method(method).uri(uri),
        body: Body::empty(),
    }
}

impl Call {
    pub fn header(mut self, name: &str, value: &str) -> Call {
        self.request = self.request.header(name, value);
        self
    }

    pub fn json(self, body: Value) -> Call {
        self.header("content-type", "application/json")
            .raw(body.to_string())
    }

    pub fn raw(mut self, body: impl Into<Body>) -> Call {
        self.body = body.into();
        self
    }
}

pub struct Answer {
    pub status: u16,
    pub headers: axum::http::HeaderMap,
    pub value: Value,
    pub bytes: Vec<u8>,
}

impl Answer {
    /// As serde reads it for programs, and as the console reads it: both must find the same.
    #[track_caller]
    pub fn read<T: DeserializeOwned + Read + Debug>(&self) -> T {
        let read: T =
            serde_json::from_value(self.value.clone()).unwrap_or_else(|e| panic!("{e}: {}", self.value));
        let by_console: T =
            of_json(&self.value.to_string()).unwrap_or_else(|e| panic!("{e}: {}", self.value));
        assert_eq!(format!("{by_console:?}"), format!("{read:?}"));
        read
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// Checks the status and the error's code; returns its message and field.
    #[track_caller]
    pub fn fails(&self, status: u16, code: &str) -> String {
        assert_eq!(
            (self.status, self.value["error"]["code"].as_str()),
            (status, Some(code)),
            "{}",
            self.text()
        );
        let error = &self.value["error"];
        match error["field"].as_str() {
            Some(field) => format!("{field}: {}", error["message"].as_str().unwrap()),
            None => error["message"].as_str().unwrap().to_owned(),
        }
    }
}

/// Server-sent events of an answer, as they come.
pub struct Events {
    body: axum::body::BodyDataStream,
    rest: String,
}

/// One event: name, id, data.
#[derive(Debug, Default, PartialEq)]
pub struct Event {
    pub name: String,
    pub id: String,
    pub data: Value,
}

impl Events {
    pub fn of(response: Response) -> Events {
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        Events {
            body: response.into_body().into_data_stream(),
            rest: String::new(),
        }
    }

    /// The next event; none at the end. Waits five seconds for it.
    pub async fn next(&mut self) -> Option<Event> {
        timeout(Duration::from_secs(5), self.read())
            .await
            .expect("an event within five seconds")
    }

    async fn read(&mut self) -> Option<Event> {
        loop {
            if let Some(end) = self.rest.find("\n\n") {
                let text: String = self.rest.drain(..end + 2).collect();
                let mut event = Event::default();
                for line in text.lines() {
                    match line.split_once(": ") {
                        Some(("event", name)) => event.name = name.to_owned(),
                        Some(("id", id)) => event.id = id.to_owned(),
                        Some(("data", data)) => event.data = serde_json::from_str(data).unwrap(),
                        _ => {}
                    }
                }
                if !event.name.is_empty() {
                    return Some(event);
                }
                continue;
            }
            let piece = self.body.next().await?.ok()?;
            self.rest.push_str(std::str::from_utf8(&piece).unwrap());
        }
    }
}
