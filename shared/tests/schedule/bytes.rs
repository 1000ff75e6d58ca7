//! Any bytes are answered: no panic, no hang, no answer that grows with the question.

use proptest::prelude::*;
use shared::{
    schedule::{Cron, Dialect, Dst, Lang, Schedule, Zone},
    time::Time,
};

fn ask(text: &str) {
    for dialect in [Dialect::Cron, Dialect::Quartz] {
        match Schedule::cron(text, dialect, Zone::utc(), Dst::Tick, 1) {
            Ok(schedule) => {
                let canonical = schedule.to_string();
                assert_eq!(
                    canonical.parse::<Schedule>().as_ref(),
                    Ok(&schedule),
                    "{text:?} as {canonical}"
                );
                assert!(schedule.next(Time::from_millis(i64::MIN)).is_some());
                assert!(!schedule.describe(Lang::En).is_empty() && !schedule.describe(Lang::Zh).is_empty());
            }
            Err(error) => {
                assert!(error.to_string().len() < 600, "{error}");
                assert!(
                    error
                        .position
                        .is_none_or(|p| p >= 1 && p <= text.chars().count() + 1),
                    "{text:?}: {error}"
                );
                assert!(!error.to_string().contains(char::is_control), "{error:?}");
            }
        }
    }
}

proptest! {
    #[test]
    fn any_text(text in "\\PC{0,80}") {
        ask(&text);
    }

    #[test]
    fn text_of_the_right_letters(text in "[-0-9*,/?LlWw#+Hh() @aAnNuUsSfFrRiIdD\t]{1,60}") {
        ask(&text);
    }

    #[test]
    fn fields_of_the_right_letters(fields in proptest::collection::vec("([0-9]{1,2}|\\*|L|H|[0-9]W|FRI|JAN|\\?)([-/,#][0-9]{1,2}|L|W)?", 5..=7)) {
        ask(&fields.join(" "));
    }
}

/// What the fuzzer keeps: the expressions behind its five bytes of settings.
#[test]
fn what_the_fuzzer_found_worth_keeping() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/seeds/schedule");
    let seeds: Vec<_> = std::fs::read_dir(folder).unwrap().collect();
    assert!(seeds.len() > 300, "{} seeds in {folder}", seeds.len());
    for seed in seeds {
        let bytes = std::fs::read(seed.unwrap().path()).unwrap();
        if let Some(Ok(text)) = bytes.get(5..).map(std::str::from_utf8) {
            ask(text);
        }
    }
}

/// 64 KB of the worst we can think of, each within a millisecond even without optimisation.
#[test]
#[expect(clippy::disallowed_methods, reason = "it measures real time")]
fn long_texts_are_answered_at_once() {
    let size = 64 * 1024;
    let texts = [
        "*".repeat(size),
        "1,".repeat(size / 2),
        " ".repeat(size),
        "* ".repeat(size / 2),
        "9".repeat(size),
        "@".repeat(size),
        "\u{1F552}".repeat(size / 4),
        format!("{} * * * *", "0,".repeat(size / 2 - 8)),
        format!("* * * * {}", "MON#1,".repeat(600)),
        format!("* * * * * * {}", "1970-2199,".repeat(400)),
        format!("{}1 * * * *", "H(0-59)/1,".repeat(400)),
    ];
    for text in texts {
        let fastest = (0..5)
            .map(|_| {
                let start = std::time::Instant::now();
                let _ = Cron::parse(&text, Dialect::Cron, 0);
                start.elapsed()
            })
            .min()
            .unwrap();
        // Ten times the bound: this build is not optimised, and the machine is shared.
        assert!(fastest.as_millis() < 10, "{:.20}…: {fastest:?}", text);
    }
}
