//! Calendar files: YAML, JSON or TOML, with one calendar or many, each with its name.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Calendar, Day, Moment, Range, Weekly};
use crate::{
    file::{
        self, FileError, Format, Written,
        value::{self, Read},
        write::write,
    },
    id::CalendarName,
    schedule::Zone,
};

/// A calendar and the name that jobs call it by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(try_from = "NamedFile", into = "NamedFile")]
pub struct Named {
    pub name: CalendarName,
    pub calendar: Calendar,
}

impl Written for Named {
    const NOUN: &'static str = "calendar";
    const DOCUMENT: &'static str = "a calendar (`name:`, `dates:`, …) or a list of calendars";
    const LEAST: &'static str = "write at least `name:` and one of `dates:`, `ranges:` and `weekly:`";
    const HELP: &'static str = "gnomon calendar apply --help";
}

/// Reads all calendars of a file.
///
/// # Errors
/// The first thing that is wrong: nothing of the file may then be used.
pub fn parse(text: &str, format: Format) -> Result<Vec<Named>, FileError> {
    distinct(file::read(text, format)?)
}

/// The same of YAML alone: the console needs no other form, and takes no other parser along.
///
/// # Errors
/// As [`parse`].
pub fn parse_yaml(text: &str) -> Result<Vec<Named>, FileError> {
    distinct(file::read_yaml(text)?)
}

fn distinct(all: Vec<Named>) -> Result<Vec<Named>, FileError> {
    let mut seen = BTreeSet::new();
    for Named { name, .. } in &all {
        if !seen.insert(name) {
            return Err(FileError::plain(
                format!("the file holds two calendars of the name `{name}`"),
                Some("rename one".into()),
            ));
        }
    }
    Ok(all)
}

/// Writes a calendar as its file, as `calendar get` and diffs show it.
pub fn to_yaml(calendar: &Named) -> String {
    value::of(calendar).map_or_else(|e| format!("# cannot be written: {e}\n"), |said| write(&said))
}

#[derive(Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields, rename = "calendar")]
struct NamedFile {
    name: CalendarName,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    description: String,
    #[serde(default)]
    timezone: Zone,
    #[serde(skip_serializing_if = "Option::is_none")]
    known_until: Option<Moment>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    dates: BTreeSet<Day>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ranges: Vec<Range>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    weekly: Vec<Weekly>,
}

impl TryFrom<NamedFile> for Named {
    type Error = String;

    fn try_from(f: NamedFile) -> Result<Named, String> {
        let calendar = Calendar {
            description: f.description,
            timezone: f.timezone,
            known_until: f.known_until,
            dates: f.dates,
            ranges: f.ranges,
            weekly: f.weekly,
        };
        calendar.check()?;
        Ok(Named {
            name: f.name,
            calendar,
        })
    }
}

