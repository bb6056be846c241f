import type { LoadedCfg } from '../cfg-file/load.js';
import type { Settings } from '../config/settings.js';
import type { Clock } from '../core/clock.js';
import { SwitchyardError } from '../core/errors.js';
import type { Engine } from '../engine/engine.js';
import type { Assumed } from '../management/mi/dependencies.js';
import type { Explanation } from '../route/rules/explain.js';
import type { ScriptOutput, ScriptTrace } from '../script/environment.js';
import type { LocalSockets } from '../sip/local-sockets.js';
import type { TransactionLayer } from '../sip/transaction/layer.js';
import { EndingClock } from './ending-clock.js';
import { type Assumptions, assumedRows, assumedStates, copyTables, settingsOfCopy } from './rehearsal.js';
import { type ScriptExplanation, ScriptRehearsal } from './script-rehearsal.js';
import type { ScriptMemory } from './script-routing.js';

/** Partitions that may be shown; absent: all. */
type Sees = ((partition: string) => boolean) | undefined;

/** A daemon that was never started: it routes as the one it is a copy of, and sends nothing. */
interface Copy {
  readonly engine: Engine;
  readonly layer: TransactionLayer;
  readonly sockets: LocalSockets;
  explain(request: string, source: string | undefined, sees?: Sees): Explanation;
  stop(): Promise<void>;
}

/** What a copy differs by. */
export interface CopyOptions {
  readonly settings: Settings;
  readonly clock?: Clock;
  readonly cfg?: LoadedCfg;
  readonly memory?: ScriptMemory;
  readonly unsent?: (text: string, address: string, port: number) => void;
  readonly scriptOutput?: ScriptOutput;
  readonly scriptTrace?: ScriptTrace;
}

/** The running daemon, as explanations see it. */
export interface Explained {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly settings: () => Settings;
  /** By the rules, on the tables themselves: what it moves on is put back. */
  readonly byRules: (request: string, source: string | undefined, sees?: Sees) => Explanation;
  /** The script of a cfg file with a copy of what it has in memory; undefined where rules decide. */
  readonly script: { copied(): { readonly cfg: LoadedCfg; readonly memory: ScriptMemory } } | undefined;
  /** Makes a daemon without a log. */
  readonly copy: (options: CopyOptions) => Copy;
}

/** What is kept of one run of a script for a client. */
const BOUNDS = { steps: 2000, characters: 500 };

/** Says where a request would go as the daemon stands now; nothing of it is changed. */
export class Explanations {
  /** A request is run through a copy of the script. */
  private busy = false;

  constructor(private readonly of: Explained) {}

  /** Whether a script decides where requests go. */
  get scripted(): boolean {
    return this.of.script !== undefined;
  }

  /**
   * By the rules, by the rules on a copy with other states or rows, or by the script of a cfg file on a copy. Throws SwitchyardError
   * USAGE for what is no request, and while another request runs through a script.
   */
  explain(
    request: string,
    source: string | undefined,
    sees: Sees,
    assumed: Assumed | undefined,
  ): Explanation | Promise<Explanation | ScriptExplanation> {
    if (this.of.script !== undefined) return this.byScript(this.of.script, request, source, sees, assumed);
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
    script: NonNullable<Explained['script']>,
    request: string,
    source: string | undefined,
    sees: Sees,
    assumed: Assumed | undefined,
  ): Promise<ScriptExplanation> {
    if (sees !== undefined) {
      throw new SwitchyardError('USAGE', 'a script serves all partitions: only who sees all of them is shown it');
    }
    if (this.busy) throw new SwitchyardError('USAGE', 'another request is being explained: ask again');
    this.busy = true;
    // Timers of a run must not outlive it.
    const clock = new EndingClock(this.of.clock);
    let copy: Copy | undefined;
    try {
      const assumptions =
        assumed === undefined ? { states: new Map(), table: undefined } : this.assumptions(assumed, sees);
      const { cfg, memory } = script.copied();
      const rehearsal = new ScriptRehearsal(cfg, BOUNDS);
      copy = this.of.copy({
        settings: settingsOfCopy(this.of.settings()),
        clock,
        cfg,
        memory,
        unsent: rehearsal.unsent,
        scriptOutput: rehearsal.scriptOutput,
        scriptTrace: rehearsal.path,
      });
      copyTables(this.of.engine, copy.engine, assumptions);
      return await rehearsal.run(copy, request, source);
    } finally {
      await copy?.stop();
      clock.end();
      this.busy = false;
    }
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
