import type { DispatcherConfig } from '../config/settings.js';
import type { Clock } from '../core/clock.js';
import type { Service } from '../core/service.js';
import type { Engine } from '../engine/engine.js';

/** The end of calls that count as load of their destination: reported by dialogs, or assumed when their time is up. */
export class CallLoad implements Service {
  readonly name = 'call load';
  private cancel: (() => void) | undefined;

  constructor(
    private readonly engine: Engine,
    private readonly clock: Clock,
    private readonly dispatcher: () => DispatcherConfig,
  ) {}

  async start(): Promise<void> {
    this.look();
  }

  async stop(): Promise<void> {
    this.cancel?.();
    this.cancel = undefined;
  }

  /** A dialog ended: its call counts no longer, in whichever partition it did. */
  readonly callEnded = (callId: string): void => {
    for (const { flavour } of this.engine.partitions) flavour.endCall(callId);
  };

  /** Calls whose end was not seen are forgotten (ds_hash_expire, ds_hash_initexpire), looked for every ds_hash_check_interval. */
  private look(): void {
    const seconds = this.dispatcher().kamailio.hashCheckInterval;
    this.cancel = this.clock.schedule(seconds * 1000, () => {
      for (const { flavour } of this.engine.partitions) flavour.expireCalls();
      this.look();
    });
  }
}
