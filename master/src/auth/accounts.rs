//! The accounts as this master knows them: mirrors of everything that lets somebody in.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::de::DeserializeOwned;
use shared::{
    Revision,
    host::Host,
    id::{NodeId, UserName},
    keys,
    node::Credential,
    store::{
        DynStore, KeyValue,
        mirror::{Mirror, MirrorState},
    },
};
use tokio::time::timeout;

use super::{AuthError, Caller, Session, Token, User, attempts::Attempts, password::Passwords, secret};

/// How long a change waits to be seen by this master's own mirror.
const SEEN_TIMEOUT: Duration = Duration::from_secs(2);

/// Everything that lets somebody in. Clones are the same.
#[derive(Clone)]
pub struct Accounts(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub store: DynStore,
    pub host: Host,
    pub users: Mirror<User>,
    pub tokens: Mirror<Token>,
    pub sessions: Mirror<Session>,
    pub credentials: Mirror<Credential>,
    pub passwords: Passwords,
    pub attempts: Attempts,
    tokens_by_hash: ByHash,
    credentials_by_hash: ByHash,
}

/// See [`Accounts::followed`].
pub struct Followed {
    users: Mirror<User>,
    tokens: Mirror<Token>,
    sessions: Mirror<Session>,
}

impl Followed {
    /// Returns when something is different from when this last returned: look again then.
    pub async fn changed(&self) {
        tokio::select! {
            () = self.users.changed() => {}
            () = self.tokens.changed() => {}
            () = self.sessions.changed() => {}
        }
    }
}

/// How full the bounded parts are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Levels {
    pub tokens: usize,
    pub sessions: usize,
    pub hashes: usize,
    pub attempts: usize,
}

impl Accounts {
    /// Starts to follow the accounts. Needs a tokio runtime.
    pub fn spawn(store: DynStore, host: Host) -> Accounts {
        Accounts(Arc::new(Inner {
            users: follow(&store, keys::USERS),
            tokens: follow(&store, keys::TOKENS),
            sessions: follow(&store, keys::SESSIONS),
            credentials: follow(&store, keys::CREDENTIALS),
            store,
            host,
            passwords: Passwords::new(),
            attempts: Attempts::default(),
            tokens_by_hash: ByHash::default(),
            credentials_by_hash: ByHash::default(),
        }))
    }

    /// Whether every mirror has been listed at least once.
    pub fn is_ready(&self) -> bool {
        let Inner {
            users,
            tokens,
            sessions,
            credentials,
            ..
        } = &*self.0;
        users.snapshot().is_ready()
            && tokens.snapshot().is_ready()
            && sessions.snapshot().is_ready()
            && credentials.snapshot().is_ready()
    }

    /// Waits until it is.
    pub async fn ready(&self) {
        self.0.users.ready().await;
        self.0.tokens.ready().await;
        self.0.sessions.ready().await;
        self.0.credentials.ready().await;
    }

    /// The user that a fresh instance made, while it is the only one and its password is the
    /// one that was made for it.
    pub fn first_user(&self) -> Option<UserName> {
        let users = self.0.users.snapshot();
        let mut all = users.iter().map(|(_, entry)| &entry.value);
        let first = all.next().filter(|user| user.changed_at == user.created.at)?;
        all.next().is_none().then(|| first.name.clone())
    }

    /// The tokens, to be told when they change.
    pub fn follow_tokens(&self) -> Mirror<Token> {
        self.0.tokens.clone()
    }

    /// Everything that lets people in, to be told when it changes.
    pub fn followed(&self) -> Followed {
        Followed {
            users: self.0.users.clone(),
            tokens: self.0.tokens.clone(),
            sessions: self.0.sessions.clone(),
        }
    }

    /// Whose API token this is.
    pub fn by_token(&self, secret: &str) -> Result<Option<Caller>, AuthError> {
        let tokens = self.0.tokens.snapshot();
        let users = self.0.users.snapshot();
        if !tokens.is_ready() || !users.is_ready() {
            return Err(AuthError::NotReady);
        }
        let hash = secret::sha256(secret);
        let key = self.0.tokens_by_hash.key(&tokens, &hash, |t| &t.secret_sha256);
        let token = key
            .and_then(|key| tokens.get(&key))
            .filter(|t| secret::same(&t.secret_sha256, &hash));
        // A user who is gone takes the tokens along.
        let token = token.filter(|t| users.get(&keys::user(&t.user)).is_some());
        Ok(token.map(|t| Caller::Token {
            user: t.user.clone(),
            token: t.name.clone(),
        }))
    }

