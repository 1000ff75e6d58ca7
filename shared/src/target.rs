//! Which nodes may run a job, and how many of them do.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeMap};

use crate::{
    file::value::{Located, Read, Value, ValueError, read_text},
    id::{GroupName, NodeId},
};

/// Labels of a node or a job.
pub type Labels = BTreeMap<String, String>;

/// The most slots a job may have.
pub const SLOTS_MAX: u32 = 1000;

/// On how many nodes a job runs at each instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Place {
    /// Each matching node.
    Every,
    /// One node.
    #[default]
    One,
    /// So many distinct nodes.
    Count(u32),
    /// So many slots, each told its index; a node may own several.
    Shards(u32),
}

impl Place {
    /// How many slots the job has; `None` for an every-node job, which has none.
    pub fn slots(self) -> Option<u32> {
        match self {
            Place::Every => None,
            Place::One => Some(1),
            Place::Count(n) | Place::Shards(n) => Some(n),
        }
    }

    /// Every slot has exactly one owner, and fires are claimed.
    pub fn is_exclusive(self) -> bool {
        self != Place::Every
    }
}

/// How slots are spread over the nodes that match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Balance {
    /// By weighted rendezvous hashing: a node that joins or leaves moves only what must move.
    #[default]
    Spread,
    /// To the nodes with the fewest slots for their capacity.
    LeastLoaded,
    /// Over the matching nodes in turn, by the order in which jobs were made.
    Rotate,
}

/// A set of nodes: those named or in a named group (all, where neither is given) whose
/// labels match, less the excluded ones. Also what a group is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct NodeSet {
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub nodes: BTreeSet<NodeId>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub groups: BTreeSet<GroupName>,
    #[serde(skip_serializing_if = "Selector::is_empty")]
    pub labels: Selector,
    #[serde(skip_serializing_if = "Exclude::is_empty")]
    pub exclude: Exclude,
}

/// Nodes that a set leaves out: named, in a named group, or matching a selector.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Exclude {
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub nodes: BTreeSet<NodeId>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub groups: BTreeSet<GroupName>,
    #[serde(skip_serializing_if = "Selector::is_empty")]
    pub labels: Selector,
}

impl Exclude {
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.groups.is_empty() && self.labels.is_empty()
    }
}

/// The groups that a node set's names are looked up in.
pub type Groups = BTreeMap<GroupName, NodeSet>;

/// How deep groups may name groups.
const GROUP_DEPTH_MAX: u32 = 8;

/// Why a node is not in a set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read, thiserror::Error)]
#[serde(rename_all = "snake_case", tag = "why")]
pub enum NoMatch {
    #[error("it is not among the named nodes and groups")]
    NotNamed,
    #[error("its labels do not match `{labels}`")]
    Labels { labels: Selector },
    #[error("it is excluded by name, group or label")]
    Excluded,
}

impl NodeSet {
    /// Everything, as a set that says nothing is.
    pub fn is_all(&self) -> bool {
        self.nodes.is_empty() && self.groups.is_empty() && self.labels.is_empty() && self.exclude.is_empty()
    }

    /// Whether a node with these labels is in the set. A group that does not exist is empty.
    pub fn check(&self, node: &NodeId, labels: &Labels, groups: &Groups) -> Result<(), NoMatch> {
        self.check_at(node, labels, groups, 0)
    }

    fn check_at(&self, node: &NodeId, labels: &Labels, groups: &Groups, depth: u32) -> Result<(), NoMatch> {
        let in_groups = |names: &BTreeSet<GroupName>| {
            depth < GROUP_DEPTH_MAX
                && names
                    .iter()
                    .filter_map(|name| groups.get(name))
                    .any(|group| group.check_at(node, labels, groups, depth + 1).is_ok())
        };
        let unnamed = self.nodes.is_empty() && self.groups.is_empty();
        if !unnamed && !self.nodes.contains(node) && !in_groups(&self.groups) {
            return Err(NoMatch::NotNamed);
        }
        if !self.labels.matches(labels) {
            return Err(NoMatch::Labels {
                labels: self.labels.clone(),
            });
        }
        let excluded = &self.exclude;
        let by_label = !excluded.labels.is_empty() && excluded.labels.matches(labels);
        if excluded.nodes.contains(node) || in_groups(&excluded.groups) || by_label {
            return Err(NoMatch::Excluded);
        }
        Ok(())
    }
}

