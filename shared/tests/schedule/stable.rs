//! Pinned values. A change here moves every user's `H` and jitter: it is never right.

use std::time::Duration;

use shared::{
    id::JobId,
    schedule::{Cron, Dialect, jitter},
    time::Time,
};

use expect_test::{Expect, expect};

fn check(actual: impl Iterator<Item = String>, expect: Expect) {
    expect.assert_eq(&actual.collect::<Vec<_>>().join("\n"));
}

const SEEDS: [u64; 6] = [0, 1, 2, 42, 0xdead_beef, u64::MAX];

#[test]
fn hashes_never_change() {
    let exprs = [
        "H H H H H H",
        "H(0-29) H(9-17) H(1-5) * H(1-5)",
        "H/15 * * * *",
        "H(10-40)/7 H/4 * * *",
        "H H 1,15 H/3 *",
        "h,30 H H/2 * *",
    ];
    let of = |seed| exprs.map(|e| format!("{seed} {e}: {}", Cron::parse(e, Dialect::Cron, seed).unwrap()));
    check(
        SEEDS.into_iter().flat_map(of),
        expect![[r#"
        0 H H H H H H: 51 56 19 19 4 THU
        0 H(0-29) H(9-17) H(1-5) * H(1-5): 28 16 4 * THU
        0 H/15 * * * *: 14-59/15 * * * *
        0 H(10-40)/7 H/4 * * *: 16-37/7 3-23/4 * * *
        0 H H 1,15 H/3 *: 56 19 1,15 1-10/3 *
        0 h,30 H H/2 * *: 30,56 19 2-28/2 * *
        1 H H H H H H: 10 27 5 6 11 FRI
        1 H(0-29) H(9-17) H(1-5) * H(1-5): 13 11 1 * THU
        1 H/15 * * * *: 6-51/15 * * * *
        1 H(10-40)/7 H/4 * * *: 13-34/7 0-20/4 * * *
        1 H H 1,15 H/3 *: 27 5 1,15 3-12/3 *
        1 h,30 H H/2 * *: 27,30 5 1-27/2 * *
        2 H H H H H H: 26 8 11 10 6 MON
        2 H(0-29) H(9-17) H(1-5) * H(1-5): 4 13 2 * TUE
        2 H/15 * * * *: 2-47/15 * * * *
        2 H(10-40)/7 H/4 * * *: 11-39/7 1-21/4 * * *
        2 H H 1,15 H/3 *: 8 11 1,15 2-11/3 *
        2 h,30 H H/2 * *: 8,30 11 1-27/2 * *
        42 H H H H H H: 40 56 8 4 8 MON
        42 H(0-29) H(9-17) H(1-5) * H(1-5): 28 12 1 * MON
        42 H/15 * * * *: 14-59/15 * * * *
        42 H(10-40)/7 H/4 * * *: 16-37/7 1-21/4 * * *
        42 H H 1,15 H/3 *: 56 8 1,15 2-11/3 *
        42 h,30 H H/2 * *: 30,56 8 1-27/2 * *
        3735928559 H H H H H H: 33 39 0 25 9 MON
        3735928559 H(0-29) H(9-17) H(1-5) * H(1-5): 19 9 5 * TUE
        3735928559 H/15 * * * *: 9-54/15 * * * *
        3735928559 H(10-40)/7 H/4 * * *: 14-35/7 0-20/4 * * *
        3735928559 H H 1,15 H/3 *: 39 0 1,15 3-12/3 *
        3735928559 h,30 H H/2 * *: 30,39 0 2-28/2 * *
        18446744073709551615 H H H H H H: 2 20 1 1 6 FRI
        18446744073709551615 H(0-29) H(9-17) H(1-5) * H(1-5): 10 9 1 * FRI
        18446744073709551615 H/15 * * * *: 5-50/15 * * * *
        18446744073709551615 H(10-40)/7 H/4 * * *: 12-40/7 0-20/4 * * *
        18446744073709551615 H H 1,15 H/3 *: 20 1 1,15 2-11/3 *
        18446744073709551615 h,30 H H/2 * *: 20,30 1 1-27/2 * *"#]],
    );
}

#[test]
fn a_jobs_seed_never_changes() {
    let ids = [
        "00000000000000000000000000",
        "01HF7YAT00ZZZZZZZZZZZZZZZZ",
        "01KAJ8Q4M3V5W6X7Y8Z9A0BCDE",
        "7ZZZZZZZZZZZZZZZZZZZZZZZZZ",
    ];
    let of = |id: &str| format!("{id}: {}", id.parse::<JobId>().unwrap().seed());
    check(
        ids.into_iter().map(of),
        expect![[r#"
        00000000000000000000000000: 0
        01HF7YAT00ZZZZZZZZZZZZZZZZ: 18335332873709486080
        01KAJ8Q4M3V5W6X7Y8Z9A0BCDE: 7999919549011355862
        7ZZZZZZZZZZZZZZZZZZZZZZZZZ: 0"#]],
    );
}

#[test]
fn jitter_never_changes() {
    let rows = SEEDS.into_iter().flat_map(|seed| {
        [0, 1_700_000_000, 1_700_000_060].map(|at| {
            let at = Time::from_secs(at);
            let free = jitter(seed, at, Duration::from_secs(300), None);
            let tight = jitter(
                seed,
                at,
                Duration::from_secs(300),
                Some(at + Duration::from_secs(60)),
            );
            format!(
                "{seed} {}: {} ms, {} ms within a minute",
                at.as_secs(),
                free.as_millis(),
                tight.as_millis()
            )
        })
    });
    check(
        rows,
        expect![[r#"
        0 0: 104430 ms, 20885 ms within a minute
        0 1700000000: 110287 ms, 22057 ms within a minute
        0 1700000060: 70619 ms, 14123 ms within a minute
        1 0: 281969 ms, 56393 ms within a minute
        1 1700000000: 22981 ms, 4596 ms within a minute
        1 1700000060: 75045 ms, 15009 ms within a minute
        2 0: 253422 ms, 50684 ms within a minute
        2 1700000000: 285390 ms, 57077 ms within a minute
        2 1700000060: 152183 ms, 30436 ms within a minute
        42 0: 4462 ms, 892 ms within a minute
        42 1700000000: 130765 ms, 26152 ms within a minute
        42 1700000060: 166012 ms, 33202 ms within a minute
        3735928559 0: 80797 ms, 16159 ms within a minute
        3735928559 1700000000: 147761 ms, 29552 ms within a minute
        3735928559 1700000060: 29914 ms, 5982 ms within a minute
        18446744073709551615 0: 222834 ms, 44566 ms within a minute
        18446744073709551615 1700000000: 1374 ms, 274 ms within a minute
        18446744073709551615 1700000060: 51991 ms, 10398 ms within a minute"#]],
    );
}

#[test]
fn jitter_stays_within_its_bounds() {
    for seed in 0..2000 {
        let at = Time::from_secs(seed as i64 * 60);
        assert!(jitter(seed, at, Duration::from_secs(5), None) <= Duration::from_secs(5));
        assert!(
            jitter(
                seed,
                at,
                Duration::from_secs(500),
                Some(at + Duration::from_secs(60))
            ) < Duration::from_secs(60)
        );
        assert_eq!(jitter(seed, at, Duration::ZERO, None), Duration::ZERO);
        assert_eq!(jitter(seed, at, Duration::MAX, Some(at)), Duration::ZERO);
        assert!(jitter(seed, at, Duration::MAX, Some(at + Duration::from_millis(1))).is_zero());
    }
}

#[test]
fn hashes_spread() {
    let mut minutes = [0; 60];
    let mut days = [0; 32];
    for seed in 0..60_000 {
        let text = Cron::parse("H 0 H * *", Dialect::Cron, seed).unwrap().to_string();
        let mut fields = text.split(' ');
        minutes[fields.next().unwrap().parse::<usize>().unwrap()] += 1;
        days[fields.nth(1).unwrap().parse::<usize>().unwrap()] += 1;
    }
    assert!(minutes.iter().all(|n| (850..1150).contains(n)), "{minutes:?}");
    assert!(days[1..=28].iter().all(|n| (1950..2350).contains(n)), "{days:?}");
    assert_eq!((days[0], days[29..].iter().sum::<i32>()), (0, 0));
}
