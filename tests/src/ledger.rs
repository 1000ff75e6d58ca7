//! What the jobs themselves say: each run appends a line to a file. Whatever Gnomon's history
//! tells, this is what happened.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use shared::time::Time;

/// A folder of files, one a job, to which runs append.
#[derive(Clone)]
pub struct Ledger {
    dir: PathBuf,
}

/// One started run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    pub scheduled_at: Time,
    /// The shard for places with slots; the node's name else.
    pub node: String,
    pub shard: Option<u32>,
    pub attempt: u32,
    pub run: String,
}

impl Ledger {
    /// In a folder that every user may write to.
    pub fn new(dir: PathBuf) -> Ledger {
        use std::os::unix::fs::PermissionsExt;
        fs::create_dir_all(&dir).unwrap();
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o1777)).unwrap();
        Ledger { dir }
    }

    /// The shell line with which a job writes itself down, in one write, so that lines of
    /// runs at the same moment never mix.
    pub fn line(&self, name: &str) -> String {
        format!(
            "echo \"$GNOMON_SCHEDULED_AT $GNOMON_NODE ${{GNOMON_SHARD:--}} $GNOMON_ATTEMPT $GNOMON_RUN\" >> {}",
            self.path(name).display()
        )
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// All that the job has written, in the order in which it was.
    pub fn entries(&self, name: &str) -> Vec<Entry> {
        entries(&self.path(name))
    }

    /// How many lines there are.
    pub fn count(&self, name: &str) -> usize {
        fs::read_to_string(self.path(name)).map_or(0, |s| s.lines().count())
    }
}

fn entries(path: &Path) -> Vec<Entry> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .map(|line| parse(line).unwrap_or_else(|| panic!("a line of another form: {line:?}")))
        .collect()
}

fn parse(line: &str) -> Option<Entry> {
    let mut words = line.split(' ');
    Some(Entry {
        scheduled_at: words.next()?.parse().ok()?,
        node: words.next()?.to_owned(),
        shard: match words.next()? {
            "-" => None,
            n => Some(n.parse().ok()?),
        },
        attempt: words.next()?.parse().ok()?,
        run: words.next()?.to_owned(),
    })
}

/// How often each key comes.
pub fn tally<K: Ord>(keys: impl IntoIterator<Item = K>) -> BTreeMap<K, usize> {
    let mut counts = BTreeMap::new();
    for key in keys {
        *counts.entry(key).or_default() += 1;
    }
    counts
}
