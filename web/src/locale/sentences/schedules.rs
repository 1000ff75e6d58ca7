//! What is wrong with a cron expression, an interval or a list of instants.

use super::sentences;

sentences! {
    // Where in the expression.
    "{why}, at column {n}" / "{why}（第 {n} 列）",
    "second: {why}" / "秒：{why}",
    "minute: {why}" / "分：{why}",
    "hour: {why}" / "时：{why}",
    "day of month: {why}" / "日：{why}",
    "month: {why}" / "月：{why}",
    "day of week: {why}" / "星期：{why}",
    "year: {why}" / "年：{why}",

    // The expression as a whole.
    "the expression has {n} bytes; {most} are the most" / "表达式有 {n} 字节；最多 {most} 字节",
    "the expression is empty; write 5 fields, such as `30 2 * * *`" / "表达式为空；请写 5 个字段，例如 `30 2 * * *`",
    "the expression has {n} field{s}; write 5 (minute, hour, day of month, month, day of week), 6 with seconds first, or 7 with a year last" / "表达式有 {n} 个字段；请写 5 个（分、时、日、月、星期），或以秒开头的 6 个，或以年结尾的 7 个",
    "the expression has {n} field{s}; Quartz wants 6 (second, minute, hour, day of month, month, day of week), or 7 with a year last" / "表达式有 {n} 个字段；Quartz 要求 6 个（秒、分、时、日、月、星期），或以年结尾的 7 个",
    "the expression never fires for some of the values that `H` may stand for; narrow them, as in `H(1-8)`" / "`H` 可能取到的某些值会使该表达式永远不会触发；请缩小其范围，例如 `H(1-8)`",
    "`H` goes to day 28 at most, which every month has" / "`H` 最多到 28 日，因为每个月都有这一天",
    "the expression never fires: no day of the years 1970 to 2199 matches all of its fields" / "该表达式永远不会触发：1970 至 2199 年间没有一天同时符合所有字段",
    "@reboot is not a time: a fleet's jobs run by the clock, whichever node is up; start it from the host's init instead (for example a systemd unit)" / "@reboot 不是时间：集群中的作业按时钟运行，与哪个节点在线无关；请改由主机的 init 启动（例如 systemd 单元）",
    "`{name}`: Quartz has no nicknames; write 6 or 7 fields" / "`{name}`：Quartz 没有简写；请写 6 或 7 个字段",
    "`{name}` stands alone, without fields after it" / "`{name}` 须单独使用，后面不能有字段",
    "`@every` is not a cron expression; write the trigger `every: 10m`" / "`@every` 不是 cron 表达式；请写成触发规则 `every: 10m`",
    "`{name}` is not a nickname; known are {all}" / "`{name}` 不是可用的简写；可用的有 {all}",
    "Quartz wants `?` in only one of day of month and day of week; write `*` here" / "Quartz 只允许日与星期之一写 `?`；此处请写 `*`",
    "Quartz wants `?` in one of day of month and day of week, the one that does not decide" / "Quartz 要求日与星期中不起作用的那一个写 `?`",

    // A field.
    "Quartz has no `+`" / "Quartz 没有 `+`",
    "`?` is only for day of month and day of week; write `*`" / "`?` 只用于日和星期；请写 `*`",
    "`?` stands alone" / "`?` 须单独使用",
    "`+` is only for the start of day of week" / "`+` 只用于星期字段的开头",
    "a step follows a value, a range or a star, as in */5" / "步长须跟在数值、范围或星号之后，例如 */5",
    "`{what}` goes with a single day, not with a range" / "`{what}` 只能用于单独的一天，不能用于范围",
    "the range {range} runs backwards; write it as two, with a comma" / "范围 {range} 前后颠倒；请用逗号写成两个",
    "L-{n} is before every month's first; L-30 is the most" / "L-{n} 早于任何月份的 1 日；最多写到 L-30",
    "{n} after # is out of 1-5" / "# 之后的 {n} 超出 1-5",
    "after # stands 1 to 5, or L for the last" / "# 之后须为 1 至 5，或用 L 表示最后一个",
    "a step cannot follow L, W or #" / "L、W 或 # 之后不能有步长",
    "L, W and # go with a single day, not with a range" / "L、W 和 # 只能用于单独的一天，不能用于范围",
    "Quartz has no `H`; use the dialect cron" / "Quartz 没有 `H`；请使用 cron 方言",
    "`H` is not for years" / "`H` 不能用于年",
    "`H(` is followed by a range, such as `H(0-29)`" / "`H(` 之后须为范围，例如 `H(0-29)`",
    "`)` is missing after the range of `H`" / "`H` 的范围之后缺少 `)`",
    "the range of {range} runs backwards" / "{range} 的范围前后颠倒",

    // A value.
    "a step of 0 goes nowhere; 1 is the least" / "步长不能为 0；最小为 1",
    "the step {n} is larger than the field; {most} is the most" / "步长 {n} 大于该字段的范围；最大为 {most}",
    "{n} is out of {least}-{most}" / "{n} 超出 {least}-{most}",
    "{n} is out of {least}-{most} (Quartz counts from 1 for SUN to 7 for SAT)" / "{n} 超出 {least}-{most}（Quartz 从 1 表示 SUN 数到 7 表示 SAT）",
    "a value is missing here" / "此处缺少数值",
    "a number is missing here" / "此处缺少数字",
    "`{word}` is not known" / "无法识别 `{word}`",
    "`{word}` is not known; {why}" / "无法识别 `{word}`；{why}",
    "`{what}` is not understood here" / "此处不能写 `{what}`",
    "`{word}` is only for the two day fields" / "`{word}` 只用于日和星期两个字段",
    "a bare L says no weekday; write FRIL for the last Friday, or SAT for Saturday" / "单独的 L 没有指明星期几；最后一个星期五请写 FRIL，星期六请写 SAT",
    "W is for day of month; write MON-FRI for working days" / "W 用于日字段；工作日请写 MON-FRI",
    "W follows a day, as in 15W, or L, as in LW" / "W 须跟在日期之后（如 15W）或 L 之后（如 LW）",
    "L is no end of a range; write 25-31 for days to the end of the month" / "L 不能作为范围的终点；到月底为止请写 25-31",
    "write {what}" / "请写 {what}",
    "write {range} or {names}" / "请写 {range} 或 {names}",

    // Intervals, instants, and what is left of a schedule.
    "an interval is at least 1s and at most 200 years" / "间隔最短 1 秒，最长 200 年",
    "a list of instants needs at least one" / "时刻列表至少要有一个时刻",
    "a list of {n} instants is too long; {most} are the most" / "时刻列表有 {n} 个时刻，过长；最多 {most} 个",
    "the schedule is over: it fired for the last time at {at}" / "计划已结束：最后一次触发于 {at}",
    "the schedule never fires" / "该计划永远不会触发",
    "`{name}` is not a time zone" / "`{name}` 不是时区",
    "write an IANA name such as Asia/Shanghai or UTC" / "请写 IANA 时区名，例如 Asia/Shanghai 或 UTC",
    "`{text}` is not an instant; write one as in RFC 3339, for example 2026-01-31T02:30:00Z" / "`{text}` 不是时刻；请按 RFC 3339 书写，例如 2026-01-31T02:30:00Z",
    "an instant such as 2026-01-31T02:30:00Z, or a list of them" / "时刻（例如 2026-01-31T02:30:00Z）或时刻的列表",
}
