import type { LoadedCfg } from '../cfg-file/load.js';
import { ScriptPath } from '../cfg-file/script-path.js';
import type { Settings } from '../config/settings.js';
import type { Clock } from '../core/clock.js';
import { SwitchyardError } from '../core/errors.js';
import { type Logger, nullLogger } from '../core/logger.js';
import type { Engine } from '../engine/engine.js';
import type { Assumed } from '../management/mi/dependencies.js';
import type { Explanation } from '../route/rules/explain.js';
import { CallPath, type RouteTrace } from '../route/script/call-path.js';
import type { LoadedScript } from '../route/script/route-table.js';
import type { ScriptOutput, ScriptTrace } from '../script/environment.js';
import type { LocalSockets } from '../sip/local-sockets.js';
import type { TransactionLayer } from '../sip/transaction/layer.js';
import { EndingClock } from './ending-clock.js';
import { type Assumptions, assumedRows, assumedStates, copyTables, settingsOfCopy } from './rehearsal.js';
import { RouteScripts } from './route-scripts.js';
import { type ScriptExplanation, ScriptRehearsal } from './script-rehearsal.js';
import type { ScriptMemory } from './script-routing.js';

/** Whether a partition may be shown; absent: all. */
type Sees = ((partition: string) => boolean) | undefined;

/** A daemon that is never started: it routes like the one it copies, and sends nothing. */
export interface Copy {
  readonly engine: Engine;
  readonly layer: TransactionLayer;
  readonly sockets: LocalSockets;
  explain(request: string, source: string | undefined, sees?: Sees): Explanation;
  loadScript(script: LoadedScript): Promise<void>;
  stop(): Promise<void>;
}

/** How a copy differs from its original. */
export interface CopyOptions {
  readonly settings: Settings;
  readonly clock?: Clock;
  readonly cfg?: LoadedCfg;
  readonly memory?: ScriptMemory;
  readonly unsent?: (text: string, address: string, port: number) => void;
  readonly scriptOutput?: ScriptOutput;
  readonly scriptTrace?: ScriptTrace;
  readonly routeTrace?: { readonly trace: RouteTrace; readonly log: Logger };
}

/** The parts of the running daemon that explanations use. */
export interface Explained {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly settings: () => Settings;
  /** Explains by the rules on the tables themselves; what a selection changes is restored. */
  readonly byRules: (request: string, source: string | undefined, sees?: Sees) => Explanation;
  /** The script of a cfg file, with a copy of its memory; undefined where rules decide. */
  readonly script: { copied(): { readonly cfg: LoadedCfg; readonly memory: ScriptMemory } } | undefined;
  /** The current route script. */
  readonly routeScript: () => LoadedScript | undefined;
  /** Creates a daemon without a log. */
  readonly copy: (options: CopyOptions) => Copy;
}

/** Maximum number of steps and characters kept of a script run. */
const BOUNDS = { steps: 2000, characters: 500 };

/** Explains where a request would go now, without changing anything. */
export class Explanations {
  /** Whether a request is being run through a copy of the script. */
  private busy = false;
  /** The route script, loaded a second time, so that explained requests do not change the variables of the real one. */
  private second: { readonly of: LoadedScript; readonly script: LoadedScript } | undefined;

  constructor(private readonly of: Explained) {}

  /** Whether a script decides where requests go. */
  get scripted(): boolean {
    return this.of.script !== undefined || this.of.settings().routeScript !== undefined;
  }

  /**
   * Explains by the rules, by the rules on a copy with other states or rows, or by a cfg or route script on a copy.
   * Throws SwitchyardError USAGE for an invalid request, and while another one runs through a script.
   */
  explain(
    request: string,
    source: string | undefined,
    sees: Sees,
    assumed: Assumed | undefined,
  ): Explanation | Promise<Explanation | ScriptExplanation> {
    if (this.scripted) return this.byScript(request, source, sees, assumed);
    return assumed === undefined
      ? this.of.byRules(request, source, sees)
      : this.assuming(request, source, sees, assumed);
  }

