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

/** What a daemon is made with; clock and randomness are those of the system by default. */
export interface DaemonOptions {
  readonly settings: Settings;
  readonly log: Logger & Partial<FocusableLogger>;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly argv?: readonly string[];
  /** Take rows that name a socket that is not there: for tools that send nothing, over settings without sockets. */
  readonly anySocket?: boolean;
  /** Routes by the script of a configuration file; `settings` are those of the file. */
  readonly cfg?: LoadedCfg | undefined;
  /** Where lines of its script go; by default to the log. */
  readonly scriptOutput?: ScriptOutput | undefined;
  /** Follows its script statement by statement. */
  readonly scriptTrace?: ScriptTrace | undefined;
  /** Gets what would be sent: no socket is opened. For tools that show what a message would lead to. */
  readonly unsent?: ((text: string, address: string, port: number) => void) | undefined;
  /** Follows what the routes of a route script call, and gets its log lines. */
  readonly routeTrace?: { readonly trace: RouteTrace; readonly log: Logger } | undefined;
  /** Its script only reads databases, and asks for nothing outside the process. */
  readonly isolated?: boolean | undefined;
  /** The daemon this one is a copy of, to try what a request leads to: its keys, and what its script has in memory. */
  readonly copyOf?: { readonly secret: Secret; readonly memory: ScriptMemory | undefined } | undefined;
  /** Reads the settings anew, for config_reload. Throws ConfigError. */
  readonly readSettings?: (() => LoadedSettings & { readonly cfg?: LoadedCfg | undefined }) | undefined;
  /** Milliseconds the first loads may hold up the listeners; partitions that take longer come later. Default 3000. */
  readonly firstLoadMs?: number;
  /** Milliseconds a shutdown waits for calls that have no final reply yet. Default 5000. */
  readonly drainMs?: number;
}
