// Ten thousand jobs: scrolled, searched, filtered, ordered, chosen, and acted on.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { accessible, close, eventually, go, noProblems, openPage, standalone, test } from './harness/index.mjs';

const MANY = 10_000;
const ODD = '夜间备份-数据库_v2.0';
const SCRIPT = '<script>document.title="run"</script>';

let instance;
let page;
before(async () => {
  instance = await standalone();
  const jobs = Array.from({ length: MANY }, (_, i) => ({
    name: `job-${String(i).padStart(5, '0')}`,
    namespace: `team-${i % 10}`,
    description: i % 100 === 0 ? 'a hundredth of them' : '',
    labels: { kind: i % 2 ? 'odd' : 'even' },
    // Once a year, so that nothing runs meanwhile.
    triggers: [{ cron: '0 0 1 2 *' }],
    run: { exec: ['true'] },
    paused: i % 1000 === 7,
  }));
  for (let i = 0; i < MANY; i += 2_500) {
    await instance.api('POST', '/apply', { jobs: jobs.slice(i, i + 2_500) });
  }
  const odd = { name: ODD, namespace: 'odd', description: SCRIPT, labels: { what: '<b>bold' }, run: { shell: 'true' } };
  await instance.api('POST', '/apply', { jobs: [odd] });
  page = await openPage(instance, '/jobs', { width: 1600, height: 900 });
  await rows().first().waitFor();
});
after(close);

const rows = () => page.locator('.rows-seen .jobs-row');
const row = (path) => page.locator(`.rows-seen .jobs-row[data-job="${path}"]`);
const search = () => page.locator('.jobs-filters input[type=search]');
const selected = () => page.locator('.jobs-selected');
const dialog = () => page.locator('dialog[open]');
/** The number on the chip of all states: how many match, whatever their state. */
const matching = () => page.locator('.jobs-states .chip').first().locator('.number').innerText();
const matches = (n) => eventually(`${n} to match`, async () => (await matching()) === n);
const names = () => page.locator('.rows-seen .jobs-name').allInnerTexts();
const paused = async (name, namespace) => (await instance.api('GET', `/jobs/${namespace}/${name}`)).spec.paused;

test('only the rows in sight exist, and all can be scrolled to', async () => {
  await matches('10,001');
  assert.equal(await page.locator('[role=table]').getAttribute('aria-rowcount'), String(MANY + 2));
  assert.ok((await rows().count()) < 80, 'only what is in sight is there');
  await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
  await row('team-9/job-09999').waitFor();
  assert.ok((await rows().count()) < 80);
  // Back from a job one is where one was.
  await page.evaluate(() => scrollTo(0, 9000));
  await eventually('the rows there', async () => (await page.evaluate(() => scrollY)) === 9000);
  await rows().nth(20).locator('a').first().click();
  await page.waitForURL(/\/jobs\/team-/);
  await page.goBack();
  await rows().first().waitFor();
  await eventually('the place in the list', async () => (await page.evaluate(() => scrollY)) === 9000);
  await page.evaluate(() => scrollTo(0, 0));
  await row(`odd/${ODD}`).waitFor();
  await accessible(page, 'the jobs');
  noProblems(page);
});

test('what people write is shown as text, whatever it is', async () => {
  const link = row(`odd/${ODD}`).locator('.is-name a');
  assert.equal(await link.innerText(), `odd/${ODD}`);
  assert.match(await link.getAttribute('title'), /<script>document\.title/);
  await link.click();
  await page.waitForURL(`**/jobs/odd/${encodeURIComponent(ODD)}`);
  await page.getByRole('heading', { level: 1, name: ODD }).waitFor();
  await page.getByText(SCRIPT).first().waitFor();
  await page.getByRole('link', { name: 'what=<b>bold' }).click();
  await row(`odd/${ODD}`).waitFor();
  await matches('1');
  assert.match(await page.title(), /^Jobs/);
  noProblems(page);
});

test('a search finds names, descriptions and labels as one types, and stands in the address', async () => {
  await go(page, instance, '/jobs');
  await search().pressSequentially('job-0423');
  await matches('10');
  assert.deepEqual((await names()).slice(0, 2), ['job-04230', 'job-04231']);
  await eventually('the address to say so', () => new URL(page.url()).searchParams.get('q') === 'job-0423');
  await page.reload();
  await matches('10');
  assert.equal(await search().inputValue(), 'job-0423');
  await search().fill('HUNDREDTH team-0');
  await matches('100');
  await search().fill('no such thing');
  await page.getByText('No job matches').waitFor();
  await page.locator('.jobs-card').getByRole('button', { name: 'Clear all filters' }).click();
  await matches('10,001');
  assert.equal(await search().inputValue(), '');
  noProblems(page);
});

