/// <reference lib="dom" />
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { hashToken, newToken } from '../../src/access/secret.js';
import type { EventList } from '../../src/console/server/wire.js';
import { type Browser, startBrowser } from '../support/browser.js';
import { type DaemonFixture, startDaemon } from '../support/daemon-fixture.js';
import { withoutNats } from '../support/nats-fixtures.js';
import { type RestartableNats, startRestartableNats } from '../support/restartable-nats.js';
import { findProgram } from '../support/servers/programs.js';
import { until } from '../support/until.js';

const ACME = 'sip:127.0.0.1:7101';
const GLOBEX = 'sip:127.0.0.1:7102';
/** More than one page, and more than the first section of the stream that is read. */
const CHANGES = 330;
const skip = findProgram('chromium') === undefined ? 'chromium is not installed' : withoutNats;

describe('events that are older than the page', { skip, timeout: 90_000 }, () => {
  let nats: RestartableNats;
  let daemon: DaemonFixture;
  let browser: Browser;
  const tokens = { all: newToken(), globex: newToken() };

  const get = async (user: keyof typeof tokens, before?: number) => {
    const query = before === undefined ? '' : `?before=${before}`;
    const headers = { authorization: `Bearer ${tokens[user]}` };
    const answer = await fetch(`http://127.0.0.1:${daemon.httpPort}/console/events${query}`, { headers });
    return { status: answer.status, list: (await answer.json()) as EventList };
  };
  const change = (state: string, group: string, address: string) =>
    daemon.daemon.mi.execute('ds_set_state', { state, group, address });

  const metric = (name: string) => {
    const text = daemon.daemon.metrics.prometheus();
    return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1]);
  };

  before(async () => {
    nats = await startRestartableNats();
    daemon = await startDaemon(
      {
        node: 'sbc-1',
        partitions: [
          { name: 'acme', db_url: 'sqlite:./acme.db' },
          { name: 'globex', db_url: 'sqlite:./globex.db' },
        ],
        mi: { http: { as: 'all' } },
        access: {
          users: [
            { name: 'all', token: hashToken(tokens.all), role: 'admin', partitions: '*' },
            { name: 'globex', token: hashToken(tokens.globex), role: 'viewer', partitions: ['globex'] },
          ],
        },
        events: { nats: { servers: nats.url, jetstream: { stream: 'DISPATCHER', outbox_file: '' } } },
      },
      { acme: [{ setid: 1, destination: ACME }], globex: [{ setid: 1, destination: GLOBEX }] },
    );
    await change('i', 'globex:1', GLOBEX);
    for (let i = 0; i < CHANGES; i++) await change(i % 2 === 0 ? 'i' : 'a', 'acme:1', ACME);
    await until(
      'stored',
      () => metric('switchyard_outbox_published_total') > CHANGES && metric('switchyard_outbox_depth') === 0,
    );
    browser = await startBrowser();
  });
  after(async () => {
    await browser?.close();
    await daemon?.stop();
    await nats?.stop();
  });

  test('are read from the stream in pages, each event once, newest first', async () => {
    const seen: unknown[] = [];
    let before: number | undefined;
    for (let pages = 0; pages < 20; pages++) {
      const { list } = await get('all', before);
      assert.equal(list.from, 'stream');
      seen.push(...list.events.map(({ params }) => `${params['partition']} ${params['seq']}`));
      before = list.before;
      if (before === undefined) break;
    }
    const expected = Array.from({ length: CHANGES }, (_, i) => `acme ${CHANGES - i}`);
    assert.deepEqual(seen, [...expected, 'globex 1']);
  });

  test('a user of one partition finds its events, however many others came later', async () => {
    const { list } = await get('globex');
    assert.deepEqual(
      list.events.map(({ params }) => params['address']),
      [GLOBEX],
    );
    assert.equal((await fetch(`http://127.0.0.1:${daemon.httpPort}/console/events`)).status, 401);
  });

  test('are shown below the live ones; a button shows more, and the page says when there are no more', async () => {
    const page = await browser.page();
    await page.setExtraHTTPHeaders({ authorization: `Bearer ${tokens.all}` });
    await page.goto(`http://127.0.0.1:${daemon.httpPort}/#/events`);
    await page.locator('tbody tr').nth(99).waitFor();
    await page.getByText('sbc-1').waitFor();
    await change('a', 'globex:1', GLOBEX);
    await page.locator('tbody tr').first().getByText(GLOBEX).waitFor();
    const more = page.getByRole('button', { name: 'Show older events' });
    for (let i = 0; i < 10 && (await more.count()) > 0; i++) {
      const rows = await page.locator('tbody tr').count();
      await more.click();
      await page.waitForFunction((n) => document.querySelectorAll('tbody tr').length > n, rows);
    }
    await page.getByText(`${CHANGES + 2} read, all events of the stream`).waitFor();
    assert.equal(await page.locator('tbody tr').count(), CHANGES + 2);
    await page.getByPlaceholder('Search').fill('globex');
    await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 2);
    assert.deepEqual(browser.faults, []);
  });

  test('are those that the node has kept while NATS is away, and the page says so', async () => {
    await nats.kill();
    await until('away', () => metric('switchyard_nats_connected') === 0);
    const { status, list } = await get('globex');
    assert.equal(status, 200);
    assert.deepEqual([list.from, list.problem, list.events.length], ['memory', 'NATS is not connected', 2]);
    assert.equal((await get('all', 50)).status, 503);
  });
});
