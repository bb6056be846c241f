import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { hashPassword, hashToken, newToken } from '../../src/access/secret.js';
import { readSettings } from '../../src/config/load.js';
import { nullLogger } from '../../src/core/logger.js';
import { Daemon } from '../../src/daemon/daemon.js';
import { Child } from '../support/child-process.js';
import { runTool } from '../support/kamailio-daemon.js';
import { freePort } from '../support/ports.js';
import { requireTool } from '../support/servers.js';

const GATEWAY = 'sip:127.0.0.1:7001';
/** Users of the endpoints: the first is permitted what is denied to the second. */
const USERS = ['op', 'watcher'] as const;
type User = (typeof USERS)[number];

/** The unmodified client programs of OpenSIPS and Kamailio with a daemon that has users. */
describe('clients of the originals, with users', () => {
  let folder = '';
  let http = 0;
  const udp = new Map<User, number>();
  let daemon: Daemon;
  const token = newToken();
  const at = (name: string) => join(folder, name);

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sw-'));
    http = await freePort();
    await writeFile(at('acme.list'), `1 ${GATEWAY}\n`);
    await writeFile(at('globex.list'), '1 sip:127.0.0.1:7002\n');
    for (const user of USERS) udp.set(user, await freePort());
    const partition = { flavour: 'kamailio' };
    const { settings } = readSettings(
      {
        listen: ['udp:127.0.0.1:0'],
        http: `127.0.0.1:${http}`,
        partitions: [
          { ...partition, name: 'acme', db_url: 'list:./acme.list' },
          { ...partition, name: 'globex', db_url: 'list:./globex.list' },
        ],
        access: {
          users: [
            { name: 'op', password: await hashPassword('correct'), role: 'operator', partitions: ['acme'] },
            { name: 'watcher', token: hashToken(token), role: 'viewer', partitions: ['acme'] },
          ],
        },
        mi: {
          http: {},
          datagram: USERS.flatMap((as) => [
            { socket_name: `udp:127.0.0.1:${udp.get(as)}`, as },
            { socket_name: `unix:./${as}.mi`, as },
          ]),
          ctl: USERS.map((as) => ({ socket_name: `unixs:./${as}.ctl`, as })),
          jsonrpc: [
            ...USERS.map((as) => ({ fifo_name: `${as}.fifo`, dgram_socket: `unix:./${as}.rpc`, as })),
            { http_root: 'RPC' },
          ],
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

  const state = () => daemon.engine.partition('acme')?.find(1, GATEWAY)?.health.state;
  /** The audit record of the last change or refusal. */
  const audited = () => {
    const { user, command, result } = daemon.management.audit.recent().at(-1) ?? {};
    return [user, command, result];
  };

  test('kamcmd does what the user of its socket may do', async (t) => {
    const kamcmd = requireTool(t, 'kamcmd');
    if (kamcmd === undefined) return;
    const ask = (user: User, ...args: string[]) => runTool(kamcmd, ['-s', `unixs:${at(`${user}.ctl`)}`, ...args]);
    for (const user of USERS) {
      assert.match(await ask(user, 'dispatcher.list'), /7001/);
      assert.match(await ask(user, 'core.version'), /switchyard/);
      assert.equal(await ask(user, 'dispatcher.list', 'short', 'globex'), 'error: 500 - Unknown Partition globex\n');
    }
    assert.equal(await ask('watcher', 'dispatcher.set_state', 'dx', 'acme:1', GATEWAY), 'error: 403 - Forbidden\n');
    assert.deepEqual(audited(), ['watcher', 'dispatcher.set_state', 'refused']);
    assert.equal(state(), 'active');
    assert.match(await ask('op', 'dispatcher.set_state', 'dx', 'acme:1', GATEWAY), /^Ok\./);
    assert.deepEqual(audited(), ['op', 'dispatcher.set_state', 'ok']);
    assert.equal(state(), 'inactive');
    assert.equal(await ask('op', 'dispatcher.add', 'acme:1', 'sip:127.0.0.1:7009'), 'error: 403 - Forbidden\n');
    await ask('op', 'dispatcher.set_state', 'ax', 'acme:1', GATEWAY);
  });

  test('kamctl does what the user of its FIFO may do', async (t) => {
    const kamctl = requireTool(t, 'kamctl');
    if (kamctl === undefined) return;
    const ask = (user: User, ...args: string[]) =>
      runTool(kamctl, args, { RPCFIFOPATH: at(`${user}.fifo`), HOME: folder });
    for (const user of USERS) {
      const dump = await ask(user, 'dispatcher', 'dump');
      assert.match(dump, /"NRSETS":\s*1/);
      assert.doesNotMatch(dump, /7002/);
    }
    assert.match(await ask('watcher', 'rpc', 'dispatcher.set_state', 'dx', 'acme:1', GATEWAY), /"code":\s*403/);
    assert.equal(state(), 'active');
    assert.match(await ask('op', 'rpc', 'dispatcher.set_state', 'dx', 'acme:1', GATEWAY), /Ok\. Dispatcher state/);
    assert.equal(state(), 'inactive');
    assert.match(await ask('op', 'dispatcher', 'reload'), /Ok\. Dispatcher successfully reloaded/);
    assert.deepEqual(audited(), ['op', 'dispatcher.reload', 'ok']);
    await ask('op', 'rpc', 'dispatcher.set_state', 'ax', 'acme:1', GATEWAY);
  });

  test('kamcli does what the user of its socket may do', async (t) => {
    const kamcli = requireTool(t, 'kamcli');
    if (kamcli === undefined) return;
    const ask = async (user: User, ...args: string[]) => {
      const ini = at(`${user}.ini`);
      await writeFile(
        ini,
        `[main]\ndomain=test.com\n[ctl]\ntype=jsonrpc\n[jsonrpc]\ntransport=socket\nsrvaddr=${at(`${user}.rpc`)}\n` +
          `rcvaddr=${at(`${user}.reply`)}\noutformat=json\n`,
      );
      const environment = { HOME: folder, LC_ALL: 'C.UTF-8', LANG: 'C.UTF-8' };
      return runTool(kamcli, ['--no-default-configs', '-c', ini, ...args], environment);
    };
    const list = await ask('watcher', 'dispatcher', 'list');
    assert.match(list, /7001/);
    assert.doesNotMatch(list, /7002/);
    assert.match(await ask('watcher', 'dispatcher', 'reload'), /"code": 403/);
    assert.deepEqual(audited(), ['watcher', 'dispatcher.reload', 'refused']);
    assert.match(await ask('op', 'dispatcher', 'reload'), /Ok\. Dispatcher successfully reloaded/);
    assert.deepEqual(audited(), ['op', 'dispatcher.reload', 'ok']);
    assert.match(await ask('op', 'rpc', 'dispatcher.set_state', 'dx', 'acme:1', GATEWAY), /Ok\. Dispatcher state/);
    assert.equal(state(), 'inactive');
    await ask('op', 'rpc', 'dispatcher.set_state', 'ax', 'acme:1', GATEWAY);
  });

  test('netcat does what the user of its datagram socket may do', async (t) => {
    const nc = requireTool(t, 'netcat');
    if (nc === undefined) return;
    const ask = async (args: readonly string[], text: string): Promise<string> => {
      const child = spawn(nc, args);
      const chunks: Buffer[] = [];
      const answered = new Promise<void>((done) => {
        child.stdout.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          done();
        });
        child.once('exit', () => done());
      });
      child.stdin.write(text);
      await answered;
      child.kill();
      return Buffer.concat(chunks).toString();
    };
    const order = `:ds_set_state:\ni\nacme:1\n${GATEWAY}\n\n`;
    const ways: Readonly<Record<string, (user: User) => string[]>> = {
      udp: (user) => ['-u', '-w', '10', '127.0.0.1', String(udp.get(user))],
      unix: (user) => ['-U', '-u', '-w', '10', at(`${user}.mi`)],
    };
    for (const [name, args] of Object.entries(ways)) {
      const list = await ask(args('watcher'), ':ds_list:\n');
      assert.match(list, /^200 OK\n[\s\S]*7001/, name);
      assert.doesNotMatch(list, /7002/, name);
      assert.match(await ask(args('watcher'), order), /^403 Forbidden\n/, name);
      assert.equal(state(), 'active', name);
      assert.match(await ask(args('op'), order), /^200 OK\n/, name);
      assert.equal(state(), 'inactive', name);
      await ask(args('op'), `:ds_set_state:\na\nacme:1\n${GATEWAY}\n\n`);
    }
  });

  test('curl, and control panels that speak JSON-RPC over HTTP, do what the user they name may do', async (t) => {
    const curl = requireTool(t, 'curl');
    if (curl === undefined) return;
    const base = `http://127.0.0.1:${http}`;
    const ask = async (path: string, method: string, params: unknown, ...more: string[]) => {
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
      const type = ['-H', 'Content-Type: application/json'];
      return runTool(curl, ['-s', '-w', ' %{http_code}', ...type, '-d', body, ...more, base + path]);
    };
    const op = ['-u', 'op:correct'];
    const watcher = ['-H', `Authorization: Bearer ${token}`];
    assert.match(await ask('/mi', 'ds_list', {}), /needed.* 401$/s);
    assert.match(await ask('/mi', 'ds_list', {}, ...op), /7001.* 200$/s);
    assert.match(await ask('/mi', 'ds_list', {}, ...watcher), /7001.* 200$/s);
    assert.match(await ask('/mi', 'ds_set_state', ['i', 'acme:1', GATEWAY], ...watcher), / 403$/);
    assert.match(await ask('/mi', 'ds_set_state', ['i', 'acme:1', GATEWAY], ...op), / 200$/);
    assert.equal(state(), 'inactive');
    assert.match(await ask('/RPC', 'dispatcher.set_state', ['ax', 'acme:1', GATEWAY], ...watcher), / 403$/);
    assert.match(await ask('/RPC', 'dispatcher.set_state', ['ax', 'acme:1', GATEWAY], ...op), / 200$/);
    assert.equal(state(), 'active');
    // A URL with user and password, for programs that have no other option for them.
    const named = new Child(curl, [
      ...['-s', '-H', 'Content-Type: application/json', '-d', '{"jsonrpc":"2.0","id":1,"method":"version"}'],
      base.replace('//', '//op:correct@').concat('/mi'),
    ]);
    await named.exited;
    assert.match(named.stdout, /switchyard/);
  });
});
