//! Crontabs as Debian's cron reads them (crontab(5)), and the jobs that do the same.

use std::collections::{BTreeMap, BTreeSet};

use shared::{
    id::{JobName, Namespace},
    job::{Action, JobSpec, RunSpec, Trigger, When},
    schedule::{Dialect, Dst, Schedule, Zone},
    target::{Place, Target},
};

/// Who a crontab's lines run as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A user's own crontab: all lines run as this user (the agent's own if none).
    User(Option<String>),
    /// `/etc/crontab` and `/etc/cron.d/*`: the sixth field names the user.
    System,
}

/// What a crontab came to.
#[derive(Debug, Default)]
pub struct Crontab {
    /// Each with the number of its line, from 1.
    pub jobs: Vec<(usize, JobSpec)>,
    /// Lines that are not taken over, each with its number (from 1) and the reason.
    pub skipped: Vec<Skipped>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    pub line: usize,
    pub text: String,
    pub reason: String,
}

/// Where the jobs go and what they are called.
pub struct Naming<'a> {
    pub namespace: Namespace,
    /// The file's name, which starts the jobs' names.
    pub prefix: &'a str,
    /// The nodes they run on.
    pub target: Target,
    /// Whose local time the lines are in, where the crontab does not say.
    pub timezone: Zone,
}

/// Reads a crontab. Every line that is not empty or a comment ends as a job, a setting or
/// a skipped line with its reason.
pub fn parse(text: &str, kind: &Kind, naming: &Naming<'_>) -> Crontab {
    let mut reader = Reader {
        kind,
        naming,
        env: BTreeMap::new(),
        timezone: Ok(naming.timezone),
        names: BTreeSet::new(),
        crontab: Crontab::default(),
    };
    for (i, line) in text.lines().enumerate() {
        match reader.line(line) {
            Ok(job) => reader.crontab.jobs.extend(job.map(|job| (i + 1, job))),
            Err(reason) => reader.crontab.skipped.push(Skipped {
                line: i + 1,
                text: line.trim().to_owned(),
                reason,
            }),
        }
    }
    reader.crontab
}

/// The word of each entry that would be the user's name if the crontab were a system's.
pub fn user_column(text: &str) -> Vec<&str> {
    let lines = text.lines().map(blank_start);
    let entries = lines.filter(|line| !says_nothing(line) && setting(line).is_none());
    let word = |line| Some(split_entry(line, true).ok()?.user.unwrap_or_default());
    entries.map(|line| word(line).unwrap_or_default()).collect()
}

/// Whether cron reads a file of this name in `/etc/cron.d`: what packages and editors leave
/// behind (`x.dpkg-old`, `x~`) it does not.
pub fn is_read_in_cron_d(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}

fn blank_start(line: &str) -> &str {
    line.trim_start_matches([' ', '\t'])
}

fn says_nothing(line: &str) -> bool {
    line.is_empty() || line.starts_with('#')
}

struct Reader<'a> {
    kind: &'a Kind,
    naming: &'a Naming<'a>,
    /// Settings so far: they hold for the lines below them.
    env: BTreeMap<String, String>,
    timezone: Result<Zone, String>,
    names: BTreeSet<String>,
    crontab: Crontab,
}

