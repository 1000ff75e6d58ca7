//! Answers that are made at most every so often, whoever asks.

use std::{
    future::Future,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// The last answers, each under the question that it is for.
pub struct Kept<K, T> {
    made: Mutex<Vec<(K, Instant, T)>>,
    /// One is made at a time: who asks meanwhile waits for it.
    turn: tokio::sync::Mutex<()>,
}

/// Questions that are remembered.
const QUESTIONS_MAX: usize = 8;

impl<K, T> Default for Kept<K, T> {
    fn default() -> Kept<K, T> {
        Kept {
            made: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        }
    }
}

impl<K: PartialEq, T: Clone> Kept<K, T> {
    /// The last answer if it is younger than `life`, else a new one.
    pub async fn get<F: Future<Output = T>>(&self, key: K, life: Duration, make: impl FnOnce() -> F) -> T {
        if let Some(made) = self.young(&key, life) {
            return made;
        }
        let _turn = self.turn.lock().await;
        if let Some(made) = self.young(&key, life) {
            return made;
        }
        let value = make().await;
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.retain(|(old, _, _)| *old != key);
        if made.len() >= QUESTIONS_MAX {
            made.remove(0);
        }
        made.push((key, Instant::now(), value.clone()));
        value
    }

    fn young(&self, key: &K, life: Duration) -> Option<T> {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let found = made
            .iter()
            .find(|(known, at, _)| known == key && at.elapsed() < life);
        found.map(|(_, _, value)| value.clone())
    }
}
