import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect as connectNats } from 'nats';
import { hashToken, newToken } from '../../src/access/secret.js';
import { readSettings } from '../../src/config/load.js';
import { systemClock } from '../../src/core/clock.js';
import { nullLogger } from '../../src/core/logger.js';
import { Daemon } from '../../src/daemon/daemon.js';
import { natsAnswers } from '../../src/daemon/nats-answers.js';
import { NatsLink } from '../../src/events/sinks/nats-connection.js';
import { NatsMi } from '../../src/events/sinks/nats-mi.js';
import { encodeRequest } from '../../src/management/rpc/binrpc-encode.js';
import { ReplyReader, within, writeFifo } from '../support/mi-endpoints.js';
import { withoutNats } from '../support/nats-fixtures.js';
import { freePort } from '../support/ports.js';
import { startNatsServer } from '../support/servers.js';
import { requestText } from '../support/sip-recorder.js';
import { until } from '../support/until.js';

const ROLES = ['viewer', 'operator', 'admin'] as const;
type Role = (typeof ROLES)[number];
/** Partitions a user sees: one, or all. */
const SCOPES = ['acme', '*'] as const;
const ACME = 'sip:10.0.0.1:5060';
const INVITE = requestText({ callId: 'explained', uri: 'sip:bob@example.com' });

/** Every command, the permission it needs, and parameters that name a partition (undefined: it belongs to none). */
const COMMANDS: readonly {
  readonly name: string;
  readonly needs: Role;
  /** Only users with access to all partitions may call it. */
  readonly process?: boolean;
  readonly params?: (partition: string) => object;
  /** Parameters without a partition. */
  readonly always?: object;
}[] = [
  { name: 'ds_list', needs: 'viewer', params: (partition) => ({ partition }) },
  { name: 'calls_list', needs: 'viewer', params: (partition) => ({ partition }) },
  { name: 'explain', needs: 'viewer', always: { request: INVITE } },
  { name: 'trace_list', needs: 'operator' },
  { name: 'version', needs: 'viewer' },
  { name: 'uptime', needs: 'viewer' },
  { name: 'which', needs: 'viewer' },
  { name: 'help', needs: 'viewer' },
  { name: 'ps', needs: 'viewer' },
  { name: 'pwd', needs: 'viewer' },
  { name: 'arg', needs: 'viewer' },
  { name: 'list_statistics', needs: 'viewer' },
  { name: 'list_blacklists', needs: 'viewer' },
  { name: 'events_list', needs: 'viewer' },
  { name: 'subscribers_list', needs: 'viewer' },
  { name: 'sr_list_reports', needs: 'viewer' },
  { name: 'sr_list_status', needs: 'viewer' },
  { name: 'sr_list_identifiers', needs: 'viewer' },
  { name: 'log_level', needs: 'viewer' },
  { name: 'ds_ping_active', needs: 'viewer' },
  {
    name: 'ds_set_state',
    needs: 'operator',
    params: (partition) => ({ state: 'i', group: `${partition}:1`, address: 'all' }),
  },
  { name: 'ds_reload', needs: 'operator', params: (partition) => ({ partition }) },
  {
    name: 'ds_push_script_attrs',
    needs: 'operator',
    params: (partition) => ({ attrs: 'x', ip: '10.0.0.1', port: 0, partition }),
  },
  { name: 'reset_all_statistics', needs: 'operator', process: true },
  { name: 'audit_list', needs: 'admin', params: (partition) => ({ partition }) },
  { name: 'ds_add', needs: 'admin', params: (partition) => ({ partition, set: 9, uri: 'sip:10.9.9.9' }) },
  { name: 'ds_remove', needs: 'admin', params: (partition) => ({ partition, set: 9, uri: 'sip:10.9.9.9' }) },
  { name: 'raise_event', needs: 'admin', process: true, params: () => ({ event: 'E_DISPATCHER_STATUS' }) },
];

interface Answer {
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: string };
}

