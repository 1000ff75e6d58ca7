//! All that the palette can do: a list of values, made when it opens.

use shared::{
    history::RunView,
    id::{JobPath, NodeId, RunId},
};

use super::words::PaletteWords;
use crate::{address, browser::lowered, locale::Language, parts::icon::Glyph, theme::Theme, words::say};

/// Something to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    Go(String),
    /// Goes there, and presses the button or into the field of that id.
    At {
        href: String,
        id: String,
    },
    /// Presses the button of that name of the page that is open.
    Press(String),
    Run(JobPath),
    Pause(JobPath),
    Resume(JobPath),
    Delete(JobPath),
    Cordon {
        id: NodeId,
        name: String,
    },
    Drain {
        id: NodeId,
        name: String,
    },
    Uncordon {
        id: NodeId,
        name: String,
    },
    Theme(Theme),
    Language(Language),
    LogOut,
    Help,
}

/// A line of the palette.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    pub glyph: Glyph,
    /// What kind it is: page, job, node, deed.
    pub kind: &'static str,
    pub title: String,
    /// The title in lower case.
    pub searched: String,
    pub deed: Deed,
    /// Lines of the same fit stand in this order.
    pub rank: u32,
}

fn command(rank: u32, glyph: Glyph, kind: &'static str, title: impl Into<String>, deed: Deed) -> Command {
    let title = title.into();
    Command {
        glyph,
        kind,
        searched: lowered(&title),
        title,
        deed,
        rank,
    }
}

/// Pages and what concerns no job and no node.
pub fn general(pages: impl Iterator<Item = (&'static str, Glyph, &'static str)>) -> Vec<Command> {
    let w = say::<PaletteWords>();
    let go = |href: &str| Deed::Go(href.to_owned());
    let at = |href: &str, id: &str| Deed::At {
        href: href.to_owned(),
        id: id.to_owned(),
    };
    let mut all: Vec<Command> = pages
        .map(|(href, glyph, name)| command(0, glyph, w.go, name, go(href)))
        .collect();
    all.extend([
        command(1, Glyph::Plus, w.act, w.new_job, go("/new")),
        command(1, Glyph::Cross, w.go, w.failing, go("/jobs?state=failing")),
        command(1, Glyph::Play, w.go, w.running, go("/runs?state=running,queued")),
        command(9, Glyph::Plus, w.act, w.new_group, at("/groups", "add")),
        command(9, Glyph::Plus, w.act, w.new_calendar, at("/calendars", "add")),
        command(9, Glyph::Plus, w.act, w.new_token, at("/settings", "token")),
        command(9, Glyph::Person, w.act, w.password, at("/settings", "current")),
        command(
            9,
            Glyph::Settings,
            w.act,
            w.theme_light,
            Deed::Theme(Theme::Light),
        ),
        command(9, Glyph::Settings, w.act, w.theme_dark, Deed::Theme(Theme::Dark)),
        command(
            9,
            Glyph::Settings,
            w.act,
            w.theme_system,
            Deed::Theme(Theme::System),
        ),
        command(9, Glyph::Question, w.act, w.help, Deed::Help),
        command(9, Glyph::Person, w.act, w.log_out, Deed::LogOut),
    ]);
    all.extend(Language::ALL.map(|language| {
        command(
            9,
            Glyph::Settings,
            w.act,
            fill!(w.language, name = language.name()),
            Deed::Language(language),
        )
    }));
    all
}

/// What can be done to a job.
pub fn of_job(job: &JobPath, paused: bool) -> Vec<Command> {
    let w = say::<PaletteWords>();
    let at = format!("/jobs/{}/{}", job.namespace, job.name);
    let pause = if paused {
        command(
            4,
            Glyph::Play,
            w.act,
            fill!(w.resume, job = job),
            Deed::Resume(job.clone()),
        )
    } else {
        command(
            4,
            Glyph::Pause,
            w.act,
            fill!(w.pause, job = job),
            Deed::Pause(job.clone()),
        )
    };
    let why = Deed::At {
        href: at.clone(),
        id: "ledger-at".to_owned(),
    };
    vec![
        command(2, Glyph::Jobs, w.job, job.to_string(), Deed::Go(at.clone())),
        command(
            3,
            Glyph::Play,
            w.act,
            fill!(w.run_now, job = job),
            Deed::Run(job.clone()),
        ),
        pause,
        command(
            5,
            Glyph::Edit,
            w.act,
            fill!(w.edit, job = job),
            Deed::Go(format!("{at}/edit")),
        ),
        command(
            5,
            Glyph::Runs,
            w.go,
            fill!(w.runs_of, job = job),
            Deed::Go(format!("/runs?job={job}")),
        ),
        command(
            6,
            Glyph::Copy,
            w.act,
            fill!(w.duplicate, job = job),
            Deed::Go(format!("/new?from={job}")),
        ),
        command(7, Glyph::Question, w.go, fill!(w.why, job = job), why),
        command(
            8,
            Glyph::Trash,
            w.act,
            fill!(w.delete, job = job),
            Deed::Delete(job.clone()),
        ),
    ]
}

