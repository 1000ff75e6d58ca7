//! What `gnomon master` and `gnomon standalone` keep at most, whatever jobs ask for.

use ::master::housekeeping::Bounds;

/// Runs of deleted jobs go by these alone.
#[derive(clap::Args)]
#[command(next_help_heading = "What is kept at most, whatever a job's `keep` says")]
pub struct KeepArgs {
    /// Runs in the history, of all jobs together
    #[arg(long, env = "GNOMON_KEEP_RUNS", value_name = "N", default_value_t = Bounds::default().runs,
          value_parser = clap::value_parser!(u64).range(1000..=1_000_000_000_000))]
    keep_runs: u64,
    /// Days after which runs are deleted
    #[arg(long, env = "GNOMON_KEEP_DAYS", value_name = "DAYS", default_value_t = Bounds::default().run_days,
          value_parser = days())]
    keep_days: u32,
    /// Days for which there are statistics by the hour
    #[arg(long, env = "GNOMON_KEEP_HOURLY_DAYS", value_name = "DAYS",
          default_value_t = Bounds::default().statistics_hours_days, value_parser = days())]
    keep_hourly_days: u32,
    /// Days for which there are statistics by the day
    #[arg(long, env = "GNOMON_KEEP_DAILY_DAYS", value_name = "DAYS",
          default_value_t = Bounds::default().statistics_days_days, value_parser = days())]
    keep_daily_days: u32,
}

/// A day at least, a century at most.
fn days() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(1..=36_525)
}

impl KeepArgs {
    pub fn bounds(&self) -> Bounds {
        Bounds {
            runs: self.keep_runs,
            run_days: self.keep_days,
            statistics_hours_days: self.keep_hourly_days,
            statistics_days_days: self.keep_daily_days,
        }
    }
}