describe('users, roles and partitions', () => {
  const tokens = new Map<string, string>();
  let folder = '';
  let http = 0;
  const udp = new Map<string, number>();
  let daemon: Daemon;
  let nats:
    | { readonly ask: (subject: string, text: string) => Promise<string>; readonly stop: () => Promise<void> }
    | undefined;
  const nameOf = (role: Role, scope: string) => `${role}-${scope === '*' ? 'all' : scope}`;
  const users = ROLES.flatMap((role) => SCOPES.map((scope) => ({ role, scope, name: nameOf(role, scope) })));

  before(async () => {
    folder = `${await mkdtemp(join(tmpdir(), 'sw-'))}/`;
    await writeFile(`${folder}acme.list`, `1 ${ACME}\n`);
    await writeFile(`${folder}globex.list`, '1 sip:10.1.0.1:5060\n');
    http = await freePort();
    const written = [];
    for (const { name, role, scope } of users) {
      const token = newToken();
      tokens.set(name, token);
      written.push({ name, role, token: hashToken(token), partitions: scope === '*' ? '*' : [scope] });
      udp.set(name, await freePort());
    }
    const acme = { name: 'acme', flavour: 'kamailio', db_url: 'list:./acme.list' };
    await writeFile(`${folder}access.json`, JSON.stringify({ users: written }));
    const { settings } = readSettings(
      {
        listen: ['udp:127.0.0.1:0'],
        http: `127.0.0.1:${http}`,
        access: './access.json',
        routing: [
          { match: { $rd: 'acme.example' }, select: { partition: 'acme', set: 1, alg: 8 } },
          { match: { $rd: 'globex.example' }, select: { partition: 'globex', set: 1, alg: 8 } },
        ],
        partitions: [acme, { ...acme, name: 'globex', db_url: 'list:./globex.list' }],
        mi: {
          http: {},
          fifo: users.map(({ name }) => ({ fifo_name: `fifo-${name}`, reply_dir: '.', as: name })),
          datagram: users.map(({ name }) => ({
            socket_name: `udp:127.0.0.1:${udp.get(name)}`,
            as: name,
            allow: ['127.0.0.0/8'],
          })),
          ctl: users.map(({ name }) => ({ socket_name: `unixs:./ctl-${name}`, as: name })),
        },
      },
      { cwd: folder },
    );
    daemon = new Daemon({ settings, log: nullLogger, drainMs: 20 });
    await daemon.start();
    if (withoutNats !== false) return;
    // One subject per user: the permissions in the NATS server decide who may publish to it.
    const server = await startNatsServer({});
    const { mi, access } = daemon.management;
    const { log } = { log: nullLogger };
    const link = new NatsLink({ servers: server.url }, systemClock, log);
    const services = users.map(({ name }) => {
      const answer = natsAnswers({ ...settings, mi: { ...settings.mi, nats: { subject: '', as: name } } }, mi, access);
      return new NatsMi({
        subject: `mi-${name}`,
        prefix: `p-${name}`,
        answer,
        link,
        log,
        node: 'n1',
        version: '0.1.0',
      });
    });
    link.start();
    const client = await connectNats({ servers: server.url });
    nats = {
      ask: async (subject, text) => (await client.request(subject, text, { timeout: 5000 })).string(),
      stop: async () => {
        await client.close();
        for (const each of services) await each.stop();
        await link.stop(100);
        await server.stop();
      },
    };
    await until(
      'the services',
      () =>
        nats?.ask('mi-viewer-acme', body('version', undefined)).then(
          () => true,
          () => false,
        ) ?? false,
    );
  });
  after(async () => {
    await nats?.stop();
    await daemon.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const body = (method: string, params: object | undefined) =>
    JSON.stringify({ jsonrpc: '2.0', id: 1, method, ...(params && { params }) });

  /** The endpoints through which a user can send requests: HTTP, a datagram, a FIFO, NATS. */
  const ENDPOINTS: Readonly<Record<string, (name: string, text: string) => Promise<Answer>>> = {
    async http(name, text) {
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${tokens.get(name)}` };
      const response = await fetch(`http://127.0.0.1:${http}/mi`, { method: 'POST', headers, body: text });
      const answer = (await response.json()) as Answer;
      assert.equal(response.status, answer.error?.code === 403 ? 403 : 200);
      return answer;
    },
    nats: async (name, text) => JSON.parse((await nats?.ask(`mi-${name}`, text)) ?? '{}') as Answer,
    async udp(name, text) {
      const socket = createSocket('udp4');
      try {
        const received = once(socket, 'message');
        socket.send(text, udp.get(name) ?? 0, '127.0.0.1');
        const [bytes] = (await within(received, text)) as [Buffer];
        return JSON.parse(bytes.toString()) as Answer;
      } finally {
        socket.close();
      }
    },
    async fifo(name, text) {
      const reply = `reply${Math.random().toString(36).slice(2)}`;
      const reader = new ReplyReader(folder + reply);
      try {
        await writeFifo(`${folder}fifo-${name}`, `:${reply}:${text}\n`);
        const whole = await reader.until((each) => each.endsWith('"id":1}'));
        return JSON.parse(whole) as Answer;
      } finally {
        reader.close();
      }
    },
  };

  for (const [endpoint, ask] of Object.entries(ENDPOINTS)) {
    for (const { role, scope, name } of users) {
      const skip = endpoint === 'nats' && withoutNats;
      const title = `${endpoint}: ${name} may do what ${role} may, within ${scope === '*' ? 'all partitions' : scope}`;
      test(title, { skip }, async () => {
        for (const command of COMMANDS) {
          const isEnough =
            ROLES.indexOf(role) >= ROLES.indexOf(command.needs) && (command.process !== true || scope === '*');
          for (const partition of command.params === undefined ? [''] : ['acme', 'globex', 'nobody']) {
            const { error } = await ask(name, body(command.name, command.params?.(partition) ?? command.always));
            const what = `${command.name} ${partition} answered ${error?.code} ${error?.message}`;
            if (!isEnough) assert.deepEqual([error?.code, error?.message], [403, 'Forbidden'], what);
            else if (partition === '' || command.process === true) assert.equal(error, undefined, what);
            else {
              const isThere = partition === 'acme' || (partition === 'globex' && scope === '*');
              assert.equal(/Unknown partition/.test(error?.message ?? ''), !isThere, what);
              assert.notEqual(error?.code, 403, what);
            }
          }
        }
      });
    }
  }

  test("Kamailio's commands know the same roles and partitions", async () => {
    const needs: readonly (readonly [string, Role, boolean, (string | number)[]])[] = [
      ['dispatcher.list', 'viewer', false, ['full']],
      ['core.version', 'viewer', false, []],
      ['dispatcher.set_state', 'operator', false, ['ip', 'acme:1', 'all']],
      ['dispatcher.reload', 'operator', false, ['acme']],
      ['dispatcher.ping_active', 'operator', true, [1]],
      ['stats.reset_statistics', 'operator', true, ['all']],
      ['dispatcher.add', 'admin', false, ['acme:1', 'sip:10.8.8.8']],
      ['dispatcher.remove', 'admin', false, ['acme:1', 'sip:10.8.8.8']],
    ];
    for (const { role, scope, name } of users) {
      const ask = async (method: string, params: readonly (string | number)[]): Promise<string> => {
        const socket = connect(`${folder}ctl-${name}`);
        const answered = once(socket, 'data');
        socket.write(encodeRequest(1, method, params));
        const [bytes] = (await within(answered, method)) as [Buffer];
        socket.destroy();
        return bytes.toString('latin1');
      };
      for (const [method, needed, wholeProcess, params] of needs) {
        const isEnough = ROLES.indexOf(role) >= ROLES.indexOf(needed) && (!wholeProcess || scope === '*');
        assert.equal(/Forbidden/.test(await ask(method, params)), !isEnough, `${name} ${method}`);
      }
      const foreign = await ask('dispatcher.list', ['full', 'globex']);
      assert.equal(/Unknown Partition globex/.test(foreign), scope !== '*', name);
    }
  });

  test('lists, health, metrics and status reports show the partitions of the reader', async () => {
    const ask = async (name: string, path: string) => {
      const headers: Record<string, string> = name === '' ? {} : { authorization: `Bearer ${tokens.get(name)}` };
      return fetch(`http://127.0.0.1:${http}${path}`, { headers });
    };
    for (const path of ['/health', '/metrics']) {
      const own = await (await ask('viewer-acme', path)).text();
      assert.match(own, /acme/, path);
      assert.doesNotMatch(own, /globex/, path);
      assert.match(await (await ask('viewer-all', path)).text(), /globex/, path);
    }
    assert.deepEqual(await (await ask('', '/health')).json(), { status: 'ok' });
    assert.equal((await ask('', '/metrics')).status, 401);
    assert.deepEqual([(await ask('', '/livez')).status, (await ask('', '/readyz')).status], [200, 200]);
    for (const method of ['ds_list', 'sr_list_reports', 'list_blacklists', 'calls_list']) {
      const answer = await (ENDPOINTS['http'] as (typeof ENDPOINTS)['http'] & object)(
        'viewer-acme',
        body(method, undefined),
      );
      assert.doesNotMatch(JSON.stringify(answer), /globex/, method);
    }
  });

  test('an explanation shows only the rules that its user may see', async () => {
    const ask = ENDPOINTS['http'] as (typeof ENDPOINTS)['http'] & object;
    const explained = async (name: string, uri: string) => {
      const request = requestText({ callId: 'explained', uri });
      return JSON.stringify((await ask(name, body('explain', { request }))).result);
    };
    assert.match(await explained('viewer-acme', 'sip:bob@acme.example'), /"partition":"acme".*10\.0\.0\.1/);
    const foreign = await explained('viewer-acme', 'sip:bob@globex.example');
    assert.doesNotMatch(foreign, /"globex"|10\.1\.0\.1|\/routing\/1/);
    assert.match(foreign, /no rule that you may see matches/);
    assert.match(await explained('viewer-all', 'sip:bob@globex.example'), /"partition":"globex".*10\.1\.0\.1/);
  });

  test('a user restricted to a partition can trace that partition only', async () => {
    const ask = ENDPOINTS['http'] as (typeof ENDPOINTS)['http'] & object;
    const started = async (name: string, params: object) => (await ask(name, body('trace_start', params))) as Answer;
    const id = ({ result }: Answer) => (result as { id: number }).id;
    const own = id(await started('operator-acme', { call_id: 'one' }));
    const all = id(await started('operator-all', { one_in: 1, calls: 1 }));
    const unknown = await started('operator-acme', { partition: 'nobody' });
    const foreign = await started('operator-acme', { partition: 'globex' });
    assert.equal(foreign.error?.message, unknown.error?.message);
    assert.deepEqual(
      [foreign.error?.data?.replace('globex', 'nobody'), foreign.error?.code],
      [unknown.error?.data, unknown.error?.code],
    );
    const list = JSON.stringify(await ask('operator-acme', body('trace_list', undefined)));
    assert.match(list, /"partition":"acme"/);
    assert.doesNotMatch(list, /one_in/i);
    const answered = async (method: string, each: number) =>
      (await ask('operator-acme', body(method, { id: each }))).error?.data?.replace(String(each), 'N');
    assert.equal(await answered('trace_get', all), await answered('trace_get', 99_999));
    assert.equal(await answered('trace_stop', all), await answered('trace_stop', 99_999));
    assert.equal(await answered('trace_get', own), undefined);
    for (const each of [own, all]) await ask('operator-all', body('trace_stop', { id: each }));
  });

  test('refusing a hidden partition takes as long as refusing one that does not exist', async () => {
    const ask = ENDPOINTS['http'] as (typeof ENDPOINTS)['http'] & object;
    const took = async (partition: string): Promise<number> => {
      const began = performance.now();
      await ask('admin-acme', body('ds_list', { partition }));
      return performance.now() - began;
    };
    const median = (list: number[]) => list.sort((a, b) => a - b)[list.length / 2] as number;
    const measured = async (): Promise<{ hidden: number; unknown: number }> => {
      const times: Record<'nobody' | 'globex', number[]> = { nobody: [], globex: [] };
      for (let i = 0; i < 300; i++) {
        // Alternately, so that other load on the machine affects both.
        for (const partition of i % 2 === 0 ? (['nobody', 'globex'] as const) : (['globex', 'nobody'] as const)) {
          times[partition].push(await took(partition));
        }
      }
      return { hidden: median(times.globex), unknown: median(times.nobody) };
    };
    const seen: string[] = [];
    // A true difference appears each time, one by the other programs of a busy machine does not.
    for (let i = 0; i < 3; i++) {
      const { hidden, unknown } = await measured();
      if (Math.abs(hidden - unknown) < 0.15 * unknown + 0.05) return;
      seen.push(`hidden ${hidden} ms, unknown ${unknown} ms`);
    }
    assert.fail(seen.join('; '));
  });

  test('a request without a name or with a wrong one is refused', async () => {
    const ask = (headers: Record<string, string>) =>
      fetch(`http://127.0.0.1:${http}/mi`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: body('version', undefined),
      });
    const unnamed = await ask({});
    assert.equal(unnamed.status, 401);
    assert.match(unnamed.headers.get('www-authenticate') ?? '', /Basic/);
    assert.equal((await ask({ authorization: 'Bearer x' })).status, 401);
    assert.equal((await ask({ authorization: `Basic ${Buffer.from('viewer-all:x').toString('base64')}` })).status, 401);
    assert.equal((await ask({ authorization: `Bearer ${tokens.get('viewer-all')}` })).status, 200);
  });

  test('the audit trail has what was done and what was refused', async () => {
    // Refusals of one caller are summarised above five per second, and the earlier tests caused many.
    await new Promise((resolve) => setTimeout(resolve, 2000));
    const { recent } = { recent: () => daemon.management.audit.recent() };
    const before = recent().at(-1)?.seq ?? 0;
    const ask = ENDPOINTS['http'] as (typeof ENDPOINTS)['http'] & object;
    await ask('operator-acme', body('ds_set_state', { state: 'i', group: 'acme:1', address: ACME }));
    await ask('operator-acme', body('ds_set_state', { state: 'a', group: 'acme:1', address: ACME }));
    await ask('viewer-acme', body('ds_set_state', { state: 'i', group: 'acme:1', address: ACME }));
    await ask('operator-acme', body('ds_set_state', { state: 'i', group: 'globex:1', address: 'all' }));
    await ask('operator-acme', body('ds_set_state', { state: 'i', group: 'nobody:1', address: 'all' }));
    await ask('operator-acme', body('ds_set_state', { state: 'i', group: 'acme:1', address: 'sip:nobody' }));
    const recorded = recent()
      .filter(({ seq }) => seq > before)
      .map(({ user, command, partition, result, changes }) => [user, command, partition, result, changes.join()]);
    assert.deepEqual(recorded.slice(1), [
      ['operator-acme', 'ds_set_state', 'acme', 'ok', `${ACME} of set 1: inactive to active`],
      ['viewer-acme', 'ds_set_state', undefined, 'refused', ''],
      ['operator-acme', 'ds_set_state', 'globex', 'refused', ''],
      ['operator-acme', 'ds_set_state', 'nobody', 'refused', ''],
      ['operator-acme', 'ds_set_state', 'acme', 'failed', ''],
    ]);
    const own = await ask('admin-acme', body('audit_list', { limit: 1000 }));
    const records = (own.result as { Records: readonly { partition: string | null }[] }).Records;
    assert.deepEqual([...new Set(records.map(({ partition }) => partition))], ['acme']);
  });

  test('changed users take effect after a reload, all of them or none', async () => {
    const text = { users: [{ name: 'viewer-acme', role: 'admin', token: hashToken('new'), partitions: '*' }] };
    assert.throws(
      () => readSettings({ access: { users: [{ ...text.users[0], role: 'king' }] } }, { cwd: folder }),
      /role/,
    );
    assert.throws(() => readSettings({ access: './none.json' }, { cwd: folder }), /no such file/);
    const ask = ENDPOINTS['udp'] as (typeof ENDPOINTS)['udp'] & object;
    assert.equal((await ask('viewer-acme', body('raise_event', { event: 'E_DISPATCHER_STATUS' }))).error?.code, 403);
    daemon.management.access.configure([
      { name: 'viewer-acme', password: undefined, token: undefined, role: 'admin', partitions: undefined },
    ]);
    assert.equal((await ask('viewer-acme', body('raise_event', { event: 'E_DISPATCHER_STATUS' }))).error, undefined);
    // A deleted user may do nothing, not even at the endpoints that are configured for this user.
    assert.equal((await ask('operator-all', body('ds_reload', undefined))).error?.code, 403);
  });
});
