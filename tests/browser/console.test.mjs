// What holds for every page: languages, themes, the palette, keys, accessibility.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { accessible, close, eventually, go, logIn, newPage, noProblems, openPage, standalone, test } from './harness/index.mjs';

let instance;
let page;
before(async () => {
  instance = await standalone();
  instance.apply(`
name: minutely
namespace: ops
schedule: "* * * * *"
run: {shell: "echo hello"}
---
name: backup-db
namespace: ops
schedule: "30 2 * * *"
run: {exec: ["true"]}
`);
  page = await openPage(instance, '/');
});
after(close);

const PAGES = ['/', '/jobs', '/jobs/ops/backup-db', '/new', '/runs', '/timeline', '/nodes', '/groups', '/calendars', '/settings'];
const dialog = () => page.locator('dialog[open]');

test('axe finds nothing serious on any page, in either theme, and no page scrolls sideways', async () => {
  for (const [theme, width] of [['light', 1280], ['dark', 390]]) {
    await page.setViewportSize({ width, height: 800 });
    await page.evaluate((theme) => localStorage.setItem('gnomon.theme', theme), theme);
    for (const path of PAGES) {
      await go(page, instance, path);
      await page.locator('h1').first().waitFor();
      await eventually(`${path} to have loaded`, async () => (await page.locator('.loading').count()) === 0);
      await accessible(page, `${path}, ${theme}, ${width} px`);
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(over <= 0, `${path} is ${over} px wider than ${width}`);
    }
  }
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.evaluate(() => localStorage.setItem('gnomon.theme', 'light'));
  noProblems(page);
});

test('language and theme change at once and stay', async () => {
  await go(page, instance, '/settings');
  await page.getByRole('button', { name: '简体中文' }).click();
  await page.getByRole('heading', { name: '设置' }).waitFor();
  assert.equal(await page.locator('html').getAttribute('lang'), 'zh-CN');
  const light = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.getByRole('button', { name: '深色' }).click();
  await eventually('the page is dark', async () => {
    return (await page.evaluate(() => getComputedStyle(document.body).backgroundColor)) !== light;
  });
  await page.reload();
  await page.getByRole('heading', { name: '设置' }).waitFor();
  assert.equal(await page.locator('html').getAttribute('data-theme'), 'dark');
  await page.getByRole('button', { name: 'English' }).click();
  await page.getByRole('heading', { name: 'Settings' }).waitFor();
});

test('Chinese is loaded by who reads it, once, and without it the console speaks English', async () => {
  const asked = [];
  const context = page.context();
  const reader = await context.newPage();
  reader.on('request', (request) => request.url().endsWith('.txt') && asked.push(request.url()));
  await go(reader, instance, '/settings');
  await reader.getByRole('heading', { name: 'Settings' }).waitFor();
  assert.deepEqual(asked, []);

  // The server does not answer: it says so, and nothing changes.
  await context.route('**/*.txt', (route) => route.abort());
  await reader.getByRole('button', { name: '简体中文' }).click();
  await reader.getByRole('alert').getByText('The server does not answer').waitFor();
  assert.equal(await reader.locator('html').getAttribute('lang'), 'en');
  assert.notEqual(await reader.evaluate(() => localStorage.getItem('gnomon.language')), 'zh-CN');
  await context.unroute('**/*.txt');
  await context.route('**/*.txt', (route) => route.fulfill({ status: 404, body: 'gone' }));
  await reader.getByRole('button', { name: '简体中文' }).click();
  await reader.getByRole('alert').getByText('load the page again').waitFor();
  await context.unroute('**/*.txt');
  await reader.getByRole('button', { name: '简体中文' }).click();
  await reader.getByRole('heading', { name: '设置' }).waitFor();

  // A visit that starts in Chinese: every module's words are there.
  asked.length = 0;
  for (const [path, heading] of [['/', '总览'], ['/jobs', '作业'], ['/runs', '运行记录'], ['/timeline', '时间线'],
    ['/nodes', '节点'], ['/groups', '节点组'], ['/calendars', '日历'], ['/new', '新建作业']]) {
    await go(reader, instance, path);
    await reader.locator('h1', { hasText: heading }).waitFor();
  }
  await reader.keyboard.press('Control+k');
  await reader.locator('dialog[open] input').fill('退出');
  await reader.locator('dialog[open]').getByRole('option', { name: '退出登录' }).waitFor();
  assert.equal(asked.length, 8, 'once a visit');

  // It cannot be had when the console starts: the wish stays, for the next visit.
  await context.route('**/*.txt', (route) => route.fulfill({ status: 404, body: 'gone' }));
  await go(reader, instance, '/settings');
  await reader.getByRole('heading', { name: 'Settings' }).waitFor();
  await context.unroute('**/*.txt');
  await go(reader, instance, '/settings');
  await reader.getByRole('heading', { name: '设置' }).waitFor();
  await reader.getByRole('button', { name: 'English' }).click();
  await reader.getByRole('heading', { name: 'Settings' }).waitFor();
  await reader.close();
});

