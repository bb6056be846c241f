import type { Clock } from '../core/clock.js';
import type { Logger } from '../core/logger.js';
import type { ProxyCore } from '../proxy/proxy.js';

/** Milliseconds to wait for the last ACKs. */
const LINGER_MS = 300;
/** Milliseconds between two checks for calls without a final reply. */
const LOOK_MS = 20;

/**
 * Accepts no more calls and waits at most `limitMs` milliseconds until running ones have a final reply; then answers
 * the others 503. Waits a little longer for ACKs of calls that were just answered.
 */
export async function drain(
  proxy: ProxyCore,
  clock: Clock,
  log: Logger,
  limitMs: number,
  workers?: { drain(): void; giveUp(): void },
): Promise<void> {
  const { layer } = proxy;
  const unanswered = () => layer.unanswered + layer.elsewhere.unanswered;
  proxy.drain();
  workers?.drain();
  const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
  const deadline = clock.monotonic() + limitMs;
  const busy = layer.serverCount > 0;
  while (unanswered() > 0 && clock.monotonic() < deadline) await pause(LOOK_MS);
  if (unanswered() > 0) {
    log.warn({ transactions: unanswered() }, 'stopping: requests without a final reply are answered with 503');
    proxy.giveUp();
    workers?.giveUp();
  }
  // The ACK for a recent 2xx must still be forwarded; otherwise the callee ends the call.
  if (busy) await pause(Math.min(LINGER_MS, limitMs));
}
