import type { Settings } from '../config/settings.js';
import { boundedLog } from '../core/bounded-log.js';
import { type Clock, systemClock } from '../core/clock.js';
import type { FocusableLogger } from '../core/log-focus.js';
import type { Logger } from '../core/logger.js';
import { type Random, systemRandom } from '../core/random.js';
import { Metrics } from '../stats/metrics.js';
import { ClusterHooks } from './cluster-hooks.js';
import type { DaemonOptions } from './daemon-options.js';

/** What every part of a daemon needs. */
export interface DaemonEnvironment {
  /** The current settings. */
  readonly settings: () => Settings;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger & Partial<FocusableLogger>;
  /** A log for lines that peers can cause, with a limit per minute. */
  readonly peerLog: Logger;
  readonly metrics: Metrics;
  readonly cluster: ClusterHooks;
}

/** The environment of one daemon, with a function that replaces its settings. */
export interface OwnEnvironment extends DaemonEnvironment {
  replaceSettings(settings: Settings): void;
}

/** Uses the system's clock and random numbers unless `options` has others. */
export function createEnvironment(options: DaemonOptions): OwnEnvironment {
  const { clock = systemClock, random = systemRandom, log } = options;
  let { settings } = options;
  return {
    settings: () => settings,
    replaceSettings: (others) => {
      settings = others;
    },
    clock,
    random,
    log,
    peerLog: boundedLog(log, () => clock.monotonic()),
    metrics: new Metrics(),
    cluster: new ClusterHooks(settings.cluster?.name),
  };
}
