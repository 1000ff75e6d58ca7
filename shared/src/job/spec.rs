//! The job's spec: one to one the job file.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{action::RunSpec, trigger::Trigger};
pub use crate::target::Balance;
use crate::{
    calendar::Calendars,
    file::value::{self, Read},
    id::{JobName, JobPath, Namespace},
    target::{Labels, Place, Target, label_key, label_value},
    units::Span,
};

/// What a person says of a job: what, when and where. Valid by construction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(try_from = "JobFile", into = "JobFile")]
pub struct JobSpec {
    pub name: JobName,
    pub namespace: Namespace,
    pub description: String,
    pub labels: Labels,
    pub run: RunSpec,
    /// None: the job runs when someone says so. Instants of several are one sequence.
    pub triggers: Vec<Trigger>,
    /// Calendars that instants keep out of, or keep to.
    pub calendars: Calendars,
    pub target: Target,
    pub overlap: Overlap,
    pub misfire: Misfire,
    pub retry: Retry,
    pub on_lost: OnLost,
    pub isolation: Isolation,
    pub keep: Keep,
    pub paused: bool,
}

impl JobSpec {
    pub fn path(&self) -> JobPath {
        JobPath {
            namespace: self.namespace.clone(),
            name: self.name.clone(),
        }
    }

    /// A spec with every default, for tests and for code that fills in the rest.
    pub fn new(name: JobName, run: RunSpec) -> JobSpec {
        JobSpec {
            name,
            namespace: Namespace::default(),
            description: String::new(),
            labels: Labels::new(),
            run,
            triggers: Vec::new(),
            calendars: Calendars::default(),
            target: Target::default(),
            overlap: Overlap::default(),
            misfire: Misfire::default(),
            retry: Retry::default(),
            on_lost: OnLost::default(),
            isolation: Isolation::default(),
            keep: Keep::default(),
            paused: false,
        }
    }

    /// Whether what decides the due instants is the same: if it is not, instants before
    /// the change never count. The place is part of it: a slot that is new has no cursor
    /// and must not catch up with the job's whole past. Calendars are not: they decide what
    /// becomes of an instant, and not which there are.
    pub fn same_schedule(&self, other: &JobSpec) -> bool {
        self.triggers == other.triggers
            && self.paused == other.paused
            && self.target.place == other.target.place
    }
}

/// What to do when a fire is due while runs of the same slot (or node) are going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(from = "OverlapFile", into = "OverlapFile")]
pub struct Overlap {
    pub policy: OverlapPolicy,
    /// How many may run at once; for `allow`, none more than this.
    pub limit: u32,
    /// How many may wait with `queue`; a fire beyond that is skipped.
    pub queue: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum OverlapPolicy {
    /// The new fire is skipped.
    #[default]
    Skip,
    /// The new fire waits its turn.
    Queue,
    /// The oldest run is stopped, then the new fire starts.
    Replace,
    /// They run side by side. `limit` is then a bound with a default of 100.
    Allow,
}

impl Default for Overlap {
    fn default() -> Overlap {
        Overlap {
            policy: OverlapPolicy::Skip,
            limit: 1,
            queue: 10,
        }
    }
}

/// What becomes of instants at which nobody could start the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default, rename = "misfire")]
pub struct Misfire {
    pub run: MisfireRun,
    /// An instant longer ago than this is recorded as missed.
    pub within: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum MisfireRun {
    /// The latest instant is caught up; those before it are recorded as superseded.
    #[default]
    Once,
    /// Each instant is caught up, in order.
    All,
    /// None is; each is recorded as missed.
    None,
}

impl Default for Misfire {
    fn default() -> Misfire {
        Misfire {
            run: MisfireRun::Once,
            within: Span::from_secs(3600),
        }
    }
}

/// What to do when a run fails or times out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default, rename = "retry")]
pub struct Retry {
    /// How many attempts a fire gets in all; 1 is no retry.
    pub attempts: u32,
    /// Before the second attempt; then `factor` times as long each time, up to `max`.
    pub backoff: Span,
    pub factor: f64,
    pub max: Span,
    /// The next attempt goes to another node that matches, if there is one.
    pub elsewhere: bool,
}

// The factor is never NaN: the spec's check refuses it.
impl Eq for Retry {}

impl Default for Retry {
    fn default() -> Retry {
        Retry {
            attempts: 1,
            backoff: Span::from_secs(10),
            factor: 2.0,
            max: Span::from_secs(300),
            elsewhere: false,
        }
    }
}

impl Retry {
    /// How long to wait after attempt `n` (counted from 1) failed; `None` if it was the last.
    pub fn after(&self, n: u32) -> Option<Duration> {
        if n >= self.attempts {
            return None;
        }
        let factor = self.factor.powi(i32::try_from(n - 1).unwrap_or(i32::MAX));
        let max = self.max.get().as_secs_f64();
        let secs = (self.backoff.get().as_secs_f64() * factor).min(max);
        Some(Duration::from_millis((secs * 1000.0) as u64))
    }
}

/// What to do when a node dies with a run of this job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum OnLost {
    /// The run is recorded as lost.
    #[default]
    Fail,
    /// It is, and another attempt is made on another node.
    Retry,
}

/// What becomes of running processes when their node has lost its lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Isolation {
    /// They finish; the slot's next fire may overlap with them elsewhere.
    #[default]
    Finish,
    /// They are killed before anybody else may start the job.
    Kill,
}

