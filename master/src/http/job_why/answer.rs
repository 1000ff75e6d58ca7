//! The answer in words, from facts alone.

use std::collections::BTreeMap;

use shared::{
    api::{SlotView, Standing},
    assign::Cursor,
    history::RunView,
    id::NodeId,
    job::{Job, MisfireRun},
    run::{Cause, Reason, State},
    time::Time,
    units::Span,
};

/// What the answer rests on.
pub struct Facts<'a> {
    pub job: &'a Job,
    /// The instant that was asked for, and the one that is answered for.
    pub asked: Time,
    pub at: Time,
    pub now: Time,
    /// When the fire of `at` starts; `None`: nothing is due then.
    pub start_at: Option<Time>,
    /// Why it is skipped, if a calendar suppresses it as the calendars are now.
    pub suppressed: Option<Reason>,
    /// The nearest instants around the one asked for.
    pub before: Option<Time>,
    pub after: Option<Time>,
    pub slots: &'a [SlotView],
    pub nodes: &'a [Standing],
    /// The last claim of a slot.
    pub claimed: &'a dyn Fn(u32) -> Option<&'a Cursor>,
    /// Living nodes, and whether new work may go there.
    pub alive: &'a BTreeMap<NodeId, bool>,
    /// What is recorded of `at`.
    pub runs: &'a [RunView],
    /// Whether the history could be asked.
    pub is_known: bool,
}

/// The most important sentence first.
pub fn answer(facts: &Facts) -> Vec<String> {
    let mut said = Vec::new();
    if facts.at != facts.asked {
        said.push(format!(
            "The nearest fire to {} is that of {}.",
            facts.asked, facts.at
        ));
    }
    let is_future = facts.start_at.is_some_and(|start| start > facts.now);
    if !facts.runs.is_empty() {
        said.extend(facts.runs.iter().map(|run| recorded(facts, run)));
        if !is_future {
            said.extend(unrecorded_slots(facts));
        }
        return said;
    }
    match facts.start_at {
        None => said.extend(not_due(facts)),
        Some(_) if facts.at <= facts.job.since => said.push(before_since(facts)),
        Some(_) if facts.job.spec.paused => {
            let Job { since, updated, .. } = facts.job;
            let by = if *since == updated.at {
                format!(" by {}", updated.by)
            } else {
                String::new()
            };
            said.push(format!(
                "The job is paused, since {since}{by}; nothing of it is due until it is resumed."
            ));
        }
        Some(_) if is_future && facts.suppressed.is_some() => said.extend(to_be_skipped(facts)),
        Some(start) if is_future => said.extend(to_come(facts, start)),
        Some(_) => said.extend(unrecorded(facts)),
    }
    if !facts.is_known {
        said.push("The database does not answer: what ran is known once it does.".to_owned());
    }
    said
}

/// One run, as a sentence.
fn recorded(facts: &Facts, run: &RunView) -> String {
    let mut who = match run.slot {
        Some(slot) if facts.slots.len() > 1 => format!("Slot {slot} on node {}", run.node),
        _ => format!("On node {}", run.node),
    };
    if run.attempt > 1 {
        who.push_str(&format!(" (attempt {})", run.attempt));
    }
    let what = match run.state {
        State::Pending => "it is claimed and about to start".to_owned(),
        State::Queued => "it waits for its turn".to_owned(),
        State::Running => "it is running".to_owned(),
        State::Succeeded => "it succeeded".to_owned(),
        State::Lost => "it is lost: nobody knows how it ended".to_owned(),
        state => format!("it ended {}", state.as_str().replace('_', " ")),
    };
    let mut said = format!("{who} {what}");
    if !run.reason.is_empty() {
        said.push_str(&format!(" ({})", run.reason));
    }
    if let Some(range) = run.range {
        said.push_str(&format!(
            ", recorded as one with {} instants from {} to {}",
            range.count, run.scheduled_at, range.until
        ));
    }
    if let Some(started) = run.started_at {
        said.push_str(&format!("; started {started}"));
        if matches!(run.cause, Cause::Schedule | Cause::CatchUp) && started > run.scheduled_at {
            said.push_str(&format!(", {} late", Span::from(started.since(run.scheduled_at))));
        }
    }
    if let (Some(started), Some(finished)) = (run.started_at, run.finished_at) {
        said.push_str(&format!(", took {}", Span::from(finished.since(started))));
    }
    let cause = match run.cause {
        Cause::Schedule => "",
        Cause::CatchUp => "; it caught up what nobody could start in time",
        Cause::Manual => "; someone asked for it",
        Cause::Retry => "; the attempt before it failed",
        Cause::Lost => "; the node of the attempt before it died",
    };
    if let Some(retry_at) = run.retry_at {
        return format!("{said}{cause}; the next attempt is due {retry_at}.");
    }
    format!("{said}{cause}. Run {}.", run.id)
}

