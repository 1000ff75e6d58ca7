//! `gnomon token`: credentials for programs.

use clap::{Args, Subcommand};
use comfy_table::Cell;
use shared::{
    api::{TokenRequest, TokenView, paths},
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
    /// Make a token; its secret is shown once
    Create(Name),
    /// List tokens
    #[command(visible_alias = "list")]
    Ls,
    /// Take a token back; it stops working at once
    Rm(Name),
}

#[derive(Args)]
pub struct Name {
    /// What it is for, e.g. ci
    name: String,
}

pub async fn run(command: Command, context: Context) -> Result<()> {
    match command {
        Command::Create(args) => {
            let token: TokenView = context
                .client
                .post(paths::TOKENS, &TokenRequest { name: args.name })
                .await?;
            match context.format {
                Format::Table | Format::Name => output::lines([token.secret.unwrap_or_default()]),
                format => output::value(format, &token),
            }
        }
        Command::Ls => {
            let tokens: Vec<TokenView> = context.client.get(paths::TOKENS).await?;
            output::list(context.format, &tokens)
        }
        Command::Rm(args) => {
            context.client.delete(&fill(paths::TOKEN, &[&args.name])).await?;
            let answer = serde_json::json!({"token": args.name, "removed": true});
            output::done(context.format, &args.name, "removed", &answer)
        }
    }
}

impl Row for TokenView {
    const HEAD: &'static [&'static str] = &["TOKEN", "MADE", "BY"];

    fn name(&self) -> String {
        self.name.clone()
    }

    fn cells(&self, _now: Time) -> Vec<Cell> {
        vec![
            Cell::new(&self.name),
            Cell::new(output::time(self.created.at)),
            Cell::new(&self.created.by),
        ]
    }
}
