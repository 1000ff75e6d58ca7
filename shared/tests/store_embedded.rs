//! The conformance suite against the embedded store, in memory and in a file.
#![cfg(feature = "store")]
// These are tests through and through: what goes wrong may panic, real processes are
// started and real time is measured.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod store;

use shared::store::{DynStore, Revision, embedded::Embedded};

struct Subject(Embedded);

#[async_trait::async_trait]
impl store::Subject for Subject {
    fn store(&self) -> DynStore {
        std::sync::Arc::new(self.0.client())
    }

    async fn compact(&self, revision: Revision) {
        self.0.compact(revision);
    }
}

/// On virtual time: the leases of the suite cost no time.
#[tokio::test(start_paused = true)]
async fn conforms_in_memory() {
    store::all(&Subject(Embedded::memory())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms_in_memory_on_several_threads() {
    store::all(&Subject(Embedded::memory())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms_in_a_file() {
    let dir = tempfile::tempdir().unwrap();
    store::all(&Subject(Embedded::open(dir.path().join("store")).unwrap())).await;
}
