//! The console's pictures: strokes on a grid of 24, in the colour of the text around them.

use crate::prelude::*;

macro_rules! glyphs {
    ($($name:ident = $path:literal),* $(,)?) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Glyph { $($name),* }

        impl Glyph {
            fn path(self) -> &'static str {
                match self { $(Glyph::$name => $path),* }
            }
        }
    };
}

glyphs! {
    Gnomon = "M3 19h18M8 19 15 5v14",
    Overview = "M4 5h7v6H4zM13 5h7v10h-7zM4 13h7v6H4zM13 17h7v2h-7z",
    Jobs = "M4 6h2M4 12h2M4 18h2M9 6h11M9 12h11M9 18h11",
    Runs = "M12 4a8 8 0 1 0 8 8M12 8v4l3 2M16 4h4v4M20 4l-5 5",
    Timeline = "M4 6h7M8 12h9M13 18h7M4 4v16",
    Nodes = "M4 5h16v5H4zM4 14h16v5H4zM7.5 7.5h.01M7.5 16.5h.01",
    Groups = "M9 9m-3 0a3 3 0 1 0 6 0a3 3 0 1 0 -6 0M3 20c0-4 2.500-6 6-6s6 2 6 6M16 6.500a3 3 0 0 1 0 5.500M18 14.500c2 .800 3 2.600 3 5.500",
    Calendar = "M4 6h16v14H4zM4 10h16M8 3v5M16 3v5",
    Settings = "M4 7h9M17 7h3M4 17h3M11 17h9M15 5v4M9 15v4",
    Menu = "M4 7h16M4 12h16M4 17h16",
    Search = "M11 11m-6 0a6 6 0 1 0 12 0a6 6 0 1 0 -12 0M15.500 15.500 20 20",
    Plus = "M12 5v14M5 12h14",
    Minus = "M5 12h14",
    Close = "M6 6l12 12M18 6 6 18",
    Check = "M5 12.500 10 17.500 19 7",
    Cross = "M7 7l10 10M17 7 7 17",
    Play = "M8 5l11 7-11 7z",
    Pause = "M8 5v14M16 5v14",
    Stop = "M6 6h12v12H6z",
    Clock = "M12 12m-8 0a8 8 0 1 0 16 0a8 8 0 1 0 -16 0M12 7.500V12l3 2",
    Hourglass = "M7 4h10M7 20h10M8 4c0 5 8 6.500 8 12v4M16 4c0 5-8 6.500-8 12v4",
    Skip = "M5 6l7 6-7 6zM13 6l7 6-7 6",
    Question = "M9 9a3 3 0 1 1 4.500 2.600c-1 .600-1.500 1.200-1.500 2.400M12 18h.01",
    Warning = "M12 4 3 19h18zM12 10v4M12 16.500h.01",
    Forbidden = "M12 12m-8 0a8 8 0 1 0 16 0a8 8 0 1 0 -16 0M6.500 6.500l11 11",
    Edit = "M4 20h4L19 9l-4-4L4 16zM13 7l4 4",
    Copy = "M9 9h11v11H9zM5 15H4V4h11v1",
    Trash = "M5 7h14M10 4h4M7 7l1 13h8l1-13M10 11v5M14 11v5",
    Download = "M12 4v11M7 11l5 5 5-5M4 20h16",
    Refresh = "M20 11a8 8 0 1 0-2 6M20 5v6h-6",
    Right = "M9 5l7 7-7 7",
    Left = "M15 5l-7 7 7 7",
    Down = "M5 9l7 7 7-7",
    Up = "M5 15l7-7 7 7",
    More = "M5 11.500v1M12 11.500v1M19 11.500v1M4.500 12h1M11.500 12h1M18.500 12h1",
    Wrap = "M4 6h16M4 12h13a3 3 0 0 1 0 6h-4M15 15.500 12.500 18l2.500 2.500M4 18h4",
    Follow = "M12 4v12M7 12l5 5 5-5M5 20h14",
    Key = "M8 15m-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0M11 12l8-8M16 7l3 3",
    Drain = "M4 5h16M6 9h12M8 13h8M11 17h2",
    External = "M14 4h6v6M20 4l-9 9M18 14v6H4V6h6",
    Filter = "M4 5h16l-6 8v6l-4-2v-4z",
    Tag = "M4 4h8l8 8-8 8-8-8zM8 8h.01",
    Person = "M12 8m-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0M4 20c0-4.500 3-6.500 8-6.500s8 2 8 6.500",
}

/// Says nothing to a screen reader: a word stands beside it, or its button has a label.
#[component]
pub fn Icon(glyph: Glyph) -> impl IntoView {
    view! {
        <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
            <path d=glyph.path() />
        </svg>
    }
}
