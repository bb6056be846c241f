import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from '../partitions.js';
import { freePort } from '../ports.js';
import { startMariadb, startPostgres } from '../servers.js';
import { runSipp, startSippUas } from '../sipp.js';
import { RealCluster, type RealNode } from './real-cluster.js';
import { settle, unrest } from './scenarios.js';

/**
 * Calls through three nodes while nodes, NATS and the database are killed and states of other gateways change. Only
 * calls at a killed node may be lost. At the end nodes, table, bucket and events agree.
 */
export async function chaos(options: {
  readonly seconds: number;
  readonly seed: number;
  readonly kills: { readonly nodes: number; readonly nats: number; readonly database: number };
  /** Calls per second at each node. */
  readonly rate?: number;
  readonly database?: 'postgres' | 'mariadb';
}): Promise<object> {
  const draw = drawing(options.seed);
  const dir = await mkdtemp(join(tmpdir(), 'switchyard-chaos-'));
  const port = await freePort();
  const startDatabase = options.database === 'mariadb' ? startMariadb : startPostgres;
  let database = await startDatabase({ port, dir });
  // An INVITE that a node retransmitted during a stall of the machine arrives after its ACK: SIPp would abort the call.
  const patient = { scenario: 'uas-answer', args: ['-default_behaviors', 'all,-abortunexp'] };
  const callees = await Promise.all([1, 2, 3].map(() => startSippUas(patient)));
  let cluster: RealCluster | undefined;
  try {
    cluster = await RealCluster.start({ gateways: 20, dbUrl: database.url, callees: callees.map(({ uri }) => uri) });
    const running = cluster;
    const rate = options.rate ?? 10;
    const began = performance.now();
    // A killed node gets no calls while it is away, as callers would use another one.
    const lost = new Map<string, number>();
    const story: string[] = [];
    const note = (text: string) => story.push(`${new Date().toISOString().slice(11, 23)} ${text}`);
    const calls = new Map<string, number>();
    const counted = { lostAtDeaths: 0 };
    const state = { on: true };
    const away = new Set<string>();
    const callers = running.nodes.map(async (node) => {
      while (state.on) {
        if (away.has(node.name)) {
          await sleep(100);
          continue;
        }
        const target = `127.0.0.1:${node.sipPort}`;
        const since = performance.now();
        const result = await runSipp({
          scenario: 'uac-call',
          target,
          calls: rate * 2,
          rate,
          values: { hold: 200 },
          args: ['-timeout_error', '-recv_timeout', '8000'],
          traceFailed: true,
          timeoutMs: 40_000,
        });
        const failed = Math.max(result.failed, result.begun - result.ok);
        calls.set(node.name, (calls.get(node.name) ?? 0) + result.begun);
        // A call may wait eight seconds for each of two replies: the start of its batch counts, not its end.
        const died = node.diedAt !== undefined && node.diedAt >= since;
        if (failed > 0 || result.exitCode !== 0) {
          note(`${node.name}: ${failed} of ${result.begun} calls lost${died ? ' at its death' : ''}`);
          if (!died) story.push(`exit ${result.exitCode}`, ...result.errors, ...result.failedCalls);
        }
        if (died) counted.lostAtDeaths += failed;
        else lost.set(node.name, (lost.get(node.name) ?? 0) + failed);
      }
    });
    const changes = unrest(running, draw);
    const acts = [
      ...Array.from({ length: options.kills.nodes }, () => 'node' as const),
      ...Array.from({ length: options.kills.nats }, () => 'nats' as const),
      ...Array.from({ length: options.kills.database }, () => 'database' as const),
    ].sort(() => draw() - 0.5);
    const every = (options.seconds * 1000) / acts.length;
    for (const act of acts) {
      const until = performance.now() + every;
      if (act === 'node') {
        const node = running.nodes[Math.floor(draw() * 3)] as RealNode;
        away.add(node.name);
        note(`${node.name} is killed`);
        await node.kill();
        await sleep(500 + draw() * 2000);
        await node.start();
        note(`${node.name} is back`);
        away.delete(node.name);
      } else if (act === 'nats') {
        note('NATS is killed');
        await running.nats?.kill();
        await sleep(draw() * 1500);
        await running.nats?.restart();
        note('NATS is back');
      } else {
        note('the database is killed');
        await database.kill();
        await sleep(draw() * 3000);
        database = await startDatabase({ port, dir });
        note('the database is back');
      }
      await sleep(Math.max(0, until - performance.now()));
    }
    await changes.stop();
    state.on = false;
    await Promise.all(callers);
    const total = (map: ReadonlyMap<string, number>) => [...map.values()].reduce((sum, each) => sum + each, 0);
    if (total(lost) > 0) {
      for (const { name, child } of running.nodes) story.push(`log of ${name}:`, child?.stderr ?? '');
      assert.fail(`calls lost at nodes that lived: ${JSON.stringify([...lost])}\n${story.join('\n')}`);
    }
    const result = await settle(running);
    return {
      seconds: Math.round((performance.now() - began) / 1000),
      ...options.kills,
      changes: changes.count,
      calls: total(calls),
      ...counted,
      ...result,
    };
  } finally {
    await cluster?.stop();
    for (const callee of callees) await callee.stop();
    await database.kill();
    await rm(dir, { recursive: true, force: true });
  }
}

function drawing(seed: number): () => number {
  const random = seededRandom(seed);
  return () => random.uint32() / 2 ** 32;
}