/// Which nodes may run a job and how many of them do.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize, Read)]
#[serde(from = "TargetFile", into = "TargetFile")]
pub struct Target {
    pub place: Place,
    pub on: NodeSet,
    /// Among the nodes that match, these come first.
    pub prefer: Selector,
    pub balance: Balance,
}

/// A target as it stands in the job file: the node set's fields beside the others.
#[derive(Serialize, Deserialize, Read, Default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default, rename = "target")]
struct TargetFile {
    place: Place,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    nodes: BTreeSet<NodeId>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    groups: BTreeSet<GroupName>,
    #[serde(skip_serializing_if = "Selector::is_empty")]
    labels: Selector,
    #[serde(skip_serializing_if = "Exclude::is_empty")]
    exclude: Exclude,
    #[serde(skip_serializing_if = "Selector::is_empty")]
    prefer: Selector,
    balance: Balance,
}

impl From<TargetFile> for Target {
    fn from(f: TargetFile) -> Target {
        let on = NodeSet {
            nodes: f.nodes,
            groups: f.groups,
            labels: f.labels,
            exclude: f.exclude,
        };
        Target {
            place: f.place,
            on,
            prefer: f.prefer,
            balance: f.balance,
        }
    }
}

impl From<Target> for TargetFile {
    fn from(t: Target) -> TargetFile {
        let NodeSet {
            nodes,
            groups,
            labels,
            exclude,
        } = t.on;
        TargetFile {
            place: t.place,
            nodes,
            groups,
            labels,
            exclude,
            prefer: t.prefer,
            balance: t.balance,
        }
    }
}

impl Serialize for Place {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Place::Every => s.serialize_str("every"),
            Place::One => s.serialize_str("one"),
            Place::Count(n) => s.serialize_u32(*n),
            Place::Shards(n) => {
                let mut map = s.serialize_map(Some(1))?;
                map.serialize_entry("shards", n)?;
                map.end()
            }
        }
    }
}

const PLACES: &str = "`every`, `one`, a number of nodes, or {shards: N}";

impl Place {
    /// As it is written, but for shards: a word or a number.
    fn of_text(text: &str) -> Result<Place, String> {
        match text {
            "every" => Ok(Place::Every),
            "one" => Ok(Place::One),
            _ => match text.parse::<i64>() {
                Ok(n) => slots("place", n).map(Place::Count),
                Err(_) => Err(format!(
                    "place `{text}` is not one of `every`, `one`, a number of nodes, or {{shards: N}}"
                )),
            },
        }
    }
}

fn slots(what: &str, n: impl TryInto<u32> + fmt::Display + Copy) -> Result<u32, String> {
    match n.try_into() {
        Ok(n) if (1..=SLOTS_MAX).contains(&n) => Ok(n),
        _ => Err(format!("{what} is {n}; it must be from 1 to {SLOTS_MAX}")),
    }
}

#[derive(Deserialize, Read)]
#[serde(deny_unknown_fields)]
struct Sharded {
    shards: i64,
}

impl TryFrom<Sharded> for Place {
    type Error = String;

    fn try_from(f: Sharded) -> Result<Place, String> {
        slots("shards", f.shards).map(Place::Shards)
    }
}