    /// Whose session this is, if it has not expired.
    pub fn by_session(&self, secret: &str) -> Result<Option<Caller>, AuthError> {
        let sessions = self.0.sessions.snapshot();
        let users = self.0.users.snapshot();
        if !sessions.is_ready() || !users.is_ready() {
            return Err(AuthError::NotReady);
        }
        let key = keys::session(&secret::sha256(secret));
        let now = self.0.host.now();
        let session = sessions.get(&key).filter(|s| now < s.expires_at);
        let session = session.filter(|s| users.get(&keys::user(&s.user)).is_some());
        Ok(session.map(|s| Caller::Session {
            user: s.user.clone(),
            key,
            csrf: secret::csrf(secret),
        }))
    }

    /// Which node's agent this is.
    pub fn by_credential(&self, secret: &str) -> Result<Option<Caller>, AuthError> {
        let credentials = self.0.credentials.snapshot();
        if !credentials.is_ready() {
            return Err(AuthError::NotReady);
        }
        let hash = secret::sha256(secret);
        let key = self
            .0
            .credentials_by_hash
            .key(&credentials, &hash, |c| &c.token_sha256);
        let node = key
            .filter(|key| {
                credentials
                    .get(key)
                    .is_some_and(|c| secret::same(&c.token_sha256, &hash))
            })
            .and_then(|key| keys::name_in::<NodeId>(keys::CREDENTIALS, &key));
        Ok(node.map(|node| Caller::Agent { node }))
    }

    /// The nodes that have a credential: all whose agents have ever registered and that
    /// were not forgotten.
    pub fn agents(&self) -> Vec<NodeId> {
        let credentials = self.0.credentials.snapshot();
        credentials
            .iter()
            .filter_map(|(key, _)| keys::name_in(keys::CREDENTIALS, key))
            .collect()
    }

    /// Waits, for a moment, until what was just written of credentials is seen.
    pub async fn seen_agents(&self, revision: Revision) {
        seen(&self.0.credentials, revision).await;
    }

    pub fn levels(&self) -> Levels {
        Levels {
            tokens: self.0.tokens.snapshot().len(),
            sessions: self.0.sessions.snapshot().len(),
            hashes: self.0.passwords.busy(),
            attempts: self.0.attempts.remembered(),
        }
    }

    /// Values that could not be read, with the reason.
    pub fn broken(&self) -> Vec<String> {
        fn of<T>(state: &MirrorState<T>) -> impl Iterator<Item = String> {
            state
                .broken()
                .iter()
                .map(|(key, broken)| format!("{key}: {}", broken.reason))
        }
        let Inner {
            users,
            tokens,
            sessions,
            credentials,
            ..
        } = &*self.0;
        let mut all: Vec<String> = of(&users.snapshot()).collect();
        all.extend(of(&tokens.snapshot()));
        all.extend(of(&sessions.snapshot()));
        all.extend(of(&credentials.snapshot()));
        all
    }
}

/// Waits, for a moment, until a mirror has what was just written: whoever wrote it finds
/// it at its next call to this master.
pub(super) async fn seen<T: Send + Sync + 'static>(mirror: &Mirror<T>, revision: Revision) {
    let _ = timeout(SEEN_TIMEOUT, mirror.reached(revision)).await;
}

fn follow<T: DeserializeOwned + Send + Sync + 'static>(store: &DynStore, prefix: &str) -> Mirror<T> {
    Mirror::spawn(store.clone(), prefix, |kv: &KeyValue| {
        serde_json::from_slice(&kv.value).map_err(|e| e.to_string())
    })
}

/// Keys by the hash in their values, made anew when the mirror has moved.
#[derive(Default)]
struct ByHash(Mutex<(Revision, HashMap<String, Arc<str>>)>);

impl ByHash {
    fn key<T>(&self, state: &MirrorState<T>, hash: &str, of: impl Fn(&T) -> &String) -> Option<Arc<str>> {
        let mut index = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The count tells a store that was put back to an earlier revision, mostly; the
        // caller compares the value itself in any case.
        if index.0 != state.revision() || index.1.len() != state.len() {
            let all = state
                .iter()
                .map(|(key, entry)| (of(&entry.value).clone(), Arc::from(key)));
            *index = (state.revision(), all.collect());
        }
        index.1.get(hash).cloned()
    }
}