impl Reader<'_> {
    fn line(&mut self, line: &str) -> Result<Option<JobSpec>, String> {
        let line = blank_start(line);
        if says_nothing(line) {
            return Ok(None);
        }
        if let Some((name, value)) = setting(line) {
            self.set(name, value);
            return Ok(None);
        }
        let entry = split_entry(line, self.kind == &Kind::System)?;
        if entry.schedule.eq_ignore_ascii_case("@reboot") {
            return Err("@reboot is not a time: an agent may restart without the host; use the host's own start-up (systemd)".into());
        }
        self.job(&entry).map(Some)
    }

    fn set(&mut self, name: String, value: String) {
        if matches!(name.as_str(), "CRON_TZ" | "TZ") {
            let zone = value.parse::<Zone>().map_err(|e| format!("{name}={value}: {e}"));
            // TZ is the commands' own; only CRON_TZ says whose local time the lines are in.
            if name == "CRON_TZ" {
                self.timezone = zone;
                return;
            }
        }
        self.env.insert(name, value);
    }

    fn job(&mut self, entry: &Entry<'_>) -> Result<JobSpec, String> {
        let timezone = self.timezone.clone()?;
        let schedule = entry.schedule.split_whitespace().collect::<Vec<_>>().join(" ");
        Schedule::cron(&schedule, Dialect::Cron, timezone, Dst::Tick, 0).map_err(|e| e.to_string())?;
        let (command, stdin) = split_percent(entry.command);
        if command.trim().is_empty() {
            return Err("the command is empty".into());
        }
        let setting = |name: &str| self.env.get(name).map(String::as_str);
        let mut run = RunSpec::new(action(command, setting("SHELL")));
        run.dir = setting("HOME").map(home).transpose()?;
        let description = description(entry, setting("MAILTO"));
        run.user = entry.user.map(str::to_owned).or_else(|| match self.kind {
            Kind::User(user) => user.clone(),
            Kind::System => None,
        });
        run.env = self.env.clone();
        // cron's own, whatever the crontab says: the agent sets it as cron does.
        run.env.remove("LOGNAME");
        // cron's own default, where the crontab does not say.
        run.env
            .entry("PATH".into())
            .or_insert_with(|| "/usr/bin:/bin".into());
        run.stdin = stdin;
        let mut spec = JobSpec::new(self.name(&run)?, run);
        spec.namespace = self.naming.namespace.clone();
        spec.target = self.naming.target.clone();
        spec.description = description;
        spec.triggers = vec![Trigger {
            when: When::Cron {
                expression: schedule,
                dialect: Dialect::Cron,
                timezone,
                dst: Dst::Tick,
            },
            jitter: Default::default(),
            target: None,
        }];
        // As cron does: a run that takes long does not hold up the next.
        spec.overlap = shared::job::Overlap {
            policy: shared::job::OverlapPolicy::Allow,
            limit: 100,
            queue: 0,
        };
        if spec.target.place == Place::Every {
            spec.misfire.run = shared::job::MisfireRun::None;
        }
        Ok(spec)
    }

    /// A name after the file and the program, made unique by a number.
    fn name(&mut self, run: &RunSpec) -> Result<JobName, String> {
        let script = match &run.action {
            Action::Shell(script) => script.as_str(),
            Action::Exec(argv) => argv.last().map_or("", String::as_str),
            Action::Http(_) => "http",
        };
        let stem = clean(&format!("{}-{}", self.naming.prefix, program(script)));
        let mut name = stem.clone();
        let mut n = 2;
        while !self.names.insert(name.clone()) {
            name = format!("{stem}-{n}");
            n += 1;
        }
        name.parse()
    }
}

/// The words of an entry.
struct Entry<'a> {
    schedule: &'a str,
    user: Option<&'a str>,
    command: &'a str,
}

/// `NAME = value`, as crontab(5) has it: quotes around either keep white space.
fn setting(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once('=')?;
    let name = unquote(name.trim());
    let is_name = !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !name.starts_with(|c: char| c.is_ascii_digit());
    is_name.then(|| (name.to_owned(), unquote(value.trim()).to_owned()))
}

fn unquote(text: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote).and_then(|t| t.strip_suffix(quote)) {
            return inner;
        }
    }
    text
}

fn split_entry(line: &str, has_user: bool) -> Result<Entry<'_>, String> {
    let fields = if line.starts_with('@') { 1 } else { 5 };
    let (schedule, mut rest) =
        take_words(line, fields).ok_or("it has fewer than the five fields of a schedule and a command")?;
    let mut user = None;
    if has_user {
        let (word, after) = take_words(rest, 1).ok_or("the user's name or the command is missing")?;
        // `user:group/class` is a FreeBSD form; Debian's cron knows plain names only.
        user = Some(word);
        rest = after;
    }
    Ok(Entry {
        schedule,
        user,
        command: rest,
    })
}

