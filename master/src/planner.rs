//! The planner: wake, look, plan, commit. All decisions are in `shared::plan`; nothing is
//! left to decide while committing.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use shared::{
    assign::{Assignment, Owed},
    host::Host,
    id::{JobId, NodeId},
    keys,
    plan::{self, SlotStep, Step, Unplaced, World},
    store::{Compare, Outcome, Revision, StoreError, TXN_BYTES_MAX, Txn, Write},
};
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until, timeout},
};

use crate::{
    absence::Absences,
    leader::{Leader, Link, OPS_MAX},
    view::View,
};

/// Changes that come close together make one plan.
const DEBOUNCE: Duration = Duration::from_millis(20);
/// A full look although nothing seems to have changed.
const LOOK: Duration = Duration::from_secs(30);
/// After an error, and after a refused transaction.
const AGAIN: Duration = Duration::from_secs(1);
const AGAIN_REFUSED: Duration = Duration::from_millis(50);
/// How long a plan waits for the mirrors to show what was written.
const SHOWN: Duration = Duration::from_secs(10);

/// What the last plan could not place, for people; shared by all who ask.
pub type UnplacedList = Arc<Vec<Unplaced>>;

/// Plans until it is dropped.
pub async fn run(leader: Leader, view: View, host: Host, unplaced: watch::Sender<UnplacedList>) {
    let mut planner = Planner {
        leader,
        view,
        host,
        unplaced,
        absences: Absences::default(),
        seen: None,
        written: 0,
    };
    loop {
        let pause = match planner.turn().await {
            Ok(Turn::Done { wake_in }) => wake_in.unwrap_or(LOOK).min(LOOK),
            Ok(Turn::Again) => {
                sleep(AGAIN_REFUSED).await;
                continue;
            }
            Err(error) => {
                tracing::warn!(%error, "could not carry out the plan; trying again");
                planner.seen = None;
                sleep(AGAIN).await;
                continue;
            }
        };
        tokio::select! {
            biased;
            () = planner.view.plan_changed() => sleep(DEBOUNCE).await,
            () = sleep_until(Instant::now() + pause) => {}
        }
    }
}

struct Planner {
    leader: Leader,
    view: View,
    host: Host,
    unplaced: watch::Sender<UnplacedList>,
    absences: Absences,
    /// The link that the copies of the store go with; `None`: list them anew.
    seen: Option<Link>,
    /// The revision of the last change to assignments from here.
    written: Revision,
}

enum Turn {
    Done {
        wake_in: Option<Duration>,
    },
    /// Something was not as the plan saw it.
    Again,
}

impl Planner {
    /// One look, one plan, committed.
    async fn turn(&mut self) -> Result<Turn, StoreError> {
        let link = self.leader.link().await?;
        self.look(link).await?;
        let mut world = self.view.world(self.host.now(), Default::default());
        let living = self.view.living();
        world.away = self.absences.look(&living, owners(&world), Instant::now());
        let plan = plan::plan(&world);
        let is_complete = self.commit(link, &world, &plan.steps).await?;
        if !plan.steps.is_empty() {
            tracing::info!(
                plan.steps = plan.steps.len(),
                plan.unplaced = plan.unplaced.len(),
                plan.complete = is_complete,
                "planned"
            );
        }
        self.tell(plan.unplaced);
        Ok(match is_complete {
            true => Turn::Done {
                wake_in: plan.wake_in,
            },
            false => Turn::Again,
        })
    }

    /// Waits until the copies of the store show all that this leader, and those before
    /// it, wrote.
    async fn look(&mut self, link: Link) -> Result<(), StoreError> {
        if self.seen != Some(link) {
            self.view.refresh_plan().await;
            self.seen = Some(link);
            self.written = 0;
        }
        let shown = timeout(SHOWN, self.view.assign.reached(self.written))
            .await
            .is_ok();
        match shown && self.view.is_current() {
            true => Ok(()),
            false => Err(StoreError::Unavailable("its copy here is not current".into())),
        }
    }

