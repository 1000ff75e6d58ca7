//! When to look at which slot next: every assignment's next fire in one order.
//!
//! Entries are small and change one at a time, so that tens of thousands of assignments
//! cost nothing while nothing is due. Nothing here reads a clock: a clock that steps back
//! makes an entry wait, and refires nothing, as each entry goes on from its last decided
//! instant; one that steps forward makes entries due, late, which is a misfire like any
//! other.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use shared::{fire::Timetable, time::Time};

use crate::{inbox::SlotKey, parts::OwnedAssignment};

/// All slots of a node, ordered by when their next fire starts.
#[derive(Default)]
pub struct Ticker {
    entries: HashMap<SlotKey, Entry>,
    /// Every-node jobs: they fire whatever the store does.
    every: BTreeSet<(Time, SlotKey)>,
    /// Slots of exclusive jobs: they are looked at only while claims can be made.
    exclusive: BTreeSet<(Time, SlotKey)>,
}

/// What the node owns of one job.
pub struct Entry {
    pub owned: Arc<OwnedAssignment>,
    pub timetable: Arc<Timetable>,
    /// Every instant up to here is decided, or before the job's time.
    pub last: Time,
    /// What is known of the slot's cursor in the store.
    pub cursor: CursorView,
    /// Whether the spool tells up to where this slot's fires are in it. If not, a cursor
    /// that this node moved says nothing of what became of its fires.
    pub is_remembered: bool,
    /// Where it stands in the order; `None` while somebody looks at it, or when it has no
    /// fire ahead.
    look_at: Option<Time>,
    busy: bool,
}

/// Where a slot's fires go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct From {
    /// Instants up to here never count, or are decided.
    pub last: Time,
    /// Whether the spool said so.
    pub is_remembered: bool,
}

/// The slot's cursor in the store, as far as this agent knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CursorView {
    /// It must be read before anything is claimed: the slot is new here, or the outcome
    /// of a claim is unknown.
    Unread,
    /// Its mod revision; zero if there is none.
    Read(i64),
}

impl Ticker {
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn get(&self, key: SlotKey) -> Option<&Entry> {
        self.entries.get(&key)
    }

    pub fn keys(&self) -> impl Iterator<Item = SlotKey> {
        self.entries.keys().copied()
    }

    /// A slot that is new, or whose assignment has changed. Instants up to `last` never
    /// count; an entry that goes on keeps what it knows beyond that.
    pub fn set(&mut self, key: SlotKey, owned: Arc<OwnedAssignment>, timetable: Arc<Timetable>, from: From) {
        let From { last, is_remembered } = from;
        let before = self.take_out(key).and_then(|()| self.entries.remove(&key));
        let entry = match before {
            // The same assignment with another spec: what has been decided stays decided.
            Some(before) if before.owned.create_revision == owned.create_revision => Entry {
                owned,
                timetable,
                last: last.max(before.last),
                look_at: None,
                ..before
            },
            // Given again after it was taken away: others may have moved the cursor.
            Some(before) => Entry {
                owned,
                timetable,
                last: last.max(before.last),
                cursor: CursorView::Unread,
                is_remembered: before.is_remembered || is_remembered,
                look_at: None,
                busy: before.busy,
            },
            None => Entry {
                owned,
                timetable,
                last,
                cursor: CursorView::Unread,
                is_remembered,
                look_at: None,
                busy: false,
            },
        };
        self.entries.insert(key, entry);
        self.put_in(key);
    }

    pub fn remove(&mut self, key: SlotKey) {
        self.take_out(key);
        self.entries.remove(&key);
    }

    /// The slots to look at: those whose next fire starts by `horizon`, soonest first.
    /// They are out of the order until [`Ticker::looked`] puts them back. Exclusive ones
    /// only if claims can be made; at most `max`.
    pub fn due(&mut self, horizon: Time, with_exclusive: bool, max: usize) -> Vec<SlotKey> {
        let mut due = Vec::new();
        let orders = [
            Some(&mut self.every),
            with_exclusive.then_some(&mut self.exclusive),
        ];
        for order in orders.into_iter().flatten() {
            while due.len() < max
                && let Some((at, key)) = order.first().copied()
                && at <= horizon
            {
                order.pop_first();
                due.push(key);
                if let Some(entry) = self.entries.get_mut(&key) {
                    (entry.look_at, entry.busy) = (None, true);
                }
            }
        }
        due
    }

