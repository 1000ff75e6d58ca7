//! Setting a password: whoever is in with the old one is out.

use shared::{
    Revision,
    host::Host,
    keys,
    store::{Compare, DynStore, KeyValue, Outcome, TXN_OPS_MAX, Txn, Write},
};

use super::{AuthError, Session, User, password::Passwords, session::put};

/// At which revisions a password's change was written.
pub(super) struct Changed {
    pub user: Revision,
    /// The last one that ended sessions, if any did.
    pub sessions: Option<Revision>,
}

/// Sets the password of a user as it was read, and ends the user's sessions but the spared
/// one (its key). No login with the old password outlasts it: a session begins only while
/// its user is as it was when the password was checked ([`super::Accounts::login`]), so all
/// there are to end were made before the change.
///
/// # Errors
/// When the user was changed since, the store does not answer, or hashing failed. After the
/// store did not answer the password may be the new one, and sessions may be left.
pub(super) async fn set_password(
    store: &DynStore,
    (host, passwords): (&Host, &Passwords),
    stored: KeyValue,
    password: &str,
    spared: Option<&str>,
) -> Result<Changed, AuthError> {
    let name = stored.key.trim_start_matches(keys::USERS);
    let user: User = serde_json::from_slice(&stored.value)
        .map_err(|e| AuthError::Invalid(format!("the user {name} cannot be read: {e}")))?;
    let user = User {
        password: passwords.hash(host, password).await?,
        changed_at: host.now(),
        ..user
    };
    // Together with the change, so that nothing comes between; what began since, after it.
    let mut writes = vec![put(stored.key.clone(), &user)?];
    writes.extend(
        begun(store, &user, spared, Revision::MAX)
            .await?
            .take(TXN_OPS_MAX - 1),
    );
    let ends_sessions = writes.len() > 1;
    let txn = Txn {
        compares: vec![Compare::ModRevision(stored.key, stored.mod_revision)],
        writes,
    };
    let Outcome::Committed(changed) = store.txn(txn).await? else {
        return Err(AuthError::Raced);
    };
    let mut sessions = ends_sessions.then_some(changed);
    loop {
        let writes: Vec<Write> = begun(store, &user, spared, changed)
            .await?
            .take(TXN_OPS_MAX)
            .collect();
        if writes.is_empty() {
            return Ok(Changed {
                user: changed,
                sessions,
            });
        }
        let compares = Vec::new();
        if let Outcome::Committed(revision) = store.txn(Txn { compares, writes }).await? {
            sessions = Some(revision);
        }
    }
}

/// Ends the user's sessions that began before a revision.
async fn begun(
    store: &DynStore,
    user: &User,
    spared: Option<&str>,
    before: Revision,
) -> Result<impl Iterator<Item = Write>, AuthError> {
    let sessions = store.snapshot(keys::SESSIONS).await?.kvs.into_iter();
    let own = sessions.filter(move |kv| {
        kv.create_revision < before
            && Some(kv.key.as_str()) != spared
            && serde_json::from_slice::<Session>(&kv.value).is_ok_and(|session| session.user == user.name)
    });
    Ok(own.map(|kv| Write::Delete { key: kv.key }))
}
