//! Schedules in Simplified Chinese.

use super::{Clock, Values, clock_time, date_time, runs, span};
use crate::{
    schedule::{
        Cron, Zone,
        cron::{DAYS, MONTHS, NTH_LAST, Years, bits, flag},
    },
    time::Time,
};

const WEEKDAY: [&str; 7] = ["周日", "周一", "周二", "周三", "周四", "周五", "周六"];
const NTH: [&str; 5] = ["一", "二", "三", "四", "五"];
/// Cities that readers know under a Chinese name; other zones keep their IANA name.
const CITIES: [(&str, &str); 26] = [
    ("Asia/Shanghai", "上海"),
    ("Asia/Urumqi", "乌鲁木齐"),
    ("Asia/Hong_Kong", "香港"),
    ("Asia/Macau", "澳门"),
    ("Asia/Taipei", "台北"),
    ("Asia/Tokyo", "东京"),
    ("Asia/Seoul", "首尔"),
    ("Asia/Singapore", "新加坡"),
    ("Asia/Bangkok", "曼谷"),
    ("Asia/Jakarta", "雅加达"),
    ("Asia/Kolkata", "加尔各答"),
    ("Asia/Dubai", "迪拜"),
    ("Australia/Sydney", "悉尼"),
    ("Pacific/Auckland", "奥克兰"),
    ("Europe/London", "伦敦"),
    ("Europe/Paris", "巴黎"),
    ("Europe/Berlin", "柏林"),
    ("Europe/Madrid", "马德里"),
    ("Europe/Rome", "罗马"),
    ("Europe/Moscow", "莫斯科"),
    ("America/New_York", "纽约"),
    ("America/Chicago", "芝加哥"),
    ("America/Denver", "丹佛"),
    ("America/Los_Angeles", "洛杉矶"),
    ("America/Toronto", "多伦多"),
    ("America/Sao_Paulo", "圣保罗"),
];

pub(super) fn cron(cron: &Cron, zone: Zone, skips: bool) -> String {
    let clock = Clock::of(cron);
    let mut words = cron
        .years
        .as_deref()
        .map(|set| years(set) + " ")
        .unwrap_or_default();
    match day(cron) {
        // A year that is named makes `every year` wrong.
        Some(day) if !words.is_empty() => words.push_str(&format!("{} ", day.replacen("每年 ", "", 1))),
        Some(day) => words.push_str(&format!("{day} ")),
        None if cron.months != MONTHS => words.push_str(&format!("{}每天 ", months(cron.months))),
        None if matches!(clock, Clock::Points(_)) || spans(&clock) => words.push_str("每天 "),
        None => {}
    }
    words.push_str(&time(&clock));
    words.push_str(&format!("（{}", place(zone)));
    if skips {
        words.push_str("，时钟跳过该时刻的那天不运行");
    }
    words.push('）');
    words
}

/// Whether the times are bounded within the day.
fn spans(clock: &Clock) -> bool {
    match clock {
        Clock::Hours {
            whole_day,
            first,
            step,
            ..
        } => !whole_day || (*step > 1 && *first > 0),
        Clock::Minutes { hours, .. } | Clock::Seconds { hours, .. } => *hours != Values::All,
        Clock::Points(_) | Clock::Fields { .. } => false,
    }
}

pub(super) fn every(interval_ms: i64, anchor: Time) -> String {
    let words = match length(interval_ms) {
        length if length.starts_with(|c: char| c.is_ascii_digit()) => format!("每 {length}"),
        unit => format!("每{unit}"),
    };
    match anchor {
        Time::EPOCH => words,
        _ => format!("{words}，自 {} 起算", date_time(anchor)),
    }
}

pub(super) fn at(instants: &[Time]) -> String {
    let shown: Vec<String> = instants.iter().take(3).map(|t| date_time(*t)).collect();
    match instants.len() {
        1 => format!("一次，于 {}", shown[0]),
        n @ 2..=3 => format!("共 {n} 次，于 {}", shown.join("、")),
        n => format!("共 {n} 次，于 {} 等", shown.join("、")),
    }
}