    /// Somebody has looked at a slot: everything up to `last` is decided.
    pub fn looked(&mut self, key: SlotKey, last: Time, cursor: CursorView) {
        let Some(entry) = self.entries.get_mut(&key) else {
            return;
        };
        (entry.last, entry.busy) = (entry.last.max(last), false);
        entry.cursor = cursor;
        entry.is_remembered = true;
        self.put_in(key);
    }

    /// Somebody could not look at a slot: again at `at`.
    pub fn look_again(&mut self, key: SlotKey, at: Time, cursor: CursorView) {
        let Some(entry) = self.entries.get_mut(&key) else {
            return;
        };
        (entry.busy, entry.cursor) = (false, cursor);
        self.put_in_at(key, at);
    }

    /// When the next slot wants to be looked at.
    pub fn next_look(&self, with_exclusive: bool) -> Option<Time> {
        let exclusive = self.exclusive.first().filter(|_| with_exclusive);
        self.every
            .first()
            .into_iter()
            .chain(exclusive)
            .map(|(at, _)| *at)
            .min()
    }

    fn put_in(&mut self, key: SlotKey) {
        let Some(entry) = self.entries.get(&key) else {
            return;
        };
        let at = match (key.slot, entry.cursor) {
            _ if entry.owned.assignment.spec.paused => None,
            // What the cursor says may be long due.
            (Some(_), CursorView::Unread) => Some(Time::EPOCH),
            _ => entry.timetable.next(entry.last).map(|due| due.start_at),
        };
        if let Some(at) = at {
            self.put_in_at(key, at);
        }
    }

    fn put_in_at(&mut self, key: SlotKey, at: Time) {
        let Some(entry) = self.entries.get_mut(&key).filter(|e| !e.busy) else {
            return;
        };
        let order = if key.slot.is_some() {
            &mut self.exclusive
        } else {
            &mut self.every
        };
        if let Some(before) = entry.look_at.replace(at) {
            order.remove(&(before, key));
        }
        order.insert((at, key));
    }

