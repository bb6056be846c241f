import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'nats';
import { stateKey } from '../../../src/events/state-entry.js';
import { Child } from '../child-process.js';
import { seededRandom } from '../partitions.js';
import { freePort } from '../ports.js';
import { SWITCHYARD } from '../program.js';
import { startRestartableNats } from '../restartable-nats.js';
import { until } from '../until.js';
import { deadRows, type FaultBench } from './bench.js';
import { natsSettings, storedEvents } from './nats-crashes.js';

/** The daemon as a process that may be killed and restarted in its folder; its states are read over HTTP. */
class MortalDaemon {
  private child: Child | undefined;

  constructor(
    private readonly folder: string,
    private readonly http: number,
  ) {}

  async start(): Promise<void> {
    const config = join(this.folder, 'switchyard.json');
    const child = new Child(process.execPath, [...SWITCHYARD, 'serve', '--config', config], {
      cwd: this.folder,
    });
    this.child = child;
    const isUp = async (): Promise<boolean> => {
      assert.ok(child.running, `the daemon has ended: ${child.said()}`);
      return (await this.health())?.['status'] === 'ok';
    };
    await until('daemon up', isUp, { milliseconds: 120_000 });
    // A busy machine may need longer to read the bucket than a start waits for it.
    await until('caught up', async () => (await this.metric('switchyard_bucket_up_to_date')) === 1);
  }

  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    await this.child?.stop(signal, 10_000);
  }

  async health(): Promise<Record<string, unknown> | undefined> {
    const answer = await fetch(`http://127.0.0.1:${this.http}/health`).catch(() => undefined);
    return answer && ((await answer.json()) as Record<string, unknown>);
  }

  /** Runs an MI command; undefined when the daemon died meanwhile. */
  async mi(method: string, params: object): Promise<unknown> {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
    const answer = await fetch(`http://127.0.0.1:${this.http}/mi`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    }).catch(() => undefined);
    const text = await answer?.text().catch(() => undefined);
    return text === undefined ? undefined : (JSON.parse(text) as { result?: unknown }).result;
  }

  async states(): Promise<Map<string, string>> {
    const listed = (await this.mi('ds_list', {})) as {
      PARTITIONS: { SETS: { Destinations: { URI: string; state: string }[] }[] }[];
    };
    const all = listed.PARTITIONS.flatMap(({ SETS }) => SETS.flatMap(({ Destinations }) => Destinations));
    return new Map(all.map(({ URI, state }) => [URI, state === 'Active' ? 'active' : 'inactive']));
  }

  async metric(name: string): Promise<number> {
    const answer = await fetch(`http://127.0.0.1:${this.http}/metrics`);
    const line = (await answer.text()).split('\n').find((each) => each.startsWith(`${name} `));
    return Number(line?.slice(name.length + 1));
  }
}

/**
 * Kills the daemon at random moments during state changes, with NATS running or not, and restarts it. At the end a
 * consumer that has read the whole stream must have seen each destination's numbers increase by one, each event start
 * from the state of the one before, every id once, and the actual states as the last ones.
 */
