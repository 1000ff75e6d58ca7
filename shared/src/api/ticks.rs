//! A job's last outcomes in as few bytes as ten thousand jobs ask for.

use serde::{Deserialize, Serialize};

use crate::{file::value::Read, run::State, time::Time};

/// The most ticks of a job.
pub const TICKS_MAX: usize = 20;

/// One end of a run: how, of which instant, and how long it took if it ran at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    pub state: State,
    pub at: Time,
    pub took_ms: Option<u64>,
}

/// Outcomes, the oldest first. Written as `{"s": "ssf", "at": [1769860800000, 60000, 60000],
/// "ms": [1502, 1490, -1]}`: a letter for each end ([`letter`]), the first instant in
/// milliseconds and from each to the next, and durations in milliseconds (-1: it did not run).
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize, Read)]
#[serde(try_from = "Packed", into = "Packed")]
pub struct Ticks(pub Vec<Tick>);

#[cfg(feature = "openapi")]
super::schema::written_as!(Ticks, Packed);

/// Ticks as they are written: a letter for each, the first instant and the time from each
/// to the next, and the durations, all in milliseconds; -1 for what did not run.
#[derive(Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct Packed {
    s: String,
    at: Vec<i64>,
    ms: Vec<i64>,
}

/// The letter that stands for a state.
pub fn letter(state: State) -> char {
    match state {
        State::Pending => 'p',
        State::Queued => 'q',
        State::Running => 'r',
        State::Succeeded => 's',
        State::Failed => 'f',
        State::TimedOut => 't',
        State::Killed => 'k',
        State::Skipped => 'x',
        State::Missed => 'm',
        State::Rejected => 'j',
        State::Lost => 'l',
    }
}

impl Ticks {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many in a hundred succeeded, of the ends that tell something of the job: a skipped
    /// one, or one that somebody killed, does not.
    pub fn success_percent(&self) -> Option<u8> {
        let tells = |state| !matches!(state, State::Skipped | State::Killed);
        let told = self.0.iter().filter(|tick| tells(tick.state)).count();
        let good = self
            .0
            .iter()
            .filter(|tick| tick.state == State::Succeeded)
            .count();
        (told > 0).then(|| (good * 100 / told) as u8)
    }

    /// The median of the durations: of the successful runs, or of all where none was.
    pub fn usual_ms(&self) -> Option<u64> {
        let of = |only_good: bool| {
            let ticks = self.0.iter();
            let ticks = ticks.filter(|tick| !only_good || tick.state == State::Succeeded);
            let mut all: Vec<u64> = ticks.filter_map(|tick| tick.took_ms).collect();
            all.sort_unstable();
            all.get(all.len() / 2).copied()
        };
        of(true).or_else(|| of(false))
    }
}

impl From<Ticks> for Packed {
    fn from(ticks: Ticks) -> Packed {
        let mut before = 0;
        let since_last = |tick: &Tick| {
            let step = tick.at.as_millis().saturating_sub(before);
            before = tick.at.as_millis();
            step
        };
        let took = |tick: &Tick| {
            tick.took_ms
                .map_or(-1, |ms| i64::try_from(ms).unwrap_or(i64::MAX))
        };
        Packed {
            s: ticks.0.iter().map(|tick| letter(tick.state)).collect(),
            ms: ticks.0.iter().map(took).collect(),
            at: ticks.0.iter().map(since_last).collect(),
        }
    }
}

impl TryFrom<Packed> for Ticks {
    type Error = String;

    fn try_from(packed: Packed) -> Result<Ticks, String> {
        let Packed { s, at, ms } = packed;
        if s.chars().count() != at.len() || at.len() != ms.len() {
            return Err("ticks have a letter, an instant and a duration each".to_owned());
        }
        let mut sum = 0_i64;
        let ticks = s.chars().zip(at).zip(ms).map(|((c, step), ms)| {
            sum = sum.saturating_add(step);
            let state = State::ALL.into_iter().find(|state| letter(*state) == c);
            Ok(Tick {
                state: state.ok_or_else(|| format!("`{c}` stands for no state"))?,
                at: Time::from_millis(sum),
                took_ms: u64::try_from(ms).ok(),
            })
        });
        ticks.collect::<Result<_, String>>().map(Ticks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tick(state: State, secs: i64, took_ms: Option<u64>) -> Tick {
        Tick {
            state,
            at: Time::from_secs(secs),
            took_ms,
        }
    }

    #[test]
    fn ticks_are_read_back_as_they_were() {
        let ticks = Ticks(vec![
            tick(State::Succeeded, 1_769_860_800, Some(1502)),
            tick(State::Skipped, 1_769_860_860, None),
            tick(State::Failed, 1_769_860_830, Some(0)),
        ]);
        let text = serde_json::to_string(&ticks).unwrap();
        assert_eq!(
            text,
            r#"{"s":"sxf","at":[1769860800000,60000,-30000],"ms":[1502,-1,0]}"#
        );
        assert_eq!(serde_json::from_str::<Ticks>(&text).unwrap(), ticks);
        assert!(serde_json::from_str::<Ticks>(r#"{"s":"ss","at":[1],"ms":[1,2]}"#).is_err());
        assert!(serde_json::from_str::<Ticks>(r#"{"s":"?","at":[1],"ms":[1]}"#).is_err());
    }

    #[test]
    fn every_state_has_a_letter_of_its_own() {
        let letters: std::collections::BTreeSet<char> = State::ALL.into_iter().map(letter).collect();
        assert_eq!(letters.len(), State::ALL.len());
    }

    #[test]
    fn rates_and_durations() {
        let ticks = Ticks(vec![
            tick(State::Succeeded, 1, Some(100)),
            tick(State::Failed, 2, Some(5)),
            tick(State::Succeeded, 3, Some(300)),
            tick(State::Skipped, 4, None),
            tick(State::Succeeded, 5, Some(200)),
        ]);
        assert_eq!(ticks.success_percent(), Some(75));
        assert_eq!(ticks.usual_ms(), Some(200));
        let never = Ticks(vec![
            tick(State::Failed, 1, Some(7)),
            tick(State::Skipped, 2, None),
        ]);
        assert_eq!((never.success_percent(), never.usual_ms()), (Some(0), Some(7)));
        assert_eq!(Ticks::default().success_percent(), None);
        assert_eq!(Ticks::default().usual_ms(), None);
    }
}
