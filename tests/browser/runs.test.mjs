// Runs: the list as it happens, and one run's output as it comes.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before } from 'node:test';

import { accessible, close, eventually, go, noProblems, openPage, standalone, test } from './harness/index.mjs';

const JOBS = String.raw`
name: stepwise
namespace: ci
description: Goes on when the file that it is given is there.
overlap: {policy: allow}
run:
  shell: |
    step() { while [ ! -e "$STEPS/$1" ]; do sleep 0.05; done; }
    printf '\033[31mfirst\033[0m line\n'
    echo "a warning" >&2
    step two
    echo "second line"
    step three
    echo "third line"
---
name: sleeper
namespace: ci
overlap: {policy: allow}
run: {shell: 'echo asleep; sleep 600', grace: 1s}
---
name: fails
namespace: ops
run: {shell: 'echo "no space left" >&2; exit 7'}
---
name: hostile
namespace: ci
run:
  shell: |
    printf '<script>globalThis.ran = true</script><img src=x onerror="globalThis.ran = true">\n'
    printf 'a\033[2Jb\033]0;title\007c\000d\007e\033[31mred\033[0m\n'
    printf 'progress 10%%\rprogress 99%%\n'
    printf 'turned \342\200\256 around\n'
    head -c 5000 /dev/zero | tr '\0' x; echo
    printf '\377\376 no text\n'
---
name: hundred-thousand
namespace: ci
run:
  output: 64MiB
  shell: |
    awk 'BEGIN { for (i = 1; i <= 100000; i++) printf "%06d \033[3%dmline\033[0m of very many%s\n", i, i % 8, (i % 10000 == 0 ? " Needle" : "") }'
`;

let instance;
let page;
before(async () => {
  instance = await standalone();
  instance.apply(JOBS);
  page = await openPage(instance, '/runs', { width: 1400, height: 900 });
});
after(close);

const run = async (job, body = {}) => (await instance.api('POST', `/jobs/${job}/run`, body)).runs[0].id;
const state = async (id) => (await instance.api('GET', `/runs/${id}`)).state;
const ended = (id) => eventually(`${id} to end`, async () => !['pending', 'queued', 'running'].includes(await state(id)));
const lines = () => page.locator('.line-text');
const line = (n) => page.locator(`.line[data-line="${n}"]`);
const saying = (text) => page.locator('.line', { hasText: text });
const row = (id) => page.locator(`.runs-row[data-run="${id}"]`);
const badge = () => page.locator('.run-outcome .badge');
const feed = (state) => page.locator(`.output-foot[data-state="${state}"]`).waitFor();

/** A run of `ci/stepwise` and the way to let it go on. */
async function stepwise() {
  const steps = fs.mkdtempSync(path.join(instance.home, 'steps-'));
  const id = await run('ci/stepwise', { env: { STEPS: steps } });
  return { id, steps, step: (name) => fs.writeFileSync(path.join(steps, name), '') };
}

test('a run and its output are there as they happen, in colours, both streams told apart', async () => {
  await go(page, instance, '/runs');
  const { id, steps, step } = await stepwise();
  await row(id).locator('.badge', { hasText: 'running' }).waitFor();
  await row(id).locator('.is-name a').click();
  // The two streams are two pipes: which is read first is anybody's guess.
  const [first, warning] = [saying('first line'), saying('a warning')];
  await first.waitFor();
  await warning.waitFor();
  assert.equal(await lines().count(), 2, 'it waits for its next step');
  await feed('live');
  assert.equal(await badge().innerText(), 'running');
  const colour = (what) => what.evaluate((element) => getComputedStyle(element).color);
  const text = first.locator('.line-text');
  assert.notEqual(await colour(text.locator('span', { hasText: 'first' })), await colour(text));
  assert.equal(await first.getAttribute('data-stream'), 'stdout');
  assert.equal(await warning.getAttribute('data-stream'), 'stderr');
  assert.match(await warning.locator('.line-mark').innerText(), /stderr/);
  const number = await warning.getAttribute('data-line');
  assert.match(await page.locator('.run-env').innerText(), new RegExp(`STEPS=${steps}`));
  await accessible(page, 'a run that goes on');

  step('two');
  await saying('second line').waitFor();
  assert.equal(await state(id), 'running', 'it was seen while it runs');
  step('three');
  await saying('third line').waitFor();
  await badge().filter({ hasText: 'succeeded' }).waitFor();
  await page.locator('.output-foot', { hasText: 'complete' }).waitFor();

  await page.getByRole('button', { name: 'stderr' }).click();
  await eventually('stderr alone', async () => (await lines().count()) === 1);
  assert.equal(await line(number).count(), 1, 'a line keeps its number');
  const file = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Download' }).click()]);
  assert.equal(fs.readFileSync(await file[0].path(), 'utf8'), 'a warning\n');

  // The same again, later: by pages, and at a line that the address names.
  await page.goto(`${instance.url}/runs/${id}#L3`);
  await page.reload();
  await page.locator('.line.is-linked', { hasText: 'second line' }).waitFor();
  assert.equal(await lines().count(), 4);
  noProblems(page);
});

