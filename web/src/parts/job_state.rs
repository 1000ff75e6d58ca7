//! A job's state, and what is wrong with it, in words.

use leptos::prelude::*;
use shared::api::board::{JobState, Trouble};

use super::{
    icon::Glyph,
    reason::reason_words,
    state::{self, Badge, Tone},
};
use crate::{
    clock,
    locale::{short_time, zone},
    words::say,
};

words! {
    JobStateWords {
        rejected: "rejected" / "被拒绝",
        unplaced: "no node" / "无可用节点",
        overdue: "overdue" / "逾期",
        failing: "failing" / "失败中",
        running: "running" / "运行中",
        ok: "ok" / "正常",
        new: "new" / "新建",
        paused: "paused" / "已暂停",
        run_on: "{state} on {node}" / "在 {node} 上{state}",
        run_on_some: "{state} on {node} and others ({owners} of {of})" / "在 {node} 等节点上{state}（{owners}/{of}）",
        nothing_of: "Nothing is recorded of {at}" / "没有 {at} 的任何记录",
        nothing_of_slot: "Nothing is recorded of {at}, slot {slot}" / "没有 {at} 槽位 {slot} 的任何记录",
    }
}

#[component]
pub fn JobStateBadge(state: JobState) -> impl IntoView {
    view! { <Badge tone=tone(state) glyph=glyph(state) text=name(state) /> }
}

pub fn tone(state: JobState) -> Tone {
    match state {
        JobState::Rejected | JobState::Failing => Tone::Bad,
        JobState::Unplaced | JobState::Overdue => Tone::Warning,
        JobState::Running => Tone::Busy,
        JobState::Ok => Tone::Good,
        JobState::New | JobState::Paused => Tone::Quiet,
    }
}

pub fn glyph(state: JobState) -> Glyph {
    match state {
        JobState::Rejected => Glyph::Forbidden,
        JobState::Unplaced => Glyph::Warning,
        JobState::Overdue => Glyph::Hourglass,
        JobState::Failing => Glyph::Cross,
        JobState::Running => Glyph::Play,
        JobState::Ok => Glyph::Check,
        JobState::New => Glyph::Clock,
        JobState::Paused => Glyph::Pause,
    }
}

pub fn name(state: JobState) -> &'static str {
    let w = say::<JobStateWords>();
    match state {
        JobState::Rejected => w.rejected,
        JobState::Unplaced => w.unplaced,
        JobState::Overdue => w.overdue,
        JobState::Failing => w.failing,
        JobState::Running => w.running,
        JobState::Ok => w.ok,
        JobState::New => w.new,
        JobState::Paused => w.paused,
    }
}

/// What is wrong, in the viewer's language as far as it has a name there.
pub fn trouble_text(trouble: &Trouble) -> String {
    let w = say::<JobStateWords>();
    match trouble {
        Trouble::Run {
            state,
            reason,
            detail,
            node,
            owners,
            of,
            ..
        } => {
            let state = state::name(*state);
            let run = if *of > 1 && *owners > 1 {
                fill!(
                    w.run_on_some,
                    state = state,
                    node = node,
                    owners = owners,
                    of = of
                )
            } else {
                fill!(w.run_on, state = state, node = node)
            };
            let why = detail.as_ref().map_or_else(|| reason.clone(), reason_words);
            if why.is_empty() {
                run
            } else {
                format!("{run}: {why}")
            }
        }
        Trouble::Unplaced { why } => why.join("; "),
        Trouble::Overdue { at, slot } => {
            let at = short_time(*at, clock::now(), &zone());
            match slot {
                None => fill!(w.nothing_of, at = at),
                Some(slot) => fill!(w.nothing_of_slot, at = at, slot = slot),
            }
        }
    }
}
