/// <reference lib="dom" />
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { hashPassword } from '../../src/access/secret.js';
import { accessibilityFaults, type Browser, startBrowser } from '../support/browser.js';
import { LocalCluster } from '../support/cluster/local-cluster.js';
import { withoutNats } from '../support/nats-fixtures.js';
import { findProgram } from '../support/servers/programs.js';
import { until } from '../support/until.js';

const skip = findProgram('chromium') === undefined || withoutNats;

describe('the nodes of a cluster on the console', { skip, timeout: 90_000 }, () => {
  let browser: Browser;
  let cluster: LocalCluster;

  before(async () => {
    const password = await hashPassword('correct horse');
    const user = (name: string, role: string, partitions: '*' | string[]) => ({ name, password, role, partitions });
    const users = [user('noc', 'operator', '*'), user('looker', 'viewer', '*'), user('tenant', 'admin', ['default'])];
    cluster = await LocalCluster.start({
      nodes: 2,
      gateways: 10,
      cluster: { tags: { vip: { prefer: ['n1'] } } },
      settings: { access: { users } },
    });
    browser = await startBrowser();
  });

  after(async () => {
    await browser?.close();
    await cluster?.stop();
  });

  const signIn = async (name: string, node = 0) => {
    const page = await browser.page();
    await page.goto(`http://127.0.0.1:${cluster.nodes[node]?.httpPort}/`);
    await page.getByLabel('Name').fill(name);
    await page.getByLabel('Password').fill('correct horse');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('link', { name: 'Overview' }).waitFor();
    return page;
  };

  test('each node is shown with state, share of the probes and tags; axe finds no fault of the page', async () => {
    const page = await signIn('noc');
    await page.getByRole('link', { name: 'Nodes' }).click();
    const row = (name: string) => page.getByRole('row', { name: new RegExp(`^${name}`) });
    await row('n1').getByText('ready').waitFor();
    await row('n2').getByText('ready').waitFor();
    const shares = await page.locator('table').first().locator('tbody td:nth-of-type(3)').allInnerTexts();
    assert.equal(
      shares.map(Number).reduce((sum, each) => sum + each, 0),
      10,
      `${shares}`,
    );
    assert.match(await row('vip').innerText(), /n1\s+active/);
    assert.deepEqual(await accessibilityFaults(page), []);
  });

  test('an operator drains a node and lets it take part again', async () => {
    const page = await signIn('noc');
    await page.getByRole('link', { name: 'Nodes' }).click();
    await page.getByRole('button', { name: 'Drain' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Drain n1' }).click();
    await page.getByText('draining').waitFor();
    await until('it owns nothing', () => cluster.metric(1, 'switchyard_cluster_owned_destinations') === 10, {
      milliseconds: 3000,
    });
    await page.getByRole('button', { name: 'Take part again' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Let n1 take part again' }).click();
    await page.getByRole('button', { name: 'Drain' }).waitFor();
  });

  test('a button on the page of a node makes it the holder of a tag', async () => {
    const page = await signIn('noc', 1);
    await page.getByRole('link', { name: 'Nodes' }).click();
    await page.getByRole('button', { name: 'Make active here' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Take vip over' }).click();
    await page.getByRole('row', { name: /^vip/ }).getByText('active', { exact: true }).waitFor();
    assert.equal(cluster.metric(1, 'switchyard_cluster_tag_active'), 1);
    assert.equal(cluster.metric(0, 'switchyard_cluster_tag_active'), 0);
  });

  test('a viewer sees no button, and a user restricted to partitions no page', async () => {
    const looker = await signIn('looker');
    await looker.getByRole('link', { name: 'Nodes' }).click();
    await looker.getByRole('row', { name: /^n2/ }).waitFor();
    assert.equal(await looker.locator('main').getByRole('button').count(), 0);
    const tenant = await signIn('tenant');
    assert.equal(await tenant.getByRole('link', { name: 'Nodes' }).count(), 0);
    const answer = await tenant.evaluate(async () => {
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'cluster_list' });
      const headers = { 'Content-Type': 'application/json' };
      return (await fetch('/console/mi', { method: 'POST', headers, body })).text();
    });
    assert.match(answer, /403|"error"/);
    assert.doesNotMatch(answer, /n2/);
  });

  test('a node that has stopped is shown as gone', async () => {
    const page = await signIn('noc');
    await page.getByRole('link', { name: 'Nodes' }).click();
    await cluster.nodes[1]?.stop();
    await page.getByRole('row', { name: /^n2/ }).getByText('gone').waitFor();
    // Signed-out and unauthorised requests are errors to a browser, and so is a node that stops while the page is open.
    assert.deepEqual(
      browser.faults.filter((each) => !/\b40[13]\b|ERR_(?:CONNECTION|INCOMPLETE|EMPTY)/.test(each)),
      [],
    );
  });
});
