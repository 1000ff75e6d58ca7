// Gnomon itself: a standalone instance, or a cluster with etcd and agents.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { Process, eventually, freePort, scratch } from './process.mjs';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** The binary that the tests are about. */
export function binary() {
  const found = path.resolve(ROOT, process.env.GNOMON_BIN ?? 'target/debug/gnomon');
  if (!fs.existsSync(found)) throw new Error(`there is no ${found}: \`make console-dev\` builds it`);
  return found;
}

/** None of the caller's settings, and a home of its own. */
function environment(home) {
  const kept = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('GNOMON_') || name === 'GNOMON_CI_MARK',
  );
  return {
    ...Object.fromEntries(kept),
    HOME: home,
    XDG_CONFIG_HOME: path.join(home, 'config'),
    XDG_DATA_HOME: path.join(home, 'data'),
    RUST_BACKTRACE: '1',
    NO_COLOR: '1',
  };
}

/** What people and the tests reach: `url`, the user's `password`, an API `token`. */
class Instance {
  constructor(home, url) {
    Object.assign(this, { home, url });
  }

  /** Runs the command line; gives what it printed. */
  cli(...args) {
    const done = spawnSync(binary(), args, {
      env: { ...environment(this.home), GNOMON_URL: this.url, GNOMON_TOKEN: this.token ?? '' },
      input: this.input ?? '',
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    });
    if (done.status !== 0) throw new Error(`gnomon ${args.join(' ')} ended with ${done.status}: ${done.stderr}`);
    return done.stdout;
  }

  /** Applies job files. */
  apply(yaml) {
    const file = path.join(this.home, 'apply.yaml');
    fs.writeFileSync(file, yaml);
    return this.cli('job', 'apply', '-f', file);
  }

  /** One call of the API: `await instance.api('GET', '/jobs')`. Fails unless it succeeds. */
  async api(method, path, body) {
    const answer = await this.call(method, path, body);
    if (answer.status >= 300) {
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.value)}`);
    }
    return answer.value;
  }

  /** The same, whatever the answer: `{status, headers, value}`. */
  async call(method, path, body) {
    const answer = await fetch(`${this.url}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    const isJson = answer.headers.get('content-type')?.includes('json');
    return { status: answer.status, headers: answer.headers, value: isJson && text ? JSON.parse(text) : text };
  }
}

async function answers(url, path) {
  const answer = await fetch(url + path).catch(() => undefined);
  return answer?.ok ?? false;
}

/** The password in what a fresh instance prints. */
function passwordIn(log) {
  return /password (?:is )?(\S{8,})/.exec(log)?.[1];
}

/** A whole instance in one process, ready. `restart()` starts it again on its data. */
export async function standalone(...args) {
  const home = scratch('standalone');
  const port = await freePort();
  const instance = new Instance(home, `http://127.0.0.1:${port}`);
  const all = ['standalone', '--data-dir', path.join(home, 'instance'), '--listen', `127.0.0.1:${port}`, ...args];
  instance.process = new Process('gnomon standalone', path.join(home, 'log'), binary(), all, environment(home));
  const ready = () => instance.process.ready(() => answers(instance.url, '/readyz'));
  instance.process.start();
  await ready();
  instance.password = await eventually('the password to be printed', () => passwordIn(instance.process.log()));
  const context = path.join(home, 'config/gnomon/context.json');
  instance.token = await eventually('the context of the command line', () => JSON.parse(fs.readFileSync(context, 'utf8')).token);
  instance.start = async () => {
    instance.process.start();
    await ready();
  };
  instance.restart = async () => {
    await instance.process.stop();
    await instance.start();
  };
  return instance;
}

/** etcd, where deploy/setup puts it, else the system's. */
function etcdProgram() {
  const cache = process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache');
  const own = path.join(cache, 'gnomon/etcd-3.5/bin/etcd');
  return fs.existsSync(own) ? own : 'etcd';
}

/**
 * One etcd, one master with SQLite, and agents `node-0`, `node-1`, … with labels `zone=0`,
 * `zone=1`, …; all ready. `agents[0].stop()`, `.kill()`, `.start()`.
 */
export async function cluster(agents = 2) {
  const home = scratch('cluster');
  const [client, peer, port] = [await freePort(), await freePort(), await freePort()];
  const etcdUrl = `http://127.0.0.1:${client}`;
  const peerUrl = `http://127.0.0.1:${peer}`;
  const etcd = new Process('etcd', path.join(home, 'etcd.log'), etcdProgram(), [
    '--name=only',
    `--data-dir=${path.join(home, 'etcd')}`,
    `--listen-client-urls=${etcdUrl}`,
    `--advertise-client-urls=${etcdUrl}`,
    `--listen-peer-urls=${peerUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--initial-cluster=only=${peerUrl}`,
    '--unsafe-no-fsync',
  ], environment(home));
  etcd.start();
  await etcd.ready(() => answers(etcdUrl, '/health'));

  const instance = new Instance(home, `http://127.0.0.1:${port}`);
  const master = new Process('gnomon master', path.join(home, 'master.log'), binary(), [
    'master', '--etcd', etcdUrl, '--database-url', `sqlite:${path.join(home, 'history.db')}`,
    '--listen', `127.0.0.1:${port}`, '--data-dir', path.join(home, 'master'),
  ], environment(home));
  Object.assign(instance, { etcd, master, process: master });
  instance.start = async () => {
    master.start();
    await master.ready(() => answers(instance.url, '/readyz'));
  };
  instance.restart = async () => {
    await master.stop();
    await instance.start();
  };
  await instance.start();
  instance.password = await eventually('the password to be printed', () => passwordIn(master.log()));

  const logIn = await fetch(`${instance.url}/api/v1/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ user: 'admin', password: instance.password }),
  });
  const { csrf } = await logIn.json();
  const cookie = logIn.headers.getSetCookie().map((c) => c.split(';')[0]).join('; ');
  const made = await fetch(`${instance.url}/api/v1/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', cookie, 'x-gnomon-csrf': csrf },
    body: JSON.stringify({ name: 'browser-tests' }),
  });
  if (!made.ok) throw new Error(`no token: ${made.status} ${await made.text()}`);
  instance.token = (await made.json()).secret;

  instance.agents = Array.from({ length: agents }, (_, i) => new Process(
    `gnomon agent ${i}`, path.join(home, `agent-${i}.log`), binary(),
    ['agent', '--etcd', etcdUrl, '--data-dir', path.join(home, `agent-${i}`), '--name', `node-${i}`,
      '--label', `zone=${i}`],
    environment(home),
  ));
  for (const agent of instance.agents) agent.start();
  await eventually(`${agents} nodes to be ready`, async () => {
    const nodes = JSON.parse(instance.cli('node', 'ls', '-o', 'json'));
    return nodes.filter((node) => node.state === 'ready').length === agents;
  });
  return instance;
}
