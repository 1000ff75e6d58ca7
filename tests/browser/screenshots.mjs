// Pictures of every page, in themes, languages and widths, of a cluster with sample jobs.
//
//     node screenshots.mjs FOLDER [--page NAME]... [--theme light|dark] [--language en|zh-CN]
//                          [--width 390|1280|...] [--full] [--axe] [--style] [--quick]
//     node screenshots.mjs --readme [--style]
//
// Each option may be given several times; without it, all there are. --full takes the whole
// page and not the window; --axe looks for what keeps people out as well; --style takes
// web/style as it stands there, not as it was built. --quick takes what is there as soon as
// some runs have ended; without, it waits for some minutes of history.
//
// --readme makes exactly those of the README, in docs/images, compressed by pngquant.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { accessible, close, cluster, eventually, go, logIn, newPage } from './harness/index.mjs';
import { preferFont } from './harness/fonts.mjs';

const here = (file) => fileURLToPath(new URL(file, import.meta.url));
const SAMPLES = here('../../deploy/samples/samples.yaml');
const IMAGES = here('../../docs/images');
const STYLE = here('../../web/style');
const HISTORY_MS = { page: 180_000, readme: 840_000 };
/** What one image of the README may weigh. */
const BYTES_MAX = 150_000;

const HOLIDAYS = `name: holidays
timezone: Europe/Berlin
dates: [01-01, 05-01, 12-25, 12-26]
weekly:
  - {days: [sat, sun]}
`;

/** The README's: a file, the page it shows, and how; from where on, if not from its top. */
const README = [
  { file: 'overview', page: 'overview' },
  { file: 'jobs', page: 'jobs' },
  { file: 'editor', page: 'edit', from: '.editor-form .section >> nth=2' },
  { file: 'job', page: 'job' },
  { file: 'run', page: 'run', theme: 'dark' },
  { file: 'timeline', page: 'timeline', theme: 'dark' },
  { file: 'overview-zh', page: 'overview', theme: 'dark', language: 'zh-CN' },
];

const { values: wish, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    page: { type: 'string', multiple: true },
    theme: { type: 'string', multiple: true, default: ['light', 'dark'] },
    language: { type: 'string', multiple: true, default: ['en', 'zh-CN'] },
    width: { type: 'string', multiple: true, default: ['390', '1280'] },
    full: { type: 'boolean', default: false },
    axe: { type: 'boolean', default: false },
    style: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    readme: { type: 'boolean', default: false },
  },
});
const [folder] = wish.readme ? [IMAGES] : positionals;
if (!folder) {
  console.error('say into which folder: node screenshots.mjs FOLDER, or --readme');
  process.exit(2);
}
if (wish.readme) hasPngquant();

/** Every page: where it is. */
function pages(instance) {
  const run = (name, state) => runs(instance, '--job', `samples/${name}`, '--state', state, '--limit', '1')[0]?.id;
  return {
    login: '/',
    overview: '/',
    jobs: '/jobs',
    job: '/jobs/samples/import-orders',
    new: '/new',
    edit: '/jobs/samples/backup-db/edit',
    runs: '/runs',
    run: `/runs/${run('import-orders', 'failed') ?? run('flaky', 'failed')}`,
    live: `/runs/${run('search-index', 'running') ?? run('import-orders', 'running')}`,
    timeline: '/timeline?by=job&span=900',
    nodes: '/nodes',
    node: '/nodes/node-0',
    groups: '/groups',
    calendars: '/calendars',
    settings: '/settings',
  };
}

function runs(instance, ...which) {
  return JSON.parse(instance.cli('run', 'ls', ...which, '-o', 'json'));
}

/** A cluster that has done something. */
async function inhabited() {
  const instance = await cluster(3);
  instance.cli('job', 'apply', '-f', SAMPLES);
  instance.cli('group', 'set', 'front', '--labels', 'zone=0');
  const calendar = path.join(instance.home, 'holidays.yaml');
  fs.writeFileSync(calendar, HOLIDAYS);
  instance.cli('calendar', 'apply', '-f', calendar);
  const since = Date.now();
  const ended = (state, n) => runs(instance, '--state', state, '--limit', `${n}`).length === n;
  await eventually('runs to end', () => ended('failed', 1) && ended('succeeded', 5), 120_000);
  const history = wish.readme ? HISTORY_MS.readme : HISTORY_MS.page;
  if (!wish.quick) {
    console.log(`waiting for ${history / 60_000} minutes of history`);
    await eventually('some history', () => Date.now() - since > history, history + 10_000);
  }
  return instance;
}

