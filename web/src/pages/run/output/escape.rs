//! What a terminal would do with a text, as far as it concerns a line: colours are followed,
//! a line is written over, and every other escape sequence and control character is made
//! visible instead of obeyed.
//!
//! Pure, and fed in pieces: a sequence may begin in one and end in the next.

use super::style::Style;

/// What a text is written to.
pub trait Screen {
    /// Text without control characters, tabs excepted.
    fn text(&mut self, text: &str, style: Style);
    /// A control character or sequence made visible.
    fn control(&mut self, shown: &str);
    /// A byte that no text has: NUL and the like, and what was no UTF-8.
    fn odd(&mut self);
    fn newline(&mut self);
    fn carriage_return(&mut self);
    fn backspace(&mut self);
    fn erase(&mut self, what: Erase);
}

/// What "erase in line" erases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Erase {
    ToEnd,
    ToStart,
    All,
}

/// The longest sequence that is waited for; a longer one is no sequence.
const SEQUENCE_MAX: usize = 512;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
enum State {
    #[default]
    Text,
    /// After ESC, and what may stand between it and its end.
    Escape,
    /// After ESC [.
    Control,
    /// After ESC ] and its like: a string, until BEL or ESC \.
    String,
    /// After an ESC inside of that.
    StringEscape,
}

/// One for each stream.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    state: State,
    /// The sequence so far, without its ESC.
    held: String,
    style: Style,
}

impl Reader {
    pub fn read(&mut self, mut text: &str, screen: &mut impl Screen) {
        while !text.is_empty() {
            if self.state == State::Text {
                let plain = text.len() - after_plain(text, screen).len();
                if plain > 0 {
                    screen.text(&text[..plain], self.style);
                }
                text = &text[plain..];
            }
            let mut chars = text.chars();
            if let Some(c) = chars.next() {
                self.take(c, screen);
                text = chars.as_str();
            }
        }
    }

    /// Nothing comes any more: what was waited for is shown.
    pub fn finish(&mut self, screen: &mut impl Screen) {
        if self.state != State::Text {
            self.give_up(screen);
        }
    }

    fn take(&mut self, c: char, screen: &mut impl Screen) {
        match (self.state, c) {
            (State::Text, c) => self.take_control(c, screen),
            (State::Escape, '[') if self.held.is_empty() => self.hold(c, State::Control, screen),
            (State::Escape, ']' | 'P' | 'X' | '^' | '_') if self.held.is_empty() => {
                self.hold(c, State::String, screen);
            }
            (State::Escape, ' '..='/') => self.hold(c, State::Escape, screen),
            (State::Escape, '0'..='~') => {
                self.held.push(c);
                // `tput sgr0` says so each time: "the ASCII letters again".
                if self.held != "(B" {
                    self.show(screen);
                }
                self.reset();
            }
            (State::Control, ' '..='?') => self.hold(c, State::Control, screen),
            (State::Control, '@'..='~') => {
                self.held.push(c);
                self.obey(screen);
                self.reset();
            }
            (State::String, '\x07') => {
                self.held.push_str("^G");
                self.show(screen);
                self.reset();
            }
            (State::String, '\x1b') => self.state = State::StringEscape,
            (State::StringEscape, '\\') => {
                self.held.push_str("^[\\");
                self.show(screen);
                self.reset();
            }
            (State::StringEscape, c) => {
                self.give_up(screen);
                self.state = State::Escape;
                self.take(c, screen);
            }
            (State::String, c) if !c.is_control() => self.hold(c, State::String, screen),
            (_, c) => {
                self.give_up(screen);
                self.take(c, screen);
            }
        }
    }

    fn take_control(&mut self, c: char, screen: &mut impl Screen) {
        match c {
            '\n' => screen.newline(),
            '\r' => screen.carriage_return(),
            '\x08' => screen.backspace(),
            '\x1b' => self.state = State::Escape,
            '\x07' => screen.control("^G"),
            '\0'..='\x1f' => {
                screen.odd();
                // As `cat -v` writes it: the pictures of Unicode are in few fonts.
                screen.control(&format!("^{}", char::from(c as u8 | 0x40)));
            }
            '\x7f' => {
                screen.odd();
                screen.control("^?");
            }
            c if is_hidden(c) => screen.control(&format!("<U+{:04X}>", c as u32)),
            c => screen.text(c.encode_utf8(&mut [0; 4]), self.style),
        }
    }

    /// A sequence that is whole: `[` and its parameters.
    fn obey(&mut self, screen: &mut impl Screen) {
        let body = &self.held[1..self.held.len() - 1];
        let is_plain = body.bytes().all(|b| matches!(b, b'0'..=b';'));
        match (self.held.as_bytes().last(), is_plain, body) {
            (Some(b'm'), true, _) => self.style.follow(body),
            (Some(b'K'), true, "" | "0") => screen.erase(Erase::ToEnd),
            (Some(b'K'), true, "1") => screen.erase(Erase::ToStart),
            (Some(b'K'), true, "2") => screen.erase(Erase::All),
            _ => self.show(screen),
        }
    }

    fn hold(&mut self, c: char, state: State, screen: &mut impl Screen) {
        self.held.push(c);
        self.state = state;
        if self.held.len() > SEQUENCE_MAX {
            self.give_up(screen);
        }
    }