impl From<Named> for NamedFile {
    fn from(Named { name, calendar: c }: Named) -> NamedFile {
        NamedFile {
            name,
            description: c.description,
            timezone: c.timezone,
            known_until: c.known_until,
            dates: c.dates,
            ranges: c.ranges,
            weekly: c.weekly,
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    const WHOLE: &str = "
name: holidays
description: when the office is closed
timezone: Europe/Berlin
known_until: 2027-12-31
dates: [2026-12-25, 12-26, '01-01', 02-29]
ranges:
  - {from: 2026-12-24T18:00, to: 2026-12-27T06:30:15}
  - {from: 2027-07-01, to: 2027-07-31}
  - {from: 2026-03-01T00:00:00+01:00, to: 2026-03-02T12:00:00.5Z}
weekly:
  - {days: [sat, sun]}
  - {days: mon-fri, from: 22:00, to: 06:00}
  - {days: \"fri-mon,wed\", from: 12:30:10}
  - {to: 00:30}
";

    #[test]
    fn a_whole_file_is_read_and_written() {
        let named = &parse(WHOLE, Format::Yaml).unwrap()[0];
        let yaml = to_yaml(named);
        expect![[r#"
            name: holidays
            description: when the office is closed
            timezone: Europe/Berlin
            known_until: "2027-12-31"
            dates: ["01-01", "02-29", "12-26", "2026-12-25"]
            ranges:
              - from: "2026-12-24T18:00"
                to: "2026-12-27T06:30:15"
              - from: "2027-07-01"
                to: "2027-07-31"
              - from: "2026-02-28T23:00:00Z"
                to: "2026-03-02T12:00:00.500Z"
            weekly:
              - days: [sat, sun]
              - days: [mon-fri]
                from: "22:00"
                to: "06:00"
              - days: [mon, wed, fri-sun]
                from: "12:30:10"
              - to: "00:30"
        "#]]
        .assert_eq(&yaml);
        assert_eq!(&parse(&yaml, Format::Yaml).unwrap()[0], named, "{yaml}");
        let json = serde_json::to_string_pretty(named).unwrap();
        assert_eq!(&parse(&json, Format::Json).unwrap()[0], named, "{json}");
        let toml = toml::to_string(named).unwrap();
        assert_eq!(&parse(&toml, Format::Toml).unwrap()[0], named, "{toml}");
        let body = serde_json::to_string(&named.calendar).unwrap();
        assert_eq!(serde_json::from_str::<Calendar>(&body).unwrap(), named.calendar);
    }

    #[test]
    fn dates_of_toml_count_as_what_they_show() {
        let toml = "[[calendar]]\nname = 'a'\nknown_until = 2027-12-31\ndates = [2026-12-25, '12-26']\n\
                    ranges = [{from = 2026-12-24T18:00:00, to = 2026-12-27T06:30:15}]\n\
                    weekly = [{from = 22:00:00, to = '06:00'}]\n[[calendar]]\nname = 'b'\ndates = ['01-01']\n";
        let all = parse(toml, Format::Toml).unwrap();
        let shown = all.iter().map(to_yaml).collect::<Vec<_>>().join("---\n");
        expect![[r#"
            name: a
            timezone: UTC
            known_until: "2027-12-31"
            dates: ["12-26", "2026-12-25"]
            ranges:
              - from: "2026-12-24T18:00"
                to: "2026-12-27T06:30:15"
            weekly:
              - from: "22:00"
                to: "06:00"
            ---
            name: b
            timezone: UTC
            dates: ["01-01"]
        "#]]
        .assert_eq(&shown);
    }

    fn refused(text: &str, expected: Expect) {
        expected.assert_eq(&parse(text, Format::Yaml).unwrap_err().to_string());
    }

    #[test]
    fn errors_say_what_where_and_what_to_do() {
        refused(
            "name: a\ndate: [2026-12-25]\n",
            expect![
                "line 2, column 1: unknown field `date`, expected one of `name`, `description`, `timezone`, `known_until`, `dates`, `ranges`, `weekly`; did you mean `dates`?"
            ],
        );
        refused(
            "name: a\ndates: [2026-02-29]\n",
            expect!["line 2, column 9: `2026-02-29`: there is no such day"],
        );
        refused(
            "name: a\ndates: [02-30]\n",
            expect!["line 2, column 9: `02-30`: there is no such day"],
        );
        refused(
            "name: a\ndates: [25.12.2026]\n",
            expect![
                "line 2, column 9: `25.12.2026` is not a date; write one such as 2026-12-25, or 12-25 for each year"
            ],
        );
        refused(
            "name: a\ndates: [1969-12-31]\n",
            expect!["line 2, column 9: `1969-12-31`: years are 1970 to 2199"],
        );
        refused(
            "name: a\ndates: 2026-12-25\n",
            expect!["line 2, column 8: this must be a list"],
        );
        refused(
            "name: a\n",
            expect!["line 1, column 1: the calendar covers nothing: give it `dates`, `ranges` or `weekly`"],
        );
        refused(
            "name: a b\ndates: [12-25]\n",
            expect![
                "line 1, column 7: the calendar name `a b` has the character ' '; letters, digits, `-`, `_` and `.` are allowed"
            ],
        );
        refused(
            "name: a\ntimezone: Europe/Berln\ndates: [12-25]\n",
            expect!["line 2, column 11: `Europe/Berln` is not a time zone; did you mean `Europe/Berlin`?"],
        );
        refused(
            "name: a\nranges:\n  - {from: 2026-12-27, to: 2026-12-24}\n",
            expect!["line 3, column 5: range 2026-12-27 to 2026-12-24: it ends before it begins"],
        );
        refused(
            "name: a\nranges:\n  - {from: 2026-12-24, to: 2026-12-24T18:00Z}\n",
            expect![
                "line 3, column 5: range 2026-12-24 to 2026-12-24T18:00:00Z: give both ends with an offset, or both without"
            ],
        );
        refused(
            "name: a\nranges:\n  - {from: 2026-12-24, until: 2026-12-25}\n",
            expect![
                "line 3, column 24: unknown field `until`, expected one of `from`, `to`; see `gnomon calendar apply --help` for the keys of a calendar file"
            ],
        );
        refused(
            "name: a\nranges:\n  - {from: 2026-12-24T18, to: 2026-12-25}\n",
            expect![
                "line 3, column 12: `2026-12-24T18` is not a date or time; write 2026-12-24, 2026-12-24T18:00 (local), or 2026-12-24T18:00:00Z"
            ],
        );
        refused(
            "name: a\nweekly:\n  - {days: [mo]}\n",
            expect![
                "line 3, column 13: `mo` is not a day of the week; write mon, tue, wed, thu, fri, sat, sun, or a range such as mon-fri"
            ],
        );
        refused(
            "name: a\nweekly:\n  - {days: []}\n",
            expect!["line 3, column 12: days: none given; leave `days` out for every day"],
        );
        refused(
            "name: a\nweekly:\n  - {from: 25:00}\n",
            expect![
                "line 3, column 12: `25:00` is not a time of day; write one such as 08:30 or 22:00:30, up to 24:00"
            ],
        );
        refused(
            "name: a\nweekly:\n  - {from: 06:00, to: 06:00}\n",
            expect![
                "line 3, column 5: weekly: it begins and ends at 06:00, and so covers nothing; leave `from` and `to` out for whole days"
            ],
        );
        refused(
            "name: a\nweekly:\n  - {from: 24:00, to: 06:00}\n",
            expect!["line 3, column 5: weekly: a window cannot begin at 24:00; write 00:00 of the next day"],
        );
        refused(
            "name: a\ndates: [12-25]\n---\nname: a\ndates: [12-26]\n",
            expect!["the file holds two calendars of the name `a`; rename one"],
        );
        refused(
            "",
            expect![
                "the file holds no calendar; write at least `name:` and one of `dates:`, `ranges:` and `weekly:`"
            ],
        );
    }

    #[test]
    fn sizes_are_bounded() {
        let many = |n: u32| {
            let dates: Vec<String> = (0..n).map(|i| Day::Date(20_000 + i).to_string()).collect();
            format!("name: a\ndates: [{}]\n", dates.join(", "))
        };
        assert_eq!(
            parse(&many(1500), Format::Yaml).unwrap()[0].calendar.entries(),
            1500
        );
        let error = parse(&many(1501), Format::Yaml).unwrap_err();
        assert!(error.message.contains("at most 1500"), "{error}");
        let ranges: String = (0..1000)
            .map(|i| {
                let from = crate::time::Time::from_secs(1_800_000_000 + 7200 * i);
                format!(
                    "  - {{from: {from}, to: {}}}\n",
                    from + std::time::Duration::from_secs(60)
                )
            })
            .collect();
        let error = parse(&format!("name: a\nranges:\n{ranges}"), Format::Yaml).unwrap_err();
        assert!(error.message.contains("bytes; at most 24576"), "{error}");
    }
}
