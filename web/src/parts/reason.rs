//! Why there is a run and why it ended as it did, in the viewer's language.
//!
//! English words come from `shared`, where the command line has them from, too. What a
//! host says of itself (an error, a rule) comes as a sentence.

use shared::{
    history::RunView,
    run::{Cause, Reason},
};

use crate::{
    locale::{Language, count, duration, language, sentences::said},
    words::say,
};

mod words {
    words! {
        CauseWords {
            schedule: "scheduled" / "按计划",
            catch_up: "caught up" / "补跑",
            manual: "by hand" / "手动",
            retry: "retry" / "重试",
            lost: "after a lost node" / "节点失联后重跑",
        }
    }
}

/// Why the run ended as it did; empty while there is nothing to say.
pub fn reason_text(run: &RunView) -> String {
    match (&run.reason_detail, language()) {
        (Some(reason), Language::Zh) => in_chinese(reason),
        _ => said(&run.reason),
    }
}

/// Why there is a run.
pub fn cause_name(cause: Cause) -> &'static str {
    let w = say::<words::CauseWords>();
    match cause {
        Cause::Schedule => w.schedule,
        Cause::CatchUp => w.catch_up,
        Cause::Manual => w.manual,
        Cause::Retry => w.retry,
        Cause::Lost => w.lost,
    }
}

/// A reason by itself.
pub fn reason_words(reason: &Reason) -> String {
    match language() {
        Language::En => reason.to_string(),
        Language::Zh => in_chinese(reason),
    }
}

fn in_chinese(reason: &Reason) -> String {
    match reason {
        Reason::ExitCode { exit_code } => format!("退出码为 {exit_code}"),
        Reason::Signal { signal } => match signal_name(*signal) {
            Some(name) => format!("被信号 {signal}（{name}）终止"),
            None => format!("被信号 {signal} 终止"),
        },
        Reason::CannotStart { error } => format!("无法启动：{}", said(error)),
        Reason::Http { error } => format!("请求失败：{}", said(error)),
        Reason::Timeout { timeout } => format!("运行超过了 {}的时限", duration(timeout.get())),
        Reason::KilledBy { by, reason } if reason.is_empty() => format!("被 {} 终止", said(by)),
        Reason::KilledBy { by, reason } => format!("被 {} 终止：{reason}", said(by)),
        Reason::Replaced => "被之后的一次触发取代（overlap: replace）".into(),
        Reason::Isolation => "节点的租约失效，而作业要求隔离（isolation: kill）".into(),
        Reason::AgentStopped => "代理程序已停止".into(),
        Reason::Overlap { running, queued } => format!(
            "该作业还有 {} 个运行未结束，{} 个在排队",
            count(u64::from(*running)),
            count(u64::from(*queued))
        ),
        Reason::Paused => "作业已暂停".into(),
        Reason::Blackout { calendar } => format!("处于停运日历“{calendar}”之内"),
        Reason::OutsideCalendars { calendars } => {
            format!("不在日历“{}”之内", calendars.join("”、“"))
        }
        Reason::Superseded => "已错过，由之后的一次补跑代替".into(),
        Reason::TooLate { late, within } => format!(
            "未能及时启动：晚了 {}，而作业只允许 {}",
            duration(late.get()),
            duration(within.get())
        ),
        Reason::NotCaughtUp { late } => format!(
            "未能及时启动（晚了 {}），且作业不补跑（misfire: none）",
            duration(late.get())
        ),
        Reason::Spool { error } => format!("代理程序无法写入本地暂存：{}", said(error)),
        Reason::Policy { rule } => format!("主机策略不允许：{}", said(rule)),
        Reason::NodeGone => "节点在报告结果之前就已失联".into(),
        Reason::NoNode { why } => format!("没有可用的节点：{}", said(why)),
        Reason::Vanished => "代理程序恢复时，进程已不存在".into(),
        Reason::Withdrawn => "节点接受之前，指令已撤回".into(),
    }
}

/// A signal's name, of those that ended a process where Gnomon runs (Linux: signal(7)).
pub fn signal_name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        10 => "SIGUSR1",
        11 => "SIGSEGV",
        12 => "SIGUSR2",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        24 => "SIGXCPU",
        25 => "SIGXFSZ",
        31 => "SIGSYS",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locale::speak;

    fn span(text: &str) -> shared::units::Span {
        text.parse().unwrap()
    }

    #[test]
    fn reasons_are_said_in_the_viewers_language() {
        let reason = Reason::TooLate {
            late: span("2h"),
            within: span("1h"),
        };
        speak(Language::En);
        assert_eq!(
            reason_words(&reason),
            "could not be started in time: 2h late, and the job allows 1h"
        );
        speak(Language::Zh);
        assert_eq!(
            reason_words(&reason),
            "未能及时启动：晚了 2 小时 00 分，而作业只允许 1 小时 00 分"
        );
        assert_eq!(
            reason_words(&Reason::Signal { signal: 9 }),
            "被信号 9（SIGKILL）终止"
        );
        assert_eq!(reason_words(&Reason::Signal { signal: 77 }), "被信号 77 终止");
        let by = |reason: &str| Reason::KilledBy {
            by: "ops".into(),
            reason: reason.into(),
        };
        assert_eq!(reason_words(&by("")), "被 ops 终止");
        assert_eq!(reason_words(&by("太慢")), "被 ops 终止：太慢");
        speak(Language::En);
    }
}
