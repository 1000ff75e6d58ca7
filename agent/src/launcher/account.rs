//! Whom a process runs as: users and groups by name or number, as this host knows them.

use nix::unistd::{Gid, Group, Uid, User, getgrouplist};
use std::ffi::CString;

use super::kernel::Identity;
use crate::parts::StartError;

/// A user of this host, ready to become.
pub struct Account {
    pub name: String,
    pub home: String,
    /// None: the process stays who the agent is.
    pub identity: Option<Identity>,
}

/// Finds the user and the group on this host. May take long where names come from the
/// network.
pub fn resolve(user: Option<&str>, group: Option<&str>) -> Result<Account, StartError> {
    let agent = Uid::effective();
    let found = match user {
        Some(user) => find_user(user)?,
        None => Found::Known(by_uid(agent)?.unwrap_or_else(|| nameless(agent))),
    };
    let group = group.map(find_group).transpose()?;
    let (uid, gid, name, home) = match found {
        Found::Known(u) => (
            u.uid,
            group.unwrap_or(u.gid),
            u.name,
            u.dir.to_string_lossy().into_owned(),
        ),
        Found::Number(uid) => {
            let gid = group.ok_or_else(|| {
                StartError::Failed(format!(
                    "this host has no account for user number {uid}: give `group`, too"
                ))
            })?;
            (uid, gid, uid.to_string(), "/".to_owned())
        }
    };
    if !agent.is_root() {
        return not_root(agent, uid, group).map(|()| Account {
            name,
            home,
            identity: None,
        });
    }
    if user.is_none() && group.is_none() {
        return Ok(Account {
            name,
            home,
            identity: None,
        });
    }
    let groups = supplementary(&name, gid)?;
    Ok(Account {
        name,
        home,
        identity: Some(Identity { uid, gid, groups }),
    })
}

enum Found {
    Known(User),
    Number(Uid),
}

/// An agent that is not root can be nobody but itself.
fn not_root(agent: Uid, uid: Uid, group: Option<Gid>) -> Result<(), StartError> {
    let itself = by_uid(agent)?.map_or_else(|| agent.to_string(), |user| user.name);
    if uid != agent {
        return Err(StartError::Rejected(format!(
            "the agent runs as `{itself}` and may not start processes as another user: run the agent as root, or leave out `user`"
        )));
    }
    if group.is_some_and(|group| group != Gid::effective()) {
        return Err(StartError::Rejected(format!(
            "the agent runs as `{itself}` and may not change its group: run the agent as root, or leave out `group`"
        )));
    }
    Ok(())
}

fn find_user(user: &str) -> Result<Found, StartError> {
    if let Some(found) = User::from_name(user).map_err(|e| lookup_failed("user", user, e))? {
        return Ok(Found::Known(found));
    }
    let Ok(number) = user.parse::<u32>() else {
        return Err(StartError::Failed(format!(
            "there is no user `{user}` on this host"
        )));
    };
    let uid = Uid::from_raw(number);
    Ok(by_uid(uid)?.map_or(Found::Number(uid), Found::Known))
}

fn find_group(group: &str) -> Result<Gid, StartError> {
    if let Some(found) = Group::from_name(group).map_err(|e| lookup_failed("group", group, e))? {
        return Ok(found.gid);
    }
    group
        .parse::<u32>()
        .map(Gid::from_raw)
        .map_err(|_| StartError::Failed(format!("there is no group `{group}` on this host")))
}

fn supplementary(name: &str, gid: Gid) -> Result<Vec<Gid>, StartError> {
    let Ok(c_name) = CString::new(name) else {
        return Ok(vec![gid]);
    };
    getgrouplist(&c_name, gid).map_err(|e| lookup_failed("groups of user", name, e))
}

fn by_uid(uid: Uid) -> Result<Option<User>, StartError> {
    User::from_uid(uid).map_err(|e| lookup_failed("user", &uid.to_string(), e))
}

fn nameless(uid: Uid) -> User {
    User {
        name: uid.to_string(),
        passwd: CString::default(),
        uid,
        gid: Gid::effective(),
        gecos: CString::default(),
        dir: "/".into(),
        shell: "/bin/sh".into(),
    }
}

fn lookup_failed(what: &str, name: &str, error: nix::Error) -> StartError {
    StartError::Failed(format!("the {what} `{name}` could not be looked up: {error}"))
}
