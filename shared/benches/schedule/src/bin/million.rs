//! A million schedules: loaded, ordered by next due instant, and advanced through a day.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    time::{Duration, Instant},
};

use gnomon_schedule_bench::START;
use shared::{
    schedule::{Dialect, Dst, Schedule, Zone},
    time::Time,
};

const COUNT: u64 = 1_000_000;
const ZONES: [&str; 6] = [
    "UTC",
    "Asia/Shanghai",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
];
/// What a fleet runs: mostly daily and hourly, some each minute, a few odd ones.
const EXPRESSIONS: [&str; 10] = [
    "H H * * *",
    "H H(0-6) * * MON-FRI",
    "H * * * *",
    "H/15 * * * *",
    "H H * * H",
    "H H L * *",
    "H H(8-18)/2 * * 1-5",
    "H H 1,15 * *",
    "*/30 H * * *",
    "H H 29 2 *",
];

fn main() {
    let before = resident();
    let start = Instant::now();
    let zones: Vec<Zone> = ZONES.iter().map(|z| z.parse().expect("a zone")).collect();
    let schedules: Vec<Schedule> = (0..COUNT)
        .map(|n| {
            let expression = EXPRESSIONS[n as usize % EXPRESSIONS.len()];
            let zone = zones[n as usize / EXPRESSIONS.len() % zones.len()];
            Schedule::cron(expression, Dialect::Cron, zone, Dst::Tick, n).expect("an expression")
        })
        .collect();
    report("parsed and checked", start.elapsed(), COUNT);

    let start = Instant::now();
    let now = Time::from_secs(START);
    let due = schedules
        .iter()
        .enumerate()
        .filter_map(|(n, s)| Some(Reverse((s.next(now)?, n as u32))));
    let mut queue: BinaryHeap<Reverse<(Time, u32)>> = due.collect();
    report("ordered by next instant", start.elapsed(), COUNT);

    let start = Instant::now();
    let until = now + Duration::from_secs(86_400);
    let mut fires = 0;
    while let Some(mut first) = queue.peek_mut() {
        let Reverse((at, n)) = *first;
        if at > until {
            break;
        }
        fires += 1;
        match schedules[n as usize].next(at) {
            Some(next) => *first = Reverse((next, n)),
            None => {
                std::collections::binary_heap::PeekMut::pop(first);
            }
        }
    }
    report("advanced through a day, fires", start.elapsed(), fires);
    println!(
        "resident memory: {} MiB more than at the start",
        (resident() - before) / 1024
    );
    println!("bytes of a schedule: {}", size_of::<Schedule>());
}

fn report(what: &str, took: Duration, count: u64) {
    println!(
        "{what}: {count} in {took:.2?}, {:.0} ns each",
        took.as_nanos() as f64 / count as f64
    );
}

/// In KiB, as Linux tells it.
fn resident() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"));
    line.and_then(|l| l.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or(0)
}
