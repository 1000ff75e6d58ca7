//! A schedule in words.

use super::Schedule;

/// A language people read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Simplified Chinese.
    Zh,
}

pub(super) fn describe(schedule: &Schedule, _lang: Lang) -> String {
    schedule.to_string()
}
