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
    at: At,
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

// None is called where all is well: a call of each is all that stands at each place.
impl ValueError {
    #[cold]
    #[inline(never)]
    pub(super) fn new(at: At, message: String) -> ValueError {
        ValueError(Box::new(Wrong { message, at }))
    }

    /// Of what stands nowhere, or of the whole of what has no places.
    pub(super) fn plain(message: impl Into<String>) -> ValueError {
        ValueError::new(At::default(), message.into())
    }

    /// What a type says of what it was read from, which stands there.
    #[cold]
    #[inline(never)]
    pub fn of(at: At, why: &dyn fmt::Display) -> ValueError {
        ValueError::new(at, why.to_string())
    }

    #[cold]
    #[inline(never)]
    pub(super) fn expected(what: &str, at: At) -> ValueError {
        ValueError::new(at, format!("this must be {what}"))
    }

    #[cold]
    #[inline(never)]
    pub(super) fn missing(name: &str, at: At) -> ValueError {
        ValueError::new(at, format!("missing field `{name}`"))
    }

    /// Where it stands: the beginning of the whole, if it is about that.
    pub fn at(&self) -> At {
        self.0.at
    }
}
