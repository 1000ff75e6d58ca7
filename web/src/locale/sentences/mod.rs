//! Sentences that reach the console in English, said in Chinese: what is wrong with a job
//! file, a schedule or a calendar, why a node is not chosen, what the server refuses
//! and why, why a host could not start a run.
//!
//! `shared` and the server say them, for the command line as well, as text. The tables here
//! hold each as a template with its Chinese. `{name}` stands for anything that stays as it is
//! (a number, a name), `{text}` for what a person wrote; a `{why}` is a sentence or a noun itself
//! and is said in Chinese, too, as `{by}` is, who may be someone's token. What no table knows
//! stays as it was said.
//!
//! A test reads the sources of `shared`, the server and the agent and finds each sentence that
//! has no template here.

mod files;
mod hosts;
mod ledger;
mod placing;
mod schedules;
mod server;
#[cfg(test)]
mod sources;
#[cfg(test)]
mod tests;

use std::{cell::Cell, sync::OnceLock};

use super::{Language, chinese::Texts, language};
use crate::words::fill;

/// A template, and the same in Chinese.
type Template = (&'static str, &'static str);

/// Each template and, behind it, its Chinese: who reads English needs neither.
static TABLES: [&Texts; 6] = [
    &files::SENTENCES,
    &schedules::SENTENCES,
    &placing::SENTENCES,
    &ledger::SENTENCES,
    &server::SENTENCES,
    &hosts::SENTENCES,
];

/// Declares a table as `"template" / "its Chinese"`.
macro_rules! sentences {
    ($($en:literal / $zh:literal),* $(,)?) => {
        pub static SENTENCES: $crate::locale::chinese::Texts = $crate::chinese!($($en, $zh),*);
    };
}
use sentences;

/// All of them.
fn templates() -> &'static [Template] {
    static KEPT: OnceLock<Vec<Template>> = OnceLock::new();
    KEPT.get_or_init(|| {
        let texts = TABLES.iter().flat_map(|table| table.lines().as_chunks().0);
        texts.map(|&[en, zh]| (en, zh)).collect()
    })
}

/// A foreign sentence in the viewer's language.
pub fn said(sentence: &str) -> String {
    match language() {
        Language::En => sentence.to_owned(),
        Language::Zh => in_chinese(sentence).unwrap_or_else(|| sentence.to_owned()),
    }
}

/// The sentence in Chinese, if it or a part of it is known.
pub fn in_chinese(sentence: &str) -> Option<String> {
    let reader = Reader {
        readings: Cell::new(READINGS_MAX),
        depth: Cell::new(0),
    };
    reader.translate(sentence).map(|known| known.zh)
}

/// How many readings of a sentence and its parts are tried: what a person wrote may be in it,
/// in any form. Those of Gnomon take far fewer.
const READINGS_MAX: u32 = 2000;
const DEPTH_MAX: u32 = 16;
/// How many parts with `; ` between them one template may have.
const PARTS_MAX: usize = 3;

/// A sentence that is known, or in which something is.
struct Known {
    zh: String,
    /// How many bytes of it stand in templates: of several ways to read a sentence, the one
    /// that knows most of it is right.
    bytes: usize,
}

struct Reader {
    /// How many may still be tried.
    readings: Cell<u32>,
    depth: Cell<u32>,
}

impl Reader {
    fn translate(&self, sentence: &str) -> Option<Known> {
        let whole = self.whole(sentence);
        let parts = self.in_parts(sentence);
        parts.into_iter().chain(whole).max_by_key(|known| known.bytes)
    }

    /// The sentence as one.
    fn whole(&self, sentence: &str) -> Option<Known> {
        self.readings.set(self.readings.get().checked_sub(1)?);
        if self.depth.get() == DEPTH_MAX {
            return None;
        }
        self.depth.set(self.depth.get() + 1);
        let known = templates()
            .iter()
            .filter_map(|template| self.by_template(template, sentence))
            .chain(self.after_key(sentence))
            .max_by_key(|known| known.bytes);
        self.depth.set(self.depth.get() - 1);
        known
    }

