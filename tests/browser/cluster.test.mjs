// The harness's cluster: two agents, seen in the console.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { accessible, close, cluster, noProblems, openPage } from './harness/index.mjs';

let instance;
before(async () => {
  instance = await cluster(2);
});
after(close);

test('both nodes of a cluster are shown', async () => {
  const page = await openPage(instance, '/nodes');
  for (const node of ['node-0', 'node-1']) await page.getByText(node).first().waitFor();
  await accessible(page);
  noProblems(page);
  assert.equal(new URL(page.url()).pathname, '/nodes');
  await page.context().close();
});
