//! Takes the console's files from `web/dist`, where `make console` puts them. Without them
//! the binary has no console and says so.

use std::{
    env, fs,
    io::Result,
    path::{Path, PathBuf},
};

fn main() -> Result<()> {
    let dist = Path::new(&env::var("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../web/dist");
    let out = PathBuf::from(env::var("OUT_DIR").unwrap_or_default());
    // The folder is in the clone, empty; cargo looks at what is in it.
    println!("cargo::rerun-if-changed={}", dist.display());
    println!("cargo::rerun-if-changed=build.rs");
    let files = if is_whole(&dist) {
        take(&dist, &out.join("console"))?
    } else {
        Vec::new()
    };
    let mut table = format!("pub static FILES: [File; {}] = [\n", files.len());
    for name in files {
        table += &format!(
            "    File {{ path: {name:?}, \
             plain: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/console/{name}\")), \
             brotli: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/console/{name}.br\")), \
             gzip: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/console/{name}.gz\")) }},\n"
        );
    }
    fs::write(out.join("console.rs"), table + "];\n")
}

/// The bundle writes this file last: while it works, and after it was cut off, there is none.
fn is_whole(dist: &Path) -> bool {
    dist.join("made-of").exists()
}

/// Copies every file that has both its compressed forms, so that a bundle that is being
/// written meanwhile changes nothing of this build. Returns their paths from the root.
fn take(dist: &Path, to: &Path) -> Result<Vec<String>> {
    match fs::remove_dir_all(to) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let mut names = Vec::new();
    for folder in ["", "assets/"] {
        fs::create_dir_all(to.join(folder))?;
        for entry in fs::read_dir(dist.join(folder))? {
            let name = format!("{folder}{}", entry?.file_name().to_string_lossy());
            let forms = ["", ".br", ".gz"].map(|form| format!("{name}{form}"));
            if forms.iter().all(|form| dist.join(form).is_file()) {
                for form in &forms {
                    fs::copy(dist.join(form), to.join(form))?;
                }
                names.push(name);
            }
        }
    }
    names.sort();
    Ok(names)
}
