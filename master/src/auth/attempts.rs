//! Logins that failed: after a few, each next one has to wait longer.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// So many failures of one user from one address cost nothing.
const FREE_USER: u32 = 5;
/// And so many of one address, whoever it tries to be.
const FREE_ADDRESS: u32 = 30;
/// The longest wait.
const WAIT_MAX: Duration = Duration::from_secs(300);
/// After so long without an attempt, all is forgotten.
const FORGOTTEN: Duration = Duration::from_secs(900);
/// How many are remembered; beyond, the one that was quiet longest is forgotten.
pub const REMEMBERED_MAX: usize = 10_000;

/// Who tries: an address (of IPv6, its /64), and the user it tries to be.
type Who = (IpAddr, Option<String>);

#[derive(Clone, Copy)]
struct Tries {
    count: u32,
    last: Instant,
}

/// Failed logins, in memory: each master counts for itself.
#[derive(Default)]
pub struct Attempts(Mutex<HashMap<Who, Tries>>);

impl Attempts {
    /// Begins an attempt, which counts as failed until [`Attempts::succeeded`]: many at
    /// the same moment all count.
    ///
    /// # Errors
    /// How long to wait before the next one.
    pub fn begin(&self, address: IpAddr, user: &str, now: Instant) -> Result<(), Duration> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let address = network(address);
        let (one, any) = ((address, Some(user.to_owned())), (address, None));
        let wait = wait_of(table.get(&one), FREE_USER, now).max(wait_of(table.get(&any), FREE_ADDRESS, now));
        if !wait.is_zero() {
            return Err(wait);
        }
        for who in [one, any] {
            make_room(&mut table, now);
            let tries = table.entry(who).or_insert(Tries { count: 0, last: now });
            let count = if now.duration_since(tries.last) > FORGOTTEN {
                0
            } else {
                tries.count
            };
            *tries = Tries {
                count: count.saturating_add(1),
                last: now,
            };
        }
        Ok(())
    }

    /// The attempt was a good one: this user at this address begins afresh. The address
    /// as a whole gets back only this one try: a good password does not buy guesses.
    pub fn succeeded(&self, address: IpAddr, user: &str) {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let address = network(address);
        table.remove(&(address, Some(user.to_owned())));
        if let Some(tries) = table.get_mut(&(address, None)) {
            tries.count = tries.count.saturating_sub(1);
        }
    }

    /// How many are remembered.
    pub fn remembered(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// Two to the failures beyond the free ones, in seconds, from the last one on.
fn wait_of(tries: Option<&Tries>, free: u32, now: Instant) -> Duration {
    let Some(tries) = tries.filter(|t| t.count >= free) else {
        return Duration::ZERO;
    };
    let wait = Duration::from_secs(1 << (tries.count - free).min(16)).min(WAIT_MAX);
    wait.saturating_sub(now.duration_since(tries.last))
}

fn make_room(table: &mut HashMap<Who, Tries>, now: Instant) {
    if table.len() < REMEMBERED_MAX {
        return;
    }
    table.retain(|_, tries| now.duration_since(tries.last) <= FORGOTTEN);
    if table.len() >= REMEMBERED_MAX
        && let Some(who) = table
            .iter()
            .min_by_key(|(_, tries)| tries.last)
            .map(|(who, _)| who.clone())
    {
        table.remove(&who);
    }
}

/// Who has one IPv6 address has 2^64 of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & !u128::from(u64::MAX)).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn failures_cost_more_and_more_time() {
        let (attempts, start) = (Attempts::default(), Instant::now());
        for _ in 0..5 {
            attempts.begin(HOME, "admin", start).unwrap();
        }
        assert_eq!(attempts.begin(HOME, "admin", start), Err(Duration::from_secs(1)));
        let later = start + Duration::from_secs(1);
        attempts.begin(HOME, "admin", later).unwrap();
        assert_eq!(attempts.begin(HOME, "admin", later), Err(Duration::from_secs(2)));
        // Another user at the same place, and the same user elsewhere, are not held up.
        attempts.begin(HOME, "eve", later).unwrap();
        attempts
            .begin("10.0.0.1".parse().unwrap(), "admin", later)
            .unwrap();
        attempts.succeeded(HOME, "admin");
        attempts.begin(HOME, "admin", later).unwrap();
    }

    #[test]
    fn an_address_that_tries_many_users_waits_too() {
        let (attempts, start) = (Attempts::default(), Instant::now());
        let address = |host: u128| IpAddr::V6(((0x2001_0db8_u128 << 96) | host).into());
        for i in 0..30 {
            attempts.begin(address(i), &format!("user{i}"), start).unwrap();
        }
        assert!(attempts.begin(address(99), "another", start).is_err());
    }

    #[test]
    fn the_table_is_bounded() {
        let (attempts, start) = (Attempts::default(), Instant::now());
        for i in 0..REMEMBERED_MAX as u32 {
            let _ = attempts.begin(IpAddr::V4(i.into()), "admin", start);
        }
        assert!(attempts.remembered() <= REMEMBERED_MAX);
    }
}
