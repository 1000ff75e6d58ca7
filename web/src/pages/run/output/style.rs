//! How a piece of output looks: what SGR sequences (ECMA-48 8.3.117, xterm's 256 and direct
//! colours) say, and what is made of it on a light and on a dark page.

/// A colour as the program asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Colour {
    #[default]
    Default,
    /// One of xterm's 256.
    Index(u8),
    Rgb(u8, u8, u8),
}

pub const BOLD: u8 = 1;
pub const DIM: u8 = 2;
pub const ITALIC: u8 = 4;
pub const UNDERLINE: u8 = 8;
pub const INVERSE: u8 = 16;
pub const STRIKE: u8 = 32;
/// No text of the program's: a control character or an escape sequence, made visible.
pub const CONTROL: u8 = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Style {
    pub fg: Colour,
    pub bg: Colour,
    pub flags: u8,
}

impl Style {
    pub const CONTROL: Style = Style {
        fg: Colour::Default,
        bg: Colour::Default,
        flags: CONTROL,
    };

    /// Follows the parameters of an SGR sequence: `1;38;5;208`. What is unknown is passed
    /// over; a text that conceals itself is shown.
    pub fn follow(&mut self, params: &str) {
        let mut groups = params.split(';');
        while let Some(group) = groups.next() {
            match group.split_once(':') {
                Some((code, rest)) => self.follow_joined(code, rest),
                None => self.follow_one(number(group), &mut groups),
            }
        }
    }

    /// `38:2::255:0:0`, `4:3`: a code with its own parameters.
    fn follow_joined(&mut self, code: &str, rest: &str) {
        let parts: Vec<u16> = rest.split(':').map(number).collect();
        match (number(code), parts.as_slice()) {
            (4, [0]) => self.flags &= !UNDERLINE,
            (4, _) => self.flags |= UNDERLINE,
            (code @ (38 | 48), [5, index]) => self.set(code, Colour::Index(*index as u8)),
            // A colour space may stand before the three.
            (code @ (38 | 48), [2, .., r, g, b]) => {
                self.set(code, Colour::Rgb(*r as u8, *g as u8, *b as u8));
            }
            _ => {}
        }
    }

