import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { startDaemon } from '../daemon-process.js';
import { quantile } from '../quantile.js';
import { until } from '../until.js';
import { type FaultBench, fill } from './bench.js';
import { measureRoundTrips } from './responder.js';

/** Longest wait of a caller for an answer during a large operation, and the number of waits above 20 ms. */
interface Held {
  readonly max: number;
  readonly p99: number;
  readonly over20: number;
  /**
   * Milliseconds in which the main thread of the daemon or of the test was runnable but not scheduled: above a limit
   * the figures describe the machine.
   */
  readonly noCpu: number;
}

/** Milliseconds spent on a run queue, from /proc/<pid>/schedstat; 0 where that is missing. */
function waited(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6;
  } catch {
    return 0;
  }
}

/**
 * The pauses of a daemon with a large table as a caller sees them: another process sends an OPTIONS every 2 ms during a
 * scrape, listings, a reload, and a change and write of all states. `idle`: the pauses of the machine itself.
 */
export async function pausesFromOutside(
  bench: FaultBench,
  size: { readonly rows: number },
): Promise<Readonly<Record<string, Held>>> {
  const sets = 1000;
  const dbUrl = await bench.sqlite([]);
  await fill(
    dbUrl,
    Array.from({ length: size.rows }, (_, i) => ({
      setId: 1 + (i % sets),
      uri: `sip:10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}:5060`,
    })),
  );
  const daemon = await startDaemon({
    destinations: [],
    settings: {
      modparam: { db_url: dbUrl, ds_flush_interval: 2 },
      log: { level: 'error' },
      limits: { requests_per_second_per_source: 0 },
    },
  });
  bench.defer(() => daemon.stop());
  const metric = async (name: string) => {
    const text = await (await fetch(`${daemon.http}/metrics`)).text();
    return Number(new RegExp(`^${name}\\{[^}]*\\} (\\S+)$`, 'm').exec(text)?.[1]);
  };
  await until('loaded', async () => (await metric('switchyard_reloads_total')) === 1);
  const figures: Record<string, Held> = {};
  const during = async (what: string, work: () => Promise<unknown>) => {
    const trips = await measureRoundTrips(daemon.port, 'sip:x@127.0.0.1', 2);
    await sleep(200);
    const before = waited(daemon.pid) + waited(process.pid);
    await work();
    await sleep(200);
    await trips.stop();
    if (trips.lost > 0) throw new Error(`${what}: ${trips.lost} requests were not answered`);
    const { times } = trips;
    figures[what] = {
      max: quantile(times, 1),
      p99: quantile(times, 0.99),
      over20: times.filter((ms) => ms > 20).length,
      noCpu: waited(daemon.pid) + waited(process.pid) - before,
    };
  };
  const setAll = async (state: string) => {
    for (let set = 1; set <= sets; set++)
      await daemon.mi('ds_set_state', { state, group: String(set), address: 'all' });
  };
  // The first run of an operation also compiles its code.
  await daemon.mi('ds_reload');
  await during('idle', () => sleep(2000));
  await during('scrape', async () => {
    for (let i = 0; i < 5; i++) await fetch(`${daemon.http}/metrics`).then((answer) => answer.text());
  });
  await during('listFew', () => daemon.mi('ds_list', { state: 'p' }));
  await during('reload', async () => {
    for (let i = 0; i < 4; i++) await daemon.mi('ds_reload', i % 2 === 0 ? {} : { inherit_state: 'n' });
  });
  await during('setAll', () => setAll('i'));
  await during('flush', () =>
    until('written', async () => (await metric('switchyard_flush_pending')) === 0, { milliseconds: 60_000 }),
  );
  return figures;
}
