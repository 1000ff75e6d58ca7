//! Sentences as people read them.

use crate::prelude::*;

/// What stands in backticks, as the command line has it, is set as code.
pub fn prose(sentence: &str) -> impl IntoView + use<> {
    let parts: Vec<&str> = sentence.split('`').collect();
    // One that is not closed is somebody's own.
    if parts.len().is_multiple_of(2) {
        return sentence.to_owned().into_any();
    }
    let set = |(i, part): (usize, &&str)| {
        let part = (*part).to_owned();
        match i % 2 {
            0 => part.into_any(),
            _ => view! { <code>{part}</code> }.into_any(),
        }
    };
    parts.iter().enumerate().map(set).collect_view().into_any()
}
