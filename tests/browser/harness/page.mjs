// The console in Chromium: pages that notice what goes wrong in them.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import fs from 'node:fs';

import { chromium } from 'playwright-core';

import { SOON } from './process.mjs';

const require = createRequire(import.meta.url);

/** Debian's, Ubuntu's, Google's, or the one that GNOMON_CHROMIUM names. */
function program() {
  const known = [
    process.env.GNOMON_CHROMIUM,
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
  ];
  const found = known.find((path) => path && fs.existsSync(path));
  if (!found) throw new Error('no Chromium is installed: `deploy/setup test` installs it');
  return found;
}

let started;
const open = new Set();

/** The pages that are open now. */
export function openPages() {
  return [...open];
}

/** The one browser of this process. `close()` ends it. */
export function browser() {
  // Without its sandbox, which containers and root do not allow: it sees only our own pages.
  started ??= chromium.launch({
    executablePath: program(),
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
    timeout: SOON,
  });
  return started;
}

export async function close() {
  const ending = started;
  started = undefined;
  await (await ending)?.close();
}

/**
 * A page of a person of their own (no cookies, nothing kept), not yet anywhere.
 * `look`: { theme: 'light'|'dark'|'system', language: 'en'|'zh-CN', width, height, scale, zone,
 * reducedMotion }. `page.problems` holds what the console of the browser complained of.
 */
export async function newPage(look = {}) {
  const { theme, language, width = 1280, height = 800, scale = 1, zone = 'UTC', reducedMotion = 'reduce' } = look;
  const context = await (await browser()).newContext({
    viewport: { width, height },
    deviceScaleFactor: scale,
    locale: language ?? 'en',
    timezoneId: zone,
    colorScheme: theme === 'dark' ? 'dark' : 'light',
    reducedMotion,
  });
  context.setDefaultTimeout(SOON);
  context.setDefaultNavigationTimeout(SOON);
  await context.addInitScript(({ theme, language }) => {
    if (theme && !localStorage.getItem('gnomon.theme')) localStorage.setItem('gnomon.theme', theme);
    if (language && !localStorage.getItem('gnomon.language')) localStorage.setItem('gnomon.language', language);
    addEventListener('securitypolicyviolation', (e) => {
      console.error(`policy: ${e.violatedDirective} forbids ${e.blockedURI} in ${e.sourceFile}:${e.lineNumber}`);
    });
  }, { theme, language });
  const page = await context.newPage();
  open.add(page);
  page.on('close', () => open.delete(page));
  page.problems = [];
  page.on('pageerror', (e) => page.problems.push(`${e.stack ?? e}`));
  page.on('crash', () => page.problems.push('the page crashed'));
  page.on('console', (message) => {
    if (message.type() === 'error' && !isAskedFor(message)) {
      page.problems.push(`${message.text()} (${message.location().url})`);
    }
  });
  return page;
}

/** Chromium reports each answer of 401, and asking who one is is how the console learns it. */
function isAskedFor(message) {
  const { pathname } = new URL(message.location().url || 'about:blank');
  return message.text().includes('status of 401') && ['/api/v1/whoami', '/api/v1/login'].includes(pathname);
}

/** Fails when the browser complained of anything: an error, a panic, a policy. */
export function noProblems(page) {
  assert.deepEqual(page.problems, [], 'the browser complained');
}

/** Opens a path of the instance and waits until the console shows something there. */
export async function go(page, instance, path = '/') {
  await page.goto(instance.url + path);
  await page.locator('main').first().waitFor();
  return page;
}

/** Fills in the login that stands there, and waits until it is over. */
export async function logIn(page, instance) {
  await page.fill('input[name=user]', 'admin');
  await page.fill('input[name=password]', instance.password);
  await page.click('button[type=submit]');
  await page.locator('nav[aria-label]').first().waitFor();
}

/** A page that is logged in and stands at `path`. */
export async function openPage(instance, path = '/', look = {}) {
  const page = await newPage(look);
  await go(page, instance, path);
  await logIn(page, instance);
  return page;
}

/** Fails when axe finds anything serious; says what and where. */
export async function accessible(page, what = page.url()) {
  // Through the debugger, not as a script of the page: the policy forbids those.
  await page.evaluate(fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8'));
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, {
    resultTypes: ['violations'],
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  }));
  const serious = violations.filter((v) => ['serious', 'critical'].includes(v.impact));
  const found = serious.map((v) => {
    const where = v.nodes.slice(0, 5).map((n) => `    ${n.target.join(' ')}: ${n.failureSummary?.replaceAll('\n', ' ')}`);
    return `${v.impact} ${v.id} (${v.nodes.length}): ${v.help}\n${where.join('\n')}`;
  });
  assert.equal(found.length, 0, `axe on ${what}:\n${found.join('\n')}`);
}
