//! A run's output as lines: pieces in, as the server gives them; lines out, each of one
//! stream, in the order in which they began.
//!
//! What do we keep? The newest lines, up to [`BYTES_MAX`] and [`LINES_MAX`]: a browser's tab
//! has no room for a gigabyte. A line keeps its number when older ones go.

use std::collections::VecDeque;

use shared::{api::OutputView, report::Stream, time::Time};

use super::{
    escape::{Erase, Reader, Screen},
    line::{Kind, LINE_BYTES_MAX, Line, Open},
    style::Style,
};

pub const BYTES_MAX: usize = 48 << 20;
pub const LINES_MAX: usize = 500_000;
/// What a line costs beside its text.
const LINE_BYTES: usize = 96;

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Log {
    /// The number of the first line that is kept, from 0.
    first: u64,
    lines: VecDeque<Line>,
    bytes: usize,
    streams: [StreamState; 3],
    /// The piece that comes next.
    next_seq: u64,
    /// Bytes read, and how many of them no text has.
    read: u64,
    odd: u64,
}

#[derive(Clone, Debug, Default)]
struct StreamState {
    reader: Reader,
    open: Option<Open>,
}

impl Log {
    /// The piece to ask for next.
    pub fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// The numbers of the lines that are here: from the first up to, not including, the other.
    pub fn numbers(&self) -> (u64, u64) {
        (self.first, self.first + self.lines.len() as u64)
    }

    pub fn line(&self, number: u64) -> Option<&Line> {
        let i = number.checked_sub(self.first)?;
        self.lines.get(usize::try_from(i).ok()?)
    }

    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Lines before this one do not change any more.
    pub fn settled(&self) -> u64 {
        let open = self.streams.iter().filter_map(|s| s.open.as_ref());
        open.map(|o| o.number).min().unwrap_or(self.numbers().1)
    }

    /// Whether what was written is hardly text.
    pub fn looks_binary(&self) -> bool {
        self.odd > 8 && self.odd * 20 > self.read
    }

    /// Takes a piece. One that is here already, as after a connection was taken up again,
    /// changes nothing.
    pub fn push(&mut self, piece: &OutputView) {
        if piece.seq < self.next_seq {
            return;
        }
        if piece.seq > self.next_seq {
            self.cut(piece.at);
        }
        self.next_seq = piece.seq + 1;
        self.read += piece.text.len() as u64;
        self.write(piece.stream, piece.at, |reader, writer| {
            reader.read(&piece.text, writer);
        });
        self.settle();
        self.forget();
    }

    /// The run has ended: nothing comes any more.
    pub fn finish(&mut self, at: Time) {
        for stream in [Stream::Stdout, Stream::Stderr, Stream::Note] {
            self.write(stream, at, |reader, writer| reader.finish(writer));
        }
        self.settle();
        for stream in &mut self.streams {
            stream.open = None;
        }
    }

    fn write(&mut self, stream: Stream, at: Time, with: impl FnOnce(&mut Reader, &mut Writer<'_>)) {
        let mut reader = std::mem::take(&mut self.streams[place(stream)].reader);
        with(
            &mut reader,
            &mut Writer {
                log: self,
                stream,
                at,
            },
        );
        self.streams[place(stream)].reader = reader;
    }

    /// Pieces are missing before the one that comes.
    fn cut(&mut self, at: Time) {
        self.settle();
        for stream in &mut self.streams {
            stream.open = None;
            stream.reader = Reader::default();
        }
        self.add(Stream::Note, at, Kind::Cut);
    }

    fn add(&mut self, stream: Stream, at: Time, kind: Kind) -> u64 {
        self.lines.push_back(Line {
            stream,
            at,
            kind,
            text: Box::default(),
            spans: Box::default(),
            cells: 0,
            writes: 0,
        });
        self.bytes += LINE_BYTES;
        self.numbers().1 - 1
    }

    /// Open lines show what was written to them.
    fn settle(&mut self) {
        for stream in [Stream::Stdout, Stream::Stderr, Stream::Note] {
            self.settle_one(stream);
        }
    }

    fn settle_one(&mut self, stream: Stream) {
        let Some(open) = &mut self.streams[place(stream)].open else {
            return;
        };
        let i = (open.number - self.first) as usize;
        if open.is_changed
            && let Some(line) = self.lines.get_mut(i)
        {
            let before = weight(line);
            open.settle(line);
            self.bytes = self.bytes + weight(line) - before;
        }
    }

    /// Lets the oldest lines go when they are too many, and some more, so that it is seldom.
    fn forget(&mut self) {
        if self.bytes <= BYTES_MAX && self.lines.len() <= LINES_MAX {
            return;
        }
        let last = self.settled();
        while self.first < last
            && (self.bytes > BYTES_MAX / 8 * 7 || self.lines.len() > LINES_MAX / 8 * 7)
            && let Some(line) = self.lines.pop_front()
        {
            self.bytes -= weight(&line) + LINE_BYTES;
            self.first += 1;
        }
    }
}

fn place(stream: Stream) -> usize {
    match stream {
        Stream::Stdout => 0,
        Stream::Stderr => 1,
        Stream::Note => 2,
    }
}

fn weight(line: &Line) -> usize {
    line.text.len() + line.spans.len() * size_of::<super::line::Span>()
}

/// Writes what a stream says into its line.
struct Writer<'a> {
    log: &'a mut Log,
    stream: Stream,
    at: Time,
}

