// What the console's own renderer promises: nodes stay while what they show changes, and
// nothing stays of what is gone.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { close, eventually, noProblems, openPage, standalone, test } from './harness/index.mjs';

let instance;
let page;
before(async () => {
  instance = await standalone();
  const jobs = ['a', 'b', 'c', 'd'].map((name) => ({ name, run: { shell: 'echo done' } }));
  await instance.api('POST', '/apply', { jobs });
  page = await openPage(instance, '/jobs', { width: 1280, height: 900 });
  await row('default/d').waitFor();
});
after(close);

const row = (path) => page.locator(`.jobs-row[data-job="${path}"]`);
const names = () => page.locator('.jobs-row .jobs-name').allInnerTexts();

/** Goes there as a click on a link does. */
const visit = (path) =>
  page.evaluate((href) => {
    const link = Object.assign(document.createElement('a'), { href });
    document.body.append(link);
    link.click();
    link.remove();
  }, path);

/** Marks elements; `marked` tells which of them are still the same. */
const mark = (locator) =>
  locator.evaluateAll((all) => all.forEach((element, i) => Object.assign(element, { mark: i })));
const marked = (locator) => locator.evaluateAll((all) => all.map((element) => element.mark));

test('a row stays, and what has the focus in it, while its job changes', async () => {
  await mark(row('default/b'));
  const link = row('default/b').locator('.is-name a');
  await mark(link);
  await link.focus();
  await instance.api('POST', '/jobs/default/b/run', {});
  await row('default/b').locator('.jobs-last').waitFor();
  assert.deepEqual(await marked(row('default/b')), [0]);
  assert.deepEqual(await marked(link), [0]);
  assert.ok(await link.evaluate((element) => element === document.activeElement));
});

test('rows are moved, not made, when their order changes', async () => {
  assert.deepEqual(await names(), ['a', 'b', 'c', 'd']);
  await mark(page.locator('.jobs-row[data-job]'));
  const head = page.locator('[role=columnheader] button').filter({ hasText: 'Name' });
  await head.click();
  await eventually('the other order', async () => (await names()).join() === 'd,c,b,a');
  assert.deepEqual(await marked(page.locator('.jobs-row[data-job]')), [3, 2, 1, 0]);
  // One between the others, and one of them gone.
  await instance.api('POST', '/apply', { jobs: [{ name: 'bb', run: { shell: 'true' } }] });
  await eventually('the new one in its place', async () => (await names()).join() === 'd,c,bb,b,a');
  await instance.api('DELETE', '/jobs/default/c');
  await eventually('one less', async () => (await names()).join() === 'd,bb,b,a');
  assert.deepEqual(await marked(page.locator('.jobs-row[data-job]')), [3, undefined, 1, 0]);
});

test('a row keeps the focus when another one comes above it', async () => {
  await visit('/runs');
  const first = page.locator('.runs-row a[href^="/runs/"]').first();
  await first.focus();
  const href = await first.getAttribute('href');
  await instance.api('POST', '/jobs/default/a/run', {});
  await eventually('the new run above it', async () => (await first.getAttribute('href')) !== href);
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('href')), href);
});

test('pictures are of SVG, also where their parts are views of their own', async () => {
  await visit('/jobs/default/a');
  await page.locator('.job-plot svg').first().waitFor();
  const strangers = await page.locator('svg *').evaluateAll((all) =>
    all.filter((each) => each.namespaceURI !== 'http://www.w3.org/2000/svg').map((each) => each.outerHTML),
  );
  assert.deepEqual(strangers, []);
});

test('nothing stays of the pages that one has left', async () => {
  const browser = await page.context().newCDPSession(page);
  await browser.send('Performance.enable');
  const there = async () => {
    await browser.send('HeapProfiler.collectGarbage');
    const { metrics } = await browser.send('Performance.getMetrics');
    const of = (name) => metrics.find((metric) => metric.name === name).value;
    return { nodes: of('Nodes'), listeners: of('JSEventListeners') };
  };
  const around = async () => {
    for (const [path, sign] of [
      ['/', '.counts'],
      ['/jobs', '.jobs-row[data-job]'],
      ['/jobs/default/a', '.job-head'],
      ['/jobs/default/a/edit', '.editor input, textarea'],
      ['/runs', '.runs-row a'],
      ['/nodes', '.nodes-row[data-node]'],
      ['/timeline', '.timeline'],
      ['/settings', '.card'],
    ]) {
      await visit(path);
      await page.locator(sign).first().waitFor();
    }
  };
  // What is made once is made in the first rounds.
  await around();
  await around();
  const few = await there();
  for (let i = 0; i < 6; i += 1) await around();
  // A round leaves a few nodes to the browser's next collection; a page has hundreds.
  await eventually('the nodes of six rounds to be gone', async () => {
    const many = await there();
    return many.nodes < few.nodes + 300 && many.listeners < few.listeners + 30;
  });
  noProblems(page);
});
