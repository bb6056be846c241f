import { DialogTokens } from '../proxy/dialog-token.js';
import type { ObserverParts } from './build-observers.js';
import type { SipParts } from './build-sip.js';
import type { TableParts } from './build-tables.js';
import type { DaemonOptions } from './daemon-options.js';
import type { DaemonEnvironment } from './environment.js';
import { Routing } from './routing.js';
import { scriptCalls } from './script-calls.js';
import { ScriptRouting, type ScriptRoutingOptions } from './script-routing.js';
import type { Secret } from './secret.js';

/** What the routing part needs. */
export interface RoutingEnvironment extends DaemonEnvironment {
  readonly sip: SipParts;
  readonly tables: TableParts;
  readonly observers: ObserverParts;
  readonly secret: Secret;
  readonly publish: NonNullable<ScriptRoutingOptions['publish']>;
  readonly subscribe: NonNullable<ScriptRoutingOptions['subscribe']>;
  readonly scriptEvents: NonNullable<ScriptRoutingOptions['events']>;
  readonly rpc: NonNullable<ScriptRoutingOptions['rpc']>;
  readonly mi: NonNullable<ScriptRoutingOptions['mi']>;
  readonly tablesRead: NonNullable<ScriptRoutingOptions['tablesRead']>;
}

/** The parts that decide where requests go. */
export interface RoutingParts {
  /** Routing rules or a route script, and the proxy. */
  readonly routing: Routing;
  /** The script of a cfg file, which then sees every message instead; undefined without such a file. */
  readonly script: ScriptRouting | undefined;
}

/**
 * Builds the routing for the settings; does not load a route script or tables of a cfg file. Throws SwitchyardError.
 */
export function buildRouting(
  { cfg, copyOf, isolated, routeTrace, scriptOutput, scriptTrace }: DaemonOptions,
  env: RoutingEnvironment,
): RoutingParts {
  const { sip, tables, observers, secret, cluster, clock, random, log, peerLog } = env;
  const { engine, blacklists, tally, partitions, callLoad } = tables;
  const settings = env.settings();
  const { ledger } = observers.calls;
  const routing = new Routing(
    {
      engine,
      sip,
      blacklists,
      tally,
      statistic: (name) => observers.statistics.lookup(name),
      ...(cluster.configured ? { tag: (name) => cluster.tag(name) } : {}),
      reload: (name) => partitions.reloadForScript(name),
      callEnded: callLoad.callEnded,
      tokens: new DialogTokens(secret.keys),
      observer: ledger,
      clock,
      random,
      log: peerLog,
      scriptLog: routeTrace?.log,
      routeTrace: routeTrace?.trace,
    },
    settings,
  );
  if (cfg === undefined) return { routing, script: undefined };
  const script = new ScriptRouting(
    {
      engine,
      sip,
      blacklists,
      tally,
      formats: () => routing.dispatcherFormats,
      reload: (name) => routing.reload(name),
      calls: scriptCalls(ledger, sip.counters.proxy),
      publish: env.publish,
      sharingTag: (name) => cluster.tag(name),
      subscribe: env.subscribe,
      events: env.scriptEvents,
      rpc: env.rpc,
      mi: env.mi,
      captures: () => observers.traces.captures,
      tablesRead: env.tablesRead,
      tokens: new DialogTokens(secret.keys),
      clock,
      random,
      log,
      output: scriptOutput,
      trace: scriptTrace,
      memory: copyOf?.memory,
      isolated: isolated === true || copyOf !== undefined,
    },
    cfg,
    settings,
  );
  return { routing, script };
}
