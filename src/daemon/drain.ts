import type { Clock } from '../core/clock.js';
import type { Logger } from '../core/logger.js';
import type { ProxyCore } from '../proxy/proxy.js';

/** Milliseconds waited for the last ACKs. */
const LINGER_MS = 300;
/** Milliseconds between two looks whether calls are still without an answer. */
const LOOK_MS = 20;

/**
 * Takes no more calls and waits until those under way have a final reply, `limitMs` milliseconds at most; those that
 * have none by then are answered 503. Waits a little longer for the ACKs of calls just answered.
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
    log.warn({ transactions: unanswered() }, 'stopping: requests without a final reply are answered 503');
    proxy.giveUp();
    workers?.giveUp();
  }
  // A 2xx that has just passed still wants its ACK to pass, or the callee ends the call.
  if (busy) await pause(Math.min(LINGER_MS, limitMs));
}
