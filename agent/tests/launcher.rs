//! The launcher, with real processes. Users are really switched: these tests want to be
//! run by root, as an agent is.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{collections::HashSet, fs, path::Path, sync::Arc, time::Duration};

use agent::{
    launcher::{Launcher, LauncherConfig},
    parts::{Exit, Launch, ProcessEvent, Signal, StartError, Starter},
    policy::Policy,
};
use nix::{
    sys::signal::{Signal as Number, kill},
    unistd::{Pid, Uid, User},
};
use shared::{
    host::Host,
    id::RunId,
    job::{Action, HttpRequest},
    report::{Stream, Usage},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::mpsc,
    time::{Instant, sleep, timeout},
};

mod server;
use server::{reply, serve};

const SOON: Duration = Duration::from_secs(20);

struct Bench {
    launcher: Launcher,
    dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Bench {
        Bench::with("", true)
    }

    fn with(policy: &str, cgroups: bool) -> Bench {
        let dir = tempfile::tempdir().unwrap();
        let launcher = open(dir.path(), policy, cgroups);
        Bench { launcher, dir }
    }

    async fn run(&self, launch: Launch) -> Result<Ran, StartError> {
        let (tx, rx) = mpsc::channel(16);
        self.launcher.start(launch, tx).await?;
        Ok(timeout(SOON, Ran::collect(rx)).await.expect("it ends"))
    }

    async fn shell(&self, script: &str) -> Ran {
        self.run(shell(script)).await.expect("it starts")
    }
}

fn open(dir: &Path, policy: &str, cgroups: bool) -> Launcher {
    let policy = Arc::new(Policy::parse(policy).unwrap());
    Launcher::open(LauncherConfig {
        dir: dir.to_path_buf(),
        policy,
        cgroups,
    })
    .unwrap()
}

#[derive(Debug, Default)]
struct Ran {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    notes: String,
    end: Option<(Exit, Usage)>,
}

impl Ran {
    async fn collect(mut events: mpsc::Receiver<ProcessEvent>) -> Ran {
        let mut ran = Ran::default();
        while let Some(event) = events.recv().await {
            assert!(ran.end.is_none(), "the end comes last");
            match event {
                ProcessEvent::Output {
                    stream: Stream::Stdout,
                    data,
                    ..
                } => ran.stdout.extend(data),
                ProcessEvent::Output {
                    stream: Stream::Stderr,
                    data,
                    ..
                } => ran.stderr.extend(data),
                ProcessEvent::Output { data, .. } => ran.notes += &String::from_utf8(data).unwrap(),
                ProcessEvent::Ended { exit, usage, .. } => ran.end = Some((exit, usage)),
            }
        }
        assert!(ran.end.is_some(), "the end always comes");
        ran
    }

    fn out(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap().trim_end()
    }

    fn exit(&self) -> &Exit {
        &self.end.as_ref().unwrap().0
    }
}

fn launch(action: Action) -> Launch {
    Launch {
        run: Host::system().run_id(),
        action,
        user: None,
        group: None,
        dir: None,
        env: Vec::new(),
        stdin: None,
    }
}

fn shell(script: &str) -> Launch {
    launch(Action::Shell(script.into()))
}

fn exec(argv: &[&str]) -> Launch {
    launch(Action::Exec(argv.iter().map(|s| (*s).to_owned()).collect()))
}

/// Waits for a condition, and fails if it does not come true.
async fn until(what: &str, mut is_true: impl FnMut() -> bool) {
    let deadline = Instant::now() + SOON;
    while !is_true() {
        assert!(Instant::now() < deadline, "never: {what}");
        sleep(Duration::from_millis(10)).await;
    }
}

/// The living processes that carry the run's id.
fn processes(run: RunId) -> Vec<i32> {
    let needle = format!("GNOMON_RUN={run}");
    let pids = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|e| e.ok()?.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| {
        let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environ.split(|b| *b == 0).any(|v| v == needle.as_bytes())
    })
    .collect()
}

/// Reads output until it holds `text`.
async fn output_with(events: &mut mpsc::Receiver<ProcessEvent>, text: &str) -> String {
    let mut all = String::new();
    while !all.contains(text) {
        match timeout(SOON, events.recv()).await.expect("output comes") {
            Some(ProcessEvent::Output { data, .. }) => all += &String::from_utf8_lossy(&data),
            other => panic!("{other:?} instead of {text:?} after {all:?}"),
        }
    }
    all
}

#[tokio::test]
async fn a_script_has_its_streams_its_code_and_its_cost() {
    let bench = Bench::new();
    let ran = bench
        .shell("echo out; echo err >&2; i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; exit 3")
        .await;
    assert_eq!(
        (ran.out(), ran.stderr.as_slice(), ran.exit()),
        ("out", &b"err\n"[..], &Exit::Code(3))
    );
    let usage = ran.end.unwrap().1;
    assert!(usage.cpu_ms >= 20, "{usage:?}");
    assert!(
        (100_000..50_000_000).contains(&usage.memory_max_bytes),
        "{usage:?}"
    );
    assert_eq!(bench.launcher.running(), 0);
}

