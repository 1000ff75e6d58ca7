//! What is being edited: the file's text, what it says, and what it was.

use std::sync::Arc;

use shared::{
    api::JobView,
    file::{FileError, value::Value},
    id::JobPath,
    job::JobSpec,
    schedule::Lang,
};

use super::model::{
    Op, Path,
    check::{self, Problem},
    document, tree, yaml,
};
use crate::{
    clock,
    locale::{Language, language, sentences::said},
    prelude::*,
};

/// The job as it was when it was read. None: it is a new one.
pub type Base = Option<Arc<JobView>>;

/// The editor's signals. Copies are the same.
#[derive(Clone, Copy)]
pub struct Editing {
    pub base: RwSignal<Base>,
    pub text: RwSignal<String>,
    /// What the text says, or said when it could last be read.
    pub tree: RwSignal<Value>,
    /// Why the text cannot be read as values.
    pub unreadable: RwSignal<Option<FileError>>,
    /// The text before a change of the form's took comments with it.
    pub before_loss: RwSignal<Option<String>>,
    /// Someone has tried to save: empty fields are told too.
    pub tried: RwSignal<bool>,
    /// What the server refused.
    pub refused: RwSignal<Option<Problem>>,
    /// The text it began with.
    start: RwSignal<String>,
    /// The text as a job.
    pub parsed: Memo<Result<Arc<JobSpec>, FileError>>,
    pub problems: Memo<Arc<Vec<Problem>>>,
    pub is_dirty: Memo<bool>,
}

/// Makes it a context.
pub fn provide(base: Base, start: String, text: String) -> Editing {
    let (base, text) = (RwSignal::new(base), RwSignal::new(text));
    let start = RwSignal::new(start);
    let read = text.with_untracked(|text| document::read(text));
    let (tree, unreadable) = match read {
        Ok(tree) => (tree, None),
        Err(error) => (Value::map(), Some(error)),
    };
    let (tree, unreadable) = (RwSignal::new(tree), RwSignal::new(unreadable));
    let parsed = Memo::new(move |_| text.with(|text| document::spec(text).map(Arc::new)));
    let problems = Memo::new(move |_| {
        let base = base.get();
        let before = base.as_ref().map(|job| &job.spec);
        Arc::new(tree.with(|tree| check::problems(tree, before, clock::now())))
    });
    let is_dirty = Memo::new(move |_| {
        text.with(|text| start.with(|start| text != start)) && {
            // Another way to write the same job is none.
            let old = base.with(|base| base.as_ref().map(|job| job.spec.clone()));
            match (parsed.get(), old) {
                (Ok(new), Some(old)) => *new != old,
                _ => true,
            }
        }
    });
    let editing = Editing {
        base,
        text,
        tree,
        unreadable,
        before_loss: RwSignal::new(None),
        tried: RwSignal::new(false),
        refused: RwSignal::new(None),
        start,
        parsed,
        problems,
        is_dirty,
    };
    provide_context(editing);
    editing
}

pub fn editing() -> Editing {
    expect_context()
}

impl Editing {
    /// Changes of the form's.
    pub fn edit(self, ops: Vec<Op>) {
        if self.unreadable.with_untracked(Option::is_some) {
            return;
        }
        let old = self.text.get_untracked();
        let changed = self.tree.with_untracked(|tree| document::change(&old, tree, ops));
        if changed.lost_comments {
            self.before_loss.set(Some(old));
        }
        self.refused.set(None);
        self.tree.set(changed.tree);
        self.text.set(changed.text);
    }

    pub fn set(self, at: Path, value: impl Into<Value>) {
        self.edit(vec![Op::set(at, value)]);
    }

    pub fn remove(self, at: Path) {
        self.edit(vec![Op::remove(at)]);
    }

    /// What a person typed into the file.
    pub fn type_text(self, text: String) {
        match document::read(&text) {
            Ok(tree) => {
                self.unreadable.set(None);
                self.tree.set(tree);
            }
            Err(error) => self.unreadable.set(Some(error)),
        }
        self.refused.set(None);
        self.before_loss.set(None);
        self.text.set(text);
    }

    /// The form's word against a file that cannot be read.
    pub fn write_anew(self) {
        let before = self.text.get_untracked();
        let text = self.tree.with_untracked(yaml::write);
        self.type_text(text);
        self.before_loss.set(Some(before));
    }

    /// Takes the job as it is on the server now for what is being edited.
    pub fn rebase(self, base: Base) {
        self.start
            .set(base.as_ref().map_or_else(String::new, |job| file_of(&job.spec)));
        self.base.set(base);
        self.refused.set(None);
    }

    /// Back to what it began with.
    pub fn reset(self) {
        self.type_text(self.start.get_untracked());
        self.tried.set(false);
    }

    /// What is wrong with a field. Of one that is empty nothing is said before someone has
    /// tried to save: it may only not have been reached.
    pub fn error(self, at: Path) -> Signal<Option<String>> {
        Signal::derive(move || {
            let refused = self.refused.get().filter(|problem| problem.at == at);
            if let Some(refused) = refused {
                return Some(said(&refused.message));
            }
            let is_empty = self.tree.with(|tree| {
                tree::text(tree, &at).is_empty()
                    && !tree::get(tree, &at).is_some_and(|v| v.is_list() || v.is_map())
            });
            if is_empty && !self.tried.get() {
                return None;
            }
            let problems = self.problems.get();
            problems.iter().find(|p| p.at == at).map(|p| said(&p.message))
        })
    }

    /// The text of a field.
    pub fn field(self, at: Path) -> Memo<String> {
        Memo::new(move |_| self.tree.with(|tree| tree::text(tree, &at)))
    }

    /// What decides what `H` stands for.
    pub fn seed(self) -> u64 {
        self.base
            .with(|base| base.as_ref().map_or(0, |job| job.id.seed()))
    }

    /// Where the job stands on the server; where it will stand, if it is new.
    pub fn address(self) -> Option<JobPath> {
        let base = self.base.get_untracked();
        match base {
            Some(job) => Some(job.spec.path()),
            None => self.parsed.get_untracked().ok().map(|spec| spec.path()),
        }
    }
}

/// A job's file, as the editor shows it.
pub fn file_of(spec: &JobSpec) -> String {
    shared::job::file::to_yaml(spec)
}

/// The viewer's language, as schedules know it.
pub fn lang() -> Lang {
    match language() {
        Language::En => Lang::En,
        Language::Zh => Lang::Zh,
    }
}

/// A field's id in the page.
pub fn id_of(at: &Path) -> String {
    let clean = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    format!("f-{}", at.to_string().chars().map(clean).collect::<String>())
}