/// What can be done to a run that has not ended.
pub fn of_run(run: &RunView) -> Vec<Command> {
    let w = say::<PaletteWords>();
    let title = |text| fill!(text, job = run.job, node = run.node);
    let kill = Deed::At {
        href: address::of_run(run.id),
        id: "kill".to_owned(),
    };
    vec![
        command(
            4,
            Glyph::Runs,
            w.go,
            title(w.run_of),
            Deed::Go(address::of_run(run.id)),
        ),
        command(7, Glyph::Stop, w.act, title(w.kill), kill),
    ]
}

/// To the run of an id that was typed.
pub fn to_run(id: RunId) -> Command {
    let w = say::<PaletteWords>();
    command(
        0,
        Glyph::Runs,
        w.go,
        fill!(w.run, id = id),
        Deed::Go(address::of_run(id)),
    )
}

/// A group or a calendar, of which the page is given: it is edited there.
pub fn of_kept(page: &str, glyph: Glyph, title: &str, name: &str) -> Command {
    let edit = Deed::At {
        href: page.to_owned(),
        id: format!("edit-{name}"),
    };
    command(
        6,
        glyph,
        say::<PaletteWords>().act,
        fill!(title, name = name),
        edit,
    )
}

/// A button of the page that is open.
pub fn of_page(name: String) -> Command {
    let w = say::<PaletteWords>();
    command(1, Glyph::Right, w.here, name.clone(), Deed::Press(name))
}

/// What can be done to a node.
pub fn of_node(id: &NodeId, name: &str, is_held: bool) -> Vec<Command> {
    let w = say::<PaletteWords>();
    let mut all = vec![command(
        2,
        Glyph::Nodes,
        w.node,
        name,
        Deed::Go(format!("/nodes/{id}")),
    )];
    let (id, name) = (id.clone(), name.to_owned());
    let label = Deed::At {
        href: format!("/nodes/{id}"),
        id: "label".to_owned(),
    };
    all.push(command(7, Glyph::Edit, w.act, fill!(w.label, node = name), label));
    if is_held {
        let title = fill!(w.uncordon, node = name);
        all.push(command(
            6,
            Glyph::Check,
            w.act,
            title,
            Deed::Uncordon { id, name },
        ));
    } else {
        let (cordon, drain) = (fill!(w.cordon, node = name), fill!(w.drain, node = name));
        let held = Deed::Cordon {
            id: id.clone(),
            name: name.clone(),
        };
        all.push(command(6, Glyph::Forbidden, w.act, cordon, held));
        all.push(command(7, Glyph::Drain, w.act, drain, Deed::Drain { id, name }));
    }
    all
}

/// The best fits, at most `max`; of those that fit alike, as they come. With nothing typed: the
/// pages first.
pub fn best<'a>(commands: impl Iterator<Item = &'a Command>, typed: &str, max: usize) -> Vec<Command> {
    let commands: Vec<&Command> = commands.collect();
    let words = super::find::words(typed);
    let fits = commands.iter().enumerate().filter_map(|(i, c)| {
        let is_offered = !words.is_empty() || !matches!(c.deed, Deed::Run(_) | Deed::Delete(_));
        let score = super::find::score(&words, &c.searched).filter(|_| is_offered)?;
        Some((score / 10, c.rank, score, i))
    });
    // With ten thousand jobs, only what is shown is put in order.
    let mut found: Vec<Fit> = Vec::with_capacity(max + 1);
    for fit in fits {
        let place = found.partition_point(|better| *better < fit);
        if place < max {
            found.insert(place, fit);
            found.truncate(max);
        }
    }
    found.into_iter().map(|(.., i)| commands[i].clone()).collect()
}

/// How well a command fits, roughly; its rank; how well exactly; and which one it is.
type Fit = (u32, u32, u32, usize);

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Command> {
        let pages = [("/", Glyph::Overview, "Overview"), ("/jobs", Glyph::Jobs, "Jobs")];
        let mut all = general(pages.into_iter());
        all.extend(of_job(&"ops/backup-db".parse().unwrap(), false));
        all.extend(of_job(&"ops/report".parse().unwrap(), true));
        all.extend(of_node(&"web-1".parse().unwrap(), "web-1", false));
        all
    }

    fn titles(typed: &str) -> Vec<String> {
        best(all().iter(), typed, 4)
            .into_iter()
            .map(|c| c.title)
            .collect()
    }

    #[test]
    fn a_job_comes_before_what_can_be_done_to_it() {
        assert_eq!(
            titles("backup")[..3],
            ["ops/backup-db", "Run now: ops/backup-db", "Pause: ops/backup-db"]
        );
        assert_eq!(titles("resume")[0], "Resume: ops/report");
        assert_eq!(titles("del back")[0], "Delete: ops/backup-db");
        assert_eq!(titles("drain")[0], "Drain: web-1");
        assert_eq!(titles("")[..2], ["Overview", "Jobs"]);
        assert_eq!(titles("zzz"), Vec::<String>::new());
    }
}
