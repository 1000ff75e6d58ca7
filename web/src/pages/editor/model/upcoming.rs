//! What the schedules mean: in words, and as the instants to come.

use shared::{
    file::value::{self, Value},
    fire,
    job::{Compiled, Trigger},
    schedule::{Lang, Listing, Schedule, Zone},
    time::Time,
};

/// A trigger in words. None while it cannot be read.
pub fn words(trigger: &Value, seed: u64, lang: Lang) -> Option<String> {
    Some(compile(trigger, seed)?.schedule.describe(lang))
}

fn compile(trigger: &Value, seed: u64) -> Option<Compiled> {
    let trigger: Trigger = value::to(trigger.clone()).ok()?;
    trigger.compile(seed).ok()
}

/// The next instants of all triggers that can be read, as one sequence, in the zone of the
/// first expression and in the viewer's.
pub fn upcoming(
    triggers: &[Value],
    seed: u64,
    from: Time,
    count: usize,
    also: Option<Zone>,
    lang: Lang,
) -> Listing {
    let compiled: Vec<Compiled> = triggers.iter().filter_map(|t| compile(t, seed)).collect();
    let mut instants = Vec::new();
    let mut last = from;
    while let Some(at) = fire::next(&compiled, last).filter(|_| instants.len() < count) {
        instants.push(at);
        last = at;
    }
    let schedules: Vec<&Schedule> = compiled.iter().map(|c| &c.schedule).collect();
    Listing::of(&schedules, from, &instants, also, lang)
}

/// The zones that the expressions are read in, each once.
pub fn zones(triggers: &[Value]) -> Vec<Zone> {
    let mut zones = Vec::new();
    let compiled = triggers.iter().filter_map(|t| compile(t, 0));
    for zone in compiled.filter_map(|c| c.schedule.zone()) {
        if !zones.contains(&zone) {
            zones.push(zone);
        }
    }
    zones
}

/// Whether what is shown depends on the job's id: an expression with `H`.
pub fn is_hashed(trigger: &Value) -> bool {
    let cron = trigger.get("cron").and_then(Value::text).unwrap_or_default();
    let is_hash = |field: &str| {
        field
            .split(',')
            .any(|part| part == "H" || part.starts_with("H(") || part.starts_with("H/"))
    };
    cron.split_whitespace().any(is_hash)
}

#[cfg(test)]
mod tests {
    use shared::{schedule::MarkKind, value};

    use super::*;

    #[test]
    fn changes_of_the_clock_are_marked() {
        let triggers = [
            value!({"cron": "30 2 * * *", "timezone": "Europe/Berlin"}),
            value!({"cron": "nonsense"}),
        ];
        let from = "2027-03-26T12:00:00Z".parse().unwrap();
        let listing = upcoming(&triggers, 0, from, 10, Some("UTC".parse().unwrap()), Lang::En);
        assert_eq!(listing.rows.len(), 10);
        assert_eq!(listing.zone.name(), "Europe/Berlin");
        assert_eq!(listing.rows[1].mark.as_ref().unwrap().kind, MarkKind::Moved);
        assert_eq!(listing.changes.len(), 1);
        assert_eq!(listing.changes[0].row, 1);
    }

    #[test]
    fn several_triggers_are_one_sequence() {
        let triggers = [
            value!({"every": "1h"}),
            value!({"cron": "30 * * * *"}),
            value!({"cron": "0 0 * * *"}),
        ];
        let from = "2026-11-20T22:59:00Z".parse().unwrap();
        let listing = upcoming(&triggers, 0, from, 4, None, Lang::En);
        let told: Vec<&str> = listing.rows.iter().map(|r| &r.local[11..16]).collect();
        assert_eq!(told, ["23:00", "23:30", "00:00", "00:30"]);
        assert!(upcoming(&[], 0, from, 4, None, Lang::En).rows.is_empty());
    }

    #[test]
    fn a_zone_is_told_once() {
        let triggers = [
            value!({"cron": "0 2 * * *", "timezone": "Europe/Berlin"}),
            value!({"every": "1h"}),
            value!({"cron": "0 2 * * *", "timezone": "Asia/Tokyo"}),
            value!({"cron": "0 3 * * *", "timezone": "Europe/Berlin"}),
        ];
        let names: Vec<_> = zones(&triggers).iter().map(|zone| zone.name()).collect();
        assert_eq!(names, ["Europe/Berlin", "Asia/Tokyo"]);
    }

    #[test]
    fn words_say_what_can_be_read() {
        assert_eq!(
            words(&value!({"every": "10m"}), 0, Lang::En).unwrap(),
            "every 10 minutes"
        );
        assert_eq!(words(&value!({"cron": "99 * * * *"}), 0, Lang::En), None);
        assert!(
            is_hashed(&value!({"cron": "H 2 * * *"})) && is_hashed(&value!({"cron": "0 1,H(0-3) * * *"}))
        );
        assert!(!is_hashed(&value!({"cron": "0 0 * * THU"})));
    }
}
