// The job editor: a form and the job file, each changing the other.

import assert from 'node:assert/strict';
import { after, before, beforeEach } from 'node:test';

import { accessible, close, eventually, go, noProblems, openPage, standalone, test } from './harness/index.mjs';

let instance;
let page;
before(async () => {
  instance = await standalone();
  page = await openPage(instance, '/', { zone: 'Europe/Berlin', width: 1400, height: 900 });
});
after(close);
// What one test found is not the next one's.
beforeEach(() => { page.problems.length = 0; });

/** The field at a place in the file. */
const field = (at) => page.locator(`#f-${at.replaceAll('.', '-')}`);
const file = () => page.locator('#file');
const says = async (at, text) => eventually(`${at} to say ${text}`, async () => (await field(at).inputValue()) === text);
const fileHas = async (text) => eventually(`the file to have ${text}`, async () => (await file().inputValue()).includes(text));
const job = (name) => instance.api('GET', `/jobs/default/${name}`);
const saveButton = () => page.locator('.editor-bar button.primary');
const dialog = () => page.locator('dialog[open]');

/** Opens the part of the form with user, environment and limits, if it is closed. */
const limits = () => page.locator('details.more', { has: field('run.timeout') }).evaluate((part) => { part.open = true; });

async function edit(name) {
  await go(page, instance, `/jobs/default/${name}/edit`);
  await file().waitFor();
}

/** Saves what is there, through the difference, and is then at the job. */
async function saveThrough(name) {
  await saveButton().click();
  await dialog().locator('.diff').waitFor();
  await dialog().locator('button.primary').click();
  await page.waitForURL(`**/jobs/default/${name}`);
}

test('a job is made in the form, seen beforehand, and runs', async () => {
  await go(page, instance, '/new');
  await field('name').fill('hello');
  await field('run.shell').fill('echo "made in the form"');
  await field('triggers.0.cron').fill('30 2 * * MON-FRI');
  await page.locator('.in-words').getByText('02:30').waitFor();
  await page.locator('.in-words').getByText('weekday').waitFor();
  await eventually('ten instants', async () => (await page.locator('.instants tbody tr:not(.clock-change)').count()) === 10);
  assert.match(await page.locator('.instants tbody').innerText(), /02:30:00/);
  await page.locator('.seats .badge').first().waitFor();
  await fileHas('name: hello');
  await fileHas('cron: "30 2 * * MON-FRI"');
  await fileHas('timezone: Europe/Berlin');
  // Another zone, found by a part of its name.
  await field('triggers.0.timezone').click();
  await field('triggers.0.timezone').fill('shangh');
  await page.locator('.zones li', { hasText: 'Asia/Shanghai' }).waitFor();
  await field('triggers.0.timezone').press('Enter');
  await fileHas('timezone: Asia/Shanghai');
  await page.locator('.instants th', { hasText: 'Europe/Berlin' }).waitFor();
  await accessible(page, 'the editor');
  await page.keyboard.press('Control+s');
  await page.waitForURL('**/jobs/default/hello');
  const made = await job('hello');
  assert.equal(made.spec.run.shell, 'echo "made in the form"');
  assert.equal(made.spec.triggers[0].timezone, 'Asia/Shanghai');
  const { runs } = await instance.api('POST', '/jobs/default/hello/run', {});
  await eventually('the run to succeed', async () => {
    const run = await instance.api('GET', `/runs/${runs[0].id}`);
    return run.state === 'succeeded';
  });
  noProblems(page);
});

test('the file changes the form, and the form leaves comments alone', async () => {
  await edit('hello');
  const text = [
    '# Says hello.', 'name: hello', 'run:', '  # once a day', '  shell: echo hello  # quick', '  timeout: 45m',
    'triggers:', "  - cron: '30 2 * * *'", '    timezone: Asia/Shanghai', '',
  ].join('\n');
  await file().fill(text);
  await says('run.timeout', '45m');
  await says('run.shell', 'echo hello');
  await limits();
  await field('run.timeout').fill('1h');
  await field('description').fill('Every night');
  await fileHas('timeout: 1h');
  assert.equal(await file().inputValue(), text.replace('45m', '1h').replace('run:', 'description: Every night\nrun:'));
  await saveButton().click();
  const shown = await dialog().locator('.diff').innerText();
  assert.match(shown, /\+ {3}timeout: 1h/);
  assert.match(shown, /- {3}shell: echo "made in the form"/);
  await dialog().locator('button.primary').click();
  await page.waitForURL('**/jobs/default/hello');
  assert.equal((await job('hello')).spec.run.timeout, '1h');
  noProblems(page);
});

test('what is wrong is told at its field and at its line, and is not saved', async () => {
  await edit('hello');
  const { revision } = await job('hello');
  await limits();
  await field('run.timeout').fill('30');
  await page.locator('#f-run-timeout-error').getByText('no unit').waitFor();
  await page.locator('#file-error').getByText('no unit').waitFor();
  const line = (await file().inputValue()).split('\n').findIndex((l) => l.includes('timeout:')) + 1;
  await page.locator('#file-error').getByText(`Line ${line}`).waitFor();
  assert.match(await page.locator('.gutter li.is-wrong').innerText(), new RegExp(`${line}`));
  await field('triggers.0.cron').fill('0 99 * * *');
  await page.locator('#f-triggers-0-cron-error').getByText('99 is out of 0-23').waitFor();
  await saveButton().click();
  await page.locator('.toast').first().waitFor();
  assert.equal(await dialog().count(), 0);
  assert.equal((await job('hello')).revision, revision);

  // A file that cannot be read leaves the form as it was, and the form can write it anew.
  await field('run.timeout').fill('10m');
  await field('triggers.0.cron').fill('0 9 * * *');
  const whole = await file().inputValue();
  await file().fill(`${whole}labels: {a: b\n`);
  await page.locator('.editor-form .notice').waitFor();
  assert.equal(await field('name').isDisabled(), true);
  await page.locator('#file-error').getByText('Line').waitFor();
  await page.locator('.editor-form .notice button').click();
  await eventually('the form to be back', async () => !(await field('name').isDisabled()));
  await fileHas('timeout: 10m');
  noProblems(page);
});

