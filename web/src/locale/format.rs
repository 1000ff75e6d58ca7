//! Numbers, times and durations as people read them. Times are those of a zone that the
//! caller names; each function is one of values, but for the language.

use std::time::Duration;

use shared::{schedule::Zone, time::Time};

use super::{Language, language};

/// `12,345`
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A number with so many decimals. The standard library's own way is right for any number
/// there is, and weighs 10 KB.
pub fn fixed(number: f64, decimals: usize) -> String {
    let unit = 10_i64.pow(decimals as u32);
    let units = (number * unit as f64).round() as i64;
    let sign = if units < 0 { "-" } else { "" };
    let (whole, part) = (units.abs() / unit, units.abs() % unit);
    match decimals {
        0 => format!("{sign}{whole}"),
        _ => format!("{sign}{whole}.{part:0decimals$}"),
    }
}

/// A share of one: `99.8 %`. All is said of nothing less than all, and none likewise.
pub fn percent(share: f64) -> String {
    let tenths = (share * 1000.0).round() / 10.0;
    match tenths {
        t if t >= 100.0 && share < 1.0 => "99.9 %".into(),
        t if t <= 0.0 && share > 0.0 => "0.1 %".into(),
        t => format!("{} %", fixed(t, usize::from(t.fract() != 0.0))),
    }
}

/// `3.2 MiB`
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let is_whole = unit == 0 || value >= 100.0;
    format!("{} {}", fixed(value, usize::from(!is_whole)), UNITS[unit])
}

/// As short as it tells enough: `340 ms`, `4.2 s`, `3 min 05 s`, `2 h 10 min`, `5 d 3 h`.
pub fn duration(length: Duration) -> String {
    let ms = length.as_millis() as u64;
    let (secs, minutes, hours) = (ms / 1000, ms / 60_000, ms / 3_600_000);
    let zh = language() == Language::Zh;
    let (s, min, h, d) = if zh {
        ("秒", "分", "小时", "天")
    } else {
        ("s", "min", "h", "d")
    };
    match ms {
        0..1_000 => format!("{ms} {}", if zh { "毫秒" } else { "ms" }),
        1_000..10_000 => format!("{secs}.{} {s}", ms % 1000 / 100),
        10_000..60_000 => format!("{secs} {s}"),
        60_000..3_600_000 => format!("{minutes} {min} {:02} {s}", secs % 60),
        3_600_000..86_400_000 => format!("{hours} {h} {:02} {min}", minutes % 60),
        _ => format!("{} {d} {} {h}", hours / 24, hours % 24),
    }
}

/// A length that somebody chose: as [`duration`], without parts that are nought.
pub fn brief(length: Duration) -> String {
    let mut said = duration(length);
    for nought in [" 0 h", " 00 min", " 00 s", " 0 小时", " 00 分", " 00 秒"] {
        if let Some(rest) = said.strip_suffix(nought) {
            said.truncate(rest.len());
        }
    }
    said.replace(".0 ", " ")
}

/// The same of milliseconds.
pub fn millis(ms: u64) -> String {
    duration(Duration::from_millis(ms))
}

/// Sentences, one after the other: Chinese has no space between them.
pub fn in_a_row<'a>(all: impl IntoIterator<Item = &'a str>) -> String {
    let between = if language() == Language::Zh { "" } else { " " };
    all.into_iter().collect::<Vec<_>>().join(between)
}

/// How long ago, or how far ahead: `2 min ago`, `in 3 h`.
pub fn ago(at: Time, now: Time) -> String {
    let is_past = at <= now;
    let apart = if is_past { now.since(at) } else { at.since(now) };
    let secs = apart.as_secs();
    let zh = language() == Language::Zh;
    match secs {
        0..2 if is_past => return if zh { "刚刚".into() } else { "just now".into() },
        0 => return if zh { "现在".into() } else { "now".into() },
        _ => {}
    }
    let (n, en_unit, zh_unit) = match secs {
        0..60 => (secs, "s", "秒"),
        60..3_600 => (secs / 60, "min", "分钟"),
        3_600..172_800 => (secs / 3600, "h", "小时"),
        _ => (secs / 86_400, "days", "天"),
    };
    match (zh, is_past) {
        (false, true) => format!("{n} {en_unit} ago"),
        (false, false) => format!("in {n} {en_unit}"),
        (true, true) => format!("{n} {zh_unit}前"),
        (true, false) => format!("{n} {zh_unit}后"),
    }
}

/// What clocks show: `2026-11-21` and `07:20:05`.
pub fn date_and_time(at: Time, zone: Zone) -> (String, String) {
    let shown = format!("{:.0}", zone.clock(at));
    let (date, time) = shown.split_once('T').unwrap_or((&shown, ""));
    (date.to_owned(), time.to_owned())
}

/// `07:20:05`
pub fn clock_time(at: Time, zone: Zone) -> String {
    date_and_time(at, zone).1
}

/// `07:20`
pub fn minute(at: Time, zone: Zone) -> String {
    let mut time = clock_time(at, zone);
    time.truncate("07:20".len());
    time
}

/// `21 Nov`, `11月21日`
pub fn day(at: Time, zone: Zone) -> String {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let z = zone.clock(at);
    match language() {
        Language::En => format!("{} {}", z.day(), MONTHS[z.month() as usize - 1]),
        Language::Zh => format!("{}月{}日", z.month(), z.day()),
    }
}

