/**
 * A process that selects by round robin from tables in shared memory as fast as it can until it is killed: descriptor 4
 * is the memory. Its parent sends ["begin", number of the worker, bytes], then the brain's messages to a worker.
 */
import { systemClock } from '../../src/core/clock.js';
import { systemRandom } from '../../src/core/random.js';
import { parseSelectArguments } from '../../src/engine/select-arguments.js';
import { SharedLoads } from '../../src/engine/shared-loads.js';
import { loadLibc } from '../../src/sip/transport/native/libc.js';
import type { ToWorker } from '../../src/workers/protocol.js';
import { Replica } from '../../src/workers/replica.js';
import { callsOf, ownerOf } from '../../src/workers/shared-layout.js';
import { request } from './partitions.js';
import { recordingLog } from './recording-log.js';

/** Selections between two checks for messages of the parent. */
const BURST = 500;

const loaded = await loadLibc();
if (!('libc' in loaded)) throw new Error(loaded.missing);
const { libc } = loaded;
let replica: Replica | undefined;

function select(): void {
  const args = parseSelectArguments({ set: 1, alg: 4 });
  const partition = replica?.engine.partition('');
  if (replica === undefined || partition === undefined || typeof args === 'string') return;
  if (replica.isCurrent(partition)) {
    for (let i = 0; i < BURST; i++) replica.engine.context().select(partition, args.targets, request());
  }
  // Leaves processor time for others.
  setTimeout(select, 1);
}

process.on('message', (item: ToWorker | readonly ['begin', worker: number, bytes: number]) => {
  if (item[0] === 'begin') {
    const memory = libc.map(4, item[2]);
    replica = new Replica({
      memory,
      loads: new SharedLoads(callsOf(memory), { now: () => 0, owner: ownerOf(item[1]) }),
      owner: ownerOf(item[1]),
      clock: systemClock,
      random: systemRandom,
      log: recordingLog().log,
      taken: () => {
        select();
        process.send?.('selects');
      },
    });
  } else if (item[0] === 'table') replica?.begin(item);
  else if (item[0] === 'rows') replica?.add(item[1], item[2]);
  else if (item[0] === 'tableEnd') replica?.end(item[1]);
});
process.on('disconnect', () => process.exit(0));
