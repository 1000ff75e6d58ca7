//! The first user of a fresh instance.

use shared::{
    host::Host,
    id::UserName,
    job::Author,
    keys,
    store::{Compare, DynStore, Outcome, Txn, Write},
};

use super::{AuthError, User, password::Passwords, secret};

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
    let value = serde_json::to_vec(&user).map_err(|e| AuthError::Invalid(e.to_string()))?;
    let txn = Txn {
        compares: vec![Compare::CreateRevision(key.clone(), 0)],
        writes: vec![Write::Put {
            key,
            value,
            lease: None,
        }],
    };
    match store.txn(txn).await? {
        Outcome::Committed(_) => Ok(Some(password)),
        Outcome::Refused(_) => Ok(None),
    }
}