fn not_due(facts: &Facts) -> Vec<String> {
    if facts.job.spec.triggers.is_empty() {
        return vec!["The job has no trigger: it runs only when someone says so.".to_owned()];
    }
    let mut said = vec![format!(
        "The job was not due at {}: none of its triggers says so.",
        facts.asked
    )];
    match (facts.before, facts.after) {
        (Some(before), Some(after)) => said.push(format!("The instants around it are {before} and {after}.")),
        (None, Some(after)) => said.push(format!("Its first instant after it is {after}.")),
        (Some(before), None) => said.push(format!("Its last instant was {before}; none follows.")),
        (None, None) => {}
    }
    if facts.job.updated.at > facts.asked {
        said.push(format!(
            "Its triggers may have been others then: the job was changed {} by {}.",
            facts.job.updated.at, facts.job.updated.by
        ));
    }
    said
}

fn before_since(facts: &Facts) -> String {
    let Job {
        since,
        created,
        updated,
        ..
    } = facts.job;
    let what = if *since == created.at {
        format!("the job was made {} by {}", created.at, created.by)
    } else if *since == updated.at {
        format!(
            "its schedule was changed or it was resumed {} by {}",
            updated.at, updated.by
        )
    } else {
        format!("its schedule was changed or it was resumed {since}")
    };
    format!("That instant does not count: {what}, and instants up to then never count.")
}

fn to_come(facts: &Facts, start: Time) -> Vec<String> {
    let wait = Span::from(start.since(facts.now));
    let mut said = vec![match start > facts.at {
        true => format!(
            "It is still to come: due {}, it starts {start} (its jitter), in {wait}.",
            facts.at
        ),
        false => format!("It is still to come, in {wait}."),
    }];
    if facts.job.spec.target.place.is_exclusive() {
        said.extend(facts.slots.iter().map(|slot| match (&slot.node, &slot.why) {
            (Some(node), None) => format!("Slot {} belongs to node {node}.", slot.slot),
            (Some(node), Some(why)) => format!("Slot {} belongs to node {node}, but {why}.", slot.slot),
            (None, why) => format!(
                "Slot {} has no node: {}.",
                slot.slot,
                why.as_deref().unwrap_or("it is not placed yet")
            ),
        }));
        return said;
    }
    said.push(match open_nodes(facts).as_slice() {
        [] => "No node matches it now.".to_owned(),
        nodes => format!("It will run on each node that matches, now {}.", nodes.join(", ")),
    });
    said
}

/// It will be due, and a calendar suppresses it.
fn to_be_skipped(facts: &Facts) -> Option<String> {
    let reason = facts.suppressed.as_ref()?;
    Some(format!(
        "It is due {}, in {}, and will be skipped: it is {reason}, as the calendar is now.",
        facts.at,
        Span::from(facts.at.since(facts.now))
    ))
}

/// The nodes on which an every-node job runs.
fn open_nodes(facts: &Facts) -> Vec<String> {
    let open = facts
        .nodes
        .iter()
        .filter(|s| s.matches && facts.alive.get(&s.node) == Some(&true));
    open.map(|s| s.node.to_string()).collect()
}

