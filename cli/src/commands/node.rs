//! `gnomon node`: hosts with an agent.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use comfy_table::Cell;
use shared::{
    api::{IntentPatch, NodeState, NodeView, paths},
    id::NodeId,
    time::Time,
    units::Span,
};
use tokio::time::Instant;

use super::Context;
use crate::{
    client::fill,
    error::{CliError, Result},
    output::{self, Format, Row},
};

#[derive(Subcommand)]
pub enum Command {
    /// List nodes
    #[command(visible_alias = "list")]
    Ls,
    /// Show one node
    Get(Name),
    /// Give a node no new work; what it owns stays
    Cordon(Name),
    /// Take back cordon and drain
    Uncordon(Name),
    /// Move a node's work away
    Drain(DrainArgs),
    /// Forget a node that is down for good
    Rm(RmArgs),
    /// Set labels (K=V), or take them back (K-)
    Label(LabelArgs),
}

#[derive(Args)]
pub struct Name {
    /// The node's id
    node: NodeId,
}

#[derive(Args)]
pub struct DrainArgs {
    /// The node's id
    node: NodeId,
    /// Wait until it owns nothing and nothing runs on it
    #[arg(short, long)]
    wait: bool,
    /// With --wait: give up after so long
    #[arg(long, value_name = "D", default_value = "1h")]
    timeout: Span,
}

#[derive(Args)]
pub struct RmArgs {
    /// The node's id
    node: NodeId,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

#[derive(Args)]
#[command(after_help = "Example:\n  gnomon node label db1 role=db zone=a canary-")]
pub struct LabelArgs {
    /// The node's id
    node: NodeId,
    /// K=V sets a label, K- takes the operator's label back
    #[arg(required = true, value_parser = label)]
    labels: Vec<(String, Option<String>)>,
}

fn label(text: &str) -> Result<(String, Option<String>), String> {
    let (key, value) = match (text.split_once('='), text.strip_suffix('-')) {
        (Some((key, value)), _) => (key, Some(shared::target::label_value(value)?)),
        (None, Some(key)) => (key, None),
        (None, None) => return Err(format!("`{text}` is neither K=V nor K-")),
    };
    Ok((shared::target::label_key(key)?, value))
}

pub async fn run(command: Command, context: Context) -> Result<()> {
    match command {
        Command::Ls => ls(context).await,
        Command::Get(args) => get(args, context).await,
        Command::Cordon(args) => {
            let patch = IntentPatch {
                cordoned: Some(true),
                ..IntentPatch::default()
            };
            change(&context, &args.node, patch, "cordoned").await
        }
        Command::Uncordon(args) => {
            let patch = IntentPatch {
                cordoned: Some(false),
                draining: Some(false),
                ..IntentPatch::default()
            };
            change(&context, &args.node, patch, "uncordoned").await
        }
        Command::Drain(args) => drain(args, context).await,
        Command::Rm(args) => {
            super::confirm(&format!("forget the node {}?", args.node), args.yes)?;
            context.client.delete(&path(paths::NODE, &args.node)).await?;
            let answer = serde_json::json!({"node": args.node, "removed": true});
            output::done(context.format, &args.node, "removed", &answer)
        }
        Command::Label(args) => {
            let labels: BTreeMap<_, _> = args.labels.into_iter().collect();
            let patch = IntentPatch {
                labels: Some(labels),
                ..IntentPatch::default()
            };
            change(&context, &args.node, patch, "labelled").await
        }
    }
}

fn path(template: &str, node: &NodeId) -> String {
    fill(template, &[node.as_str()])
}

async fn ls(context: Context) -> Result<()> {
    let nodes: Vec<NodeView> = context
        .client
        .pages(&format!("{}?limit=1000", paths::NODES), usize::MAX)
        .await?;
    if nodes.is_empty() && context.format == Format::Table {
        output::note("no nodes; `gnomon agent` on a host makes one");
    }
    output::list(context.format, &nodes)
}

async fn get(args: Name, context: Context) -> Result<()> {
    let node: NodeView = context.client.get(&path(paths::NODE, &args.node)).await?;
    match context.format {
        Format::Name => output::lines([node.id.to_string()]),
        format => output::value(format, &node),
    }
}

async fn change(context: &Context, node: &NodeId, patch: IntentPatch, done: &str) -> Result<()> {
    let view = intend(context, node, patch).await?;
    output::done(context.format, node, done, &view)
}

async fn intend(context: &Context, node: &NodeId, patch: IntentPatch) -> Result<NodeView> {
    context
        .client
        .patch(&path(paths::NODE_INTENT, node), &patch)
        .await
}

async fn drain(args: DrainArgs, context: Context) -> Result<()> {
    let patch = IntentPatch {
        draining: Some(true),
        ..IntentPatch::default()
    };
    if !args.wait {
        return change(&context, &args.node, patch, "draining").await;
    }
    intend(&context, &args.node, patch).await?;
    output::note(format!("{} draining", args.node));
    let start = Instant::now();
    let mut said = None;
    loop {
        let node: NodeView = context.client.get(&path(paths::NODE, &args.node)).await?;
        let running = node.health.as_ref().map_or(0, |h| h.running);
        if node.slots == 0 && running == 0 {
            return output::done(context.format, &args.node, "drained", &node);
        }
        if said.replace((node.slots, running)) != Some((node.slots, running)) {
            output::note(format!("{} slots to move, {running} runs going on", node.slots));
        }
        if start.elapsed() >= args.timeout.get() {
            return Err(CliError::failed(format!("{} is not drained yet", args.node))
                .hint("see `gnomon job where` for slots that no other node may take"));
        }
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
}

impl Row for NodeView {
    const HEAD: &'static [&'static str] = &[
        "NODE", "STATE", "SLOTS", "RUNNING", "CAPACITY", "CLOCK", "VERSION", "LABELS",
    ];

    fn name(&self) -> String {
        self.id.to_string()
    }

    fn cells(&self, _now: Time) -> Vec<Cell> {
        let state = match self.state {
            NodeState::Ready => "ready",
            NodeState::Cordoned => "cordoned",
            NodeState::Draining => "draining",
            NodeState::Down => "down",
        };
        let labels: Vec<String> = self.labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let clock = self
            .clock_offset_ms
            .map_or_else(|| "-".into(), |ms| format!("{ms:+}ms"));
        let node = self.node.as_ref();
        vec![
            Cell::new(&self.id),
            Cell::new(state),
            Cell::new(self.slots),
            Cell::new(
                self.health
                    .as_ref()
                    .map_or_else(|| "-".into(), |h| h.running.to_string()),
            ),
            Cell::new(node.map_or_else(|| "-".into(), |n| n.capacity.to_string())),
            Cell::new(clock),
            Cell::new(node.map_or("-", |n| n.version.as_str())),
            Cell::new(labels.join(",")),
        ]
    }
}
