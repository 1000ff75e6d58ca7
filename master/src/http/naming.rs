//! Jobs that come to name a calendar or a group while somebody deletes it.
//!
//! Whoever names one that it did not name before writes the key [`keys::NAMED`] along; a
//! deletion reads that key, looks for who names what is to go, and compares that the key is
//! still as it was. And whoever names a calendar compares that it is the one that was there.
//! So whichever of the two comes first, the other sees it.

use std::{collections::BTreeSet, time::Duration};

use shared::{
    Revision,
    id::{CalendarName, GroupName},
    job::JobSpec,
    keys,
    store::{Compare, Txn, Write},
    target::NodeSet,
};
use tokio::time::timeout;

use super::{
    App,
    failure::{Answer, Failure},
};

/// How long a deletion waits for the newest jobs and groups.
const REFRESH_TIMEOUT: Duration = Duration::from_secs(5);

/// What a write comes to name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    calendars: BTreeSet<CalendarName>,
    groups: BTreeSet<GroupName>,
}

impl Named {
    /// What a spec names.
    pub fn by(spec: &JobSpec) -> Named {
        let sets = spec.triggers.iter().filter_map(|trigger| trigger.target.as_ref());
        let mut named = Named {
            calendars: spec.calendars.names().cloned().collect(),
            groups: BTreeSet::new(),
        };
        for set in sets.chain([&spec.target.on]) {
            named.add(Named::by_set(set));
        }
        named
    }

    /// What a set of nodes names.
    pub fn by_set(set: &NodeSet) -> Named {
        Named {
            calendars: BTreeSet::new(),
            groups: set.groups.union(&set.exclude.groups).cloned().collect(),
        }
    }

    /// Without what another names: what was there before needs no look.
    pub fn less(self, other: &Named) -> Named {
        Named {
            calendars: self.calendars.difference(&other.calendars).cloned().collect(),
            groups: self.groups.difference(&other.groups).cloned().collect(),
        }
    }

    pub fn add(&mut self, other: Named) {
        self.calendars.extend(other.calendars);
        self.groups.extend(other.groups);
    }

    /// How many compares, or writes, it adds to a transaction at most.
    pub fn ops(&self) -> usize {
        self.calendars.len() + usize::from(!self.groups.is_empty() || !self.calendars.is_empty())
    }

    /// Makes a transaction one that names it.
    ///
    /// # Errors
    /// When a calendar is not there.
    pub async fn hold(&self, app: &App, txn: &mut Txn) -> Answer<()> {
        for name in &self.calendars {
            let key = keys::calendar(name);
            let Some(stored) = app.store.get(&key).await? else {
                return Err(
                    Failure::invalid(format!("there is no calendar `{name}`: it was just deleted"))
                        .field("calendars"),
                );
            };
            // Not its value: that it is changed does not matter.
            txn.compares
                .push(Compare::CreateRevision(key, stored.create_revision));
        }
        if self.ops() > 0 {
            txn.writes.push(Write::Put {
                key: keys::NAMED.to_owned(),
                value: b"{}".to_vec(),
                lease: None,
            });
        }
        Ok(())
    }
}

/// When something was last named that was not before.
pub struct LastNamed(Revision);

impl LastNamed {
    /// Reads it, then the jobs and groups anew: who names something by then is seen.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn read(app: &App) -> Answer<LastNamed> {
        let last = app
            .store
            .get(keys::NAMED)
            .await?
            .map_or(0, |stored| stored.mod_revision);
        let anew = async { tokio::join!(app.view.jobs.refresh(), app.view.groups.refresh()) };
        timeout(REFRESH_TIMEOUT, anew)
            .await
            .map_err(|_| super::app::not_ready())?;
        Ok(LastNamed(last))
    }

    /// That nothing was named since.
    pub fn compare(&self) -> Compare {
        Compare::ModRevision(keys::NAMED.to_owned(), self.0)
    }
}
