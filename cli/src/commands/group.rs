//! `gnomon group`: named sets of nodes.

use clap::{Args, Subcommand};
use comfy_table::Cell;
use reqwest::Method;
use shared::{
    api::{GroupView, paths},
    id::{GroupName, NodeId},
    target::{Exclude, NodeSet, Selector},
    time::Time,
};

use super::Context;
use crate::{
    client::fill,
    error::Result,
    output::{self, Format, Row},
};

#[derive(Subcommand)]
pub enum Command {
    /// List groups with the nodes they match now
    #[command(visible_alias = "list")]
    Ls,
    /// Show one group
    Get(Name),
    /// Make a group, or change it
    Set(SetArgs),
    /// Delete a group; jobs that name it then match no node by it
    Rm(Name),
}

#[derive(Args)]
pub struct Name {
    /// The group's name
    group: GroupName,
}

#[derive(Args)]
#[command(after_help = "Example:\n  gnomon group set db --labels role=db --exclude-node db9")]
pub struct SetArgs {
    /// The group's name
    group: GroupName,
    /// Nodes by id; may be given several times
    #[arg(long = "node")]
    nodes: Vec<NodeId>,
    /// Nodes whose labels match
    #[arg(long, default_value = "")]
    labels: Selector,
    /// But not these
    #[arg(long = "exclude-node")]
    exclude: Vec<NodeId>,
}

pub async fn run(command: Command, context: Context) -> Result<()> {
    match command {
        Command::Ls => {
            let groups: Vec<GroupView> = context
                .client
                .pages(&format!("{}?limit=1000", paths::GROUPS), usize::MAX)
                .await?;
            output::list(context.format, &groups)
        }
        Command::Get(args) => {
            let group: GroupView = context.client.get(&path(&args.group)).await?;
            match context.format {
                Format::Table => output::list(Format::Table, std::slice::from_ref(&group)),
                Format::Name => output::lines([group.name.to_string()]),
                format => output::value(format, &group),
            }
        }
        Command::Set(args) => {
            let exclude = Exclude {
                nodes: args.exclude.into_iter().collect(),
                ..Exclude::default()
            };
            let set = NodeSet {
                nodes: args.nodes.into_iter().collect(),
                labels: args.labels,
                exclude,
                ..NodeSet::default()
            };
            context.client.send(Method::PUT, &path(&args.group), &set).await?;
            let group: GroupView = context.client.get(&path(&args.group)).await?;
            output::done(context.format, &args.group, "set", &group)
        }
        Command::Rm(args) => {
            context.client.delete(&path(&args.group)).await?;
            let answer = serde_json::json!({"group": args.group, "deleted": true});
            output::done(context.format, &args.group, "deleted", &answer)
        }
    }
}

fn path(group: &GroupName) -> String {
    fill(paths::GROUP, &[group.as_str()])
}

impl Row for GroupView {
    const HEAD: &'static [&'static str] = &["GROUP", "LABELS", "NODES NOW"];

    fn name(&self) -> String {
        self.name.to_string()
    }

    fn cells(&self, _now: Time) -> Vec<Cell> {
        let members: Vec<&str> = self.members.iter().map(NodeId::as_str).collect();
        vec![
            Cell::new(&self.name),
            Cell::new(self.set.labels.to_string()),
            Cell::new(members.join(", ")),
        ]
    }
}
