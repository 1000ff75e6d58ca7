//! One line of output, while it is written and after.

use shared::{report::Stream, time::Time};

use super::{escape::Erase, style::Style};

/// A stretch of a line that looks the same: up to, not including, this byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub end: u32,
    pub style: Style,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub stream: Stream,
    /// When its first piece was read.
    pub at: Time,
    pub kind: Kind,
    pub text: Box<str>,
    /// Empty if all of it looks plain.
    pub spans: Box<[Span]>,
    /// How many places of a screen's row it takes.
    pub cells: u32,
    /// Moves each time it is written to.
    pub writes: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// It goes on in the stream's next line: it was too long for one.
    Long,
    /// No line: pieces that are not kept stood here.
    Cut,
}

/// A line that is longer than so many bytes goes on in another.
pub const LINE_BYTES_MAX: usize = 1 << 20;

/// A line that has not ended.
#[derive(Clone, Debug)]
pub struct Open {
    /// Which line of the log.
    pub number: u64,
    pub is_changed: bool,
    ink: Ink,
    /// A carriage return came: what comes next is written over the line. Many lines end
    /// with one, so nothing is done before that.
    has_returned: bool,
}

#[derive(Clone, Debug)]
enum Ink {
    /// All of it was written from left to right.
    Flat { text: String, spans: Vec<Span> },
    /// Some of it was written over.
    Cells {
        cells: Vec<(char, Style)>,
        cursor: usize,
    },
}

impl Open {
    pub fn new(number: u64) -> Open {
        Open {
            number,
            is_changed: true,
            ink: Ink::Flat {
                text: String::new(),
                spans: Vec::new(),
            },
            has_returned: false,
        }
    }

    /// Roughly, in bytes.
    pub fn len(&self) -> usize {
        match &self.ink {
            Ink::Flat { text, .. } => text.len(),
            Ink::Cells { cells, .. } => cells.len(),
        }
    }

    pub fn write(&mut self, new: &str, style: Style) {
        self.is_changed = true;
        if std::mem::take(&mut self.has_returned) {
            *self.cells().1 = 0;
        }
        match &mut self.ink {
            Ink::Flat { text, spans } => {
                text.push_str(new);
                push_span(spans, text.len(), style);
            }
            Ink::Cells { cells, cursor } => {
                for c in new.chars() {
                    match cells.get_mut(*cursor) {
                        Some(cell) => *cell = (c, style),
                        None => cells.push((c, style)),
                    }
                    *cursor += 1;
                }
            }
        }
    }

    pub fn carriage_return(&mut self) {
        self.has_returned = true;
    }

    pub fn backspace(&mut self) {
        self.is_changed = true;
        if !self.has_returned {
            let cursor = self.cells().1;
            *cursor = cursor.saturating_sub(1);
        }
    }

    pub fn erase(&mut self, what: Erase) {
        self.is_changed = true;
        if std::mem::take(&mut self.has_returned) {
            *self.cells().1 = 0;
        }
        let (cells, cursor) = self.cells();
        match what {
            Erase::ToEnd => cells.truncate(*cursor),
            Erase::ToStart => {
                let until = (*cursor).min(cells.len());
                cells[..until].fill((' ', Style::default()));
            }
            Erase::All => {
                cells.clear();
                *cursor = 0;
            }
        }
    }

    fn cells(&mut self) -> (&mut Vec<(char, Style)>, &mut usize) {
        if let Ink::Flat { text, spans } = &self.ink {
            let mut spans = spans.iter();
            let mut span = spans.next();
            let cells: Vec<(char, Style)> = text
                .char_indices()
                .map(|(i, c)| {
                    if span.is_some_and(|s| i >= s.end as usize) {
                        span = spans.next();
                    }
                    (c, span.map(|s| s.style).unwrap_or_default())
                })
                .collect();
            let cursor = cells.len();
            self.ink = Ink::Cells { cells, cursor };
        }
        match &mut self.ink {
            Ink::Cells { cells, cursor } => (cells, cursor),
            Ink::Flat { .. } => unreachable!("it was just made cells"),
        }
    }

    /// Writes what it holds into its line.
    pub fn settle(&mut self, line: &mut Line) {
        self.is_changed = false;
        line.writes += 1;
        let (text, spans) = match &self.ink {
            Ink::Flat { text, spans } => (text.clone(), spans.clone()),
            Ink::Cells { cells, .. } => flat(cells),
        };
        let is_plain = spans.iter().all(|s| s.style == Style::default());
        line.cells = width(&text);
        line.text = text.into_boxed_str();
        line.spans = if is_plain {
            Box::default()
        } else {
            spans.into_boxed_slice()
        };
    }
}

fn push_span(spans: &mut Vec<Span>, end: usize, style: Style) {
    let end = end as u32;
    match spans.last_mut() {
        Some(last) if last.style == style => last.end = end,
        _ => spans.push(Span { end, style }),
    }
}

fn flat(cells: &[(char, Style)]) -> (String, Vec<Span>) {
    let (mut text, mut spans) = (String::with_capacity(cells.len()), Vec::new());
    for (c, style) in cells {
        text.push(*c);
        push_span(&mut spans, text.len(), *style);
    }
    (text, spans)
}

/// How many places of a row a text takes: two for East Asian wide characters, up to the
/// next eighth for a tab.
pub fn width(text: &str) -> u32 {
    let tab = |at: u32| at / 8 * 8 + 8;
    if text.is_ascii() {
        return match text.contains('\t') {
            false => text.len() as u32,
            true => text
                .bytes()
                .fold(0, |at, b| if b == b'\t' { tab(at) } else { at + 1 }),
        };
    }
    text.chars().fold(0, |at, c| match c {
        '\t' => tab(at),
        '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200d}' | '\u{fe00}'..='\u{fe0f}' => at,
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1faff}'
        | '\u{20000}'..='\u{3fffd}' => at + 2,
        _ => at + 1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths() {
        assert_eq!(
            (width(""), width("abc"), width("a\tb"), width("\t\t")),
            (0, 3, 9, 16)
        );
        assert_eq!(
            (width("日本"), width("é"), width("e\u{301}"), width("日\tx")),
            (4, 1, 1, 9)
        );
    }
}
