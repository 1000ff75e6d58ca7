//! A run's one end, what it means, and what follows: the next attempt.

use super::*;

impl Runs {
    pub(super) fn ended(
        &mut self,
        run: RunId,
        exit: Exit,
        usage: Usage,
        output: OutputSize,
        now: Now,
        out: &mut Vec<Action>,
    ) {
        let Some(live) = self.live.get_mut(&run) else {
            return;
        };
        let r = &mut live.spooled.run;
        (r.usage, r.output) = (usage, output);
        match exit {
            Exit::Code(code) => r.exit_code = Some(code),
            Exit::Signal(signal) => r.signal = Some(signal),
            Exit::Http(_) | Exit::Unknown => {}
        }
        let (state, reason) = match &live.phase {
            Phase::Stopping { why, .. } => (why.state, Some(why.reason.clone())),
            _ => outcome(&live.spooled, exit),
        };
        self.end(run, state, reason, now, out);
    }

    /// A run's one end. What waited for it goes on.
    pub(super) fn end(
        &mut self,
        run: RunId,
        state: State,
        reason: Option<Reason>,
        now: Now,
        out: &mut Vec<Action>,
    ) {
        let Some(live) = self.live.remove(&run) else {
            return;
        };
        let Live { mut spooled, phase } = live;
        self.starts.remove(&(spooled.order.not_before, run));
        if let Some(at) = phase.timer() {
            self.timers.remove(&(at, run));
        }
        if phase.takes_capacity() {
            self.taken -= 1;
        }
        if matches!(phase, Phase::Capacity) {
            self.waiting.retain(|r| *r != run);
        }
        let key = group_of(&spooled);

        spooled.process = None;
        let r = &mut spooled.run;
        (r.state, r.reason, r.finished_at) = (state, reason, Some(now.wall));
        let is_own = !fire::is_retried_by_leader(&spooled.order.spec, spooled.order.slot);
        let is_stopping = self.stop_at.is_some();
        let wait =
            fire::retry_after(&spooled.order.spec, state, r.attempt).filter(|_| !(is_own && is_stopping));
        r.retry_at = wait.map(|wait| now.wall + wait);
        match wait.filter(|_| is_own) {
            Some(wait) => self.retry(spooled, wait, now, out),
            None => out.push(Action::Record(Box::new(spooled))),
        }
        self.make_room(run, key, now, out);
    }

    pub(super) fn retry(&mut self, ended: SpooledRun, wait: Duration, now: Now, out: &mut Vec<Action>) {
        let next = ended.next_attempt(now.wall + wait);
        let (run, until) = (next.run.id, now.mono + wait);
        let phase = Phase::Backoff {
            until,
            is_recorded: false,
        };
        self.timers.insert((until, run));
        self.live.insert(
            run,
            Live {
                spooled: next.clone(),
                phase,
            },
        );
        out.push(Action::RecordNext {
            ended: Box::new(ended),
            next: Box::new(next),
        });
    }

    pub(super) fn stop_run(&mut self, run: RunId, why: Stop, now: Now, out: &mut Vec<Action>) {
        let Some(live) = self.live.get_mut(&run) else {
            return;
        };
        match &mut live.phase {
            Phase::Starting { then } => *then = then.take().or(Some(why)),
            Phase::Running { .. } if why.is_at_once() => {
                live.phase = Phase::Stopping { why, kill_at: None };
                out.push(Action::Signal(run, Signal::Kill));
            }
            Phase::Running { .. } => {
                let kill_at = now.mono + live.spooled.order.spec.run.grace.get();
                live.phase = Phase::Stopping {
                    why,
                    kill_at: Some(kill_at),
                };
                self.timers.insert((kill_at, run));
                out.push(Action::Signal(run, Signal::Term));
            }
            Phase::Stopping { kill_at, .. } => {
                if why.is_at_once() && kill_at.take().is_some() {
                    out.push(Action::Signal(run, Signal::Kill));
                }
            }
            // Not started: nothing but the record is to be stopped.
            _ => self.end(run, why.state, Some(why.reason), now, out),
        }
    }

    /// What would not end in the time that is left ends now; at its end, everything.
    pub(super) fn stop(&mut self, now: Now, out: &mut Vec<Action>) {
        let Some(stop_at) = self.stop_at else { return };
        let left = stop_at.saturating_sub(now.mono);
        let is_to_stop = |live: &Live| match &live.phase {
            _ if left.is_zero() => !live.phase.is_stopping(),
            Phase::Pending => live.spooled.order.not_before > now.wall + left,
            Phase::Backoff { until, .. } => *until > stop_at,
            _ => false,
        };
        let mut runs: Vec<RunId> = self
            .live
            .iter()
            .filter(|(_, l)| is_to_stop(l))
            .map(|(run, _)| *run)
            .collect();
        runs.sort();
        for run in runs {
            self.stop_run(run, Stop::killed(Reason::AgentStopped), now, out);
        }
        if left.is_zero() {
            // Each has been told; nothing more happens at this instant.
            self.stop_at = Some(now.mono + Duration::from_secs(1));
        }
    }
}

impl SpooledRun {
    /// The next attempt at the same fire.
    fn next_attempt(&self, at: Time) -> SpooledRun {
        let mut next = self.clone();
        let attempt = self.run.attempt + 1;
        let cause = if self.run.state == State::Lost {
            Cause::Lost
        } else {
            Cause::Retry
        };
        (next.order.attempt, next.order.not_before, next.order.cause) = (attempt, at, cause);
        next.run = run_of(&next.order, &self.run.node, State::Queued);
        next
    }
}

/// What an exit means.
fn outcome(spooled: &SpooledRun, exit: Exit) -> (State, Option<Reason>) {
    let spec = &spooled.order.spec.run;
    match exit {
        Exit::Code(code) if spec.succeeded(code) => (State::Succeeded, None),
        Exit::Code(status) if matches!(spec.action, JobAction::Http(_)) => (
            State::Failed,
            Some(Reason::Http {
                error: format!("the answer's status is {status}"),
            }),
        ),
        Exit::Code(exit_code) => (State::Failed, Some(Reason::ExitCode { exit_code })),
        Exit::Signal(signal) => (State::Failed, Some(Reason::Signal { signal })),
        Exit::Http(error) => (State::Failed, Some(Reason::Http { error })),
        Exit::Unknown => (State::Lost, Some(Reason::Vanished)),
    }
}
