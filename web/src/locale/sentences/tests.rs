use std::collections::BTreeSet;

use shared::{
    calendar,
    file::Format,
    id::NodeId,
    job,
    run::State,
    schedule::{Dialect, Dst, Schedule, Zone},
    target::{NodeSet, Selector},
    time::Time,
    units::{Size, Span},
};

use super::*;
use crate::locale::speak;

/// Two words of English in a row that are neither quoted nor written so by people.
pub fn english_left(text: &str) -> Option<String> {
    const WRITTEN_SO: [&str; 1] = ["zone in"];
    let outside = text.split('`').step_by(2).collect::<Vec<_>>().join("` `");
    let is_word = |word: &&str| word.len() >= 2 && word.bytes().all(|b| b.is_ascii_lowercase());
    let words: Vec<&str> = outside.split(' ').collect();
    let pairs = words.windows(2).filter(|pair| {
        let (first, second) = (pair[0], pair[1]);
        let first = first.rsplit(|c: char| !c.is_ascii_alphanumeric()).next();
        let second = second.split(|c: char| !c.is_ascii_alphanumeric()).next();
        first.as_ref().is_some_and(is_word) && second.as_ref().is_some_and(is_word)
    });
    pairs
        .map(|pair| pair.join(" "))
        .find(|pair| !WRITTEN_SO.iter().any(|so| pair.contains(so)))
}

pub fn reads_like_english(text: &str) -> bool {
    english_left(text).is_some()
}

/// What is not said in Chinese, or not all of it.
fn unsaid(sentence: &str) -> Option<String> {
    let Some(zh) = in_chinese(sentence) else {
        return Some(format!("no Chinese for: {sentence}"));
    };
    let left = english_left(&zh).or_else(|| (!has_chinese(&zh)).then(|| zh.clone()))?;
    Some(format!("`{left}` is left of: {sentence} → {zh}"))
}

fn has_chinese(text: &str) -> bool {
    text.chars().any(|c| ('一'..='龥').contains(&c))
}

pub fn assert_said(sentences: &[String]) {
    let unsaid: Vec<String> = sentences.iter().filter_map(|one| unsaid(one)).collect();
    assert!(unsaid.is_empty(), "{}", unsaid.join("\n"));
}

#[test]
fn templates_are_compared_and_filled() {
    let compared = |template, sentence| compare(template, sentence).map(|(_, filled)| filled);
    assert_eq!(compared("it is down", "it is down"), Some(vec![]));
    assert_eq!(compared("it is down", "it is downhill"), None);
    assert_eq!(
        compared("{n} is out of {range}", "8 is out of 0-7"),
        Some(vec![("n", "8"), ("range", "0-7")])
    );
    assert_eq!(
        compared(
            "`{text}`: there is no such day",
            "`a: b; c`: there is no such day"
        ),
        Some(vec![("text", "a: b; c")])
    );
    // No name takes another sentence along.
    assert_eq!(compared("{n} is out of {range}", "a: 8 is out of 0-7"), None);
    assert_eq!(
        compared("{n} is out of {range}", "8 is out of 0-7; mend it"),
        None
    );
}

#[test]
fn sentences_are_said_with_all_their_parts() {
    for (en, zh) in [
        (
            "day of week: 8 is out of 0-7, at column 9",
            "星期：8 超出 0-7（第 9 列）",
        ),
        (
            "line 3, column 5: unknown field `shel`, expected one of `shell`, `exec`; did you mean `shell`?",
            "第 3 行第 5 列：未知的字段 `shel`，可用的有 `shell`, `exec`；是否指 `shell`？",
        ),
        (
            "job ops/a: trigger 2: hour: `x` is not known; write 0-23, at column 3",
            "作业 ops/a：触发规则 2：时：无法识别 `x`；请写 0-23（第 3 列）",
        ),
        (
            "retry.backoff: `5` is not a duration: it has no unit; write one with a unit, for example 90s, 5m, 1h30m or 2d",
            "retry.backoff：`5` 不是时长：没有单位；请带单位书写，例如 90s、5m、1h30m 或 2d",
        ),
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
            "需要 3 个节点，只有 1 个可以承接：db2：已封锁；另有 4 个",
        ),
        ("slot 2: no node is alive", "槽位 2：没有在线节点"),
        (
            "job ops/a has changed since you read it: it is at revision 7, not 5",
            "作业 ops/a 在你读取之后已被修改：修订号为 7，而不是 5",
        ),
        (
            "calendar x is named by 9 jobs: a/b, a/c, and 7 more",
            "日历 x 被 9 个作业引用：a/b, a/c 等（另有 7 个）",
        ),
        (
            "On node db1 (attempt 2) it ended failed (exited with code 3); started 2026-01-01T00:00:00Z, took 5s; the attempt before it failed. Run 01X.",
            "节点 db1，第 2 次尝试：已失败（退出码为 3）；启动于 2026-01-01T00:00:00Z，耗时 5s；前一次尝试失败。运行 01X。",
        ),
    ] {
        assert_eq!(in_chinese(en).as_deref(), Some(zh));
    }
    let ends = State::ALL
        .into_iter()
        .filter(|state| state.is_end() && *state != State::Lost);
    for state in ends.filter(|state| *state != State::Succeeded) {
        let ended = state.as_str().replace('_', " ");
        assert_said(&[
            format!("Slot 1 on node db1 it ended {ended}. Run 01X."),
            format!("the run has ended already: {}", state.as_str()),
        ]);
    }
    assert_said(&["the query: missing field `from`".to_owned()]);
    assert_eq!(in_chinese("something new"), None);
    assert_eq!(said("it is down"), "it is down");
    speak(Language::Zh);
    assert_eq!(said("it is down"), "节点已离线");
    assert_eq!(said("something new"), "something new");
    speak(Language::En);
}