test('the palette goes anywhere and does what pages do', async () => {
  await page.keyboard.press('Control+k');
  await dialog().locator('input').fill('backup');
  await dialog().getByRole('option', { name: 'ops/backup-db' }).first().waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'backup-db' }).waitFor();
  await page.keyboard.press('Control+k');
  await dialog().locator('input').fill('pause backup');
  await dialog().getByRole('option', { name: 'Pause: ops/backup-db' }).waitFor();
  await page.keyboard.press('Enter');
  await eventually('the job is paused', async () => (await instance.api('GET', '/jobs/ops/backup-db')).spec.paused);
  await page.keyboard.press('Control+k');
  await dialog().locator('input').fill('zzzz');
  await dialog().getByText('Nothing fits').waitFor();
  await accessible(page, 'the palette');
  await page.keyboard.press('Escape');
  await dialog().waitFor({ state: 'detached' });
});

test('the palette ends a run, goes to one by its id, and does what the open page can', async () => {
  instance.apply(`
name: sleeper
namespace: ops
run: {shell: "sleep 600", grace: 1s}
`);
  const { runs: [{ id }] } = await instance.api('POST', '/jobs/ops/sleeper/run', {});
  const state = async () => (await instance.api('GET', `/runs/${id}`)).state;
  await eventually('it runs', async () => (await state()) === 'running');
  const choose = async (typed, option) => {
    await page.keyboard.press('Control+k');
    await dialog().locator('input').fill(typed);
    await dialog().getByRole('option', { name: option }).first().waitFor();
    await page.keyboard.press('Enter');
  };
  await go(page, instance, '/jobs');
  await choose(id, `Run ${id}`);
  await page.waitForURL(`**/runs/${id}`);
  await page.getByRole('button', { name: 'Kill' }).waitFor();
  // The page's own button, which no list of the palette's has.
  await choose('run again', 'Run again');
  await dialog().getByText('Run ops/sleeper again?').waitFor();
  await page.keyboard.press('Escape');
  await dialog().waitFor({ state: 'detached' });

  await go(page, instance, '/');
  await choose('kill sleeper', /^Kill: ops\/sleeper on /);
  await dialog().getByText('Kill this run of ops/sleeper?').waitFor();
  await dialog().locator('#kill-reason').fill('over');
  await page.keyboard.press('Enter');
  await eventually('it was killed', async () => (await state()) === 'killed');

  // A page makes its buttons anew while one types: the one of that name is pressed.
  await instance.api('PUT', '/groups/crew', { labels: 'a=b' });
  await go(page, instance, '/groups');
  await page.getByRole('button', { name: 'Edit: crew' }).waitFor();
  await page.keyboard.press('Control+k');
  await dialog().locator('input').fill('delete crew');
  await dialog().getByRole('option', { name: 'Delete: crew' }).waitFor();
  await instance.api('PUT', '/groups/crew', { labels: 'c=d' });
  await page.locator('dd', { hasText: 'c=d' }).waitFor({ state: 'attached' });
  await page.keyboard.press('Enter');
  await dialog().getByText('Delete group crew?').waitFor();
  await dialog().getByRole('button', { name: 'Delete' }).click();
  await dialog().waitFor({ state: 'detached' });

  await choose('new group', 'New group');
  await dialog().getByRole('heading', { name: 'New group' }).waitFor();
  await page.keyboard.press('Escape');
  await dialog().waitFor({ state: 'detached' });
  await choose('token', 'New token');
  await eventually('the field has the focus', async () => (await page.evaluate(() => document.activeElement.id)) === 'token');
  await page.locator('h1').click();
  await instance.api('DELETE', '/jobs/ops/sleeper');
});

