//! The numbers of `docs/PERFORMANCE.md`, measured on this machine: how late runs start, and
//! what an agent costs that has nothing to do. Run it with `make measure`, on a machine that
//! does nothing else.
//!
//! It is also the job that it measures: `measure stamp FILE` appends the moment at which it
//! began to run, by its own clock.
#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on ends")]

use std::{
    fmt::Write as _,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use gnomon_tests::{
    Cluster,
    cli::text,
    eventually,
    wait::{SOON, now_ms, until_ms},
};
use hdrhistogram::Histogram;
use shared::time::Time;

fn main() {
    let args: Vec<_> = std::env::args().collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [_, "stamp", file] => stamp(Path::new(file)),
        [_] => measure(),
        _ => {
            eprintln!("usage: measure");
            std::process::exit(2);
        }
    }
}

/// One line: what it was planned for, in milliseconds, and when it ran, in microseconds.
fn stamp(file: &Path) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
    let planned: Time = std::env::var("GNOMON_SCHEDULED_AT").unwrap().parse().unwrap();
    let run = std::env::var("GNOMON_RUN").unwrap();
    let mut file = fs::File::options().append(true).create(true).open(file).unwrap();
    file.write_all(format!("{} {now} {run}\n", planned.as_millis()).as_bytes())
        .unwrap();
}

fn measure() {
    println!("{}", machine());
    println!("\n## Start lateness\n");
    println!("1,000 fires, 100 a second, one agent, one master, etcd and PostgreSQL on the same machine.\n");
    println!("| what | 50 % | 90 % | 99 % | 99.9 % | worst |");
    println!("|---|---|---|---|---|---|");
    for shape in [Shape::Spread, Shape::Burst] {
        let (own, agents) = lateness(shape);
        println!(
            "{}",
            row(&format!("{}: the process began to run", shape.words()), &own)
        );
        println!(
            "{}",
            row(&format!("{}: the agent's record", shape.words()), &agents)
        );
    }
    println!("\n## A quiet agent\n");
    println!("Over a minute in which nothing is due.\n");
    println!("| jobs on it | memory (RSS) | private memory | CPU time in a minute | wake-ups a second |");
    println!("|---|---|---|---|---|");
    for jobs in [0, 1000] {
        println!("{}", quiet(jobs));
    }
}

/// How 100 fires stand within their second.
#[derive(Clone, Copy)]
enum Shape {
    /// Ten milliseconds apart.
    Spread,
    /// All at the full second.
    Burst,
}

impl Shape {
    fn words(self) -> &'static str {
        match self {
            Shape::Spread => "evenly spread",
            Shape::Burst => "100 at each full second",
        }
    }

    fn job(self, i: u32, command: &str) -> String {
        let trigger = match self {
            Shape::Spread => format!("{{every: 1s, anchor: '1970-01-01T00:00:00.{:03}Z'}}", i * 10),
            Shape::Burst => "{cron: '* * * * * *'}".to_owned(),
        };
        format!(
            "name: j{i}\noverlap: {{policy: allow}}\ntriggers: [{trigger}]\nrun: {{exec: {command}}}\nkeep: {{runs: 100}}\n"
        )
    }
}

/// Lateness in microseconds: as the processes saw it, and as the agent recorded it.
fn lateness(shape: Shape) -> (Histogram<u64>, Histogram<u64>) {
    let cluster = Cluster::start(1, 1, 1);
    let cli = cluster.cli(0);
    let file = cluster.scratch.join("stamps");
    let me = std::env::current_exe().unwrap();
    let command = format!("[{}, stamp, {}]", me.display(), file.display());
    let jobs: Vec<_> = (0..100).map(|i| shape.job(i, &command)).collect();
    cli.apply(&jobs.join("---\n"));
    eventually("all jobs to run", SOON, || {
        (stamps(&file).len() >= 300).then_some(())
    });

    let from = (now_ms() / 1000 + 2) * 1000;
    let until = from + 10_000;
    until_ms(until + 3_000);
    let stamps: Vec<_> = stamps(&file)
        .into_iter()
        .filter(|s| (from..until).contains(&s.planned_ms))
        .collect();
    assert_eq!(stamps.len(), 1000, "each fire is there once");

    let since = Time::from_millis(from).to_string();
    let recorded = eventually("the history of these fires", SOON, || {
        let runs = cli.json(&["run", "ls", "--since", &since, "--limit", "100000"]);
        let at =
            |r: &serde_json::Value, field: &str| text(r, field).parse::<Time>().ok().map(Time::as_millis);
        let late: Vec<_> = runs
            .as_array()?
            .iter()
            .filter(|r| at(r, "scheduled_at").is_some_and(|t| (from..until).contains(&t)))
            .filter_map(|r| Some(at(r, "started_at")? - at(r, "scheduled_at")?))
            .collect();
        (late.len() == 1000).then_some(late)
    });
    let own = stamps.iter().map(|s| s.ran_us - s.planned_ms * 1000);
    (
        histogram(own),
        histogram(recorded.into_iter().map(|ms| ms * 1000)),
    )
}