    fn by_template(&self, (en, zh): &Template, sentence: &str) -> Option<Known> {
        let (mut bytes, filled) = compare(en, sentence)?;
        let mut is_known = true;
        let filled: Vec<(&str, String)> = filled
            .into_iter()
            .map(|(name, text)| {
                let known = is_said(name).then(|| self.translate(text)).flatten();
                is_known &= known.is_some();
                bytes += known.as_ref().map_or(0, |known| known.bytes);
                (name, known.map_or_else(|| text.to_owned(), |known| known.zh))
            })
            .collect();
        // One of signs alone, `{why} ({why2})`, only holds together what is known.
        if !is_known && !says_something(en) {
            return None;
        }
        let values: Vec<(&str, &dyn std::fmt::Display)> = filled
            .iter()
            .map(|(name, text)| (*name, text as &dyn std::fmt::Display))
            .collect();
        let zh = fill(zh, &values);
        Some(Known { zh, bytes })
    }

    /// `one; another`, if one of them is known. A template may have several of the parts.
    fn in_parts(&self, sentence: &str) -> Option<Known> {
        let mut ends: Vec<usize> = outside_quotes(sentence, "; ").collect();
        if ends.is_empty() {
            return None;
        }
        let starts: Vec<usize> = [0].into_iter().chain(ends.iter().map(|end| end + 2)).collect();
        ends.push(sentence.len());
        // From the last part on: what is best of the rest.
        let mut rest: Vec<Known> = vec![Known {
            zh: String::new(),
            bytes: 0,
        }];
        for first in (0..starts.len()).rev() {
            let best = (first..ends.len().min(first + PARTS_MAX)).map(|last| {
                let text = &sentence[starts[first]..ends[last]];
                let is_whole = first == 0 && text.len() == sentence.len();
                let known = if is_whole { None } else { self.whole(text) };
                let after = &rest[ends.len() - 1 - last];
                let bytes = known.as_ref().map_or(0, |known| known.bytes) + after.bytes;
                let mut zh = known.map_or_else(|| text.to_owned(), |known| known.zh);
                if !after.zh.is_empty() {
                    zh.push('；');
                    zh.push_str(&after.zh);
                }
                Known { zh, bytes }
            });
            rest.extend(best.rev().max_by_key(|known| known.bytes));
        }
        rest.pop().filter(|known| known.bytes > 0)
    }

    /// `retry.attempts: what is wrong with it`, `db1: it is down`: what it is about stays.
    fn after_key(&self, sentence: &str) -> Option<Known> {
        let at = outside_quotes(sentence, ": ").next()?;
        let (key, rest) = (&sentence[..at], &sentence[at + 2..]);
        if key.contains(' ') {
            return None;
        }
        let Known { zh, bytes } = self.translate(rest)?;
        let zh = format!("{key}：{zh}");
        Some(Known { zh, bytes })
    }
}

/// Whether what stands there is said in Chinese itself.
fn is_said(name: &str) -> bool {
    name.starts_with("why") || name == "by"
}

/// Whether it may have anything in it; else it takes no other sentence along.
fn is_any(name: &str) -> bool {
    name.starts_with("why") || name == "text"
}

/// What stands for a template's names in a sentence, and how many bytes the template itself
/// says of it.
fn compare<'t, 's>(template: &'t str, sentence: &'s str) -> Option<(usize, Vec<(&'t str, &'s str)>)> {
    let (start, mut rest) = template.split_once('{').unwrap_or((template, ""));
    let mut left = sentence.strip_prefix(start)?;
    let (mut said, mut before) = (start.len(), start);
    let mut filled = Vec::new();
    while let Some((name, after)) = rest.split_once('}') {
        let (literal, next) = after.split_once('{').unwrap_or((after, ""));
        let is_last = next.is_empty();
        let end = match is_last {
            true => left
                .len()
                .checked_sub(literal.len())
                .filter(|_| left.ends_with(literal))?,
            false => left.find(literal)?,
        };
        let text = &left[..end];
        let is_quoted = before.ends_with(['`', '"']) || text.starts_with('{');
        if !is_quoted && !is_any(name) && (text.contains("; ") || text.contains(": ")) {
            return None;
        }
        filled.push((name, text));
        said += literal.len();
        (left, rest, before) = (&left[end + literal.len()..], next, literal);
    }
    left.is_empty().then_some((said, filled))
}

fn says_something(template: &str) -> bool {
    let mut literals = template.split('}').filter_map(|part| part.split('{').next());
    literals.any(|literal| literal.contains(char::is_alphabetic))
}

/// Where a mark stands that is not in backticks.
fn outside_quotes<'s>(text: &'s str, mark: &'s str) -> impl Iterator<Item = usize> + 's {
    let is_outside = move |at: &usize| text[..*at].matches('`').count().is_multiple_of(2);
    text.match_indices(mark).map(|(at, _)| at).filter(is_outside)
}
