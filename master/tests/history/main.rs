//! The history's contract, the same tests for each database and for the memory's: what a
//! batch does, pages, output, retention, statistics, dumps. Then what only databases do:
//! several masters, schemas, servers that are down, frozen or of the wrong kind.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that cannot go on panics; it starts servers"
)]
#![allow(dead_code, reason = "the starters do more than these tests need")]

#[path = "../../../tests/src/mariadb.rs"]
mod mariadb;
#[path = "../../../tests/src/port.rs"]
mod port;
#[path = "../../../tests/src/postgres.rs"]
mod postgres;
#[path = "../../../tests/src/process.rs"]
mod process;
#[path = "../../../tests/src/scratch.rs"]
mod scratch;
#[path = "../../../tests/src/wait.rs"]
mod wait;

mod cases;
mod crash;
mod databases;
mod masters;
mod outage;
mod schema;
mod sample;

use mariadb::MariaDb;
use port::Port;
use postgres::Postgres;
use process::Process;
use scratch::Scratch;
use wait::eventually;

macro_rules! suite {
    ($($case:ident)*) => {
        mod suite {
            suite!(in memory: $($case)*);
            suite!(in sqlite: $($case)*);
            suite!(in postgres: $($case)*);
            suite!(in mariadb: $($case)*);
        }
    };
    (in $database:ident: $($case:ident)*) => {
        mod $database {
            $(
                #[tokio::test]
                async fn $case() {
                    let database = crate::databases::$database(stringify!($case)).await;
                    crate::cases::$case(&database).await;
                }
            )*
        }
    };
}

suite! {
    what_is_recorded_is_read_back
    recording_again_changes_nothing
    states_only_move_forward
    a_late_report_replaces_lost
    a_batch_may_hold_a_run_twice
    pages_are_newest_first_and_stable
    filters_select
    ranges_that_cover_an_instant_are_found
    wrong_questions_are_refused
    output_is_kept_in_order
    the_middle_of_output_is_deleted
    a_batch_is_all_or_none
    unfinished_and_known
    retention_by_age_and_count
    retention_of_everything
    statistics_count_each_run_once
    statistics_outlive_runs
    statistics_of_many_jobs
    dumps_carry_all
    glimpses_are_of_the_newest
    causes_select
    what_was_asked_is_told_with_the_run
    output_is_read_from_its_end
    all_jobs_are_summed_by_five_minutes
    a_nodes_last_word_is_kept
    nodes_are_forgotten
    retention_of_nodes
}
