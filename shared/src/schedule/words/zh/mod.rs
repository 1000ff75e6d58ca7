//! Schedules in Simplified Chinese.

mod day;
mod time;

use super::{clock::Clock, date_time, days, units};
use crate::{
    schedule::{
        Cron, Zone,
        cron::{MONTHS, Years},
    },
    time::Time,
};

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
    let clock = Clock::of(cron, days::is_every_day(cron));
    let day = match day::day(cron) {
        Some(day) => day,
        None => {
            let every_day = if clock.is_bounded() { "每天" } else { "" };
            match cron.months {
                MONTHS => every_day.to_owned(),
                _ => day::months(cron) + every_day,
            }
        }
    };
    let years = cron
        .years
        .as_deref()
        .map(|set| years(set, &day))
        .unwrap_or_default();
    let words = [years, day, time::time(&clock)]
        .into_iter()
        .filter(|part| !part.is_empty())
        .reduce(|before, part| follow(&before, &part))
        .unwrap_or_default();
    let skipping = if skips {
        "，时钟跳过的时刻不运行"
    } else {
        ""
    };
    format!("{words}（{}{skipping}）", place(zone))
}

/// One part after another: a space stands between Chinese and a number.
fn follow(before: &str, part: &str) -> String {
    match part.starts_with(|c: char| c.is_ascii_digit()) {
        true => format!("{before} {part}"),
        false => format!("{before}{part}"),
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

/// `2027 年`, before the days it is for.
fn years(set: &Years, day: &str) -> String {
    let all: Vec<u16> = set.iter().collect();
    // `2027、2028 年的 3 月`: without it the month would be that of the last year alone.
    let of = match day.starts_with(|c: char| c.is_ascii_digit()) {
        true => "的",
        false => "",
    };
    match all[..] {
        [year] => format!("{year} 年"),
        [first, .., last] if usize::from(last - first) + 1 == all.len() && all.len() > 2 => {
            format!("{first} 至 {last} 年{of}")
        }
        [first, second, _, .., last] if all.windows(2).all(|w| w[1] - w[0] == second - first) => {
            format!("{first} 至 {last} 年间每 {} 年的", second - first)
        }
        _ => {
            let all: Vec<String> = all.iter().map(u16::to_string).collect();
            format!("{} 年{of}", all.join("、"))
        }
    }
}

fn place(zone: Zone) -> String {
    match CITIES.iter().find(|(name, _)| *name == zone.name()) {
        Some((_, city)) => format!("{city}时间"),
        // `UTC` and `EST5EDT` are names of times already, `Japan` is not.
        None if !zone.name().contains(|c: char| c.is_ascii_lowercase()) => zone.name().to_owned(),
        None if zone.name().starts_with("Etc/") => zone.name().to_owned(),
        None => format!("{} 时间", zone.name()),
    }
}

fn length(ms: i64) -> String {
    const UNITS: [&str; 5] = ["天", "小时", "分钟", "秒", "毫秒"];
    match units(ms)[..] {
        [(1, unit)] => UNITS[unit].to_owned(),
        ref units => {
            let told = units.iter().map(|&(n, unit)| format!("{n} {}", UNITS[unit]));
            told.collect::<Vec<_>>().join(" ")
        }
    }
}
