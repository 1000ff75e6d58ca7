//! The HTTP API: every path and every body that has no better place.
//!
//! Bodies that are nouns of their own stand with them: [`crate::job::JobSpec`],
//! [`crate::history::RunView`], [`crate::report::Batch`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    Revision,
    file::value::Read,
    id::{GroupName, JobId, JobPath, MasterId, NodeId, RunId},
    job::{Author, JobSpec},
    node::{Intent, Node},
    report::{Health, Stream},
    schedule::{Lang, Listing, Zone},
    target::{Labels, NodeSet},
    time::Time,
};

pub mod calendars;
pub mod ticks;
pub mod board;
pub mod judge;
pub mod load;
pub mod overview;
pub mod timeline;
pub mod work;
#[cfg(feature = "openapi")]
pub(crate) mod schema;

pub const BASE: &str = "/api/v1";
/// The cookie of a session that began with a login.
pub const SESSION_COOKIE: &str = "gnomon_session";
/// The header in which a cookie-authenticated write repeats the session's CSRF token.
pub const CSRF_HEADER: &str = "x-gnomon-csrf";

/// Paths below [`BASE`]; `{}` parts are filled by the functions of the same name.
pub mod paths {
    pub const LOGIN: &str = "/login";
    pub const LOGOUT: &str = "/logout";
    pub const WHOAMI: &str = "/whoami";
    pub const PASSWORD: &str = "/password";
    /// What the first login needs to know; open to anybody.
    pub const LOGIN_HINT: &str = "/login/hint";
    pub const TOKENS: &str = "/tokens";
    pub const TOKEN: &str = "/tokens/{name}";
    /// Every job at a glance: [`super::board`].
    pub const BOARD: &str = "/board";
    /// What needs attention, the day, what runs: [`super::overview`].
    pub const OVERVIEW: &str = "/overview";
    /// Runs and what is planned over time: [`super::timeline`].
    pub const TIMELINE: &str = "/timeline";
    pub const ABOUT: &str = "/about";
    pub const JOBS: &str = "/jobs";
    /// One order for many jobs: POST of [`super::work::Bulk`].
    pub const JOBS_BULK: &str = "/jobs/bulk";
    /// Applies job files whole: POST of [`super::Apply`].
    pub const APPLY: &str = "/apply";
    pub const JOB: &str = "/jobs/{namespace}/{name}";
    pub const JOB_PAUSE: &str = "/jobs/{namespace}/{name}/pause";
    pub const JOB_RESUME: &str = "/jobs/{namespace}/{name}/resume";
    pub const JOB_RUN: &str = "/jobs/{namespace}/{name}/run";
    pub const JOB_WHERE: &str = "/jobs/{namespace}/{name}/where";
    pub const JOB_WHY: &str = "/jobs/{namespace}/{name}/why";
    /// A job's newest runs for a picture: [`super::timeline::JobHistory`].
    pub const JOB_HISTORY: &str = "/jobs/{namespace}/{name}/history";
    pub const JOB_NEXT: &str = "/jobs/{namespace}/{name}/next";
    pub const RUNS: &str = "/runs";
    pub const RUN: &str = "/runs/{id}";
    pub const RUN_KILL: &str = "/runs/{id}/kill";
    pub const RUN_OUTPUT: &str = "/runs/{id}/output";
    pub const RUN_OUTPUT_LIVE: &str = "/runs/{id}/output/live";
    pub const NODES: &str = "/nodes";
    pub const NODE: &str = "/nodes/{node}";
    /// What belongs to it and what it does: [`super::work::NodeWork`].
    pub const NODE_WORK: &str = "/nodes/{node}/work";
    pub const NODE_INTENT: &str = "/nodes/{node}/intent";
    pub const GROUPS: &str = "/groups";
    pub const GROUP: &str = "/groups/{name}";
    pub const CALENDARS: &str = "/calendars";
    pub const CALENDAR: &str = "/calendars/{name}";
    pub const SCHEDULE_PREVIEW: &str = "/schedule/preview";
    pub const STATUS: &str = "/status";
    pub const STATISTICS: &str = "/statistics";
    pub const FINDINGS: &str = "/findings";
    pub const EVENTS: &str = "/events";
    pub const BACKUP: &str = "/backup";
    pub const RESTORE: &str = "/restore";
    pub const OPENAPI: &str = "/openapi.json";
    /// Where agents send [`crate::report::Batch`]es.
    pub const REPORTS: &str = "/agent/reports";
}

