//! The expressions that the engines are compared with, as each of them writes them.

/// One expression in the dialects of the engines. None where an engine cannot say it.
pub struct Case {
    pub name: &'static str,
    /// Five fields, or six with seconds first.
    pub ours: &'static str,
    /// For the crate `cron`: seconds first, and day of week from 1 for Sunday.
    pub cron: Option<&'static str>,
    pub croner: Option<&'static str>,
    /// For the crate `cronexpr`: five fields.
    pub cronexpr: Option<&'static str>,
    pub zone: &'static str,
}

pub const CASES: [Case; 9] = [
    case("dense", "* * * * *", Some("0 * * * * * *"), "UTC"),
    case("quarters", "*/15 * * * *", Some("0 */15 * * * * *"), "UTC"),
    case("daily", "30 2 * * *", Some("0 30 2 * * * *"), "UTC"),
    case("weekday", "0 9 * * MON-FRI", Some("0 0 9 * * MON-FRI *"), "UTC"),
    Case {
        cronexpr: Some("0 0 L * *"),
        ..case("month's last", "0 0 L * *", None, "UTC")
    },
    case("29 February", "0 0 29 2 *", Some("0 0 0 29 FEB * *"), "UTC"),
    case("dense, zone", "* * * * *", Some("0 * * * * * *"), "Europe/Berlin"),
    case(
        "daily, zone",
        "30 2 * * *",
        Some("0 30 2 * * * *"),
        "Europe/Berlin",
    ),
    case(
        "weekday, zone",
        "0 9 * * MON-FRI",
        Some("0 0 9 * * MON-FRI *"),
        "America/New_York",
    ),
];

const fn case(
    name: &'static str,
    ours: &'static str,
    cron: Option<&'static str>,
    zone: &'static str,
) -> Case {
    Case {
        name,
        ours,
        cron,
        croner: Some(ours),
        cronexpr: Some(ours),
        zone,
    }
}

/// Where the walks start: 2026-01-31 10:20:30 UTC. The steps between starts are odd, so that
/// no engine profits from the same answer again.
pub const START: i64 = 1_769_854_830;
pub const STEP: i64 = 98_765;
pub const STARTS: usize = 1000;

pub fn starts() -> impl Iterator<Item = i64> {
    (0..STARTS as i64).map(|n| START + n * STEP)
}