    fn take_out(&mut self, key: SlotKey) -> Option<()> {
        let entry = self.entries.get_mut(&key)?;
        if let Some(at) = entry.look_at.take() {
            let order = if key.slot.is_some() {
                &mut self.exclusive
            } else {
                &mut self.every
            };
            order.remove(&(at, key));
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use shared::{
        assign::Assignment,
        id::JobId,
        job::{Action, JobSpec, RunSpec, Trigger},
    };

    use super::*;

    fn at(text: &str) -> Time {
        format!("2026-11-21T{text}Z").parse().unwrap()
    }

    fn key(n: u128, slot: Option<u32>) -> SlotKey {
        SlotKey {
            job: JobId::new(Time::EPOCH, n),
            slot,
        }
    }

    fn set(ticker: &mut Ticker, key: SlotKey, cron: &str, created: i64, last: Time) {
        let mut spec = JobSpec::new("j".parse().unwrap(), RunSpec::new(Action::Shell("true".into())));
        spec.triggers.push(Trigger::cron(cron).unwrap());
        let timetable = Arc::new(Timetable::new(key.job, &spec).unwrap());
        let assignment = Assignment {
            job: key.job,
            revision: 1,
            spec,
            since: last,
            slot: key.slot,
            groups: Default::default(),
            calendars: Default::default(),
        };
        let owned = OwnedAssignment {
            key: String::new(),
            assignment,
            create_revision: created,
            mod_revision: created,
        };
        ticker.set(
            key,
            Arc::new(owned),
            timetable,
            From {
                last,
                is_remembered: true,
            },
        );
    }

    #[test]
    fn slots_come_up_in_order_and_once() {
        let mut ticker = Ticker::default();
        let (minutely, hourly) = (key(1, None), key(2, None));
        set(&mut ticker, minutely, "* * * * *", 1, at("10:00:30"));
        set(&mut ticker, hourly, "0 * * * *", 1, at("10:00:30"));
        assert_eq!(ticker.next_look(true), Some(at("10:01:00")));
        assert_eq!(ticker.due(at("10:00:59"), true, 10), []);
        assert_eq!(ticker.due(at("10:01:00"), true, 10), [minutely]);
        // Somebody looks at it: it does not come up again meanwhile.
        assert_eq!(ticker.due(at("10:05:00"), true, 10), []);
        ticker.looked(minutely, at("10:01:00"), CursorView::Unread);
        assert_eq!(ticker.next_look(true), Some(at("10:02:00")));
        assert_eq!(ticker.due(at("11:00:00"), true, 1), [minutely]);
        assert_eq!(ticker.due(at("11:00:00"), true, 1), [hourly]);
    }

    #[test]
    fn a_clock_that_steps_refires_nothing() {
        let mut ticker = Ticker::default();
        let minutely = key(1, None);
        set(&mut ticker, minutely, "* * * * *", 1, at("10:00:30"));
        let mut decided = Vec::new();
        // The clock goes to 10:02, back by an hour, on from there, then half an hour ahead.
        for now in [
            "10:01:00", "10:02:00", "09:02:00", "09:59:00", "10:02:30", "10:03:00", "10:33:00", "10:33:30",
        ] {
            let now = at(now);
            for key in ticker.due(now, true, 10) {
                let entry = ticker.get(key).unwrap();
                let all = entry.timetable.due(entry.last, now, Duration::ZERO);
                decided.extend(all.iter().map(|d| d.until()));
                ticker.looked(key, decided.last().copied().unwrap(), CursorView::Unread);
            }
        }
        let minutes: Vec<String> = decided.iter().map(|t| t.to_string()[14..16].to_owned()).collect();
        let all: Vec<String> = (1..=33).map(|m| format!("{m:02}")).collect();
        assert_eq!(minutes, all);
    }

    #[test]
    fn exclusive_slots_wait_until_claims_can_be_made() {
        let mut ticker = Ticker::default();
        let (slot, every) = (key(1, Some(0)), key(1, None));
        set(&mut ticker, slot, "* * * * *", 5, at("10:00:30"));
        set(&mut ticker, every, "* * * * *", 5, at("10:00:30"));
        assert_eq!(ticker.due(at("10:02:00"), false, 10), [every]);
        assert_eq!(ticker.next_look(false), None);
        // Its cursor is unread: it is looked at at once.
        assert_eq!(ticker.due(at("10:00:31"), true, 10), [slot]);
        ticker.looked(slot, at("10:00:30"), CursorView::Read(7));
        assert_eq!(ticker.next_look(true), Some(at("10:01:00")));
        // Another spec in the same assignment: what is known stays known.
        set(&mut ticker, slot, "30 * * * *", 5, at("09:00:00"));
        assert_eq!(ticker.get(slot).unwrap().cursor, CursorView::Read(7));
        assert_eq!(ticker.next_look(true), Some(at("10:30:00")));
        // Taken away and given again: it must be read anew.
        set(&mut ticker, slot, "30 * * * *", 9, at("09:00:00"));
        assert_eq!(ticker.get(slot).unwrap().cursor, CursorView::Unread);
        ticker.remove(slot);
        assert_eq!(ticker.next_look(true), None);
        assert_eq!(ticker.due(at("23:00:00"), true, 10), []);
    }

    #[test]
    fn a_change_while_somebody_looks_waits_for_the_look() {
        let mut ticker = Ticker::default();
        let every = key(1, None);
        set(&mut ticker, every, "* * * * *", 5, at("10:00:30"));
        assert_eq!(ticker.due(at("10:01:00"), true, 10), [every]);
        set(&mut ticker, every, "*/2 * * * *", 5, at("10:00:30"));
        assert_eq!(ticker.due(at("10:30:00"), true, 10), []);
        ticker.looked(every, at("10:01:00"), CursorView::Unread);
        assert_eq!(ticker.next_look(true), Some(at("10:02:00")));
    }
}