#[tokio::test]
async fn memory_is_the_largest_of_the_tree() {
    // A child counts what the process that started it was at its largest. That is this one,
    // in which other tests run: the script takes clearly more.
    let own = fs::read_to_string("/proc/self/status").unwrap();
    let own = own.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let own: u64 = own.trim().trim_end_matches(" kB").parse().unwrap();
    let bytes = 150_000_000 + 2 * own * 1024;
    let bench = Bench::new();
    let script = format!(
        "head -c {} /dev/zero | tail -c {bytes} | wc -c",
        bytes + 50_000_000
    );
    let ran = bench.shell(&script).await;
    assert_eq!(ran.out(), bytes.to_string());
    let peak = ran.end.unwrap().1.memory_max_bytes;
    assert!(peak > bytes / 16 * 15, "{peak} of {bytes}");
}

#[tokio::test]
async fn a_signal_is_told_from_a_code() {
    let ran = Bench::new().shell("kill -USR1 $$").await;
    assert_eq!(ran.exit(), &Exit::Signal(Number::SIGUSR1 as i32));
}

#[tokio::test]
async fn bytes_survive_in_both_directions() {
    let bench = Bench::new();
    let text = "a\u{0}ö\n".repeat(50_000);
    let ran = bench
        .run(Launch {
            stdin: Some(text.clone()),
            ..exec(&["cat"])
        })
        .await
        .unwrap();
    assert!(ran.stdout == text.as_bytes());
    let ran = bench
        .shell("i=0; while [ $i -lt 256 ]; do printf \"\\\\$(printf %03o $i)\"; i=$((i+1)); done")
        .await;
    assert_eq!(ran.stdout, (0..=255u8).collect::<Vec<_>>());
    assert_eq!(
        bench.shell("cat; echo end").await.out(),
        "end",
        "without a text there is nothing to read"
    );
}

#[tokio::test]
async fn the_environment_is_clean() {
    let bench = Bench::new();
    let mut job = exec(&["env"]);
    job.env = vec![("FOO".into(), "bar".into()), ("HOME".into(), "/x".into())];
    let run = job.run;
    let ran = bench.run(job).await.unwrap();
    let names: HashSet<&str> = ran
        .out()
        .lines()
        .filter_map(|l| Some(l.split_once('=')?.0))
        .collect();
    assert_eq!(
        names,
        HashSet::from([
            "PATH",
            "HOME",
            "USER",
            "LOGNAME",
            "SHELL",
            "LANG",
            "FOO",
            "GNOMON_RUN"
        ])
    );
    assert!(ran.out().contains("FOO=bar\n") || ran.out().ends_with("FOO=bar"));
    assert!(ran.out().contains("HOME=/x"), "a job's own wins");
    assert!(ran.out().contains(&format!("GNOMON_RUN={run}")));
}

#[tokio::test]
async fn users_and_groups_are_really_switched() {
    assert!(Uid::effective().is_root(), "run these tests as root");
    let bench = Bench::new();
    let nobody = User::from_name("nobody").unwrap().unwrap();
    let script = "id -u; id -g; id -G; echo $HOME $USER $LOGNAME; echo seen > /dev/stdout";
    let ran = bench
        .run(Launch {
            user: Some("nobody".into()),
            ..shell(script)
        })
        .await
        .unwrap();
    let home = nobody.dir.display();
    let expected = format!(
        "{0}\n{1}\n{1}\n{home} nobody nobody\nseen",
        nobody.uid, nobody.gid
    );
    assert_eq!(ran.out(), expected, "{}", String::from_utf8_lossy(&ran.stderr));

    // Supplementary groups as the host knows them; a group by name; a user by number.
    let daemon = User::from_name("daemon").unwrap().unwrap();
    let job = Launch {
        user: Some(daemon.uid.to_string()),
        group: Some("adm".into()),
        ..shell("id -un; id -gn; id -Gn")
    };
    let ran = bench.run(job).await.unwrap();
    let mut lines = ran.out().lines();
    assert_eq!((lines.next(), lines.next()), (Some("daemon"), Some("adm")));
    let groups: HashSet<&str> = lines.next().unwrap().split(' ').collect();
    assert!(groups.contains("adm") && !groups.contains("root"), "{groups:?}");

    let all = fs::read_to_string("/etc/group").unwrap();
    let member = all.lines().find_map(|l| {
        let fields: Vec<&str> = l.split(':').collect();
        let user = fields[3]
            .split(',')
            .find(|u| !u.is_empty() && User::from_name(u).is_ok_and(|u| u.is_some()))?;
        Some((fields[2].to_owned(), user.to_owned()))
    });
    let (gid, user) = member.expect("a user of this host is in a supplementary group");
    let ran = bench
        .run(Launch {
            user: Some(user),
            ..shell("id -G")
        })
        .await
        .unwrap();
    assert!(ran.out().split(' ').any(|g| g == gid), "{gid} in {}", ran.out());
}