  private async assuming(request: string, source: string | undefined, sees: Sees, assumed: Assumed) {
    const { engine, settings } = this.of;
    const assumptions = this.assumptions(assumed, sees);
    const copy = this.of.copy({ settings: settings() });
    try {
      copyTables(engine, copy.engine, assumptions);
      return copy.explain(request, source, sees);
    } finally {
      await copy.stop();
    }
  }

  private async byScript(
    request: string,
    source: string | undefined,
    sees: Sees,
    assumed: Assumed | undefined,
  ): Promise<ScriptExplanation> {
    if (sees !== undefined) {
      throw new SwitchyardError(
        'USAGE',
        'a script serves all partitions: only users who see all of them may have it explained',
      );
    }
    if (this.busy) throw new SwitchyardError('USAGE', 'another request is being explained: ask again');
    this.busy = true;
    try {
      return await this.rehearse(request, source, assumed);
    } finally {
      this.busy = false;
    }
  }

  private async rehearse(request: string, source: string | undefined, assumed: Assumed | undefined) {
    const { script, engine, settings } = this.of;
    const nothing = { states: new Map(), table: undefined };
    const assumptions = assumed === undefined ? nothing : this.assumptions(assumed, undefined);
    const routeScript = script === undefined ? await this.loadedAgain() : undefined;
    // Timers of a run must not outlive it.
    const clock = new EndingClock(this.of.clock);
    const { rehearsal, options } =
      script === undefined ? rehearsalOfRoutes(routeScript as LoadedScript) : rehearsalOfCfg(script.copied());
    const copy = this.of.copy({
      settings: settingsOfCopy(settings()),
      clock,
      unsent: rehearsal.unsent,
      ...options,
    });
    try {
      copyTables(engine, copy.engine, assumptions);
      if (routeScript !== undefined) await copy.loadScript(routeScript);
      return await rehearsal.run(copy, request, source);
    } finally {
      await copy.stop();
      clock.end();
    }
  }

  /** The current route script, loaded a second time. Throws SwitchyardError USAGE if its file has changed. */
  private async loadedAgain(): Promise<LoadedScript> {
    const of = this.of.routeScript();
    if (of === undefined) throw new SwitchyardError('USAGE', 'the route script is not loaded yet');
    if (this.second?.of === of) return this.second.script;
    const script = await RouteScripts.load(this.of.settings());
    if (script?.source !== of.source) {
      throw new SwitchyardError('USAGE', `${of.file} has changed since it was loaded: reload the settings first`);
    }
    this.second = { of, script };
    return script;
  }

  private assumptions(assumed: Assumed, sees: Sees): Assumptions {
    const { engine } = this.of;
    const name = assumed.partition ?? engine.defaultPartition;
    const partition = engine.partition(name);
    if (partition === undefined) throw new SwitchyardError('USAGE', `no partition "${name}"`);
    const { flavour } = partition.options;
    const table =
      assumed.table === undefined ? undefined : { partition: name, rows: assumedRows(assumed.table, flavour) };
    return { states: assumedStates(assumed.states), table, sees };
  }
}

function rehearsalOfCfg({ cfg, memory }: { readonly cfg: LoadedCfg; readonly memory: ScriptMemory }) {
  const path = new ScriptPath(cfg, BOUNDS);
  const rehearsal = new ScriptRehearsal(path);
  return { rehearsal, options: { cfg, memory, scriptOutput: rehearsal.scriptOutput, scriptTrace: path } };
}

/** Records one run of a route script; returns the recorder and the options that make a daemon log and send to it. */
export function rehearsalOfRoutes(script: LoadedScript) {
  const trace = new CallPath(script, BOUNDS);
  const rehearsal = new ScriptRehearsal(trace);
  const log: Logger = { ...nullLogger, isLevelEnabled: () => true };
  for (const level of ['debug', 'info', 'warn', 'error'] as const) {
    log[level] = (_fields, message) => rehearsal.scriptOutput(level.toUpperCase(), message);
  }
  return { rehearsal, options: { routeTrace: { trace, log } } };
}
