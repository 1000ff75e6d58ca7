//! The way of reports: from an agent to whichever master takes them.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use agent::parts::{Link, LinkError};
use async_trait::async_trait;
use master::intake::{Intake, IntakeError};
use shared::report::{Ack, Batch};
use tokio::time::sleep;

/// How long a batch is under way.
const WAY: Duration = Duration::from_millis(1);

/// Where reports go in, by master; none for one that is not there.
#[derive(Clone)]
pub struct Desks(Arc<Mutex<Vec<Option<Intake>>>>);

impl Desks {
    pub fn new(masters: usize) -> Desks {
        Desks(Arc::new(Mutex::new(vec![None; masters])))
    }

    pub fn set(&self, master: usize, intake: Option<Intake>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)[master] = intake;
    }

    fn get(&self, master: usize) -> Option<Intake> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(master)
            .cloned()
            .flatten()
    }

    fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// An agent's way to the masters. Clones are the same one; it outlives the agent.
#[derive(Clone)]
pub struct Post(Arc<Inner>);

struct Inner {
    desks: Desks,
    /// The master that answered last.
    last: AtomicUsize,
    is_cut: AtomicBool,
    loses_answers: AtomicBool,
}

impl Post {
    pub fn new(desks: Desks) -> Post {
        let inner = Inner {
            desks,
            last: AtomicUsize::new(0),
            is_cut: false.into(),
            loses_answers: false.into(),
        };
        Post(Arc::new(inner))
    }

    /// No batch arrives.
    pub fn cut(&self, is_cut: bool) {
        self.0.is_cut.store(is_cut, Ordering::Relaxed);
    }

    /// Batches arrive, and their answers do not.
    pub fn lose_answers(&self, loses: bool) {
        self.0.loses_answers.store(loses, Ordering::Relaxed);
    }
}

#[async_trait]
impl Link for Post {
    async fn send(&self, batch: &Batch) -> Result<Ack, LinkError> {
        sleep(WAY).await;
        let Inner {
            desks,
            last,
            is_cut,
            loses_answers,
        } = &*self.0;
        if is_cut.load(Ordering::Relaxed) {
            return Err(LinkError::Unreachable("the way is cut".into()));
        }
        let mut why = LinkError::Unreachable("no master is there".into());
        for turn in 0..desks.len() {
            let master = (last.load(Ordering::Relaxed) + turn) % desks.len();
            let Some(intake) = desks.get(master) else { continue };
            match intake.accept(batch.clone()).await {
                Ok(_) if loses_answers.load(Ordering::Relaxed) => {
                    return Err(LinkError::Unreachable("the answer is lost".into()));
                }
                Ok(ack) => {
                    last.store(master, Ordering::Relaxed);
                    return Ok(ack);
                }
                Err(IntakeError::Later(later)) => why = LinkError::Later(later),
                Err(IntakeError::Invalid(refused)) => return Err(LinkError::Refused(refused)),
            }
        }
        Err(why)
    }
}
