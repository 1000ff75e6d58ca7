//! Which days, in Chinese.

use super::{
    super::{
        days::{Days, MonthDays},
        runs,
    },
    follow,
};
use crate::schedule::{
    Cron,
    cron::{MONTHS, NTH_LAST, bits},
};

const WEEKDAY: [&str; 7] = ["周日", "周一", "周二", "周三", "周四", "周五", "周六"];
const NTH: [&str; 5] = ["一", "二", "三", "四", "五"];
/// Which days, with the months; none for every day.
pub(super) fn day(cron: &Cron) -> Option<String> {
    match Days::of(cron) {
        Days::All => None,
        Days::OfMonth => Some(by_month(cron)),
        Days::OfWeek => Some(by_week(cron)),
        Days::Either => Some(follow(&(by_month(cron) + "以及"), &by_week(cron))),
        Days::Both => {
            // Of several days the condition is not for the last alone.
            let comma = if MonthDays::of(cron).only().is_some() {
                ""
            } else {
                "，"
            };
            Some(format!("{}{comma}且当天为{}", by_month(cron), if_weekday(cron)))
        }
    }
}

/// `每月 1 日、15 日`, `每年 1 月 1 日`.
fn by_month(cron: &Cron) -> String {
    let of = MonthDays::of(cron);
    let mut parts = Vec::new();
    match of.even() {
        Some((step, first, None)) => parts.push(format!("{first} 日起每 {step} 天")),
        Some((step, first, Some(last))) => parts.push(format!("{first} 日至 {last} 日每 {step} 天")),
        None => parts.extend(runs(u64::from(of.days)).into_iter().map(|(a, b)| match a == b {
            true => format!("{a} 日"),
            false => format!("{a} 日至 {b} 日"),
        })),
    }
    parts.extend(bits(u64::from(of.work)).map(|d| format!("离 {d} 日最近的工作日")));
    parts.extend(bits(u64::from(of.last)).map(|back| match back {
        0 => "最后一天".to_owned(),
        _ => format!("倒数第 {} 天", back + 1),
    }));
    parts.extend(bits(u64::from(of.last_work)).map(|back| match back {
        0 => "最后一个工作日".to_owned(),
        _ => format!("离倒数第 {} 天最近的工作日", back + 1),
    }));
    let told = match of.even() {
        Some(_) if parts.len() > 1 => format!("{}以及{}", parts[0], parts[1..].join("、")),
        _ => parts.join("、"),
    };
    follow(&of_months(cron), &told)
}

/// Before a day of the month: `每月`, `每年 1 月`, `每年 1 月、7 月的`.
fn of_months(cron: &Cron) -> String {
    match cron.months {
        MONTHS => "每月".to_owned(),
        mask if mask.is_power_of_two() => months(cron),
        // Without it the day would be that of the last month alone.
        _ => format!("{}的", months(cron)),
    }
}

fn by_week(cron: &Cron) -> String {
    let mut parts = Vec::new();
    if cron.weekdays != 0 {
        let days = match cron.weekdays {
            0b100_0001 => "周末".to_owned(),
            mask => format!("每{}", weekdays(mask, "、")),
        };
        match cron.months {
            MONTHS => parts.push(days),
            _ => parts.push(format!("{}的{days}", months(cron))),
        }
    }
    if cron.nth != 0 {
        parts.push(format!("{}{}", of_months(cron), nth(cron.nth).join("、")));
    }
    let told = parts
        .into_iter()
        .reduce(|before, part| follow(&(before + "以及"), &part));
    told.unwrap_or_default()
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
        0b100_0001 => vec!["周末".to_owned()],
        mask => vec![weekdays(mask, "或")],
    };
    parts.extend(nth(cron.nth).into_iter().map(|nth| format!("当月{nth}")));
    parts.join("或")
}

/// `每年 1 月、7 月`; where years are named, every year would be wrong.
pub(super) fn months(cron: &Cron) -> String {
    let names = runs(u64::from(cron.months))
        .into_iter()
        .map(|(a, b)| match a == b {
            true => format!("{a} 月"),
            false => format!("{a} 月至 {b} 月"),
        });
    let names = names.collect::<Vec<_>>().join("、");
    match cron.years {
        None => format!("每年 {names}"),
        Some(_) => names,
    }
}