impl Writer<'_> {
    fn open(&mut self) -> &mut Open {
        let i = place(self.stream);
        if self.log.streams[i].open.is_none() {
            let number = self.log.add(self.stream, self.at, Kind::Text);
            self.log.streams[i].open = Some(Open::new(number));
        }
        self.log.streams[i]
            .open
            .get_or_insert_with(|| unreachable!("it was just opened"))
    }

    fn close(&mut self, kind: Kind) {
        self.open();
        self.log.settle_one(self.stream);
        if let Some(open) = self.log.streams[place(self.stream)].open.take()
            && let Some(line) = self.log.lines.get_mut((open.number - self.log.first) as usize)
        {
            line.kind = kind;
        }
    }
}

impl Screen for Writer<'_> {
    fn text(&mut self, mut text: &str, style: Style) {
        while !text.is_empty() {
            let room = LINE_BYTES_MAX.saturating_sub(self.open().len());
            let mut now = room.min(text.len());
            while !text.is_char_boundary(now) {
                now -= 1;
            }
            if now == 0 {
                self.close(Kind::Long);
                continue;
            }
            self.open().write(&text[..now], style);
            text = &text[now..];
        }
    }

    fn control(&mut self, shown: &str) {
        self.text(shown, Style::CONTROL);
    }

    fn odd(&mut self) {
        self.log.odd += 1;
    }

    fn newline(&mut self) {
        self.close(Kind::Text);
    }

    fn carriage_return(&mut self) {
        self.open().carriage_return();
    }

    fn backspace(&mut self) {
        self.open().backspace();
    }

    fn erase(&mut self, what: Erase) {
        self.open().erase(what);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::run::output::style::Colour;

    fn piece(seq: u64, stream: Stream, text: &str) -> OutputView {
        OutputView {
            seq,
            stream,
            at: Time::EPOCH,
            text: text.into(),
        }
    }

    /// A log of pieces that are all there.
    fn log(pieces: &[(Stream, &str)]) -> Log {
        let mut log = Log::default();
        for (seq, (stream, text)) in pieces.iter().enumerate() {
            log.push(&piece(seq as u64, *stream, text));
        }
        log
    }

    fn texts(log: &Log) -> Vec<String> {
        let (from, until) = log.numbers();
        (from..until)
            .map(|n| log.line(n).unwrap().text.to_string())
            .collect()
    }

    use Stream::{Stderr, Stdout};

    #[test]
    fn pieces_become_lines() {
        let log = log(&[(Stdout, "one\ntw"), (Stdout, "o\n\nthree")]);
        assert_eq!(texts(&log), ["one", "two", "", "three"]);
        assert_eq!(log.settled(), 3, "the last may still grow");
        assert_eq!(log.next_seq(), 2);
    }

    #[test]
    fn a_line_belongs_to_one_stream_and_stands_where_it_began() {
        let log = log(&[
            (Stdout, "working…"),
            (Stderr, "oh\nno\n"),
            (Stdout, " done\nnext\n"),
        ]);
        assert_eq!(texts(&log), ["working… done", "oh", "no", "next"]);
        let streams: Vec<Stream> = (0..4).map(|n| log.line(n).unwrap().stream).collect();
        assert_eq!(streams, [Stdout, Stderr, Stderr, Stdout]);
    }

    #[test]
    fn progress_is_written_over_itself() {
        assert_eq!(
            texts(&log(&[(Stdout, "10%\r20%\r"), (Stdout, "100%\n")])),
            ["100%"]
        );
        assert_eq!(
            texts(&log(&[(Stdout, "long text\rab\n")])),
            ["abng text"],
            "as a terminal would"
        );
        assert_eq!(texts(&log(&[(Stdout, "long text\r\x1b[Kab\n")])), ["ab"]);
        assert_eq!(texts(&log(&[(Stdout, "long text\x1b[2K\rab\n")])), ["ab"]);
        assert_eq!(texts(&log(&[(Stdout, "-\x08\\\x08|\x08/\n")])), ["/"]);
        assert_eq!(
            texts(&log(&[(Stdout, "windows\r\nlines\r"), (Stdout, "\n")])),
            ["windows", "lines"]
        );
    }

    #[test]
    fn colours_span_lines_and_pieces_but_not_streams() {
        let log = log(&[
            (Stdout, "\x1b[3"),
            (Stderr, "plain\n"),
            (Stdout, "1mred\nred too\n"),
        ]);
        let styles: Vec<Colour> = (0..3)
            .map(|n| {
                log.line(n)
                    .unwrap()
                    .spans
                    .first()
                    .map(|s| s.style.fg)
                    .unwrap_or_default()
            })
            .collect();
        assert_eq!(texts(&log), ["plain", "red", "red too"]);
        assert_eq!(styles, [Colour::Default, Colour::Index(1), Colour::Index(1)]);
    }

    #[test]
    fn spans_survive_being_written_over() {
        let log = log(&[(Stdout, "\x1b[31mabc\x1b[0mdef\rX\n")]);
        let line = log.line(0).unwrap();
        assert_eq!(&*line.text, "Xbcdef");
        let ends: Vec<u32> = line.spans.iter().map(|s| s.end).collect();
        assert_eq!(ends, [1, 3, 6]);
    }

    #[test]
    fn a_piece_that_comes_twice_counts_once() {
        let mut log = log(&[(Stdout, "a\n"), (Stdout, "b\n")]);
        log.push(&piece(1, Stdout, "b\n"));
        log.push(&piece(2, Stdout, "c\n"));
        assert_eq!(texts(&log), ["a", "b", "c"]);
    }

    #[test]
    fn what_was_not_kept_is_told() {
        let mut log = log(&[(Stdout, "head\nunfinished \x1b[3")]);
        log.push(&piece(9, Stdout, "tail\n"));
        assert_eq!(texts(&log), ["head", "unfinished ", "", "tail"]);
        assert_eq!(log.line(2).unwrap().kind, Kind::Cut);
    }

    #[test]
    fn a_line_without_end_goes_on_in_others() {
        let mut log = Log::default();
        let text = "é".repeat(100_000);
        for seq in 0..20 {
            log.push(&piece(seq, Stdout, &text));
        }
        log.push(&piece(20, Stdout, "\nnext\n"));
        let (_, until) = log.numbers();
        assert_eq!(until, 5, "4,000,000 bytes in lines of a MiB each");
        assert_eq!(log.line(0).unwrap().kind, Kind::Long);
        assert_eq!(log.line(3).unwrap().kind, Kind::Text);
        let all: usize = (0..4).map(|n| log.line(n).unwrap().text.len()).sum();
        assert_eq!(all, 4_000_000);
    }

    #[test]
    fn the_oldest_lines_go_when_there_is_no_room() {
        let mut log = Log::default();
        let text = format!("{}\n", "x".repeat(999)).repeat(64);
        for seq in 0..1_000 {
            log.push(&piece(seq, Stdout, &text));
        }
        let (first, until) = log.numbers();
        assert_eq!(until, 64_000);
        assert!(first > 0 && log.bytes <= BYTES_MAX);
        assert_eq!(log.line(first - 1), None);
        assert_eq!(log.line(until - 1).unwrap().text.len(), 999);
    }

    #[test]
    fn binary_output_is_known() {
        assert!(log(&[(Stdout, &"\0\u{fffd}ELF\u{1}".repeat(100))]).looks_binary());
        assert!(!log(&[(Stdout, &"\x1b[31mtext\x1b[0m\x1b[?25l\n".repeat(100))]).looks_binary());
        assert!(!log(&[(Stdout, "caf\u{fffd} au lait\n")]).looks_binary());
    }

    #[test]
    fn an_escape_that_never_ended_is_shown_at_the_end() {
        let mut log = log(&[(Stdout, "x\x1b[3")]);
        log.finish(Time::EPOCH);
        assert_eq!(texts(&log), ["x^[[3"]);
        assert_eq!(log.settled(), 1);
    }
}
