//! Jobs of all kinds, for tests.

use shared::{
    file::Format,
    job::{self, JobSpec},
};

/// Files as people write them, each of one job.
pub const FILES: [&str; 9] = [
    "name: a\nrun: {shell: 'true'}\n",
    "# first\nname: a\n\nrun:\n    # deep\n    shell: >\n        one\n        line\n    env: { A: b }   # flow\nschedule: '@daily'\n",
    "---\nname: a\nrun:\n  exec:\n  - /bin/echo\n  - \"a b\"\ntriggers:\n- {every: 1h}\n- cron: 0 1 * * *\n  # inside\n  jitter: 5m\n",
    "{\"name\": \"a\", \"run\": {\"http\": {\"url\": \"http://x\"}}}\n",
    "name: \"a\"\n'run': {exec: [x,\n  y]}\nlabels:\n  a.b/c: '1'\n  # two\n  d: e\n",
    "base: &env {A: '1'}\nname: a\nrun: {shell: x, env: *env}\n",
    "name: a\nrun:\n  shell: |2\n      indented\n    less\n  timeout: 5m # long\n# the end\n",
    "name: a\nrun: {shell: x}\ntarget:\n  place:\n    shards: 4\n  exclude:\n    nodes:\n      - db9 # old\n    labels: x\n",
    "- name: a\n  run: {shell: x}\n  retry: {attempts: 2}\n",
];

const JOBS: &str = r##"
- {name: least, run: {shell: 'true'}}
- {name: short, run: {exec: [/bin/true]}, schedule: "@hourly"}
- name: backup-db
  namespace: ops
  description: |
    nightly dump
    of everything
  labels: {team: dba, "a.b/c": "1.10", "n": "true"}
  run:
    shell: |
      set -euo pipefail
      # a comment
      pg_dump app | zstd > "/backup/$(date +%F).zst"
    user: postgres
    group: "1000"
    dir: /var/lib/postgresql
    env: {PGDATABASE: app, EMPTY: "", "WITH.DOT": "a: b # c"}
    stdin: "one\ntwo"
    timeout: 30m
    grace: 1s500ms
    output: 64KiB
    success: [0, 3]
  triggers:
    - {cron: "30 2 * * *", timezone: Asia/Shanghai, jitter: 5m}
    - {cron: "0 15 10 ? * MON-FRI", dialect: quartz, timezone: Europe/Berlin, dst: skip}
    - {every: 90s, anchor: "2026-01-31T02:30:00Z"}
    - {at: ["2030-01-01T00:00:00Z", "2031-01-01T00:00:00.500Z"]}
  calendars: {exclude: [holidays, freeze], only: [office]}
  target:
    place: one
    labels: role=db,!canary,zone in (a,b)
    exclude: {nodes: [db9], groups: [old], labels: x}
    prefer: zone=a
    balance: least_loaded
  overlap: {policy: queue, limit: 2, queue: 5}
  misfire: {run: all, within: 2h}
  retry: {attempts: 3, backoff: 5s, factor: 1.5, max: 1m, elsewhere: true}
  on_lost: retry
  isolation: kill
  keep: {runs: 5, for: 7d}
  paused: true
- name: everywhere
  run: {exec: [/usr/bin/find, "/a b", "-name", "*.tmp", "two\nlines", ""]}
  triggers:
    - {cron: "*/5 * * * *", target: {labels: role=web, nodes: [a, b]}}
    - {cron: "H H(0-3) * * *", target: {groups: [db], exclude: {labels: canary}}}
  target: {place: every, groups: [db, web]}
- {name: many, run: {shell: ":"}, target: {place: 3, nodes: [a, b, c, d]}}
- {name: shards, run: {shell: "- x"}, target: {place: {shards: 8}, balance: rotate}}
- name: request
  run:
    http: {method: POST, url: "https://example.org/hook?a=b#c", headers: {content-type: application/json, x-a: "b: c"}, body: "{\"a\": 1}\n"}
    success: [200, 204]
    timeout: 10s
- {name: side-by-side, run: {shell: "'quoted' # not a comment"}, overlap: {policy: allow}}
- {name: side-by-side-few, run: {shell: " leading\nspace"}, overlap: {policy: allow, limit: 1}}
- {name: replaced, run: {shell: "tab\there\n\n\nblank lines\n\n"}, overlap: {policy: replace}, misfire: {run: none}}
- {name: "1.5", namespace: "007", run: {shell: "no"}}
"##;

pub fn specs() -> Vec<JobSpec> {
    job::file::parse(JOBS, Format::Yaml).expect("the samples are right")
}
