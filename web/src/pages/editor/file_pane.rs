//! The job file: its text with colours, line numbers, and what is wrong where.

use shared::file::FileError;

use super::{
    model::paint::{self, Ink},
    state::editing,
    words::EditorWords,
};
use crate::{
    browser,
    locale::sentences::said,
    parts::{
        icon::{Glyph, Icon},
        prose::prose,
    },
    prelude::*,
    words::say,
};

#[component]
pub fn FilePane() -> impl IntoView {
    let w = say::<EditorWords>();
    let editing = editing();
    // Of a job that nobody has begun to write nothing is said.
    let is_blank = Memo::new(move |_| {
        editing.base.with(Option::is_none) && !editing.is_dirty.get() && !editing.tried.get()
    });
    let wrong = Memo::new(move |_| {
        if is_blank.get() {
            return None;
        }
        let unreadable = editing.unreadable.get();
        unreadable.or_else(|| editing.parsed.with(|parsed| parsed.as_ref().err().cloned()))
    });
    let area = NodeRef::<html::Textarea>::new();
    let has_comments = Memo::new(move |_| editing.text.with(|text| paint::comments(text) > 0));
    view! {
        <section class="card file" aria-label=w.file>
            <header>
                <div><h2>{w.file}</h2><small class="muted">{w.file_about}</small></div>
                <button type="button" class="plain" on:click=move |_| browser::copy(&editing.text.get_untracked())>
                    <Icon glyph=Glyph::Copy />{w.copy}
                </button>
            </header>
            {move || editing.before_loss.get().map(|before| view! {
                <div class="notice" data-tone="warning" role="status">
                    <p>{w.lost_comments}</p>
                    <button type="button" on:click=move |_| editing.type_text(before.clone())>{w.take_back}</button>
                </div>
            })}
            <Text area wrong />
            <footer>
                {move || match wrong.get() {
                    None if is_blank.get() => view! { <p class="muted">{w.begin}</p> }.into_any(),
                    Some(error) => view! { <Wrong error area /> }.into_any(),
                    None => view! { <p class="is-right"><Icon glyph=Glyph::Check />{w.file_right}</p> }.into_any(),
                }}
                <Show when=move || has_comments.get()><p class="muted small">{w.comments_stay_here}</p></Show>
            </footer>
        </section>
    }
}

/// What is wrong; a click goes there.
#[component]
fn Wrong(error: FileError, area: NodeRef<html::Textarea>) -> impl IntoView {
    let w = say::<EditorWords>();
    let editing = editing();
    let (line, column) = (error.line, error.column);
    let go = move |_| {
        let Some(area) = area.get_untracked() else { return };
        let at = editing.text.with_untracked(|text| offset(text, line, column));
        let _ = area.focus();
        let _ = area.set_selection_range(at, at);
    };
    view! {
        <div class="wrong" role="alert" id="file-error">
            <Icon glyph=Glyph::Warning />
            <div>
                {(line > 0).then(|| view! {
                    <button type="button" class="plain" on:click=go>{fill!(w.at_place, line = line, column = column)}</button>
                })}
                <span>{prose(&said(&error.message))}</span>
                {error.hint.as_deref().map(|hint| view! { <span class="muted">{prose(&said(hint))}</span> })}
            </div>
        </div>
    }
}

/// Where a line and column (from 1, in characters) are in a text, in UTF-16 units as the
/// browser counts.
fn offset(text: &str, line: u64, column: u64) -> u32 {
    let before = text.split_inclusive('\n').take(line.saturating_sub(1) as usize);
    let lines: usize = before.map(|line| line.encode_utf16().count()).sum();
    let line = text
        .split('\n')
        .nth(line.saturating_sub(1) as usize)
        .unwrap_or_default();
    let chars = line.chars().take(column.saturating_sub(1) as usize);
    (lines + chars.map(char::len_utf16).sum::<usize>()) as u32
}

/// A field of text with the same text, coloured, behind it.
#[component]
fn Text(area: NodeRef<html::Textarea>, wrong: Memo<Option<FileError>>) -> impl IntoView {
    let w = say::<EditorWords>();
    let editing = editing();
    let scrolled = RwSignal::new((0, 0));
    let look = move |_| {
        if let Some(area) = area.get_untracked() {
            scrolled.set((area.scroll_left(), area.scroll_top()));
        }
    };
    let wrong_line =
        Memo::new(move |_| wrong.with(|wrong| wrong.as_ref().map_or(0, |error| error.line as usize)));
    let lines = Memo::new(move |_| editing.text.with(|text| text.split('\n').count()));
    let down = move || format!("translateY({}px)", -scrolled.get().1);
    let both = move || {
        let (left, top) = scrolled.get();
        format!("translate({}px, {}px)", -left, -top)
    };
    view! {
        <div class="file-text">
            <div class="gutter" aria-hidden="true"><ol style:transform=down>
                {move || (1..=lines.get()).map(|line| view! {
                    <li class:is-wrong=move || wrong_line.get() == line>{line}</li>
                }).collect_view()}
            </ol></div>
            <div class="sheet">
                <pre aria-hidden="true" style:transform=both>
                    {move || editing.text.with(|text| painted(text, wrong_line.get()))}
                </pre>
                <textarea node_ref=area wrap="off" spellcheck="false" autocomplete="off" aria-label=w.file_label id="file"
                    aria-invalid=move || wrong.with(|e| e.is_some().then_some("true")) aria-describedby="file-error"
                    prop:value=move || editing.text.get() on:scroll=look
                    on:input=move |event| editing.type_text(event_target_value(&event))></textarea>
            </div>
        </div>
    }
}

fn painted(text: &str, wrong_line: usize) -> impl IntoView + use<> {
    let lines = paint::paint(text).into_iter().enumerate().map(|(i, pieces)| {
        let pieces: Vec<_> = pieces
            .into_iter()
            .map(|(ink, piece)| match ink {
                Ink::Plain => piece.to_owned().into_any(),
                ink => view! { <span data-ink=ink.as_str()>{piece.to_owned()}</span> }.into_any(),
            })
            .collect();
        view! { <div class:is-wrong={i + 1 == wrong_line}>{pieces}"\n"</div> }
    });
    lines.collect_view()
}

#[cfg(test)]
mod tests {
    use super::offset;

    #[test]
    fn places_are_counted_as_the_browser_does() {
        let text = "ab\n日𝄞x\ny";
        assert_eq!(offset(text, 1, 1), 0);
        assert_eq!(offset(text, 2, 3), 6);
        assert_eq!(offset(text, 3, 9), 9);
        assert_eq!(offset(text, 9, 1), 9);
    }
}
