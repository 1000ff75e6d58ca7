//! When a job is due: one rule of possibly several.

use serde::{Deserialize, Serialize};

use crate::{
    file::value::{Located, Read, Value, ValueError},
    schedule::{Dialect, Dst, Schedule, ScheduleError, Zone},
    target::NodeSet,
    time::Time,
    units::Span,
};

/// One rule that makes a job due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(try_from = "TriggerFile", into = "TriggerFile")]
pub struct Trigger {
    pub when: When,
    /// Each instant is moved by up to so much, always the same for the same instant.
    pub jitter: Span,
    /// In an every-node job: the nodes that this rule is for, of those that match the job.
    pub target: Option<NodeSet>,
}

/// The three kinds of rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    Cron {
        expression: String,
        dialect: Dialect,
        timezone: Zone,
        dst: Dst,
    },
    /// Every so long, counted from an anchor, so that all nodes and restarts agree.
    Every {
        interval: Span,
        anchor: Time,
    },
    At {
        instants: Vec<Time>,
    },
}

/// A trigger made ready to be asked for instants.
#[derive(Clone, Debug)]
pub struct Compiled {
    pub schedule: Schedule,
    pub jitter: Span,
    pub target: Option<NodeSet>,
}

impl Trigger {
    /// A five- or six-field expression in UTC, as the short form `schedule:` means it.
    pub fn cron(expression: impl Into<String>) -> Result<Trigger, String> {
        let file = TriggerFile {
            cron: Some(expression.into()),
            ..TriggerFile::default()
        };
        file.try_into()
    }

    /// Makes the trigger ready; `seed` is the job id's ([`crate::id::JobId::seed`]).
    ///
    /// # Errors
    /// An expression with `H` may fire with one seed and never with another
    /// (`0 0 H(29-31) 2 *`); any other that was validated compiles.
    pub fn compile(&self, seed: u64) -> Result<Compiled, ScheduleError> {
        let schedule = match &self.when {
            When::Cron {
                expression,
                dialect,
                timezone,
                dst,
            } => Schedule::cron(expression, *dialect, *timezone, *dst, seed)?,
            When::Every { interval, anchor } => Schedule::every(interval.get(), *anchor)?,
            When::At { instants } => Schedule::at(instants.clone())?,
        };
        Ok(Compiled {
            schedule,
            jitter: self.jitter,
            target: self.target.clone(),
        })
    }
}

/// A trigger as it stands in the job file.
#[derive(Default, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, rename = "trigger")]
struct TriggerFile {
    #[serde(skip_serializing_if = "Option::is_none")]
    cron: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    every: Option<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<Time>>))]
    at: Option<OneOrMany>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dialect: Option<Dialect>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timezone: Option<Zone>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dst: Option<Dst>,
    #[serde(skip_serializing_if = "Option::is_none")]
    anchor: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jitter: Option<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<NodeSet>,
}

/// `at:` takes one instant or a list.
struct OneOrMany(Vec<Time>);

impl TryFrom<TriggerFile> for Trigger {
    type Error = String;

    fn try_from(f: TriggerFile) -> Result<Trigger, String> {
        let is_cron = f.cron.is_some();
        let is_every = f.every.is_some();
        if !is_cron && (f.dialect.is_some() || f.timezone.is_some() || f.dst.is_some()) {
            return Err("trigger: `dialect`, `timezone` and `dst` go with `cron` only".into());
        }
        if !is_every && f.anchor.is_some() {
            return Err("trigger: `anchor` goes with `every` only".into());
        }
        let when = match (f.cron, f.every, f.at) {
            (Some(expression), None, None) => When::Cron {
                expression,
                dialect: f.dialect.unwrap_or_default(),
                timezone: f.timezone.unwrap_or_default(),
                dst: f.dst.unwrap_or_default(),
            },
            (None, Some(interval), None) => When::Every {
                interval,
                anchor: f.anchor.unwrap_or_default(),
            },
            (None, None, Some(OneOrMany(instants))) => When::At { instants },
            (None, None, None) => return Err("trigger: give one of `cron`, `every` or `at`".into()),
            _ => return Err("trigger: give only one of `cron`, `every` and `at`".into()),
        };
        let trigger = Trigger {
            when,
            jitter: f.jitter.unwrap_or_default(),
            target: f.target,
        };
        trigger.compile(0).map_err(|e| e.to_string())?;
        Ok(trigger)
    }
}

impl From<Trigger> for TriggerFile {
    fn from(t: Trigger) -> TriggerFile {
        let mut f = TriggerFile {
            jitter: Some(t.jitter).filter(|j| !j.is_zero()),
            target: t.target,
            ..TriggerFile::default()
        };
        match t.when {
            When::Cron {
                expression,
                dialect,
                timezone,
                dst,
            } => {
                f.cron = Some(expression);
                f.dialect = Some(dialect).filter(|d| *d != Dialect::default());
                f.timezone = Some(timezone).filter(|z| *z != Zone::default());
                f.dst = Some(dst).filter(|d| *d != Dst::default());
            }
            When::Every { interval, anchor } => {
                f.every = Some(interval);
                f.anchor = Some(anchor).filter(|a| *a != Time::EPOCH);
            }
            When::At { instants } => f.at = Some(OneOrMany(instants)),
        }
        f
    }
}

impl Serialize for OneOrMany {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [one] => one.serialize(s),
            many => many.serialize(s),
        }
    }
}

const ONE_OR_MANY: &str = "an instant such as 2026-01-31T02:30:00Z, or a list of them";

impl Read for OneOrMany {
    fn read(found: Located) -> Result<OneOrMany, ValueError> {
        let at = found.at;
        if matches!(found.value, Value::List(_)) {
            return Read::read(found).map(OneOrMany);
        }
        let text = found.into_text(ONE_OR_MANY)?;
        let instant = text.parse().map_err(|why| ValueError::of(at, &why))?;
        Ok(OneOrMany(vec![instant]))
    }
}

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<OneOrMany, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = OneOrMany;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(ONE_OR_MANY)
            }

            fn visit_str<E: serde::de::Error>(self, s: &str) -> Result<OneOrMany, E> {
                s.parse().map(|t| OneOrMany(vec![t])).map_err(E::custom)
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<OneOrMany, A::Error> {
                let mut instants = Vec::new();
                while let Some(t) = seq.next_element()? {
                    instants.push(t);
                }
                Ok(OneOrMany(instants))
            }
        }
        d.deserialize_any(Visitor)
    }
}

#[cfg(feature = "openapi")]
crate::api::schema::written_as!(Trigger, TriggerFile);
