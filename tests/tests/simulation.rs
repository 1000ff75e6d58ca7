//! The simulated cluster: an hour of fires within seconds, with everything going wrong, the
//! guarantees checked from outside, and the same trace for the same seed.
//!
//! `GNOMON_SEED=n` plays another seed beside the fixed ones; `GNOMON_TRACE=file` keeps the
//! last trace; `GNOMON_SIM_LOG=debug` shows what the loops log meanwhile.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use gnomon_tests::sim::{Outcome, Plot, play};

#[test]
fn an_hour_without_faults() {
    let outcome = run(Plot {
        seed: 1,
        minutes: 60,
        with_faults: false,
    });
    assert!(outcome.starts > 10_000, "{}", outcome.starts);
}

#[test]
fn seeds() {
    let list = std::env::var("GNOMON_SEEDS").unwrap_or("1-8".into());
    let (a, b) = list.split_once('-').unwrap();
    let mut bad = 0;
    for seed in a.parse::<u64>().unwrap()..=b.parse().unwrap() {
        let plot = Plot {
            seed,
            minutes: std::env::var("MINUTES").map_or(10, |m| m.parse().unwrap()),
            with_faults: true,
        };
        let outcome = one(plot);
        bad += usize::from(!outcome.broken.is_empty());
        for what in outcome.broken.iter().take(6) {
            eprintln!("   {}", &what[..what.len().min(500)]);
        }
    }
    assert_eq!(bad, 0);
}

fn one(plot: Plot) -> Outcome {
    let begin = std::time::Instant::now();
    let _log = std::env::var("GNOMON_SIM_LOG").ok().map(|filter| {
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .without_time()
            .finish();
        tracing::subscriber::set_default(subscriber)
    });
    let outcome = play(plot);
    eprintln!(
        "seed {}: {} minutes, {} faults, {} starts, {} runs, {} broken, {} lines, in {:.1?}",
        plot.seed,
        plot.minutes,
        outcome.faults,
        outcome.starts,
        outcome.runs,
        outcome.broken.len(),
        outcome.trace.lines().count(),
        begin.elapsed()
    );
    if let Ok(path) = std::env::var("GNOMON_TRACE") {
        std::fs::write(&path, &outcome.trace).unwrap();
    }
    outcome
}

fn run(plot: Plot) -> Outcome {
    let outcome = one(plot);
    let show: Vec<&String> = outcome.broken.iter().take(20).collect();
    assert!(
        outcome.broken.is_empty(),
        "seed {} breaks {} guarantees (replay: GNOMON_SEED={} cargo test -p gnomon-tests --test simulation):\n{show:#?}",
        plot.seed,
        outcome.broken.len(),
        plot.seed
    );
    outcome
}
