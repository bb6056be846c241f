/// <reference lib="dom" />
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { hashPassword } from '../../src/access/secret.js';
import { type Browser, startBrowser } from '../support/browser.js';
import { type DaemonFixture, startDaemon } from '../support/daemon-fixture.js';
import { findProgram } from '../support/servers/programs.js';

const ACME = 'sip:127.0.0.1:15071';
const GLOBEX = 'sip:127.0.0.1:15072';

describe('the console with users', { skip: findProgram('chromium') === undefined, timeout: 120_000 }, () => {
  let browser: Browser;
  let daemon: DaemonFixture;
  let url: string;

  before(async () => {
    const password = await hashPassword('correct horse');
    daemon = await startDaemon(
      {
        partitions: [
          { name: 'acme', db_url: 'sqlite:./acme.db' },
          { name: 'globex', db_url: 'sqlite:./globex.db' },
        ],
        default: 'acme',
        access: {
          users: [
            { name: 'looker', password, role: 'viewer', partitions: ['acme'] },
            { name: 'noc', password, role: 'operator', partitions: '*' },
          ],
        },
      },
      { acme: [{ setid: 1, destination: ACME }], globex: [{ setid: 1, destination: GLOBEX }] },
    );
    url = `http://127.0.0.1:${daemon.httpPort}/`;
    browser = await startBrowser();
  });

  after(async () => {
    await browser?.close();
    await daemon?.stop();
  });

  const signIn = async (name: string, password: string) => {
    const page = await browser.page();
    await page.goto(url);
    await page.getByLabel('Name').fill(name);
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    return page;
  };

  test('with a wrong password the page shows no data', async () => {
    const page = await signIn('looker', 'wrong horse');
    await page.getByRole('alert').waitFor();
    assert.equal(await page.locator('.row').count(), 0);
  });

  test('a viewer sees its partition only, finds no button, and is refused by the interface behind the page', async () => {
    const page = await signIn('looker', 'correct horse');
    await page.getByRole('link', { name: ACME }).waitFor();
    assert.doesNotMatch(await page.content(), /globex|15072/);
    assert.equal(await page.getByRole('checkbox').count(), 0);
    await page.getByRole('link', { name: ACME }).click();
    await page.getByRole('heading', { name: ACME }).waitFor();
    assert.equal(await page.getByRole('button', { name: /Set|Probe/ }).count(), 0);
    const answer = await page.evaluate(async (address) => {
      const response = await fetch('/console/mi', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({
          jsonrpc: '2.0',
          id: 1,
          method: 'ds_set_state',
          params: { state: 'i', group: 'acme:1', address },
        }),
      });
      return response.text();
    }, ACME);
    assert.match(answer, /403|"error"/);
    assert.equal(daemon.daemon.engine.partition('acme')?.find(1, ACME)?.health.state, 'active');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Password').waitFor();
  });

  test('an operator sees all partitions and acts', async () => {
    const page = await signIn('noc', 'correct horse');
    await page.getByRole('link', { name: GLOBEX }).waitFor();
    await page.getByRole('link', { name: GLOBEX }).click();
    await page.getByRole('button', { name: 'Set inactive' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Set inactive' }).click();
    await page.getByText('active → inactive').waitFor();
    assert.equal(daemon.daemon.engine.partition('globex')?.find(1, GLOBEX)?.health.state, 'inactive');
  });
});