fn time(clock: &Clock) -> String {
    match clock {
        Clock::Points(times) => times
            .iter()
            .map(|t| clock_time(*t))
            .collect::<Vec<_>>()
            .join("、"),
        Clock::Hours {
            step: 1,
            first: 0,
            whole_day: true,
            ..
        } => "每小时整点".to_owned(),
        Clock::Hours {
            step: 1,
            first,
            whole_day: true,
            ..
        } => match (first / 60, first % 60) {
            (minute, 0) => format!("每小时的第 {minute} 分钟"),
            (minute, second) => format!("每小时的第 {minute} 分 {second} 秒"),
        },
        Clock::Hours {
            step,
            first: 0,
            whole_day: true,
            ..
        } => format!("每 {step} 小时"),
        Clock::Hours {
            step, first, last, ..
        } => {
            let each = if *step == 1 {
                "每小时".to_owned()
            } else {
                format!("每 {step} 小时")
            };
            format!("{} 至 {} {each}", clock_time(*first), clock_time(*last))
        }
        Clock::Minutes { step, second, hours } => {
            let last = (60 - step) * 60 + second;
            let words = through(&count(*step, "分钟"), hours, last, *second);
            match (second, span(hours, last, *second)) {
                (0, _) | (_, Some(_)) => words,
                _ => format!("{words}（第 {second} 秒）"),
            }
        }
        Clock::Seconds { step, hours } => through(&count(*step, "秒"), hours, 3600 - step, 0),
        Clock::Fields {
            seconds,
            minutes,
            hours,
        } => {
            let hours = match hours {
                Values::All => "每小时的".to_owned(),
                _ => format!("{}的", oclock(hours)),
            };
            let minutes = match minutes {
                Values::All => "每分钟".to_owned(),
                _ => values(minutes, "分"),
            };
            match seconds {
                Values::List(list) if list[..] == [0] => format!("{hours}{minutes}"),
                Values::All => format!("{hours}{minutes}的每秒"),
                _ => format!("{hours}{minutes}的{}", values(seconds, "秒")),
            }
        }
    }
}

fn count(step: u32, unit: &str) -> String {
    match step {
        1 => format!("每{unit}"),
        _ => format!("每 {step} {unit}"),
    }
}

fn through(each: &str, hours: &Values, last_in_hour: u32, second: u32) -> String {
    match (hours, span(hours, last_in_hour, second)) {
        (Values::All, _) => each.to_owned(),
        (_, Some((from, to))) => format!("{from} 至 {to} {each}"),
        _ => format!("{}的{each}", oclock(hours)),
    }
}

/// Hours of the day: `5 点、7 点`.
fn oclock(hours: &Values) -> String {
    match hours {
        Values::All => "每小时".to_owned(),
        Values::Even { from, to, step: 1 } | Values::Around { from, to } => format!("{from} 点至 {to} 点"),
        Values::Even { from, to, step } => format!("{from} 点至 {to} 点之间每 {step} 小时"),
        Values::List(list) => list
            .iter()
            .map(|h| format!("{h} 点"))
            .collect::<Vec<_>>()
            .join("、"),
    }
}

fn values(values: &Values, unit: &str) -> String {
    match values {
        Values::All => format!("每{unit}"),
        Values::Even { from, to, step: 1 } | Values::Around { from, to } => {
            format!("第 {from} 至 {to} {unit}")
        }
        Values::Even { from, to, step } => format!("第 {from} 至 {to} {unit}之间每 {step} {unit}"),
        Values::List(list) => {
            format!(
                "第 {} {unit}",
                list.iter().map(u32::to_string).collect::<Vec<_>>().join("、")
            )
        }
    }
}

/// Which days, with the months; none for every day.
fn day(cron: &Cron) -> Option<String> {
    let dom_free = cron.flags & flag::DOM_STAR != 0 && cron.days == DAYS;
    let dow_free = cron.flags & flag::DOW_STAR != 0 && cron.weekdays == 0x7f;
    let both = cron.flags & flag::BOTH_DAYS != 0;
    match (dom_free, dow_free) {
        (true, true) => None,
        (false, true) => Some(by_month(cron)),
        (true, false) => Some(by_week(cron)),
        (false, false) if both => Some(format!("{}且为{}", by_month(cron), if_weekday(cron))),
        (false, false) => Some(format!("{}以及{}", by_month(cron), by_week(cron))),
    }
}

