// A test that tells, when it fails, what its pages showed and what its servers said.

import * as node from 'node:test';

import { openPages } from './page.mjs';
import { logs } from './process.mjs';

/** As `test` of node:test. */
export function test(name, body) {
  return node.test(name, async (context) => {
    try {
      return await body(context);
    } catch (e) {
      e.message += `\n\n${await seen()}`;
      throw e;
    }
  });
}

async function seen() {
  const pages = await Promise.all(openPages().map(look));
  return [...pages, ...logs()].join('\n');
}

async function look(page) {
  const text = await page.locator('body').innerText({ timeout: 2000 }).catch((e) => `(no text: ${e.message})`);
  const problems = page.problems.map((problem) => `  complained: ${problem}`);
  return [`at ${page.url()}:`, ...problems, text.slice(0, 1500).replace(/\n{2,}/g, '\n')].join('\n');
}
