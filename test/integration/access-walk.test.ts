import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { hashToken, newToken } from '../../src/access/secret.js';
import { readSettings } from '../../src/config/load.js';
import { nullLogger } from '../../src/core/logger.js';
import { Daemon } from '../../src/daemon/daemon.js';
import type { MiCommand, ParamSpec } from '../../src/management/mi/command.js';
import { within } from '../support/mi-endpoints.js';
import { freePort } from '../support/ports.js';
import { requestText } from '../support/sip-recorder.js';

const ROLES = ['viewer', 'operator', 'admin'] as const;
const SCOPES = ['acme', '*'] as const;
const ACME = 'sip:127.0.0.1:7001';
const GLOBEX = 'sip:127.0.0.1:7002';
const MINE = 'sip:127.0.0.1:7003';

/** Valid values by parameter name; other parameters get a value by type. `partition` is the partition that is named. */
function sampleOf({ name, type }: ParamSpec, partition: string): unknown {
  const known: Readonly<Record<string, unknown>> = {
    partition,
    group: `${partition}:1`,
    state: 'a',
    address: ACME,
    uri: MINE,
    set: 9,
    ip: '127.0.0.1',
    port: 0,
    event: 'E_DISPATCHER_STATUS',
    socket: 'udp:127.0.0.1:9',
    request: requestText({ callId: 'walk', uri: 'sip:bob@globex.example' }),
    level: 'info',
    statistics: ['dispatcher:'],
    call_id: 'walk',
    id: 1,
    command: 'version',
    dry_run: 1,
  };
  if (name in known) return known[name];
  return { string: 'x', int: 1, array: [], flag: 0, any: 'x' }[type];
}

/**
 * Parameters that call this command for a partition: the longest list, with the partition where it is an additional
 * parameter.
 */
function paramsOf({ paramLists, extraParams = [] }: MiCommand, partition: string): Record<string, unknown> {
  const [longest = []] = [...paramLists].sort((a, b) => b.length - a.length);
  const params = [...longest, ...extraParams.filter(({ name }) => name === 'partition' || name === 'dry_run')];
  return Object.fromEntries(params.map((each) => [each.name, sampleOf(each, partition)]));
}

interface Answer {
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
}

/**
 * Every command of the daemon, called by every role within one partition and within all, through two endpoints, for the
 * user's own partition, another one and an unknown one. There is no table of expected answers: the rules also hold for
 * commands that are added later.
 */