#[tokio::test]
async fn what_is_missing_is_said() {
    let bench = Bench::new();
    let dir = bench.dir.path().join("script");
    fs::write(&dir, "#!/no/such/interpreter\n").unwrap();
    std::os::unix::fs::chown(&dir, Some(0), None).unwrap();
    fs::set_permissions(&dir, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let script = dir.to_str().unwrap();
    for (launch, expected) in [
        (
            exec(&["/no/such/program"]),
            "the program /no/such/program does not exist on this host",
        ),
        (
            exec(&["no-such-program"]),
            "the program `no-such-program` is not in any directory of PATH",
        ),
        (
            exec(&["/etc/passwd"]),
            "the program /etc/passwd may not be executed by the user `root`",
        ),
        (exec(&[script]), "the interpreter that it names is missing"),
        (
            Launch {
                dir: Some("/no/such/dir".into()),
                ..exec(&["true"])
            },
            "the directory /no/such/dir does not exist",
        ),
        (
            Launch {
                dir: Some("/etc/passwd".into()),
                ..exec(&["true"])
            },
            "the directory /etc/passwd cannot be entered",
        ),
        (
            Launch {
                dir: Some("/root".into()),
                user: Some("nobody".into()),
                ..exec(&["true"])
            },
            "the user `nobody` may not enter the directory /root",
        ),
        (
            Launch {
                user: Some("no-such-user".into()),
                ..exec(&["true"])
            },
            "there is no user `no-such-user`",
        ),
        (
            Launch {
                group: Some("no-such-group".into()),
                ..exec(&["true"])
            },
            "there is no group `no-such-group`",
        ),
        (
            Launch {
                user: Some("4123456789".into()),
                ..exec(&["true"])
            },
            "give `group`, too",
        ),
    ] {
        let run = launch.run;
        let error = bench.run(launch).await.unwrap_err();
        assert!(
            matches!(&error, StartError::Failed(why) if why.contains(expected)),
            "{error:?}, not {expected:?}"
        );
        assert_eq!(
            bench.launcher.was_started(run).await,
            Some(false),
            "a start that failed leaves no mark"
        );
    }
    assert_eq!(bench.launcher.running(), 0);
}

#[tokio::test]
async fn a_home_that_is_missing_is_no_obstacle() {
    let bench = Bench::new();
    let home = User::from_name("nobody").unwrap().unwrap().dir;
    let expected = if home.is_dir() { home } else { "/".into() };
    let ran = bench
        .run(Launch {
            user: Some("nobody".into()),
            ..exec(&["pwd"])
        })
        .await
        .unwrap();
    assert_eq!(Path::new(ran.out()), expected);
    let ran = bench
        .run(Launch {
            dir: Some("/usr".into()),
            ..exec(&["pwd"])
        })
        .await
        .unwrap();
    assert_eq!(ran.out(), "/usr");
}

#[tokio::test]
async fn output_is_seen_while_the_run_goes_on() {
    let bench = Bench::new();
    let job = shell("echo first; read never < /dev/tty || sleep 1000");
    let run = job.run;
    let (tx, mut rx) = mpsc::channel(16);
    bench.launcher.start(job, tx).await.unwrap();
    let begin = Instant::now();
    output_with(&mut rx, "first").await;
    assert!(begin.elapsed() < Duration::from_secs(1));
    assert!(!processes(run).is_empty());
    bench.launcher.signal(run, Signal::Kill).await;
    assert_eq!(
        timeout(SOON, Ran::collect(rx)).await.unwrap().exit(),
        &Exit::Signal(9)
    );
}

async fn who_ignores_term_is_killed(cgroups: bool) {
    let bench = Bench::with("", cgroups);
    let job = shell("trap '' TERM; echo ready; while :; do sleep 0.1; done");
    let run = job.run;
    let (tx, mut rx) = mpsc::channel(16);
    bench.launcher.start(job, tx).await.unwrap();
    output_with(&mut rx, "ready").await;
    bench.launcher.signal(run, Signal::Term).await;
    assert!(
        timeout(Duration::from_millis(300), rx.recv()).await.is_err(),
        "it goes on"
    );
    bench.launcher.signal(run, Signal::Kill).await;
    assert_eq!(
        timeout(SOON, Ran::collect(rx)).await.unwrap().exit(),
        &Exit::Signal(9)
    );
    assert_eq!(processes(run), Vec::<i32>::new());
}

#[tokio::test]
async fn who_ignores_term_is_killed_with_cgroup() {
    who_ignores_term_is_killed(true).await;
}

#[tokio::test]
async fn who_ignores_term_is_killed_without_cgroup() {
    who_ignores_term_is_killed(false).await;
}

/// A tree: children in the group, one in a session of its own, one orphaned, one that
/// ignores TERM; the first process itself ends at TERM.
const TREE: &str = r#"
    sleep 1000 & sleep 1000 &
    setsid sh -c 'trap "" TERM; while :; do sleep 0.1; done' &
    (setsid sh -c 'sleep 1000 & exec sleep 1000' &)
    sleep 0.2; echo ready; wait
"#;

async fn a_tree_is_killed_whole(cgroups: bool) {
    let bench = Bench::with("", cgroups);
    let job = shell(TREE);
    let run = job.run;
    let (tx, mut rx) = mpsc::channel(16);
    bench.launcher.start(job, tx).await.unwrap();
    output_with(&mut rx, "ready").await;
    until("the whole tree is there", || processes(run).len() >= 6).await;
    bench.launcher.signal(run, Signal::Term).await;
    until("all but the one that ignores TERM are gone", || {
        processes(run).len() <= 2
    })
    .await;
    let early = timeout(Duration::from_millis(300), rx.recv()).await;
    assert!(
        early.is_err(),
        "the end of a stopped run is the end of its last process: {early:?}"
    );
    bench.launcher.signal(run, Signal::Kill).await;
    let ran = timeout(SOON, Ran::collect(rx)).await.unwrap();
    assert_eq!(
        ran.exit(),
        &Exit::Signal(Number::SIGTERM as i32),
        "the first process ended by TERM"
    );
    assert_eq!(processes(run), Vec::<i32>::new());
}

#[tokio::test]
async fn a_tree_is_killed_whole_with_cgroup() {
    a_tree_is_killed_whole(true).await;
}

#[tokio::test]
async fn a_tree_is_killed_whole_without_cgroup() {
    a_tree_is_killed_whole(false).await;
}

async fn a_fork_bomb_is_killed(cgroups: bool) {
    let bench = Bench::with("", cgroups);
    // Each forks two and waits, to a depth that ends by itself should the kill fail.
    let script = r#"f() { [ $1 -gt 7 ] && sleep 20; f $(($1+1)) & f $(($1+1)) & wait; }; echo ready; f 0"#;
    let job = shell(script);
    let run = job.run;
    let (tx, mut rx) = mpsc::channel(16);
    bench.launcher.start(job, tx).await.unwrap();
    output_with(&mut rx, "ready").await;
    until("it forks", || processes(run).len() > 50).await;
    bench.launcher.signal(run, Signal::Kill).await;
    assert_eq!(
        timeout(SOON, Ran::collect(rx)).await.unwrap().exit(),
        &Exit::Signal(9)
    );
    assert_eq!(processes(run), Vec::<i32>::new());
}

#[tokio::test]
async fn a_fork_bomb_is_killed_with_cgroup() {
    a_fork_bomb_is_killed(true).await;
}

#[tokio::test]
async fn a_fork_bomb_is_killed_without_cgroup() {
    a_fork_bomb_is_killed(false).await;
}

#[tokio::test]
async fn a_daemon_left_behind_lives_on_and_delays_nothing() {
    let bench = Bench::new();
    let job = shell("(while :; do echo daemon; sleep 0.05; done) & echo pid $!");
    let run = job.run;
    let begin = Instant::now();
    let ran = bench.run(job).await.unwrap();
    assert_eq!(ran.exit(), &Exit::Code(0));
    assert!(begin.elapsed() < Duration::from_secs(4));
    assert!(ran.notes.contains("left behind"), "{:?}", ran.notes);
    let left = processes(run);
    assert!(!left.is_empty(), "it lives");
    for pid in left {
        let _ = kill(Pid::from_raw(pid), Number::SIGKILL);
    }
}

#[tokio::test]
async fn who_closes_its_output_still_ends() {
    let ran = Bench::new()
        .shell("echo before; exec >&- 2>&-; sleep 0.3; exit 4")
        .await;
    assert_eq!((ran.out(), ran.exit()), ("before", &Exit::Code(4)));
}

#[tokio::test]
async fn a_flood_waits_for_its_reader_and_for_nobody_else() {
    let bench = Bench::new();
    let job = shell("head -c 100M /dev/zero; echo done >&2");
    let (tx, rx) = mpsc::channel(4);
    bench.launcher.start(job, tx).await.unwrap();
    until("pieces wait for their reader", || rx.len() == 4).await;
    // Nobody reads, and others run.
    for _ in 0..20 {
        assert_eq!(bench.shell("echo x").await.out(), "x");
    }
    assert_eq!(rx.len(), 4);
    let ran = timeout(SOON, Ran::collect(rx)).await.unwrap();
    assert_eq!(ran.stdout.len(), 100 << 20);
    assert_eq!(
        (ran.stderr.as_slice(), ran.exit()),
        (&b"done\n"[..], &Exit::Code(0))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_short_processes_at_once() {
    let bench = Arc::new(Bench::new());
    let mut all = tokio::task::JoinSet::new();
    for n in 0..500i32 {
        let bench = bench.clone();
        all.spawn(async move {
            let ran = bench.shell(&format!("echo {n}; exit {}", n % 200)).await;
            assert_eq!(
                (ran.out(), ran.exit()),
                (n.to_string().as_str(), &Exit::Code(n % 200))
            );
        });
    }
    while let Some(result) = timeout(Duration::from_secs(60), all.join_next())
        .await
        .expect("all end")
    {
        result.unwrap();
    }
    assert_eq!(bench.launcher.running(), 0);
    // Nothing of this launcher's is left as a zombie. (Other tests of this process have
    // children of their own, which are none once they have ended.)
    until("no zombies", || zombies() == 0).await;
}

fn zombies() -> usize {
    let own = std::process::id().to_string();
    let stats = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|e| fs::read_to_string(e.ok()?.path().join("stat")).ok());
    stats
        .filter(|stat| {
            let mut fields = stat.rsplit(')').next().unwrap_or("").split_ascii_whitespace();
            fields.next() == Some("Z") && fields.next() == Some(&own)
        })
        .count()
}

#[tokio::test]
async fn a_mark_tells_what_was_started() {
    let bench = Bench::new();
    let job = exec(&["true"]);
    let run = job.run;
    assert_eq!(bench.launcher.was_started(run).await, Some(false));
    bench.run(job).await.unwrap();
    assert_eq!(bench.launcher.was_started(run).await, Some(true));
    assert_eq!(bench.launcher.process_of(run).await, None, "it is gone");
    let other = open(bench.dir.path(), "", false);
    assert_eq!(other.was_started(run).await, Some(true), "the next agent knows");
    other.forget(run).await;
    assert_eq!(bench.launcher.was_started(run).await, Some(false));
    // Of what was due before the host started, nobody knows.
    let old = RunId::new(shared::time::Time::from_secs(1_000_000), 7);
    assert_eq!(bench.launcher.was_started(old).await, None);
}

#[tokio::test]
async fn a_run_starts_once() {
    let bench = Bench::new();
    let job = shell("sleep 1000");
    let run = job.run;
    let (tx, rx) = mpsc::channel(16);
    bench.launcher.start(job.clone(), tx.clone()).await.unwrap();
    assert!(
        matches!(bench.launcher.start(job, tx).await, Err(StartError::Failed(why)) if why.contains("already"))
    );
    bench.launcher.signal(run, Signal::Kill).await;
    timeout(SOON, Ran::collect(rx)).await.unwrap();
}

#[tokio::test]
async fn the_policy_is_applied() {
    let bench = Bench::with(
        "allow_root = false\n[commands]\nallow = ['/bin/', '/usr/bin/']\n[limits]\nmax_concurrent = 1",
        true,
    );
    let as_nobody = |launch: Launch| Launch {
        user: Some("nobody".into()),
        ..launch
    };
    for (launch, rule) in [
        (shell("true"), "commands.shell"),
        (exec(&["/bin/true"]), "allow_root"),
    ] {
        let error = bench.run(launch).await.unwrap_err();
        assert!(
            matches!(&error, StartError::Rejected(why) if why.contains(rule)),
            "{error:?}"
        );
    }
    let (tx, rx) = mpsc::channel(16);
    let sleeper = as_nobody(exec(&["/bin/sleep", "1000"]));
    let run = sleeper.run;
    bench.launcher.start(sleeper, tx).await.unwrap();
    let error = bench.run(as_nobody(exec(&["/bin/true"]))).await.unwrap_err();
    assert!(
        matches!(&error, StartError::Rejected(why) if why.contains("max_concurrent")),
        "{error:?}"
    );
    bench.launcher.signal(run, Signal::Term).await;
    let ran = timeout(SOON, Ran::collect(rx)).await.unwrap();
    assert_eq!(ran.exit(), &Exit::Signal(Number::SIGTERM as i32));
}

/// Runs another test of this program, marked `ignore`, in a process of its own.
#[allow(
    clippy::disallowed_methods,
    reason = "an agent that dies needs a process of its own"
)]
fn inner(test: &str) -> std::process::Command {
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"]);
    command
}

