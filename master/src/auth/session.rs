//! Logging in, out, and changing a password.

use std::{net::IpAddr, sync::Arc, time::Duration};

use shared::{
    Revision,
    api::{ChangePassword, Login},
    id::UserName,
    keys,
    store::{Compare, Outcome, TXN_OPS_MAX, Txn, Write},
};
use tokio::time::Instant;

use super::{
    Accounts, AuthError, Caller, Session, User,
    accounts::seen,
    change::set_password,
    password::{PASSWORD_MAX, PASSWORD_MIN},
    secret,
};

/// How long a login lasts.
pub const SESSION_LIFE: Duration = Duration::from_secs(7 * 86_400);
/// A further login of the same user ends the oldest one.
pub const SESSIONS_PER_USER_MAX: usize = 50;
/// How often a password is checked anew because its user was changed meanwhile.
const RACES_MAX: u32 = 3;

/// A login that was made: its secret is for the cookie and stands nowhere else.
pub struct LoggedIn {
    pub secret: String,
    pub csrf: String,
    pub user: UserName,
}

impl Accounts {
    /// Checks a password and makes a session.
    pub async fn login(&self, login: &Login, from: IpAddr) -> Result<LoggedIn, AuthError> {
        // What cannot be a user's name is not looked up; it costs as much as a wrong one.
        let name = login.user.parse::<UserName>().ok();
        let known_as = name.as_ref().map_or("", UserName::as_str);
        self.0
            .attempts
            .begin(from, known_as, Instant::now())
            .map_err(|wait| AuthError::TooManyAttempts { wait })?;
        let users = self.0.users.snapshot();
        if !users.is_ready() {
            return Err(AuthError::NotReady);
        }
        let mut known = name.and_then(|name| {
            let entry = users.entry(&keys::user(&name))?;
            Some((entry.value.clone(), entry.mod_revision))
        });
        let may_be = login.password.len() <= PASSWORD_MAX;
        let password = if may_be { login.password.as_str() } else { "" };
        for _ in 0..RACES_MAX {
            let phc = known
                .as_ref()
                .filter(|_| may_be)
                .map(|(user, _)| user.password.as_str());
            let is_right = self.0.passwords.check(&self.0.host, password, phc).await?;
            let Some((user, revision)) = known.filter(|_| is_right) else {
                return Err(AuthError::WrongPassword);
            };
            self.0.attempts.succeeded(from, user.name.as_str());
            if let Some(logged_in) = self.begin(&user.name, revision).await? {
                return Ok(logged_in);
            }
            // The user was changed meanwhile: is it still the password?
            known = self.read(&user.name).await?;
        }
        Err(AuthError::Raced)
    }

    /// A user as the store has it, with its revision.
    async fn read(&self, name: &UserName) -> Result<Option<(Arc<User>, Revision)>, AuthError> {
        let Some(stored) = self.0.store.get(&keys::user(name)).await? else {
            return Ok(None);
        };
        let user = serde_json::from_slice(&stored.value).map_err(|e| AuthError::Invalid(e.to_string()))?;
        Ok(Some((Arc::new(user), stored.mod_revision)))
    }

    /// Makes a session of a user whose password was checked at this revision; `None` if the
    /// user has changed since.
    async fn begin(&self, user: &UserName, checked: Revision) -> Result<Option<LoggedIn>, AuthError> {
        let secret = secret::random(&self.0.host);
        let now = self.0.host.now();
        let session = Session {
            user: user.clone(),
            created_at: now,
            expires_at: now + SESSION_LIFE,
        };
        let key = keys::session(&secret::sha256(&secret));
        let mut writes = vec![put(key, &session)?];
        writes.extend(
            self.outdated(user)
                .into_iter()
                .take(TXN_OPS_MAX - 1)
                .map(|key| Write::Delete { key }),
        );
        let compares = vec![Compare::ModRevision(keys::user(user), checked)];
        let Outcome::Committed(revision) = self.0.store.txn(Txn { compares, writes }).await? else {
            return Ok(None);
        };
        seen(&self.0.sessions, revision).await;
        Ok(Some(LoggedIn {
            csrf: secret::csrf(&secret),
            secret,
            user: user.clone(),
        }))
    }