test('a run is killed, with a reason that stands in the history', async () => {
  const id = await run('ci/sleeper');
  await go(page, instance, `/runs/${id}`);
  await saying('asleep').waitFor();
  await page.getByRole('button', { name: 'Kill' }).click();
  const dialog = page.locator('dialog[open]');
  assert.match(await dialog.innerText(), /ci\/sleeper/, 'it names what it ends');
  await dialog.getByLabel('Reason').fill('it slept too long');
  await dialog.getByRole('button', { name: 'Kill' }).click();
  await badge().filter({ hasText: 'killed' }).waitFor();
  await page.locator('.run-reason', { hasText: 'it slept too long' }).waitFor();
  assert.equal(await page.getByRole('button', { name: 'Kill' }).count(), 0);
  noProblems(page);
});

test('a run is asked for again, with what it was given', async () => {
  const { id, step } = await stepwise();
  step('two');
  step('three');
  await ended(id);
  await go(page, instance, `/runs/${id}`);
  await page.getByRole('button', { name: 'Run again' }).click();
  const dialog = page.locator('dialog[open]');
  assert.match(await dialog.innerText(), /STEPS=/);
  await dialog.getByRole('button', { name: 'Run again' }).click();
  await page.waitForURL((url) => url.pathname.startsWith('/runs/') && !url.pathname.endsWith(id));
  await saying('third line').waitFor();
  noProblems(page);
});

test('a first page that failed is read again by itself', async () => {
  const before = await run('ops/fails');
  await ended(before);
  let failures = 0;
  await page.route('**/api/v1/runs?*', (route) => (failures++ === 0 ? route.abort() : route.continue()));
  await go(page, instance, '/runs');
  await row(before).waitFor();
  assert.ok(failures > 1);
  await page.unroute('**/api/v1/runs?*');
  page.problems = page.problems.filter((problem) => !problem.includes('ERR_FAILED'));
  noProblems(page);
});

test('filters stand in the address, and new runs come through them', async () => {
  const failed = await run('ops/fails');
  await ended(failed);
  await go(page, instance, '/runs');
  await row(failed).waitFor();
  await eventually('runs of several jobs', async () => (await page.locator('.runs-row[data-run]').count()) > 2);
  await page.locator('.runs-states .chip[data-state="failed"]').click();
  await page.waitForURL(/state=failed/);
  await eventually('failed runs alone', async () => {
    const badges = await page.locator('.runs-row[data-run] .badge').allInnerTexts();
    return badges.length > 0 && badges.every((text) => text === 'failed');
  });
  await page.locator('.runs-filters input[type=search]').fill('FAILS');
  await page.waitForURL(/q=FAILS/);
  await page.reload();
  await row(failed).waitFor();
  assert.equal(await page.locator('.runs-filters input[type=search]').inputValue(), 'FAILS');
  assert.equal(await page.locator('.chip[data-state="failed"]').getAttribute('aria-pressed'), 'true');
  assert.match(await row(failed).locator('.is-reason').innerText(), /exited with code 7/);

  const another = await run('ops/fails');
  const sleeper = await run('ci/sleeper');
  await row(another).waitFor();
  assert.equal(await row(sleeper).count(), 0, 'it does not match');
  await instance.api('POST', `/runs/${sleeper}/kill`, {});

  await page.locator('.runs-filters input[type=search]').fill('no-such-job');
  await page.getByText('No run matches the filters').waitFor();
  await page.getByRole('button', { name: 'Clear filters' }).first().click();
  await row(sleeper).waitFor();
  await page.waitForURL((url) => url.search === '');
  await accessible(page, 'the runs');
  noProblems(page);
});