/// The body of every answer that is not a success.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErrorBody {
    pub error: ApiError,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read, thiserror::Error)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[error("{message}")]
pub struct ApiError {
    pub code: ErrorCode,
    /// What is wrong, and where.
    pub message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The field of the request that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// 400 or 422: the request itself is wrong.
    Invalid,
    /// 401: no credential, or a wrong one.
    Unauthenticated,
    /// 403: this credential may not do that.
    Forbidden,
    /// 404
    NotFound,
    /// 409: it exists, or is in a state that does not allow this.
    Conflict,
    /// 412: it has changed since it was read.
    Stale,
    /// 413
    TooLarge,
    /// 429
    TooMany,
    /// 503: the store or the database does not answer; try again.
    Unavailable,
    /// 500
    Internal,
}

/// A page of a list, and where the next one starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Give it as `cursor` to get the next page; none if this is the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Login {
    pub user: String,
    pub password: String,
}

/// Who the credential is; after a login, with what a browser needs for writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WhoAmI {
    pub user: String,
    /// The token's name, if a token was used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// For [`CSRF_HEADER`], if a session cookie was used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub csrf: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ChangePassword {
    pub current: String,
    pub new: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    pub name: String,
}

/// A token that exists; `secret` only in the answer that made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenView {
    pub name: String,
    pub created: Author,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// A job as lists and pages show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobView {
    pub id: JobId,
    pub revision: Revision,
    pub spec: JobSpec,
    pub since: Time,
    pub created: Author,
    pub updated: Author,
    /// The next instant at which it is due and no calendar suppresses it, if there is one.
    pub next: Option<Time>,
    /// Why slots have no node, in words; empty if all are placed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unplaced: Vec<String>,
}

/// Specs to make so: all are checked before anything is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Apply {
    pub jobs: Vec<JobSpec>,
    #[serde(default)]
    pub dry_run: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Applied {
    pub job: JobPath,
    pub action: ApplyAction,
    pub revision: Option<Revision>,
    /// For an update: a unified diff of the specs as YAML.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ApplyAction {
    Create,
    Update,
    Unchanged,
}

/// Run a job now.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct RunNow {
    /// Laid over the job's environment.
    pub env: BTreeMap<String, String>,
    /// On this node instead of where it belongs.
    pub node: Option<NodeId>,
    /// Only this slot; every slot if none.
    pub slot: Option<u32>,
}

/// The runs that were ordered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Ordered {
    pub runs: Vec<OrderedRun>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrderedRun {
    pub id: RunId,
    pub node: NodeId,
    pub slot: Option<u32>,
}

/// Where a job runs and why: each slot's owner, and each node's standing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Whereabouts {
    pub slots: Vec<SlotView>,
    pub nodes: Vec<Standing>,
    /// The calendars that decide when it may run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calendars: Vec<calendars::CalendarStanding>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SlotView {
    pub slot: u32,
    pub node: Option<NodeId>,
    /// The last claimed instant.
    pub claimed: Option<Time>,
    /// Why it has no node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What a node is to a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Standing {
    pub node: NodeId,
    pub matches: bool,
    /// Why not; or why it would be chosen.
    pub why: String,
}

