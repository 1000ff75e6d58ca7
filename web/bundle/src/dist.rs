//! The folder of what is delivered: every file, and beside it the same compressed.

use std::{collections::BTreeSet, fs, io::Write, path::PathBuf, thread};

use anyhow::{Context, Result, anyhow};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};

/// A file to deliver. Hashed ones stand in `assets`, and never change.
pub struct File {
    /// Its path from the console's root.
    pub name: String,
    pub content: Vec<u8>,
}

impl File {
    pub fn hashed(stem: &str, extension: &str, content: Vec<u8>) -> File {
        let hash = &digest([content.as_slice()])[..16];
        let name = format!("assets/{stem}-{hash}.{extension}");
        File { name, content }
    }

    pub fn named(name: &str, content: Vec<u8>) -> File {
        let name = name.to_owned();
        File { name, content }
    }
}

/// SHA-256 in hexadecimal of all parts, each with its length.
pub fn digest<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How much time compressing may take.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    All,
    Little,
}

pub struct Dist {
    folder: PathBuf,
}

/// What `made-of` says of the folder; of this program too, which decides what is written.
const FORMAT: &str = "5";
/// What stays although it was not made.
const KEPT: &str = ".gitignore";
const MADE_OF: &str = "made-of";

impl Dist {
    pub fn new(folder: PathBuf) -> Dist {
        Dist { folder }
    }

    /// Whether the folder holds what these inputs give.
    pub fn is_made_of(&self, inputs: &str) -> bool {
        let made = fs::read_to_string(self.folder.join(MADE_OF)).unwrap_or_default();
        made == made_of(inputs)
    }

    /// Replaces what was there. If this is cut off, the next run makes all of it again.
    pub fn write(&self, inputs: &str, files: Vec<File>, effort: Effort) -> Result<()> {
        let made_of_path = self.folder.join(MADE_OF);
        fs::create_dir_all(self.folder.join("assets"))?;
        match fs::remove_file(&made_of_path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e.into()),
            _ => {}
        }
        let mut names = BTreeSet::new();
        for (name, content) in compressed(files, effort)? {
            let path = self.folder.join(&name);
            // A page that is open goes on: what has not changed is not touched.
            if fs::read(&path).ok().as_ref() != Some(&content) {
                fs::write(&path, &content).with_context(|| path.display().to_string())?;
            }
            names.insert(path);
        }
        names.insert(self.folder.join(KEPT));
        for folder in [self.folder.clone(), self.folder.join("assets")] {
            for entry in fs::read_dir(folder)? {
                let path = entry?.path();
                if path.is_file() && !names.contains(&path) {
                    fs::remove_file(path)?;
                }
            }
        }
        Ok(fs::write(made_of_path, made_of(inputs))?)
    }

    /// Every delivered file: its name, and its length as it is, with Brotli and with gzip.
    pub fn sizes(&self) -> Result<Vec<(String, [u64; 3])>> {
        let mut sizes = Vec::new();
        for (folder, prefix) in [(self.folder.clone(), ""), (self.folder.join("assets"), "assets/")] {
            for entry in fs::read_dir(folder)? {
                let path = entry?.path();
                let name = format!(
                    "{prefix}{}",
                    path.file_name().unwrap_or_default().to_string_lossy()
                );
                let length = |suffix: &str| {
                    let path = format!("{}{suffix}", path.display());
                    fs::metadata(path).map(|m| m.len())
                };
                if let (Ok(plain), Ok(br), Ok(gz)) = (length(""), length(".br"), length(".gz")) {
                    sizes.push((name, [plain, br, gz]));
                }
            }
        }
        sizes.sort();
        Ok(sizes)
    }
}

fn made_of(inputs: &str) -> String {
    format!("{FORMAT} {inputs}\n")
}

/// Each file with its two compressed forms, the large ones at the same time.
fn compressed(files: Vec<File>, effort: Effort) -> Result<Vec<(String, Vec<u8>)>> {
    thread::scope(|scope| {
        let mut work = Vec::new();
        for file in &files {
            work.push((
                format!("{}.br", file.name),
                scope.spawn(|| with_brotli(&file.content, effort)),
            ));
            work.push((
                format!("{}.gz", file.name),
                scope.spawn(|| with_gzip(&file.content, effort)),
            ));
        }
        let mut all = Vec::new();
        for (name, thread) in work {
            let content = thread
                .join()
                .map_err(|_| anyhow!("compressing {name} panicked"))??;
            all.push((name, content));
        }
        Ok::<_, anyhow::Error>(all)
    })
    .map(|mut all| {
        all.extend(files.into_iter().map(|file| (file.name, file.content)));
        all
    })
}

fn with_brotli(content: &[u8], effort: Effort) -> Result<Vec<u8>> {
    let params = brotli::enc::BrotliEncoderParams {
        quality: if effort == Effort::All { 11 } else { 1 },
        lgwin: 22,
        size_hint: content.len(),
        ..Default::default()
    };
    let mut compressed = Vec::new();
    brotli::BrotliCompress(&mut &content[..], &mut compressed, &params)?;
    Ok(compressed)
}

fn with_gzip(content: &[u8], effort: Effort) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(
        Vec::new(),
        if effort == Effort::All {
            Compression::best()
        } else {
            Compression::fast()
        },
    );
    encoder.write_all(content)?;
    Ok(encoder.finish()?)
}
