//! The host's policy: what it refuses, and when its file is not to be trusted.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use agent::{
    parts::Launch,
    policy::{Policy, PolicyError},
};
use shared::{
    id::RunId,
    job::{Action, HttpRequest},
};

fn launch(action: Action) -> Launch {
    Launch {
        run: RunId::from_u128(1),
        action,
        user: None,
        group: None,
        dir: None,
        env: Vec::new(),
        stdin: None,
    }
}

fn exec(program: &str) -> Launch {
    launch(Action::Exec(vec![program.into(), "argument".into()]))
}

fn shell() -> Launch {
    launch(Action::Shell("true".into()))
}

fn user(name: &str) -> Launch {
    Launch {
        user: Some(name.into()),
        ..shell()
    }
}

fn group(name: &str) -> Launch {
    Launch {
        group: Some(name.into()),
        ..shell()
    }
}

fn dir(name: &str) -> Launch {
    Launch {
        dir: Some(name.into()),
        ..shell()
    }
}

fn env(name: &str) -> Launch {
    Launch {
        env: vec![(name.into(), "x".into())],
        ..exec("/usr/bin/env")
    }
}

fn http(url: &str) -> Launch {
    launch(Action::Http(HttpRequest {
        method: "GET".into(),
        url: url.into(),
        headers: [].into(),
        body: None,
    }))
}

#[test]
fn rules_refuse_and_say_which() {
    for (policy, launch, refusal) in [
        ("", user("root"), None),
        ("", shell(), None),
        ("allow_root = false", shell(), Some("allow_root")),
        ("allow_root = false", user("root"), Some("allow_root")),
        ("allow_root = false", user("0"), Some("allow_root")),
        ("allow_root = false", user("daemon"), None),
        (
            "allow_root = false",
            Launch {
                group: Some("root".into()),
                ..user("daemon")
            },
            Some("allow_root"),
        ),
        (
            "allow_root = false",
            Launch {
                group: Some("0".into()),
                ..user("daemon")
            },
            Some("allow_root"),
        ),
        ("users.allow = ['daemon', 'app-*']", user("daemon"), None),
        ("users.allow = ['daemon', 'app-*']", user("app-1"), None),
        (
            "users.allow = ['daemon']",
            user("nobody"),
            Some("users.allow: `nobody`"),
        ),
        ("users.allow = ['daemon']", user("65534"), Some("users.allow")),
        ("users.allow = ['daemon']", shell(), Some("users.allow: `root`")),
        (
            "users.deny = ['nobody']",
            user("nobody"),
            Some("users.deny: `nobody`"),
        ),
        // By its number it is the same user.
        (
            "users.deny = ['nobody']",
            user("65534"),
            Some("users.deny: `nobody`"),
        ),
        (
            "users.allow = ['*']\nusers.deny = ['root']",
            shell(),
            Some("users.deny: `root`"),
        ),
        ("groups.deny = ['adm']", group("adm"), Some("groups.deny: `adm`")),
        ("groups.deny = ['adm']", group("4"), Some("groups.deny: `adm`")),
        ("groups.deny = ['adm']", shell(), None),
        ("commands.shell = false", shell(), Some("commands.shell")),
        ("commands.shell = false", exec("true"), None),
        ("commands.allow = ['/usr/bin/']", shell(), Some("commands.shell")),
        (
            "commands.shell = true\ncommands.allow = ['/usr/bin/']",
            shell(),
            None,
        ),
        ("commands.allow = ['/usr/bin/r*']", exec("/usr/bin/rsync"), None),
        (
            "commands.allow = ['/usr/bin/r*']",
            exec("/usr/bin/../bin/rm"),
            Some("absolute path"),
        ),
        (
            "commands.allow = ['/usr/bin/r*']",
            exec("rsync"),
            Some("absolute path"),
        ),
        (
            "commands.allow = ['/usr/bin/r*']",
            exec("/usr/bin/env"),
            Some("commands.allow: `/usr/bin/env`"),
        ),
        ("commands.allow = ['/usr/bin/env']", env("FOO"), None),
        (
            "commands.allow = ['/usr/bin/env']",
            env("LD_PRELOAD"),
            Some("LD_PRELOAD"),
        ),
        (
            "commands.allow = ['/usr/bin/env']",
            env("BASH_ENV"),
            Some("BASH_ENV"),
        ),
        (
            "commands.deny = ['/usr/bin/env']",
            exec("/usr/bin/env"),
            Some("commands.deny"),
        ),
        ("commands.deny = ['/usr/bin/env']", exec("/usr/bin/true"), None),
        ("dirs.allow = ['/srv/', '/usr']", dir("/srv"), None),
        ("dirs.allow = ['/srv/', '/usr']", dir("/usr"), None),
        (
            "dirs.allow = ['/srv/', '/usr']",
            dir("/usr/share"),
            Some("dirs.allow"),
        ),
        ("dirs.allow = ['/srv/']", dir("/srv/../etc"), Some("without `..`")),
        ("dirs.allow = ['/srv/']", shell(), None),
        ("dirs.deny = ['/etc/']", dir("/etc"), Some("dirs.deny")),
        (
            "http.allow = ['https://*.example.com/*']",
            http("https://a.example.com/x"),
            None,
        ),
        (
            "http.allow = ['https://*.example.com/*']",
            http("https://evil.com/?a.example.com/"),
            Some("http.allow"),
        ),
        ("http.allow = []", http("http://localhost/"), Some("http.allow")),
        (
            "http.deny = ['*://169.254.169.254']",
            http("http://169.254.169.254/latest"),
            Some("http.deny"),
        ),
        // A request is no process: what is said of users does not matter to it.
        (
            "allow_root = false\ncommands.shell = false",
            http("http://localhost/"),
            None,
        ),
    ] {
        let result = Policy::parse(policy).unwrap().check(&launch);
        match refusal {
            None => assert_eq!(result, Ok(()), "{policy} {launch:?}"),
            Some(text) => {
                let why = result.expect_err(&format!("{policy} {launch:?}"));
                assert!(why.contains(text), "{policy}: {why:?}, not {text:?}");
            }
        }
    }
}

