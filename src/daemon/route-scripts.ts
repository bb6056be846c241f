import type { BlacklistTable } from '../blacklist/blacklist.js';
import type { Settings } from '../config/settings.js';
import type { Clock } from '../core/clock.js';
import { SwitchyardError } from '../core/errors.js';
import type { Logger } from '../core/logger.js';
import type { Engine } from '../engine/engine.js';
import type { Partition } from '../engine/partition.js';
import type { DispatcherEvent } from '../events/event.js';
import type { Router } from '../proxy/decision.js';
import { compileWritable } from '../pvar/format.js';
import type { SelectionTally } from '../route/dispatcher/site.js';
import type { DispatcherFormats } from '../route/request-scope.js';
import type { DialogGate } from '../route/rules/dialog-gate.js';
import { AlgoRoute } from '../route/script/algo-route.js';
import type { RouteTrace } from '../route/script/call-path.js';
import type { RouteScriptEnvironment } from '../route/script/environment.js';
import { EventRoute } from '../route/script/event-route.js';
import { loadScript } from '../route/script/load.js';
import { LocalRoute } from '../route/script/local-route.js';
import type { LoadedScript } from '../route/script/route-table.js';
import { ScriptLog } from '../route/script/script-log.js';
import { ScriptRouter } from '../route/script/script-router.js';
import type { LocalSockets } from '../sip/local-sockets.js';
import { blacklistDefinitions } from '../tenant/options.js';
import { scriptAttrsAvps } from './script-attributes.js';
import { type UpDown, type UpDownMode, upAfterLoad, upDownOf } from './up-down.js';

/** URL of the package's entry file, beside daemon.ts or daemon.js. */
const ENDPOINT = new URL(import.meta.url.endsWith('.ts') ? '../index.ts' : '../index.js', import.meta.url).href;

/** The parts of the daemon that route scripts use. */
export interface RouteScriptParts {
  readonly engine: Engine;
  readonly sockets: LocalSockets;
  readonly blacklists: BlacklistTable;
  readonly tally: SelectionTally;
  readonly clock: Clock;
  readonly log: Logger;
  /** Reloads a partition, for ds_reload; rejects when the old data stay. Absent: scripts cannot reload. */
  readonly reload?: (partition: string) => Promise<unknown>;
  /** Receives the calls that routes of the script make. */
  readonly trace?: RouteTrace | undefined;
}

/** Least milliseconds between two reloads by scripts of a strict partition (reload_delta of 5.6). */
const RELOAD_DELTA = 5000;

/** The event route named by event_callback. */
interface Callback {
  readonly route: string;
  readonly mode: UpDownMode;
}

/**
 * The current route script and what it uses. New settings replace it; calls in progress keep the one they began with.
 */
export class RouteScripts {
  private script: LoadedScript | undefined;
  private environment: RouteScriptEnvironment | undefined;
  private algorithm: string | undefined;
  private callback: Callback | undefined;
  /** By partition: when ds_reload was last allowed, and whether that reload is running. */
  private readonly reloads = new Map<string, { at: number; busy: boolean }>();

  constructor(private readonly parts: RouteScriptParts) {}

  /** The current script. */
  get loadedScript(): LoadedScript | undefined {
    return this.script;
  }

  /** Whether the script has a local route for our own requests. */
  get seesLocal(): boolean {
    return this.script?.routes.local !== undefined;
  }

  /** Loads the script in the settings; undefined for none. Throws SwitchyardError SCRIPT_INVALID. */
  static async load(settings: Settings): Promise<LoadedScript | undefined> {
    if (settings.routeScript === undefined) return undefined;
    const names = {
      partitions: settings.partitions.map(({ name }) => name),
      blacklists: blacklistDefinitions(settings).map(({ name }) => name),
    };
    const script = await loadScript(settings.routeScript, ENDPOINT, { names });
    const { algoRoute } = settings.dispatcher;
    if (algoRoute !== undefined && script.routes.algo?.[algoRoute] === undefined) {
      throw new SwitchyardError('SCRIPT_INVALID', `route script ${script.file}: has no algo route "${algoRoute}"`);
    }
    const callback = settings.dispatcher.kamailio.eventCallback.route;
    if (callback !== undefined && script.routes.event?.[callback] === undefined) {
      const text = `route script ${script.file}: has no event route "${callback}" (event_callback)`;
      throw new SwitchyardError('SCRIPT_INVALID', text);
    }
    return script;
  }

