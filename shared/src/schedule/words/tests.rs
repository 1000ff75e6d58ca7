use expect_test::{Expect, expect};

use super::Lang;
use crate::{
    schedule::{Dialect, Dst, Schedule, Zone},
    time::Time,
};

fn check(expr: &str, zone: &str, expect: Expect) {
    said(expr, Dialect::Cron, zone, expect);
}

fn quartz(expr: &str, zone: &str, expect: Expect) {
    said(expr, Dialect::Quartz, zone, expect);
}

fn said(expr: &str, dialect: Dialect, zone: &str, expect: Expect) {
    let zone: Zone = zone.parse().unwrap();
    let schedule = Schedule::cron(expr, dialect, zone, Dst::Tick, 0).unwrap();
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
            每周一至周五 02:30（上海时间）"#]],
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
            at 5 and 35 minutes past every hour, UTC
            每小时的第 5、35 分钟（UTC）"#]],
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
            every 2 hours from 00:15 to 22:15 every day, UTC
            每天 00:15 至 22:15 每 2 小时（UTC）"#]],
    );
    check(
        "*/10 9-17 * * MON-FRI",
        "Europe/Berlin",
        expect![[r#"
            every 10 minutes from 09:00 to 17:50 on weekdays, Berlin time
            每周一至周五 09:00 至 17:50 每 10 分钟（柏林时间）"#]],
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
            every hour from 09:00 to 17:00 every day, UTC
            每天 09:00 至 17:00 每小时（UTC）"#]],
    );
    check(
        "*/7 * * * *",
        "UTC",
        expect![[r#"
            every 7 minutes from minute 0 to 56 of every hour, UTC
            每小时的第 0 至 56 分钟之间每 7 分钟（UTC）"#]],
    );
    check(
        "0 22,23,0,1,2 * * *",
        "America/New_York",
        expect![[r#"
            every hour from 22:00 to 02:00 every day, New York time
            每天 22:00 至次日 02:00 每小时（纽约时间）"#]],
    );
    check(
        "*/5 22,23,0,1,2 * * *",
        "UTC",
        expect![[r#"
            every 5 minutes from 22:00 to 02:55 every day, UTC
            每天 22:00 至次日 02:55 每 5 分钟（UTC）"#]],
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
            at 00:00 on the weekday nearest the 15th, the 4th-last day and the last weekday of every month, UTC
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
            每年 1 月、4 月、7 月、10 月的 1 日 00:00（UTC）"#]],
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
            每月 13 日且当天为周五 00:00（UTC）"#]],
    );
    check(
        "0 0 */2 * MON",
        "UTC",
        expect![[r#"
            at 00:00 every 2 days from the 1st of every month if it is a Monday, UTC
            每月 1 日起每 2 天，且当天为周一 00:00（UTC）"#]],
    );
    check(
        "0 0 */2 * *",
        "UTC",
        expect![[r#"
            at 00:00 every 2 days from the 1st of every month, UTC
            每月 1 日起每 2 天 00:00（UTC）"#]],
    );
    check(
        "0 0 1-7 * +MON",
        "UTC",
        expect![[r#"
            at 00:00 on the 1st to 7th of every month if it is a Monday, UTC
            每月 1 日至 7 日，且当天为周一 00:00（UTC）"#]],
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
            every 5 minutes at second 30, UTC
            每 5 分钟的第 30 秒（UTC）"#]],
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
            at 00:00 on 1 January 2027, UTC
            2027 年 1 月 1 日 00:00（UTC）"#]],
    );
    check(
        "0 0 12 * * * 2027-2030",
        "UTC",
        expect![[r#"
            at 12:00 every day in the years 2027 to 2030, UTC
            2027 至 2030 年每天 12:00（UTC）"#]],
    );
    check(
        "0 0 12 * * * */4",
        "UTC",
        expect![[r#"
            at 12:00 every day in every 4th year from 1970 to 2198, UTC
            1970 至 2198 年间每 4 年的每天 12:00（UTC）"#]],
    );
    check(
        "1,2,3,10 5,7 * * *",
        "UTC",
        expect![[r#"
            at minutes 1 to 3 and 10 of hours 5 and 7 every day, UTC
            每天 5、7 点的第 1 至 3、10 分钟（UTC）"#]],
    );
    check(
        "*/15 */3 * * *",
        "UTC",
        expect![[r#"
            every 15 minutes in every 3rd hour from 0 to 21 every day, UTC
            每天 0、3、6、9、12、15、18、21 点的每 15 分钟（UTC）"#]],
    );
    check(
        "*/10 5 * * * *",
        "UTC",
        expect![[r#"
            every 10 seconds of minute 5 of every hour, UTC
            每小时的第 5 分钟内每 10 秒（UTC）"#]],
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
            at 00:00 every day, UTC
            每天 00:00（UTC）"#]],
    );
}

#[test]
fn over_midnight() {
    // Only where every day fires may a stretch go on into the next.
    check(
        "0 22-23,0-5 * * MON-FRI",
        "UTC",
        expect![[r#"
        every hour from 00:00 to 05:00 and at 22:00 and 23:00 on weekdays, UTC
        每周一至周五 00:00 至 05:00 每小时，以及 22:00、23:00（UTC）"#]],
    );
    check(
        "0 22-23,0-5 * * *",
        "UTC",
        expect![[r#"
        every hour from 22:00 to 05:00 every day, UTC
        每天 22:00 至次日 05:00 每小时（UTC）"#]],
    );
    check(
        "*/10 22-23,0-5 * * FRI",
        "UTC",
        expect![[r#"
        every 10 minutes from 00:00 to 05:50 and from 22:00 to 23:50 on Fridays, UTC
        每周五 00:00 至 05:50、22:00 至 23:50 每 10 分钟（UTC）"#]],
    );
    check(
        "*/10 23,0 * * *",
        "UTC",
        expect![[r#"
        every 10 minutes from 23:00 to 00:50 every day, UTC
        每天 23:00 至次日 00:50 每 10 分钟（UTC）"#]],
    );
    check(
        "0 22-23,0-2 1 * *",
        "UTC",
        expect![[r#"
        at 00:00, 01:00, 02:00, 22:00 and 23:00 on the 1st of every month, UTC
        每月 1 日 00:00、01:00、02:00、22:00、23:00（UTC）"#]],
    );
    check(
        "0 22-23,0-5 * 6 *",
        "UTC",
        expect![[r#"
        every hour from 00:00 to 05:00 and at 22:00 and 23:00 every day in June, UTC
        每年 6 月每天 00:00 至 05:00 每小时，以及 22:00、23:00（UTC）"#]],
    );
    check(
        "0 0 22-23,0-5 * * * 2027",
        "UTC",
        expect![[r#"
        every hour from 00:00 to 05:00 and at 22:00 and 23:00 every day in 2027, UTC
        2027 年每天 00:00 至 05:00 每小时，以及 22:00、23:00（UTC）"#]],
    );
    check(
        "0 22-23,0-5 1-31 * MON",
        "UTC",
        expect![[r#"
        every hour from 22:00 to 05:00 every day, UTC
        每天 22:00 至次日 05:00 每小时（UTC）"#]],
    );
    quartz(
        "0 0 22-3 ? * MON",
        "UTC",
        expect![[r#"
        at 00:00, 01:00, 02:00, 03:00, 22:00 and 23:00 on Mondays, UTC
        每周一 00:00、01:00、02:00、03:00、22:00、23:00（UTC）"#]],
    );
    quartz(
        "0 * 22-2 ? * FRI",
        "UTC",
        expect![[r#"
        every minute from 00:00 to 02:59 and from 22:00 to 23:59 on Fridays, UTC
        每周五 00:00 至 02:59、22:00 至 23:59 每分钟（UTC）"#]],
    );
    check(
        "0 0-5,9,22,23 * * *",
        "UTC",
        expect![[r#"
        every hour from 22:00 to 05:00 and at 09:00 every day, UTC
        每天 22:00 至次日 05:00 每小时，以及 09:00（UTC）"#]],
    );
}

#[test]
fn within_the_hour() {
    // A field of minutes or seconds never goes on over its end.
    check(
        "0-6 5 * * *",
        "UTC",
        expect![[r#"
        every minute from 05:00 to 05:06 every day, UTC
        每天 05:00 至 05:06 每分钟（UTC）"#]],
    );
    check(
        "1-5,20,40 5 * * *",
        "UTC",
        expect![[r#"
        every minute from 05:01 to 05:05 and at 05:20 and 05:40 every day, UTC
        每天 05:01 至 05:05 每分钟，以及 05:20、05:40（UTC）"#]],
    );
    check(
        "50-59,0-10 5,7 * * *",
        "UTC",
        expect![[r#"
        at minutes 0 to 10 and 50 to 59 of hours 5 and 7 every day, UTC
        每天 5、7 点的第 0 至 10、50 至 59 分钟（UTC）"#]],
    );
    check(
        "50-59,0-10 * * * *",
        "UTC",
        expect![[r#"
        at minutes 0 to 10 and 50 to 59 of every hour, UTC
        每小时的第 0 至 10、50 至 59 分钟（UTC）"#]],
    );
    check(
        "1-20 9-17 * * MON",
        "UTC",
        expect![[r#"
        at minutes 1 to 20 of hours 9 to 17 on Mondays, UTC
        每周一 9 点至 17 点的第 1 至 20 分钟（UTC）"#]],
    );
    check(
        "5,20,35,50 9-17 * * *",
        "UTC",
        expect![[r#"
        every 15 minutes from 09:05 to 17:50 every day, UTC
        每天 09:05 至 17:50 每 15 分钟（UTC）"#]],
    );
    check(
        "*/7 9 * * *",
        "UTC",
        expect![[r#"
        every 7 minutes from 09:00 to 09:56 every day, UTC
        每天 09:00 至 09:56 每 7 分钟（UTC）"#]],
    );
    check(
        "*/10 8-11,13-17 * * *",
        "UTC",
        expect![[r#"
        every 10 minutes from 08:00 to 11:50 and from 13:00 to 17:50 every day, UTC
        每天 08:00 至 11:50、13:00 至 17:50 每 10 分钟（UTC）"#]],
    );
    check(
        "0 9-11,14-17 * * *",
        "UTC",
        expect![[r#"
        every hour from 09:00 to 11:00 and from 14:00 to 17:00 every day, UTC
        每天 09:00 至 11:00、14:00 至 17:00 每小时（UTC）"#]],
    );
    check(
        "0 0,2,3,5,7,11,13,17 * * *",
        "UTC",
        expect![[r#"
        at 00:00, 02:00, 03:00, 05:00, 07:00, 11:00, 13:00 and 17:00 every day, UTC
        每天 00:00、02:00、03:00、05:00、07:00、11:00、13:00、17:00（UTC）"#]],
    );
    check(
        "15,45 * * * * *",
        "UTC",
        expect![[r#"
        at seconds 15 and 45 of every minute, UTC
        每分钟的第 15、45 秒（UTC）"#]],
    );
    check(
        "15,45 * 9-17 * * *",
        "UTC",
        expect![[r#"
        every 30 seconds from 09:00:15 to 17:59:45 every day, UTC
        每天 09:00:15 至 17:59:45 每 30 秒（UTC）"#]],
    );
    check(
        "15,45 */5 * * * *",
        "UTC",
        expect![[r#"
        at seconds 15 and 45 of every 5th minute from 0 to 55 of every hour, UTC
        每 5 分钟的第 15、45 秒（UTC）"#]],
    );
    check(
        "*/10 30 9 * * *",
        "UTC",
        expect![[r#"
        every 10 seconds from 09:30:00 to 09:30:50 every day, UTC
        每天 09:30:00 至 09:30:50 每 10 秒（UTC）"#]],
    );
    check(
        "0,10 30 9 * * *",
        "UTC",
        expect![[r#"
        at 09:30:00 and 09:30:10 every day, UTC
        每天 09:30:00、09:30:10（UTC）"#]],
    );
    check(
        "30 * * * * *",
        "UTC",
        expect![[r#"
        at second 30 of every minute, UTC
        每分钟的第 30 秒（UTC）"#]],
    );
    check(
        "30 5 * * * *",
        "UTC",
        expect![[r#"
        at second 30 of minute 5 of every hour, UTC
        每小时的第 5 分 30 秒（UTC）"#]],
    );
    check(
        "*/20 5,10 * * * *",
        "UTC",
        expect![[r#"
        every 20 seconds of minutes 5 and 10 of every hour, UTC
        每小时的第 5、10 分钟内每 20 秒（UTC）"#]],
    );
    check(
        "1,3,7,11,13,17,23 5 * * *",
        "UTC",
        expect![[r#"
        at minutes 1, 3, 7, 11, 13, 17 and 23 of hour 5 every day, UTC
        每天 5 点的第 1、3、7、11、13、17、23 分钟（UTC）"#]],
    );
    check(
        "*/15 */6 * * *",
        "UTC",
        expect![[r#"
        every 15 minutes in hours 0, 6, 12 and 18 every day, UTC
        每天 0、6、12、18 点的每 15 分钟（UTC）"#]],
    );
}

#[test]
fn steps_of_days() {
    check(
        "0 0 */10 * *",
        "UTC",
        expect![[r#"
        at 00:00 on the 1st, 11th, 21st and 31st of every month, UTC
        每月 1 日、11 日、21 日、31 日 00:00（UTC）"#]],
    );
    check(
        "0 0 */3 * *",
        "UTC",
        expect![[r#"
        at 00:00 every 3 days from the 1st of every month, UTC
        每月 1 日起每 3 天 00:00（UTC）"#]],
    );
    check(
        "0 0 */7 * *",
        "UTC",
        expect![[r#"
        at 00:00 on the 1st, 8th, 15th, 22nd and 29th of every month, UTC
        每月 1 日、8 日、15 日、22 日、29 日 00:00（UTC）"#]],
    );
    check(
        "0 0 */15 * *",
        "UTC",
        expect![[r#"
        at 00:00 on the 1st, 16th and 31st of every month, UTC
        每月 1 日、16 日、31 日 00:00（UTC）"#]],
    );
    check(
        "0 0 1/4 * *",
        "UTC",
        expect![[r#"
        at 00:00 every 4 days from the 1st of every month, UTC
        每月 1 日起每 4 天 00:00（UTC）"#]],
    );
    check(
        "0 0 1-20/2 * *",
        "UTC",
        expect![[r#"
        at 00:00 every 2 days from the 1st to the 19th of every month, UTC
        每月 1 日至 19 日每 2 天 00:00（UTC）"#]],
    );
    check(
        "0 0 */2 2 *",
        "UTC",
        expect![[r#"
        at 00:00 every 2 days from the 1st to the 29th of February, UTC
        每年 2 月 1 日至 29 日每 2 天 00:00（UTC）"#]],
    );
    check(
        "0 0 */10 2 *",
        "UTC",
        expect![[r#"
        at 00:00 on the 1st, 11th and 21st of February, UTC
        每年 2 月 1 日、11 日、21 日 00:00（UTC）"#]],
    );
    check(
        "0 0 */2,L * *",
        "UTC",
        expect![[r#"
        at 00:00 every 2 days from the 1st and on the last day of every month, UTC
        每月 1 日起每 2 天以及最后一天 00:00（UTC）"#]],
    );
    check(
        "0 0 29-31 2 *",
        "UTC",
        expect![[r#"
        at 00:00 on 29 February, UTC
        每年 2 月 29 日 00:00（UTC）"#]],
    );
    check(
        "0 0 31 2 MON",
        "UTC",
        expect![[r#"
        at 00:00 on Mondays in February, UTC
        每年 2 月的每周一 00:00（UTC）"#]],
    );
    check(
        "0 0 1 * 0-6",
        "UTC",
        expect![[r#"
        at 00:00 every day, UTC
        每天 00:00（UTC）"#]],
    );
}

#[test]
fn named_years() {
    // No year is every year then.
    check(
        "0 0 12 * 3 * 2027",
        "UTC",
        expect![[r#"
        at 12:00 every day in March 2027, UTC
        2027 年 3 月每天 12:00（UTC）"#]],
    );
    check(
        "0 0 0 29 2 MON 2028",
        "UTC",
        expect![[r#"
        at 00:00 on 29 February and on Mondays in February, only in 2028, UTC
        2028 年 2 月 29 日以及 2 月的每周一 00:00（UTC）"#]],
    );
    quartz(
        "0 0 9 ? 6 MON#1,FRI 2027",
        "UTC",
        expect![[r#"
        at 09:00 on Fridays in June and on the first Monday of June, only in 2027, UTC
        2027 年 6 月的每周五以及 6 月第一个周一 09:00（UTC）"#]],
    );
    check(
        "0 0 9 L 6 ? 2027",
        "UTC",
        expect![[r#"
        at 09:00 on the last day of June 2027, UTC
        2027 年 6 月最后一天 09:00（UTC）"#]],
    );
    check(
        "0 0 9 13 * +FRI 2027",
        "UTC",
        expect![[r#"
        at 09:00 on the 13th of every month if it is a Friday, only in 2027, UTC
        2027 年每月 13 日且当天为周五 09:00（UTC）"#]],
    );
    check(
        "0 0 0 * 3-5 * 2027,2029",
        "UTC",
        expect![[r#"
        at 00:00 every day from March to May in 2027 and 2029, UTC
        2027、2029 年的 3 月至 5 月每天 00:00（UTC）"#]],
    );
    check(
        "0 0 0 1 1 * 2027-2030",
        "UTC",
        expect![[r#"
        at 00:00 on 1 January in the years 2027 to 2030, UTC
        2027 至 2030 年的 1 月 1 日 00:00（UTC）"#]],
    );
    check(
        "0 0 0 1 6 * 2026-2036/2",
        "UTC",
        expect![[r#"
        at 00:00 on 1 June in every 2nd year from 2026 to 2036, UTC
        2026 至 2036 年间每 2 年的 6 月 1 日 00:00（UTC）"#]],
    );
    check(
        "0 0 * * 6 * 2027",
        "UTC",
        expect![[r#"
        every hour in June 2027, UTC
        2027 年 6 月每小时整点（UTC）"#]],
    );
}

#[test]
fn special_days() {
    check(
        "0 0 L-1 * *",
        "UTC",
        expect![[r#"
        at 00:00 on the last day but one of every month, UTC
        每月倒数第 2 天 00:00（UTC）"#]],
    );
    check(
        "0 0 1,L-2W * *",
        "UTC",
        expect![[r#"
        at 00:00 on the 1st and the weekday nearest the 3rd-last day of every month, UTC
        每月 1 日、离倒数第 3 天最近的工作日 00:00（UTC）"#]],
    );
    check(
        "0 0 15W 6 *",
        "UTC",
        expect![[r#"
        at 00:00 on the weekday nearest the 15th of June, UTC
        每年 6 月离 15 日最近的工作日 00:00（UTC）"#]],
    );
    check(
        "0 0 5-14 * +MON#1",
        "UTC",
        expect![[r#"
            at 00:00 on the 5th to 14th of every month if it is the first Monday of the month, UTC
            每月 5 日至 14 日，且当天为当月第一个周一 00:00（UTC）"#]],
    );
    check(
        "0 0 13 * +MON-FRI",
        "UTC",
        expect![[r#"
        at 00:00 on the 13th of every month if it is a weekday, UTC
        每月 13 日且当天为周一至周五 00:00（UTC）"#]],
    );
    check(
        "0 * * 3-10 *",
        "UTC",
        expect![[r#"
        every hour from March to October, UTC
        每年 3 月至 10 月每小时整点（UTC）"#]],
    );
    check(
        "0 0 L 2,8 *",
        "UTC",
        expect![[r#"
        at 00:00 on the last day of February and August, UTC
        每年 2 月、8 月的最后一天 00:00（UTC）"#]],
    );
}

#[test]
fn zones() {
    check(
        "30 2 * * *",
        "Mexico/General",
        expect![[r#"
        at 02:30 every day, Mexico/General time
        每天 02:30（Mexico/General 时间）"#]],
    );
    check(
        "30 2 * * *",
        "Brazil/East",
        expect![[r#"
        at 02:30 every day, Brazil/East time
        每天 02:30（Brazil/East 时间）"#]],
    );
    check(
        "30 2 * * *",
        "Australia/South",
        expect![[r#"
        at 02:30 every day, Australia/South time
        每天 02:30（Australia/South 时间）"#]],
    );
    check(
        "30 2 * * *",
        "Australia/Perth",
        expect![[r#"
        at 02:30 every day, Perth time
        每天 02:30（Australia/Perth 时间）"#]],
    );
    check(
        "30 2 * * *",
        "US/Pacific",
        expect![[r#"
        at 02:30 every day, US/Pacific time
        每天 02:30（US/Pacific 时间）"#]],
    );
    check(
        "30 2 * * *",
        "Etc/GMT+5",
        expect![[r#"
        at 02:30 every day, Etc/GMT+5
        每天 02:30（Etc/GMT+5）"#]],
    );
    check(
        "30 2 * * *",
        "Etc/UTC",
        expect![[r#"
        at 02:30 every day, Etc/UTC
        每天 02:30（Etc/UTC）"#]],
    );
    check(
        "30 2 * * *",
        "Japan",
        expect![[r#"
        at 02:30 every day, Japan time
        每天 02:30（Japan 时间）"#]],
    );
    check(
        "30 2 * * *",
        "EST5EDT",
        expect![[r#"
        at 02:30 every day, EST5EDT
        每天 02:30（EST5EDT）"#]],
    );
    check(
        "30 2 * * *",
        "GB-Eire",
        expect![[r#"
        at 02:30 every day, GB-Eire time
        每天 02:30（GB-Eire 时间）"#]],
    );
    check(
        "30 2 * * *",
        "America/North_Dakota/Center",
        expect![[r#"
        at 02:30 every day, America/North_Dakota/Center time
        每天 02:30（America/North_Dakota/Center 时间）"#]],
    );
    check(
        "30 2 * * *",
        "America/Port-au-Prince",
        expect![[r#"
        at 02:30 every day, Port-au-Prince time
        每天 02:30（America/Port-au-Prince 时间）"#]],
    );
    check(
        "30 2 * * *",
        "Indian/Christmas",
        expect![[r#"
        at 02:30 every day, Indian/Christmas time
        每天 02:30（Indian/Christmas 时间）"#]],
    );
    check(
        "30 2 * * *",
        "Antarctica/Troll",
        expect![[r#"
        at 02:30 every day, Antarctica/Troll time
        每天 02:30（Antarctica/Troll 时间）"#]],
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
        every 36 hours
        每 36 小时"#]]
    .assert_eq(&every(36 * 3_600_000, 0));
    expect![[r#"
        every 2 days
        每 2 天"#]]
    .assert_eq(&every(48 * 3_600_000, 0));
    expect![[r#"
        every hour
        每小时"#]]
    .assert_eq(&every(3_600_000, 0));
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
    expect!["at 02:30 every day, Paris time, leaving out times that the clock jumps over"]
        .assert_eq(&skip.describe(Lang::En));
    expect!["每天 02:30（巴黎时间，时钟跳过的时刻不运行）"].assert_eq(&skip.describe(Lang::Zh));
}
