//! What is wrong with a schedule, where, and what would be right.

use std::fmt;

/// A field of a cron expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    Second,
    Minute,
    Hour,
    DayOfMonth,
    Month,
    DayOfWeek,
    Year,
}

impl Field {
    /// The field's name in words.
    pub const fn name(self) -> &'static str {
        match self {
            Field::Second => "second",
            Field::Minute => "minute",
            Field::Hour => "hour",
            Field::DayOfMonth => "day of month",
            Field::Month => "month",
            Field::DayOfWeek => "day of week",
            Field::Year => "year",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a schedule was refused, for callers that branch on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The text cannot be read.
    Malformed,
    /// The text can be read, but no instant from 1970 to 2199 matches.
    Never,
    /// It fired once, and will not again.
    Over,
}

/// A refused schedule. Reads like `day of week: 8 is out of 0-7, at column 9`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleError {
    /// Whether it cannot be read, never fires, or is over.
    pub fault: Fault,
    /// The field, where one is to blame.
    pub field: Option<Field>,
    /// The column in the expression, in characters from 1; none where no place is to blame.
    pub position: Option<usize>,
    /// What is wrong and what would be right.
    pub message: String,
}

impl ScheduleError {
    pub(crate) fn malformed(message: impl Into<String>) -> ScheduleError {
        ScheduleError {
            fault: Fault::Malformed,
            field: None,
            position: None,
            message: message.into(),
        }
    }

    pub(crate) fn never(message: impl Into<String>) -> ScheduleError {
        ScheduleError {
            fault: Fault::Never,
            ..ScheduleError::malformed(message)
        }
    }

    pub(crate) fn over(message: impl Into<String>) -> ScheduleError {
        ScheduleError {
            fault: Fault::Over,
            ..ScheduleError::malformed(message)
        }
    }
}

impl fmt::Display for ScheduleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(field) = self.field {
            write!(f, "{field}: ")?;
        }
        f.write_str(&self.message)?;
        match self.position {
            Some(column) => write!(f, ", at column {column}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ScheduleError {}