#[test]
fn a_link_to_a_forbidden_program_is_forbidden() {
    let dir = tempfile::tempdir().unwrap();
    let real = dir.path().join("real");
    fs::write(&real, "").unwrap();
    let link = dir.path().join("link");
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let real = fs::canonicalize(&real).unwrap();
    let policy = Policy::parse(&format!("commands.deny = ['{}']", real.display())).unwrap();
    assert!(
        policy
            .check(&exec(link.to_str().unwrap()))
            .unwrap_err()
            .contains("commands.deny")
    );
}

#[test]
fn secrets_in_urls_are_not_repeated() {
    let policy = Policy::parse("http.allow = []").unwrap();
    let why = policy
        .check(&http("http://me:secret@localhost:81/path?token=secret"))
        .unwrap_err();
    assert!(
        why.contains("http://localhost:81/path") && !why.contains("secret"),
        "{why}"
    );
}

#[test]
fn limits() {
    let policy = Policy::parse("[limits]\nmax_concurrent = 3\nmax_timeout = '1h'").unwrap();
    assert_eq!(policy.max_concurrent(), Some(3));
    assert_eq!(policy.max_timeout(), Some(std::time::Duration::from_secs(3600)));
    assert_eq!(Policy::default().max_timeout(), None);
}

#[test]
fn mistakes_are_errors_that_say_where() {
    for (text, expected) in [
        ("allow_rot = false", "allow_rot"),
        ("[users]\nalow = []", "line 2"),
        ("[commands]\nallow = ['rsync']", "absolute path"),
        ("[http]\nallow = ['example.com']", "pattern for URLs"),
        ("[limits]\nmax_timeout = 5", "unit"),
        ("[limits]\nmax_concurrent = 0", "max_concurrent"),
        ("users = 5", "line 1"),
        ("= =", "line 1"),
    ] {
        let why = Policy::parse(text).unwrap_err();
        assert!(why.contains(expected), "{text}: {why:?}, not {expected:?}");
    }
}

#[test]
fn the_sample_is_right_and_each_line_of_it_too() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/policy.toml");
    let sample = fs::read_to_string(path).unwrap();
    assert_eq!(
        Policy::parse(&sample).unwrap().check(&user("root")),
        Ok(()),
        "as it is, it restricts nothing"
    );
    let example = |line: &str| {
        line.strip_prefix("# ")
            .filter(|l| l.contains(" = ") && !l.contains('`'))
            .map(str::to_owned)
    };
    let all: String = sample
        .lines()
        .map(|line| example(line).unwrap_or(line.to_owned()) + "\n")
        .collect();
    let policy = Policy::parse(&all).unwrap();
    assert_eq!(policy.max_concurrent(), Some(64));
    assert!(policy.check(&shell()).is_err());
}

#[test]
fn a_file_that_others_may_write_is_not_trusted() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("policy.toml");
    let load = || Policy::load(Some(&path));
    assert!(
        matches!(load(), Err(PolicyError::Unreadable { .. })),
        "a file that is named must be there"
    );
    fs::write(&path, "limits.max_concurrent = 7").unwrap();
    let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    set(&path, 0o644);
    assert_eq!(load().unwrap().max_concurrent(), Some(7));
    for mode in [0o664, 0o646, 0o666] {
        set(&path, mode);
        let error = load().unwrap_err();
        assert!(matches!(error, PolicyError::Unsafe { .. }), "{mode:o}: {error}");
    }
    set(&path, 0o600);
    set(dir.path(), 0o777);
    let error = load().unwrap_err().to_string();
    assert!(error.contains("lies in a folder that can be written"), "{error}");
    set(dir.path(), 0o755);
    std::os::unix::fs::chown(&path, Some(65534), None).unwrap();
    let error = load().unwrap_err().to_string();
    assert!(error.contains("belongs to user 65534"), "{error}");
    std::os::unix::fs::chown(&path, Some(0), None).unwrap();
    fs::write(&path, "nonsense = 1").unwrap();
    let error = load().unwrap_err().to_string();
    assert!(
        error.contains("nonsense") && error.contains("policy.toml"),
        "{error}"
    );
}
