//! Which compiler makes wasm: the active toolchain if it has the standard library for
//! wasm32 (rustup's target, or a distribution's package), else Debian's `rustc-web`, which
//! has that library's source and compiles it first.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::Mode;

pub const TARGET: &str = "wasm32-unknown-unknown";

const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CARGO: &str = "/usr/bin/cargo";

const WITHOUT_WORDS: [&str; 4] = [
    "-Zunstable-options",
    "-Cpanic=immediate-abort",
    "-Zfmt-debug=none",
    "-Zlocation-detail=none",
];

/// A way to compile for the browser.
#[derive(Debug)]
pub enum Toolchain {
    /// The one that `cargo` means.
    Active { linker: Option<PathBuf> },
    /// Debian's, by its paths, whatever stands earlier in PATH.
    Debian { linker: PathBuf },
}

/// Finds one, or says what to install.
pub fn find() -> Result<Toolchain> {
    let sysroot = sysroot("rustc".as_ref());
    if let Some(sysroot) = &sysroot
        && sysroot.join("lib/rustlib").join(TARGET).join("lib").is_dir()
    {
        // rustup's compiler brings its linker; a distribution's asks for the system's.
        let linker = if has_own_linker(sysroot) {
            None
        } else {
            Some(linker()?)
        };
        return Ok(Toolchain::Active { linker });
    }
    let debian = self::sysroot(DEBIAN_RUSTC.as_ref());
    let has_source = |s: &PathBuf| s.join("lib/rustlib/src/rust/library/std/Cargo.toml").exists();
    if debian.as_ref().is_some_and(has_source) && Path::new(DEBIAN_CARGO).exists() {
        return Ok(Toolchain::Debian { linker: linker()? });
    }
    bail!(
        "no compiler for {TARGET} is installed. `deploy/setup console` installs one, as does \
         `rustup target add {TARGET}`"
    )
}

impl Toolchain {
    /// `cargo build` for the browser. It takes nothing that was meant for a build on the
    /// host from the environment, and what it sets is its own.
    pub fn cargo_build(&self, mode: Mode) -> Command {
        let mut cargo = match self {
            Toolchain::Active { .. } => Command::new("cargo"),
            Toolchain::Debian { .. } => {
                let mut cargo = Command::new(DEBIAN_CARGO);
                cargo.env("RUSTC", DEBIAN_RUSTC).env("RUSTC_BOOTSTRAP", "1");
                cargo
            }
        };
        for name in meant_for_the_host(matches!(self, Toolchain::Debian { .. })) {
            cargo.env_remove(name);
        }
        let linker = match self {
            Toolchain::Active { linker } => linker.as_ref(),
            Toolchain::Debian { linker } => Some(linker),
        };
        if let Some(linker) = linker {
            cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
        }
        let mut flags = Vec::new();
        cargo.args(["build", "--target", TARGET]);
        if matches!(self, Toolchain::Debian { .. }) {
            cargo.args(["-Z", "build-std=std,panic_abort"]);
            if mode == Mode::Delivery {
                // A compiler that compiles the standard library can leave out what no user
                // of a console reads: the words and places of panics and of `{:?}`.
                flags.extend(WITHOUT_WORDS);
                cargo.args(["-Z", "build-std-features=optimize_for_size"]);
            }
        }
        cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
        cargo
    }

    /// A name for its own folder of build products.
    pub fn name(&self) -> &'static str {
        match self {
            Toolchain::Active { .. } => "active",
            Toolchain::Debian { .. } => "debian",
        }
    }
}

fn meant_for_the_host(is_other_toolchain: bool) -> Vec<OsString> {
    let fixed = [
        "RUSTFLAGS",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_BUILD_RUSTFLAGS",
        "CARGO_BUILD_TARGET",
        "CARGO_TARGET_DIR",
        "CARGO_BUILD_TARGET_DIR",
    ];
    let mut names: Vec<OsString> = fixed.iter().map(OsString::from).collect();
    if is_other_toolchain {
        names.extend(
            [
                "RUSTUP_TOOLCHAIN",
                "RUSTC_WRAPPER",
                "RUSTC_WORKSPACE_WRAPPER",
                "RUSTDOC",
            ]
            .map(OsString::from),
        );
    }
    // What `cargo run` tells this program of itself.
    let told = std::env::vars_os().map(|(name, _)| name);
    names.extend(told.filter(|name| {
        let name = name.to_string_lossy();
        name == "CARGO" || name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
    }));
    names
}

fn sysroot(rustc: &Path) -> Option<PathBuf> {
    let output = Command::new(rustc).args(["--print", "sysroot"]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let sysroot = PathBuf::from(text.trim());
    (output.status.success() && sysroot.is_dir()).then_some(sysroot)
}

/// `lib/rustlib/<host>/bin/rust-lld`.
fn has_own_linker(sysroot: &Path) -> bool {
    let Ok(hosts) = std::fs::read_dir(sysroot.join("lib/rustlib")) else {
        return false;
    };
    hosts
        .flatten()
        .any(|host| host.path().join("bin/rust-lld").exists())
}

/// The system's `wasm-ld`, under whatever version's name.
fn linker() -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut found: Vec<(u32, PathBuf)> = Vec::new();
    for folder in std::env::split_paths(&path) {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            match name.to_str() {
                Some("wasm-ld") => return Ok(entry.path()),
                Some(name) => {
                    let version = name.strip_prefix("wasm-ld-").and_then(|v| v.parse().ok());
                    found.extend(version.map(|v| (v, entry.path())));
                }
                None => {}
            }
        }
    }
    let newest = found.into_iter().max();
    newest
        .map(|(_, path)| path)
        .context("`wasm-ld` is not installed: it is in Debian's package `lld`")
}