test('leaving asks, and what was not saved is there again', async () => {
  await page.locator('nav.places a[href="/runs"]').click();
  await dialog().getByText('Leave without saving?').waitFor();
  await page.keyboard.press('Escape');
  await eventually('the question to go', async () => (await dialog().count()) === 0);
  assert.match(page.url(), /\/edit$/);
  page.once('dialog', (question) => {
    assert.equal(question.type(), 'beforeunload');
    question.accept();
  });
  await page.reload();
  await page.locator('.notice', { hasText: 'unsaved changes are back' }).waitFor();
  await fileHas('timeout: 10m');
  await page.locator('.notice', { hasText: 'unsaved changes are back' }).locator('button').click();
  await fileHas('timeout: 1h');
  await page.locator('nav.places a[href="/runs"]').click();
  await page.waitForURL('**/runs');
  noProblems(page);
});

test('two people change one job, and both changes are joined', async () => {
  await edit('hello');
  await field('description').fill('Mine');
  await limits();
  await field('run.timeout').fill('2h');
  const { spec } = await job('hello');
  await instance.api('PUT', '/jobs/default/hello', {
    ...spec, description: 'Theirs', labels: { team: 'ops' },
  });
  // It is said at once, before anything is saved.
  await page.locator('.notice', { hasText: 'has changed this job' }).waitFor();
  await saveButton().click();
  await dialog().locator('button.primary').click();
  await dialog().getByText('was changed meanwhile').waitFor();
  const [theirs, mine] = await dialog().locator('.sides .diff').allInnerTexts();
  assert.match(theirs, /\+ labels: \{team: ops\}/);
  assert.match(mine, /\+ {3}timeout: 2h/);
  assert.equal(await dialog().locator('.clash').count(), 1, 'both changed the description');
  await dialog().locator('.clash label', { hasText: 'Theirs' }).locator('input').check();
  await accessible(page, 'the conflict');
  // Theirs instead of one's own, and back: nothing is lost.
  await dialog().getByRole('button', { name: 'Take theirs' }).click();
  await fileHas('Theirs');
  await page.locator('.toast').getByRole('button', { name: 'Undo' }).click();
  await fileHas('timeout: 2h');
  await page.locator('.notice', { hasText: 'has changed this job' }).waitFor();
  await saveButton().click();
  await dialog().locator('button.primary').click();
  await dialog().getByText('was changed meanwhile').waitFor();
  await dialog().locator('.clash label', { hasText: 'Theirs' }).locator('input').check();
  await dialog().getByRole('button', { name: 'Join both' }).click();
  await fileHas('team: ops');
  await saveThrough('hello');
  const after = await job('hello');
  assert.deepEqual(after.spec.labels, { team: 'ops' });
  assert.equal(after.spec.description, 'Theirs');
  assert.equal(after.spec.run.timeout, '2h');
  // The 412 is what this is about; the browser reports it as an error.
  page.problems = page.problems.filter((problem) => !problem.includes('412'));
  noProblems(page);
});

test('changes of the clock are marked', async () => {
  await go(page, instance, '/new');
  // At 02:30 on the day on which Berlin's clocks go forward.
  await field('triggers.0.cron').fill('30 2 * 3 SUNL');
  await field('triggers.0.timezone').fill('Europe/Berlin');
  await field('triggers.0.timezone').press('Enter');
  await page.locator('.clock-mark[data-mark="moved"]').first().waitFor();
  assert.match(await page.locator('.clock-mark').first().innerText(), /stands for 02:30/);
  assert.match(await page.locator('.clock-change').first().innerText(), /Europe\/Berlin clocks go/);
  assert.match(await page.locator('.instants').innerText(), /03:00:00/);
  noProblems(page);
});

test('a narrow screen shows the form or the file', async () => {
  await edit('hello');
  await page.setViewportSize({ width: 390, height: 844 });
  assert.equal(await file().isVisible(), false);
  await page.getByRole('tab', { name: 'Job file' }).click();
  await file().waitFor();
  assert.equal(await field('name').isVisible(), false);
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.equal(width <= 390, true, `the page is ${width} wide`);
  await page.setViewportSize({ width: 1400, height: 900 });
  noProblems(page);
});

test('a copy begins as the job it is of, and a name that is taken is told', async () => {
  await go(page, instance, '/new?from=default%2Fhello');
  await says('name', 'hello-copy');
  await fileHas('team: ops');
  await field('name').fill('hello');
  await saveButton().click();
  await page.locator('#f-name-error').getByText('hello').waitFor();
  assert.match(page.url(), /\/new/);
  await field('name').fill('hello-2');
  await saveButton().click();
  await page.waitForURL('**/jobs/default/hello-2');
  assert.equal((await job('hello-2')).spec.run.timeout, '2h');
});
