//! The simulated cluster: an hour of fires within seconds, with everything going wrong, the
//! guarantees checked from outside, and the same trace for the same seed.

use gnomon_tests::sim::{Outcome, Plot, play};

#[test]
fn an_hour_without_faults() {
    let outcome = run(Plot { seed: 1, minutes: 60, with_faults: false });
    assert!(outcome.starts > 10_000, "{}", outcome.starts);
}

fn run(plot: Plot) -> Outcome {
    let begin = std::time::Instant::now();
    let outcome = play(plot);
    eprintln!(
        "seed {}: {} minutes, {} faults, {} starts, {} runs, {} lines, in {:.1?}",
        plot.seed, plot.minutes, outcome.faults, outcome.starts, outcome.runs, outcome.trace.lines().count(), begin.elapsed()
    );
    if let Ok(path) = std::env::var("GNOMON_TRACE") {
        std::fs::write(&path, &outcome.trace).unwrap();
    }
    let show: Vec<&String> = outcome.broken.iter().take(20).collect();
    assert!(
        outcome.broken.is_empty(),
        "seed {} breaks {} guarantees (replay: GNOMON_SEED={} cargo test -p gnomon-tests --test simulation):\n{show:#?}",
        plot.seed, outcome.broken.len(), plot.seed
    );
    outcome
}
