//! What stands where a list will be, is not, or cannot be shown.

use std::sync::Arc;

use shared::api::ErrorCode;

use super::{
    PartWords,
    icon::{Glyph, Icon},
    prose::prose,
};
use crate::{
    api::Failure,
    clock,
    locale::ago,
    prelude::*,
    remote::{Fact, Remote},
    words::say,
};

/// Bars where lines of text will be.
#[component]
pub fn Loading(#[prop(default = 6)] lines: usize) -> impl IntoView {
    let w = say::<PartWords>();
    view! {
        <div class="loading" role="status" aria-label=w.loading>
            {(0..lines).map(|_| view! { <span></span> }).collect_view()}
        </div>
    }
}

/// Nothing is there: why, and what to do.
#[component]
pub fn Empty(#[prop(into)] title: String, #[prop(optional)] children: Option<Children>) -> impl IntoView {
    view! {
        <div class="empty">
            <p class="empty-title">{title}</p>
            {children.map(|children| children())}
        </div>
    }
}

/// What went wrong, what to do, and a button that tries again.
#[component]
pub fn Failed(failure: Failure, retry: impl Fn() + 'static) -> impl IntoView {
    let w = say::<PartWords>();
    view! {
        <div class="failed" role="alert">
            <Icon glyph=Glyph::Warning />
            <div>
                <p><strong>{title(&failure)}</strong></p>
                <p>{prose(&failure.message())}</p>
                {failure.hint().map(|hint| view! { <p class="muted">{prose(&hint)}</p> })}
            </div>
            <button type="button" on:click=move |_| retry()>{w.retry}</button>
        </div>
    }
}

pub fn title(failure: &Failure) -> &'static str {
    let w = say::<PartWords>();
    match failure {
        Failure::Refused(_) if failure.code() == Some(ErrorCode::NotFound) => w.not_found,
        Failure::Refused(_) => w.refused,
        Failure::Unreachable(_) => w.unreachable,
    }
}

/// Shows a remote fact: bars while it loads, what went wrong, or what `view` makes of it.
/// `view` is called once, when the first answer comes; what changes later reaches it through
/// its signal. An answer that grew old because the server fails is marked, not hidden.
pub fn shown<T, V>(
    remote: Remote<T>,
    view: impl Fn(Signal<Arc<T>>) -> V + Send + Sync + 'static,
) -> impl IntoView
where
    T: Send + Sync + 'static,
    V: IntoView + 'static,
{
    let view = move || {
        let data = Signal::derive(move || remote.data().expect("an answer never goes away"));
        view(data).into_any()
    };
    framed(remote.fact(), Arc::new(view))
}

/// The same of any fact: `view` is called once it is known.
fn framed(fact: Fact, view: Arc<dyn Fn() -> AnyView + Send + Sync>) -> AnyView {
    let is_known = Memo::new(move |_| fact.is_known());
    let failure = Memo::new(move |_| fact.failure());
    let now = clock::ticking();
    let framed = move || {
        if !is_known.get() {
            return match failure.get() {
                Some(failure) => view! { <Failed failure retry=move || fact.refresh() /> }.into_any(),
                None => view! { <Loading /> }.into_any(),
            };
        }
        view! {
            {move || failure.get().map(|failure| view! {
                <p class="stale" role="alert">
                    <Icon glyph=Glyph::Warning />
                    {move || fact.at().map(|at| {
                        fill!(say::<PartWords>().as_it_was, ago = ago(at, now.get()))
                    })}
                    " · " {failure.message()}
                </p>
            })}
            {view()}
        }
        .into_any()
    };
    framed.into_any()
}
