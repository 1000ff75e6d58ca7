//! `gnomon login`: a password becomes a token, and the token is remembered.

use std::io::{IsTerminal, Write};

use shared::api::{ChangePassword, Login, TokenRequest, TokenView, WhoAmI, paths};

use crate::{
    client::{Client, Server},
    context::{self, Context},
    error::{CliError, Doing, Kind, Result},
    output,
};

#[derive(clap::Args)]
#[command(after_help = "\
Example:
  gnomon login --url https://gnomon.example:7070 --user admin
  gnomon login --url https://gnomon.example:7070 --change-password
The password is asked for, or read from standard input when that is no terminal.")]
pub struct Args {
    /// Who logs in
    #[arg(long, default_value = "admin")]
    user: String,
    /// Set a new password, which is asked for after the current one
    #[arg(long)]
    change_password: bool,
}

pub async fn run(args: Args, server: Server) -> Result<()> {
    let url = server
        .url
        .ok_or_else(|| CliError::usage("which server? give --url"))?;
    let url = url.trim_end_matches('/').to_owned();
    let token = match server.token {
        Some(token) => token,
        None => token_for(&url, &args, server.ca.clone()).await?,
    };
    let client = Client::with(url.clone(), Some(token.clone()), server.ca.clone())?;
    let who: WhoAmI = client.get(paths::WHOAMI).await?;
    let path = context::save(&Context {
        url: url.clone(),
        token,
        ca: server.ca,
    })?;
    output::lines([format!(
        "logged in to {url} as {}; remembered in {}",
        who.user,
        path.display()
    )])
}

/// Logs in, makes a token named after this host and user, and logs out.
async fn token_for(url: &str, args: &Args, ca: Option<std::path::PathBuf>) -> Result<String> {
    let password = ask_password("password")?;
    let client = Client::with(url.to_owned(), None, ca)?;
    let login = Login {
        user: args.user.clone(),
        password,
    };
    let mut session = client.login(&login).await?;
    if args.change_password {
        let new = ask_password("new password")?;
        let change = ChangePassword {
            current: login.password,
            new: new.clone(),
        };
        session
            .send(reqwest::Method::POST, paths::PASSWORD, &change)
            .await?;
        // Sessions that the old password opened may be over.
        session = client
            .login(&Login {
                user: login.user,
                password: new,
            })
            .await?;
    }
    let host = nix::unistd::gethostname()
        .ok()
        .and_then(|h| h.into_string().ok())
        .unwrap_or_default();
    let name: String = host
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        .take(32)
        .collect();
    let random = shared::host::Host::system().token();
    let request = TokenRequest {
        name: format!("cli-{name}-{}", &random[..8]),
    };
    let token: TokenView = session.post(paths::TOKENS, &request).await?;
    let _ = session
        .send(reqwest::Method::POST, paths::LOGOUT, &serde_json::json!({}))
        .await;
    token
        .secret
        .ok_or_else(|| CliError::new(Kind::Failed, "the server made a token but did not show it"))
}

fn ask_password(what: &str) -> Result<String> {
    let stdin = std::io::stdin();
    let on_terminal = stdin.is_terminal();
    if on_terminal {
        let _ = write!(std::io::stderr(), "{what}: ");
    }
    let _quiet = on_terminal.then(Quiet::begin);
    let mut line = String::new();
    stdin.read_line(&mut line).doing("reading the password")?;
    let password = line.trim_end_matches(['\r', '\n']).to_owned();
    if password.is_empty() {
        return Err(CliError::usage(format!("the {what} is empty")));
    }
    Ok(password)
}

/// A terminal that does not show what is typed, for as long as this lives.
struct Quiet(Option<nix::sys::termios::Termios>);

impl Quiet {
    fn begin() -> Quiet {
        use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};
        let stdin = std::io::stdin();
        let Ok(before) = tcgetattr(&stdin) else {
            return Quiet(None);
        };
        let mut quiet = before.clone();
        quiet.local_flags.remove(LocalFlags::ECHO);
        let _ = tcsetattr(&stdin, SetArg::TCSAFLUSH, &quiet);
        Quiet(Some(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        use nix::sys::termios::{SetArg, tcsetattr};
        if let Some(before) = &self.0 {
            let _ = tcsetattr(std::io::stdin(), SetArg::TCSANOW, before);
            let _ = writeln!(std::io::stderr());
        }
    }
}
