import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Caller, unbounded } from '../../../../src/access/caller.js';
import { nullLogger } from '../../../../src/core/logger.js';
import type { Statistic } from '../../../../src/management/mi/dependencies.js';
import { dispatcherPingActiveCommand } from '../../../../src/management/rpc/commands/dispatcher-edit.js';
import { statsCommands } from '../../../../src/management/rpc/commands/stats.js';
import type { DispatcherTarget, DispatcherView } from '../../../../src/management/rpc/dispatcher-view.js';
import { RpcService } from '../../../../src/management/rpc/service.js';

function made() {
  /** Partitions that are not probed; '' when probing is off for all. */
  const stopped = new Set<string>();
  const view: DispatcherView = {
    target: (name) =>
      ['acme', 'globex'].includes(name ?? 'acme') ? ({ name: name ?? 'acme' } as DispatcherTarget) : undefined,
    probingActive: (partition) => !stopped.has('') && (partition === undefined || !stopped.has(partition)),
    setProbingActive(active, partition = '') {
      if (active) stopped.delete(partition);
      else stopped.add(partition);
    },
    hash: () => 0,
  };
  let received = 7;
  const statistics: Statistic[] = [
    {
      group: 'core',
      name: 'rcv_requests',
      value: () => received,
      reset: () => {
        received = 0;
      },
    },
    {
      group: 'dispatcher',
      name: 'active_destinations',
      value: () => 3,
      valueIn: (sees) => (sees('acme') ? 1 : 0) + (sees('globex') ? 2 : 0),
    },
  ];
  const service = new RpcService(
    [dispatcherPingActiveCommand(view), ...statsCommands({ list: () => statistics })],
    { served() {}, refuse() {} },
    nullLogger,
  );
  return {
    stopped,
    received: () => received,
    async call(method: string, params: unknown[], partition: string | undefined, caller: Caller = unbounded('ctl')) {
      const pieces = await service.answerJson(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }), {
        partition,
        caller,
      });
      const { result, error } = JSON.parse(pieces?.join('') ?? '{}') as { result?: unknown; error?: { code: number } };
      return error?.code ?? result;
    },
  };
}

describe('an endpoint for one partition', () => {
  test('ping_active switches the probes of that partition', async () => {
    const { call, stopped } = made();
    assert.deepEqual(await call('dispatcher.ping_active', [0], 'globex'), { NewPingState: 0, OldPingState: 1 });
    assert.deepEqual([...stopped], ['globex']);
    assert.deepEqual(await call('dispatcher.ping_active', [], 'globex'), { OldPingState: 0 });
    assert.deepEqual(await call('dispatcher.ping_active', [], 'acme'), { OldPingState: 1 });
    assert.deepEqual(await call('dispatcher.ping_active', [], undefined), { OldPingState: 1 });
    await call('dispatcher.ping_active', [7], 'globex');
    assert.deepEqual([...stopped], []);
    assert.deepEqual(await call('dispatcher.ping_active', [], 'globex'), { OldPingState: 7 });
  });

  test('a user restricted to that partition may use it, a user of another may not', async () => {
    const { call, stopped } = made();
    const operator = (partition: string): Caller => ({
      ...unbounded('ctl'),
      role: 'operator',
      partitions: new Set([partition]),
    });
    assert.equal(await call('dispatcher.ping_active', [0], undefined, operator('globex')), 403);
    assert.equal(await call('dispatcher.ping_active', [0], 'globex', operator('acme')), 500);
    assert.deepEqual([...stopped], []);
    await call('dispatcher.ping_active', [0], 'globex', operator('globex'));
    assert.deepEqual([...stopped], ['globex']);
  });

  test('statistics are those of that partition, and those of the process stay as they are', async () => {
    const { call, received } = made();
    assert.deepEqual(await call('stats.fetchn', ['all'], 'globex'), { 'dispatcher.active_destinations': 2 });
    await call('stats.reset_statistics', ['all'], 'globex');
    assert.equal(received(), 7);
    await call('stats.reset_statistics', ['all'], undefined);
    assert.equal(received(), 0);
  });
});