export async function daemonCrashes(
  bench: FaultBench,
  size: { readonly kills: number; readonly seed: number },
): Promise<{ events: number; publishedAfterRestart: number }> {
  const random = seededRandom(size.seed);
  const nats = await startRestartableNats();
  bench.defer(() => nats.stop());
  const rows = deadRows(20);
  const folder = await bench.folder();
  const http = await freePort();
  const settings = {
    node: 'sw1',
    listen: `udp:127.0.0.1:${await freePort()}`,
    http: `127.0.0.1:${http}`,
    mi: { http: {} },
    modparam: { db_url: await bench.sqlite(rows), ds_flush_interval: 1 },
    events: { nats: natsSettings(nats.url) },
  };
  await writeFile(join(folder, 'switchyard.json'), JSON.stringify(settings));
  const daemon = new MortalDaemon(folder, http);
  bench.defer(() => daemon.end('SIGKILL'));
  await daemon.start();
  /** Number of changes that the daemon has acknowledged: each must be in the stream, whatever happens afterwards. */
  let acknowledged = 0;
  /** Acknowledged changes by destination in order. */
  const marked = new Map<string, string[]>();
  for (let kill = 0; kill < size.kills; kill++) {
    const before = await daemon.states();
    const natsAway = kill % 3 === 1;
    if (natsAway) await nats.kill();
    let over = false;
    const marks = (async () => {
      while (!over) {
        const uri = rows[random.uint32() % rows.length]?.uri as string;
        const state = random.uint32() % 2 === 0 ? 'a' : 'i';
        if ((await daemon.mi('ds_set_state', { state, group: '1', address: uri })) === undefined) break;
        const status = state === 'a' ? 'active' : 'inactive';
        if (before.get(uri) !== status) {
          acknowledged++;
          marked.set(uri, [...(marked.get(uri) ?? []), status]);
        }
        before.set(uri, status);
      }
    })();
    const pause = 300 + (random.uint32() % 1200);
    // NATS is killed during the changes and restarted before the daemon is killed, which has just begun to send again.
    const natsDies = kill % 3 === 2;
    if (natsDies) {
      await sleep(pause >> 1);
      await nats.kill();
      await nats.restart();
    }
    await sleep(natsDies ? pause >> 2 : pause);
    await daemon.end(kill % 4 === 3 ? 'SIGTERM' : 'SIGKILL');
    over = true;
    await marks;
    if (natsAway) await nats.restart();
    await daemon.start();
  }
  const nc = await connect({ servers: nats.url });
  bench.defer(() => nc.close());
  let stored: {
    partition: string;
    address: string;
    status: string;
    previous: string;
    seq: number;
    id: string;
    reason: string;
  }[] = [];
  const last = new Map<string, (typeof stored)[number]>();
  const states = await daemon.states();
  await until('the stream has all states', async () => {
    if ((await daemon.metric('switchyard_outbox_depth')) > 0) return false;
    stored = (await storedEvents(nc)).map(({ text }) => JSON.parse(text).params);
    last.clear();
    for (const event of stored) last.set(event.address, event);
    return [...states].every(([uri, state]) => (last.get(uri)?.status ?? 'active') === state);
  });
  last.clear();
  for (const event of stored) {
    const before = last.get(event.address);
    const name = `${event.address} ${event.seq} after ${before?.seq}`;
    assert.equal(event.seq, (before?.seq ?? 0) + 1, name);
    assert.equal(event.previous, before?.status ?? 'active', name);
    assert.notEqual(event.status, event.previous, name);
    last.set(event.address, event);
  }
  const published = stored.filter(({ reason }) => reason === 'MI command').length;
  assert.ok(published >= acknowledged, `${published} of ${acknowledged} acknowledged changes are in the stream`);
  assert.ok(published <= acknowledged + size.kills, 'and at most the one on its way at each kill besides');
  for (const [uri, statuses] of marked) {
    const events = stored.filter(({ address, reason }) => address === uri && reason === 'MI command');
    let at = 0;
    for (const { status } of events) if (status === statuses[at]) at++;
    assert.equal(at, statuses.length, `${uri}: changes in the order in which they were acknowledged`);
  }
  assert.equal(new Set(stored.map(({ id }) => id)).size, stored.length, 'ids are unique over all lives');
  const kv = await nc.jetstream().views.kv('DISPATCHER_STATE');
  await until('the bucket has the same', async () => {
    // Each by its key: the client's listing of keys may not end on a busy machine.
    for (const { setId, uri } of rows) {
      const key = stateKey({ partition: 'default', group: setId, address: uri, socket: '' });
      const entry = (await kv.get(key))?.json<{ status: string; seq: number }>();
      if (entry?.status !== states.get(uri) || entry?.seq !== (last.get(uri)?.seq ?? 0)) return false;
    }
    return true;
  });
  await daemon.end('SIGTERM');
  return { events: stored.length, publishedAfterRestart: stored.filter(({ reason }) => reason === 'restart').length };
}
