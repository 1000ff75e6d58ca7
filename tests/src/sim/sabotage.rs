//! Wrongs done on purpose, which the checks must find: a check that finds nothing may be
//! one that cannot.

use std::time::Duration;

use agent::parts::Starter;
use master::history::{Expire, History};
use shared::{id::Owner, time::Time};
use tokio::{sync::mpsc, time::sleep};

use super::world::World;

/// A wrong.
#[derive(Clone, Copy, Debug)]
pub enum Sabotage {
    /// A fire of a slot starts on another host, too.
    StartTwice,
    /// An agent that has lost its lease starts a fire of a slot.
    StartUnleased,
    /// A process of a job that wants isolation outlives its agent's lease, and the agent that
    /// returns does not see it.
    OutliveLease,
    /// The history forgets its first runs.
    ForgetRuns,
}

/// Does it.
pub async fn commit(world: &mut World, sabotage: Sabotage) {
    match sabotage {
        Sabotage::StartTwice => {
            let (launch, from) = a_start(world);
            let (events, _) = mpsc::channel(1);
            let other = &world.agents[(from + 1) % world.agents.len()];
            other.processes.start(launch, events).await.unwrap();
        }
        Sabotage::StartUnleased => {
            let (mut launch, from) = a_start(world);
            launch.stdin = Some("again".into());
            world.agents[from].start_without_lease(launch).await;
        }
        Sabotage::OutliveLease => {
            let (launch, from) = the_start(world, |job| job == "kill");
            let agent = &mut world.agents[from];
            agent.crash().await;
            sleep(2 * Duration::from_secs(10)).await;
            let (events, _) = mpsc::channel(1);
            agent.processes.start(launch, events).await.unwrap();
            sleep(Duration::from_millis(500)).await;
            agent.start().await;
            sleep(Duration::from_secs(2)).await;
        }
        Sabotage::ForgetRuns => {
            let (before, spared) = (Time::MAX, Time::MAX);
            world
                .history
                .expire(&Expire::All {
                    before,
                    keep: 0,
                    spared,
                })
                .await
                .unwrap();
        }
    }
}

/// The first start of a slot's fire, and whose it was.
fn a_start(world: &World) -> (agent::parts::Launch, usize) {
    the_start(world, |_| true)
}

/// The same of certain jobs.
fn the_start(world: &World, of: impl Fn(&str) -> bool) -> (agent::parts::Launch, usize) {
    let all = world.agents.iter().enumerate().flat_map(|(n, agent)| {
        let seen = agent.processes.seen().into_iter();
        seen.map(move |seen| (seen.launch, n))
    });
    let mut all = all.filter(|(launch, n)| {
        let told = world.jobs.told(launch, &world.agents[*n].id);
        matches!(told.fire.owner, Owner::Slot(_)) && of(&told.job)
    });
    all.next().unwrap()
}
