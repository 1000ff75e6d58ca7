use expect_test::{Expect, expect};

use super::Lang;
use crate::{
    schedule::{Dialect, Dst, Schedule, Zone},
    time::Time,
};

fn check(expr: &str, zone: &str, expect: Expect) {
    let zone: Zone = zone.parse().unwrap();
    let schedule = Schedule::cron(expr, Dialect::Cron, zone, Dst::Tick, 0).unwrap();
    let words = format!("{}\n{}", schedule.describe(Lang::En), schedule.describe(Lang::Zh));
    expect.assert_eq(&words);
}

#[test]
fn expressions() {
    check(
        "30 2 * * 1-5",
        "Asia/Shanghai",
        expect![[r#"
        at 02:30 on weekdays, Shanghai time
        工作日 02:30（上海时间）"#]],
    );
    check(
        "* * * * *",
        "UTC",
        expect![[r#"
        every minute, UTC
        每分钟（UTC）"#]],
    );
    check(
        "*/15 * * * *",
        "UTC",
        expect![[r#"
        every 15 minutes, UTC
        每 15 分钟（UTC）"#]],
    );
    check(
        "0 * * * *",
        "UTC",
        expect![[r#"
        every hour, UTC
        每小时整点（UTC）"#]],
    );
    check(
        "5 * * * *",
        "UTC",
        expect![[r#"
        at 5 minutes past every hour, UTC
        每小时的第 5 分钟（UTC）"#]],
    );
    check(
        "0,30 * * * *",
        "UTC",
        expect![[r#"
        every 30 minutes, UTC
        每 30 分钟（UTC）"#]],
    );
    check(
        "5,35 * * * *",
        "UTC",
        expect![[r#"
        at minutes 5 and 35 of every hour, UTC
        每小时的第 5、35 分（UTC）"#]],
    );
    check(
        "0 */2 * * *",
        "UTC",
        expect![[r#"
        every 2 hours, UTC
        每 2 小时（UTC）"#]],
    );
    check(
        "15 */2 * * *",
        "UTC",
        expect![[r#"
        every 2 hours from 00:15 to 22:15, UTC
        每天 00:15 至 22:15 每 2 小时（UTC）"#]],
    );
    check(
        "*/10 9-17 * * MON-FRI",
        "Europe/Berlin",
        expect![[r#"
        every 10 minutes from 09:00 to 17:50 on weekdays, Berlin time
        工作日 09:00 至 17:50 每 10 分钟（柏林时间）"#]],
    );
    check(
        "0 9,12,18 * * *",
        "UTC",
        expect![[r#"
        at 09:00, 12:00 and 18:00 every day, UTC
        每天 09:00、12:00、18:00（UTC）"#]],
    );
    check(
        "0 9-17 * * *",
        "UTC",
        expect![[r#"
        every hour from 09:00 to 17:00, UTC
        每天 09:00 至 17:00 每小时（UTC）"#]],
    );
    check(
        "*/7 * * * *",
        "UTC",
        expect![[r#"
        at every 7th minute from 0 to 56 of every hour, UTC
        每小时的第 0 至 56 分之间每 7 分（UTC）"#]],
    );
    check(
        "0 22,23,0,1,2 * * *",
        "America/New_York",
        expect![[r#"
        every hour from 22:00 to 02:00, New York time
        每天 22:00 至 02:00 每小时（纽约时间）"#]],
    );
    check(
        "*/5 22,23,0,1,2 * * *",
        "UTC",
        expect![[r#"
        every 5 minutes from 22:00 to 02:55, UTC
        每天 22:00 至 02:55 每 5 分钟（UTC）"#]],
    );
    check(
        "0 0 1 * *",
        "UTC",
        expect![[r#"
        at 00:00 on the 1st of every month, UTC
        每月 1 日 00:00（UTC）"#]],
    );
    check(
        "0 0 1,15 * *",
        "UTC",
        expect![[r#"
        at 00:00 on the 1st and 15th of every month, UTC
        每月 1 日、15 日 00:00（UTC）"#]],
    );
    check(
        "0 0 L * *",
        "UTC",
        expect![[r#"
        at 00:00 on the last day of every month, UTC
        每月最后一天 00:00（UTC）"#]],
    );
    check(
        "0 0 L-3,LW,15W * *",
        "UTC",
        expect![[r#"
        at 00:00 on the working day nearest the 15th, the 3rd day before the last and the last working day of every month, UTC
        每月离 15 日最近的工作日、倒数第 4 天、最后一个工作日 00:00（UTC）"#]],
    );
    check(
        "0 0 * * FRI#L",
        "UTC",
        expect![[r#"
        at 00:00 on the last Friday of every month, UTC
        每月最后一个周五 00:00（UTC）"#]],
    );
    check(
        "0 9 * * MON#2",
        "America/Argentina/Buenos_Aires",
        expect![[r#"
        at 09:00 on the second Monday of every month, Buenos Aires time
        每月第二个周一 09:00（America/Argentina/Buenos_Aires 时间）"#]],
    );
    check(
        "0 0 1 1 *",
        "UTC",
        expect![[r#"
        at 00:00 on 1 January, UTC
        每年 1 月 1 日 00:00（UTC）"#]],
    );
    check(
        "0 0 29 2 *",
        "UTC",
        expect![[r#"
        at 00:00 on 29 February, UTC
        每年 2 月 29 日 00:00（UTC）"#]],
    );
    check(
        "0 0 1 1,4,7,10 *",
        "UTC",
        expect![[r#"
        at 00:00 on the 1st of January, April, July and October, UTC
        每年 1 月、4 月、7 月、10 月 1 日 00:00（UTC）"#]],
    );
    check(
        "0 6 * 3-10 *",
        "UTC",
        expect![[r#"
        at 06:00 every day from March to October, UTC
        每年 3 月至 10 月每天 06:00（UTC）"#]],
    );
    check(
        "0 6 * 6 SAT,SUN",
        "UTC",
        expect![[r#"
        at 06:00 at weekends in June, UTC
        每年 6 月的周末 06:00（UTC）"#]],
    );
    check(
        "0 0 13 * FRI",
        "UTC",
        expect![[r#"
        at 00:00 on the 13th of every month and on Fridays, UTC
        每月 13 日以及每周五 00:00（UTC）"#]],
    );
    check(
        "0 0 13 * +FRI",
        "UTC",
        expect![[r#"
        at 00:00 on the 13th of every month if it is a Friday, UTC
        每月 13 日且为周五 00:00（UTC）"#]],
    );
    check(
        "0 0 */2 * MON",
        "UTC",
        expect![[r#"
        at 00:00 on every 2nd day of every month if it is a Monday, UTC
        每月 1 日起每 2 天且为周一 00:00（UTC）"#]],
    );
    check(
        "0 0 */2 * *",
        "UTC",
        expect![[r#"
        at 00:00 on every 2nd day of every month, UTC
        每月 1 日起每 2 天 00:00（UTC）"#]],
    );
    check(
        "0 0 1-7 * +MON",
        "UTC",
        expect![[r#"
        at 00:00 on the 1st to 7th of every month if it is a Monday, UTC
        每月 1 日至 7 日且为周一 00:00（UTC）"#]],
    );
    check(
        "*/10 * * * * *",
        "UTC",
        expect![[r#"
        every 10 seconds, UTC
        每 10 秒（UTC）"#]],
    );
    check(
        "* * * * * *",
        "UTC",
        expect![[r#"
        every second, UTC
        每秒（UTC）"#]],
    );
    check(
        "30 0 2 * * *",
        "UTC",
        expect![[r#"
        at 02:00:30 every day, UTC
        每天 02:00:30（UTC）"#]],
    );
    check(
        "30 */5 * * * *",
        "UTC",
        expect![[r#"
        every 5 minutes, at second 30, UTC
        每 5 分钟（第 30 秒）（UTC）"#]],
    );
    check(
        "*/20 9-17 * * SUN,WED",
        "UTC",
        expect![[r#"
        every 20 minutes from 09:00 to 17:40 on Wednesdays and Sundays, UTC
        每周三、周日 09:00 至 17:40 每 20 分钟（UTC）"#]],
    );
    check(
        "0 0 0 1 1 * 2027",
        "UTC",
        expect![[r#"
        at 00:00 on 1 January in 2027, UTC
        2027 年 1 月 1 日 00:00（UTC）"#]],
    );
    check(
        "0 0 12 * * * 2027-2030",
        "UTC",
        expect![[r#"
        at 12:00 every day from 2027 to 2030, UTC
        2027 至 2030 年 每天 12:00（UTC）"#]],
    );
    check(
        "0 0 12 * * * */4",
        "UTC",
        expect![[r#"
        at 12:00 every day in every 4th year from 1970 to 2198, UTC
        1970 至 2198 年每 4 年 每天 12:00（UTC）"#]],
    );
    check(
        "1,2,3,10 5,7 * * *",
        "UTC",
        expect![[r#"
        at minutes 1, 2, 3 and 10 of hours 5 and 7, UTC
        5 点、7 点的第 1、2、3、10 分（UTC）"#]],
    );
    check(
        "*/15 */3 * * *",
        "UTC",
        expect![[r#"
        every 15 minutes in every 3rd hour from 0 to 21, UTC
        每天 0 点至 21 点之间每 3 小时的每 15 分钟（UTC）"#]],
    );
    check(
        "*/10 5 * * * *",
        "UTC",
        expect![[r#"
        at every 10th second from 0 to 50 of minute 5 of every hour, UTC
        每小时的第 5 分的第 0 至 50 秒之间每 10 秒（UTC）"#]],
    );
    check(
        "0 0 * 2 MON#5,TUE",
        "UTC",
        expect![[r#"
        at 00:00 on Tuesdays in February and on the fifth Monday of February, UTC
        每年 2 月的每周二以及每年 2 月第五个周一 00:00（UTC）"#]],
    );
    check(
        "0 8 * * MON-THU,SAT",
        "UTC",
        expect![[r#"
        at 08:00 on Mondays to Thursdays and Saturdays, UTC
        每周一至周四、周六 08:00（UTC）"#]],
    );
    check(
        "0 0 1-31 * *",
        "UTC",
        expect![[r#"
        at 00:00 on every day of every month, UTC
        每月每一天 00:00（UTC）"#]],
    );
}

#[test]
fn intervals_instants_and_skipping() {
    let every = |ms, anchor| {
        let every = Schedule::every(std::time::Duration::from_millis(ms), Time::from_secs(anchor)).unwrap();
        format!("{}\n{}", every.describe(Lang::En), every.describe(Lang::Zh))
    };
    expect![[r#"
        every 10 minutes
        每 10 分钟"#]]
    .assert_eq(&every(600_000, 0));
    expect![[r#"
        every day
        每天"#]]
    .assert_eq(&every(86_400_000, 0));
    expect![[r#"
        every 1 hour, 30 minutes, 1 second and 500 milliseconds, counted from 2023-11-14 22:13:20 UTC
        每 1 小时 30 分钟 1 秒 500 毫秒，自 2023-11-14 22:13:20 UTC 起算"#]]
    .assert_eq(&every(5_401_500, 1_700_000_000));
    let at = |count: i64| {
        let at = Schedule::at((1..=count).map(|n| Time::from_secs(n * 86_400)).collect()).unwrap();
        format!("{}\n{}", at.describe(Lang::En), at.describe(Lang::Zh))
    };
    expect![[r#"
        once, at 1970-01-02 00:00 UTC
        一次，于 1970-01-02 00:00 UTC"#]]
    .assert_eq(&at(1));
    expect![[r#"
        2 times, at 1970-01-02 00:00 UTC and 1970-01-03 00:00 UTC
        共 2 次，于 1970-01-02 00:00 UTC、1970-01-03 00:00 UTC"#]]
    .assert_eq(&at(2));
    expect![[r#"
        5 times, at 1970-01-02 00:00 UTC, 1970-01-03 00:00 UTC, 1970-01-04 00:00 UTC and 2 more
        共 5 次，于 1970-01-02 00:00 UTC、1970-01-03 00:00 UTC、1970-01-04 00:00 UTC 等"#]]
    .assert_eq(&at(5));
    let zone: Zone = "Europe/Paris".parse().unwrap();
    let skip = Schedule::cron("30 2 * * *", Dialect::Cron, zone, Dst::Skip, 0).unwrap();
    expect!["at 02:30 every day, Paris time, not on days when the clock jumps over it"]
        .assert_eq(&skip.describe(Lang::En));
    expect!["每天 02:30（巴黎时间，时钟跳过该时刻的那天不运行）"].assert_eq(&skip.describe(Lang::Zh));
}