describe('every command, by every role, about every partition', () => {
  let folder = '';
  let daemon: Daemon;
  let http = 0;
  const udp = new Map<string, number>();
  const tokens = new Map<string, string>();
  const users = ROLES.flatMap((role) => SCOPES.map((scope) => `${role}-${scope === '*' ? 'all' : scope}`));

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sw-'));
    http = await freePort();
    await writeFile(join(folder, 'acme.list'), `1 ${ACME}\n`);
    await writeFile(join(folder, 'globex.list'), `1 ${GLOBEX}\n`);
    for (const name of users) {
      udp.set(name, await freePort());
      tokens.set(name, newToken());
    }
    const { settings } = readSettings(
      {
        listen: ['udp:127.0.0.1:0'],
        http: `127.0.0.1:${http}`,
        access: {
          users: users.map((name) => {
            const [role, scope] = name.split('-');
            return {
              name,
              role,
              token: hashToken(tokens.get(name) ?? ''),
              partitions: scope === 'all' ? '*' : [scope],
            };
          }),
        },
        routing: ['acme', 'globex'].map((name) => ({
          match: { $rd: `${name}.example` },
          select: { partition: name, set: 1, alg: 8 },
        })),
        partitions: ['acme', 'globex'].map((name) => ({ name, flavour: 'kamailio', db_url: `list:./${name}.list` })),
        mi: {
          http: {},
          jsonrpc: [{ http_root: 'RPC' }],
          datagram: users.map((as) => ({ socket_name: `udp:127.0.0.1:${udp.get(as)}`, as })),
        },
      },
      { cwd: folder },
    );
    daemon = new Daemon({ settings, log: nullLogger, drainMs: 20 });
    await daemon.start();
  });
  after(async () => {
    await daemon?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const body = (method: string, params: unknown) => JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
  const overHttp = async (path: string, user: string, text: string): Promise<Answer> => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${tokens.get(user)}` };
    const answer = await fetch(`http://127.0.0.1:${http}${path}`, { method: 'POST', headers, body: text });
    return (await answer.json()) as Answer;
  };
  const overUdp = async (user: string, text: string): Promise<Answer> => {
    const socket = createSocket('udp4');
    try {
      const received = once(socket, 'message');
      socket.send(text, udp.get(user) ?? 0, '127.0.0.1');
      const [bytes] = (await within(received, text)) as [Buffer];
      return JSON.parse(bytes.toString()) as Answer;
    } finally {
      socket.close();
    }
  };
  const isRefused = ({ error }: Answer) => error?.code === 403;

  /** Checks the answers to one command, by user; `named`: whether its parameters name the partition. */
  const check = (what: string, named: boolean, answers: ReadonlyMap<string, Readonly<Record<string, Answer>>>) => {
    const of = (user: string, partition: string): Answer => answers.get(user)?.[partition] ?? {};
    for (const [i, role] of ROLES.entries()) {
      for (const scope of ['acme', 'all']) {
        const next = ROLES[i + 1];
        if (next !== undefined && !isRefused(of(`${role}-${scope}`, 'acme'))) {
          assert.ok(
            !isRefused(of(`${next}-${scope}`, 'acme')),
            `${what}: ${next}-${scope} may not do what ${role} may`,
          );
        }
      }
      if (!isRefused(of(`${role}-acme`, 'acme'))) {
        assert.ok(!isRefused(of(`${role}-all`, 'acme')), `${what}: ${role} of all partitions may less than of one`);
      }
      // Another user's partition is answered like an unknown one and is not revealed.
      const [hidden, unknown] = ['globex', 'nobody'].map((each) => JSON.stringify(of(`${role}-acme`, each)));
      if (named) assert.equal(hidden?.replaceAll('globex', 'nobody'), unknown, `${what} by ${role}-acme`);
      const own = JSON.stringify(of(`${role}-acme`, 'acme'));
      assert.doesNotMatch(own, /"globex"|globex:|7002/, `${what} by ${role}-acme`);
      assert.doesNotMatch(hidden ?? '', /7002/, `${what} by ${role}-acme`);
    }
    assert.ok(!isRefused(of('admin-all', 'acme')), `${what}: nobody may do it`);
  };

  test('commands of the management interface, over HTTP and UDP alike', async (t) => {
    const commands = daemon.mi.commands();
    for (const command of commands) {
      const answers = new Map<string, Record<string, Answer>>();
      const asked = ['acme', 'globex', 'nobody'].map((each) => body(command.name, paramsOf(command, each)));
      const named = asked[0] !== asked[1];
      const walk = async (user: string) => {
        const byPartition: Record<string, Answer> = {};
        for (const [i, partition] of ['acme', 'globex', 'nobody'].entries()) {
          const text = asked[i] as string;
          const answer = await overHttp('/mi', user, text);
          byPartition[partition] = answer;
          const other = await overUdp(user, text);
          assert.equal(isRefused(other), isRefused(answer), `${command.name} by ${user}: HTTP and UDP differ`);
        }
        answers.set(user, byPartition);
      };
      await Promise.all(users.map(walk));
      check(command.name, named, answers);
      const changes = typeof command.changes === 'function' || command.changes === true;
      // A subscription changes nothing in the dispatcher: a user who may read events may subscribe.
      if (changes && command.name !== 'event_subscribe') {
        const params = paramsOf(command, 'acme');
        const really = typeof command.changes === 'function' ? command.changes(params as never) : true;
        if (really)
          assert.ok(isRefused(answers.get('viewer-all')?.['acme'] ?? {}), `${command.name}: a viewer changes`);
      }
    }
    t.diagnostic(`${commands.length} commands, ${users.length} users, 3 partitions, 2 endpoints`);
    assert.ok(commands.length > 30);
  });

  test("Kamailio's RPC commands obey roles and partitions", async (t) => {
    const list = await overHttp('/RPC', 'admin-all', body('system.listMethods', []));
    const methods = list.result as readonly string[];
    for (const method of methods) {
      const answers = new Map<string, Record<string, Answer>>();
      const params = (partition: string): readonly (string | number)[] => {
        if (/set_state$/.test(method)) return ['ap', `${partition}:1`, ACME];
        if (/set_duid_state$/.test(method)) return ['ap', `${partition}:1`, 'x'];
        if (/\.(add|remove)$/.test(method)) return [`${partition}:9`, MINE];
        if (/dispatcher\.list$/.test(method)) return ['full', partition];
        if (/dispatcher\.reload$/.test(method)) return [partition];
        if (/oclist$/.test(method)) return [`${partition}:1`];
        if (/hash$/.test(method)) return [2, 'x', 'y'];
        if (/ping_active$/.test(method)) return [1];
        return /stats|system\.method/.test(method) ? ['all'] : [];
      };
      const named = params('globex').join().includes('globex');
      const walk = async (user: string) => {
        const byPartition: Record<string, Answer> = {};
        for (const partition of ['acme', 'globex', 'nobody']) {
          byPartition[partition] = await overHttp('/RPC', user, body(method, params(partition)));
        }
        answers.set(user, byPartition);
      };
      await Promise.all(users.map(walk));
      check(method, named, answers);
    }
    t.diagnostic(`${methods.length} commands, ${users.length} users, 3 partitions`);
    assert.ok(methods.length > 20);
  });
});