impl Read for Place {
    fn read(found: Located) -> Result<Place, ValueError> {
        let at = found.at;
        let place = match found.value {
            Value::Map(_) => Sharded::read(found)?.try_into(),
            _ => Place::of_text(&found.into_text_or_number(PLACES)?),
        };
        place.map_err(|why| ValueError::of(at, &why))
    }
}

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Place, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Place;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(PLACES)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Place, E> {
                Place::of_text(text).map_err(E::custom)
            }

            fn visit_u64<E: de::Error>(self, n: u64) -> Result<Place, E> {
                slots("place", n).map(Place::Count).map_err(E::custom)
            }

            fn visit_i64<E: de::Error>(self, n: i64) -> Result<Place, E> {
                slots("place", n).map(Place::Count).map_err(E::custom)
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Place, A::Error> {
                let sharded = Sharded::deserialize(de::value::MapAccessDeserializer::new(map))?;
                sharded.try_into().map_err(de::Error::custom)
            }
        }

        d.deserialize_any(Visitor)
    }
}

/// A label selector: terms that must all hold, separated by commas.
///
/// `role=db`, `role!=db`, `gpu` (has the label), `!canary` (has it not),
/// `zone in (a, b)`, `zone notin (a, b)`.
#[derive(Clone, PartialEq, Eq, Default, Hash)]
pub struct Selector(Vec<Term>);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Term {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Has(String),
    HasNot(String),
}

impl Selector {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether every term holds; an empty selector matches everything.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.0.iter().all(|term| match term {
            Term::In(key, values) => labels.get(key).is_some_and(|v| values.contains(v)),
            Term::NotIn(key, values) => labels.get(key).is_none_or(|v| !values.contains(v)),
            Term::Has(key) => labels.contains_key(key),
            Term::HasNot(key) => !labels.contains_key(key),
        })
    }
}

impl FromStr for Selector {
    type Err = String;

    fn from_str(text: &str) -> Result<Selector, String> {
        if text.trim().is_empty() {
            return Ok(Selector::default());
        }
        split_terms(text)
            .map(|term| {
                parse_term(term.trim()).map_err(|why| {
                    format!("selector `{text}`: {why}; write terms such as role=db, role!=db, gpu, !canary or zone in (a, b)")
                })
            })
            .collect::<Result<_, _>>()
            .map(Selector)
    }
}

/// Commas between terms, but not those within parentheses.
fn split_terms(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0;
    text.split(move |c| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        c == ',' && depth <= 0
    })
}

fn parse_term(term: &str) -> Result<Term, String> {
    if term.is_empty() {
        return Err("a term is empty".into());
    }
    if let Some(key) = term.strip_prefix('!') {
        return label_key(key.trim()).map(Term::HasNot);
    }
    if let Some(open) = term.find('(') {
        let list = term[open + 1..]
            .strip_suffix(')')
            .ok_or_else(|| format!("`{term}` has no closing parenthesis"))?;
        let values: Vec<String> = list
            .split(',')
            .map(|v| label_value(v.trim()))
            .collect::<Result<_, _>>()?;
        let mut words = term[..open].split_whitespace();
        return match (words.next(), words.next(), words.next()) {
            (Some(key), Some("in"), None) => Ok(Term::In(label_key(key)?, values)),
            (Some(key), Some("notin"), None) => Ok(Term::NotIn(label_key(key)?, values)),
            _ => Err(format!("`{term}` is neither `key in (…)` nor `key notin (…)`")),
        };
    }
    if let Some((key, value)) = term.split_once("!=") {
        return Ok(Term::NotIn(
            label_key(key.trim())?,
            vec![label_value(value.trim())?],
        ));
    }
    if let Some((key, value)) = term.split_once('=') {
        let value = value.strip_prefix('=').unwrap_or(value);
        return Ok(Term::In(label_key(key.trim())?, vec![label_value(value.trim())?]));
    }
    label_key(term).map(Term::Has)
}

/// A label's key: up to 128 letters, digits, `-`, `_`, `.`, `/`.
pub fn label_key(key: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    if key.is_empty() || key.len() > 128 || !key.chars().all(allowed) {
        return Err(format!(
            "`{key}` is not a label key (letters, digits, `-`, `_`, `.`, `/`; at most 128)"
        ));
    }
    Ok(key.to_owned())
}

