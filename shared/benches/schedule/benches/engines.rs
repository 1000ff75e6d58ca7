//! The cost of a next fire and of a parse, ours and three others', in one run.
//!
//! Each figure of `next` is for one call, over a thousand starts. cronexpr returns jiff's
//! zoned time and the chrono crates return chrono's: what a caller of each would get.

use std::{hint::black_box, str::FromStr};

use chrono::DateTime;
use chrono_tz::Tz;
use divan::{Bencher, counter::ItemsCount};
use gnomon_schedule_bench::{CASES, STARTS, starts};
use shared::{
    schedule::{Dialect, Dst, Schedule, Zone},
    time::Time,
};

fn main() {
    divan::main();
}

fn names() -> impl Iterator<Item = &'static str> {
    CASES.iter().map(|c| c.name)
}

fn case(name: &str) -> &'static gnomon_schedule_bench::Case {
    CASES
        .iter()
        .find(|c| c.name == name)
        .expect("a case of this name")
}

fn gnomon(name: &str) -> Schedule {
    let case = case(name);
    let zone: Zone = case.zone.parse().expect("a zone");
    Schedule::cron(case.ours, Dialect::Cron, zone, Dst::Tick, 0).expect("an expression")
}

#[divan::bench_group(name = "next")]
mod next {
    use super::*;

    #[divan::bench(args = names())]
    fn gnomon(bencher: Bencher, name: &str) {
        let schedule = super::gnomon(name);
        let starts: Vec<Time> = starts().map(Time::from_secs).collect();
        bencher.counter(ItemsCount::new(STARTS)).bench_local(|| {
            for at in &starts {
                black_box(schedule.next(black_box(*at)));
            }
        });
    }

    #[divan::bench(args = names().filter(|n| case(n).croner.is_some()))]
    fn croner(bencher: Bencher, name: &str) {
        let case = case(name);
        let schedule = ::croner::Cron::from_str(case.croner.expect("a case")).expect("an expression");
        let starts = zoned(case.zone);
        bencher.counter(ItemsCount::new(STARTS)).bench_local(|| {
            for at in &starts {
                let _ = black_box(schedule.find_next_occurrence(black_box(at), false));
            }
        });
    }

    #[divan::bench(args = names().filter(|n| case(n).cron.is_some()))]
    fn cron(bencher: Bencher, name: &str) {
        let case = case(name);
        let schedule = ::cron::Schedule::from_str(case.cron.expect("a case")).expect("an expression");
        let starts = zoned(case.zone);
        bencher.counter(ItemsCount::new(STARTS)).bench_local(|| {
            for at in &starts {
                black_box(schedule.after(black_box(at)).next());
            }
        });
    }

    #[divan::bench(args = names().filter(|n| case(n).cronexpr.is_some()))]
    fn cronexpr(bencher: Bencher, name: &str) {
        let case = case(name);
        let text = format!("{} {}", case.cronexpr.expect("a case"), case.zone);
        let schedule = ::cronexpr::parse_crontab(&text).expect("an expression");
        let starts: Vec<jiff::Timestamp> = starts()
            .map(|s| jiff::Timestamp::from_second(s).expect("an instant"))
            .collect();
        bencher.counter(ItemsCount::new(STARTS)).bench_local(|| {
            for at in &starts {
                let _ = black_box(schedule.find_next(black_box(*at)));
            }
        });
    }

    fn zoned(zone: &str) -> Vec<DateTime<Tz>> {
        let zone: Tz = zone.parse().expect("a zone");
        starts()
            .map(|s| {
                DateTime::from_timestamp(s, 0)
                    .expect("an instant")
                    .with_timezone(&zone)
            })
            .collect()
    }
}

#[divan::bench_group(name = "parse")]
mod parse {
    use super::*;

    #[divan::bench(args = names())]
    fn gnomon(name: &str) -> shared::schedule::Cron {
        let text = case(name).ours;
        shared::schedule::Cron::parse(black_box(text), Dialect::Cron, 0).expect("an expression")
    }

    #[divan::bench(args = names().filter(|n| case(n).croner.is_some()))]
    fn croner(name: &str) -> ::croner::Cron {
        ::croner::Cron::from_str(black_box(case(name).croner.expect("a case"))).expect("an expression")
    }

    #[divan::bench(args = names().filter(|n| case(n).cron.is_some()))]
    fn cron(name: &str) -> ::cron::Schedule {
        ::cron::Schedule::from_str(black_box(case(name).cron.expect("a case"))).expect("an expression")
    }

    #[divan::bench(args = names().filter(|n| case(n).cronexpr.is_some()))]
    fn cronexpr(bencher: Bencher, name: &str) {
        let case = case(name);
        let text = format!("{} {}", case.cronexpr.expect("a case"), case.zone);
        bencher.bench_local(|| ::cronexpr::parse_crontab(black_box(&text)).expect("an expression"));
    }
}

/// Expressions that can never fire: how long until they are refused.
#[divan::bench(args = ["0 0 30 2 *", "0 0 31W 2,4 *", "0 0 8-14 * +MON#1", "0 0 0 29 2 +MON 2024-2040"])]
fn never(text: &str) -> bool {
    Schedule::cron(black_box(text), Dialect::Cron, Zone::utc(), Dst::Tick, 0).is_err()
}

/// Years that are over: a search to the end of the calendar.
#[divan::bench]
fn over(bencher: Bencher) {
    let zone: Zone = "Europe/Berlin".parse().expect("a zone");
    let schedule =
        Schedule::cron("0 0 0 29 2 ? 1972", Dialect::Cron, zone, Dst::Tick, 0).expect("an expression");
    bencher.bench_local(|| schedule.next(black_box(Time::from_secs(1_769_854_830))));
}
