/// <reference lib="dom" />
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { accessibilityFaults, type Browser, startBrowser } from '../support/browser.js';
import { type DaemonFixture, replaceRows, startDaemon } from '../support/daemon-fixture.js';
import { findProgram } from '../support/servers/programs.js';
import { type Caller, type Gateway, startCaller, startGateway } from '../support/sip-endpoints.js';
import { until } from '../support/until.js';

/** With CONSOLE_PICTURES=1 the pictures of the documents are regenerated. */
const PICTURES = process.env['CONSOLE_PICTURES'] === '1' ? resolve(import.meta.dirname, '../../examples/console') : '';
const PAGES = ['', 'calls', 'events', 'try', 'reload', 'health', 'audit'];

describe('the console in a real browser', { skip: findProgram('chromium') === undefined, timeout: 240_000 }, () => {
  let browser: Browser;
  let daemon: DaemonFixture;
  let gateways: Gateway[];
  let caller: Caller;
  let rows: Record<string, object[]>;
  let url: string;

  const settings = (port?: number) => ({
    node: 'sbc-1',
    partitions: [
      { name: 'acme', db_url: 'sqlite:./acme.db' },
      { name: 'globex', db_url: 'sqlite:./globex.db' },
    ],
    default: 'acme',
    modparam: { ds_ping_interval: 1, ds_ping_timeout: 0.3, ds_probing_mode: 1, ds_probing_threshhold: 1 },
    tm: { fr_timeout: 0.5, fr_inv_timeout: 5 },
    routing: [
      {
        select: { partition: 'acme', set: 1, alg: 4, flags: 'f' },
        failover: { codes: ['408', '5xx'], mark: 'p' },
        record_route: true,
      },
    ],
    ...(port === undefined ? {} : { http: `127.0.0.1:${port}` }),
  });

  const placeCall = async (calls: number) => {
    for (let i = 0; i < calls; i++) {
      const ruri = `sip:+4930${1000 + i}@acme.example`;
      await caller.placeCall({ ruri, proxy: `sip:127.0.0.1:${daemon.sipPort}`, holdMs: 5, timeoutMs: 4000 });
    }
  };

  before(async () => {
    gateways = [
      await startGateway({ name: 'fra-1', host: '127.0.0.41' }),
      await startGateway({ name: 'fra-2', host: '127.0.0.42' }),
      await startGateway({ name: 'ber-1', host: '127.0.0.43' }),
    ];
    caller = await startCaller({ host: '127.0.0.44' });
    const row = (gateway: Gateway | undefined) => ({
      setid: 1,
      destination: gateway?.uri ?? '',
      description: gateway?.name ?? '',
    });
    rows = { acme: [row(gateways[0]), row(gateways[1])], globex: [row(gateways[2])] };
    daemon = await startDaemon(settings(), rows);
    url = `http://127.0.0.1:${daemon.httpPort}/`;
    browser = await startBrowser();
    await placeCall(6);
  });

  after(async () => {
    await browser?.close();
    await daemon?.stop();
    for (const gateway of gateways ?? []) gateway.kill();
    caller?.stop();
  });

  afterEach(() => browser.closePages());

  const line = (page: Page, text: string | undefined) => page.locator('.row', { hasText: text ?? '' });

  test('a gateway that dies is listed first, with the reason, within a second of its change of state', async () => {
    const page = await browser.page();
    await page.goto(url);
    await line(page, gateways[1]?.uri).locator('.state.active').waitFor();
    // A slow machine may have lost an earlier probe: the last change counts.
    let at: number | undefined;
    const off = daemon.daemon.engine.states.onChange(({ destination, state }) => {
      if (destination.dialUri === gateways[1]?.uri) at = state === 'probing' ? performance.now() : undefined;
    });
    gateways[1]?.kill();
    await until('the state changes', () => at !== undefined);
    off();
    await line(page, gateways[1]?.uri).locator('.state.probing').waitFor();
    const took = performance.now() - (at ?? 0);
    assert.ok(took < 2500, `${took} ms: a tick is one second, and the machine may be busy`);
    const first = page.locator('.row:not(.head)').first();
    assert.match(await first.innerText(), new RegExp(`${gateways[1]?.uri}[\\s\\S]*probing[\\s\\S]*(408|refused)`));
    assert.match(await page.locator('.totals').innerText(), /Destinations off\s+1 of 3/);
    await picture(page, 'overview');
    await gateways[1]?.revive();
    await line(page, gateways[1]?.uri).locator('.state.active').waitFor();
  });

  test('a state set by hand on one page shows on another, in ds_list, and in the history with who did it', async () => {
    const [one, two] = [await browser.page(), await browser.page()];
    await one.goto(url);
    await two.goto(url);
    await line(one, gateways[0]?.uri).getByRole('checkbox').check();
    await one.getByRole('button', { name: 'Set inactive' }).click();
    await one.getByLabel('Why').fill('maintenance');
    await one.getByRole('dialog').getByRole('button', { name: 'Set inactive' }).click();
    await line(two, gateways[0]?.uri).locator('.state.inactive').waitFor();
    const listed = JSON.stringify(await daemon.daemon.mi.execute('ds_list', { partition: 'acme' }));
    assert.match(listed, /Inactive/);
    await two.getByRole('link', { name: gateways[0]?.uri ?? '' }).click();
    await two.getByRole('heading', { name: 'States' }).waitFor();
    assert.match(await two.locator('main').innerText(), /MI command/);
    await two.getByRole('button', { name: 'Set active' }).click();
    await two.getByRole('dialog').getByRole('button', { name: 'Set active' }).click();
    await line(one, gateways[0]?.uri).locator('.state.active').waitFor();
    await picture(two, 'destination');
  });

  test('a state can be set in the console with the keyboard alone', async () => {
    const page = await browser.page();
    await page.goto(url);
    const box = line(page, gateways[2]?.uri).getByRole('checkbox');
    await box.waitFor();
    await page.keyboard.press('Tab');
    for (let i = 0; i < 40 && !(await box.evaluate((each) => each === document.activeElement)); i++) {
      await page.keyboard.press('Tab');
    }
    await page.keyboard.press('Space');
    const button = page.getByRole('button', { name: 'Set probing' });
    for (let i = 0; i < 40 && !(await button.evaluate((each) => each === document.activeElement)); i++) {
      await page.keyboard.press('Shift+Tab');
    }
    await page.keyboard.press('Enter');
    await page.keyboard.type('by keyboard');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await line(page, gateways[2]?.uri)
      .getByText(/^(probing|active) for \d/)
      .waitFor();
  });

  test('the difference between table and memory is shown, then applied', async () => {
    const page = await browser.page();
    await page.goto(`${url}#/reload`);
    await replaceRows(daemon, 'globex', [
      ...(rows['globex'] ?? []),
      { setid: 2, destination: 'sip:127.0.0.45:5060', description: 'new one' },
    ]);
    await page.getByRole('button', { name: 'Compare' }).click();
    await page.getByText('1 new').waitFor();
    assert.equal(daemon.daemon.engine.partition('globex')?.snapshot.size, 1);
    await picture(page, 'reload');
    await page.getByRole('button', { name: 'Apply' }).click();
    await page.getByText('Reloaded.').waitFor();
    assert.equal(daemon.daemon.engine.partition('globex')?.snapshot.size, 2);
    await page.getByRole('link', { name: 'Overview' }).click();
    await line(page, 'sip:127.0.0.45:5060').waitFor();
  });

  test('calls are listed with what was tried, filtered by caller, and open as a ladder', async () => {
    const page = await browser.page();
    await placeCall(2);
    await page.goto(`${url}#/calls`);
    await page.locator('tbody tr').nth(1).waitFor();
    await page.getByLabel('Callee').fill('49301001');
    await page.waitForFunction(() => document.querySelectorAll('tbody tr').length <= 2);
    await page.locator('tbody button').first().click();
    assert.match(await page.locator('.ladder').first().innerText(), /→ sip:127\.0\.0\.4\d:\d+[\s\S]*200/);
    await picture(page, 'calls');
  });

  test('a trace is shown as a ladder while its calls go on', async () => {
    const page = await browser.page();
    await page.goto(`${url}#/calls`);
    await page.getByText('Trace', { exact: true }).click();
    await page.getByLabel('Calls from').fill('caller');
    await page.getByRole('button', { name: 'Trace for a minute' }).click();
    await page.getByText('Tracing for a minute.').waitFor();
    await placeCall(1);
    const ladder = page.getByRole('region', { name: /Messages of call/ });
    await ladder.first().waitFor();
    await ladder
      .getByText(/INVITE sip:.*from .* to switchyard/)
      .first()
      .waitFor();
    await ladder
      .getByText(/^200 OK.*from switchyard to/)
      .first()
      .waitFor();
    await ladder.locator('summary').first().click();
    await ladder
      .getByText(/Max-Forwards/)
      .first()
      .waitFor();
  });

  test('the page explains a call for the case that a destination is down, and nothing changes', async () => {
    const page = await browser.page();
    await page.goto(`${url}#/try`);
    const { engine } = daemon.daemon;
    const partition = engine.partition('acme');
    const uris = [...(partition?.snapshot.sets.get(1)?.destinations ?? [])].map(({ row }) => row.uri);
    await page.getByText('As if something were different').click();
    await page.getByLabel('States').fill(
      uris
        .slice(1)
        .map((uri) => `${uri}=inactive`)
        .join(' '),
    );
    await page.getByRole('button', { name: 'Explain' }).click();
    await page.getByText('assumed').first().waitFor();
    assert.ok(uris.slice(1).every((uri) => partition?.find(1, uri)?.health.lastChange?.reason !== 'assumed'));
  });

  test('an event is shown with its published JSON, and links to its destination', async () => {
    const page = await browser.page();
    await page.goto(`${url}#/events`);
    await page.getByRole('heading', { name: 'Events' }).waitFor();
    // The stream is open when the snapshot has arrived.
    await page.getByText('sbc-1').waitFor();
    const address = gateways[0]?.uri ?? '';
    for (const state of ['i', 'a']) await daemon.daemon.mi.execute('ds_set_state', { state, group: 'acme:1', address });
    await page.getByRole('link', { name: address }).first().click();
    await page.getByRole('heading', { name: address }).waitFor();
  });

  test('the title of each page names it and the node', async () => {
    const page = await browser.page();
    const titles: string[] = [];
    for (const path of ['', 'calls', 'events', 'try', 'reload', 'health', 'audit']) {
      await page.goto(`${url}#/${path}`);
      await page.waitForFunction(() => document.title.includes(' - sbc-1 - '));
      const name = await page.locator('h1').first().textContent();
      await until('its title', async () => (await page.title()) === `${name} - sbc-1 - switchyard`);
      titles.push(await page.title());
    }
    assert.equal(new Set(titles).size, 7);
    assert.doesNotMatch((await page.locator('main').textContent()) ?? '', /\b1 destinations\b/);
  });

  test('the health page names databases, limits that were reached and endpoints', async () => {
    const page = await browser.page();
    await page.goto(`${url}#/health`);
    for (const title of ['Process', 'Partitions', 'SIP', 'Refused since the start', 'Events', 'Probing', 'Endpoints']) {
      await page.getByRole('heading', { name: title, exact: true }).waitFor();
    }
    assert.match(
      await page.locator('main').innerText(),
      new RegExp(`HTTP\\s+http://127\\.0\\.0\\.1:${daemon.httpPort}`),
    );
  });

  test('no page has a fault that axe finds, light, dark, or narrow, and none is wider than a phone', async () => {
    const opened = await browser.page();
    await opened.goto(url);
    const link = line(opened, gateways[0]?.uri).getByRole('link');
    const one = ((await link.getAttribute('href')) ?? '').replace('#/', '');
    assert.match(one, /^destination\/[0-9]+$/);
    const looks = [
      [{}, [...PAGES, one]],
      [{ dark: true }, ['', 'health']],
      [{ width: 390 }, ['', 'calls', one]],
    ] as const;
    for (const [options, paths] of looks) {
      const page = await browser.page(options);
      for (const path of paths) {
        await page.goto(`${url}#/${path}`);
        await page.locator('main *').first().waitFor();
        await page.waitForTimeout(150);
        assert.deepEqual(await accessibilityFaults(page), [], `${path} ${JSON.stringify(options)}`);
      }
      for (const path of 'width' in options ? PAGES : []) {
        await page.goto(`${url}#/${path}`);
        await page.locator('main *').first().waitFor();
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(wide <= 390, `${path} is ${wide} pixels wide`);
      }
      if ('width' in options) await page.goto(url).then(() => picture(page, 'phone'));
      if ('dark' in options) await page.goto(`${url}#/health`).then(() => picture(page, 'health-dark'));
    }
  });

  test('the page needs less than 150 KiB, nothing from elsewhere, and has a strict policy', async () => {
    const page = await browser.page();
    const foreign: string[] = [];
    page.on('request', (request) => {
      if (!request.url().startsWith(url) && !request.url().startsWith('data:')) foreign.push(request.url());
    });
    await page.goto(url);
    let bytes = 0;
    for (const path of ['', 'console/app.js', 'console/app.css']) {
      const response = await fetch(url + path);
      assert.match(response.headers.get('content-security-policy') ?? '', /default-src 'none'.*script-src 'self'/);
      bytes += gzipSync(Buffer.from(await response.arrayBuffer())).length;
    }
    assert.ok(bytes < 150 * 1024, `${bytes} bytes`);
    assert.deepEqual(foreign, []);
  });

  test('the daemon restarts under an open page, which recovers by itself', async () => {
    const page = await browser.page();
    await page.goto(url);
    await line(page, gateways[0]?.uri).waitFor();
    const port = daemon.httpPort;
    await daemon.stop();
    await page.getByText('connection lost').waitFor();
    daemon = await startDaemon(settings(port), { ...rows, acme: rows['acme']?.slice(0, 1) ?? [] });
    await page.getByText('sbc-1').waitFor({ timeout: 20_000 });
    await line(page, gateways[1]?.uri).waitFor({ state: 'detached' });
    await line(page, gateways[0]?.uri).waitFor();
  });

  test("no page of the console has written an error to the browser's log", () => {
    // A restart while the page is open is an error to a browser.
    const faults = browser.faults.filter((each) => !/ERR_CONNECTION_RE(FUSED|SET)|ERR_INCOMPLETE|ERR_EMPTY/.test(each));
    assert.deepEqual(faults, []);
  });
});

async function picture(page: Page, name: string): Promise<void> {
  if (PICTURES === '') return;
  mkdirSync(PICTURES, { recursive: true });
  await page.waitForTimeout(1500);
  await page.screenshot({ path: join(PICTURES, `${name}.png`) });
}