/// What people write is in some sentences: no form of it takes long, or takes the rest along.
#[test]
fn what_people_write_is_read_in_bounded_time() {
    for text in [
        "x (y); ",
        "a: b; ",
        "; ",
        ": ",
        "(",
        "`",
        "it is down; ",
        "On node x ",
    ] {
        let why = text.repeat(1000);
        let said = in_chinese(&format!("killed by ann: {why}")).unwrap();
        assert!(
            said.starts_with("被 ann 终止：") || said.starts_with("killed by ann"),
            "{said}"
        );
    }
    let zh = in_chinese("killed by ann: too slow; (see #3)").unwrap();
    assert_eq!(zh, "被 ann 终止：too slow; (see #3)");
    let nodes: Vec<String> = (0..20).map(|n| format!("db{n}: it is down")).collect();
    assert_said(&[format!(
        "slot 2: no node can take it: {}; and 7 more",
        nodes.join("; ")
    )]);
}

#[test]
fn each_template_has_its_chinese_once() {
    let names = |text: &'static str| -> BTreeSet<&str> {
        let after = text.split('{').skip(1);
        after
            .filter_map(|rest| rest.split_once('}'))
            .map(|(name, _)| name)
            .collect()
    };
    let mut seen = BTreeSet::new();
    for (en, zh) in templates() {
        assert!(seen.insert(en), "`{en}` stands twice");
        assert_ne!(en, zh);
        assert_eq!(english_left(zh), None, "{en}");
        assert!(
            names(zh).is_subset(&names(en)),
            "`{zh}` names what `{en}` has not"
        );
    }
}

fn job(rest: &str) -> String {
    format!("name: a\nrun: {{shell: 'true'}}\n{rest}\n")
}

