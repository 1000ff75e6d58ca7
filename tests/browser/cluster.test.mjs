// A cluster of two agents: the nodes, what is done to them, and groups of them.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { accessible, close, cluster, eventually, go, noProblems, openPage, test } from './harness/index.mjs';

let instance;
let page;
before(async () => {
  instance = await cluster(2);
  instance.apply(`
name: spread
target: {place: {shards: 6}}
schedule: "* * * * * *"
run: {exec: ["true"]}
---
name: everywhere
target: {place: every}
schedule: "* * * * * *"
run: {exec: ["true"]}
`);
  page = await openPage(instance, '/nodes');
});
after(close);

const row = (node) => page.locator(`.nodes-row[data-node="${node}"]`);
const dialog = () => page.locator('dialog[open]');
const toast = (text) => page.locator('.toast', { hasText: text });
const node = (id) => instance.api('GET', `/nodes/${id}`);

test('both nodes are shown, searched and filtered, and the filter is in the address', async () => {
  await row('node-0').getByText('ready').waitFor();
  await row('node-1').getByText('ready').waitFor();
  await accessible(page);
  await page.locator('.search input').fill('node-1');
  await row('node-0').waitFor({ state: 'detached' });
  await eventually('the search in the address', async () => new URL(page.url()).searchParams.get('q') === 'node-1');
  await page.reload();
  await row('node-1').waitFor();
  assert.equal(await row('node-0').count(), 0, 'a link shows the same');
  await page.locator('.search input').fill('no such node');
  await page.getByText('No node is like that').waitFor();
  await eventually('the search in the address', async () => new URL(page.url()).searchParams.get('q') === 'no such node');
  // A link without a search ends it, from the same page as well.
  await page.locator('nav a[href="/nodes"]').click();
  await row('node-0').waitFor();
  assert.equal(await page.locator('.search input').inputValue(), '');
});

test('a node is cordoned after a question, and that is taken back', async () => {
  await row('node-1').locator('.menu > button').click();
  await row('node-1').getByRole('button', { name: 'Cordon' }).click();
  await dialog().getByText('Cordon node-1?').waitFor();
  assert.equal((await node('node-1')).state, 'ready', 'nothing happens before the answer');
  await dialog().getByRole('button', { name: 'Cordon' }).click();
  await row('node-1').getByText('cordoned').waitFor();
  await toast('node-1 is cordoned').getByRole('button', { name: 'Undo' }).click();
  await row('node-1').getByText('ready').waitFor();
  assert.equal((await node('node-1')).state, 'ready');
});

test('a node is drained, and its page shows how far', async () => {
  await eventually('slots on both nodes', async () => (await node('node-1')).slots > 0);
  await go(page, instance, '/nodes/node-1');
  await page.getByRole('link', { name: 'default/spread' }).first().waitFor();
  await page.getByRole('link', { name: 'default/everywhere' }).first().waitFor();
  await accessible(page, 'a node');
  await page.getByRole('button', { name: 'Drain' }).click();
  await dialog().getByRole('button', { name: 'Drain' }).click();
  await page.getByText('It is empty').waitFor();
  assert.equal((await node('node-1')).slots, 0);
  assert.equal((await node('node-0')).slots, 6, 'the other has them all');
  await page.getByRole('button', { name: 'Take back' }).click();
  await eventually('the node takes work again', async () => (await node('node-1')).state === 'ready');
  await page.locator('.node-banner').waitFor({ state: 'detached' });
});

test('labels and the alias are set and taken back', async () => {
  await page.locator('#label').fill('rack');
  await page.getByRole('button', { name: 'Add' }).click();
  await page.getByText('A label is key=value').waitFor();
  await page.locator('#label').fill('rack=b7');
  await page.getByRole('button', { name: 'Add' }).click();
  await page.locator('.label-row', { hasText: 'rack=b7' }).getByText('set here').waitFor();
  assert.equal((await node('node-1')).labels.rack, 'b7');
  await page.locator('#alias').fill('the second');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('heading', { name: 'the second' }).waitFor();
});

test('a group is made in the form, and shows the nodes that it matches', async () => {
  await go(page, instance, '/groups');
  await page.getByText('There are no groups').waitFor();
  await accessible(page, 'no groups');
  await page.getByRole('button', { name: 'New group' }).click();
  await dialog().locator('#name').fill('racked');
  await dialog().locator('#labels').fill('((');
  await dialog().getByRole('button', { name: 'Save' }).click();
  await dialog().locator('.field.is-wrong #labels').waitFor();
  await dialog().locator('#labels').fill('rack=b7');
  await dialog().getByRole('button', { name: 'Save' }).click();
  const card = page.getByRole('region', { name: 'racked' });
  await card.getByRole('link', { name: 'node-1' }).waitFor();
  assert.equal(await card.getByRole('link').count(), 1);
  await accessible(page, 'groups');
  await card.getByRole('button', { name: /Delete/ }).click();
  await dialog().getByText('node-1').waitFor();
  await dialog().getByRole('button', { name: 'Delete' }).click();
  await page.getByText('There are no groups').waitFor();
});

test('the timeline has a lane for each node, and its bars lead to runs', async () => {
  await go(page, instance, '/timeline?span=900');
  const lane = (name) => page.locator('.lane', { has: page.locator(`.lane-name[title="${name}"]`) });
  await lane('node-0').locator('.bar').first().waitFor();
  await lane('node-1').locator('.bar').first().waitFor();
  await lane('node-0').locator('.planned').first().waitFor();
  await accessible(page, 'the timeline');
  await page.getByRole('button', { name: 'By job' }).click();
  await lane('default/everywhere').locator('.bar').first().waitFor();
  await eventually('the lanes in the address', async () => new URL(page.url()).searchParams.get('by') === 'job');
  await page.locator('nav a[href="/timeline"]').click();
  await lane('node-0').waitFor();
  noProblems(page);
});
