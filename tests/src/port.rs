//! Free ports that stay free until their server has taken them.

use std::{
    fmt,
    fs::{self, File},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    process,
    sync::atomic::{AtomicU32, Ordering},
};

/// Below the range from which the kernel takes ports for outgoing connections, so that no
/// client can sit on a port between two starts of a server.
const FIRST: u32 = 17_000;
const COUNT: u32 = 12_000;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A loopback port that no other test gets, in this process or another, while this lives.
pub struct Port {
    number: u16,
    /// Held, not read: the lock on the port's file.
    _claim: File,
}

impl Port {
    pub fn free() -> Port {
        let dir = std::env::temp_dir().join("gnomon-test-ports");
        fs::create_dir_all(&dir).unwrap();
        // Tests of several users share it.
        let _ = fs::set_permissions(&dir, fs::Permissions::from_mode(0o1777));
        let start = process::id().wrapping_mul(97);
        for _ in 0..COUNT {
            let step = NEXT.fetch_add(1, Ordering::Relaxed);
            let number = (FIRST + start.wrapping_add(step) % COUNT) as u16;
            let Ok(claim) = File::create(dir.join(number.to_string())) else {
                continue;
            };
            if claim.try_lock().is_ok() && TcpListener::bind(("127.0.0.1", number)).is_ok() {
                return Port {
                    number,
                    _claim: claim,
                };
            }
        }
        panic!("none of {COUNT} ports from {FIRST} on is free");
    }

    pub fn number(&self) -> u16 {
        self.number
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://{self}")
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "127.0.0.1:{}", self.number)
    }
}
