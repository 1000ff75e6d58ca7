//! What a node is to a job, in the viewer's language.
//!
//! The server says it in English, in the words of `shared::plan`; the set of its sentences is
//! small and closed, so that each can be said in Chinese here. A sentence that is not known
//! stays as the server says it.

use crate::locale::{Language, language};

/// Sentences that are always the same.
const WHOLE: &[(&str, &str)] = &[
    ("it has the job", "正由它负责"),
    ("it matches", "符合条件"),
    ("it is down", "节点已离线"),
    ("its node is down", "所属节点已离线"),
    ("it is draining", "正在排空"),
    ("it is stopping", "正在停止"),
    ("it is cordoned", "已停止调度"),
    ("it is not placed yet", "尚未分配"),
    (
        "it is not among the named nodes and groups",
        "不在指定的节点和节点组之中",
    ),
    (
        "it is excluded by name, group or label",
        "已按名称、节点组或标签排除",
    ),
    ("no node is alive", "没有在线节点"),
    ("no node can take it", "没有节点可以承接"),
    ("a group that it names cannot be read", "所指定的节点组无法读取"),
    ("what it says of itself cannot be read", "节点信息无法读取"),
    ("it can take it", "可以承接"),
    ("preferred", "优先"),
    ("the least loaded is chosen", "选取负载最低者"),
    ("nodes take turns", "各节点轮流"),
];

/// The sentence in the language of the moment.
pub fn words(said: &str) -> String {
    match language() {
        Language::En => said.to_owned(),
        Language::Zh => in_chinese(said),
    }
}

fn in_chinese(said: &str) -> String {
    if let Some(parts) = split(said, "; ") {
        return parts.collect::<Vec<_>>().join("；");
    }
    if let Some((_, zh)) = WHOLE.iter().find(|(en, _)| *en == said) {
        return (*zh).to_owned();
    }
    if let Some(labels) = said
        .strip_prefix("its labels do not match `")
        .and_then(|rest| rest.strip_suffix('`'))
    {
        return format!("标签不符合 `{labels}`");
    }
    if let Some((place, all)) = said
        .strip_prefix("choice ")
        .and_then(|rest| rest.split_once(" of "))
    {
        let (all, rest) = all
            .split_once(", ")
            .map_or((all, None), |(all, rest)| (all, Some(rest)));
        let rest = rest
            .map(|rest| format!("，{}", in_chinese(rest)))
            .unwrap_or_default();
        return format!("第 {place} 选择（共 {all} 个）{rest}");
    }
    if let Some(n) = said
        .strip_prefix("and ")
        .and_then(|rest| rest.strip_suffix(" more"))
    {
        return format!("另有 {n} 个");
    }
    if let Some((n, able)) = said
        .strip_prefix("it needs ")
        .and_then(|rest| rest.strip_suffix(" can take it"))
        .and_then(|rest| rest.split_once(" nodes, and "))
    {
        return format!("需要 {n} 个节点，只有 {able} 个可以承接");
    }
    if let Some(slots) = said.strip_prefix("it has slot ") {
        return format!("拥有槽位 {slots}");
    }
    if let Some(slots) = said.strip_prefix("it has slots ") {
        return format!("拥有槽位 {slots}");
    }
    // `db1: it is down`, `slot 2: no node can take it: …`
    if let Some((what, why)) = said.split_once(": ") {
        let what = match what.strip_prefix("slot ") {
            Some(slot) => format!("槽位 {slot}"),
            None => in_chinese(what),
        };
        return format!("{what}：{}", in_chinese(why));
    }
    if let Some(parts) = split(said, ", ") {
        return parts.collect::<Vec<_>>().join("，");
    }
    said.to_owned()
}

/// The parts of a sentence, each said, if it has several.
fn split<'a>(said: &'a str, separator: &'a str) -> Option<impl Iterator<Item = String> + 'a> {
    said.contains(separator)
        .then(|| said.split(separator).map(in_chinese))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locale::speak;

    #[test]
    fn what_the_server_says_is_said_in_chinese() {
        for (said, zh) in [
            ("choice 1 of 3", "第 1 选择（共 3 个）"),
            ("choice 2 of 3, preferred", "第 2 选择（共 3 个），优先"),
            (
                "it can take it, preferred; nodes take turns",
                "可以承接，优先；各节点轮流",
            ),
            (
                "its labels do not match `role=db,!canary`",
                "标签不符合 `role=db,!canary`",
            ),
            (
                "it needs 3 nodes, and 1 can take it: db2: it is cordoned; and 4 more",
                "需要 3 个节点，只有 1 个可以承接：db2：已停止调度；另有 4 个",
            ),
            ("slot 2: no node is alive", "槽位 2：没有在线节点"),
            ("something new", "something new"),
        ] {
            assert_eq!(in_chinese(said), zh);
        }
        assert_eq!(words("it is down"), "it is down");
        speak(Language::Zh);
        assert_eq!(words("it is down"), "节点已离线");
        speak(Language::En);
    }

    /// The planner's own words are known here.
    #[test]
    fn the_reasons_for_no_match_are_known() {
        use shared::target::NoMatch;
        for no in [
            NoMatch::NotNamed,
            NoMatch::Excluded,
            NoMatch::Labels {
                labels: "a=b".parse().unwrap(),
            },
        ] {
            let said = no.to_string();
            assert!(in_chinese(&said).chars().any(|c| c as u32 > 0x2E80), "{said}");
        }
    }
}