/// `每月 1 日、15 日`, `每年 1 月 1 日`.
fn by_month(cron: &Cron) -> String {
    let mut parts = Vec::new();
    match Values::of(u64::from(cron.days), 1, 31) {
        Values::All => parts.push("每一天".to_owned()),
        Values::Even { from, to, step } if step > 1 => match from == 1 && to + step > 31 {
            true => parts.push(format!("1 日起每 {step} 天")),
            false => parts.push(format!("{from} 日至 {to} 日每 {step} 天")),
        },
        _ => parts.extend(runs(u64::from(cron.days)).into_iter().map(|(a, b)| match a == b {
            true => format!("{a} 日"),
            false => format!("{a} 日至 {b} 日"),
        })),
    }
    parts.extend(bits(u64::from(cron.days_work)).map(|d| format!("离 {d} 日最近的工作日")));
    parts.extend(bits(u64::from(cron.days_last)).map(|back| match back {
        0 => "最后一天".to_owned(),
        _ => format!("倒数第 {} 天", back + 1),
    }));
    parts.extend(bits(u64::from(cron.days_last_work)).map(|back| match back {
        0 => "最后一个工作日".to_owned(),
        _ => format!("离倒数第 {} 天最近的工作日", back + 1),
    }));
    let parts = parts.join("、");
    let gap = if parts.starts_with(|c: char| c.is_ascii_digit()) {
        " "
    } else {
        ""
    };
    format!("{}{gap}{parts}", month_of(cron.months))
}

fn month_of(mask: u16) -> String {
    match mask {
        MONTHS => "每月".to_owned(),
        _ => months(mask),
    }
}

fn by_week(cron: &Cron) -> String {
    let mut parts = Vec::new();
    if cron.weekdays != 0 {
        let days = match cron.weekdays {
            0b011_1110 => "工作日".to_owned(),
            0b100_0001 => "周末".to_owned(),
            0x7f => "每天".to_owned(),
            mask => format!("每{}", weekdays(mask, "、")),
        };
        match cron.months {
            MONTHS => parts.push(days),
            mask => parts.push(format!("{}的{days}", months(mask))),
        }
    }
    if cron.nth != 0 {
        parts.push(format!("{}{}", month_of(cron.months), nth(cron.nth).join("、")));
    }
    parts.join("以及")
}

/// `周一、周三`, `周一至周四`. The week is told from Monday on.
fn weekdays(mask: u8, comma: &str) -> String {
    let from_monday = u64::from(mask & !1) | u64::from(mask & 1) << 7;
    let names = runs(from_monday).into_iter().map(|(a, b)| {
        let name = |d: u32| WEEKDAY[(d % 7) as usize];
        match a == b {
            true => name(a).to_owned(),
            false => format!("{}至{}", name(a), name(b)),
        }
    });
    names.collect::<Vec<_>>().join(comma)
}

fn nth(mask: u64) -> Vec<String> {
    bits(mask)
        .map(|bit| {
            let name = WEEKDAY[(bit % 7) as usize];
            match bit {
                ..NTH_LAST => format!("第{}个{name}", NTH[(bit / 7) as usize]),
                _ => format!("最后一个{name}"),
            }
        })
        .collect()
}

fn if_weekday(cron: &Cron) -> String {
    let mut parts = match cron.weekdays {
        0 => Vec::new(),
        0b011_1110 => vec!["工作日".to_owned()],
        0x7f => vec!["任意一天".to_owned()],
        mask => vec![weekdays(mask, "或")],
    };
    parts.extend(nth(cron.nth));
    parts.join("或")
}

/// `每年 1 月、7 月`.
fn months(mask: u16) -> String {
    let names = runs(u64::from(mask)).into_iter().map(|(a, b)| match a == b {
        true => format!("{a} 月"),
        false => format!("{a} 月至 {b} 月"),
    });
    format!("每年 {}", names.collect::<Vec<_>>().join("、"))
}

fn years(set: &Years) -> String {
    let all: Vec<u16> = set.iter().collect();
    match all[..] {
        [first, .., last] if usize::from(last - first) + 1 == all.len() && all.len() > 2 => {
            format!("{first} 至 {last} 年")
        }
        [first, second, _, .., last] if all.windows(2).all(|w| w[1] - w[0] == second - first) => {
            format!("{first} 至 {last} 年每 {} 年", second - first)
        }
        _ => format!(
            "{} 年",
            all.iter().map(u16::to_string).collect::<Vec<_>>().join("、")
        ),
    }
}

fn place(zone: Zone) -> String {
    match CITIES.iter().find(|(name, _)| *name == zone.name()) {
        Some((_, city)) => format!("{city}时间"),
        None if !zone.name().contains('/') => zone.name().to_owned(),
        None => format!("{} 时间", zone.name()),
    }
}

fn length(ms: i64) -> String {
    let units = [
        (86_400_000, "天"),
        (3_600_000, "小时"),
        (60_000, "分钟"),
        (1000, "秒"),
        (1, "毫秒"),
    ];
    let mut rest = ms;
    let mut parts = Vec::new();
    for (unit, name) in units {
        if ms == unit {
            return name.to_owned();
        }
        if rest / unit > 0 {
            parts.push(format!("{} {name}", rest / unit));
        }
        rest %= unit;
    }
    parts.join(" ")
}