    /// Carries out steps; whether all of them were. A refused batch is tried step by step,
    /// so that one slot whose owner claims each second does not hold up the others.
    async fn commit(&mut self, link: Link, world: &World, steps: &[Step]) -> Result<bool, StoreError> {
        let mut is_complete = true;
        for batch in batches(world, steps) {
            let assigns = batch.steps.iter().any(|s| !matches!(s, Step::Forget { .. }));
            match self.commit_one(link, batch.txn, assigns).await {
                Ok(true) => continue,
                Ok(false) => {}
                // The store does not take it, too large for example: the others' steps
                // must not wait for that.
                Err(StoreError::Refused(_)) => {}
                Err(error) => return Err(error),
            }
            // If the ground has shifted under all of them, the link is void and these
            // are refused without a question to the store.
            for step in batch.steps {
                let Some(txn) = txn_of(world, step) else { continue };
                let assigns = !matches!(step, Step::Forget { .. });
                match self.commit_one(link, txn, assigns).await {
                    Ok(true) => {}
                    Ok(false) => {
                        tracing::debug!(%step, "refused; planning again");
                        is_complete = false;
                    }
                    Err(StoreError::Refused(why)) => tracing::error!(%step, %why, "a step cannot be taken"),
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(is_complete)
    }

    async fn commit_one(&mut self, link: Link, txn: Txn, assigns: bool) -> Result<bool, StoreError> {
        match self.leader.commit(link, txn).await? {
            Outcome::Committed(revision) if assigns => self.written = revision,
            Outcome::Committed(_) => {}
            Outcome::Refused(_) => return Ok(false),
        }
        Ok(true)
    }

    fn tell(&self, unplaced: Vec<Unplaced>) {
        self.unplaced.send_if_modified(|list| {
            let differs = **list != unplaced;
            if differs {
                *list = Arc::new(unplaced);
            }
            differs
        });
    }
}

/// The nodes that assignments name.
fn owners(world: &World) -> BTreeSet<NodeId> {
    world.slots.values().flatten().map(|o| o.node.clone()).collect()
}

struct Batch<'p> {
    steps: Vec<&'p Step>,
    txn: Txn,
}

/// Steps in transactions that are as large as they may be.
fn batches<'p>(world: &World, steps: &'p [Step]) -> Vec<Batch<'p>> {
    let mut batches: Vec<Batch> = Vec::new();
    let mut bytes = 0;
    for step in steps {
        let Some(txn) = txn_of(world, step) else { continue };
        let size = size(&txn);
        match batches.last_mut() {
            Some(last)
                if last.txn.compares.len() + txn.compares.len() <= OPS_MAX
                    && last.txn.writes.len() + txn.writes.len() <= OPS_MAX
                    && bytes + size <= TXN_BYTES_MAX - 4096 =>
            {
                last.steps.push(step);
                last.txn.compares.extend(txn.compares);
                last.txn.writes.extend(txn.writes);
                bytes += size;
            }
            _ => {
                batches.push(Batch {
                    steps: vec![step],
                    txn,
                });
                bytes = size;
            }
        }
    }
    batches
}

fn size(txn: &Txn) -> usize {
    let sizes = txn.writes.iter().map(|write| match write {
        Write::Put { key, value, .. } => key.len() + value.len(),
        Write::Delete { key } => key.len(),
    });
    sizes.sum()
}

/// A step as a transaction of its own; `None` if its job is gone from the world.
fn txn_of(world: &World, step: &Step) -> Option<Txn> {
    let mut txn = Txn::default();
    match step {
        Step::Slot(step) => slot_txn(world, step, &mut txn)?,
        Step::Every {
            job,
            groups,
            mod_revision,
            ..
        } => {
            let at = world.jobs.get(job)?;
            let assignment = Assignment {
                job: *job,
                revision: at.revision,
                spec: at.job.spec.clone(),
                since: at.job.since,
                slot: None,
                groups: groups.clone(),
                calendars: plan::calendars_for(
                    world,
                    &at.job.spec,
                    world.every.get(job).and_then(|every| every.assignment.as_deref()),
                ),
            };
            swap(&mut txn, keys::assign_every(*job), *mod_revision, &assignment)?;
        }
        Step::RemoveEvery { job, mod_revision } => remove(&mut txn, keys::assign_every(*job), *mod_revision),
        Step::Forget {
            job,
            slot,
            mod_revision,
        } => remove(&mut txn, keys::cursor(*job, *slot), *mod_revision),
    }
    Some(txn)
}

fn slot_txn(world: &World, step: &SlotStep, txn: &mut Txn) -> Option<()> {
    for leave in &step.leave {
        remove(
            txn,
            keys::assign_slot(&leave.node, step.job, step.slot),
            leave.mod_revision,
        );
    }
    if let Some(put) = &step.put {
        let key = keys::assign_slot(&put.node, step.job, step.slot);
        swap(
            txn,
            key,
            put.mod_revision,
            &assignment(world, step.job, step.slot)?,
        )?;
    }
    if !step.leave.is_empty() {
        txn.compares.push(Compare::ModRevision(
            keys::cursor(step.job, step.slot),
            step.cursor,
        ));
    }
    if let Some(claimed) = &step.claimed {
        txn.writes.push(Write::Put {
            key: keys::owed_claimed(claimed.run),
            value: serde_json::to_vec(&Owed::Claimed(claimed.clone())).ok()?,
            lease: None,
        });
    }
    Some(())
}

fn assignment(world: &World, job: JobId, slot: u32) -> Option<Assignment> {
    let at = world.jobs.get(&job)?;
    let owners = world.slots.get(&(job, slot)).into_iter().flatten();
    let before = owners.filter_map(|owner| owner.assignment.as_deref()).next();
    Some(Assignment {
        job,
        revision: at.revision,
        spec: at.job.spec.clone(),
        since: at.job.since,
        slot: Some(slot),
        groups: Default::default(),
        calendars: plan::calendars_for(world, &at.job.spec, before),
    })
}

fn swap(txn: &mut Txn, key: String, mod_revision: i64, value: &Assignment) -> Option<()> {
    txn.compares.push(Compare::ModRevision(key.clone(), mod_revision));
    let value = serde_json::to_vec(value).ok()?;
    txn.writes.push(Write::Put {
        key,
        value,
        lease: None,
    });
    Some(())
}

fn remove(txn: &mut Txn, key: String, mod_revision: i64) {
    txn.compares.push(Compare::ModRevision(key.clone(), mod_revision));
    txn.writes.push(Write::Delete { key });
}
