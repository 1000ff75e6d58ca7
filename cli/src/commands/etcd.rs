//! How master and agent reach etcd.

use std::path::PathBuf;

use shared::store::etcd::{EtcdConfig, EtcdTls};

use crate::error::{CliError, Result};

#[derive(clap::Args)]
#[command(next_help_heading = "etcd")]
pub struct EtcdArgs {
    /// etcd's members, separated by commas
    #[arg(
        long = "etcd",
        env = "GNOMON_ETCD",
        value_name = "URL[,URL]",
        value_delimiter = ',',
        required = true
    )]
    endpoints: Vec<String>,
    /// What all keys start with
    #[arg(long, env = "GNOMON_ETCD_PREFIX", default_value = "/gnomon/")]
    etcd_prefix: String,
    /// The user's name, if etcd asks for one
    #[arg(long, env = "GNOMON_ETCD_USER")]
    etcd_user: Option<String>,
    /// A file with the user's password; or GNOMON_ETCD_PASSWORD
    #[arg(long, env = "GNOMON_ETCD_PASSWORD_FILE", value_name = "FILE")]
    etcd_password_file: Option<PathBuf>,
    /// A file with the authority that the members' certificates come from
    #[arg(long, env = "GNOMON_ETCD_CA", value_name = "FILE")]
    etcd_ca: Option<PathBuf>,
    /// This client's certificate, if the members ask for one
    #[arg(long, env = "GNOMON_ETCD_CERT", value_name = "FILE", requires = "etcd_key")]
    etcd_cert: Option<PathBuf>,
    /// The certificate's key
    #[arg(long, env = "GNOMON_ETCD_KEY", value_name = "FILE", requires = "etcd_cert")]
    etcd_key: Option<PathBuf>,
}

impl EtcdArgs {
    /// What the flags, the environment and the password's file say.
    pub fn config(self) -> Result<EtcdConfig> {
        let user = match self.etcd_user {
            Some(user) => Some((user, password(self.etcd_password_file)?)),
            None => None,
        };
        Ok(EtcdConfig {
            endpoints: self.endpoints,
            prefix: self.etcd_prefix,
            user,
            tls: EtcdTls {
                ca: self.etcd_ca,
                cert: self.etcd_cert,
                key: self.etcd_key,
                ..EtcdTls::default()
            },
            ..EtcdConfig::default()
        })
    }
}

/// Never a flag: the arguments of a process can be read by everyone on the host.
fn password(file: Option<PathBuf>) -> Result<String> {
    if let Some(file) = file {
        let text = std::fs::read_to_string(&file)
            .map_err(|e| CliError::usage(format!("--etcd-password-file {}: {e}", file.display())))?;
        return Ok(text.trim_end_matches(['\r', '\n']).to_owned());
    }
    std::env::var("GNOMON_ETCD_PASSWORD").map_err(|_| {
        CliError::usage("--etcd-user needs a password")
            .hint("give --etcd-password-file or set GNOMON_ETCD_PASSWORD")
    })
}
