//! What a leader did and the history must still be told.

use shared::{
    assign::{Claimed, Owed},
    report::Run,
    store::{Compare, Revision, Txn, Write},
};

use super::{Look, Lost, LostError};
use crate::leader::OPS_MAX;

impl Lost {
    /// Tells the history of runs that were ordered or ended, then forgets them. Dying in
    /// between only tells it twice: a run that an agent has reported since is not set back.
    pub(super) async fn tell(&mut self, look: &Look) -> Result<(), LostError> {
        for batch in self.owed_runs().chunks(OPS_MAX) {
            let runs: Vec<Run> = batch.iter().map(|(_, _, run)| run.clone()).collect();
            self.intake.settle(runs).await?;
            self.forget(
                look,
                batch.iter().map(|(key, revision, _)| (key.clone(), *revision)),
            )
            .await?;
        }
        Ok(())
    }

    /// Deletes what is no longer owed.
    pub(super) async fn forget(
        &self,
        look: &Look,
        keys: impl IntoIterator<Item = (String, Revision)>,
    ) -> Result<(), LostError> {
        let mut txn = Txn::default();
        for (key, revision) in keys {
            txn.compares.push(Compare::ModRevision(key.clone(), revision));
            txn.writes.push(Write::Delete { key });
        }
        // If it is refused, the copy is old: the next look sees better.
        self.leader.commit(look.link, txn).await?;
        Ok(())
    }

    /// Key, mod revision and run.
    pub(super) fn owed_runs(&self) -> Vec<(String, Revision, Run)> {
        let owed = self.view.owed.snapshot();
        let runs = owed.iter().filter_map(|(key, entry)| match &*entry.value {
            Owed::Run(run) => Some((key.to_owned(), entry.mod_revision, (**run).clone())),
            Owed::Claimed(_) => None,
        });
        runs.collect()
    }

    /// Key, mod revision and what was claimed.
    pub(super) fn claimed(&self) -> Vec<(String, Revision, Claimed)> {
        let owed = self.view.owed.snapshot();
        let claimed = owed.iter().filter_map(|(key, entry)| match &*entry.value {
            Owed::Claimed(claimed) => Some((key.to_owned(), entry.mod_revision, (**claimed).clone())),
            Owed::Run(_) => None,
        });
        claimed.collect()
    }
}
