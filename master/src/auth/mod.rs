//! Who may call: people with a password and a session, programs with a token, agents
//! with the credential that they wrote into the store themselves.
//!
//! Everything is checked against mirrors of the store: what one master revokes ends at
//! all of them at once, and known credentials go on working while the store is down.
//! Only hashes are stored; no secret is ever logged.

mod accounts;
mod admin;
mod attempts;
mod change;
mod password;
mod secret;
mod session;
mod token;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use shared::{
    id::{NodeId, TokenName, UserName},
    job::Author,
    store::StoreError,
    time::Time,
};

pub use accounts::{Accounts, Levels};
pub use admin::{ADMIN, ensure_admin, reset_admin};
pub use attempts::REMEMBERED_MAX as ATTEMPTS_MAX;
pub use password::WAITING_MAX as HASHES_MAX;
pub use secret::{same, sha256};
pub use session::{LoggedIn, SESSION_LIFE, SESSIONS_PER_USER_MAX};
pub use token::{TOKENS_MAX, issue_token};

/// What do we store? A person who may log in, under `users/<name>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    pub name: UserName,
    /// Argon2id, as PHC text.
    pub password: String,
    pub created: Author,
    /// When the password was last set.
    pub changed_at: Time,
}

/// What do we store? An API token, under `tokens/<name>`. It is as good as its user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    pub name: TokenName,
    pub user: UserName,
    /// SHA-256 of the secret, in hex.
    pub secret_sha256: String,
    pub created: Author,
}

/// What do we store? A login, under `sessions/<SHA-256 of its secret>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    pub user: UserName,
    pub created_at: Time,
    pub expires_at: Time,
}

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    Token {
        user: UserName,
        token: TokenName,
    },
    /// With what a browser must repeat in each write.
    Session {
        user: UserName,
        key: String,
        csrf: String,
    },
    Agent {
        node: NodeId,
    },
}

impl Caller {
    /// As authors of changes are shown.
    pub fn name(&self) -> String {
        match self {
            Caller::Token { user, token } => format!("{user} (token {token})"),
            Caller::Session { user, .. } => user.to_string(),
            Caller::Agent { node } => format!("agent {node}"),
        }
    }

    pub fn author(&self, at: Time) -> Author {
        Author { by: self.name(), at }
    }

    /// The person behind it.
    pub fn user(&self) -> Option<&UserName> {
        match self {
            Caller::Token { user, .. } | Caller::Session { user, .. } => Some(user),
            Caller::Agent { .. } => None,
        }
    }
}

#[derive(Clone, Debug, thiserror::Error)]
pub enum AuthError {
    #[error("the user name or the password is wrong")]
    WrongPassword,
    #[error("too many failed logins")]
    TooManyAttempts { wait: Duration },
    #[error("too many logins at this moment")]
    Busy,
    /// Nobody can be told from anybody yet.
    #[error("this master has not read its users from the store yet")]
    NotReady,
    #[error("{0}")]
    Invalid(String),
    #[error("there is no user named `{0}`")]
    NoUser(UserName),
    #[error("there is already a token named `{0}`")]
    TokenExists(TokenName),
    #[error("there is no token named `{0}`")]
    NoToken(TokenName),
    /// Somebody else changed the same thing at the same moment.
    #[error("it was changed by someone else at the same moment")]
    Raced,
    #[error("a password could not be hashed: {0}")]
    Hash(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}
