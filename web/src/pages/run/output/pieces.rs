//! A line as what it is drawn from: stretches of one look, of which some are finds.

use super::{find::Find, line::Line, style::Style};

/// What a piece is to the search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    None,
    Found,
    /// The find that one has gone to.
    Current,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    pub text: String,
    pub style: Style,
    pub mark: Mark,
}

/// The pieces of a line's first `chars` characters, and how many bytes are left out.
pub fn pieces(line: &Line, finds: &[Find], current: Option<Find>, chars: usize) -> (Vec<Piece>, usize) {
    let text = &line.text;
    let end = match text.char_indices().nth(chars) {
        Some((at, _)) => at,
        None => text.len(),
    };
    let whole = [super::line::Span {
        end: text.len() as u32,
        style: Style::default(),
    }];
    let spans = if line.spans.is_empty() {
        &whole[..]
    } else {
        &line.spans
    };
    let mut pieces = Vec::new();
    let (mut at, mut finds) = (0, finds.iter().peekable());
    for span in spans {
        let span_end = (span.end as usize).min(end);
        while at < span_end {
            while finds.next_if(|f| f.until as usize <= at).is_some() {}
            let (until, mark) = match finds.peek() {
                Some(find) if find.from as usize <= at => {
                    let mark = if current == Some(**find) {
                        Mark::Current
                    } else {
                        Mark::Found
                    };
                    (find.until as usize, mark)
                }
                Some(find) => (find.from as usize, Mark::None),
                None => (span_end, Mark::None),
            };
            let until = until.min(span_end);
            pieces.push(Piece {
                text: text[at..until].to_owned(),
                style: span.style,
                mark,
            });
            at = until;
        }
    }
    (pieces, text.len() - end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::run::output::log::Log;
    use shared::{api::OutputView, report::Stream, time::Time};

    fn line(text: &str) -> Line {
        let mut log = Log::default();
        log.push(&OutputView {
            seq: 0,
            stream: Stream::Stdout,
            at: Time::EPOCH,
            text: text.into(),
        });
        log.line(0).unwrap().clone()
    }

    fn find(from: u32, until: u32) -> Find {
        Find { line: 0, from, until }
    }

    fn told(pieces: &[Piece]) -> Vec<(&str, Mark)> {
        pieces.iter().map(|p| (p.text.as_str(), p.mark)).collect()
    }

    #[test]
    fn a_plain_line_is_one_piece() {
        let (all, rest) = pieces(&line("plain"), &[], None, 100);
        assert_eq!((told(&all), rest), (vec![("plain", Mark::None)], 0));
        assert_eq!(pieces(&line("\n"), &[], None, 100), (vec![], 0));
    }

    #[test]
    fn finds_are_marked_across_colours() {
        let line = line("ab\x1b[31mcd\x1b[0mef");
        let (all, _) = pieces(&line, &[find(1, 3), find(5, 6)], Some(find(5, 6)), 100);
        assert_eq!(
            told(&all),
            [
                ("a", Mark::None),
                ("b", Mark::Found),
                ("c", Mark::Found),
                ("d", Mark::None),
                ("e", Mark::None),
                ("f", Mark::Current)
            ]
        );
        assert_ne!(all[2].style, all[1].style);
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        let (all, rest) = pieces(&line(&"é".repeat(10)), &[find(6, 10)], None, 4);
        assert_eq!(told(&all), [("ééé", Mark::None), ("é", Mark::Found)]);
        assert_eq!(rest, 12);
    }
}