/// The time alone if it is of the same day as `now`, else with the day, else with the year.
pub fn short_time(at: Time, now: Time, zone: Zone) -> String {
    let (z, today) = (zone.clock(at), zone.clock(now));
    if z.date() == today.date() {
        return clock_time(at, zone);
    }
    if z.year() == today.year() {
        return format!("{} {}", day(at, zone), minute(at, zone));
    }
    format!("{} {}", date_and_time(at, zone).0, minute(at, zone))
}

/// `Sat 21 Nov 2026, 07:20:05`, `2026年11月21日 周六 07:20:05`
pub fn date_time(at: Time, zone: Zone) -> String {
    let z = zone.clock(at);
    let weekday = z.weekday().to_monday_zero_offset() as usize;
    let (day, time) = (day(at, zone), clock_time(at, zone));
    match language() {
        Language::En => {
            const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
            format!("{} {day} {}, {time}", DAYS[weekday], z.year())
        }
        Language::Zh => {
            const DAYS: [&str; 7] = ["一", "二", "三", "四", "五", "六", "日"];
            format!("{}年{day} 周{} {time}", z.year(), DAYS[weekday])
        }
    }
}

/// What stands on hover: the exact instant, to the millisecond, with zone and offset.
pub fn exact(at: Time, zone: Zone) -> String {
    let z = zone.clock(at);
    format!(
        "{}.{:03} {}",
        date_time(at, zone),
        z.subsec_nanosecond() / 1_000_000,
        zone_name(at, zone)
    )
}

/// `Europe/Berlin, UTC+01:00`; `UTC`
pub fn zone_name(at: Time, zone: Zone) -> String {
    match zone.name() {
        "UTC" => "UTC".into(),
        name => format!("{name}, UTC{}", zone.from_utc(at)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locale::speak;

    fn at(text: &str) -> Time {
        text.parse().unwrap()
    }

    #[test]
    fn decimals_are_fixed() {
        let told = [
            (1.5, 1),
            (0.049, 1),
            (-0.05, 2),
            (-0.001, 2),
            (12.0, 2),
            (2.5, 0),
            (99.9996, 3),
        ]
        .map(|(number, decimals)| fixed(number, decimals));
        assert_eq!(told.join(" "), "1.5 0.0 -0.05 0.00 12.00 3 100.000");
    }

    #[test]
    fn numbers() {
        assert_eq!(
            (count(0), count(999), count(1_234_567)),
            ("0".into(), "999".into(), "1,234,567".into())
        );
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(percent(0.99999), "99.9 %");
        assert_eq!(percent(0.00001), "0.1 %");
        assert_eq!(percent(0.5), "50 %");
        assert_eq!(
            (size(0), size(1024), size(3_355_443)),
            ("0 B".into(), "1.0 KiB".into(), "3.2 MiB".into())
        );
    }

    #[test]
    fn durations() {
        let of = |ms| millis(ms);
        assert_eq!(
            [of(0), of(999), of(1_000), of(9_960)],
            ["0 ms", "999 ms", "1.0 s", "9.9 s"]
        );
        assert_eq!(
            [of(59_999), of(60_000), of(3_599_000)],
            ["59 s", "1 min 00 s", "59 min 59 s"]
        );
        assert_eq!([of(7_800_000), of(90_000_000)], ["2 h 10 min", "1 d 1 h"]);
        let chosen = |secs| brief(Duration::from_secs(secs));
        assert_eq!(
            [
                chosen(3_600),
                chosen(30 * 86_400),
                chosen(300),
                chosen(10),
                chosen(5)
            ],
            ["1 h", "30 d", "5 min", "10 s", "5 s"]
        );
        assert_eq!(chosen(90), "1 min 30 s");
    }

    #[test]
    fn ages() {
        let now = at("2026-11-21T07:00:00Z");
        assert_eq!(ago(now, now), "just now");
        assert_eq!(ago(at("2026-11-21T06:58:00Z"), now), "2 min ago");
        assert_eq!(ago(at("2026-11-21T10:00:00Z"), now), "in 3 h");
        speak(Language::Zh);
        assert_eq!(ago(at("2026-11-21T06:58:00Z"), now), "2 分钟前");
        speak(Language::En);
    }

    #[test]
    fn times_tell_no_more_than_they_need() {
        let berlin: Zone = "Europe/Berlin".parse().unwrap();
        let now = at("2026-11-21T07:00:00Z");
        assert_eq!(short_time(at("2026-11-21T06:00:05Z"), now, berlin), "07:00:05");
        assert_eq!(
            short_time(at("2026-11-20T06:00:05Z"), now, berlin),
            "20 Nov 07:00"
        );
        assert_eq!(
            short_time(at("2025-11-20T06:00:05Z"), now, berlin),
            "2025-11-20 07:00"
        );
        assert_eq!(
            exact(at("2026-07-01T06:00:05.040Z"), berlin),
            "Wed 1 Jul 2026, 08:00:05.040 Europe/Berlin, UTC+02:00"
        );
        speak(Language::Zh);
        assert_eq!(date_time(now, berlin), "2026年11月21日 周六 08:00:00");
        speak(Language::En);
    }
}
