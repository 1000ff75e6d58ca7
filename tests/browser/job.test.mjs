// One job: how it is, what comes next, where it runs, what became of any instant, and what
// can be done with it.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { accessible, close, eventually, go, noProblems, openPage, standalone, test } from './harness/index.mjs';

let instance;
let page;
before(async () => {
  instance = await standalone();
  await instance.apply(`
name: nightly
namespace: ops
description: "dumps <b>everything</b>"
labels: {team: dba}
triggers: [{cron: "30 2 * * *", timezone: Asia/Shanghai, jitter: 5m}]
retry: {attempts: 3, backoff: 10s}
run: {shell: 'echo "it says $WORD"', timeout: 30m}
---
name: broken
namespace: ops
run: {shell: "exit 7"}
---
name: nowhere
namespace: ops
schedule: "0 3 * * *"
target: {labels: role=db}
run: {shell: "true"}
---
name: short-lived
namespace: ops
run: {shell: "true"}
`);
  page = await openPage(instance, '/jobs/ops/nightly', { zone: 'Europe/Berlin', width: 1400, height: 900 });
});
after(close);

const card = (title) => page.locator('section.card', { has: page.getByRole('heading', { level: 2, name: title }) });
const dialog = () => page.locator('dialog[open]');
const badge = (text) => page.locator('.job-head .badge', { hasText: text });

test('it tells what it is, when it runs next and where', async () => {
  await page.getByRole('heading', { level: 1, name: 'nightly' }).waitFor();
  await badge('new').waitFor();
  await page.getByText('dumps <b>everything</b>').first().waitFor();
  const next = card('Next runs');
  await next.locator('.job-next > li').first().waitFor();
  assert.equal(await next.locator('.job-next > li').count(), 8);
  assert.match(await next.locator('.job-triggers').innerText(), /02:30/);
  assert.match(await next.locator('time').first().innerText(), /02:30:00/, 'in the zone of the job');
  assert.match(await next.locator('.job-next > li').first().innerText(), /(19|20):30:00 here/, 'and in that of the viewer');
  assert.match(await next.innerText(), /jitter/);
  const [{ id }] = (await instance.api('GET', '/nodes')).items;
  await card('Where it runs').getByRole('link', { name: id }).first().waitFor();
  assert.match(await card('Facts').innerText(), /3 attempts/);
  assert.match(await card('Job file').locator('pre').innerText(), /timezone: Asia\/Shanghai/);
  await accessible(page, 'a job');
  noProblems(page);
});

test('it runs now, with what one asks for, and leads to the run', async () => {
  await page.getByRole('button', { name: 'Run now' }).click();
  await dialog().getByLabel('On which node').waitFor();
  await accessible(page, 'the dialog that runs a job');
  await dialog().getByLabel('Environment').fill('no value');
  await dialog().getByRole('button', { name: 'Run now' }).click();
  await dialog().getByText('Line 1 is no NAME=value.').waitFor();
  await dialog().getByLabel('Environment').fill('WORD=hello there');
  const [{ id }] = (await instance.api('GET', '/nodes')).items;
  await dialog().getByLabel('On which node').selectOption(id);
  await dialog().getByRole('button', { name: 'Run now' }).click();
  const link = dialog().locator('.ordered a');
  await link.waitFor();
  const run = (await link.getAttribute('href')).split('/').pop();
  const ended = await eventually('the run to end', async () => {
    const { state } = await instance.api('GET', `/runs/${run}`);
    return state === 'succeeded' && state;
  });
  assert.equal(ended, 'succeeded');
  const { asked } = await instance.api('GET', `/runs/${run}`);
  assert.deepEqual(asked.env, { WORD: 'hello there' });
  await dialog().getByRole('button', { name: 'Close' }).last().click();

  // It is there without a reload.
  await card('Recent runs').locator('.badge', { hasText: 'succeeded' }).waitFor();
  await badge('ok').waitFor();
  await eventually('a point in the picture', async () => (await page.locator('.job-plot path[data-tone=good]').count()) === 1);
  await page.locator('.job-chart').focus();
  await page.keyboard.press('ArrowLeft');
  await page.locator('.job-tip .badge', { hasText: 'succeeded' }).waitFor();
  await page.keyboard.press('Enter');
  await page.waitForURL(`**/runs/${run}`);
  noProblems(page);
});