    fn follow_one<'a>(&mut self, code: u16, rest: &mut impl Iterator<Item = &'a str>) {
        match code {
            0 => *self = Style::default(),
            1 => self.flags |= BOLD,
            2 => self.flags |= DIM,
            3 => self.flags |= ITALIC,
            4 | 21 => self.flags |= UNDERLINE,
            7 => self.flags |= INVERSE,
            9 => self.flags |= STRIKE,
            22 => self.flags &= !(BOLD | DIM),
            23 => self.flags &= !ITALIC,
            24 => self.flags &= !UNDERLINE,
            27 => self.flags &= !INVERSE,
            29 => self.flags &= !STRIKE,
            30..=37 => self.fg = Colour::Index((code - 30) as u8),
            39 => self.fg = Colour::Default,
            40..=47 => self.bg = Colour::Index((code - 40) as u8),
            49 => self.bg = Colour::Default,
            90..=97 => self.fg = Colour::Index((code - 82) as u8),
            100..=107 => self.bg = Colour::Index((code - 92) as u8),
            38 | 48 => {
                let mut next = || rest.next().map(number);
                match next() {
                    Some(5) => {
                        if let Some(index) = next() {
                            self.set(code, Colour::Index(index as u8));
                        }
                    }
                    Some(2) => {
                        if let (Some(r), Some(g), Some(b)) = (next(), next(), next()) {
                            self.set(code, Colour::Rgb(r as u8, g as u8, b as u8));
                        }
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }

    fn set(&mut self, code: u16, colour: Colour) {
        if code == 38 {
            self.fg = colour;
        } else {
            self.bg = colour;
        }
    }

    /// The two colours as CSS; none where the page's own is right.
    pub fn colours(&self) -> (Option<String>, Option<String>) {
        let (mut fg, mut bg) = (self.fg, self.bg);
        if self.flags & INVERSE != 0 {
            if (fg, bg) == (Colour::Default, Colour::Default) {
                return (Some("var(--surface)".into()), Some("var(--text)".into()));
            }
            std::mem::swap(&mut fg, &mut bg);
        }
        match (fg, bg) {
            (Colour::Default, Colour::Default) => (None, None),
            (fg, Colour::Default) => {
                let (light, dark) = (on_page(fg, LIGHT_PAGE), on_page(fg, DARK_PAGE));
                (Some(format!("light-dark({},{})", hex(light), hex(dark))), None)
            }
            // On a colour of its own, a text looks the same in both themes.
            (fg, bg) => {
                let bg = raw(bg);
                let fg = if fg == Colour::Default {
                    black_or_white(bg)
                } else {
                    readable(raw(fg), bg)
                };
                (Some(hex(fg)), Some(hex(bg)))
            }
        }
    }

    /// The classes that the style sheet knows.
    pub fn classes(&self) -> String {
        const NAMES: [(u8, &str); 6] = [
            (BOLD, "t-bold "),
            (DIM, "t-dim "),
            (ITALIC, "t-italic "),
            (UNDERLINE, "t-underline "),
            (STRIKE, "t-strike "),
            (CONTROL, "t-control "),
        ];
        NAMES
            .into_iter()
            .filter(|(flag, _)| self.flags & flag != 0)
            .map(|(_, name)| name)
            .collect()
    }
}

/// A missing number is nought, and one that is too large is none that means anything.
fn number(text: &str) -> u16 {
    if text.is_empty() {
        0
    } else {
        text.parse().unwrap_or(u16::MAX)
    }
}

type Rgb = (u8, u8, u8);

/// What output stands on, as in `style/tokens.css`: `--surface` in both themes, and of the
/// light ones the darkest, of the dark ones the lightest.
const LIGHT_PAGE: Rgb = (0xef, 0xf1, 0xf4);
const DARK_PAGE: Rgb = (0x1c, 0x24, 0x2e);

/// Least contrast of a text with what it stands on (WCAG 2, level AA).
const CONTRAST: f32 = 4.5;

/// The first sixteen: red is the page's red, not a terminal's.
const ON_LIGHT: [u32; 16] = [
    0x18212c, 0xb42318, 0x1a7446, 0x8a5300, 0x1c5fae, 0x8b2fb3, 0x0b6673, 0x566172, //
    0x5d6878, 0xbf2c20, 0x17744a, 0x875600, 0x2164b8, 0x9636bd, 0x0d6b78, 0x3c4654,
];
const ON_DARK: [u32; 16] = [
    0x8b97a7, 0xff8a80, 0x4cc48a, 0xe6ac3c, 0x74b3f7, 0xd89bf2, 0x4fc7d4, 0xc9d1da, //
    0x98a5b6, 0xffa8a0, 0x7ddba8, 0xf4cd6f, 0x9fcbff, 0xe7bcfa, 0x86dfe8, 0xffffff,
];
/// As backgrounds, and under texts that have one.
const SIXTEEN: [u32; 16] = [
    0x1b222b, 0xb3362c, 0x2b7d4f, 0xa87a1f, 0x2f66a8, 0x85409f, 0x237884, 0xc5ccd5, //
    0x5b6675, 0xe0605a, 0x4cae79, 0xdfb64c, 0x6aa3e0, 0xbc80d3, 0x5cb8c4, 0xf5f7fa,
];

fn of(hex: u32) -> Rgb {
    ((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

fn hex((r, g, b): Rgb) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// The colour itself, whatever it stands on.
fn raw(colour: Colour) -> Rgb {
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    match colour {
        Colour::Default => DARK_PAGE,
        Colour::Rgb(r, g, b) => (r, g, b),
        Colour::Index(i @ 0..=15) => of(SIXTEEN[usize::from(i)]),
        Colour::Index(i @ 16..=231) => {
            let i = usize::from(i - 16);
            (STEPS[i / 36], STEPS[i / 6 % 6], STEPS[i % 6])
        }
        Colour::Index(i) => {
            let grey = 8 + 10 * (i - 232);
            (grey, grey, grey)
        }
    }
}

/// The colour as a text on a page: readable there, and as close to itself as that allows.
fn on_page(colour: Colour, page: Rgb) -> Rgb {
    match colour {
        Colour::Index(i @ 0..=15) if page == LIGHT_PAGE => of(ON_LIGHT[usize::from(i)]),
        Colour::Index(i @ 0..=15) => of(ON_DARK[usize::from(i)]),
        other => readable(raw(other), page),
    }
}

/// Moves a colour towards black or white until it can be read.
fn readable(colour: Rgb, on: Rgb) -> Rgb {
    let to = black_or_white(on);
    let towards =
        |from: u8, to: u8, step: u16| ((u16::from(from) * (16 - step) + u16::from(to) * step + 8) / 16) as u8;
    (0..=16)
        .map(|step| {
            (
                towards(colour.0, to.0, step),
                towards(colour.1, to.1, step),
                towards(colour.2, to.2, step),
            )
        })
        .find(|moved| contrast(*moved, on) >= CONTRAST)
        .unwrap_or(to)
}

fn black_or_white(on: Rgb) -> Rgb {
    let (black, white) = ((0, 0, 0), (255, 255, 255));
    if contrast(black, on) >= contrast(white, on) {
        black
    } else {
        white
    }
}

/// As WCAG 2 defines it: from 1 to 21.
fn contrast(a: Rgb, b: Rgb) -> f32 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn luminance((r, g, b): Rgb) -> f32 {
    // A cubic is as close to sRGB's curve as eyes are, and needs no power function.
    let linear = |c: u8| {
        let c = f32::from(c) / 255.0;
        c * (c * (c * 0.305_306 + 0.682_171_1) + 0.012_522_9)
    };
    0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(params: &str) -> Style {
        let mut style = Style::default();
        style.follow(params);
        style
    }

    #[test]
    fn sequences_say_how_a_text_looks() {
        assert_eq!(after("31").fg, Colour::Index(1));
        assert_eq!(after("97").fg, Colour::Index(15));
        assert_eq!(after("104").bg, Colour::Index(12));
        assert_eq!(after("38;5;208").fg, Colour::Index(208));
        assert_eq!(after("48;2;1;2;3").bg, Colour::Rgb(1, 2, 3));
        assert_eq!(after("38:2::1:2:3").fg, Colour::Rgb(1, 2, 3));
        assert_eq!(after("38:2:1:2:3").fg, Colour::Rgb(1, 2, 3));
        assert_eq!(after("38:5:9").fg, Colour::Index(9));
        assert_eq!(after("1;4;31").flags, BOLD | UNDERLINE);
        assert_eq!(after("4:3").flags, UNDERLINE);
        assert_eq!(
            after("38;5;9;1").flags,
            BOLD,
            "what follows the colour is not part of it"
        );
        assert_eq!(after("1;31;0"), Style::default());
        assert_eq!(after("1;31;"), Style::default(), "a missing number is nought");
        assert_eq!(after(""), Style::default());
    }

    #[test]
    fn nonsense_changes_nothing() {
        for params in ["38", "38;5", "38;2;1;2", "999999999999", "38:2:1", "777"] {
            assert_eq!(after(params), Style::default(), "{params}");
        }
    }

    /// The exact curve, which the page's own is close to.
    fn exact(a: Rgb, b: Rgb) -> f32 {
        let luminance = |(r, g, b): Rgb| {
            let linear = |c: u8| {
                let c = f32::from(c) / 255.0;
                if c <= 0.040_45 {
                    c / 12.92
                } else {
                    ((c + 0.055) / 1.055).powf(2.4)
                }
            };
            0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
        };
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn every_colour_can_be_read_in_both_themes() {
        for i in 0..=255 {
            for page in [LIGHT_PAGE, DARK_PAGE] {
                let shown = on_page(Colour::Index(i), page);
                assert!(exact(shown, page) >= 4.4, "{i}: {} on {}", hex(shown), hex(page));
            }
        }
        for rgb in [
            (255, 255, 0),
            (0, 0, 0),
            (255, 255, 255),
            (0, 0, 139),
            (127, 127, 127),
        ] {
            for page in [LIGHT_PAGE, DARK_PAGE] {
                assert!(exact(readable(rgb, page), page) >= 4.4);
            }
        }
    }

    #[test]
    fn a_text_on_a_colour_of_its_own_can_be_read() {
        for fg in 0..=255 {
            for bg in (0..=255).step_by(7) {
                let (bg, fg) = (raw(Colour::Index(bg)), raw(Colour::Index(fg)));
                assert!(exact(readable(fg, bg), bg) >= 4.3, "{} on {}", hex(fg), hex(bg));
            }
        }
    }

    #[test]
    fn colours_are_the_pages_own_where_nothing_is_said() {
        assert_eq!(Style::default().colours(), (None, None));
        assert_eq!(
            after("7").colours(),
            (Some("var(--surface)".into()), Some("var(--text)".into()))
        );
        let (fg, bg) = after("31").colours();
        assert_eq!((fg.as_deref(), bg), (Some("light-dark(#b42318,#ff8a80)"), None));
        let (fg, bg) = after("30;47").colours();
        assert!(fg.is_some() && bg.is_some());
    }
}