    /// No sequence after all.
    fn give_up(&mut self, screen: &mut impl Screen) {
        self.show(screen);
        self.reset();
    }

    fn show(&mut self, screen: &mut impl Screen) {
        self.held.insert_str(0, "^[");
        screen.control(&self.held);
    }

    fn reset(&mut self) {
        self.held.clear();
        self.state = State::Text;
    }
}

/// The rest of a text from its first control character on.
fn after_plain<'a>(text: &'a str, screen: &mut impl Screen) -> &'a str {
    let bytes = text.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        match bytes[i] {
            b'\t' | b' '..=b'~' => i += 1,
            0..=0x7f => break,
            first => {
                let c = text[i..].chars().next().unwrap_or('\0');
                if first < 0xf0 && is_hidden(c) {
                    break;
                }
                if c == char::REPLACEMENT_CHARACTER {
                    screen.odd();
                }
                i += c.len_utf8();
            }
        }
    }
    &text[i..]
}

/// What would change how the text around it looks without being seen: the controls from
/// U+0080 on, and the marks that turn the direction of writing.
fn is_hidden(c: char) -> bool {
    matches!(c, '\u{80}'..='\u{9f}' | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}'
        | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes down what it is told.
    #[derive(Default)]
    struct Told(String);

    impl Screen for Told {
        fn text(&mut self, text: &str, style: Style) {
            let colour = match style.fg {
                super::super::style::Colour::Index(i) => format!("{i}:"),
                _ => String::new(),
            };
            self.0.push_str(&format!("({colour}{text})"));
        }
        fn control(&mut self, shown: &str) {
            self.0.push_str(&format!("<{shown}>"));
        }
        fn odd(&mut self) {
            self.0.push('!');
        }
        fn newline(&mut self) {
            self.0.push('/');
        }
        fn carriage_return(&mut self) {
            self.0.push('^');
        }
        fn backspace(&mut self) {
            self.0.push('~');
        }
        fn erase(&mut self, what: Erase) {
            self.0.push_str(&format!("{{{what:?}}}"));
        }
    }

    fn told(text: &str) -> String {
        let mut told = Told::default();
        let mut reader = Reader::default();
        reader.read(text, &mut told);
        reader.finish(&mut told);
        told.0
    }

    #[test]
    fn colours_are_followed() {
        assert_eq!(told("a\x1b[31mred\x1b[0mb\n"), "(a)(1:red)(b)/");
        assert_eq!(told("\x1b(B\x1b[mplain"), "(plain)", "as `tput sgr0` writes it");
    }

    #[test]
    fn what_is_not_obeyed_is_shown() {
        assert_eq!(told("a\x1b[2Jb"), "(a)<^[[2J>(b)");
        assert_eq!(told("\x1b[?25lx"), "<^[[?25l>(x)");
        assert_eq!(told("\x1b]0;title\x07x"), "<^[]0;title^G>(x)");
        assert_eq!(told("\x1b]8;;http://a\x1b\\x"), "<^[]8;;http://a^[\\>(x)");
        assert_eq!(told("\x1bcx"), "<^[c>(x)");
        assert_eq!(told("\x07\0\x7f"), "<^G>!<^@>!<^?>");
        assert_eq!(told("a\u{202e}b\u{9b}31mc"), "(a)<<U+202E>>(b)<<U+009B>>(31mc)");
        assert_eq!(told("<script>alert(1)</script>"), "(<script>alert(1)</script>)");
    }

    #[test]
    fn a_line_is_written_over() {
        assert_eq!(told("10%\r20%\x1b[K\n"), "(10%)^(20%){ToEnd}/");
        assert_eq!(told("\x1b[2K\rx\x08"), "{All}^(x)~");
    }

    #[test]
    fn what_never_ends_swallows_nothing() {
        assert_eq!(told("\x1b]0;title\nnext"), "<^[]0;title>/(next)");
        assert_eq!(told("\x1b[31\nnext"), "<^[[31>/(next)");
        assert_eq!(told("\x1b[31"), "<^[[31>");
        assert_eq!(told("\x1b"), "<^[>");
        assert_eq!(told("\x1b\x1b[31mx"), "<^[>(1:x)");
        let long = told(&format!("\x1b]{}", "x".repeat(5_000)));
        assert!(long.matches('x').count() == 5_000, "all of it is shown");
    }

    #[test]
    fn bytes_that_are_no_text_are_counted() {
        assert_eq!(told("a\u{fffd}b"), "!(a\u{fffd}b)");
    }

    /// However it is cut, a text looks the same.
    #[test]
    fn sequences_may_be_cut_anywhere() {
        let text = "é\x1b[1;31mred\x1b[0m日\x1b]0;t\x1b\\\x1b[38;2;1;2;3mx\x1b(B\r\ny\x1b[2Kz\u{202e}";
        let joined = |text: String| text.replace(")(1:", "").replace(")(", "");
        let whole = joined(told(text));
        for cut in (0..text.len()).filter(|i| text.is_char_boundary(*i)) {
            let (mut told, mut reader) = (Told::default(), Reader::default());
            reader.read(&text[..cut], &mut told);
            reader.read(&text[cut..], &mut told);
            reader.finish(&mut told);
            assert_eq!(joined(told.0), whole, "cut at {cut}");
        }
    }
}
