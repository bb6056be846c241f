import { isIP } from 'node:net';
import type { BlacklistTable } from '../blacklist/blacklist.js';
import type { Settings } from '../config/settings.js';
import type { Clock } from '../core/clock.js';
import { SwitchyardError } from '../core/errors.js';
import type { Logger } from '../core/logger.js';
import type { Random } from '../core/random.js';
import type { Engine } from '../engine/engine.js';
import type { Partition } from '../engine/partition.js';
import type { DispatcherEvent } from '../events/event.js';
import type { Router } from '../proxy/decision.js';
import type { DialogTokens } from '../proxy/dialog-token.js';
import type { ProxyObserver } from '../proxy/observer.js';
import { ProxyCore } from '../proxy/proxy.js';
import type { SelectionTally } from '../route/dispatcher/site.js';
import { type DispatcherFormats, RequestScope } from '../route/request-scope.js';
import { attributeLog } from '../route/rules/destination-changes.js';
import type { Explanation } from '../route/rules/explain.js';
import { compileRule } from '../route/rules/rule.js';
import { RulesRouter } from '../route/rules/rules-router.js';
import type { RouteTrace } from '../route/script/call-path.js';
import type { LoadedScript } from '../route/script/route-table.js';
import { handWritten } from '../sip/hand-written.js';
import type { SipMessage } from '../sip/message.js';
import type { Source } from '../sip/transport/transport.js';
import { dispatcherFormats } from '../tenant/options.js';
import type { SipParts } from './build-sip.js';
import { DialogGates } from './dialog-gates.js';
import { RouteScripts } from './route-scripts.js';

/** What routing needs. */
export interface RoutingOptions {
  readonly engine: Engine;
  readonly sip: SipParts;
  readonly blacklists: BlacklistTable;
  readonly tally: SelectionTally;
  /** The value of a statistic, for $stat. */
  readonly statistic: (name: string) => number | undefined;
  /** The state of a sharing tag at this node, for $shtag. */
  readonly tag?: (name: string) => 'active' | 'backup' | undefined;
  /** Reloads a partition, for scripts. Rejects when the old data stay. */
  readonly reload: (partition: string) => Promise<unknown>;
  /** A dialog has ended: its call no longer counts as load. */
  readonly callEnded: (callId: string) => void;
  readonly tokens: DialogTokens;
  /** Receives the results of requests. */
  readonly observer: ProxyObserver;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Receives log lines of a route script; default: the log. */
  readonly scriptLog?: Logger | undefined;
  /** Receives the calls that routes of a route script make. */
  readonly routeTrace?: RouteTrace | undefined;
}

/** Everything that routes by one version of the settings. */
export interface RoutesInForce {
  readonly settings: Settings;
  readonly formats: DispatcherFormats;
  readonly script: LoadedScript | undefined;
  readonly router: Router;
}

/** Routes requests by the rules or the script of the current settings. New settings replace everything at once. */
export class Routing {
  readonly proxy: ProxyCore;
  private readonly scripts: RouteScripts;
  private formats: DispatcherFormats;
  private router: Router;
  private readonly dialogGates: DialogGates;

  /** Routes by the rules; a script is loaded later. Throws SwitchyardError for invalid rules. */
  constructor(
    private readonly options: RoutingOptions,
    settings: Settings,
  ) {
    const { engine, sip, blacklists, tally, clock, log, reload, scriptLog = log, routeTrace: trace } = options;
    const { sockets: own } = sip;
    this.scripts = new RouteScripts({
      engine,
      sockets: own,
      blacklists,
      tally,
      clock,
      log: scriptLog,
      reload,
      trace,
    });
    this.formats = this.formatsOf(settings);
    this.dialogGates = new DialogGates(engine, options.sip, options.tokens, clock);
    const router = this.routerFor(settings, this.formats, undefined);
    this.router = router;
    const { layer, sockets, resolver, counters } = sip;
    this.proxy = new ProxyCore(
      layer,
      sockets,
      resolver,
      router,
      counters.proxy,
      settings.tm,
      log,
      options.random,
      options.tokens,
      options.observer,
    );
  }