    /// Sessions that a new one of this user clears away: anybody's expired ones, and the
    /// user's own oldest beyond the bound.
    fn outdated(&self, user: &UserName) -> Vec<String> {
        let now = self.0.host.now();
        let sessions = self.0.sessions.snapshot();
        let (mut gone, mut own) = (Vec::new(), Vec::new());
        for (key, entry) in sessions.iter() {
            if entry.value.expires_at <= now {
                gone.push(key.to_owned());
            } else if entry.value.user == *user {
                own.push((entry.value.created_at, key.to_owned()));
            }
        }
        own.sort();
        let beyond = (own.len() + 1).saturating_sub(SESSIONS_PER_USER_MAX);
        gone.extend(own.into_iter().take(beyond).map(|(_, key)| key));
        gone
    }

    /// Ends the caller's session. A token has none: that is no error.
    pub async fn logout(&self, caller: &Caller) -> Result<(), AuthError> {
        let Caller::Session { key, .. } = caller else {
            return Ok(());
        };
        let writes = vec![Write::Delete { key: key.clone() }];
        if let Outcome::Committed(revision) = self
            .0
            .store
            .txn(Txn {
                compares: vec![],
                writes,
            })
            .await?
        {
            seen(&self.0.sessions, revision).await;
        }
        Ok(())
    }

    /// Changes the caller's own password, and ends all other sessions: whoever had the
    /// old one is out. Tokens stay; they are revoked by name.
    pub async fn change_password(
        &self,
        caller: &Caller,
        change: &ChangePassword,
        from: IpAddr,
    ) -> Result<(), AuthError> {
        let Some(name) = caller.user() else {
            return Err(AuthError::Invalid("an agent has no password".into()));
        };
        check_new(&change.new)?;
        self.0
            .attempts
            .begin(from, name.as_str(), Instant::now())
            .map_err(|wait| AuthError::TooManyAttempts { wait })?;
        let key = keys::user(name);
        let stored = self.0.store.get(&key).await?.ok_or(AuthError::WrongPassword)?;
        let user: User =
            serde_json::from_slice(&stored.value).map_err(|e| AuthError::Invalid(e.to_string()))?;
        if !self
            .0
            .passwords
            .check(&self.0.host, &change.current, Some(&user.password))
            .await?
        {
            return Err(AuthError::WrongPassword);
        }
        self.0.attempts.succeeded(from, name.as_str());
        let mine = match caller {
            Caller::Session { key, .. } => Some(key.as_str()),
            _ => None,
        };
        let with = (&self.0.host, &self.0.passwords);
        let changed = set_password(&self.0.store, with, stored, &change.new, mine).await?;
        seen(&self.0.users, changed.user).await;
        if let Some(revision) = changed.sessions {
            seen(&self.0.sessions, revision).await;
        }
        Ok(())
    }
}

fn check_new(password: &str) -> Result<(), AuthError> {
    let chars = password.chars().count();
    if chars < PASSWORD_MIN {
        return Err(AuthError::Invalid(format!(
            "the new password has {chars} characters; give it at least {PASSWORD_MIN}"
        )));
    }
    if password.len() > PASSWORD_MAX {
        return Err(AuthError::Invalid(format!(
            "the new password is longer than {PASSWORD_MAX} bytes"
        )));
    }
    Ok(())
}

pub(super) fn put<T: serde::Serialize>(key: String, value: &T) -> Result<Write, AuthError> {
    let value = serde_json::to_vec(value).map_err(|e| AuthError::Invalid(e.to_string()))?;
    Ok(Write::Put {
        key,
        value,
        lease: None,
    })
}
