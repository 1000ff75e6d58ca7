//! What goes wrong, and when: drawn from the seed before anything begins.

use std::{ops::Range, time::Duration};

use shared::store::{Store, embedded::Client};

use super::{chance::Chance, masters::MasterHost, world::World};

/// A process, by number.
#[derive(Clone, Copy, Debug)]
pub enum Who {
    Agent(usize),
    Master(usize),
    /// The master that leads when it happens.
    Leader,
    Everybody,
}

/// Something that happens to the cluster.
#[derive(Clone, Copy, Debug)]
pub enum Act {
    Start(Who),
    Crash(Who),
    Stop(Who),
    /// The host restarts: its processes are gone, its agent too.
    Reboot(usize),
    /// From the store.
    Cut(Who),
    LoseReplies(Who),
    Heal(Who),
    Slow(Who, Duration),
    /// Connections break.
    Reset(Who),
    /// Watches from the past end.
    Compact,
    DatabaseDown(bool),
    CutPost(usize, bool),
    LoseAnswers(usize, bool),
    SetClock(Who, i64),
    FillDisk(usize, bool),
    HealAll,
}

/// Faults and their ends, in order of time.
pub fn draw(seed: u64, when: Range<Duration>) -> Vec<(Duration, Act)> {
    let chance = Chance::new(seed, "faults");
    let mut acts = Vec::new();
    let mut at = when.start + chance.ms(1_000..20_000);
    while at < when.end {
        let (lasts, begin, end) = fault(&chance);
        acts.push((at, begin));
        acts.extend(end.map(|end| (at + lasts, end)));
        at += chance.ms(500..30_000);
    }
    acts.retain(|(at, _)| *at < when.end);
    acts.sort_by_key(|(at, _)| *at);
    acts
}

fn fault(chance: &Chance) -> (Duration, Act, Option<Act>) {
    let agent = chance.below(3) as usize;
    let anybody = match chance.below(6) {
        0 => Who::Master(0),
        1 => Who::Master(1),
        2 => Who::Leader,
        _ => Who::Agent(agent),
    };
    // Within the lease, and past it.
    let short_or_long = match chance.percent(50) {
        true => chance.ms(50..9_000),
        false => chance.ms(9_000..70_000),
    };
    let (a, away) = (Who::Agent(agent), short_or_long);
    match chance.below(100) {
        0..15 => (away, Act::Crash(a), Some(Act::Start(a))),
        15..20 => (away, Act::Stop(a), Some(Act::Start(a))),
        20..25 => (away, Act::Reboot(agent), Some(Act::Start(a))),
        25..33 => (away, Act::Crash(Who::Leader), Some(Act::Start(Who::Everybody))),
        33..36 => (away, Act::Stop(Who::Leader), Some(Act::Start(Who::Everybody))),
        36..39 => (away, Act::Crash(Who::Master(0)), Some(Act::Start(Who::Master(0)))),
        39..51 => (away, Act::Cut(anybody), Some(heal(anybody))),
        51..54 => (away, Act::Cut(Who::Everybody), Some(Act::Heal(Who::Everybody))),
        54..62 => (away / 3, Act::LoseReplies(anybody), Some(heal(anybody))),
        62..69 => (
            away,
            Act::Slow(anybody, chance.ms(20..2_500)),
            Some(fast(anybody)),
        ),
        69..72 => (
            away,
            Act::Slow(Who::Everybody, chance.ms(20..1_500)),
            Some(fast(Who::Everybody)),
        ),
        72..75 => (away, Act::Reset(anybody), None),
        75..77 => (away, Act::Compact, None),
        77..83 => (away * 2, Act::DatabaseDown(true), Some(Act::DatabaseDown(false))),
        83..87 => (away, Act::CutPost(agent, true), Some(Act::CutPost(agent, false))),
        87..90 => (
            away,
            Act::LoseAnswers(agent, true),
            Some(Act::LoseAnswers(agent, false)),
        ),
        90..97 => (away, Act::SetClock(anybody, offset(chance)), None),
        _ => (
            away / 4,
            Act::FillDisk(agent, true),
            Some(Act::FillDisk(agent, false)),
        ),
    }
}

