//! What tests that need several processes stand on: real etcd, PostgreSQL, MariaDB and
//! Gnomon processes on free loopback ports, with their data in scratch folders, ended and
//! cleaned up on drop, after a panic too.
//!
//! Everything here panics with what went wrong and what to install or do: a test that
//! cannot have its server has failed. Nothing in here sleeps for a fixed time; waits are
//! for a condition, with a deadline ([`eventually`]).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

pub mod wait;
pub mod scratch;
pub mod port;
pub mod process;
pub mod etcd;
pub mod postgres;
pub mod mariadb;
pub mod gnomon;
pub mod cli;
pub mod ledger;
pub mod cluster;
pub mod sim;

pub use cli::{Cli, Done};
pub use cluster::Cluster;
pub use etcd::{Etcd, EtcdCluster, EtcdVersion};
pub use gnomon::{Agent, Master, Standalone};
pub use ledger::Ledger;
pub use mariadb::MariaDb;
pub use port::Port;
pub use postgres::Postgres;
pub use process::Process;
pub use scratch::Scratch;
pub use wait::{SOON, eventually};
