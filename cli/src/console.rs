//! The console's files, as `build.rs` found them in `web/dist`: in the binary itself, so
//! that one that is copied somewhere else has its console there.

use ::master::http::Console;

mod files {
    use ::master::http::File;

    include!(concat!(env!("OUT_DIR"), "/console.rs"));
}

/// The console that this binary carries; without files if it was built without.
pub fn carried() -> Console {
    Console::of(&files::FILES)
}
