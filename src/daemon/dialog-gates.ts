import type { Settings } from '../config/settings.js';
import { AddressBlocks } from '../core/address-blocks.js';
import type { Clock } from '../core/clock.js';
import type { Engine } from '../engine/engine.js';
import type { DialogTokens } from '../proxy/dialog-token.js';
import { DialogGate } from '../route/rules/dialog-gate.js';
import { SourceRateLimiter } from '../sip/rate-limit.js';
import type { SipParts } from './build-sip.js';

/** Limit for requests in dialogs that began elsewhere, from a source that is neither trusted nor a destination. */
const FOREIGN_DIALOGS = { perSecond: 20, burst: 200 };

/**
 * Creates the gates that decide about requests inside dialogs. The counts of each source survive a change of settings.
 */
export class DialogGates {
  private readonly limiter: SourceRateLimiter;

  constructor(
    private readonly engine: Engine,
    private readonly sip: { readonly counters: Pick<SipParts['counters'], 'foreign'> },
    private readonly tokens: DialogTokens,
    clock: Clock,
  ) {
    this.limiter = new SourceRateLimiter(FOREIGN_DIALOGS, () => clock.monotonic());
  }

  /** The gate for these settings. */
  under(settings: Pick<Settings, 'foreignDialogs' | 'limits'>): DialogGate {
    const { foreign } = this.sip.counters;
    return new DialogGate({
      engine: this.engine,
      tokens: this.tokens,
      foreign: settings.foreignDialogs ?? 'known',
      trusted: new AddressBlocks(settings.limits.trustedSources),
      limiter: this.limiter,
      tally: {
        passed: () => {
          foreign.passed.value++;
        },
        refused: () => {
          foreign.refused.value++;
        },
      },
    });
  }
}