#[tokio::test]
async fn the_next_agent_takes_over_a_process() {
    let dir = tempfile::tempdir().unwrap();
    let go = dir.path().join("go");
    let job = shell("");
    let mut old = inner("inner_old_agent")
        .env("INNER_DIR", dir.path())
        .env("INNER_RUN", job.run.to_string())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let marks = dir.path().join("marks");
    until("the old agent has read the first line", || {
        dir.path().join("seen").exists()
    })
    .await;
    old.kill().unwrap();
    old.wait().unwrap();

    let launcher = open(&marks, "", false);
    assert_eq!(launcher.was_started(job.run).await, Some(true));
    let process = launcher.process_of(job.run).await.expect("it lives on");
    let (tx, rx) = mpsc::channel(16);
    let other = agent::parts::ProcessId {
        started_ticks: process.started_ticks + 1,
        ..process
    };
    assert!(
        !launcher.adopt(job.run, other, tx.clone()).await,
        "another process with the same number"
    );
    assert!(launcher.adopt(job.run, process, tx).await);
    fs::write(&go, "").unwrap();
    let ran = timeout(SOON, Ran::collect(rx)).await.unwrap();
    // What it wrote while there was no agent is there, and nothing of it twice.
    assert_eq!(ran.out(), "while away\nlast words");
    // Linux before 6.15 may not tell how another's child ended, once that is reaped.
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release.split(['.', '-']).map(|n| n.parse::<u32>().unwrap_or(0));
    let tells = (numbers.next(), numbers.next()) >= (Some(6), Some(15));
    assert!(
        ran.exit() == &Exit::Code(7) || !tells && ran.exit() == &Exit::Unknown,
        "{:?}",
        ran.exit()
    );
    assert!(
        !launcher.adopt(job.run, process, mpsc::channel(1).0).await,
        "it is gone"
    );
}

