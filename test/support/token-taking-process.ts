/**
 * A process that takes tokens of some sources in turn, as fast as it can: memory is its descriptor 4. It says that it is ready, then how
 * many it has got of those it tried to take.
 */
import { loadLibc } from '../../src/sip/transport/native/libc.js';
import { SharedRateLimiter } from '../../src/workers/shared-rate-limit.js';

/** What it is asked for. */
interface Taking {
  readonly bytes: number;
  readonly sources: number;
  readonly burst: number;
  readonly attempts: number;
}

const loaded = await loadLibc();
if (!('libc' in loaded)) throw new Error(loaded.missing);
const { libc } = loaded;

process.on('message', ({ bytes, sources, burst, attempts }: Taking) => {
  // No time goes by: no token comes back.
  const limiter = new SharedRateLimiter(libc.map(4, bytes), () => 1);
  limiter.configure({ perSecond: 1, burst });
  let taken = 0;
  for (let i = 0; i < attempts; i++) if (limiter.take(`10.0.0.${i % sources}`) === 0) taken++;
  process.send?.(taken);
});
process.send?.('ready');