/// A job file for each thing that can be wrong with one, as far as `shared` tells it.
fn wrong_jobs() -> Vec<String> {
    let mut files: Vec<String> = [
        // The file.
        "",
        "[]",
        "just words",
        "3",
        "name: a\nrun: {shell: x}\n---\nname: a\nrun: {shell: x}\n",
        // YAML.
        "name: [",
        "run: {shell: a",
        "name: 'a",
        "name: a]",
        "{a]",
        "a: b: c",
        "- a\nb: c",
        "name: a\nname: b\nrun: {shell: x}",
        "[a]: b",
        "name: *x",
        "name: &x [*x]",
        "name: !foo a",
        "%YAML 3\n---\na: b",
        "name: @x",
        "<<: 3\nname: a",
        "a: |\n x\n  y\nz",
        "a: >\n\tx",
        "a: |0\n x",
        "key: \"\\q\"",
        "key: \"\\xzz\"",
        "name: a\n\trun: b",
        "name: a\nrun:\n  shell: 'x'\n shell2: y",
        "a: 'x' y",
        "a: \"x\" y",
        "a: -\n- b",
        "a: - b",
        "? a\n- b",
        "a: [x\nb: c",
        "a: {x\n- b",
        "{a: b",
        "[a, b",
        "a: [b] c",
        "a: \"b\nc\"",
        "---\na: b\n--- |x\n",
        // Keys and values.
        "name: a",
        "run: {shell: x}",
        "nam: a\nrun: {shell: x}",
        "zzzzzzzzzzzz: a",
        "name: a\nrun: {shel: x}",
        "name: a\nrun: 3",
        "name: ~\nrun: {shell: x}",
        "name: {a: b}\nrun: {shell: x}",
        "name: [a]\nrun: {shell: x}",
        // Names.
        "name: ''\nrun: {shell: x}",
        "name: a b\nrun: {shell: x}",
        "name: .a\nrun: {shell: x}",
        "name: a\nnamespace: a/b\nrun: {shell: x}",
        // What it does.
        "name: a\nrun: {}",
        "name: a\nrun: {shell: x, exec: [x]}",
        "name: a\nrun: {shell: ' '}",
        "name: a\nrun: {shell: \"a\\0b\"}",
        "name: a\nrun: {exec: []}",
        "name: a\nrun: {exec: x}",
        "name: a\nrun: {exec: [[x]]}",
        "name: a\nrun: {exec: [\"a\\0b\"]}",
        "name: a\nrun: {http: x}",
        "name: a\nrun: {http: {method: GET}}",
        "name: a\nrun: {http: {url: 'ftp://a'}}",
        "name: a\nrun: {http: {url: 'http://a', method: get}}",
        "name: a\nrun: {shell: x, timeout: 0s}",
        "name: a\nrun: {shell: x, timeout: 5}",
        "name: a\nrun: {shell: x, timeout: ''}",
        "name: a\nrun: {shell: x, timeout: m}",
        "name: a\nrun: {shell: x, timeout: 5x}",
        "name: a\nrun: {shell: x, timeout: 99999d}",
        "name: a\nrun: {shell: x, timeout: []}",
        "name: a\nrun: {shell: x, timeout: {a: 1}}",
        "name: a\nrun: {shell: x, output: 5}",
        "name: a\nrun: {shell: x, output: x}",
        "name: a\nrun: {shell: x, output: 5XB}",
        "name: a\nrun: {shell: x, output: 999TiB}",
        "name: a\nrun: {shell: x, output: 99999999999999999TiB}",
        "name: a\nrun: {http: {url: 'http://'}}",
        "name: a\nrun: {http: {url: 'http://a:x'}}",
        "name: a\nrun: {http: {url: 'http://a', headers: {a b: c}}}",
        "name: a\nrun: {http: {url: 'http://a', headers: {a: \"b\\nc\"}}}",
        "name: a\nrun: {http: {url: 'http://a'}, stdin: x}",
        "name: a\nrun: {shell: x, user: ''}",
        "name: a\nrun: {shell: x, user: \"a\\0b\"}",
        "name: a\nrun: {shell: x, group: ''}",
        "name: a\nrun: {shell: x, dir: a}",
        "name: a\nrun: {shell: x, env: {'a=b': c}}",
        "name: a\nrun: {shell: x, env: {a: \"a\\0b\"}}",
        "name: a\nrun: {shell: x, env: [A]}",
        "name: a\nrun: {shell: x, success: [a]}",
        "name: a\nrun: {shell: x, success: 3}",
    ]
    .map(str::to_owned)
    .into();
    let long = "x".repeat(128 << 10);
    files.extend([
        format!("name: a\nrun: {{shell: {long}}}"),
        format!("name: a\nrun: {{exec: [a, {long}]}}"),
        format!("name: a\nrun: {{shell: x, env: {{A: {long}}}}}"),
    ]);
    files.extend(
        [
            "paused: maybe",
            "on_lost: x",
            "isolation: x",
            "isolation: [x]",
            "labels: 3",
            "labels: {a: [b]}",
            "labels: {'a b': c}",
            "labels: {a: 'b,c'}",
            "overlap: 3",
            "overlap: {policy: x}",
            "overlap: {limit: x}",
            "overlap: {limit: -1}",
            "overlap: {limit: 1.5}",
            "overlap: {limit: 99999999999}",
            "overlap: {limit: 0}",
            "overlap: {queue: 9999}",
            "misfire: x",
            "misfire: {run: x}",
            "retry: {attempts: 0}",
            "retry: {factor: 0}",
            "retry: {factor: x}",
            "retry: {factor: .nan}",
            "retry: {elsewhere: x}",
            "keep: {runs: 0}",
            "keep: {for: 3}",
            "calendars: {exclude: [a], only: [a]}",
            "calendars: {exclude: [a, b, c, d, e, f, g]}",
            "calendars: {exclude: ['a b']}",
            "target: {place: some}",
            "target: {place: 0}",
            "target: {place: []}",
            "target: {place: {}}",
            "target: {place: {shard: 1}}",
            "target: {place: {shards: x}}",
            "target: {place: {shards: 0}}",
            "target: {nodes: a}",
            "target: {nodes: ['']}",
            "target: {groups: ['a b']}",
            "target: {balance: x}",
            "target: {labels: 'a,,b'}",
            "target: {labels: 'a in (b'}",
            "target: {labels: 'a on (b)'}",
            "target: {labels: '!'}",
            "target: {labels: 'a=b=c'}",
            "schedule: ''",
            "schedule: '* * * *'",
            "schedule: '* * * * 8'",
            "schedule: '* * * * *'\ntriggers: [{every: 5m}]",
            "triggers: 3",
            "triggers: [{}]",
            "triggers: [{cron: '* * * * *', every: 5m}]",
            "triggers: [{every: 5m, dialect: quartz}]",
            "triggers: [{cron: '* * * * *', anchor: '2026-01-01T00:00:00Z'}]",
            "triggers: [{cron: '* * * * *', timezone: Asia/Shangai}]",
            "triggers: [{cron: '* * * * *', timezone: Mars}]",
            "triggers: [{cron: '* * * * *', target: {nodes: [a]}}]",
            "triggers: [{every: 5}]",
            "triggers: [{every: 5ms}]",
            "triggers: [{at: 3}]",
            "triggers: [{at: tomorrow}]",
            "triggers: [{at: []}]",
        ]
        .map(job),
    );
    files.push(job(&format!("description: '{}'", "x".repeat(5000))));
    files.push(job(&format!("triggers: [{}]", "{every: 5m}, ".repeat(65))));
    files.push(format!("name: {}\nrun: {{shell: x}}", "x".repeat(200)));
    files.push(format!("name: a\nrun: {{shell: '{}'}}", "x".repeat(2 << 20)));
    files.push(format!("# {}\n", "x".repeat(9 << 20)));
    files
}

