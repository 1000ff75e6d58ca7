//! Short news of what was just done, with a way back where there is one.

use std::time::Duration;

use super::{
    PartWords,
    confirm::Act,
    feedback,
    icon::{Glyph, Icon},
    prose::prose,
    state::Tone,
};
use crate::{api::Failure, words::say};

use crate::prelude::*;

const SHOWN_FOR: Duration = Duration::from_secs(6);
/// What went wrong takes longer to read.
const FAILURE_SHOWN_FOR: Duration = Duration::from_secs(15);

#[derive(Clone)]
struct Toast {
    id: u64,
    tone: Tone,
    text: String,
    undo: Option<Act>,
}

/// Taken while the view is made, for use in its events.
#[derive(Clone, Copy)]
pub struct Toaster(RwSignal<(u64, Vec<Toast>)>);

pub fn provide() {
    provide_context(Toaster(RwSignal::new((0, Vec::new()))));
}

pub fn toaster() -> Toaster {
    expect_context()
}

impl Toaster {
    pub fn done(self, text: impl Into<String>) {
        self.show(Tone::Good, text.into(), None, SHOWN_FOR);
    }

    /// With a button that takes it back.
    pub fn done_undo(self, text: impl Into<String>, undo: Act) {
        self.show(Tone::Good, text.into(), Some(undo), SHOWN_FOR);
    }

    /// What one must do first.
    pub fn wrong(self, text: impl Into<String>) {
        self.show(Tone::Bad, text.into(), None, SHOWN_FOR);
    }

    pub fn failed(self, failure: &Failure) {
        let hint = failure
            .hint()
            .map(|hint| format!(" ({hint})"))
            .unwrap_or_default();
        let text = format!("{}: {}{hint}", feedback::title(failure), failure.message());
        self.show(Tone::Bad, text, None, FAILURE_SHOWN_FOR);
    }

    fn show(self, tone: Tone, text: String, undo: Option<Act>, shown_for: Duration) {
        let id = self.0.try_update(|(next, toasts)| {
            *next += 1;
            toasts.push(Toast {
                id: *next,
                tone,
                text,
                undo,
            });
            *next
        });
        if let Some(id) = id {
            set_timeout(move || self.dismiss(id), shown_for);
        }
    }

    fn dismiss(self, id: u64) {
        self.0.try_update(|(_, toasts)| toasts.retain(|t| t.id != id));
    }
}

/// Where they appear; the shell has it.
#[component]
pub fn Toasts() -> impl IntoView {
    let toaster = toaster();
    let w = say::<PartWords>();
    view! {
        <div class="toasts" role="status" aria-live="polite">
            <For each=move || toaster.0.get().1 key=|t| t.id let:toast>
                <div class="toast" data-tone=toast.tone.as_str()>
                    <Icon glyph=if toast.tone == Tone::Bad { Glyph::Warning } else { Glyph::Check } />
                    <span>{prose(&toast.text)}</span>
                    {toast.undo.map(|undo| view! {
                        <button type="button" on:click=move |_| { toaster.dismiss(toast.id); undo(); }>
                            {w.undo}
                        </button>
                    })}
                    <button type="button" class="plain" aria-label=w.close
                        on:click=move |_| toaster.dismiss(toast.id)>
                        <Icon glyph=Glyph::Close />
                    </button>
                </div>
            </For>
        </div>
    }
}
