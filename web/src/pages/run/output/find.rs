//! Looking for a text in a log, line by line, as the log grows.

use super::log::Log;

/// So many finds are counted; beyond, there are "more".
pub const FINDS_MAX: usize = 20_000;

/// Where the text stands: in which line, and from which byte up to which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Find {
    pub line: u64,
    pub from: u32,
    pub until: u32,
}

/// What is looked for, and what was found so far.
#[derive(Clone, Debug, Default)]
pub struct Search {
    needle: Vec<u8>,
    is_exact: bool,
    finds: Vec<Find>,
    /// The line to go on with.
    next: u64,
    is_full: bool,
}

impl Search {
    /// Capital and small letters are the same, unless `is_exact`.
    pub fn new(needle: &str, is_exact: bool) -> Search {
        Search {
            needle: needle.as_bytes().to_vec(),
            is_exact,
            ..Search::default()
        }
    }

    pub fn is_idle(&self) -> bool {
        self.needle.is_empty()
    }

    pub fn finds(&self) -> &[Find] {
        &self.finds
    }

    /// Whether there are more than are counted.
    pub fn is_full(&self) -> bool {
        self.is_full
    }

    /// Those of one line.
    pub fn of_line(&self, line: u64) -> &[Find] {
        let from = self.finds.partition_point(|f| f.line < line);
        let until = self.finds.partition_point(|f| f.line <= line);
        &self.finds[from..until]
    }

    /// The first find at or after a line; the very first if there is none.
    pub fn first_from(&self, line: u64) -> Option<usize> {
        let i = self.finds.partition_point(|f| f.line < line);
        match self.finds.len() {
            0 => None,
            len => Some(i % len),
        }
    }

    /// Goes on where it stopped, and again through lines that have changed. Only lines that
    /// are `shown` count.
    pub fn go_on(&mut self, log: &Log, shown: impl Fn(u64) -> bool) {
        let (first, until) = log.numbers();
        if self.is_idle() {
            return;
        }
        self.finds.retain(|f| f.line >= first && f.line < self.next);
        for number in self.next.max(first)..until {
            if self.is_full {
                break;
            }
            if let Some(line) = log.line(number).filter(|_| shown(number)) {
                self.look(number, &line.text);
            }
        }
        // Lines that may still grow are looked at again.
        self.next = log.settled().max(first);
    }

    fn look(&mut self, number: u64, text: &str) {
        let mut from = 0;
        while let Some(at) = find(&text.as_bytes()[from..], &self.needle, self.is_exact) {
            if self.finds.len() >= FINDS_MAX {
                self.is_full = true;
                return;
            }
            let start = from + at;
            from = start + self.needle.len();
            self.finds.push(Find {
                line: number,
                from: start as u32,
                until: from as u32,
            });
        }
    }
}

/// Where the needle first stands. Only ASCII letters have a case here; as UTF-8 never
/// begins inside of a character, a find is always whole characters.
fn find(hay: &[u8], needle: &[u8], is_exact: bool) -> Option<usize> {
    let first = *needle.first()?;
    let last = hay.len().checked_sub(needle.len())?;
    let (small, large) = match is_exact {
        true => (first, first),
        false => (first.to_ascii_lowercase(), first.to_ascii_uppercase()),
    };
    let is_same = |at: usize| {
        let here = &hay[at..at + needle.len()];
        if is_exact {
            here == needle
        } else {
            here.eq_ignore_ascii_case(needle)
        }
    };
    (0..=last).find(|at| (hay[*at] == small || hay[*at] == large) && is_same(*at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::{api::OutputView, report::Stream, time::Time};

    fn push(log: &mut Log, text: &str) {
        log.push(&OutputView {
            seq: log.next_seq(),
            stream: Stream::Stdout,
            at: Time::EPOCH,
            text: text.into(),
        });
    }

    fn found(search: &Search) -> Vec<(u64, u32, u32)> {
        search.finds().iter().map(|f| (f.line, f.from, f.until)).collect()
    }

    #[test]
    fn finds_every_place() {
        let mut log = Log::default();
        push(&mut log, "error: Error\nfine\n日本 ERROR\n");
        let mut search = Search::new("error", false);
        search.go_on(&log, |_| true);
        assert_eq!(found(&search), [(0, 0, 5), (0, 7, 12), (2, 7, 12)]);
        let mut search = Search::new("error", true);
        search.go_on(&log, |_| true);
        assert_eq!(found(&search), [(0, 0, 5)]);
        let mut search = Search::new("日", false);
        search.go_on(&log, |_| true);
        assert_eq!(found(&search), [(2, 0, 3)]);
        let mut search = Search::new("aa", false);
        let mut log = Log::default();
        push(&mut log, "aaaaa\n");
        search.go_on(&log, |_| true);
        assert_eq!(found(&search), [(0, 0, 2), (0, 2, 4)], "none overlaps another");
    }

    #[test]
    fn goes_on_as_the_log_grows() {
        let mut log = Log::default();
        let mut search = Search::new("ab", false);
        push(&mut log, "ab\na");
        search.go_on(&log, |_| true);
        assert_eq!(found(&search), [(0, 0, 2)]);
        push(&mut log, "b ab");
        search.go_on(&log, |_| true);
        assert_eq!(found(&search), [(0, 0, 2), (1, 0, 2), (1, 3, 5)]);
        push(&mut log, "\rxxxx\nab\n");
        search.go_on(&log, |_| true);
        assert_eq!(
            found(&search),
            [(0, 0, 2), (2, 0, 2)],
            "what was written over is no more"
        );
    }

    #[test]
    fn counts_no_more_than_it_says_and_only_what_is_shown() {
        let mut log = Log::default();
        push(&mut log, &"x\n".repeat(FINDS_MAX + 10));
        let mut search = Search::new("X", false);
        search.go_on(&log, |_| true);
        assert_eq!((search.finds().len(), search.is_full()), (FINDS_MAX, true));
        let mut search = Search::new("x", false);
        search.go_on(&log, |line| line % 1_000 == 0);
        assert_eq!(search.finds().len(), (FINDS_MAX + 10).div_ceil(1_000));
        assert_eq!(search.first_from(1_500), Some(2));
        assert_eq!(search.first_from(1_000_000), Some(0), "round again");
    }

    #[test]
    fn a_needle_longer_than_the_line_is_not_there() {
        assert_eq!(find(b"ab", b"abc", false), None);
        assert_eq!(find(b"", b"a", false), None);
        assert_eq!(find(b"ab", b"", false), None);
        assert_eq!(find(b"ab", b"B", false), Some(1));
    }
}
