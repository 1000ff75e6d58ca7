//! The simulated cluster: an hour of fires within seconds, with everything going wrong, the
//! guarantees checked from outside, and the same trace for the same seed.
//!
//! `GNOMON_SEED=7` plays that seed beside the fixed ones, `GNOMON_SEED=1-99` all of these,
//! `GNOMON_MINUTES=60` for longer than ten minutes; `GNOMON_TRACE=file` keeps the trace of
//! the last one, `GNOMON_SIM_LOG=debug` shows what the loops log, `GNOMON_SIM_LIVE=1` the
//! trace while it grows.

use std::{env, fs, ops::RangeInclusive, thread, time::Instant};

use gnomon_tests::sim::{Outcome, Plot, Sabotage, play};

/// Those that found something, once.
const SEEDS: [u64; 4] = [5, 6, 16, 44];
const MINUTES: u64 = 10;

#[test]
fn an_hour_of_faults_is_the_same_twice() {
    let plot = Plot::new(1, 60);
    let again = thread::spawn(move || run(plot));
    let (one, two) = (run(plot), again.join().unwrap());
    if let Some((n, (one, two))) = one
        .trace
        .lines()
        .zip(two.trace.lines())
        .enumerate()
        .find(|(_, (one, two))| one != two)
    {
        panic!("{plot:?} is not the same twice; line {}:\n{one}\n{two}", n + 1);
    }
    assert!(
        one.trace == two.trace,
        "{plot:?}: one trace goes on where the other ends"
    );
    assert!(
        one.faults > 100 && one.starts > 10_000,
        "{} faults, {} starts",
        one.faults,
        one.starts
    );
}

#[test]
fn the_guarantees_hold_for_each_seed() {
    SEEDS
        .into_iter()
        .for_each(|seed| drop(run(Plot::new(seed, MINUTES))));
    let minutes = env::var("GNOMON_MINUTES").map_or(MINUTES, |minutes| minutes.parse().unwrap());
    asked_for().for_each(|seed| drop(run(Plot::new(seed, minutes))));
}

#[test]
fn without_faults_nothing_is_late_missed_or_lost() {
    let outcome = run(Plot {
        with_faults: false,
        ..Plot::new(1, 5)
    });
    let ends = outcome.trace.lines().filter(|line| line.contains(" recorded "));
    let bad: Vec<&str> = ends
        .filter(|line| [" lost ", " missed "].iter().any(|end| line.contains(end)))
        .collect();
    assert!(bad.is_empty(), "{bad:#?}");
}

/// The checks find what they are there to find.
#[test]
fn what_breaks_a_guarantee_is_found() {
    for (sabotage, complaint) in [
        (Sabotage::StartTwice, "started 2 times"),
        (Sabotage::StartUnleased, "past its lease's deadline"),
        (Sabotage::OutliveLease, "let it run on"),
        (Sabotage::ForgetRuns, "without an end"),
    ] {
        let outcome = play(Plot {
            with_faults: false,
            sabotage: Some(sabotage),
            ..Plot::new(1, 1)
        });
        assert!(
            outcome.broken.iter().any(|what| what.contains(complaint)),
            "{sabotage:?} was not found: {:#?}",
            outcome.broken
        );
    }
}

fn asked_for() -> RangeInclusive<u64> {
    let Ok(text) = env::var("GNOMON_SEED") else {
        #[allow(clippy::reversed_empty_ranges, reason = "none")]
        return 1..=0;
    };
    let number = |text: &str| {
        text.parse()
            .expect("GNOMON_SEED is a number, or two with a dash between")
    };
    match text.split_once('-') {
        Some((from, to)) => number(from)..=number(to),
        None => number(&text)..=number(&text),
    }
}

fn run(plot: Plot) -> Outcome {
    let begin = Instant::now();
    let _logging = env::var("GNOMON_SIM_LOG").ok().map(|filter| {
        let log = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr);
        tracing::subscriber::set_default(log.without_time().finish())
    });
    let outcome = play(plot);
    eprintln!(
        "seed {}: {} minutes, {} faults, {} starts, {} runs, in {:.1?}",
        plot.seed,
        plot.minutes,
        outcome.faults,
        outcome.starts,
        outcome.runs,
        begin.elapsed()
    );
    if let Ok(path) = env::var("GNOMON_TRACE") {
        fs::write(&path, &outcome.trace).expect("a trace can be written");
    }
    let first: Vec<&String> = outcome.broken.iter().take(20).collect();
    assert!(
        first.is_empty(),
        "{plot:?} breaks {} guarantees; replay: GNOMON_SEED={} GNOMON_MINUTES={} GNOMON_TRACE=trace.txt \
         cargo test -p gnomon-tests --test simulation each_seed\n{first:#?}",
        outcome.broken.len(),
        plot.seed,
        plot.minutes
    );
    outcome
}
