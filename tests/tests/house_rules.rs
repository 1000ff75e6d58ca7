//! What the owner of a host or an instance says: the policy file, the password, what is kept;
//! and what a start says of itself.

use std::{fs, os::unix::fs::PermissionsExt};

use gnomon_tests::{Cli, Scratch, Standalone, cli::text, cluster::password_in, etcd::http_get, wait::SOON};

const POLICY: &str = "\
[users]
deny = [\"nobody\"]
[commands]
deny = [\"/usr/bin/false\"]
";

#[test]
fn what_the_hosts_policy_forbids_ends_rejected() {
    let house = Scratch::new("house");
    let policy = house.file("policy.toml", POLICY);
    let mode = |mode| fs::set_permissions(&policy, fs::Permissions::from_mode(mode)).unwrap();
    mode(0o644);
    let mut instance = Standalone::start_with(&["--policy", &policy.display().to_string()]);
    instance.cli.apply(
        "name: as-nobody\nrun: {shell: 'true', user: nobody}\nretry: {attempts: 3, backoff: 1s}\n---\n\
         name: forbidden\nrun: {exec: [/usr/bin/false]}\n---\n\
         name: fine\nrun: {shell: 'true'}\n",
    );
    for (job, rule) in [
        ("default/as-nobody", "nobody"),
        ("default/forbidden", "/usr/bin/false"),
    ] {
        instance.cli.run(&["job", "run", job, "--wait"]).failed(1);
        let runs = instance.cli.runs(job);
        assert_eq!(runs.len(), 1, "a refusal is not tried again: {runs:#?}");
        assert_eq!(text(&runs[0], "state"), "rejected", "{runs:#?}");
        assert!(text(&runs[0], "reason").contains(rule), "{runs:#?}");
    }
    instance.cli.ok(&["job", "run", "default/fine", "--wait"]);

    // A file that others may write says nothing that can be trusted.
    instance.process.terminate(SOON);
    mode(0o666);
    instance.process.start();
    assert!(!instance.process.ended(SOON).success());
    let log = instance.process.log();
    assert!(log.contains("policy.toml"), "{log}");
}

#[test]
fn a_password_is_changed_and_only_the_new_one_holds() {
    let instance = Standalone::start();
    let first = password_in(&instance.process.log()).expect("the first start shows a password");
    let home = Scratch::new("person");
    let person = Cli::at_home(home.path().to_owned());
    let url = instance.port.url();
    let log_in = |args: &[&str], typed: &str| {
        let args = [&["login", "--url", &url], args].concat();
        person.run_with(&args, typed)
    };
    let second = "correct horse battery staple";
    let change = ["--change-password"];

    log_in(&change, &format!("wrong\n{second}\n")).failed(5);
    // Too short to hold: refused, and the old one still does.
    log_in(&change, &format!("{first}\nab\n")).failed(2);
    let done = log_in(&change, &format!("{first}\n{second}\n"));
    assert_eq!(done.code, 0, "{}", done.stderr);
    // It logged in as well: the person's own command line works.
    person.ok(&["job", "ls"]);
    log_in(&[], &format!("{first}\n")).failed(5);
    assert_eq!(log_in(&[], &format!("{second}\n")).code, 0);
    // What the start of the instance left for its own user goes on.
    instance.cli.ok(&["job", "ls"]);
}

#[test]
fn a_first_start_is_ready_when_it_says_so_and_has_nothing_to_complain_of() {
    let mut instance = Standalone::prepare(&["--keep-runs", "5000", "--keep-days", "30"]);
    instance.process.start();
    let port = instance.port.number();
    instance.process.ready(SOON, || {
        http_get(port, "/readyz").is_some_and(|body| body.contains("node: ok"))
    });
    // At once, without waiting for anything more.
    let nodes = instance.cli.json(&["node", "ls"]);
    assert_eq!(text(&nodes[0], "state"), "ready", "{nodes:#}");
    instance.cli.apply("name: hello\nrun: {shell: 'echo hello'}\n");
    instance.cli.ok(&["job", "run", "default/hello", "--wait"]);
    let log = instance.process.log();
    // Its agent is new to its master for a moment; that is nobody's trouble.
    assert!(!log.contains("reports wait") && !log.contains("ERROR"), "{log}");

    // Killed, its lease still stands for a while: it is ready when it is there again.
    instance.process.kill();
    instance.process.start();
    instance
        .process
        .ready(SOON, || http_get(port, "/readyz").is_some());
    instance.cli.ok(&["job", "run", "default/hello", "--wait"]);
    instance.process.terminate(SOON);

    // Nothing at all may be kept by mistake.
    let none = instance.cli.run(&["standalone", "--keep-runs", "0"]);
    assert!(none.failed(2).contains("--keep-runs"));
}

/// Needs no server. What programs read is the same with and without another zone.
#[test]
fn next_is_an_array_for_programs_and_a_table_for_people() {
    let home = Scratch::new("person");
    let cli = Cli::at_home(home.path().to_owned());
    let ask = |first: &[&str], expression: &str| {
        let zone = [
            "--timezone",
            "Europe/Berlin",
            "--from",
            "2027-03-27T12:00:00Z",
            "--count",
            "2",
        ];
        cli.run(&[&["next"], first, &zone, &["--", expression]].concat())
    };
    let json = "[\n  \"2027-03-28T03:00:00+02:00\",\n  \"2027-03-29T02:30:00+02:00\"\n]\n";
    assert_eq!(ask(&["-o", "json"], "30 2 * * *").stdout, json);
    assert_eq!(
        ask(&["-o", "json", "--also", "Asia/Tokyo"], "30 2 * * *").stdout,
        json
    );
    assert_eq!(ask(&["-o", "json"], "0 0 0 1 1 * 2020").stdout, "[]\n");
    assert_eq!(
        ask(&["--also", "Asia/Tokyo"], "30 2 * * *").stdout,
        "\
Europe/Berlin              Asia/Tokyo
-- Europe/Berlin: clocks go forward 1 h at 2027-03-28 02:00
2027-03-28T03:00:00+02:00  2027-03-28T10:00:00+09:00  stands for 02:30, which the clocks jump over
2027-03-29T02:30:00+02:00  2027-03-29T09:30:00+09:00
"
    );
    assert!(
        ask(&["--also", "Asia/Tokio"], "30 2 * * *")
            .failed(2)
            .contains("Asia/Tokyo")
    );
    assert!(
        ask(&[], "0 0 * * 8")
            .failed(2)
            .contains("day of week: 8 is out of 0-7, at column 9")
    );
}
