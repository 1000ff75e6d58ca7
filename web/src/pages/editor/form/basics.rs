//! What the job is called.

use super::{
    super::{
        fields::{Pairs, Text, Toggle},
        words::EditorWords,
    },
    Section,
};
use crate::{prelude::*, words::say};

#[component]
pub fn Basics() -> impl IntoView {
    let w = say::<EditorWords>();
    view! {
        <Section title=w.basics>
            <div class="fields two">
                <Text at="name" label=w.name hint=w.name_hint mono=true />
                <Text at="namespace" label=w.namespace placeholder="default" mono=true />
            </div>
            <Text at="description" label=w.description lines=2 />
            <Pairs at="labels" label=w.labels add=w.add_label />
            <Toggle at="paused" label=w.paused />
        </Section>
    }
}