#[test]
fn what_is_wrong_with_a_job_file_is_said() {
    let mut said = Vec::new();
    for file in wrong_jobs() {
        let shown: String = file.chars().take(80).collect();
        let Err(error) = job::file::parse_yaml(&file) else {
            panic!("this is right: {shown}");
        };
        said.extend([error.to_string(), error.message].into_iter().chain(error.hint));
        // The form reads the same as plain values.
        for value in shared::file::values(&file).into_iter().flatten() {
            if let Err(error) = shared::file::value::to::<job::JobSpec>(value) {
                said.push(error.to_string());
            }
        }
    }
    // Over, and not wrong before it is told what time it is.
    let at = |text: &str| text.parse::<Time>().unwrap();
    let over = Schedule::at(vec![at("2026-01-01T00:00:00Z")]).unwrap();
    let error = over.check_ahead(at("2027-01-01T00:00:00Z")).unwrap_err();
    said.push(error.to_string());
    assert_said(&said);
}

#[test]
fn what_is_wrong_with_a_schedule_is_said() {
    use Dialect::{Cron, Quartz};
    let long = "1,".repeat(5000);
    let mut said = Vec::new();
    for (dialect, expression) in [
        (Cron, ""),
        (Cron, long.as_str()),
        (Cron, "* * * *"),
        (Cron, "* * * * * * * *"),
        (Cron, "@reboot"),
        (Cron, "@often"),
        (Cron, "@daily 3"),
        (Cron, "@every 5m"),
        (Cron, "0 0 30 2 *"),
        (Cron, "60 * * * *"),
        (Cron, "* 24 * * *"),
        (Cron, "* * 0 * *"),
        (Cron, "* * * 13 *"),
        (Cron, "* * * * 8"),
        (Cron, "60 * * * * *"),
        (Cron, "* * * * * * 1969"),
        (Cron, "1,, * * * *"),
        (Cron, "1- * * * *"),
        (Cron, "*/ * * * *"),
        (Cron, "*/0 * * * *"),
        (Cron, "/5 * * * *"),
        (Cron, "? * * * *"),
        (Cron, "* * ?? * *"),
        (Cron, "* * 1,? * *"),
        (Cron, "+1 * * * *"),
        (Cron, "5-1 * * * *"),
        (Cron, "1x * * * *"),
        (Cron, "x * * * *"),
        (Cron, "* * * x *"),
        (Cron, "* * * JANUARY *"),
        (Cron, "* * * * L"),
        (Cron, "* * * * W"),
        (Cron, "* * W * *"),
        (Cron, "* * 1-L * *"),
        (Cron, "L * * * *"),
        (Cron, "* * L-31 * *"),
        (Cron, "* * L/2 * *"),
        (Cron, "* * 15W-20 * *"),
        (Cron, "* * 1-15W * *"),
        (Cron, "* * * * 1#6"),
        (Cron, "* * * * 1#x"),
        (Cron, "H(1) * * * *"),
        (Cron, "H(1-2 * * * *"),
        (Cron, "H(5-2) * * * *"),
        (Cron, "* * * * * * H"),
        (Quartz, "* * * *"),
        (Quartz, "@daily"),
        (Quartz, "0 0 0 ? * ?"),
        (Quartz, "0 0 0 1 * 1"),
        (Quartz, "0 0 0 ? * 0"),
        (Quartz, "0 0 0 ? * +1"),
        (Quartz, "0/99 0 0 ? * 1"),
        (Quartz, "H 0 0 ? * 1"),
    ] {
        let read = Schedule::cron(expression, dialect, Zone::utc(), Dst::default(), 0);
        let Err(error) = read else {
            panic!("this is right: {expression}");
        };
        said.push(error.to_string());
    }
    let many = Schedule::at(vec![Time::EPOCH; 10_001]);
    said.push(many.unwrap_err().to_string());
    assert_said(&said);
}

