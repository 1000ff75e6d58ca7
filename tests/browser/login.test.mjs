// The door: what a stranger sees, and how one gets in.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { accessible, close, go, logIn, newPage, noProblems, openPage, standalone, test } from './harness/index.mjs';

let instance;
before(async () => {
  instance = await standalone();
});
after(close);

test('a stranger gets the login, without a complaint of the browser', async () => {
  const page = await go(await newPage(), instance);
  await page.locator('input[name=password]').waitFor();
  await accessible(page);
  noProblems(page);
  await page.context().close();
});

test('a wrong password is said to be wrong, and the right one then lets in', async () => {
  const page = await go(await newPage(), instance);
  await page.fill('input[name=user]', 'admin');
  await page.fill('input[name=password]', 'not-the-password');
  await page.click('button[type=submit]');
  await page.getByText('do not fit').waitFor();
  assert.equal(await page.locator('nav[aria-label]').count(), 0);
  await logIn(page, instance);
  noProblems(page);
  await page.context().close();
});

test('one is then where one wanted to be, and stays logged in', async () => {
  const page = await openPage(instance, '/nodes');
  assert.equal(new URL(page.url()).pathname, '/nodes');
  await page.reload();
  await page.locator('nav[aria-label]').first().waitFor();
  assert.equal(await page.locator('input[name=password]').count(), 0);
  noProblems(page);
  await page.context().close();
});

test('the page runs no script that is not its own', async () => {
  const page = await go(await newPage(), instance);
  const ran = await page.evaluate(async () => {
    const violated = new Promise((done) => {
      addEventListener('securitypolicyviolation', (e) => done(e.violatedDirective));
    });
    const script = document.createElement('script');
    script.textContent = 'globalThis.ran = true';
    document.head.append(script);
    return { violated: await violated, ran: globalThis.ran };
  });
  assert.deepEqual(ran, { violated: 'script-src-elem', ran: undefined });
  assert.equal(page.problems.length > 0, true, 'the harness notices what the policy forbids');
  await page.context().close();
});

test('a page that found no server finds it by itself', async () => {
  const page = await openPage(instance, '/nodes');
  await page.route('**/api/v1/whoami', (route) => route.abort());
  await page.reload();
  await page.locator('.failed').waitFor();
  await page.unroute('**/api/v1/whoami');
  await page.locator('nav[aria-label]').first().waitFor();
  assert.equal(new URL(page.url()).pathname, '/nodes');
  await page.context().close();
});

test('whoever comes first is told where the password stands', async () => {
  const page = await go(await newPage(), instance);
  await page.getByText('gnomon standalone').first().waitFor();
  await accessible(page);
  noProblems(page);
  await page.context().close();
});