/// It was due, counts, and nothing is recorded.
fn unrecorded(facts: &Facts) -> Vec<String> {
    let mut said = Vec::new();
    if facts.is_known {
        said.push(format!(
            "It was due at {}, and nothing is recorded of it.",
            facts.at
        ));
    } else {
        said.push(format!("It was due at {}.", facts.at));
    }
    if let Some(reason) = &facts.suppressed {
        said.push(format!(
            "As its calendars are now, it is skipped: it is {reason}."
        ));
    }
    let keep = &facts.job.spec.keep;
    if facts.now.since(facts.at) > keep.span.get() {
        said.push(format!(
            "The job's history is kept for {}: this is older.",
            keep.span
        ));
        return said;
    }
    if facts.job.spec.target.place.is_exclusive() {
        said.extend(facts.slots.iter().map(|slot| slot_story(facts, slot)));
    } else {
        said.extend(unreported_nodes(facts));
    }
    said
}

/// What an every-node job's silence may mean: an instant counts for a node only if the node
/// was there for it, of which nothing is kept.
fn unreported_nodes(facts: &Facts) -> Vec<String> {
    let matching = facts.nodes.iter().filter(|standing| standing.matches);
    let (open, shut): (Vec<&NodeId>, Vec<&NodeId>) = matching
        .map(|standing| &standing.node)
        .partition(|node| facts.alive.get(*node) == Some(&true));
    let names = |nodes: &[&NodeId]| {
        let names: Vec<String> = nodes.iter().map(ToString::to_string).collect();
        names.join(", ")
    };
    let mut said = vec![match open.as_slice() {
        [] => "No node that takes new work matches it now.".to_owned(),
        open => format!("The nodes that match and take new work now are {}.", names(open)),
    }];
    if !shut.is_empty() {
        said.push(format!(
            "Nodes that match and take no new work now: {}.",
            names(&shut)
        ));
    }
    said.push(
        "An instant is a node's only if it matched, took new work and was up then, which is not recorded: \
         there may be nothing to come. A node that ran it and cannot reach a master keeps its reports."
            .to_owned(),
    );
    said
}

/// Slots of which nothing is recorded although others are.
fn unrecorded_slots(facts: &Facts) -> Vec<String> {
    if facts.start_at.is_none()
        || facts.at <= facts.job.since
        || facts.runs.iter().any(|run| run.cause == Cause::Manual)
    {
        return Vec::new();
    }
    let silent = facts
        .slots
        .iter()
        .filter(|slot| !facts.runs.iter().any(|run| run.slot == Some(slot.slot)));
    silent.map(|slot| slot_story(facts, slot)).collect()
}

/// What the cursor tells of an instant that nothing is recorded of.
fn slot_story(facts: &Facts, slot: &SlotView) -> String {
    let n = slot.slot;
    let claimed = (facts.claimed)(n).filter(|cursor| cursor.at >= facts.at);
    match (&slot.node, claimed) {
        (_, Some(cursor)) if cursor.at == facts.at => format!(
            "Slot {n}: node {} has claimed it (run {}) and not reported it yet; if the node is gone, it ends \
             `lost` once that is certain.",
            cursor.node, cursor.run
        ),
        (_, Some(cursor)) => format!(
            "Slot {n}: claims have gone on to {} (node {}); what became of this one is not reported yet, or its \
             history was cleared away.",
            cursor.at, cursor.node
        ),
        (None, _) => {
            let why = slot.why.as_deref().unwrap_or("it is not placed yet");
            format!(
                "Slot {n} has no node, and nobody has claimed it: {why}. {}",
                misfire(facts)
            )
        }
        (Some(node), _) if !facts.alive.contains_key(node) => format!(
            "Slot {n}: nobody has claimed it; its node {node} is down, and another takes over once that is certain. {}",
            misfire(facts)
        ),
        (Some(node), _) => format!(
            "Slot {n}: its node {node} has not claimed it yet. {}",
            misfire(facts)
        ),
    }
}

fn misfire(facts: &Facts) -> String {
    let rule = &facts.job.spec.misfire;
    match rule.run {
        MisfireRun::None => {
            "The job asks that late instants are not caught up: it will be recorded as missed.".to_owned()
        }
        MisfireRun::Once => format!(
            "It will be caught up, or recorded as superseded by a later one, within {}; after that as missed.",
            rule.within
        ),
        MisfireRun::All => format!(
            "It will be caught up within {}; after that it is recorded as missed.",
            rule.within
        ),
    }
}
