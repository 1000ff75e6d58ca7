// Pictures of every page, in themes, languages and widths, of a cluster with sample jobs.
//
//     node screenshots.mjs FOLDER [--page NAME]... [--theme light|dark] [--language en|zh-CN]
//                          [--width 390|1280|...] [--quick]
//
// Each option may be given several times; without it, all there are. --quick takes what is
// there as soon as some runs have ended; without, it waits for a few minutes of history.

import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { close, cluster, eventually, go, logIn, newPage } from './harness/index.mjs';

const SAMPLES = fileURLToPath(new URL('../../deploy/samples/samples.yaml', import.meta.url));
const HISTORY_MS = 180_000;

const { values: wish, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    page: { type: 'string', multiple: true },
    theme: { type: 'string', multiple: true, default: ['light', 'dark'] },
    language: { type: 'string', multiple: true, default: ['en', 'zh-CN'] },
    width: { type: 'string', multiple: true, default: ['390', '1280'] },
    quick: { type: 'boolean', default: false },
  },
});
const [folder] = positionals;
if (!folder) {
  console.error('say into which folder: node screenshots.mjs FOLDER');
  process.exit(2);
}

/** Every page: its name, where it is, and what must be seen before it is one. */
function pages(failed) {
  return [
    ['login', '/'],
    ['overview', '/'],
    ['jobs', '/jobs'],
    ['job', '/jobs/samples/flaky'],
    ['new', '/new'],
    ['edit', '/jobs/samples/flaky/edit'],
    ['runs', '/runs'],
    ['run', `/runs/${failed}`],
    ['timeline', '/timeline'],
    ['nodes', '/nodes'],
    ['node', '/nodes/node-0'],
    ['groups', '/groups'],
    ['calendars', '/calendars'],
    ['settings', '/settings'],
  ];
}

/** What moves is given time to come to rest: the network and two frames. */
async function settled(page) {
  await page.locator('main').first().waitFor();
  await page.waitForFunction(() => !document.querySelector('[aria-busy=true]'), undefined, { timeout: 10_000 }).catch(() => {});
  await page.evaluate(() => document.fonts.ready);
  await page.waitForTimeout(400);
}

const instance = await cluster(2);
instance.cli('job', 'apply', '-f', SAMPLES);
const since = Date.now();
const failed = await eventually('runs to end', () => {
  const runs = JSON.parse(instance.cli('run', 'ls', '-o', 'json'));
  const items = runs.items ?? runs;
  if (items.filter((run) => run.state === 'succeeded').length < 5) return undefined;
  return items.find((run) => run.state === 'failed')?.id;
}, 120_000);
if (!wish.quick) await eventually('some history', () => Date.now() - since > HISTORY_MS, HISTORY_MS + 10_000);

fs.mkdirSync(folder, { recursive: true });
const complaints = new Set();
for (const theme of wish.theme) {
  for (const language of wish.language) {
    for (const width of wish.width.map(Number)) {
      const page = await newPage({ theme, language, width, height: width < 600 ? 844 : 800 });
      let isIn = false;
      for (const [name, where] of pages(failed)) {
        if (wish.page && !wish.page.includes(name)) continue;
        if (name !== 'login' && !isIn) {
          await go(page, instance);
          await logIn(page, instance);
          isIn = true;
        }
        await go(page, instance, where);
        await settled(page);
        const file = path.join(folder, `${name}-${theme}-${language}-${width}.png`);
        await page.screenshot({ path: file });
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        if (wide > 0) complaints.add(`${name} at ${width}: ${wide} pixels wider than the window`);
        for (const problem of page.problems.splice(0)) complaints.add(`${name}: ${problem}`);
      }
      await page.context().close();
      console.log(`${theme} ${language} ${width}`);
    }
  }
}
for (const complaint of complaints) console.log(complaint);
await close();
process.exit(complaints.size ? 1 : 0);