test('what is wrong is said at the top', async () => {
  await go(page, instance, '/jobs/ops/broken');
  await page.getByText('This job has no trigger').waitFor();
  await instance.api('POST', '/jobs/ops/broken/run', {});
  await badge('failing').waitFor();
  await page.locator('.job-trouble', { hasText: 'exited with code 7' }).waitFor();
  await go(page, instance, '/jobs/ops/nowhere');
  await badge('no node').waitFor();
  await card('Where it runs').getByText('its labels do not match').first().waitFor();
  noProblems(page);
});

test('it is paused, resumed, and that is undone', async () => {
  await go(page, instance, '/jobs/ops/nightly');
  const is = async (paused) => (await instance.api('GET', '/jobs/ops/nightly')).spec.paused === paused;
  await page.getByRole('button', { name: 'Pause' }).click();
  await badge('paused').waitFor();
  await page.getByText('Paused: none of these is due').waitFor();
  assert.ok(await is(true));
  await page.getByRole('button', { name: 'Undo' }).click();
  await eventually('it to be resumed', () => is(false));
  await page.getByRole('button', { name: 'Pause' }).waitFor();
  noProblems(page);
});

test('the ledger answers for any instant', async () => {
  await go(page, instance, '/jobs/ops/nightly');
  const ledger = card('Ledger');
  // In the zone of the job: half an hour past its time.
  await ledger.getByLabel('Instant, in Asia/Shanghai').fill('2031-05-06T03:00');
  await ledger.getByRole('button', { name: 'Ask why' }).click();
  await ledger.getByText('The job was not due then.').waitFor();
  await ledger.getByRole('button', { name: 'The instant after it' }).click();
  await ledger.getByText('It is still to come').first().waitFor();
  await eventually('the address to say so', () => new URL(page.url()).searchParams.get('at') === '2031-05-06T18:30:00.000Z');
  assert.equal(await ledger.getByLabel('Instant, in Asia/Shanghai').inputValue(), '2031-05-07T02:30');
  await page.reload();
  await ledger.getByText('It is still to come').first().waitFor();
  await ledger.getByLabel('Instant, in Asia/Shanghai').fill('2001-05-07T02:30');
  await ledger.getByLabel('Instant, in Asia/Shanghai').press('Enter');
  await ledger.getByText('That instant does not count').first().waitFor();
  await accessible(page, 'the ledger');
  noProblems(page);
});

test('it is deleted by name, and its page says so', async () => {
  await go(page, instance, '/jobs/ops/short-lived');
  await page.getByRole('button', { name: 'More actions' }).click();
  assert.equal(await page.getByRole('link', { name: 'Duplicate' }).getAttribute('href'), '/new?from=ops%2Fshort-lived');
  await page.locator('.menu-items').getByRole('button', { name: 'Delete' }).click();
  await dialog().getByText('Delete ops/short-lived?').waitFor();
  await dialog().getByRole('button', { name: 'Delete' }).click();
  await page.waitForURL('**/jobs');
  assert.equal((await instance.call('GET', '/jobs/ops/short-lived')).status, 404);
  page.problems.length = 0;
  await go(page, instance, '/jobs/ops/short-lived');
  await page.getByText('There is no such job').waitFor();
  const others = page.problems.filter((problem) => !problem.includes('404'));
  assert.deepEqual(others, []);
  page.problems.length = 0;
});

test('on a phone, in Chinese, nothing is wider than the screen', async () => {
  const phone = await openPage(instance, '/jobs/ops/nightly', { width: 390, height: 844, language: 'zh-CN', theme: 'dark' });
  await phone.getByRole('heading', { level: 2, name: '接下来的运行' }).waitFor();
  await phone.locator('.job-next > li').first().waitFor();
  await phone.locator('.job-where a').first().waitFor();
  assert.equal(await phone.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
  await accessible(phone, 'a job on a phone');
  noProblems(phone);
  await phone.context().close();
});