/// The first `n` words as they stand, and what follows them.
fn take_words(text: &str, n: usize) -> Option<(&str, &str)> {
    let blank = |c: char| c == ' ' || c == '\t';
    let mut end = 0;
    for i in 0..n {
        let rest = &text[end..];
        let start = end + rest.len() - rest.trim_start_matches(blank).len();
        let word = text[start..].find(blank).unwrap_or(text.len() - start);
        if word == 0 {
            return None;
        }
        end = start + word;
        if i + 1 < n && end == text.len() {
            return None;
        }
    }
    let rest = text[end..].trim_start_matches(blank);
    (!rest.is_empty()).then(|| (&text[..end], rest))
}

/// What cron's `do_command.c` makes of an entry's text: the first `%` without a backslash ends
/// the command, and what follows is its standard input.
fn split_percent(text: &str) -> (String, Option<String>) {
    let mut command = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '%' => return (command, input(chars.as_str())),
            // Debian's and FreeBSD's cron take the backslash away before `%` and before
            // another backslash, which then escapes nothing.
            '\\' => match chars.next() {
                Some(escaped @ ('%' | '\\')) => command.push(escaped),
                Some(other) => command.extend(['\\', other]),
                None => command.push('\\'),
            },
            c => command.push(c),
        }
    }
    (command, None)
}

/// `%` is a newline and `\%` a percent sign; here no other backslash escapes anything. A last
/// line that has no newline gets one; after nothing at all the input is empty.
fn input(text: &str) -> Option<String> {
    let (mut input, mut is_escaped, mut needs_newline) = (String::new(), false, false);
    for c in text.chars() {
        let c = match (is_escaped, c) {
            (true, '%') => '%',
            (true, c) => {
                input.push('\\');
                c
            }
            (false, '%') => '\n',
            (false, c) => c,
        };
        is_escaped = c == '\\';
        if !is_escaped {
            input.push(c);
            needs_newline = c != '\n';
        }
    }
    if is_escaped {
        input.push('\\');
    }
    if needs_newline {
        input.push('\n');
    }
    (!input.is_empty()).then_some(input)
}

/// cron changes into HOME, wherever the user's home is.
fn home(home: &str) -> Result<String, String> {
    match home.starts_with('/') {
        true => Ok(home.to_owned()),
        false => Err(format!(
            "HOME={home} is where the command runs, and it is not an absolute path"
        )),
    }
}

fn action(command: String, shell: Option<&str>) -> Action {
    match shell {
        None | Some("/bin/sh") => Action::Shell(command),
        Some(shell) => Action::Exec(vec![shell.to_owned(), "-c".into(), command]),
    }
}

fn description(entry: &Entry<'_>, mailto: Option<&str>) -> String {
    let schedule = entry.schedule.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut text = format!("from a crontab: {schedule} {}", entry.command.trim_end());
    if let Some(mailto) = mailto.filter(|m| !m.is_empty()) {
        text.push_str(&format!(
            " (MAILTO={mailto}: Gnomon keeps the output instead of mailing it)"
        ));
    }
    text.chars().take(1000).collect()
}

/// The program's name: the first word that is neither an assignment, a test nor a wrapper.
fn program(script: &str) -> String {
    let wrappers = [
        "test", "[", "cd", "command", "sudo", "nice", "ionice", "env", "exec", "time", "nohup", "flock",
        "if", "then", "-x", "-v", "&&", "||", ";", "!",
    ];
    let words = script.split(|c: char| c.is_whitespace() || c == ';' || c == '(' || c == ')');
    let word = words
        .filter(|w| !w.is_empty() && !w.contains('=') && !w.starts_with('-') && !w.starts_with('>'))
        .find(|w| {
            !wrappers.contains(w) && !w.ends_with(']') && w.chars().any(char::is_alphabetic) && *w != "/"
        });
    word.and_then(|w| w.rsplit('/').next())
        .unwrap_or("command")
        .to_owned()
}

