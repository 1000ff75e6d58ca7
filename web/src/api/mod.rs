//! The calls of the HTTP API, a file a noun. Each gives what the server says, or a
//! [`Failure`] that says what to do.

mod call;
pub mod runs;
pub mod nodes;
pub mod groups;
pub mod jobs;
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
pub use call::{Call, Failure, Query, get_text, path};

pub type Answer<T> = Result<T, Failure>;

/// Reads. `path` is below the API's base, filled by [`path()`].
pub fn get<T: Read>(path: &str) -> Call<T> {
    call("GET", path, None::<&()>, None)
}

pub fn post<B: Serialize, T: Read>(path: &str, body: &B) -> Call<T> {
    call("POST", path, Some(body), None)
}

/// Writes one thing; `revision` is the one that was read, none if it must be new.
pub fn put<B: Serialize, T: Read>(path: &str, body: &B, revision: Option<Revision>) -> Call<T> {
    call("PUT", path, Some(body), revision)
}

pub fn patch<B: Serialize, T: Read>(path: &str, body: &B) -> Call<T> {
    call("PATCH", path, Some(body), None)
}

pub fn delete(path: &str, revision: Option<Revision>) -> Call<()> {
    call("DELETE", path, None::<&()>, revision)
}

pub fn who_am_i() -> Call<WhoAmI> {
    get(paths::WHOAMI)
}

pub fn log_in(user: String, password: String) -> Call<WhoAmI> {
    post(paths::LOGIN, &Login { user, password })
}

pub fn log_out() -> Call<()> {
    post(paths::LOGOUT, &())
}

pub fn change_password(current: String, new: String) -> Call<()> {
    post(paths::PASSWORD, &ChangePassword { current, new })
}
