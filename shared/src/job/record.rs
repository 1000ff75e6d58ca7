//! What is stored of a job: the spec and what Gnomon knows beside it.

use serde::{Deserialize, Serialize};

use super::JobSpec;
use crate::{file::value::Read, id::JobId, time::Time};

/// What do we store? One JSON value a job under `jobs/<namespace>/<name>`. Its revision is
/// the key's mod revision and so not in the value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    pub id: JobId,
    pub spec: JobSpec,
    /// Instants at or before this never count: the job's creation, its last schedule
    /// change or its resumption.
    pub since: Time,
    pub created: Author,
    pub updated: Author,
}

/// Who did it and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Author {
    pub by: String,
    pub at: Time,
}

impl Job {
    /// A new job.
    pub fn create(id: JobId, spec: JobSpec, author: Author) -> Job {
        Job {
            id,
            spec,
            since: author.at,
            created: author.clone(),
            updated: author,
        }
    }

    /// The job with another spec. `since` moves only if the schedule changed or the job
    /// was resumed.
    pub fn update(&self, spec: JobSpec, author: Author) -> Job {
        let since = if self.spec.same_schedule(&spec) {
            self.since
        } else {
            author.at
        };
        Job {
            id: self.id,
            spec,
            since,
            created: self.created.clone(),
            updated: author,
        }
    }
}
