// What the console weighs, and how quick it is:
//
//     node measure.mjs [--jobs 10000] [--check]
//
// sizes from web/dist; the first paint on loopback, with nothing cached; what passes between a
// key in the filter of so many jobs and the frame that shows its answer. With --check, it
// fails beyond the console's budget.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { close, go, logIn, newPage, openPage, standalone } from './harness/index.mjs';

const { values: wish } = parseArgs({
  options: { jobs: { type: 'string', default: '10000' }, check: { type: 'boolean', default: false } },
});
const JOBS = Number(wish.jobs);
const BUDGET = { bytes: 450_000, paintMs: 1000, keyMs: 50 };
const DIST = fileURLToPath(new URL('../../web/dist', import.meta.url));
const PAINTS = 9;
/** What is typed, letter by letter, then deleted likewise. */
const WORDS = ['report', '0042', 'team-7/nightly'];

const median = (all) => [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)];
const at95 = (all) => [...all].sort((a, b) => a - b)[Math.floor((all.length - 1) * 0.95)];
const failures = [];
function row(what, value, unit, max) {
  console.log(`| ${what} | ${value} ${unit} | ${max === undefined ? '' : `${max} ${unit}`} |`);
  if (max !== undefined && value > max) failures.push(`${what}: ${value} ${unit}, at most ${max}`);
}

console.log('| What | Measured | At most |\n|---|--:|--:|');

// Weight ---------------------------------------------------------------------------------
let together = 0;
for (const folder of [DIST, path.join(DIST, 'assets')]) {
  for (const name of fs.readdirSync(folder).filter((name) => name.endsWith('.br'))) {
    const { size } = fs.statSync(path.join(folder, name));
    const plain = name.slice(0, -'.br'.length).replace(/-[0-9a-f]{16}/, '');
    if (/wasm|txt|console\.(js|css)/.test(plain)) row(`${plain}, with Brotli`, size, 'bytes');
    // What only who reads Chinese loads.
    if (!plain.endsWith('.txt')) together += size;
  }
}
row('what everybody loads, with Brotli', together, 'bytes', BUDGET.bytes);

// First paint ----------------------------------------------------------------------------
const instance = await standalone();
async function firstPaints(prepare) {
  const found = { paint: [], useful: [] };
  for (let i = 0; i < PAINTS; i += 1) {
    const page = await newPage();
    await prepare?.(page);
    await page.addInitScript(() => {
      // The first frame that holds something to read: the login or a page's heading.
      new MutationObserver((_, me) => {
        if (!document.querySelector('main h1')) return;
        me.disconnect();
        requestAnimationFrame(() => setTimeout(() => { globalThis.usefulAt = performance.now(); }));
      }).observe(document, { childList: true, subtree: true });
    });
    await page.goto(instance.url);
    await page.waitForFunction(() => globalThis.usefulAt && performance.getEntriesByName('first-contentful-paint').length);
    const [paint, useful] = await page.evaluate(() => [
      performance.getEntriesByName('first-contentful-paint')[0].startTime, globalThis.usefulAt,
    ]);
    found.paint.push(Math.round(paint));
    found.useful.push(Math.round(useful));
    await page.context().close();
  }
  return found;
}
const login = await firstPaints();
row('login: first contentful paint, median', median(login.paint), 'ms');
row('login: first useful paint, median', median(login.useful), 'ms', BUDGET.paintMs);
const keeper = await newPage();
await go(keeper, instance);
await logIn(keeper, instance);
const cookies = await keeper.context().cookies();
await keeper.context().close();
const overview = await firstPaints((page) => page.context().addCookies(cookies));
row('overview: first useful paint, median', median(overview.useful), 'ms', BUDGET.paintMs);

// Filtering ------------------------------------------------------------------------------
const kinds = ['report', 'backup', 'nightly', 'sync', 'cleanup'];
for (let from = 0; from < JOBS; from += 1000) {
  const jobs = Array.from({ length: Math.min(1000, JOBS - from) }, (_, k) => {
    const i = from + k;
    const name = `${kinds[i % kinds.length]}-${String(i).padStart(5, '0')}`;
    return `name: ${name}\nnamespace: team-${i % 40}\nlabels: {kind: ${kinds[i % kinds.length]}}\n`
      + `schedule: "${i % 60} ${i % 24} * * *"\nrun: {exec: ["true"]}\n`;
  });
  instance.apply(jobs.join('---\n'));
}
const page = await openPage(instance, '/jobs', { width: 1440, height: 900 });
const search = page.locator('input[type=search]').first();
await page.locator('[role=table] [role=row]').nth(10).waitFor();
await page.waitForFunction((all) => Number(document.querySelector('[role=table]')?.getAttribute('aria-rowcount') ?? 0) >= all, JOBS);
await page.evaluate(() => {
  globalThis.keys = [];
  let pressed;
  // From the event's own time, so that waiting before it counts too, to after the frame that
  // shows another list. A key that changes nothing of the list is not counted.
  addEventListener('input', (event) => {
    pressed = event.timeStamp;
  }, { capture: true });
  new MutationObserver(() => {
    if (pressed === undefined) return;
    const since = pressed;
    pressed = undefined;
    const shown = new MessageChannel();
    shown.port1.onmessage = () => globalThis.keys.push(performance.now() - since);
    requestAnimationFrame(() => shown.port2.postMessage(0));
  }).observe(document.querySelector('[role=table]'), {
    attributes: true, childList: true, subtree: true, characterData: true,
  });
});
const counts = new Set();
const rows = () => page.locator('[role=table]').first().getAttribute('aria-rowcount');
await search.click();
for (const word of WORDS) {
  for (const letter of word) await page.keyboard.type(letter, { delay: 100 });
  await page.waitForTimeout(500);
  counts.add(await rows());
  for (let i = 0; i < word.length; i += 1) await page.keyboard.press('Backspace', { delay: 100 });
  await page.waitForTimeout(500);
  counts.add(await rows());
}
const keys = (await page.evaluate(() => globalThis.keys)).map((ms) => Math.round(ms * 10) / 10);
if (counts.size < 2) failures.push(`typing changed nothing: ${[...counts]} rows throughout`);
row(`a key in the filter of ${JOBS} jobs, median of ${keys.length}`, median(keys), 'ms', BUDGET.keyMs);
row('the same, 95 %', at95(keys), 'ms');
row('the same, slowest', Math.max(...keys), 'ms');

const version = execFileSync('uname', ['-m'], { encoding: 'utf8' }).trim();
console.error(`\n${version}, Chromium ${(await page.context().browser()).version()}`);
await close();
for (const failure of failures) console.error(`over budget: ${failure}`);
process.exit(wish.check && failures.length ? 1 : 0);
