//! Which lines stand where: those that are shown, and how many rows of the screen each
//! takes.

use shared::report::Stream;

use super::log::Log;

/// So many characters of a line are shown until all of it is asked for.
pub const SHOWN_CHARS: usize = 2_000;

/// What decides it beside the log itself.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Terms {
    /// Only lines of this stream; what Gnomon says itself is always shown.
    pub only: Option<Stream>,
    /// How many characters a row holds, if long lines go on in the next.
    pub columns: Option<u32>,
    /// Lines that are shown whole.
    pub whole: Vec<u64>,
}

impl Terms {
    pub fn shows(&self, log: &Log, number: u64) -> bool {
        let Some(only) = self.only else { return true };
        log.line(number)
            .is_some_and(|line| line.stream == only || line.stream == Stream::Note)
    }
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    terms: Terms,
    /// The log's first line when it was laid out.
    first: u64,
    lines: Vec<u64>,
    /// The row after each of them.
    ends: Vec<u32>,
    /// The line to go on with.
    next: u64,
}

impl Layout {
    /// Brings it up to the log: only what is new is looked at, unless the terms changed.
    pub fn go_on(&mut self, log: &Log, terms: &Terms) {
        let (first, until) = log.numbers();
        if *terms != self.terms || first != self.first {
            *self = Layout {
                terms: terms.clone(),
                first,
                next: first,
                ..Layout::default()
            };
        }
        let keep = self.lines.partition_point(|line| *line < self.next);
        self.lines.truncate(keep);
        self.ends.truncate(keep);
        for number in self.next..until {
            if self.terms.shows(log, number) {
                let end = self.rows() + self.rows_of(log, number);
                self.lines.push(number);
                self.ends.push(end);
            }
        }
        self.next = log.settled();
    }

    fn rows_of(&self, log: &Log, number: u64) -> u32 {
        let (Some(columns), Some(line)) = (self.terms.columns, log.line(number)) else {
            return 1;
        };
        let is_cut = line.text.len() > SHOWN_CHARS && !self.terms.whole.contains(&number);
        // The button that shows the rest takes some places, too.
        let cells = if is_cut {
            line.cells.min(SHOWN_CHARS as u32 + 24)
        } else {
            line.cells
        };
        cells.div_ceil(columns.max(1)).max(1)
    }

    /// All rows.
    pub fn rows(&self) -> u32 {
        self.ends.last().copied().unwrap_or(0)
    }

    pub fn lines(&self) -> &[u64] {
        &self.lines
    }

    /// The row at which a shown line begins, by its place among the shown.
    pub fn row_of(&self, place: usize) -> u32 {
        match place.checked_sub(1) {
            Some(before) => self.ends.get(before).copied().unwrap_or_else(|| self.rows()),
            None => 0,
        }
    }

    /// The place of the shown line that a row is in.
    pub fn place_of_row(&self, row: u32) -> usize {
        self.ends.partition_point(|end| *end <= row)
    }

    /// The place of a line, or of the next one that is shown.
    pub fn place_of_line(&self, number: u64) -> usize {
        self.lines.partition_point(|line| *line < number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::{api::OutputView, time::Time};

    fn push(log: &mut Log, stream: Stream, text: &str) {
        log.push(&OutputView {
            seq: log.next_seq(),
            stream,
            at: Time::EPOCH,
            text: text.into(),
        });
    }

    fn rows(layout: &Layout) -> Vec<(u64, u32)> {
        let lines = layout.lines().iter().enumerate();
        lines.map(|(place, line)| (*line, layout.row_of(place))).collect()
    }

    #[test]
    fn lines_take_the_rows_they_need() {
        let mut log = Log::default();
        push(&mut log, Stream::Stdout, "12345678901\n\nabc\n");
        let mut layout = Layout::default();
        layout.go_on(&log, &Terms::default());
        assert_eq!(rows(&layout), [(0, 0), (1, 1), (2, 2)]);
        let narrow = Terms {
            columns: Some(5),
            ..Terms::default()
        };
        layout.go_on(&log, &narrow);
        assert_eq!(rows(&layout), [(0, 0), (1, 3), (2, 4)]);
        assert_eq!(layout.rows(), 5);
        assert_eq!(
            [0, 2, 3, 4, 9].map(|row| layout.place_of_row(row)),
            [0, 0, 1, 2, 3]
        );
        push(&mut log, Stream::Stdout, "123456");
        layout.go_on(&log, &narrow);
        assert_eq!(layout.rows(), 7);
        push(&mut log, Stream::Stdout, "78901");
        layout.go_on(&log, &narrow);
        assert_eq!(layout.rows(), 8, "a line that grows takes more rows");
    }

    #[test]
    fn a_stream_alone_keeps_the_lines_numbers() {
        let mut log = Log::default();
        push(&mut log, Stream::Stdout, "a\nb\n");
        push(&mut log, Stream::Stderr, "c\n");
        push(&mut log, Stream::Note, "d\n");
        push(&mut log, Stream::Stdout, "e\n");
        let terms = Terms {
            only: Some(Stream::Stderr),
            ..Terms::default()
        };
        let mut layout = Layout::default();
        layout.go_on(&log, &terms);
        assert_eq!(layout.lines(), [2, 3]);
        assert_eq!(layout.place_of_line(0), 0);
        assert_eq!(layout.place_of_line(3), 1);
        assert_eq!(layout.place_of_line(4), 2);
    }

    #[test]
    fn a_very_long_line_is_short_until_it_is_asked_for() {
        let mut log = Log::default();
        push(&mut log, Stream::Stdout, &"x".repeat(10_000));
        let mut terms = Terms {
            columns: Some(100),
            ..Terms::default()
        };
        let mut layout = Layout::default();
        layout.go_on(&log, &terms);
        assert_eq!(layout.rows(), 21);
        terms.whole.push(0);
        layout.go_on(&log, &terms);
        assert_eq!(layout.rows(), 100);
    }
}
