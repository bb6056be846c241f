import type { DispatcherConfig } from '../config/dispatcher-settings.js';
import type { NatsConfig } from '../config/settings.js';
import type { Clock } from '../core/clock.js';
import type { Logger } from '../core/logger.js';
import type { Random } from '../core/random.js';
import type { Engine } from '../engine/engine.js';
import { FreeswitchFeed } from '../weight-feed/freeswitch.js';
import { NatsWeightFeed, type Subscribe } from '../weight-feed/nats.js';
import type { WeightFeed } from '../weight-feed/weight-feed.js';

/** What the weight feeds need. */
export interface WeightFeedsOptions {
  readonly engine: Engine;
  /** The current module parameters. */
  readonly dispatcher: () => DispatcherConfig;
  readonly nats: NatsConfig | undefined;
  /** Subscribes over the NATS connection; undefined where there is none. */
  readonly subscribe: Subscribe | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** Creates the configured sources of weights. A new kind of source is added here. */
export function createWeightFeeds(options: WeightFeedsOptions): readonly WeightFeed[] {
  const { engine, dispatcher, nats, subscribe, clock, random, log } = options;
  const maxWeight = () => dispatcher().freeswitch.maxWeight;
  const feeds: WeightFeed[] = [new FreeswitchFeed({ engine, maxWeight, clock, random, log })];
  if (nats?.weights === true && subscribe !== undefined) {
    feeds.push(new NatsWeightFeed({ engine, subject: `${nats.prefix}.weight`, subscribe, maxWeight, clock, log }));
  }
  return feeds;
}
