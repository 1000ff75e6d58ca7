//! A folder that lives as long as a test, or longer where a person wants to look at it.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// A scratch folder. Other users may enter it: database servers refuse to run as root.
/// It is removed on drop, unless `GNOMON_TEST_KEEP` is set.
pub struct Scratch {
    dir: Option<tempfile::TempDir>,
    path: PathBuf,
}

impl Scratch {
    pub fn new(name: &str) -> Scratch {
        let dir = tempfile::Builder::new()
            .prefix(&format!("gnomon-{name}-"))
            .tempdir()
            .unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let path = dir.path().to_owned();
        if std::env::var_os("GNOMON_TEST_KEEP").is_some() {
            let kept = dir.keep();
            eprintln!("kept: {}", kept.display());
            return Scratch { dir: None, path };
        }
        Scratch { dir: Some(dir), path }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A path inside; nothing is made.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// A new folder inside.
    pub fn dir(&self, name: &str) -> PathBuf {
        let path = self.join(name);
        fs::create_dir_all(&path).unwrap();
        path
    }

    /// A new file inside.
    pub fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.join(name);
        fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A job that is just being killed may still write: what is left then is not a failure.
        if let Some(dir) = self.dir.take() {
            let _ = dir.close();
        }
    }
}
