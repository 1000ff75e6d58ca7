//! The module's JavaScript: what wasm-bindgen's command line would make, by its library,
//! so that its version is the lock file's and nobody installs it.

use anyhow::{Result, bail};
use wasm_bindgen_cli_support::Bindgen;
use wasmparser::Validator;

use crate::{Mode, dist::File, names, once, order, plain};

pub struct Bound {
    pub files: Vec<File>,
    /// The names of the files that the page loads.
    pub script: String,
    pub wasm: String,
    pub loader: String,
}

pub fn bind(compiled: Vec<u8>, mode: Mode) -> Result<Bound> {
    let mut bindgen = Bindgen::new();
    bindgen
        .input_bytes("console", compiled)
        .web(true)?
        .typescript(false)
        .omit_default_module_path(true)
        .demangle(mode == Mode::Dev)
        .remove_name_section(mode == Mode::Delivery)
        .remove_producers_section(mode == Mode::Delivery);
    let mut output = bindgen.generate_output()?;
    let mut module = output.wasm_mut().emit_wasm();
    let mut js = output.js().to_owned();
    if mode == Mode::Delivery {
        (module, js) = compressible(&module, &js)?;
    }
    let wasm = File::hashed("console", "wasm", module);
    let mut files = Vec::new();
    for (path, content) in snippets(&output) {
        let file = File::hashed("snippet", "js", content.into_bytes());
        let import = format!("./snippets/{path}");
        if !js.contains(&import) {
            bail!("nothing imports {import}");
        }
        js = js.replace(&import, &format!("/{}", file.name));
        files.push(file);
    }
    if js.contains("./snippets/") {
        bail!("the script imports a snippet that is not there");
    }
    let script = File::hashed("console", "js", js.into_bytes());
    let loader = format!(
        "import init from '/{}';\ninit({{ module_or_path: '/{}' }});\n",
        script.name, wasm.name
    );
    let loader = File::hashed("loader", "js", loader.into_bytes());
    let names = [&script, &wasm, &loader].map(|file| file.name.clone());
    files.extend([script, wasm, loader]);
    let [script, wasm, loader] = names;
    Ok(Bound {
        files,
        script,
        wasm,
        loader,
    })
}

/// A module and its script that do the same and compress better.
fn compressible(module: &[u8], script: &str) -> Result<(Vec<u8>, String)> {
    // What follows relies on it.
    Validator::new().validate_all(module)?;
    let (module, script) = names::short(module, script)?;
    let module = order::ordered(&once::once(&plain::plain(&module)?)?)?;
    Validator::new().validate_all(&module)?;
    Ok((module, script))
}

/// JavaScript that crates bring, by the path under which it is imported.
fn snippets(output: &wasm_bindgen_cli_support::Output) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (crate_name, inline) in output.snippets() {
        for (i, content) in inline.iter().enumerate() {
            all.push((format!("{crate_name}/inline{i}.js"), content.clone()));
        }
    }
    for (path, content) in output.local_modules() {
        all.push((path.clone(), content.clone()));
    }
    all.sort();
    all
}