struct Stamp {
    planned_ms: i64,
    ran_us: i64,
}

fn stamps(file: &Path) -> Vec<Stamp> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let parse = |line: &str| {
        let mut words = line.split(' ');
        Some(Stamp {
            planned_ms: words.next()?.parse().ok()?,
            ran_us: words.next()?.parse().ok()?,
        })
    };
    text.lines().filter_map(parse).collect()
}

/// What is early counts as early by nothing, and is said: no process may start before its time.
fn histogram(values: impl Iterator<Item = i64>) -> Histogram<u64> {
    let mut histogram = Histogram::new(3).unwrap();
    for value in values {
        assert!(value >= 0, "a run began {value} µs before it was due");
        histogram.record(value as u64).unwrap();
    }
    histogram
}

fn row(name: &str, histogram: &Histogram<u64>) -> String {
    let mut row = format!("| {name} |");
    for quantile in [0.5, 0.9, 0.99, 0.999, 1.0] {
        let _ = write!(
            row,
            " {:.1} ms |",
            histogram.value_at_quantile(quantile) as f64 / 1000.0
        );
    }
    row
}

/// The cost of an agent that owns so many slots, none of them due for months.
fn quiet(jobs: u32) -> String {
    let cluster = Cluster::start(1, 1, 1);
    let cli = cluster.cli(0);
    let month = 1
        + (Time::from_millis(now_ms()).to_string()[5..7]
            .parse::<u32>()
            .unwrap()
            + 5)
            % 12;
    for batch in (0..jobs).collect::<Vec<_>>().chunks(500) {
        let job = |i: &u32| format!("name: q{i}\nschedule: '0 3 1 {month} *'\nrun: {{exec: ['true']}}\n");
        cli.apply(&batch.iter().map(job).collect::<Vec<_>>().join("---\n"));
    }
    let pid = cluster.agents[0].process.pid().as_raw();
    let node = &cluster.agents[0].name;
    eventually("the slots to be assigned", SOON, || {
        let keys = cluster.etcd.members[0].ctl(&[
            "get",
            "--prefix",
            "--keys-only",
            &format!("/gnomon/assign/{node}/"),
        ]);
        (keys.lines().filter(|l| !l.is_empty()).count() == jobs as usize).then_some(())
    });
    // What the start cost is not what being quiet costs.
    until_ms(now_ms() + 10_000);
    let (cpu, wakes, start) = (cpu_ns(pid), wake_ups(pid), Instant::now());
    until_ms(now_ms() + 60_000);
    let minutes = start.elapsed().as_secs_f64() / 60.0;
    let cpu_ms = Duration::from_nanos(cpu_ns(pid) - cpu).as_secs_f64() * 1000.0 / minutes;
    let wakes = (wake_ups(pid) - wakes) as f64 / start.elapsed().as_secs_f64();
    format!(
        "| {jobs} | {:.1} MiB | {:.1} MiB | {cpu_ms:.0} ms ({:.2} % of a core) | {wakes:.0} |",
        rollup_kib(pid, "Rss:") as f64 / 1024.0,
        (rollup_kib(pid, "Private_Clean:") + rollup_kib(pid, "Private_Dirty:")) as f64 / 1024.0,
        cpu_ms / 600.0
    )
}

/// The time its threads have been running, in nanoseconds.
fn cpu_ns(pid: i32) -> u64 {
    tasks(pid)
        .iter()
        .map(|t| first_number(&fs::read_to_string(t.join("schedstat")).unwrap_or_default()))
        .sum()
}

/// How often its threads went to sleep by themselves, and so woke up.
fn wake_ups(pid: i32) -> u64 {
    let of = |task: &PathBuf| {
        let status = fs::read_to_string(task.join("status")).unwrap_or_default();
        status
            .lines()
            .find_map(|l| l.strip_prefix("voluntary_ctxt_switches:"))
            .map_or(0, first_number)
    };
    tasks(pid).iter().map(of).sum()
}

fn tasks(pid: i32) -> Vec<PathBuf> {
    fs::read_dir(format!("/proc/{pid}/task"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect()
}

fn rollup_kib(pid: i32, field: &str) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    rollup
        .lines()
        .find_map(|l| l.strip_prefix(field))
        .map_or(0, first_number)
}

fn first_number(text: &str) -> u64 {
    text.split_whitespace()
        .next()
        .and_then(|n| n.parse().ok())
        .unwrap_or(0)
}

/// What the numbers belong to.
fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|l| l.strip_prefix("model name"))
        .unwrap_or(": an unknown processor");
    let cores = std::thread::available_parallelism().map_or(0, |n| n.get());
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = memory
        .lines()
        .find_map(|l| l.strip_prefix("MemTotal:"))
        .map_or(0, first_number);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let profile = if cfg!(debug_assertions) {
        "debug build"
    } else {
        "release build"
    };
    format!(
        "{cores} cores of {}, {} GiB, Linux {}, {profile}.",
        model.trim_start_matches([' ', '\t', ':']),
        (kib + (1 << 19)) >> 20,
        kernel.trim()
    )
}