#[tokio::test]
#[ignore = "the old agent of the_next_agent_takes_over_a_process"]
async fn inner_old_agent() {
    let dir = std::env::var("INNER_DIR").unwrap();
    let launcher = open(&Path::new(&dir).join("marks"), "", false);
    let script = format!(
        "echo first; while [ ! -e {dir}/seen ]; do sleep 0.02; done; sleep 0.5
         echo while away; while [ ! -e {dir}/go ]; do sleep 0.02; done; echo last words; exit 7"
    );
    let run = std::env::var("INNER_RUN").unwrap().parse().unwrap();
    let (tx, mut rx) = mpsc::channel(16);
    launcher
        .start(
            Launch {
                run,
                ..shell(&script)
            },
            tx,
        )
        .await
        .unwrap();
    output_with(&mut rx, "first").await;
    fs::write(format!("{dir}/seen"), "").unwrap();
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn the_first_process_of_a_container_reaps_what_it_inherits() {
    #[allow(
        clippy::disallowed_methods,
        reason = "as the first process of a new PID namespace"
    )]
    let mut command = std::process::Command::new("unshare");
    command.args(["--pid", "--fork", "--mount-proc", "--kill-child"]);
    command.arg(std::env::current_exe().unwrap());
    let output = command
        .args(["--exact", "inner_first_process", "--ignored", "--nocapture"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[tokio::test]
#[ignore = "the agent of the_first_process_of_a_container_reaps_what_it_inherits"]
async fn inner_first_process() {
    assert_eq!(std::process::id(), 1);
    let bench = Bench::with("", false);
    assert_eq!(
        bench
            .shell("(setsid sleep 0.3 >/dev/null 2>&1 &); echo left")
            .await
            .out(),
        "left"
    );
    until("what was left behind has ended", || zombies() == 1).await;
    until("and is reaped", || zombies() == 0).await;
    // What it starts itself it does not take from itself.
    assert_eq!(bench.shell("sleep 0.1; exit 9").await.exit(), &Exit::Code(9));
}

#[tokio::test]
async fn an_agent_that_is_not_root_says_what_it_may_not() {
    use std::os::unix::process::CommandExt;
    let dir = tempfile::tempdir().unwrap();
    let nobody = User::from_name("nobody").unwrap().unwrap();
    std::os::unix::fs::chown(dir.path(), Some(nobody.uid.as_raw()), None).unwrap();
    // The program may lie where nobody may go.
    let program = dir.path().join("test");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    #[allow(clippy::disallowed_methods, reason = "as another user")]
    let mut command = std::process::Command::new(program);
    command
        .args(["--exact", "inner_not_root", "--ignored", "--nocapture"])
        .env("INNER_DIR", dir.path());
    let output = command
        .uid(nobody.uid.as_raw())
        .gid(nobody.gid.as_raw())
        .current_dir("/")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[tokio::test]
#[ignore = "the agent of an_agent_that_is_not_root_says_what_it_may_not"]
async fn inner_not_root() {
    use nix::sys::resource::{Resource, setrlimit};
    let dir = std::env::var("INNER_DIR").unwrap();
    let bench = Bench {
        launcher: open(&Path::new(&dir).join("marks"), "", true),
        dir: tempfile::tempdir().unwrap(),
    };
    assert_eq!(bench.shell("id -un").await.out(), "nobody");
    let itself = Launch {
        user: Some("nobody".into()),
        ..shell("echo me")
    };
    assert_eq!(bench.run(itself).await.unwrap().out(), "me");
    for launch in [
        Launch {
            user: Some("root".into()),
            ..shell("id")
        },
        Launch {
            group: Some("root".into()),
            ..shell("id")
        },
    ] {
        let error = bench.run(launch).await.unwrap_err();
        assert!(
            matches!(&error, StartError::Rejected(why) if why.contains("runs as `nobody`")),
            "{error:?}"
        );
    }
    setrlimit(Resource::RLIMIT_NPROC, 0, 0).unwrap();
    let error = bench.run(shell("true")).await.unwrap_err();
    assert!(
        matches!(&error, StartError::Failed(why) if why.contains("too many")),
        "{error:?}"
    );
}

fn http(url: &str) -> Launch {
    launch(Action::Http(HttpRequest {
        method: "GET".into(),
        url: url.into(),
        headers: [].into(),
        body: None,
    }))
}

#[tokio::test]
async fn requests_follow_redirects_and_keep_secrets() {
    let url = serve(|line, all| {
        let path = line.split(' ').nth(1).unwrap_or("");
        match path {
            "/fail" => reply("503 Service Unavailable", "", "not now"),
            "/never" => String::new(),
            "/echo" => reply("200 OK", "", all),
            "/loop" => reply("302 Found", "location: /loop\r\n", ""),
            "/away" => reply("302 Found", "location: http://forbidden.example/\r\n", ""),
            _ => match path.strip_prefix("/hop/").map(|n| n.parse::<u32>().unwrap()) {
                Some(0) => reply("200 OK", "", "there"),
                Some(n) => reply(
                    "307 Temporary Redirect",
                    &format!("location: /hop/{}\r\n", n - 1),
                    "",
                ),
                None => reply("404 Not Found", "", ""),
            },
        }
    })
    .await;
    let bench = Bench::with("[http]\ndeny = ['http://forbidden.example']", false);
    let get = |path: &str| http(&format!("{url}{path}"));

    let ran = bench.run(get("/fail")).await.unwrap();
    assert_eq!((ran.out(), ran.exit()), ("not now", &Exit::Code(503)));
    assert_eq!(bench.run(get("/hop/10")).await.unwrap().out(), "there");
    let mut post = get("/echo");
    post.action = Action::Http(HttpRequest {
        method: "POST".into(),
        url: format!("{url}/echo"),
        headers: [("x-key".to_owned(), "value".to_owned())].into(),
        body: Some("the body".into()),
    });
    let ran = bench.run(post).await.unwrap();
    assert!(
        ran.out().starts_with("POST /echo") && ran.out().contains("x-key: value"),
        "{}",
        ran.out()
    );

    for (launch, expected) in [
        (get("/hop/11"), "more than 10 redirects"),
        (get("/loop"), "more than 10 redirects"),
        (get("/away"), "http.deny"),
        (http("http://user:secret@127.0.0.1:1/?token=secret"), "refused"),
    ] {
        let ran = bench.run(launch).await.unwrap();
        let Exit::Http(why) = ran.exit() else {
            panic!("{ran:?}")
        };
        assert!(why.contains(expected), "{why:?}, not {expected:?}");
        assert!(!why.contains("secret"), "{why}");
    }

    let job = get("/never");
    let run = job.run;
    let (tx, rx) = mpsc::channel(16);
    let started = bench.launcher.start(job, tx).await.unwrap();
    assert!(started.process.is_none());
    assert_eq!(bench.launcher.was_started(run).await, Some(true));
    bench.launcher.signal(run, Signal::Term).await;
    assert_eq!(
        timeout(SOON, Ran::collect(rx)).await.unwrap().exit(),
        &Exit::Http("the request was given up".into())
    );
}

#[tokio::test]
async fn a_jobs_headers_stay_with_the_server_that_they_are_for() {
    let other = serve(|_, all| reply("200 OK", "", all)).await;
    let away = other.clone();
    let url = serve(move |line, all| match line.split(' ').nth(1).unwrap_or("") {
        "/echo" => reply("200 OK", "", all),
        "/stay" => reply("307 Temporary Redirect", "location: /echo\r\n", ""),
        "/see" => reply("303 See Other", "location: /echo\r\n", ""),
        path => {
            let status = &path[1..];
            reply(
                &format!("{status} Away"),
                &format!("location: {away}/echo\r\n"),
                "",
            )
        }
    })
    .await;
    let bench = Bench::new();
    let own = [
        "x-api-key: one",
        "authorization: two",
        "cookie: three",
        "host: four",
    ];
    for (from, line, gets) in [
        ("echo", "POST", true),
        ("stay", "POST", true),
        ("see", "GET", true),
        ("301", "GET", false),
        ("302", "GET", false),
        ("303", "GET", false),
        ("307", "POST", false),
        ("308", "POST", false),
    ] {
        let split = |header: &&str| {
            let (name, value) = header.split_once(": ").unwrap();
            (name.to_owned(), value.to_owned())
        };
        let request = HttpRequest {
            method: "POST".into(),
            url: format!("{url}/{from}"),
            headers: own.iter().chain(&["content-type: text/x"]).map(split).collect(),
            body: Some("the body".into()),
        };
        let ran = bench.run(launch(Action::Http(request))).await.unwrap();
        let (out, is_post) = (ran.out(), line == "POST");
        assert!(out.starts_with(line), "{from}: {out}");
        assert_eq!(out.contains("the body"), is_post, "{from}: {out}");
        assert_eq!(out.contains("content-type: text/x"), is_post, "{from}: {out}");
        for header in own {
            assert_eq!(out.contains(header), gets, "{from}, {header}: {out}");
        }
        assert!(!out.contains("referer"), "{from}: {out}");
    }
}

#[tokio::test]
async fn a_request_takes_as_long_as_it_takes() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let bench = Bench::new();
    let job = http(&format!("http://{}", listener.local_addr().unwrap()));
    let (tx, rx) = mpsc::channel(16);
    bench.launcher.start(job, tx).await.unwrap();
    let (mut socket, _) = timeout(SOON, listener.accept()).await.unwrap().unwrap();
    timeout(SOON, socket.read(&mut [0; 4096])).await.unwrap().unwrap();
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(48 * 3600)).await;
    tokio::time::resume();
    socket
        .write_all(reply("200 OK", "", "at last").as_bytes())
        .await
        .unwrap();
    let ran = timeout(SOON, Ran::collect(rx)).await.unwrap();
    assert_eq!((ran.out(), ran.exit()), ("at last", &Exit::Code(200)));
}

/// Until it executes its program, a process shares the agent's memory: nothing of what it
/// sets up may be the agent's then, and nothing of the agent's its own.
async fn a_process_and_its_agent_keep_to_themselves(cgroups: bool) {
    let bench = Bench::with("", cgroups);
    let mine = |what: &str| {
        let status = fs::read_to_string("/proc/thread-self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with(what)).unwrap();
        line.to_owned()
    };
    let masks = ["SigBlk", "SigIgn", "Umask", "Uid"];
    let before = masks.map(mine);
    let here = std::env::current_dir().unwrap();
    let script = "cat /proc/self/status | grep -E '^Sig(Blk|Ign|Cgt)'; pwd; id -u";
    // Starts that come to something and starts that do not, at the same time.
    let mut all = tokio::task::JoinSet::new();
    for n in 0..60 {
        let launcher = bench.launcher.clone();
        let mut one = if n % 3 == 0 {
            exec(&["/no/such/program"])
        } else {
            shell(script)
        };
        (one.user, one.dir) = (Some("nobody".into()), Some("/tmp".into()));
        all.spawn(async move {
            let (tx, rx) = mpsc::channel(16);
            match launcher.start(one, tx).await {
                Ok(_) => Some(timeout(SOON, Ran::collect(rx)).await.expect("it ends")),
                Err(error) => {
                    assert!(error.to_string().contains("does not exist"), "{error}");
                    None
                }
            }
        });
    }
    let mut ran = 0;
    while let Some(one) = all.join_next().await {
        let Some(one) = one.unwrap() else { continue };
        let lines: Vec<&str> = one.out().lines().collect();
        let bits = |line: &str| u64::from_str_radix(line.split_whitespace().nth(1).unwrap(), 16).unwrap();
        let told = [1, 2, 3, 13, 15, 17].map(|signal| 1 << (signal - 1));
        assert_eq!(bits(lines[0]), 0, "nothing is blocked: {lines:?}");
        assert_eq!(bits(lines[1]) & told.iter().sum::<u64>(), 0, "{lines:?}");
        assert_eq!(bits(lines[2]), 0, "{lines:?}");
        assert_eq!(&lines[3..], ["/tmp", "65534"]);
        ran += 1;
    }
    assert_eq!(ran, 40);
    assert_eq!(masks.map(mine), before);
    assert_eq!(std::env::current_dir().unwrap(), here);
}

/// Opens a file as those do who mean it to be passed on.
fn open_for_all(path: &Path) -> std::os::fd::OwnedFd {
    use nix::fcntl::{OFlag, open};
    fs::write(path, "").unwrap();
    open(path, OFlag::O_RDONLY, nix::sys::stat::Mode::empty()).unwrap()
}

#[tokio::test]
async fn a_process_gets_three_streams_and_nothing_else_that_is_open() {
    for cgroups in [true, false] {
        let bench = Bench::with("", cgroups);
        let lock = bench.dir.path().join("lock");
        let _held = open_for_all(&lock);
        // The fourth is the list's own.
        let ran = bench.run(exec(&["ls", "-l", "/proc/self/fd"])).await.unwrap();
        assert_eq!(ran.out().matches(" -> ").count(), 4, "{}", ran.out());
        assert!(!ran.out().contains("lock"), "{}", ran.out());
    }
}

#[tokio::test]
async fn what_an_agent_inherits_is_not_passed_on_by_old_kernels_either() {
    use nix::fcntl::{FcntlArg, fcntl};
    let dir = tempfile::tempdir().unwrap();
    let inherited = open_for_all(&dir.path().join("lock"));
    let _launcher = open(dir.path(), "", false);
    let flags = fcntl(&inherited, FcntlArg::F_GETFD).unwrap();
    assert_eq!(flags, nix::libc::FD_CLOEXEC);
}

#[tokio::test]
async fn a_process_and_its_agent_keep_to_themselves_with_cgroup() {
    a_process_and_its_agent_keep_to_themselves(true).await;
}

#[tokio::test]
async fn a_process_and_its_agent_keep_to_themselves_without_cgroup() {
    a_process_and_its_agent_keep_to_themselves(false).await;
}
