import type { LoadedCfg } from '../cfg-file/load.js';
import type { LoadedSettings } from '../config/load.js';
import type { Settings } from '../config/settings.js';
import type { Clock } from '../core/clock.js';
import type { FocusableLogger } from '../core/log-focus.js';
import type { Logger } from '../core/logger.js';
import type { Random } from '../core/random.js';
import type { RouteTrace } from '../route/script/call-path.js';
import type { ScriptOutput, ScriptTrace } from '../script/environment.js';
import type { ScriptMemory } from './script-routing.js';
import type { Secret } from './secret.js';

/** Options of a daemon. By default it uses the system's clock and random numbers. */
export interface DaemonOptions {
  readonly settings: Settings;
  readonly log: Logger & Partial<FocusableLogger>;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly argv?: readonly string[];
  /** Accept rows that name an unknown socket: for tools that send nothing and have settings without sockets. */
  readonly anySocket?: boolean;
  /** Routes by the script of a configuration file; `settings` are those in the file. */
  readonly cfg?: LoadedCfg | undefined;
  /** Receives log lines of the script; default: the log. */
  readonly scriptOutput?: ScriptOutput | undefined;
  /** Receives each statement of the script. */
  readonly scriptTrace?: ScriptTrace | undefined;
  /** Receives messages instead of sockets, of which none is opened: for tools that show what a message would cause. */
  readonly unsent?: ((text: string, address: string, port: number) => void) | undefined;
  /** Receives the calls that routes of a route script make, and their log lines. */
  readonly routeTrace?: { readonly trace: RouteTrace; readonly log: Logger } | undefined;
  /** The script may only read databases, and use nothing else outside the process. */
  readonly isolated?: boolean | undefined;
  /** The original of this copy, which tries what a request would cause: its key, and the memory of its script. */
  readonly copyOf?: { readonly secret: Secret; readonly memory: ScriptMemory | undefined } | undefined;
  /** Reads the settings again, for config_reload. Throws ConfigError. */
  readonly readSettings?: (() => LoadedSettings & { readonly cfg?: LoadedCfg | undefined }) | undefined;
  /** Milliseconds for which the first loads may delay the listeners; slower partitions follow later. Default 3000. */
  readonly firstLoadMs?: number;
  /** Milliseconds for which a shutdown waits for calls without a final reply. Default 5000. */
  readonly drainMs?: number;
}
