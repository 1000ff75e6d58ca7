//! Reads which days.

use super::{MONTHS, Set, WEEKDAYS, listed, number};

const NTH: [&str; 5] = ["first", "second", "third", "fourth", "fifth"];

/// Days of one month, of the length and first weekday given.
pub(super) struct Month {
    pub number: u32,
    pub length: u32,
    pub first: u32,
}

impl Month {
    /// The days that the words name.
    pub fn days(&self, words: &str) -> Set {
        let all: Set = (1..=self.length).collect();
        let months = words.strip_prefix("every day").unwrap_or(words).trim_start();
        if ["in ", "from "].iter().any(|before| months.starts_with(before)) || months.is_empty() {
            return if self.is_in(months) { all } else { Set::new() };
        }
        let (words, condition) = match words.split_once(" if it is ") {
            Some((words, condition)) => (words, Some(condition)),
            None => (words, None),
        };
        let mut days = Set::new();
        let mut months = "";
        let marked = words
            .replace(" and on ", "|on ")
            .replace(" and at weekends", "|at weekends")
            .replace(", on ", "|on ");
        for part in marked.rsplit('|') {
            let at = [" of ", " in ", " from "]
                .iter()
                .flat_map(|word| part.match_indices(word))
                .find(|(at, word)| {
                    let rest = part[at + word.len()..].trim_start_matches("every month");
                    rest.is_empty() || MONTHS.iter().any(|m| rest.starts_with(m)) || rest.starts_with(" from")
                });
            let is_weekly =
                part == "at weekends" || !part.starts_with("on the ") && !part.starts_with("every");
            let (named, own) = match at {
                Some((at, _)) => (&part[..at], &part[at..]),
                None => (part, if is_weekly { "" } else { months }),
            };
            months = own;
            if self.is_in(months) {
                days.extend(self.named(named));
            }
        }
        if let Some(condition) = condition {
            let condition = condition.strip_suffix(" of the month").unwrap_or(condition);
            let wanted: Set = condition
                .split(" or ")
                .flat_map(|part| part.split(", "))
                .flat_map(|one| match one.strip_prefix("a ") {
                    Some("weekday") => self.named("on weekdays"),
                    Some(day) => self.named(&format!("on {day}s")),
                    None => self.named(&format!("on {one}")),
                })
                .collect();
            days.retain(|day| wanted.contains(day));
        }
        days
    }

    /// ` of every month`, ` in June and July`, ` from March to October`.
    fn is_in(&self, words: &str) -> bool {
        let words = words.replace(" of every month", "");
        let month = |name: &str| MONTHS.iter().position(|m| *m == name).unwrap() as u32 + 1;
        let words = words.trim_start();
        if let Some((from, to)) = words.strip_prefix("from ").and_then(|w| w.split_once(" to ")) {
            return (month(from)..=month(to)).contains(&self.number);
        }
        let words = words.trim_start_matches("of ").trim_start_matches("in ");
        words.is_empty() || listed(words).into_iter().any(|m| month(m) == self.number)
    }

    fn named(&self, words: &str) -> Set {
        let within = |days: Set| {
            days.into_iter()
                .filter(|d| (1..=self.length).contains(d))
                .collect()
        };
        let weekday = |day: u32| (self.first + day - 1) % 7;
        let on_weekdays =
            |wanted: &dyn Fn(u32) -> bool| (1..=self.length).filter(|d| wanted(weekday(*d))).collect();
        if let Some(rest) = words.strip_prefix("every ") {
            let (n, rest) = rest.split_once(" days from the ").unwrap();
            let (from, to) = rest.split_once(" to the ").unwrap_or((rest, "31st"));
            return within((number(from)..=number(to)).step_by(number(n) as usize).collect());
        }
        match words {
            "at weekends" => return on_weekdays(&|d| d == 0 || d == 6),
            "on weekdays" => return on_weekdays(&|d| (1..=5).contains(&d)),
            _ => {}
        }
        let words = words.strip_prefix("on ").unwrap();
        if let Some((day, month)) = words.split_once(' ')
            && MONTHS.contains(&month)
        {
            return if self.is_in(&format!(" in {month}")) {
                within(Set::from([number(day)]))
            } else {
                Set::new()
            };
        }
        let from_monday = |name: &str| {
            let at = WEEKDAYS.iter().position(|d| format!("{d}s") == name);
            at.map(|d| if d == 0 { 7 } else { d as u32 })
        };
        let days = listed(words).into_iter().flat_map(|item| {
            let (a, b) = item.split_once(" to ").unwrap_or((item, item));
            match (from_monday(a), from_monday(b)) {
                (Some(a), Some(b)) => on_weekdays(&|d| (a..=b).contains(&(if d == 0 { 7 } else { d }))),
                _ => self.of_month(a.trim_start_matches("the "), b.trim_start_matches("the ")),
            }
        });
        within(days.collect())
    }

    fn of_month(&self, from: &str, to: &str) -> Set {
        let weekday = |day: u32| (self.first + day - 1) % 7;
        let nearest = |day: u32| {
            let working = (1..=self.length).filter(|d| (1..=5).contains(&weekday(*d)));
            let nearest = working
                .min_by_key(|d| d.abs_diff(day))
                .filter(|_| (1..=self.length).contains(&day));
            nearest.into_iter().collect::<Set>()
        };
        let back = |words: &str| match words {
            "last day" => 0,
            "last day but one" => 1,
            _ => number(words.strip_suffix("-last day").unwrap()) - 1,
        };
        if from == "last weekday" {
            return nearest(self.length);
        }
        if let Some(day) = from.strip_prefix("weekday nearest the ") {
            return match day.contains("last") {
                true => self
                    .length
                    .checked_sub(back(day))
                    .map(nearest)
                    .unwrap_or_default(),
                false => nearest(number(day)),
            };
        }
        if let Some((nth, name)) = from.split_once(' ')
            && let Some(wanted) = WEEKDAYS.iter().position(|d| *d == name)
        {
            let mut all = (1..=self.length).filter(|d| weekday(*d) == wanted as u32);
            let day = match NTH.iter().position(|n| *n == nth) {
                Some(n) => all.nth(n),
                None => all.next_back(),
            };
            return day.into_iter().collect();
        }
        match from.contains("last") {
            true => self.length.checked_sub(back(from)).into_iter().collect(),
            false => (number(from)..=number(to)).collect(),
        }
    }
}

/// Where the words for the day begin.
pub(super) fn day_at(words: &str) -> usize {
    let days = words.match_indices(" every ").find(|(at, _)| {
        let rest = &words[at + 7..];
        let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ');
        rest.starts_with("day")
    });
    let months = [" in ", " from "]
        .into_iter()
        .flat_map(|before| words.match_indices(before));
    let months =
        months.filter(|(at, before)| MONTHS.iter().any(|m| words[at + before.len()..].starts_with(m)));
    let days = days.into_iter().chain(months).map(|(at, _)| at);
    days.chain(words.find(" on "))
        .chain(words.find(" at weekends"))
        .min()
        .unwrap_or(words.len())
}