/// Why a job did or did not run at an instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Why {
    pub job: JobPath,
    pub at: Time,
    /// The answer in words, the most important sentence first.
    pub answer: Vec<String>,
    pub runs: Vec<crate::history::RunView>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Kill {
    #[serde(default)]
    pub reason: String,
}

/// A piece of output as the API shows it. Bytes that are not UTF-8 are replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OutputView {
    pub seq: u64,
    pub stream: Stream,
    pub at: Time,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NodeView {
    pub id: NodeId,
    /// What its living agent says; none if it is down.
    pub node: Option<Node>,
    pub intent: Intent,
    /// The labels that count.
    pub labels: Labels,
    pub state: NodeState,
    pub slots: u32,
    /// How its agent was when it last reported, to whichever master; the others hear of it
    /// some seconds later.
    pub health: Option<Health>,
    /// Its clock less that master's, in milliseconds.
    pub clock_offset_ms: Option<i64>,
    /// When it last reported.
    pub last_seen: Option<Time>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum NodeState {
    Ready,
    Cordoned,
    Draining,
    Down,
}

/// A change of an operator's wishes: what is given is changed.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct IntentPatch {
    pub cordoned: Option<bool>,
    pub draining: Option<bool>,
    /// A value of null takes the operator's label back; an empty one removes the node's own.
    pub labels: Option<BTreeMap<String, Option<String>>>,
    pub alias: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupView {
    pub name: GroupName,
    pub revision: Revision,
    pub set: NodeSet,
    /// The nodes it matches now.
    pub members: Vec<NodeId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Status {
    pub version: String,
    pub master: MasterId,
    pub leader: Option<MasterId>,
    pub masters: Vec<MasterId>,
    pub store: Part,
    pub database: Part,
    pub nodes: u32,
    pub nodes_down: u32,
    pub jobs: u32,
    /// Values in the store that could not be read, with the reason.
    pub broken: Vec<String>,
    pub tzdb: String,
    pub now: Time,
}

/// A part that Gnomon needs, and how it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Part {
    pub kind: String,
    pub ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PreviewRequest {
    pub trigger: crate::job::Trigger,
    /// Instants after this one; now unless given.
    #[serde(default)]
    pub from: Option<Time>,
    /// 10 unless given, 1,000 at most.
    #[serde(default)]
    pub count: Option<u32>,
    /// Another zone to show the instants in.
    #[serde(default)]
    pub also: Option<Zone>,
    /// The calendars that the job is to name; those that do not exist cover nothing.
    #[serde(default)]
    pub calendars: crate::calendar::Calendars,
    /// The job whose trigger it is: it decides what `H` stands for.
    #[serde(default)]
    pub job: Option<JobId>,
    /// The language of the words; English unless given.
    #[serde(default)]
    pub lang: Lang,
}

pub use crate::schedule::Preview;

/// When a job is due next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NextFires {
    /// Its triggers in words.
    pub triggers: Vec<String>,
    pub fires: Vec<NextFire>,
    /// Nothing of it is due while it is paused.
    pub paused: bool,
    /// The fires' instants in local times.
    #[serde(flatten)]
    pub listing: Listing,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NextFire {
    /// The instant: what the fire is known by.
    pub at: Time,
    /// When it starts: the instant and its jitter.
    pub start_at: Time,
    /// Why it will be skipped, if a calendar suppresses it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suppressed: Option<crate::run::Reason>,
}

/// What an event of [`paths::EVENTS`] says. `run` events carry a
/// [`crate::history::RunView`] instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Changed {
    Jobs,
    Nodes,
    Groups,
    /// Who owns which slot.
    Slots,
    /// Masters and who leads.
    Masters,
    Tokens,
    Calendars,
    /// Runs were recorded: here, if `run` events are not asked for, or by another master.
    Runs,
    /// The connection is new, or more happened than could be told: look at everything again.
    All,
}

/// What a restore brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Restored {
    /// Jobs, groups, users and the like.
    pub keys: u64,
    pub runs: u64,
    pub chunks: u64,
}