/** What is still being asked for has come, and nothing moves. */
async function settled(page) {
  await page.locator('main').first().waitFor();
  await page.waitForFunction(() => !document.querySelector('[aria-busy=true]'));
  await page.evaluate(() => document.fonts.ready);
  // Nothing is hovered; and what is drawn after the answers (charts, badges) has two frames.
  await page.mouse.move(1, 1);
  await page.waitForTimeout(400);
}

/** The style sheet in the order of the bundler (web/bundle/src/style.rs). */
function sheet() {
  const first = ['tokens.css', 'base.css'];
  const all = fs.readdirSync(STYLE, { recursive: true }).filter((file) => file.endsWith('.css')).sort();
  const depth = (file) => file.split(path.sep).length;
  const rest = all.filter((file) => !first.includes(file)).sort((a, b) => depth(a) - depth(b));
  return [...first, ...rest].map((file) => fs.readFileSync(path.join(STYLE, file), 'utf8')).join('\n');
}

/** A page of somebody who sees the console so. */
async function looking(look) {
  const page = await newPage(look);
  if (wish.style) await page.route('**/assets/*.css', (route) => route.fulfill({ contentType: 'text/css', body: sheet() }));
  return page;
}

const complaints = new Set();

async function take(page, name, file, options = {}) {
  await settled(page);
  await page.screenshot({ path: file, ...options });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  if (wide > 0) complaints.add(`${name}: ${wide} pixels wider than the window`);
  for (const problem of page.problems.splice(0)) complaints.add(`${name}: ${problem}`);
}

async function takeAll(instance) {
  for (const theme of wish.theme) {
    for (const language of wish.language) {
      for (const width of wish.width.map(Number)) {
        const height = width < 600 ? 844 : width > 1500 ? 1080 : 800;
        const page = await looking({ theme, language, width, height });
        let isIn = false;
        for (const [name, where] of Object.entries(pages(instance))) {
          if (wish.page && !wish.page.includes(name)) continue;
          if (name !== 'login' && !isIn) {
            await go(page, instance);
            await logIn(page, instance);
            isIn = true;
          }
          await go(page, instance, where);
          const what = `${name}-${theme}-${language}-${width}`;
          await take(page, what, path.join(folder, `${what}.png`), { fullPage: wish.full });
          if (wish.axe) await accessible(page, what).catch((e) => complaints.add(e.message));
        }
        await page.context().close();
        console.log(`${theme} ${language} ${width}`);
      }
    }
  }
}

function hasPngquant() {
  try {
    execFileSync('pngquant', ['--version'], { stdio: 'ignore' });
  } catch {
    console.error('the README\'s images are compressed by pngquant, which is missing: apt-get install pngquant');
    process.exit(1);
  }
}

async function takeReadme(instance) {
  for (const { file, page: name, from, theme = 'light', language = 'en' } of README) {
    const page = await looking({ theme, language, width: 1280, height: 800, scale: 1.5 });
    await go(page, instance);
    await logIn(page, instance);
    await go(page, instance, pages(instance)[name]);
    await settled(page);
    if (from) await page.locator(from).evaluate((element) => element.scrollIntoView());
    const image = path.join(folder, `${file}.png`);
    await take(page, file, image);
    await page.context().close();
    execFileSync('pngquant', ['--force', '--strip', '--speed', '1', '--output', image, '96', image]);
    const { size } = fs.statSync(image);
    if (size > BYTES_MAX) complaints.add(`${file}.png has ${size} bytes, more than ${BYTES_MAX}`);
    console.log(`${file}.png ${Math.round(size / 1000)} KB`);
  }
}

preferFont('Inter');
const instance = await inhabited();
fs.mkdirSync(folder, { recursive: true });
await (wish.readme ? takeReadme(instance) : takeAll(instance));
for (const complaint of complaints) console.log(complaint);
await close();
process.exit(complaints.size ? 1 : 0);
