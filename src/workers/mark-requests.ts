import type { StateTable } from '../engine/state.js';
import { type Marks, sharedOf } from './local-plan.js';
import type { FromWorker } from './protocol.js';

/** Sends the state changes that a worker's plans want to the brain, which alone writes states. */
export class MarkRequests implements Marks {
  private asked = 0;
  private last: Promise<void> | undefined = undefined;
  private readonly waiting = new Map<number, () => void>();

  constructor(states: Pick<StateTable, 'guard'>, send: (item: FromWorker) => void) {
    states.guard((signal) => {
      const { destination, to, origin, reason, code, cause } = signal;
      if (origin === 'script') {
        const { destination: _, ...rest } = signal;
        send(['signal', sharedOf(destination), rest]);
        // The script continues with this value; the state itself changes when the brain has decided.
        return true;
      }
      if (origin !== 'traffic' || to === undefined) return false;
      const mark = ++this.asked;
      this.last = new Promise((resolve) => this.waiting.set(mark, resolve));
      send(['mark', mark, sharedOf(destination), to, reason, code ?? 0, cause ?? null]);
      return false;
    });
  }

  take(): Promise<void> | undefined {
    const { last } = this;
    this.last = undefined;
    return last;
  }

  /** The brain has handled a request. */
  marked(mark: number): void {
    this.waiting.get(mark)?.();
    this.waiting.delete(mark);
  }
}