test('keys lead to pages, and letters in a field stay there', async () => {
  await page.keyboard.press('g');
  await page.keyboard.press('n');
  await page.getByRole('heading', { name: 'Nodes' }).waitFor();
  await page.locator('.search input').waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('gjc?');
  assert.equal(await page.locator('.search input').inputValue(), 'gjc?');
  assert.equal(new URL(page.url()).pathname, '/nodes');
  await page.locator('h1').click();
  await page.keyboard.press('?');
  await dialog().getByText('Keyboard help').waitFor();
  await accessible(page, 'the keys');
  await page.keyboard.press('Escape');
});

test('a calendar is written, checked as it is typed, and shown', async () => {
  await go(page, instance, '/calendars');
  await page.getByRole('button', { name: 'New calendar' }).click();
  const text = dialog().locator('textarea');
  await text.fill('name: closed\ndats: [12-25]\n');
  await dialog().locator('.error', { hasText: 'dats' }).waitFor();
  assert.equal(await dialog().getByRole('button', { name: 'Save' }).isDisabled(), true);
  await text.fill('name: closed\nweekly: [{days: mon-sun, from: "00:00", to: "24:00"}]\n');
  await dialog().getByRole('button', { name: 'Save' }).click();
  const card = page.getByRole('region', { name: 'closed' });
  await card.getByText('covers now').waitFor();
  assert.equal(await card.locator('.day-cell.is-whole').count(), 56);
  await accessible(page, 'calendars');
});

test('what somebody else made of a group or calendar meanwhile is shown, and nothing is lost', async () => {
  await instance.api('PUT', '/groups/dbs', { nodes: ['a1'] });
  await go(page, instance, '/groups');
  await page.getByRole('button', { name: 'Edit: dbs' }).click();
  await dialog().locator('#labels').fill('role=db');
  await instance.api('PUT', '/groups/dbs', { nodes: ['a2'] });
  await dialog().getByRole('button', { name: 'Save', exact: true }).click();
  await dialog().getByText('Somebody else saved it meanwhile').waitFor();
  await dialog().locator('dd', { hasText: 'a2' }).waitFor();
  await accessible(page, 'a group that somebody else changed');
  await dialog().getByRole('button', { name: 'Save mine in its place' }).click();
  await dialog().waitFor({ state: 'detached' });
  const { set } = await instance.api('GET', '/groups/dbs');
  assert.deepEqual([set.nodes, set.labels], [['a1'], 'role=db']);

  await instance.api('PUT', '/calendars/shut', { dates: ['12-25'] });
  await go(page, instance, '/calendars');
  await page.getByRole('button', { name: 'Edit: shut' }).click();
  await dialog().locator('textarea').fill('name: shut\ndates: [12-31]\n');
  await instance.api('DELETE', '/calendars/shut');
  await dialog().getByRole('button', { name: 'Save', exact: true }).click();
  await dialog().getByText('Somebody else deleted it meanwhile').waitFor();
  // And another person makes it anew.
  await instance.api('PUT', '/calendars/shut', { dates: ['12-26'] });
  await dialog().getByRole('button', { name: 'Save mine again' }).click();
  await dialog().locator('pre', { hasText: '12-26' }).waitFor();
  await dialog().getByRole('button', { name: 'Save mine in its place' }).click();
  await dialog().waitFor({ state: 'detached' });
  assert.deepEqual((await instance.api('GET', '/calendars/shut')).calendar.dates, ['12-31']);
  // The browser tells of the refusals.
  page.problems = page.problems.filter((problem) => !/status of 4(12|09)/.test(problem));
});

test('a token is shown once, works, and is revoked', async () => {
  await go(page, instance, '/settings');
  await page.locator('#token').fill('ci');
  await page.getByRole('button', { name: 'Make a token' }).click();
  const secret = await dialog().locator('.secret').innerText();
  const ask = () => fetch(`${instance.url}/api/v1/jobs`, { headers: { authorization: `Bearer ${secret}` } });
  assert.equal((await ask()).status, 200);
  await page.keyboard.press('Escape');
  await dialog().waitFor({ state: 'detached' });
  await eventually('the secret to leave the page', async () => !(await page.content()).includes(secret));
  await page.getByRole('button', { name: 'Revoke: ci' }).click();
  await dialog().getByRole('button', { name: 'Revoke' }).click();
  await eventually('the token is refused', async () => (await ask()).status === 401);
  noProblems(page);
});