/// How much history is kept of a job: whichever of the two is reached first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default, rename = "keep")]
pub struct Keep {
    pub runs: u32,
    #[serde(rename = "for")]
    pub span: Span,
}

impl Default for Keep {
    fn default() -> Keep {
        Keep {
            runs: 1000,
            span: Span::from_secs(30 * 86_400),
        }
    }
}

const TRIGGERS_MAX: usize = 64;
const DESCRIPTION_CHARS_MAX: usize = 4096;
const LIMIT_MAX: u32 = 1000;
const ATTEMPTS_MAX: u32 = 100;

/// A job as it stands in the file.
#[derive(Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, rename = "job")]
struct JobFile {
    name: JobName,
    #[serde(default)]
    namespace: Namespace,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    description: String,
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    labels: Labels,
    run: RunSpec,
    #[serde(default, skip_serializing)]
    schedule: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    triggers: Vec<Trigger>,
    #[serde(default, skip_serializing_if = "Calendars::is_empty")]
    calendars: Calendars,
    #[serde(default)]
    target: Target,
    #[serde(default)]
    overlap: Overlap,
    #[serde(default)]
    misfire: Misfire,
    #[serde(default)]
    retry: Retry,
    #[serde(default)]
    on_lost: OnLost,
    #[serde(default)]
    isolation: Isolation,
    #[serde(default)]
    keep: Keep,
    #[serde(default)]
    paused: bool,
}

/// `overlap:` in the file: the default of `limit` depends on the policy.
#[derive(Default, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default, rename = "overlap")]
struct OverlapFile {
    policy: OverlapPolicy,
    limit: Option<u32>,
    queue: Option<u32>,
}

impl From<OverlapFile> for Overlap {
    fn from(f: OverlapFile) -> Overlap {
        let default = Overlap::default();
        let limit = if f.policy == OverlapPolicy::Allow {
            100
        } else {
            default.limit
        };
        Overlap {
            policy: f.policy,
            limit: f.limit.unwrap_or(limit),
            queue: f.queue.unwrap_or(default.queue),
        }
    }
}

impl From<Overlap> for OverlapFile {
    fn from(o: Overlap) -> OverlapFile {
        OverlapFile {
            policy: o.policy,
            limit: Some(o.limit),
            queue: Some(o.queue),
        }
    }
}

impl TryFrom<JobFile> for JobSpec {
    type Error = String;