test('filters by namespace, label, node and state hold together', async () => {
  await go(page, instance, '/jobs');
  await page.getByLabel('Namespace').selectOption('team-7');
  await matches('1,000');
  await page.locator('.jobs-labels input').fill('kind=even');
  await matches('0');
  // What is no selector is not taken for none: all would be chosen with what is shown.
  await page.locator('.jobs-labels input').fill('kind=((');
  await page.getByText('This is no label selector').waitFor();
  await matches('0');
  await page.locator('.jobs-labels input').fill('kind!=even');
  await matches('1,000');
  await page.locator('.jobs-states .chip', { hasText: 'paused' }).click();
  await eventually('the ten that are paused', async () => (await names()).length === 10);
  const { searchParams } = new URL(await eventually('the address', () => page.url().includes('state=') && page.url()));
  assert.equal(searchParams.get('namespace'), 'team-7');
  assert.equal(searchParams.get('state'), 'paused');
  const [{ id }] = (await instance.api('GET', '/nodes')).items;
  await go(page, instance, `/jobs?node=${encodeURIComponent(id)}`);
  await matches('10,001');
  await go(page, instance, '/jobs?node=elsewhere');
  await matches('0');
  noProblems(page);
});

test('columns order, one click one way and the next the other', async () => {
  await go(page, instance, '/jobs?namespace=team-3');
  await matches('1,000');
  const head = page.getByRole('columnheader', { name: 'Name' });
  assert.equal(await head.getAttribute('aria-sort'), 'ascending');
  await head.getByRole('button').click();
  await eventually('the last to be first', async () => (await names())[0] === 'job-09993');
  assert.equal(await head.getAttribute('aria-sort'), 'descending');
  await page.getByRole('columnheader', { name: 'State' }).getByRole('button').click();
  await eventually('the paused to be last', async () => (await names())[0] === 'job-00003');
  noProblems(page);
});

test('many are chosen, paused, resumed and deleted, each time by name', async () => {
  await go(page, instance, '/jobs?q=job-0051');
  await matches('10');
  await row('team-1/job-00511').getByRole('checkbox').click();
  await row('team-4/job-00514').getByRole('checkbox').click({ modifiers: ['Shift'] });
  await selected().getByText('4 selected').waitFor();
  await row('team-2/job-00512').getByRole('checkbox').click();
  await selected().getByText('3 selected').waitFor();
  await search().fill('job-00511');
  await selected().getByText('2 of them not shown').waitFor();

  await selected().getByRole('button', { name: 'Pause' }).click();
  await dialog().getByText('team-1/job-00511').waitFor();
  assert.equal(await dialog().locator('.touched li').count(), 3);
  await accessible(page, 'a question about many');
  await dialog().getByRole('button', { name: 'Pause' }).click();
  await page.getByText('3 jobs are paused').waitFor();
  assert.equal(await paused('job-00514', 'team-4'), true);
  assert.equal(await paused('job-00512', 'team-2'), false, 'what is not chosen is left alone');
  await row('team-1/job-00511').locator('.badge', { hasText: 'paused' }).waitFor();
  await selected().waitFor({ state: 'detached' });

  await search().fill('job-0051');
  await matches('10');
  await page.getByLabel('Select all that are shown').click();
  await selected().getByText('10 selected').waitFor();
  await selected().getByRole('button', { name: 'Resume' }).click();
  await dialog().getByRole('button', { name: 'Resume' }).click();
  await page.getByText('10 jobs are resumed').waitFor();
  assert.equal(await paused('job-00514', 'team-4'), false);

  await page.getByLabel('Select all that are shown').click();
  await selected().getByRole('button', { name: 'Delete' }).click();
  await dialog().getByRole('button', { name: 'Cancel' }).click();
  await dialog().waitFor({ state: 'detached' });
  assert.equal((await instance.call('GET', '/jobs/team-0/job-00510')).status, 200, 'asked is not done');
  await selected().getByRole('button', { name: 'Delete' }).click();
  await dialog().getByRole('button', { name: 'Delete' }).click();
  await page.getByText('10 jobs are deleted').waitFor();
  await matches('0');
  assert.equal((await instance.call('GET', '/jobs/team-0/job-00510')).status, 404);
  noProblems(page);
});

test('a change elsewhere appears by itself, and one menu does what a row needs', async () => {
  await go(page, instance, '/jobs?q=job-00600');
  await row('team-0/job-00600').waitFor();
  await instance.api('POST', '/jobs/team-0/job-00600/pause');
  await row('team-0/job-00600').locator('.badge', { hasText: 'paused' }).waitFor();
  await row('team-0/job-00600').getByRole('button', { name: /^Actions/ }).click();
  await page.locator('.menu-items').getByRole('button', { name: 'Resume' }).click();
  await page.getByText('team-0/job-00600 is resumed').waitFor();
  await page.getByRole('button', { name: 'Undo' }).click();
  await eventually('it to be paused again', () => paused('job-00600', 'team-0'));
  noProblems(page);
});

test('on a phone, in Chinese, nothing is wider than the screen', async () => {
  const phone = await openPage(instance, '/jobs', { width: 390, height: 844, language: 'zh-CN', theme: 'dark' });
  await phone.locator('.rows-seen .jobs-row').first().waitFor();
  await phone.getByRole('heading', { level: 1, name: '作业' }).waitFor();
  assert.equal(await phone.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
  await accessible(phone, 'the jobs on a phone');
  noProblems(phone);
  await phone.context().close();
});

test('who has no jobs yet is told what to do', async () => {
  const empty = await standalone();
  const first = await openPage(empty, '/jobs');
  await first.getByText('No jobs yet').waitFor();
  await first.getByText('gnomon import crontab').waitFor();
  noProblems(first);
  await first.context().close();
});