fn clean(text: &str) -> String {
    let mut out: String = text
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || matches!(c, '_' | '.') {
                c
            } else {
                '-'
            }
        })
        .collect();
    while out.contains("--") {
        out = out.replace("--", "-");
    }
    let out = out.trim_matches(['-', '.']).chars().take(100).collect::<String>();
    if out.is_empty() { "command".into() } else { out }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(kind: &Kind, text: &str, expected: Expect) {
        let naming = Naming {
            namespace: Namespace::default(),
            prefix: "crontab",
            target: Target::default(),
            timezone: Zone::utc(),
        };
        let crontab = parse(text, kind, &naming);
        let mut shown = String::new();
        for (_, job) in &crontab.jobs {
            let When::Cron {
                expression, timezone, ..
            } = &job.triggers[0].when
            else {
                panic!("not cron")
            };
            shown += &format!("{} | {expression} | {timezone} | {:?}", job.name, job.run.user);
            shown += &format!(
                " | {:?} | {:?} | {:?}",
                job.run.action, job.run.stdin, job.run.env
            );
            shown += &job
                .run
                .dir
                .as_ref()
                .map_or("\n".into(), |dir| format!(" | in {dir}\n"));
        }
        for skipped in &crontab.skipped {
            shown += &format!("line {} skipped: {}\n", skipped.line, skipped.reason);
        }
        expected.assert_eq(&shown);
    }

    #[test]
    fn debians_own_crontab() {
        check(
            &Kind::System,
            r#"# /etc/crontab: system-wide crontab
SHELL=/bin/sh
# You can also override PATH, but by default, newer versions inherit it from the environment
#PATH=/usr/local/sbin:/usr/local/bin:/sbin:/bin:/usr/sbin:/usr/bin

# m h dom mon dow user	command
17 *	* * *	root	cd / && run-parts --report /etc/cron.hourly
25 6	* * *	root	test -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.daily; }
47 6	* * 7	root	test -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.weekly; }
52 6	1 * *	root	test -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.monthly; }
"#,
            expect![[r#"
                crontab-run-parts | 17 * * * * | UTC | Some("root") | Shell("cd / && run-parts --report /etc/cron.hourly") | None | {"PATH": "/usr/bin:/bin", "SHELL": "/bin/sh"}
                crontab-anacron | 25 6 * * * | UTC | Some("root") | Shell("test -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.daily; }") | None | {"PATH": "/usr/bin:/bin", "SHELL": "/bin/sh"}
                crontab-anacron-2 | 47 6 * * 7 | UTC | Some("root") | Shell("test -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.weekly; }") | None | {"PATH": "/usr/bin:/bin", "SHELL": "/bin/sh"}
                crontab-anacron-3 | 52 6 1 * * | UTC | Some("root") | Shell("test -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.monthly; }") | None | {"PATH": "/usr/bin:/bin", "SHELL": "/bin/sh"}
            "#]],
        );
    }

    #[test]
    fn settings_percent_and_what_is_not_taken() {
        check(
            &Kind::User(Some("ann".into())),
            r#"
PATH = "/usr/local/bin:/usr/bin"
SHELL=/bin/bash
MAILTO=ann@example.com
0 5 * * 1 tar -zcf /var/backups/home.tgz /home/
CRON_TZ=Asia/Shanghai
30 2 * * * mail -s "Report 100\%" ann%Dear Ann,%%here it is.
@daily /usr/bin/daily --now
@reboot /usr/bin/start
* * * *
99 * * * * too late
CRON_TZ=Mars/Olympus
* * * * * never
0 0 30 2 * never
"#,
            expect![[r#"
                crontab-tar | 0 5 * * 1 | UTC | Some("ann") | Exec(["/bin/bash", "-c", "tar -zcf /var/backups/home.tgz /home/"]) | None | {"MAILTO": "ann@example.com", "PATH": "/usr/local/bin:/usr/bin", "SHELL": "/bin/bash"}
                crontab-mail | 30 2 * * * | Asia/Shanghai | Some("ann") | Exec(["/bin/bash", "-c", "mail -s \"Report 100%\" ann"]) | Some("Dear Ann,\n\nhere it is.\n") | {"MAILTO": "ann@example.com", "PATH": "/usr/local/bin:/usr/bin", "SHELL": "/bin/bash"}
                crontab-daily | @daily | Asia/Shanghai | Some("ann") | Exec(["/bin/bash", "-c", "/usr/bin/daily --now"]) | None | {"MAILTO": "ann@example.com", "PATH": "/usr/local/bin:/usr/bin", "SHELL": "/bin/bash"}
                line 9 skipped: @reboot is not a time: an agent may restart without the host; use the host's own start-up (systemd)
                line 10 skipped: it has fewer than the five fields of a schedule and a command
                line 11 skipped: minute: 99 is out of 0-59, at column 1
                line 13 skipped: CRON_TZ=Mars/Olympus: `Mars/Olympus` is not a time zone; write an IANA name such as Asia/Shanghai or UTC
                line 14 skipped: CRON_TZ=Mars/Olympus: `Mars/Olympus` is not a time zone; write an IANA name such as Asia/Shanghai or UTC
            "#]],
        );
    }

    #[test]
    fn the_settings_that_cron_itself_heeds_are_the_commands_too() {
        check(
            &Kind::User(None),
            "HOME=/tmp\nSHELL=/bin/bash\nMAILTO=ops@x\nLOGNAME=x\n* * * * * pwd\nHOME=sub\n* * * * * pwd\n",
            expect![[r#"
                crontab-pwd | * * * * * | UTC | None | Exec(["/bin/bash", "-c", "pwd"]) | None | {"HOME": "/tmp", "MAILTO": "ops@x", "PATH": "/usr/bin:/bin", "SHELL": "/bin/bash"} | in /tmp
                line 7 skipped: HOME=sub is where the command runs, and it is not an absolute path
            "#]],
        );
    }

    #[test]
    fn percent_signs_are_what_do_command_makes_of_them() {
        for (text, command, stdin) in [
            ("cat", "cat", None),
            ("cat%", "cat", None),
            ("cat%%", "cat", Some("\n")),
            ("cat%a", "cat", Some("a\n")),
            ("cat%a%", "cat", Some("a\n")),
            ("cat%a%%", "cat", Some("a\n\n")),
            ("cat%a%b", "cat", Some("a\nb\n")),
            ("cat%%a", "cat", Some("\na\n")),
            ("cat %a ", "cat ", Some("a \n")),
            (r"date +\%F", "date +%F", None),
            (r"date +\%F%\%x", "date +%F", Some("%x\n")),
            (r"echo a\\%b", r"echo a\", Some("b\n")),
            (r"echo a\\\%b", r"echo a\%b", None),
            (r"echo a\\\\%b", r"echo a\\", Some("b\n")),
            (r"echo a\nb\", r"echo a\nb\", None),
            (r"cat%a\nb", "cat", Some("a\\nb\n")),
            (r"cat%a\\%b", "cat", Some("a\\%b\n")),
            (r"cat%a\", "cat", Some("a\\\n")),
            (r"cat%\", "cat", Some("\\")),
        ] {
            assert_eq!(
                split_percent(text),
                (command.to_owned(), stdin.map(str::to_owned)),
                "{text}"
            );
        }
    }

    #[test]
    fn a_column_of_users_is_seen() {
        let system = "A=b\n# c\n1 2 * * * root cd / && x\n@daily\tbin\ty\n";
        assert_eq!(user_column(system), ["root", "bin"]);
        assert_eq!(user_column("1 2 * * * root\n1 2 * * * a b\n"), ["", "a"]);
    }

    #[test]
    fn leftovers_in_cron_d_are_not_read() {
        for (name, is_read) in [
            ("e2scrub_all", true),
            ("x.dpkg-old", false),
            ("x~", false),
            (".placeholder", false),
        ] {
            assert_eq!(is_read_in_cron_d(name), is_read, "{name}");
        }
    }

    #[test]
    fn names_are_unique_and_clean() {
        check(
            &Kind::User(None),
            "* * * * * /opt/a.sh\n* * * * * /opt/a.sh\n* * * * * A=1 B=2 nice -n 10 /opt/b c\n* * * * * [ -x /x ] && /x\n",
            expect![[r#"
                crontab-a.sh | * * * * * | UTC | None | Shell("/opt/a.sh") | None | {"PATH": "/usr/bin:/bin"}
                crontab-a.sh-2 | * * * * * | UTC | None | Shell("/opt/a.sh") | None | {"PATH": "/usr/bin:/bin"}
                crontab-b | * * * * * | UTC | None | Shell("A=1 B=2 nice -n 10 /opt/b c") | None | {"PATH": "/usr/bin:/bin"}
                crontab-x | * * * * * | UTC | None | Shell("[ -x /x ] && /x") | None | {"PATH": "/usr/bin:/bin"}
            "#]],
        );
    }
}
