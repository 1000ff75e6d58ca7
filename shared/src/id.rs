//! A newtype for each id, so that they never stand in for each other.

use std::{fmt, hash::Hasher, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use siphasher::sip128::{Hasher128, SipHasher24};
use ulid::Ulid;

use crate::{file::value::read_text, shown::shown, time::Time};

macro_rules! ulid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Ulid);

        impl $name {
            /// From a time and 80 random bits, which the caller brings.
            pub fn new(at: Time, random: u128) -> $name {
                $name(Ulid::from_parts(at.as_millis().max(0) as u64, random))
            }

            /// As a number, in the order of the text form.
            pub const fn to_u128(self) -> u128 {
                self.0.0
            }

            pub const fn from_u128(number: u128) -> $name {
                $name(Ulid(number))
            }

            /// The time part.
            pub fn time(self) -> Time {
                Time::from_millis(self.0.timestamp_ms() as i64)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        // Not by ulid's own feature, which would bring a source of randomness along.
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(&self.0)
            }
        }

        read_text!($name);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<$name, D::Error> {
                let s = String::deserialize(d)?;
                s.parse().map_err(serde::de::Error::custom)
            }
        }

        impl FromStr for $name {
            type Err = String;
            fn from_str(s: &str) -> Result<$name, String> {
                Ulid::from_string(s)
                    .map($name)
                    .map_err(|_| format!("`{s}` is not an id (26 letters and digits, as `ls` shows them)"))
            }
        }
    };
}

ulid_id!(
    /// A job's id. It survives renames.
    JobId
);
ulid_id!(
    /// A run's id: its time part is the scheduled instant, the rest a hash of what the
    /// run is. The same run has the same id on every host and in every attempt to report it.
    RunId
);

impl JobId {
    /// What `H`, jitter and placement are hashed over: stable for ever.
    pub fn seed(self) -> u64 {
        let hash = self.0.0;
        (hash >> 64) as u64 ^ hash as u64
    }
}

impl RunId {
    /// The id of the first attempt at a fire.
    pub fn of(fire: &Fire) -> RunId {
        let owner = match &fire.owner {
            Owner::Slot(slot) => format!("slot/{slot}"),
            Owner::Node(node) => format!("node/{node}"),
        };
        RunId::hashed(
            fire.at,
            &[&fire.job.to_string(), &fire.at.as_millis().to_string(), &owner],
        )
    }

    /// The id of attempt `n` (counted from 1) at the fire whose first attempt is `self`.
    pub fn attempt(self, n: u32) -> RunId {
        if n <= 1 {
            self
        } else {
            RunId::hashed(self.time(), &[&self.to_string(), "attempt", &n.to_string()])
        }
    }

    fn hashed(at: Time, parts: &[&str]) -> RunId {
        let mut hasher = SipHasher24::new();
        for part in parts {
            hasher.write(part.as_bytes());
            hasher.write_u8(0xff);
        }
        RunId::new(at, hasher.finish128().as_u128())
    }
}

/// One due instant of one slot, or of one node of an every-node job.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fire {
    pub job: JobId,
    pub at: Time,
    pub owner: Owner,
}

/// Whose fire it is: a slot's (exclusive jobs) or a node's (every-node jobs).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    Slot(u32),
    Node(NodeId),
}

macro_rules! name_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = String;
            fn from_str(s: &str) -> Result<$name, String> {
                check_name(s, $what, $max).map(|()| $name(s.to_owned()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(&self.0)
            }
        }

        read_text!($name);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<$name, D::Error> {
                let s = String::deserialize(d)?;
                s.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

name_id!(
    /// A job's name within its namespace.
    JobName, "job name", 128
);
name_id!(
    /// A namespace. `default` where none is given.
    Namespace, "namespace", 64
);
name_id!(
    /// A node's stable id, kept in the agent's data directory.
    NodeId, "node id", 64
);
name_id!(
    /// A node group's name.
    GroupName, "group name", 64
);
name_id!(
    /// A calendar's name.
    CalendarName, "calendar name", 64
);
name_id!(
    /// A master's id.
    MasterId, "master id", 64
);

name_id!(
    /// A person who may log in.
    UserName, "user name", 64
);
name_id!(
    /// The name of an API token.
    TokenName, "token name", 64
);

impl Default for Namespace {
    fn default() -> Namespace {
        Namespace("default".to_owned())
    }
}

/// `namespace/name`, as screens, URLs and the CLI write a job. A bare name is in `default`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobPath {
    pub namespace: Namespace,
    pub name: JobName,
}

impl FromStr for JobPath {
    type Err = String;
    fn from_str(s: &str) -> Result<JobPath, String> {
        let (namespace, name) = match s.split_once('/') {
            Some((namespace, name)) => (namespace.parse()?, name),
            None => (Namespace::default(), s),
        };
        Ok(JobPath {
            namespace,
            name: name.parse()?,
        })
    }
}

impl fmt::Display for JobPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/{}", self.namespace, self.name))
    }
}

impl fmt::Debug for JobPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for JobPath {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

read_text!(JobPath);

impl<'de> Deserialize<'de> for JobPath {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<JobPath, D::Error> {
        let s = String::deserialize(d)?;
        s.parse().map_err(serde::de::Error::custom)
    }
}

/// Names stand in etcd keys, URLs and file names: letters, digits, `-`, `_`, `.`.
fn check_name(s: &str, what: &str, max: usize) -> Result<(), String> {
    if s.is_empty() {
        return Err(format!("the {what} is empty"));
    }
    if s.len() > max {
        return Err(format!(
            "the {what} is {} characters long; at most {max} are allowed",
            s.len()
        ));
    }
    if let Some(c) = s
        .chars()
        .find(|c| !(c.is_alphanumeric() || matches!(c, '-' | '_' | '.')))
    {
        return Err(format!(
            "the {what} `{s}` has the character '{}'; letters, digits, `-`, `_` and `.` are allowed",
            shown(c)
        ));
    }
    if s.starts_with('.') || s.starts_with('-') {
        return Err(format!(
            "the {what} `{s}` starts with `{}`; start it with a letter or digit",
            &s[..1]
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_ids_are_pinned() {
        let job: JobId = "01HV5TQ4WM0000000000000000".parse().unwrap();
        let fire = Fire {
            job,
            at: Time::from_secs(1_700_000_000),
            owner: Owner::Slot(0),
        };
        let id = RunId::of(&fire);
        // Agents of different versions must agree on this for ever.
        expect_test::expect!["01HF7YAT001WJZZ335WJYBXK3P 01HF7YAT00TMBQJZ70Y69PEQWZ"]
            .assert_eq(&format!("{id} {}", id.attempt(2)));
        assert_eq!(id.time(), fire.at);
        assert_eq!(id.attempt(1), id);
    }

    #[test]
    fn names_are_checked() {
        for bad in ["", "a b", "a/b", "../x", "-x", ".x", "a\n"] {
            assert!(bad.parse::<JobName>().is_err(), "{bad:?}");
        }
        for good in ["backup-db", "a.b_c", "9", "备份"] {
            assert!(good.parse::<JobName>().is_ok(), "{good:?}");
        }
        assert_eq!("ops/a".parse::<JobPath>().unwrap().to_string(), "ops/a");
        assert_eq!("a".parse::<JobPath>().unwrap().to_string(), "default/a");
        assert!("a/b/c".parse::<JobPath>().is_err());
    }
}