    fn try_from(f: JobFile) -> Result<JobSpec, String> {
        let mut triggers = f.triggers;
        if let Some(expression) = f.schedule {
            if !triggers.is_empty() {
                return Err("give either `schedule` or `triggers`, not both".into());
            }
            if expression.trim().is_empty() {
                return Err(
                    "schedule: it is empty; leave it out for a job that runs when someone says so".into(),
                );
            }
            triggers.push(Trigger::cron(expression).map_err(|e| format!("schedule: {e}"))?);
        }
        let spec = JobSpec {
            name: f.name,
            namespace: f.namespace,
            description: f.description,
            labels: f.labels,
            run: f.run,
            triggers,
            calendars: f.calendars,
            target: f.target,
            overlap: f.overlap,
            misfire: f.misfire,
            retry: f.retry,
            on_lost: f.on_lost,
            isolation: f.isolation,
            keep: f.keep,
            paused: f.paused,
        };
        spec.check()?;
        Ok(spec)
    }
}

impl JobSpec {
    /// What no single field can tell on its own.
    fn check(&self) -> Result<(), String> {
        if self.triggers.len() > TRIGGERS_MAX {
            return Err(format!(
                "triggers: {} given; at most {TRIGGERS_MAX} are allowed",
                self.triggers.len()
            ));
        }
        if self.target.place != Place::Every && self.triggers.iter().any(|t| t.target.is_some()) {
            return Err("triggers: a `target` of its own goes with `target: {place: every}` only".into());
        }
        self.calendars.check()?;
        if self.description.chars().count() > DESCRIPTION_CHARS_MAX {
            return Err(format!(
                "description: longer than {DESCRIPTION_CHARS_MAX} characters"
            ));
        }
        for (key, value) in &self.labels {
            label_key(key).map_err(|e| format!("labels: {e}"))?;
            label_value(value).map_err(|e| format!("labels: {e}"))?;
        }
        if !(1..=LIMIT_MAX).contains(&self.overlap.limit) {
            return Err(format!(
                "overlap.limit: {} is out of 1 to {LIMIT_MAX}",
                self.overlap.limit
            ));
        }
        if self.overlap.queue > LIMIT_MAX {
            return Err(format!(
                "overlap.queue: {} is more than {LIMIT_MAX}",
                self.overlap.queue
            ));
        }
        if !(1..=ATTEMPTS_MAX).contains(&self.retry.attempts) {
            return Err(format!(
                "retry.attempts: {} is out of 1 to {ATTEMPTS_MAX}",
                self.retry.attempts
            ));
        }
        // Whoever writes it down and reads it again must have the same.
        let Some(factor) = value::of_f64(self.retry.factor) else {
            return Err("retry.factor: give a number from 1 to 100 with at most six decimals".into());
        };
        if !(1.0..=100.0).contains(&self.retry.factor) {
            let factor = factor.trim_end_matches(".0");
            return Err(format!("retry.factor: {factor} is out of 1 to 100"));
        }
        if self.keep.runs == 0 {
            return Err("keep.runs: 0 would keep no run at all; keep at least 1".into());
        }
        Ok(())
    }
}

impl From<JobSpec> for JobFile {
    fn from(s: JobSpec) -> JobFile {
        JobFile {
            name: s.name,
            namespace: s.namespace,
            description: s.description,
            labels: s.labels,
            run: s.run,
            schedule: None,
            triggers: s.triggers,
            calendars: s.calendars,
            target: s.target,
            overlap: s.overlap,
            misfire: s.misfire,
            retry: s.retry,
            on_lost: s.on_lost,
            isolation: s.isolation,
            keep: s.keep,
            paused: s.paused,
        }
    }
}

#[cfg(feature = "openapi")]
crate::api::schema::written_as!(JobSpec, JobFile);
#[cfg(feature = "openapi")]
crate::api::schema::written_as!(Overlap, OverlapFile);