/// Who leads may be another one when it ends.
fn heal(who: Who) -> Act {
    Act::Heal(all_if_leader(who))
}

fn fast(who: Who) -> Act {
    Act::Slow(all_if_leader(who), Duration::ZERO)
}

fn all_if_leader(who: Who) -> Who {
    if let Who::Leader = who {
        Who::Everybody
    } else {
        who
    }
}

fn offset(chance: &Chance) -> i64 {
    let most = if chance.percent(60) { 1_500 } else { 25_000 };
    chance.below(2 * most) as i64 - most as i64
}

impl Who {
    fn agents(self) -> Range<usize> {
        match self {
            Who::Agent(n) => n..n + 1,
            Who::Everybody => 0..3,
            Who::Master(_) | Who::Leader => 0..0,
        }
    }

    fn masters(self, masters: &[MasterHost]) -> Range<usize> {
        match self {
            Who::Master(n) => n..n + 1,
            Who::Leader => masters
                .iter()
                .position(MasterHost::leads)
                .map_or(0..0, |n| n..n + 1),
            Who::Everybody => 0..masters.len(),
            Who::Agent(_) => 0..0,
        }
    }
}

/// Makes it happen.
pub async fn perform(world: &mut World, act: Act) {
    match act {
        Act::Start(who) => {
            for n in who.masters(&world.masters) {
                world.masters[n].start().await;
            }
            for n in who.agents() {
                world.agents[n].start().await;
            }
        }
        Act::Crash(who) => {
            for n in who.masters(&world.masters) {
                world.masters[n].crash().await;
            }
            for n in who.agents() {
                world.agents[n].crash().await;
            }
        }
        Act::Stop(who) => {
            who.masters(&world.masters).for_each(|n| world.masters[n].stop());
            who.agents().for_each(|n| world.agents[n].stop());
        }
        Act::Reboot(n) => {
            world.agents[n].crash().await;
            world.agents[n].processes.reboot();
        }
        Act::Cut(who) => clients(world, who).for_each(Client::cut),
        Act::LoseReplies(who) => clients(world, who).for_each(Client::lose_replies),
        Act::Heal(who) => clients(world, who).for_each(Client::heal),
        Act::Slow(who, latency) => clients(world, who).for_each(|client| client.slow(latency)),
        Act::Reset(who) => clients(world, who).for_each(Client::reset),
        Act::Compact => world.store.compact(world.store.revision()),
        Act::DatabaseDown(is_down) => world.history.set_down(is_down),
        Act::CutPost(n, is_cut) => world.agents[n].post.cut(is_cut),
        Act::LoseAnswers(n, loses) => world.agents[n].post.lose_answers(loses),
        Act::SetClock(who, ms) => {
            who.masters(&world.masters)
                .for_each(|n| world.masters[n].clock.set_offset(ms));
            who.agents().for_each(|n| world.agents[n].set_clock(ms));
        }
        Act::FillDisk(n, is_full) => world.agents[n].fill_disk(is_full),
        Act::HealAll => heal_all(world).await,
    }
}

fn clients(world: &World, who: Who) -> impl Iterator<Item = &Client> {
    let masters = who.masters(&world.masters).map(|n| &world.masters[n].client);
    masters.chain(who.agents().map(|n| &world.agents[n].client))
}

/// Everything is as it should be, and everybody is there. Clocks stay as they are.
async fn heal_all(world: &mut World) {
    for client in clients(world, Who::Everybody) {
        client.heal();
        client.slow(Duration::ZERO);
    }
    world.history.set_down(false);
    for agent in &mut world.agents {
        agent.post.cut(false);
        agent.post.lose_answers(false);
        agent.fill_disk(false);
        agent.start().await;
    }
    for master in &mut world.masters {
        master.start().await;
    }
    let _ = world.store.get("nothing").await;
}
