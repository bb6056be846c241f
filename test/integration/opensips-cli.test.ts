import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type DaemonInProcess, startDaemonHere } from '../support/daemon-in-process.js';

/**
 * The requests of opensips-cli according to its documentation: it reads the commands with `which`; its `diagnose` reads
 * the version, the processes, and the statistics of memory, load and DNS, and subscribes to thresholds.
 */
describe('what opensips-cli reads', () => {
  let here: DaemonInProcess;
  const ask = (method: string, params?: unknown) => here.daemon.mi.execute(method, params);

  before(async () => {
    here = await startDaemonHere([[1, 'sip:127.0.0.2:5060']], {});
  });
  after(() => here.stop());

  test('commands are listed with a colon in their names, and known by these names', async () => {
    const commands = (await ask('which')) as string[];
    assert.ok(commands.includes('dispatcher:list') && commands.includes('statistics:get'));
    for (const name of commands) assert.ok(here.daemon.mi.find(name) !== undefined, name);
  });

  test('diagnose sip gets a version of OpenSIPS that it can compare', async () => {
    const { Server } = (await ask('version')) as { Server: string };
    const [, major, minor] = /^OpenSIPS \(([0-9]+)\.([0-9]+)\.[0-9]+/.exec(Server) ?? [];
    assert.ok(Number(major) >= 3 && Number(minor) >= 0, Server);
    assert.match(Server, /switchyard/);
  });

  test('diagnose memory gets the figures of shmem', async () => {
    const figures = (await ask('get_statistics', { statistics: ['shmem:'] })) as Record<string, number>;
    assert.deepEqual(Object.keys(figures).sort(), [
      'shmem:fragments',
      'shmem:free_size',
      'shmem:max_used_size',
      'shmem:real_used_size',
      'shmem:total_size',
      'shmem:used_size',
    ]);
    const { 'shmem:total_size': total = 0, 'shmem:used_size': used = 0, 'shmem:max_used_size': max = 0 } = figures;
    assert.ok(used > 1_000_000 && max >= used / 2 && total > used, JSON.stringify(figures));
  });

  test('diagnose load gets percentages, and processes that receive', async () => {
    const figures = (await ask('get_statistics', { statistics: ['load:'] })) as Record<string, number>;
    for (const name of ['load', 'load1m', 'load10m', 'load-all', 'load1m-all', 'load10m-all', 'load-proc-0']) {
      const value = figures[`load:${name}`];
      assert.ok(value !== undefined && value >= 0 && value <= 100, `${name}: ${value}`);
    }
    const { Processes } = (await ask('ps')) as { Processes: { ID: number; PID: number; Type: string }[] };
    assert.deepEqual(
      Processes.map(({ ID, PID, Type }) => [ID, PID, Type]),
      [
        [0, process.pid, 'switchyard'],
        [1, process.pid, `SIP receiver udp:127.0.0.1:${here.port}`],
      ],
    );
  });

  test('diagnose dns gets the counters, and the event of a slow lookup', async () => {
    const figures = (await ask('get_statistics', { statistics: ['dns:'] })) as Record<string, number>;
    assert.deepEqual(Object.keys(figures), ['dns:dns_total_queries', 'dns:dns_slow_queries']);
    const events = (await ask('events_list')) as { Events: { name: string }[] };
    assert.ok(events.Events.some(({ name }) => name === 'E_CORE_THRESHOLD'));
    assert.equal(await ask('event_subscribe', ['E_CORE_THRESHOLD', 'udp:127.0.0.1:9', 10]), 'OK');
  });
});