/// A label's value: up to 256 characters, none of `,()=!` and no control characters.
pub fn label_value(value: &str) -> Result<String, String> {
    let allowed = |c: char| !c.is_control() && !matches!(c, ',' | '(' | ')' | '=' | '!');
    if value.len() > 256 || !value.chars().all(allowed) {
        return Err(format!(
            "`{value}` is not a label value (no `,`, `(`, `)`, `=`, `!`; at most 256)"
        ));
    }
    Ok(value.to_owned())
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, term) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            match term {
                Term::In(key, values) if values.len() == 1 => write!(f, "{key}={}", values[0])?,
                Term::NotIn(key, values) if values.len() == 1 => write!(f, "{key}!={}", values[0])?,
                Term::In(key, values) => write!(f, "{key} in ({})", values.join(","))?,
                Term::NotIn(key, values) => write!(f, "{key} notin ({})", values.join(","))?,
                Term::Has(key) => f.write_str(key)?,
                Term::HasNot(key) => write!(f, "!{key}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Selector {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

read_text!(Selector);

impl<'de> Deserialize<'de> for Selector {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Selector, D::Error> {
        let s = String::deserialize(d)?;
        s.parse().map_err(de::Error::custom)
    }
}

#[cfg(feature = "openapi")]
crate::api::schema::written_as!(Target, TargetFile);

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs
            .iter()
            .map(|(k, v)| (k.to_string(), v.to_string()))
            .collect()
    }

    /// An order carries its job's target within a value that has its kind inside.
    #[test]
    fn a_place_is_read_within_a_tagged_value() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "kind")]
        enum Tagged {
            Run { place: Place },
        }
        for place in [Place::Every, Place::One, Place::Count(3), Place::Shards(8)] {
            let text = serde_json::to_string(&Tagged::Run { place }).unwrap();
            assert_eq!(
                serde_json::from_str::<Tagged>(&text).unwrap(),
                Tagged::Run { place },
                "{text}"
            );
        }
    }

    #[test]
    fn selectors_match() {
        let node = labels(&[("role", "db"), ("zone", "a")]);
        for (text, expected) in [
            ("", true),
            ("role=db", true),
            ("role==db", true),
            ("role=web", false),
            ("role!=web", true),
            ("role=db,!canary", true),
            ("canary", false),
            ("zone in (a, b)", true),
            ("zone notin (a,b)", false),
            ("absent!=x", true),
        ] {
            let selector: Selector = text.parse().unwrap();
            assert_eq!(selector.matches(&node), expected, "{text}");
            assert_eq!(selector.to_string().parse::<Selector>().unwrap(), selector);
        }
        for text in ["role=db,", "=x", "zone in (a", "a b", "zone of (a)", "role=(x"] {
            assert!(
                text.parse::<Selector>().unwrap_err().contains("selector"),
                "{text}"
            );
        }
    }

    #[test]
    fn sets_name_select_and_exclude() {
        let db1: NodeId = "db1".parse().unwrap();
        let db: GroupName = "db".parse().unwrap();
        let groups = Groups::from([(
            db.clone(),
            NodeSet {
                labels: "role=db".parse().unwrap(),
                ..NodeSet::default()
            },
        )]);
        let node = labels(&[("role", "db")]);
        let by_group = NodeSet {
            groups: [db.clone()].into(),
            ..NodeSet::default()
        };
        assert_eq!(by_group.check(&db1, &node, &groups), Ok(()));
        assert_eq!(
            by_group.check(&db1, &Labels::new(), &groups),
            Err(NoMatch::NotNamed)
        );
        let excluded = NodeSet {
            exclude: Exclude {
                nodes: [db1.clone()].into(),
                ..Exclude::default()
            },
            ..by_group
        };
        assert_eq!(excluded.check(&db1, &node, &groups), Err(NoMatch::Excluded));
        // Groups that name each other end.
        let looped = Groups::from([(
            db.clone(),
            NodeSet {
                groups: [db.clone()].into(),
                ..NodeSet::default()
            },
        )]);
        let set = NodeSet {
            groups: [db].into(),
            ..NodeSet::default()
        };
        assert_eq!(set.check(&db1, &node, &looped), Err(NoMatch::NotNamed));
    }
}
