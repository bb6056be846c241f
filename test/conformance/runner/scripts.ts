import { setTimeout as delay } from 'node:timers/promises';
import type { KamailioScripts } from './kamailio-case.js';
import { KamailioWorld, kamailioPeers, runKamailioCase, runKamailioError } from './kamailio-scripts.js';
import { Lane, type Peer } from './lane.js';
import type { OpensipsScripts } from './opensips-case.js';
import { OpensipsWorld, opensipsPeers, runOpensipsCase, runOpensipsError } from './opensips-scripts.js';
import type { Outcome } from './outcome.js';
import type { Target } from './target.js';

export interface RunOptions {
  readonly target: Target;
  readonly lanes: number;
  readonly wanted: (id: string, area: string) => boolean;
  /**
   * Receives the result of each case in the form of a recording, and what differed when it was replayed; nothing is
   * compared then. For Kamailio's format.
   */
  readonly record?: (id: string, expect: object, unsteady: readonly string[]) => void;
}

/** A task that can run on any lane. */
interface Job {
  readonly id: string;
  readonly area: string;
  /** It must run on the recorded addresses: its output is computed from them. */
  readonly pinned?: boolean;
  run(lane: Lane): Promise<string[]>;
}

/** Functions whose results depend on addresses and cannot be mapped back to the recording. */
const DIGESTS = /md5|sha(?:256|384|512)|hash|encode|base64|hexa|\{s\.len\}|msg_len|\$ml\b/;

/** Milliseconds to wait for the recorded addresses, which one run at a time can have. */
const ADDRESSES_LIMIT = 300_000;

/** Runs the cases of a file of recorded scripts, several in parallel. Throws for a file of another format. */
export async function runScripts(recording: unknown, options: RunOptions): Promise<Outcome[]> {
  const { setup } = recording as { setup?: Record<string, unknown> };
  if (setup?.['config_head'] !== undefined) return runOpensips(recording as OpensipsScripts, options);
  if (setup?.['shared_head'] !== undefined) return runKamailio(recording as KamailioScripts, options);
  throw new Error('not a recording of a known format');
}

async function runOpensips(recording: OpensipsScripts, options: RunOptions): Promise<Outcome[]> {
  const { setup } = recording;
  const world = await OpensipsWorld.create(setup);
  try {
    const jobs: Job[] = [
      ...recording.cases.map((c) => ({
        id: c.id,
        area: c.area,
        run: (lane: Lane) =>
          c.deterministic === false ? Promise.resolve([]) : runOpensipsCase(options.target, lane, world, setup, c),
      })),
      ...recording.errors.map((e) => ({
        id: e.id,
        area: 'errors',
        run: (lane: Lane) => runOpensipsError(options.target, lane, world, setup, e),
      })),
    ];
    const digits = [1, 2, 3, 4, 5, 6, 7, 9];
    const networks = [0, 4, 5].flatMap((middle) => digits.map((n) => `127.${middle}.${n}.`));
    const lanes = await openLanes(networks, '127.0.8.', opensipsPeers(setup), options.lanes);
    return await inLanes(jobs, lanes, options);
  } finally {
    await world.remove();
  }
}

