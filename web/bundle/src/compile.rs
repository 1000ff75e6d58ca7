//! `cargo build` for the browser, in a folder of its own: nothing of it is shared with the
//! builds for the host, and neither waits for the other.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::{
    Mode,
    toolchain::{TARGET, Toolchain},
};

/// The compiled module's path. Cargo knows whether there is anything to do.
pub fn compile(web: &Path, toolchain: &Toolchain, mode: Mode) -> Result<PathBuf> {
    let root = web.parent().context("web stands in no folder")?;
    let target = root.join("target/console").join(toolchain.name());
    let profile = match mode {
        Mode::Delivery => "console",
        Mode::Dev => "console-dev",
    };
    let mut cargo = toolchain.cargo_build(mode);
    cargo
        .current_dir(root)
        .args(["-p", "gnomon-web", "--profile", profile])
        .arg("--target-dir")
        .arg(&target);
    if mode == Mode::Delivery {
        cargo.arg("--locked");
    }
    let status = cargo.status().with_context(|| format!("{cargo:?}"))?;
    if !status.success() {
        bail!("the console does not compile ({status})");
    }
    Ok(target.join(TARGET).join(profile).join("gnomon-web.wasm"))
}
