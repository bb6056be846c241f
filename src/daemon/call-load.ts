import type { DispatcherConfig } from '../config/dispatcher-settings.js';
import type { Clock } from '../core/clock.js';
import type { Service } from '../core/service.js';
import type { Engine } from '../engine/engine.js';

/** Ends calls that count as load of their destination: when a dialog ends, or when the call expires. */
export class CallLoad implements Service {
  readonly name = 'call load';
  private cancel: (() => void) | undefined = undefined;

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

  /** A dialog has ended: its call no longer counts, in any partition. */
  readonly callEnded = (callId: string): void => {
    for (const { flavour } of this.engine.partitions) flavour.endCall(callId);
  };

  /** Removes calls that have expired (ds_hash_expire, ds_hash_initexpire), every ds_hash_check_interval. */
  private look(): void {
    const seconds = this.dispatcher().kamailio.hashCheckInterval;
    this.cancel = this.clock.schedule(seconds * 1000, () => {
      for (const { flavour } of this.engine.partitions) flavour.expireCalls();
      this.look();
    });
  }
}