#[test]
fn what_is_wrong_with_a_calendar_is_said() {
    let calendar = |rest: &str| format!("name: a\n{rest}\n");
    let mut files = vec![
        String::new(),
        "x".to_owned(),
        "name: a\ndates: [12-25]\n---\nname: a\ndates: [12-25]\n".to_owned(),
        calendar(&format!("description: '{}'\ndates: [12-25]", "x".repeat(5000))),
        calendar(&format!("weekly: [{}]", "{days: mon}, ".repeat(101))),
    ];
    files.extend(
        [
            "",
            "dates: 3",
            "dates: [3]",
            "dates: [[]]",
            "dates: [2026-02-30]",
            "dates: [1200-01-01]",
            "dates: [13-01]",
            "dates: [x]",
            "ranges: [{from: 2026-01-01}]",
            "ranges: [{from: 3, to: 2026-01-01}]",
            "ranges: [{from: {a: b}, to: 2026-01-01}]",
            "ranges: [{from: 2026-01-01T25:00, to: 2026-01-02}]",
            "ranges: [{from: 2026-01-02, to: 2026-01-01}]",
            "ranges: [{from: 2026-01-01, to: 2026-01-02T00:00:00Z}]",
            "weekly: [{days: 3}]",
            "weekly: [{days: noday}]",
            "weekly: [{days: []}]",
            "weekly: [{from: 3}]",
            "weekly: [{from: '25:00'}]",
            "weekly: [{from: [x]}]",
            "weekly: [{from: '08:00', to: '08:00'}]",
            "weekly: [{from: '24:00'}]",
            "timezone: Mars\ndates: [12-25]",
            "tz: UTC",
        ]
        .map(calendar),
    );
    let mut said = Vec::new();
    for file in files {
        let Err(error) = calendar::parse(&file, Format::Yaml) else {
            let shown: String = file.chars().take(80).collect();
            panic!("this is right: {shown}");
        };
        said.push(error.to_string());
    }
    assert_said(&said);
}

#[test]
fn why_a_host_does_not_start_it_is_said() {
    for what in ["the shell", "the program"] {
        assert_said(&[
            format!("{what} /bin/x cannot be executed: the interpreter that it names is missing"),
            format!("{what} /bin/x cannot be executed: Exec format error (os error 8)"),
            format!("{what} /bin/x does not exist on this host"),
            format!("{what} `x` is not in any directory of PATH (/bin:/usr/bin)"),
            format!("{what} /bin/x may not be executed by the user `ann`"),
            format!("{what} /bin/x: its arguments and environment are too large for this host"),
        ]);
    }
    assert_said(&[
        "the user `ann` could not be looked up: EIO".to_owned(),
        "the group `ops` could not be looked up: EIO".to_owned(),
        "commands.allow: `/bin/x` is not in the list".to_owned(),
        "error sending request: client error (Connect): tcp connect error: Connection refused (os error 111)"
            .to_owned(),
    ]);
}

#[test]
fn what_is_wrong_with_a_single_field_is_said() {
    let set = |json: &str| serde_json::from_str::<NodeSet>(json).unwrap_err().to_string();
    assert_said(&[
        "a b".parse::<NodeId>().unwrap_err().to_string(),
        "a,,b".parse::<Selector>().unwrap_err(),
        "5".parse::<Span>().unwrap_err(),
        "5".parse::<Size>().unwrap_err(),
        set("{\"node\": 3}"),
        set("{\"labels\": 3}"),
    ]);
}
