/**
 * A process that takes tokens of several sources by round robin as fast as it can: descriptor 4 is the memory. It
 * reports that it is ready, and later how many of its attempts got a token.
 */
import { loadLibc } from '../../src/sip/transport/native/libc.js';
import { SharedRateLimiter } from '../../src/workers/shared-rate-limit.js';

/** The task it receives. */
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
  // The clock does not advance: no token is returned.
  const limiter = new SharedRateLimiter(libc.map(4, bytes), () => 1);
  limiter.configure({ perSecond: 1, burst });
  let taken = 0;
  for (let i = 0; i < attempts; i++) if (limiter.take(`10.0.0.${i % sources}`) === 0) taken++;
  process.send?.(taken);
});
process.send?.('ready');