async function runKamailio(recording: KamailioScripts, options: RunOptions): Promise<Outcome[]> {
  const { setup } = recording;
  const digits = [1, 2, 3, 4, 5, 6, 7, 8];
  const networks = [0, 4, 5].flatMap((last) => digits.map((n) => `127.${n}.${last}.`));
  const lanes = await openLanes(networks, '127.0.0.', kamailioPeers(setup), options.lanes);
  const world = await KamailioWorld.create(setup, lanes);
  try {
    const jobs: Job[] = [
      ...recording.cases
        .filter(({ unsteady }) => unsteady !== true || options.record !== undefined)
        .map((c) => ({
          id: c.id,
          area: c.area,
          pinned: options.record !== undefined && DIGESTS.test(JSON.stringify(c.routes)),
          run: async (lane: Lane) => {
            const { record, target } = options;
            if (record === undefined) return runKamailioCase(target, lane, world, setup, c);
            let seen: { readonly refused?: boolean; readonly line_in_routes?: number } | undefined;
            await runKamailioCase(target, lane, world, setup, c, (expect) => {
              seen = expect;
            });
            if (seen === undefined) return [];
            const again = await runKamailioCase(target, lane, world, setup, { ...c, expect: seen });
            if (again.length === 0 || seen.line_in_routes === undefined) {
              record(c.id, seen, again);
              return [];
            }
            // The original does not always report the line of an error: then only the rejection is compared.
            const { line_in_routes: _line, ...unnamed } = seen;
            record(c.id, unnamed, await runKamailioCase(target, lane, world, setup, { ...c, expect: unnamed }));
            return [];
          },
        })),
      ...recording.errors.map((e, i) => ({
        id: `error${i}`,
        area: `errors ${e.area ?? e.name ?? ''}`.trim(),
        run: (lane: Lane) => runKamailioError(options.target, lane, world, setup, e, i),
      })),
    ];
    return await inLanes(
      jobs.map((job) => (job.area.startsWith('errors') ? { ...job, area: 'errors' } : job)),
      lanes,
      options,
    );
  } finally {
    await world.remove();
  }
}

/**
 * Opens lanes on the first free networks: other runs may be active on the same machine. The first lane is that of the
 * recorded addresses, and stays closed while another run has them.
 */
async function openLanes(
  networks: readonly string[],
  recorded: string,
  peers: readonly Peer[],
  count: number,
): Promise<Lane[]> {
  const first = new Lane(0, recorded, recorded, peers);
  const lanes = [first];
  const wanted = (await first.open()) ? count : count + 1;
  for (const own of networks) {
    if (lanes.length === wanted) break;
    const lane = new Lane(lanes.length, recorded, own, peers);
    if (await lane.open()) lanes.push(lane);
  }
  return lanes;
}

/** Opens a lane when no other run has its addresses any more. */
async function openWhenFree(lane: Lane): Promise<void> {
  const limit = performance.now() + ADDRESSES_LIMIT;
  while (!lane.isOpen && !(await lane.open())) {
    if (performance.now() > limit) throw new Error(`another run has the addresses of ${lane.own}0/24`);
    await delay(10);
  }
}

/**
 * Runs jobs in parallel. A job that fails is repeated alone on the recorded addresses: a busy machine, or a value
 * computed from an address, is not a difference.
 */
async function inLanes(jobs: readonly Job[], lanes: readonly Lane[], { wanted }: RunOptions): Promise<Outcome[]> {
  const chosen = jobs.filter(({ id, area }) => wanted(id, area));
  const outcomes = new Map<Job, string[]>();
  const attempt = async (job: Job, lane: Lane): Promise<void> => {
    try {
      outcomes.set(job, await job.run(lane));
    } catch (error) {
      outcomes.set(job, [`failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`]);
    }
  };
  try {
    const [first] = lanes as [Lane];
    const pinned = chosen.filter((job) => job.pinned === true);
    const waiting = chosen.filter((job) => job.pinned !== true);
    await Promise.all(
      lanes.map(async (lane) => {
        if (!lane.isOpen) return;
        const next = (): Job | undefined => (lane === first ? pinned.shift() : undefined) ?? waiting.shift();
        for (let job = next(); job !== undefined; job = next()) await attempt(job, lane);
      }),
    );
    const left = chosen.filter((job) => outcomes.get(job)?.length !== 0);
    if (left.length > 0) await openWhenFree(first);
    for (const job of left) await attempt(job, first);
  } finally {
    for (const lane of lanes) lane.close();
  }
  return chosen.map((job) => ({ id: job.id, area: job.area, misses: outcomes.get(job) ?? [] }));
}
