//! An address that leads nowhere.

use crate::{
    parts::{feedback::Empty, page::Page},
    prelude::*,
    words::say,
};

words! {
    NotFoundWords {
        title: "There is nothing here" / "这里什么也没有",
        hint: "The address may be mistyped, or what it named is gone." / "地址可能有误，或所指内容已不存在。",
        overview: "To the overview" / "返回总览",
    }
}

#[component]
pub fn NotFound() -> impl IntoView {
    let w = say::<NotFoundWords>();
    view! {
        <Page title=w.title>
            <Empty title=w.hint><a href="/">{w.overview}</a></Empty>
        </Page>
    }
}
