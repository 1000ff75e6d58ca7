//! Words of until when it is known what a calendar covers.

use shared::{
    calendar::{Calendar, Distance, Horizon},
    id::CalendarName,
    time::Time,
};

use crate::output::relative;

/// `2031-10-31`, and how far that is once it matters; a dash for a calendar that is known for
/// ever.
pub fn known(calendar: &Calendar, now: Time) -> String {
    match (calendar.known_until, calendar.horizon(now)) {
        (Some(until), Some(horizon)) if horizon.distance != Distance::Far => {
            format!("{until} ({})", relative(horizon.at, now))
        }
        (Some(until), _) => until.to_string(),
        (None, _) => "-".to_owned(),
    }
}

/// What to do about a calendar of which little or nothing more is known.
pub fn warning(name: &CalendarName, calendar: &Calendar, now: Time) -> Option<String> {
    let Horizon { distance, .. } = calendar.horizon(now)?;
    let known = known(calendar, now);
    let said = match distance {
        Distance::Far => return None,
        Distance::Near => format!("{name} is known only until {known}"),
        Distance::Past => {
            format!("{name} was known only until {known}: it may cover less than it should")
        }
    };
    Some(format!(
        "warning: {said}; import its file again, or write more into it and move `known_until`"
    ))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use shared::calendar::parse_yaml;

    use super::*;

    #[test]
    fn a_calendar_that_runs_out_is_said_in_time() {
        let said = |now: &str| {
            let all = parse_yaml("name: a\nknown_until: 2026-12-31\ndates: [2026-12-25]\n").unwrap();
            let (calendar, now) = (&all[0].calendar, now.parse().unwrap());
            let warning = warning(&all[0].name, calendar, now).unwrap_or_default();
            format!("{}\n{warning}\n", known(calendar, now))
        };
        expect![[r#"
            2026-12-31

        "#]]
        .assert_eq(&said("2026-11-21T00:00:00Z"));
        expect![[r#"
            2026-12-31 (in 10d)
            warning: a is known only until 2026-12-31 (in 10d); import its file again, or write more into it and move `known_until`
        "#]].assert_eq(&said("2026-12-22T00:00:00Z"));
        expect![[r#"
            2026-12-31 (2d12h ago)
            warning: a was known only until 2026-12-31 (2d12h ago): it may cover less than it should; import its file again, or write more into it and move `known_until`
        "#]].assert_eq(&said("2027-01-03T12:00:00Z"));
        let all = parse_yaml("name: a\ndates: [12-25]\n").unwrap();
        let (calendar, now) = (&all[0].calendar, Time::from_secs(1_800_000_000));
        assert_eq!(known(calendar, now), "-");
        assert_eq!(warning(&all[0].name, calendar, now), None);
    }
}