  /** Creates a router for a script. Throws SwitchyardError PVAR_* for a setid_pvar that cannot be written. */
  router(
    settings: Settings,
    formats: DispatcherFormats,
    script: LoadedScript | undefined,
    dialogs: DialogGate | undefined,
  ): Router {
    return new ScriptRouter({ ...this.environmentOf(settings, formats), dialogs }, script);
  }

  /** From now on, this script handles events, probes and scores. */
  use(settings: Settings, formats: DispatcherFormats, script: LoadedScript | undefined): void {
    this.script = script;
    this.environment = script === undefined ? undefined : this.environmentOf(settings, formats);
    this.algorithm = settings.dispatcher.algoRoute;
    const { route, mode } = settings.dispatcher.kamailio.eventCallback;
    this.callback = route === undefined ? undefined : { route, mode };
  }

  /** The score that algo_route gives a destination; undefined without such a route. */
  readonly score: NonNullable<DispatcherFormats['score']> = (pvars, destination) => {
    const { script, environment, algorithm } = this;
    if (script === undefined || environment === undefined || algorithm === undefined) return undefined;
    return AlgoRoute.score(environment, script, algorithm, pvars, destination);
  };

  /** Calls the event route of an event. */
  event(event: DispatcherEvent): void {
    const { script, environment, callback } = this;
    if (script?.routes.event === undefined || environment === undefined) return;
    EventRoute.run(environment, script, event.name, event.params);
    const change = callback === undefined ? undefined : upDownOf(event, this.parts.engine, callback.mode);
    if (change !== undefined) this.call(change);
  }

  /** A partition was loaded: calls event_callback for active destinations, if its mode says so. */
  loaded(partition: Partition): void {
    if (this.callback?.mode === 2) for (const change of upAfterLoad(partition)) this.call(change);
  }

  private call({ name, params }: UpDown): void {
    const { script, environment, callback } = this;
    if (script === undefined || environment === undefined || callback === undefined) return;
    EventRoute.run(environment, script, name, params, callback.route);
  }

  /** Passes one of our own requests through the local route; returns the text to send. */
  readonly local = (text: string): string => {
    const { script, environment } = this;
    return script === undefined || environment === undefined ? text : LocalRoute.run(environment, script, text);
  };

  /**
   * ds_reload: begins a reload and returns true, if it is allowed now. A partition that is being loaded is not loaded
   * again.
   */
  readonly reload = (name: string): boolean => {
    const { engine, clock, log, reload } = this.parts;
    const last = this.reloads.get(name);
    const delta = engine.partition(name)?.options.compat === 'strict' ? RELOAD_DELTA : 0;
    if (reload === undefined || (last !== undefined && (last.busy || clock.monotonic() - last.at < delta)))
      return false;
    const begun = { at: clock.monotonic(), busy: true };
    this.reloads.set(name, begun);
    reload(name)
      .catch((error: unknown) => {
        log.warn({ partition: name, err: error }, 'script function ds_reload() failed: the old destinations stay');
      })
      .finally(() => {
        begun.busy = false;
      });
    return true;
  };

  private environmentOf(settings: Settings, formats: DispatcherFormats): RouteScriptEnvironment {
    const { engine, sockets, blacklists, tally, clock, log, trace } = this.parts;
    const { setidPvar, kamailio } = settings.dispatcher;
    const attrsPvar = kamailio.attrsPvar;
    const scriptAttrs = scriptAttrsAvps(settings);
    return {
      engine,
      sockets,
      formats,
      setidPvar: setidPvar === undefined ? undefined : compileWritable(setidPvar),
      attrsPvar: attrsPvar === undefined ? undefined : compileWritable(attrsPvar),
      forceDst: kamailio.forceDst,
      reload: this.reload,
      scriptAttrsAvp: (partition) => scriptAttrs.get(partition),
      blocked: (lists, address) => blacklists.blocked(lists, address),
      hasBlacklist: (name) => blacklists.has(name),
      tally,
      clock,
      log,
      trace,
      faults: new ScriptLog(log, clock),
    };
  }
}
