//! The user `admin`: made for a fresh instance, and let in again by whoever has the store.

use shared::{
    host::Host,
    id::UserName,
    job::Author,
    keys,
    store::{Compare, DynStore, Outcome, Txn},
};

use super::{AuthError, User, change::set_password, password::Passwords, secret, session::put};

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
    let password = secret::password(host);
    set_password(store, (host, &Passwords::new()), stored, &password, None).await?;
    Ok(password)
}
