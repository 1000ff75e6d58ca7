//! Makes the console's files: compiles `web` to wasm, binds it to JavaScript, names each
//! file by its content, compresses it, and puts all into `web/dist`, from where the binary
//! takes them.
//!
//!     cargo run -p gnomon-web-bundle             as it is delivered
//!     cargo run -p gnomon-web-bundle -- --check  the same, and it must be within its budget
//!     cargo run -p gnomon-web-bundle -- --dev    compiled quickly, and larger
//!
//! Does nothing when nothing changed. With `--check` it exits with 1 when the console is over
//! its budget.
//!
//! In reading order: `toolchain` (which compiler), `compile`, what is taken out of what was
//! compiled (`chinese`, `uncalled`), `bind` and what it does so that the module compresses well
//! (`names`, `plain`, `once`, `order`), `style`, `page`, `dist` (names, compression, what was
//! there before), `budget`.

mod toolchain;
mod compile;
mod chinese;
mod uncalled;
mod bind;
mod names;
mod plain;
mod functions;
mod once;
mod order;
mod style;
mod page;
mod dist;
mod budget;

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, Result, bail};

use dist::{Dist, Effort, File};

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(e) => {
            eprintln!("console: {e:#}");
            ExitCode::FAILURE
        }
    }
}

/// How the console is compiled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// As small as it gets.
    Delivery,
    /// Quickly, with names in stack traces.
    Dev,
}

/// Whether the console is within its budget, if that is asked.
fn run() -> Result<bool> {
    let (mut mode, mut is_checked) = (Mode::Delivery, false);
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--dev" => mode = Mode::Dev,
            "--check" => is_checked = true,
            other => bail!("`{other}` is not understood; there are `--dev` and `--check`"),
        }
    }
    let web = web_folder()?;
    let toolchain = toolchain::find()?;
    let wasm = compile::compile(&web, &toolchain, mode)?;

    let page = std::fs::read_to_string(web.join("index.html")).context("web/index.html")?;
    let boot = std::fs::read(web.join("boot.js")).context("web/boot.js")?;
    let icon = std::fs::read(web.join("icon.svg")).context("web/icon.svg")?;
    let css = style::sheet(&web.join("style"))?;
    let compiled = std::fs::read(&wasm).with_context(|| wasm.display().to_string())?;

    let dist = Dist::new(web.join("dist"));
    let parts: [&[u8]; 6] = [
        if mode == Mode::Dev { b"dev" } else { b"delivery" },
        page.as_bytes(),
        &boot,
        &icon,
        css.as_bytes(),
        &compiled,
    ];
    let inputs = dist::digest(parts);
    if !dist.is_made_of(&inputs) {
        let chinese = File::hashed("zh-CN", "txt", chinese::texts(&compiled)?);
        let bound = bind::bind(uncalled::without(&compiled)?, mode)?;
        let mut files = bound.files;
        let css = File::hashed("console", "css", css.into_bytes());
        let boot = File::hashed("boot", "js", boot);
        let icon = File::hashed("icon", "svg", icon);
        let page = page::page(
            &page,
            &page::Names {
                chinese: &chinese.name,
                css: &css.name,
                boot: &boot.name,
                icon: &icon.name,
                script: &bound.script,
                wasm: &bound.wasm,
                loader: &bound.loader,
            },
        )?;
        files.extend([
            chinese,
            css,
            boot,
            icon,
            File::named("index.html", page.into_bytes()),
        ]);
        let effort = if mode == Mode::Dev {
            Effort::Little
        } else {
            Effort::All
        };
        dist.write(&inputs, files, effort)?;
    }
    Ok(budget::keeps(&dist, mode)? || !is_checked)
}

/// The folder `web` of the clone that this program was built in.
fn web_folder() -> Result<PathBuf> {
    // Set by `cargo run`; a binary that is started by hand must stand in the clone.
    let bundle = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let web = match bundle.as_deref().and_then(|b| b.parent()) {
        Some(web) => web.to_owned(),
        None => PathBuf::from("web"),
    };
    let web = std::path::absolute(web)?;
    if !web.join("index.html").exists() {
        bail!(
            "{} is not the console's folder: run this with `make console`",
            web.display()
        );
    }
    Ok(web)
}
