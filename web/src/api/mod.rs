//! The calls of the HTTP API, a file a noun. Each gives what the server says, or a
//! [`Failure`] that says what to do.

mod call;
pub mod runs;
pub mod nodes;
pub mod groups;
pub mod jobs;
pub mod job_file;
pub mod timeline;
pub mod calendars;
pub mod tokens;
pub mod overview;
pub mod about;

use serde::Serialize;
use shared::{
    Revision,
    api::{ChangePassword, Login, WhoAmI, paths},
    file::value::Read,
};

use call::call;
pub use call::{Failure, Query, get_text, path};

pub type Answer<T> = Result<T, Failure>;

/// Reads. `path` is below the API's base, filled by [`path()`].
pub async fn get<T: Read>(path: &str) -> Answer<T> {
    call("GET", path, None::<&()>, None).await
}

pub async fn post<B: Serialize, T: Read>(path: &str, body: &B) -> Answer<T> {
    call("POST", path, Some(body), None).await
}

/// Writes one thing; `revision` is the one that was read, none if it must be new.
pub async fn put<B: Serialize, T: Read>(path: &str, body: &B, revision: Option<Revision>) -> Answer<T> {
    call("PUT", path, Some(body), revision).await
}

pub async fn patch<B: Serialize, T: Read>(path: &str, body: &B) -> Answer<T> {
    call("PATCH", path, Some(body), None).await
}

pub async fn delete(path: &str, revision: Option<Revision>) -> Answer<()> {
    call("DELETE", path, None::<&()>, revision).await
}

pub async fn who_am_i() -> Answer<WhoAmI> {
    get(paths::WHOAMI).await
}

pub async fn log_in(user: String, password: String) -> Answer<WhoAmI> {
    post(paths::LOGIN, &Login { user, password }).await
}

pub async fn log_out() -> Answer<()> {
    post(paths::LOGOUT, &()).await
}

pub async fn change_password(current: String, new: String) -> Answer<()> {
    post(paths::PASSWORD, &ChangePassword { current, new }).await
}