test('a write without the session\'s own header is refused', async () => {
  const status = await page.evaluate(async () => {
    const answer = await fetch('/api/v1/jobs/ops/backup-db/resume', { method: 'POST' });
    return answer.status;
  });
  assert.equal(status, 403);
  assert.equal((await instance.api('GET', '/jobs/ops/backup-db')).spec.paused, true);
});

test('there is one stream of events, while somebody is logged in and looks', async () => {
  const watched = await newPage();
  // Streams that are open, as the page itself holds them.
  await watched.addInitScript(() => {
    globalThis.streams = new Set();
    globalThis.EventSource = class extends EventSource {
      constructor(url) {
        super(url);
        globalThis.streams.add(this);
      }
    };
    globalThis.seen = (isSeen) => {
      Object.defineProperty(document, 'hidden', { configurable: true, get: () => !isSeen });
      document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
    };
  });
  const streams = (n) => eventually(`${n} open streams`, async () => {
    const open = await watched.evaluate(() => [...globalThis.streams].filter((s) => s.readyState === EventSource.OPEN));
    return open.length === n;
  });
  await go(watched, instance, '/settings');
  await logIn(watched, instance);
  for (const language of ['简体中文', 'English', '简体中文', 'English']) {
    await watched.getByRole('button', { name: language }).click();
  }
  await watched.getByRole('heading', { name: 'Settings' }).waitFor();
  await streams(1);
  // What changes while nobody looks is there when somebody does.
  await watched.locator('nav.places a[href="/groups"]').click();
  await watched.getByRole('heading', { name: 'Groups' }).waitFor();
  await watched.evaluate(() => globalThis.seen(false));
  await streams(0);
  await instance.api('PUT', '/groups/unseen', { labels: 'a=b' });
  await watched.evaluate(() => globalThis.seen(true));
  await watched.getByText('unseen').first().waitFor();
  await streams(1);
  await instance.api('DELETE', '/groups/unseen');
  await go(watched, instance, '/settings');
  await watched.getByRole('button', { name: 'Log out' }).click();
  await watched.locator('input[name=password]').waitFor();
  await streams(0);
  await watched.context().close();
});

test('keys of the page do nothing behind a dialog', async () => {
  await go(page, instance, '/jobs/ops/backup-db');
  await page.getByRole('button', { name: 'Run now' }).first().click();
  await dialog().waitFor();
  await page.keyboard.press('Escape');
  await dialog().waitFor({ state: 'detached' });
  await page.locator('h1').click();
  await page.keyboard.press('?');
  await dialog().getByText('Keyboard help').waitFor();
  await page.keyboard.press('c');
  await page.keyboard.press('Control+k');
  assert.equal(await page.locator('dialog[open]').count(), 1);
  assert.equal(new URL(page.url()).pathname, '/jobs/ops/backup-db');
  await page.keyboard.press('Escape');
  await dialog().waitFor({ state: 'detached' });
});

test('a session that ended elsewhere leads to the login, also when one writes', async () => {
  const other = await openPage(instance, '/jobs/ops/minutely/edit');
  await other.locator('#f-description').fill('typed before the end');
  await other.context().clearCookies();
  await other.keyboard.press('Control+s');
  await other.locator('dialog[open] button.primary').click();
  await other.locator('input[name=password]').waitFor();
  await other.context().close();
});

test('a session that ended in another tab leads to the login by itself', async () => {
  const tab = await openPage(instance, '/jobs');
  await tab.evaluate(async () => {
    const { csrf } = await (await fetch('/api/v1/whoami')).json();
    await fetch('/api/v1/logout', { method: 'POST', headers: { 'x-gnomon-csrf': csrf } });
  });
  await tab.locator('input[name=password]').waitFor();
  await tab.context().close();
});

test('whoever logs out sees nothing more', async () => {
  await go(page, instance, '/settings');
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.locator('input[name=password]').waitFor();
  await page.reload();
  await page.locator('input[name=password]').waitFor();
});

test('a console that fails says so', async () => {
  const page = await openPage(instance, '/nodes');
  // As a browser reports what a module of WebAssembly does when it panics.
  await page.evaluate(() => queueMicrotask(() => { throw new WebAssembly.RuntimeError('unreachable'); }));
  await page.locator('#broken').getByText('has failed').waitFor();
  await accessible(page, 'the failed console');
  await page.locator('#broken button').click();
  await page.locator('nav[aria-label]').first().waitFor();
  assert.equal(await page.locator('#broken').count(), 0);
  await page.context().close();
});
