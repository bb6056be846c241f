import type { Settings } from '../config/settings.js';
import { boundedLog } from '../core/bounded-log.js';
import { type Clock, systemClock } from '../core/clock.js';
import type { FocusableLogger } from '../core/log-focus.js';
import type { Logger } from '../core/logger.js';
import { type Random, systemRandom } from '../core/random.js';
import { Metrics } from '../stats/metrics.js';
import { ClusterHooks } from './cluster-hooks.js';
import type { DaemonOptions } from './daemon-options.js';

/** What every side of a daemon is built with. */
export interface DaemonEnvironment {
  /** The settings in force. */
  readonly settings: () => Settings;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger & Partial<FocusableLogger>;
  /** The same log for lines that peers can cause: so many a minute of each. */
  readonly peerLog: Logger;
  readonly metrics: Metrics;
  readonly cluster: ClusterHooks;
}

/** The environment of one daemon, and how its settings are replaced. */
export interface OwnEnvironment extends DaemonEnvironment {
  replaceSettings(settings: Settings): void;
}

/** Clock and randomness are those of the system unless `options` have others. */
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
