//! Every key in the store, written and read in one place (DESIGN section 4).

use crate::id::{CalendarName, GroupName, JobId, JobPath, MasterId, NodeId, RunId, TokenName, UserName};

pub const JOBS: &str = "jobs/";
pub const GROUPS: &str = "groups/";
pub const CALENDARS: &str = "calendars/";
pub const NODES: &str = "nodes/";
pub const INTENT: &str = "intent/";
pub const CREDENTIALS: &str = "credentials/";
pub const MASTERS: &str = "masters/";
pub const LEADER: &str = "leader";
pub const ASSIGN: &str = "assign/";
/// Assignments of every-node jobs: each agent reads them and matches itself.
pub const ASSIGN_EVERY: &str = "assign/*/";
pub const CURSOR: &str = "cursor/";
pub const ORDERS: &str = "orders/";
/// What the leader still has to tell the history: see [`crate::assign::Owed`].
pub const OWED: &str = "owed/";
/// Compared and rewritten by every transaction of the leader, so that they form one
/// chain: one whose answer was lost and that arrives late finds it moved on.
pub const PLAN: &str = "plan";
/// Written by whoever names a calendar or a group, compared by whoever deletes one.
pub const NAMED: &str = "named";
/// People who may log in, and the tokens and sessions made for them.
pub const USERS: &str = "users/";
pub const TOKENS: &str = "tokens/";
pub const SESSIONS: &str = "sessions/";

pub fn job(path: &JobPath) -> String {
    format!("{JOBS}{}/{}", path.namespace, path.name)
}

pub fn group(name: &GroupName) -> String {
    format!("{GROUPS}{name}")
}

pub fn calendar(name: &CalendarName) -> String {
    format!("{CALENDARS}{name}")
}

pub fn node(id: &NodeId) -> String {
    format!("{NODES}{id}")
}

pub fn intent(id: &NodeId) -> String {
    format!("{INTENT}{id}")
}

pub fn credential(id: &NodeId) -> String {
    format!("{CREDENTIALS}{id}")
}

pub fn master(id: &MasterId) -> String {
    format!("{MASTERS}{id}")
}

pub fn user(name: &UserName) -> String {
    format!("{USERS}{name}")
}

pub fn token(name: &TokenName) -> String {
    format!("{TOKENS}{name}")
}

/// By the SHA-256 of the session's secret, in hex.
pub fn session(secret_sha256: &str) -> String {
    format!("{SESSIONS}{secret_sha256}")
}

/// The assignments of one node's slots.
pub fn assign_node(node: &NodeId) -> String {
    format!("{ASSIGN}{node}/")
}

pub fn assign_slot(node: &NodeId, job: JobId, slot: u32) -> String {
    format!("{ASSIGN}{node}/{job}/{slot}")
}

pub fn assign_every(job: JobId) -> String {
    format!("{ASSIGN_EVERY}{job}")
}

pub fn cursor(job: JobId, slot: u32) -> String {
    format!("{CURSOR}{job}/{slot}")
}

pub fn orders_node(node: &NodeId) -> String {
    format!("{ORDERS}{node}/")
}

pub fn order(node: &NodeId, run: RunId) -> String {
    format!("{ORDERS}{node}/{run}")
}

/// Beside the run's own order, so that an order to kill never replaces one to run.
pub fn order_kill(node: &NodeId, run: RunId) -> String {
    format!("{ORDERS}{node}/{run}-kill")
}

/// Fires that a node had claimed when its slot was taken from it; `run` is the cursor's.
pub fn owed_claimed(run: RunId) -> String {
    format!("{OWED}claimed/{run}")
}

/// A run that the leader has ordered, or ended.
pub fn owed_run(run: RunId) -> String {
    format!("{OWED}run/{run}")
}

/// What an assignment's key says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AssignKey {
    Slot { node: NodeId, job: JobId, slot: u32 },
    Every { job: JobId },
}

impl AssignKey {
    pub fn parse(key: &str) -> Option<AssignKey> {
        let mut parts = key.strip_prefix(ASSIGN)?.split('/');
        let (node, job) = (parts.next()?, parts.next()?.parse().ok()?);
        match (node, parts.next(), parts.next()) {
            ("*", None, None) => Some(AssignKey::Every { job }),
            (node, Some(slot), None) => Some(AssignKey::Slot {
                node: node.parse().ok()?,
                job,
                slot: slot.parse().ok()?,
            }),
            _ => None,
        }
    }
}

/// The job and slot that a cursor's key says.
pub fn parse_cursor(key: &str) -> Option<(JobId, u32)> {
    let (job, slot) = key.strip_prefix(CURSOR)?.split_once('/')?;
    Some((job.parse().ok()?, slot.parse().ok()?))
}

/// The node and run that an order's key says.
pub fn parse_order(key: &str) -> Option<(NodeId, RunId)> {
    let (node, run) = key.strip_prefix(ORDERS)?.split_once('/')?;
    Some((
        node.parse().ok()?,
        run.strip_suffix("-kill").unwrap_or(run).parse().ok()?,
    ))
}

/// The name behind a prefix, such as the node of `nodes/<node>`.
pub fn name_in<T: std::str::FromStr>(prefix: &str, key: &str) -> Option<T> {
    key.strip_prefix(prefix)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_written() {
        let node: NodeId = "db1".parse().unwrap();
        let job: JobId = "01HV5TQ4WM0000000000000000".parse().unwrap();
        let run: RunId = "01HV5TQ4WM0000000000000001".parse().unwrap();
        assert_eq!(
            AssignKey::parse(&assign_slot(&node, job, 3)),
            Some(AssignKey::Slot {
                node: node.clone(),
                job,
                slot: 3
            })
        );
        assert_eq!(
            AssignKey::parse(&assign_every(job)),
            Some(AssignKey::Every { job })
        );
        assert_eq!(parse_cursor(&cursor(job, 3)), Some((job, 3)));
        assert_eq!(parse_order(&order(&node, run)), Some((node.clone(), run)));
        assert_eq!(parse_order(&order_kill(&node, run)), Some((node.clone(), run)));
        assert_eq!(name_in::<NodeId>(NODES, &super::node(&node)), Some(node));
        assert_eq!(AssignKey::parse("assign/x"), None);
    }
}
