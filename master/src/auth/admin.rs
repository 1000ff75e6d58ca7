//! The user `admin`: made for a fresh instance, and let in again by whoever has the store.

use shared::{
    host::Host,
    id::UserName,
    job::Author,
    keys,
    store::{Compare, DynStore, Outcome, TXN_OPS_MAX, Txn, Write},
};

use super::{AuthError, Session, User, password::Passwords, secret, session::put};

/// The user that a fresh instance has.
pub const ADMIN: &str = "admin";

/// Makes the user `admin` with a random password, where there is no user at all. Returns
/// the password, to be shown this once; `None` where somebody is there already, another
/// master that starts at this moment included.
///
/// # Errors
/// When the store does not answer.
pub async fn ensure_admin(store: &DynStore, host: &Host) -> Result<Option<String>, AuthError> {
    if !store.snapshot(keys::USERS).await?.kvs.is_empty() {
        return Ok(None);
    }
    let name: UserName = ADMIN.parse().map_err(AuthError::Invalid)?;
    let password = secret::password(host);
    let user = User {
        password: Passwords::new().hash(host, &password).await?,
        created: Author {
            by: "gnomon".to_owned(),
            at: host.now(),
        },
        changed_at: host.now(),
        name,
    };
    let key = keys::user(&user.name);
    let txn = Txn {
        compares: vec![Compare::CreateRevision(key.clone(), 0)],
        writes: vec![put(key, &user)?],
    };
    match store.txn(txn).await? {
        Outcome::Committed(_) => Ok(Some(password)),
        Outcome::Refused(_) => Ok(None),
    }
}

/// Gives the user `admin` a new random password and ends that user's sessions. For the host's
/// command line: whoever may write to the store may do everything anyway. Masters that run see
/// it at once. API tokens stay; they are revoked by name. Returns the password.
///
/// # Errors
/// When there is no such user, the store does not answer, or somebody else changes the user
/// at this moment.
pub async fn reset_admin(store: &DynStore, host: &Host) -> Result<String, AuthError> {
    let name: UserName = ADMIN.parse().map_err(AuthError::Invalid)?;
    let key = keys::user(&name);
    let Some(stored) = store.get(&key).await? else {
        return Err(AuthError::NoUser(name));
    };
    let user: User = serde_json::from_slice(&stored.value)
        .map_err(|e| AuthError::Invalid(format!("the user {name} cannot be read: {e}")))?;
    let password = secret::password(host);
    let user = User {
        password: Passwords::new().hash(host, &password).await?,
        changed_at: host.now(),
        ..user
    };
    let sessions = store.snapshot(keys::SESSIONS).await?.kvs.into_iter();
    let own = sessions.filter(|kv| {
        serde_json::from_slice::<Session>(&kv.value).is_ok_and(|session| session.user == user.name)
    });
    let mut writes = vec![put(key.clone(), &user)?];
    writes.extend(own.take(TXN_OPS_MAX - 1).map(|kv| Write::Delete { key: kv.key }));
    let txn = Txn {
        compares: vec![Compare::ModRevision(key, stored.mod_revision)],
        writes,
    };
    match store.txn(txn).await? {
        Outcome::Committed(_) => Ok(password),
        Outcome::Refused(_) => Err(AuthError::Raced),
    }
}
