//! Light, dark, or as the system says. The colours themselves stand in `style/tokens.css`.

use crate::{browser, prelude::*};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    pub const ALL: [Theme; 3] = [Theme::System, Theme::Light, Theme::Dark];

    pub fn as_str(self) -> &'static str {
        match self {
            Theme::System => "system",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    fn recalled() -> Theme {
        let kept = browser::recall("theme").unwrap_or_default();
        Theme::ALL
            .into_iter()
            .find(|t| t.as_str() == kept)
            .unwrap_or_default()
    }
}

/// Makes the theme a context, and follows it.
pub fn provide() -> RwSignal<Theme> {
    let theme = RwSignal::new(Theme::recalled());
    provide_context(theme);
    Effect::new(move |_| {
        let theme = theme.get();
        browser::remember("theme", theme.as_str());
        if let Some(root) = browser::document().document_element() {
            let _ = root.set_attribute("data-theme", theme.as_str());
        }
    });
    theme
}

pub fn theme() -> RwSignal<Theme> {
    expect_context()
}
