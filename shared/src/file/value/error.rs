//! Why a value is not what was asked for, and where it stands.

use std::fmt;

use super::At;

/// Why a value is not what was asked for. It is small, as each field of each type that is
/// read hands it on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueError(Box<Wrong>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Wrong {
    message: String,
    at: Option<At>,
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for ValueError {}

pub(super) fn one_of(names: &[&str]) -> String {
    match names {
        [] => "none".to_owned(),
        [one] => format!("`{one}`"),
        many => format!("one of `{}`", many.join("`, `")),
    }
}

impl ValueError {
    pub(super) fn plain(message: impl Into<String>) -> ValueError {
        ValueError(Box::new(Wrong {
            message: message.into(),
            at: None,
        }))
    }

    /// What a type says of what it was read from, wherever it stands.
    #[cold]
    pub fn of(why: &dyn fmt::Display) -> ValueError {
        ValueError::plain(why.to_string())
    }

    #[cold]
    pub(super) fn expected(what: &str, at: At) -> ValueError {
        ValueError::plain(format!("this must be {what}")).within(at)
    }

    #[cold]
    pub(super) fn missing(name: &str) -> ValueError {
        ValueError::plain(format!("missing field `{name}`"))
    }

    /// The innermost place is the one that tells most.
    pub fn within(mut self, at: At) -> ValueError {
        self.0.at.get_or_insert(at);
        self
    }

    /// Where it stands. None: it is about the whole of what was read.
    pub fn at(&self) -> Option<At> {
        self.0.at
    }
}