  /**
   * Compiles the routing part of settings, including the script if it is not given. Throws SwitchyardError; then
   * nothing has changed.
   */
  async prepare(settings: Settings, loaded?: LoadedScript): Promise<RoutesInForce> {
    const formats = this.formatsOf(settings);
    const script = loaded ?? (await RouteScripts.load(settings));
    return { settings, formats, script, router: this.routerFor(settings, formats, script) };
  }

  /**
   * Loads the route script in the settings, or uses the given one, and routes by it. Throws SwitchyardError
   * SCRIPT_INVALID.
   */
  async loadScript(settings: Settings, loaded?: LoadedScript): Promise<void> {
    if (settings.routeScript !== undefined) this.use(await this.prepare(settings, loaded));
  }

  /** Routes by this from now on. Calls in progress continue with the old one. */
  use({ settings, formats, script, router }: RoutesInForce): void {
    this.formats = formats;
    this.router = router;
    this.scripts.use(settings, formats, script);
    this.proxy.useRouter(router);
  }

  /** The current route script. */
  get routeScript(): LoadedScript | undefined {
    return this.scripts.loadedScript;
  }

  /** Formats in the dispatcher's parameters of the current settings. */
  get dispatcherFormats(): DispatcherFormats {
    return this.formats;
  }

  /** The local route of the current script for our own requests; undefined: there is none. */
  get local(): ((text: string) => string) | undefined {
    return this.scripts.seesLocal ? this.scripts.local : undefined;
  }

  /** Begins to reload a partition; false when that is not allowed now. */
  reload(name: string): boolean {
    return this.scripts.reload(name);
  }

  /** Runs the script's event route. */
  readonly event = (event: DispatcherEvent): void => this.scripts.event(event);

  /** A partition was loaded. */
  loaded(partition: Partition): void {
    this.scripts.loaded(partition);
  }

  /** A request as rules and the engine see it, with the formats of the current settings. */
  scope(message: SipMessage): RequestScope {
    return new RequestScope(message, undefined, message.requestUri, this.formats);
  }

  /**
   * Where a request from `source` (an address, or address:port) goes by the rules, and why; changes nothing. Throws
   * SwitchyardError USAGE for an invalid request, and if a script decides.
   */
  explain(text: string, source: string | undefined, sees?: (partition: string) => boolean): Explanation {
    const { router } = this;
    if (!(router instanceof RulesRouter)) {
      throw new SwitchyardError('USAGE', 'a route script decides where requests go, not rules');
    }
    const message = handWritten(text);
    const [socket] = this.options.sip.transports;
    const match = /^\[?([0-9A-Fa-f.:]*?)\]?(?::([0-9]{1,5}))?$/.exec(source ?? '127.0.0.1:5060');
    const address = match?.[1] ?? '';
    if (isIP(address) === 0) throw new SwitchyardError('USAGE', `source "${source}" is not an IP address`);
    const from: Source | undefined = socket && { socket, address, port: Number(match?.[2] ?? 5060), flow: undefined };
    return router.explain(message, from, sees);
  }

  private formatsOf({ dispatcher }: Settings): DispatcherFormats {
    const score: DispatcherFormats['score'] = (pvars, destination) => this.scripts.score(pvars, destination);
    return dispatcherFormats(
      dispatcher,
      this.options.statistic,
      dispatcher.algoRoute === undefined ? undefined : score,
      this.options.tag,
    );
  }

  private routerFor(settings: Settings, formats: DispatcherFormats, script: LoadedScript | undefined): Router {
    if (settings.routeScript !== undefined) {
      // A script decides about dialogs itself, unless the settings restrict what it accepts in a Route.
      const { foreignDialogs = 'accept' } = settings;
      const dialogs = foreignDialogs === 'accept' ? undefined : this.dialogGates.under(settings);
      return this.scripts.router(settings, formats, script, dialogs);
    }
    const { engine, sip, blacklists, tally, callEnded, log } = this.options;
    const unusable = attributeLog(log);
    return new RulesRouter({
      engine,
      sockets: sip.sockets,
      rules: settings.routing.map((rule) => compileRule(rule, (name) => engine.partition(name), unusable)),
      formats,
      blocked: (lists, address) => blacklists.blocked(lists, address),
      tally,
      log,
      callEnded,
      dialogs: this.dialogGates.under(settings),
    });
  }
}
