//! A batch of requests against the same requests one by one.

use std::collections::BTreeSet;

use super::*;
use crate::store::{Compare, Txn, Write};

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) % sides
    }

    fn request(&mut self) -> Request {
        match self.roll(8) {
            0 => Request::Grant(Duration::from_secs(1 + self.roll(3))),
            1 => Request::Revoke(self.roll(30) as i64),
            _ => Request::Txn(self.txn()),
        }
    }

    fn txn(&mut self) -> Txn {
        let mut txn = Txn::default();
        let keys: BTreeSet<u64> = (0..1 + self.roll(3)).map(|_| self.roll(9)).collect();
        for key in keys {
            let key = format!("k{key}");
            txn.writes.push(match self.roll(4) {
                0 => Write::Delete { key },
                1 => Write::Put {
                    key,
                    value: vec![1],
                    lease: None,
                },
                _ => Write::Put {
                    key,
                    value: vec![2],
                    lease: Some(self.roll(30) as i64),
                },
            });
        }
        if self.roll(3) == 0 {
            txn.compares
                .push(Compare::ModRevision(format!("k{}", self.roll(9)), 0));
        }
        txn
    }
}

/// A batch gives what its requests give one by one: replies, keys, history, leases.
#[tokio::test(start_paused = true)]
async fn batches_change_nothing_but_the_cost() {
    for seed in 0..300 {
        let (mut single, mut batched) = (State::new(), State::new());
        let mut dice = Dice(seed);
        for _ in 0..20 {
            tokio::time::advance(Duration::from_millis(300)).await;
            let now = Instant::now();
            let mut draft = Draft::new(&batched, now);
            let mut pairs = Vec::new();
            for _ in 0..dice.roll(12) {
                let request = dice.request();
                let copy = match &request {
                    Request::Txn(txn) => Request::Txn(txn.clone()),
                    Request::Grant(ttl) => Request::Grant(*ttl),
                    Request::Revoke(id) => Request::Revoke(*id),
                };
                let mut one = Draft::new(&single, now);
                let reply = one.request(copy);
                let delta = one.finish();
                single.apply(delta);
                pairs.push((format!("{reply:?}"), format!("{:?}", draft.request(request))));
            }
            let ended = Draft::new(&single, now).finish();
            single.apply(ended);
            let delta = draft.finish();
            batched.apply(delta);
            for (one, other) in pairs {
                assert_eq!(one, other, "seed {seed}");
            }
            assert_eq!(format!("{single:?}"), format!("{batched:?}"), "seed {seed}");
        }
    }
}

/// The keys that a lease believes to hold are those that say so.
#[tokio::test(start_paused = true)]
async fn leases_and_keys_agree() {
    let mut dice = Dice(7);
    let mut state = State::new();
    for _ in 0..5_000 {
        tokio::time::advance(Duration::from_millis(dice.roll(200))).await;
        let mut draft = Draft::new(&state, Instant::now());
        let _ = draft.request(dice.request());
        let delta = draft.finish();
        state.apply(delta);
        for (id, lease) in &state.leases {
            let held = state
                .keys
                .iter()
                .filter(|(_, s)| s.lease == *id)
                .map(|(k, _)| k.clone());
            assert_eq!(lease.keys, held.collect());
        }
        assert!(
            state
                .keys
                .values()
                .all(|s| s.lease == 0 || state.leases.contains_key(&s.lease))
        );
        assert_eq!(state.history.len() as i64, state.revision - state.forgotten);
    }
}
