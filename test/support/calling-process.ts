/**
 * A process that begins, moves and ends calls of call load in tables in shared memory as fast as it can until it is
 * killed: descriptor 4 is the memory. Its parent sends ["begin", number of the worker, bytes], then the brain's
 * messages to a worker, then ["stop"], which it answers.
 */
import { systemClock } from '../../src/core/clock.js';
import { systemRandom } from '../../src/core/random.js';
import { SharedLoads } from '../../src/engine/shared-loads.js';
import { loadLibc } from '../../src/sip/transport/native/libc.js';
import type { ToWorker } from '../../src/workers/protocol.js';
import { Replica } from '../../src/workers/replica.js';
import { callsOf, ownerOf } from '../../src/workers/shared-layout.js';
import { request } from './partitions.js';
import { recordingLog } from './recording-log.js';

/** Steps between two checks for messages of the parent. */
const BURST = 200;
/** Number of Call-IDs that the calls of all processes share. */
const CALL_IDS = 400;

const loaded = await loadLibc();
if (!('libc' in loaded)) throw new Error(loaded.missing);
const { libc } = loaded;
let replica: Replica | undefined;
let loads: SharedLoads | undefined;
let calls = 0;

function step(): void {
  const partition = replica?.engine.partition('');
  if (replica === undefined || partition === undefined) return;
  for (let i = 0; i < BURST; i++) {
    const callId = `call ${systemRandom.uint32() % CALL_IDS}`;
    if (systemRandom.uint32() % 2 === 0) {
      loads?.endAll(callId);
      continue;
    }
    const context = replica.engine.context();
    const target = { setId: 1, algorithm: 10, flags: 1, maxResults: 3 };
    if (context.selectOne(partition, target, request({ callId })) === undefined) continue;
    calls++;
    if (systemRandom.uint32() % 3 === 0) context.next(partition);
    if (systemRandom.uint32() % 3 === 0) context.of(partition)?.call?.confirm();
  }
  if (replica !== undefined) setTimeout(step, 1);
}

process.on('message', (item: ToWorker | readonly ['begin', worker: number, bytes: number] | readonly ['stop']) => {
  if (item[0] === 'begin') {
    const memory = libc.map(4, item[2]);
    loads = new SharedLoads(callsOf(memory), { now: () => 0, owner: ownerOf(item[1]) });
    replica = new Replica({
      memory,
      owner: ownerOf(item[1]),
      clock: systemClock,
      random: systemRandom,
      log: recordingLog().log,
      loads,
      taken: () => {
        step();
        process.send?.('calls');
      },
    });
  } else if (item[0] === 'table') replica?.begin(item);
  else if (item[0] === 'rows') replica?.add(item[1], item[2]);
  else if (item[0] === 'tableEnd') replica?.end(item[1]);
  else if (item[0] === 'stop') {
    replica = undefined;
    process.send?.(calls);
  }
});
process.on('disconnect', () => process.exit(0));
