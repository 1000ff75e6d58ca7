//! Against cronsim, which follows Debian's cron: a table made by `cronsim_table.py` beside this
//! file. Each row: expression, zone, start, and the instants that cronsim gives.

use shared::{schedule::Dst, time::Time};

use crate::in_zone;

#[test]
fn cronsim_agrees() {
    let table = include_str!("cronsim.tsv");
    let mut rows = 0;
    for line in table.lines().filter(|l| !l.starts_with('#')) {
        let [expr, zone, start, fires] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("four columns: {line}");
        };
        let wanted: Vec<i64> = fires.split(' ').map(|s| s.parse().unwrap()).collect();
        let schedule = in_zone(expr, zone, Dst::Tick);
        let start = Time::from_secs(start.parse().unwrap());
        let ours = schedule
            .between(start, Time::MAX)
            .take(wanted.len())
            .map(Time::as_secs);
        assert_eq!(ours.collect::<Vec<_>>(), wanted, "{expr} in {zone} from {start}");
        rows += 1;
    }
    assert!(rows > 1000, "the table has {rows} rows");
}