test('output that would do harm does none, and is shown', async () => {
  const id = await run('ci/hostile');
  await ended(id);
  await go(page, instance, `/runs/${id}`);
  await line(6).waitFor();
  assert.match(await line(1).innerText(), /<script>globalThis\.ran = true<\/script><img src=x/);
  assert.equal(await page.evaluate(() => globalThis.ran), undefined);
  assert.equal(await page.locator('.output img, .output script').count(), 0);
  const second = await line(2).locator('.line-text').innerText();
  assert.equal(second, 'a^[[2Jb^[]0;title^Gc^@d^Gered');
  assert.equal(await line(3).locator('.line-text').innerText(), 'progress 99%');
  assert.match(await line(4).innerText(), /turned <U\+202E> around/);
  assert.match(await page.title(), /hostile/, 'the output did not set the title');
  assert.match(await line(6).innerText(), /\uFFFD\uFFFD no text/);
  const long = line(5).locator('.line-text');
  assert.ok((await long.innerText()).length < 2_100);
  await line(5).getByRole('button', { name: 'show all' }).click();
  await eventually('all of the long line', async () => (await long.innerText()).length === 5_000);
  noProblems(page);
});

test('a hundred thousand lines scroll, and are searched', async () => {
  const id = await run('ci/hundred-thousand');
  await ended(id);
  await go(page, instance, `/runs/${id}`);
  await page.locator('.output-foot', { hasText: '100,000 lines' }).waitFor();
  await line(1).waitFor();
  assert.ok((await lines().count()) < 300, 'only lines in sight exist');
  const scroller = page.locator('.output-lines');
  await scroller.evaluate((element) => element.scrollTo(0, element.scrollHeight));
  await line(100_000).waitFor();
  await scroller.evaluate((element) => element.scrollTo(0, element.scrollHeight / 2));
  await line(50_000).waitFor();

  await scroller.evaluate((element) => element.scrollTo(0, 0));
  await line(1).waitFor();
  const search = page.locator('.finder input');
  await search.fill('needle');
  await page.locator('.finder-told', { hasText: '1 of 10' }).waitFor();
  await line(10_000).locator('mark.is-current').waitFor();
  await search.press('Enter');
  await line(20_000).locator('mark.is-current').waitFor();
  await search.press('Shift+Enter');
  await search.press('Shift+Enter');
  await line(100_000).locator('mark.is-current').waitFor();
  await page.getByRole('button', { name: 'Match case' }).click();
  await page.locator('.finder-told', { hasText: 'nothing found' }).waitFor();
  await page.getByRole('button', { name: 'Match case' }).click();

  // A line's number is a link to it.
  await line(100_000).locator('.line-number').click();
  await page.waitForURL(/#L100000$/);
  await page.locator('.line.is-linked[data-line="100000"]').waitFor();
  // Wrapped, the last line is still the last.
  await page.getByRole('button', { name: 'Wrap' }).click();
  await scroller.evaluate((element) => element.scrollTo(0, element.scrollHeight));
  await line(100_000).waitFor();
  await page.getByRole('button', { name: 'Wrap' }).click();
  noProblems(page);
});

test('a run is watched through a crash of the master', async () => {
  const { id, step } = await stepwise();
  await go(page, instance, `/runs/${id}`);
  await saying('a warning').waitFor();
  await feed('live');
  await instance.process.kill();
  await page.locator('.connection[data-state="lost"]').waitFor();
  await feed('lost');
  await saying('a warning').waitFor();
  await instance.start();
  await page.locator('.connection[data-state="live"]').waitFor();
  await feed('live');
  step('two');
  await saying('second line').waitFor();
  step('three');
  await badge().filter({ hasText: 'succeeded' }).waitFor();
  assert.equal(await lines().count(), 4, 'no line is lost or doubled');
});

test('the same in Chinese, on a small screen, in the dark', async () => {
  const id = await run('ops/fails');
  await ended(id);
  const small = await openPage(instance, '/runs', { language: 'zh-CN', theme: 'dark', width: 390, height: 844 });
  await small.locator(`.runs-row[data-run="${id}"] .badge`, { hasText: '失败' }).waitFor();
  await small.locator(`.runs-row[data-run="${id}"] .is-reason`, { hasText: '退出码为 7' }).waitFor();
  const overflow = () => small.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.equal(await overflow(), 0, 'the list fits');
  await accessible(small, 'the runs, small');
  await small.locator(`.runs-row[data-run="${id}"] .is-name a`).click();
  await small.locator('.line[data-stream="stderr"]', { hasText: 'no space left' }).waitFor();
  assert.equal(await overflow(), 0, 'the run fits');
  await accessible(small, 'a run, small');
  noProblems(small);
  await small.context().close();
});
