//! A job's state, and what is wrong with it, in words.

use shared::api::board::{JobState, Trouble};

use super::{
    icon::Glyph,
    reason::reason_words,
    state::{self, Badge, Tone},
};
use crate::{
    clock,
    locale::{sentences::said, short_time, zone},
    prelude::*,
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
        rejected_about: "A host's policy does not allow it." / "主机策略不允许运行此作业。",
        unplaced_about: "There is no node for it, or for some of its slots." / "此作业或其部分槽位没有可用节点。",
        overdue_about: "It should have run by now, and nothing is known of it." / "此作业早该运行，却没有任何记录。",
        failing_about: "The last run that says something of it did not succeed." / "最近一次能说明问题的运行没有成功。",
        running_about: "It is running." / "正在运行。",
        ok_about: "Its last run succeeded." / "最近一次运行成功。",
        new_about: "Nothing is known of any run yet." / "还没有任何运行记录。",
        paused_about: "Nothing of it is due until it is resumed." / "恢复之前不会触发。",
        because: "{run}: {why}" / "{run}：{why}",
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

/// What the state means, for who does not know the word.
pub fn about(state: JobState) -> &'static str {
    let w = say::<JobStateWords>();
    match state {
        JobState::Rejected => w.rejected_about,
        JobState::Unplaced => w.unplaced_about,
        JobState::Overdue => w.overdue_about,
        JobState::Failing => w.failing_about,
        JobState::Running => w.running_about,
        JobState::Ok => w.ok_about,
        JobState::New => w.new_about,
        JobState::Paused => w.paused_about,
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
                fill!(w.because, run = run, why = why)
            }
        }
        Trouble::Unplaced { why } => said(&why.join("; ")),
        Trouble::Overdue { at, slot } => {
            let at = short_time(*at, clock::now(), zone());
            match slot {
                None => fill!(w.nothing_of, at = at),
                Some(slot) => fill!(w.nothing_of_slot, at = at, slot = slot),
            }
        }
    }
}
