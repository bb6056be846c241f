import type { CallLedger } from '../calls/call-ledger.js';
import type { Settings } from '../config/settings.js';
import { Console, type ConsoleSource } from '../console/server/console.js';
import { nextIteration } from '../core/event-loop.js';
import type { Logger } from '../core/logger.js';
import type { Destination } from '../engine/destination.js';
import type { HttpServer } from '../http/server.js';
import { ConsoleHealth, type HealthSources } from './console-health.js';
import { VERSION } from './version.js';

/** What the console needs. */
export interface ConsoleEnvironment extends Omit<HealthSources, 'readers'> {
  readonly ledger: CallLedger;
  readonly http: HttpServer;
  readonly identify: ConsoleSource['identify'];
  readonly clustered: boolean;
  readonly log: Logger;
}

/** Folder of the built page, relative to src/ or dist/. */
const ASSETS = new URL(import.meta.url.endsWith('.ts') ? '../../dist/console/' : '../console/', import.meta.url);

/** Builds the console and mounts it on the HTTP listener. */
export function buildConsole(env: ConsoleEnvironment): Console {
  const { engine, runtimes, events, settings, ledger, http, clock, log } = env;
  const { nats } = events;
  const health: ConsoleHealth = new ConsoleHealth({ ...env, readers: () => made.feed.size });
  const made: Console = new Console({
    source: {
      node: settings().node,
      version: VERSION,
      partitions: () => engine.partitions,
      problem: (name) => runtimes.get(name)?.notReady,
      figures: { find: (destination) => ledger.table.find(destination) },
      health: () => health.groups(),
      settings: (destination) => settingsOf(settings(), destination),
      clustered: env.clustered,
      olderEvents: nats?.keepsEvents === true ? (query) => nats.older(query) : undefined,
      identify: env.identify,
    },
    clock,
    pause: nextIteration,
    onError: (error) => log.error({ err: error }, 'the console failed'),
    assets: ASSETS,
  });
  engine.states.onChange((change) => made.history.changed(change));
  events.bus.on(({ name, params }) => made.raised({ name, params }));
  const methods = ['GET', 'HEAD'];
  for (const [path, handler] of made.pages()) http.mount(path, handler, { methods });
  for (const [path, handler] of made.data()) http.mount(path, handler, { methods, ownPages: true });
  return made;
}

/** The settings that concern a destination, and where each comes from. */
function settingsOf(settings: Settings, { partition, row }: Destination): [string, string, string][] {
  const own = settings.partitions.find(({ name }) => name === partition);
  const { dispatcher } = settings;
  const file = own?.source ?? 'modparam';
  const shared = 'modparam';
  return [
    ['flavour', own?.flavour ?? '', file],
    ['compat', own?.compat ?? '', file],
    ['persistent_state', String(own?.persistentState ?? ''), file],
    ['table_name', own?.tableName ?? '', file],
    ['ds_ping_interval', dispatcher.pingInterval === 0 ? 'off' : `${dispatcher.pingInterval} s`, shared],
    ['ds_probing_mode', String(dispatcher.probingMode), shared],
    ['ds_probing_threshhold', String(dispatcher.probingThreshold), shared],
    ['ds_ping_method', own?.pingMethod ?? dispatcher.pingMethod, file],
    ['ds_ping_from', own?.pingFrom ?? dispatcher.pingFrom, file],
    ['options_reply_codes', dispatcher.optionsReplyCodes.join(), shared],
    ['socket', row.socket === '' ? 'any' : row.socket, 'the row'],
  ];
}
