// Server processes, and folders for them: all gone at the end, whatever the end is.

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

/** How long anything may take that is expected soon; a loaded machine is slow. In ms. */
export const SOON = 60_000;

const running = new Set();
/** Those that ended though nobody asked them to. */
const dead = new Set();
const scratches = new Set();

/** Waits until `look` gives something true, and gives that. What throws is not there yet. */
export async function eventually(what, look, deadline = SOON) {
  const end = Date.now() + deadline;
  let last;
  for (;;) {
    try {
      const found = await look();
      if (found) return found;
      last = undefined;
    } catch (e) {
      if (e instanceof Ended) throw e;
      last = e;
    }
    if (Date.now() > end) {
      const why = last ? `: ${last.message ?? last}` : '';
      throw new Error(`waited ${deadline / 1000} s for ${what}${why}`);
    }
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** A folder that is deleted at the end. */
export function scratch(name) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), `gnomon-browser-${name}-`));
  scratches.add(folder);
  return folder;
}

/** A port of loopback that nobody listens at. */
export async function freePort() {
  const server = net.createServer();
  await new Promise((done, failed) => server.once('error', failed).listen(0, '127.0.0.1', done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

/** It ended before it was ready: nothing more to wait for. */
class Ended extends Error {}

export class Process {
  /** Both its streams go to the end of the file `log`. */
  constructor(name, log, program, args, env) {
    Object.assign(this, { name, logFile: log, program, args, env });
  }

  start() {
    if (this.child) throw new Error(`${this.name} runs already`);
    const log = fs.openSync(this.logFile, 'a');
    // Even if this process is killed without a word, the kernel ends the child.
    const args = ['--pdeathsig', 'KILL', '--', this.program, ...this.args];
    const child = spawn('setpriv', args, { env: this.env, stdio: ['ignore', log, log], detached: true });
    fs.closeSync(log);
    // A server that runs does not keep the tests from ending.
    child.unref();
    this.child = child;
    this.isAsked = false;
    dead.delete(this);
    this.ended = new Promise((done) => {
      child.once('error', (e) => {
        this.failure = e;
        done();
      });
      child.once('exit', (code, signal) => {
        this.how = signal ?? code;
        done();
      });
    });
    this.ended.then(() => {
      running.delete(this);
      if (!this.isAsked) dead.add(this);
      if (this.child === child) this.child = undefined;
    });
    running.add(this);
    return this;
  }

  get pid() {
    return this.child?.pid;
  }

  log() {
    return fs.existsSync(this.logFile) ? fs.readFileSync(this.logFile, 'utf8') : '';
  }

  async ready(look, deadline = SOON) {
    await eventually(`${this.name} to be ready`, async () => {
      if (!this.child) {
        const why = this.failure?.message ?? this.log().slice(-3000);
        throw new Ended(`${this.name} ended while it started: ${why}`);
      }
      return look();
    }, deadline).catch((e) => {
      throw e instanceof Ended ? e : new Error(`${e.message}\n${this.log().slice(-3000)}`);
    });
  }

  /** `kill -9`, as a crash. What it started lives on. */
  async kill() {
    await this.end('SIGKILL');
  }

  /** TERM, and waits until it has ended. */
  async stop() {
    await this.end('SIGTERM');
  }

  async end(signal) {
    this.isAsked = true;
    this.child?.ref();
    this.child?.kill(signal);
    await this.ended;
  }
}

/** The processes that these started, and those that they started. */
function descendants(pids) {
  const children = new Map();
  for (const entry of fs.readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = fs.readFileSync(`/proc/${entry}/stat`, 'latin1');
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
    } catch {
      // It has ended meanwhile.
    }
  }
  const all = [];
  for (let next = pids; next.length; next = next.flatMap((pid) => children.get(pid) ?? [])) all.push(...next);
  return all;
}

/** The ends of what the servers that run said; of those that ended by themselves, too. */
export function logs() {
  const said = (process) => `${process.name}${dead.has(process) ? ` ended (${process.how})` : ''}, its log:\n${process.log().slice(-1500)}`;
  return [...running, ...dead].map(said);
}

function sweep() {
  const pids = [...running].map((process) => process.pid).filter(Boolean);
  const all = descendants(pids);
  // The servers first, so that none of them starts anything more.
  for (const pid of all) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It is gone.
    }
  }
  running.clear();
  for (const folder of scratches) {
    try {
      fs.rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    } catch {
      // What is being written at this moment stays in the temporary folder.
    }
  }
  scratches.clear();
}

process.on('exit', sweep);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => process.exit(130));
}
