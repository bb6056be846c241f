import { readSettings } from '../config/load.js';
import { systemClock } from '../core/clock.js';
import { systemRandom } from '../core/random.js';
import { Engine } from '../engine/engine.js';
import type { FlavourName } from '../engine/options.js';
import type { Libc } from '../sip/transport/native/libc.js';
import { partitionOptions } from '../tenant/options.js';
import { machineMs } from '../workers/machine-time.js';
import type { WarmUpPlan } from '../workers/protocol.js';
import { Reports } from '../workers/reports.js';
import { SHARED_BYTES } from '../workers/shared-layout.js';
import { SharedTables } from '../workers/shared-tables.js';
import { Worker } from '../workers/worker.js';
import { layerOptions } from './sip-options.js';
import { CallsInMemory, makeWarmUpCalls, type WarmUpSubject, warmUpRow, warmUpSettings } from './warm-up-calls.js';
import { WARM_UP_PORTS } from './warm-up-messages.js';

/**
 * Makes warm-up calls through a worker object with memory of its own. `ended`: see `makeWarmUpCalls`. Resolves with the
 * number of calls; never rejects.
 */
export function warmUpWorker(plan: WarmUpPlan, ended: (made: number) => boolean = () => false): Promise<number> {
  return makeWarmUpCalls(plan, ended, beginWorker);
}

/** A worker, with the data of a brain that it needs to decide by itself. */
async function beginWorker(flavour: FlavourName): Promise<WarmUpSubject> {
  const { settings } = readSettings(warmUpSettings(flavour, WARM_UP_PORTS.proxy));
  const memory = new ArrayBuffer(SHARED_BYTES);
  const engine = new Engine({ clock: systemClock, random: systemRandom });
  const [partition] = settings.partitions;
  if (partition === undefined) throw new Error('there is no partition');
  const rows = WARM_UP_PORTS.gateways.map((port) => warmUpRow(`sip:127.0.0.1:${port}`));
  engine.putPartition(partitionOptions(partition, settings.dispatcher)).load(rows, { inheritState: false });
  const { routing } = settings;
  const tables = new SharedTables({
    engine,
    memory,
    workers: 1,
    send: (_worker, item) => worker.receive([item]),
    rules: () => ({
      rules: routing,
      hashPvar: undefined,
      defaultPartition: partition.name,
      partitions: [partition.name],
      blacklists: [],
    }),
  });
  const reports = new Reports({
    memory,
    workers: 1,
    totals: [],
    receive: () => undefined,
    failed: () => undefined,
    looked: () => undefined,
  });
  const worker: Worker = new Worker(
    {
      worker: 1,
      workers: 1,
      token: 'warmedup',
      sockets: [
        { transport: 'udp', address: '127.0.0.1', port: WARM_UP_PORTS.proxy, advertise: null, name: null, fd: -1 },
      ],
      aliases: [],
      keys: [{ key: 'of-no-daemon-but-this', replacedAt: undefined }],
      transactions: layerOptions(settings),
      proxy: settings.tm,
      gatherMs: 0,
      paceMs: 0,
      live: { trustedSources: [], logLevel: 'silent', countsLoad: false },
      askAll: false,
      script: undefined,
      memory: { fd: -1, bytes: SHARED_BYTES },
      values: undefined,
      ahead: machineMs() - performance.now(),
      requestSeeds: [1, 2],
    },
    // Only its memory is used: the socket is never opened.
    { map: () => memory } as unknown as Libc,
    (_items, taken) => taken(),
  );
  tables.open(true);
  tables.changed();
  const calls = new CallsInMemory(worker.sockets[0]);
  worker.refresh();
  return {
    calls,
    stepped: () => reports.read(1),
    async end() {
      reports.stop();
      worker.stop();
    },
  };
}
