import { ownText } from '../core/own-text.js';
import { PeerShare } from '../core/peer-share.js';
import type { ValueMap } from '../core/value-map.js';
import type { PvarValue } from '../pvar/context.js';
import type { ModuleStates } from '../script/environment.js';
import { opensipsAlgorithm, type PipeAlgorithm } from '../script/pipe-algorithms.js';

/** A rate limit ("pipe" in ratelimit and pipelimit) with its count of messages. */
export interface Pipe {
  limit: number;
  /** Messages counted in the current interval, and in the one before it. */
  count: number;
  before: number;
  since: number;
  algorithm: PipeAlgorithm;
  /** For "sbt": number of the newest slot, and the counts of it and those before it. */
  slot: number;
  slots: number[];
  /** The source whose request created it; undefined: the file, or another process. */
  source?: string | undefined;
}

/** A pipe without counts. */
export function newPipe(limit: number, algorithm: PipeAlgorithm): Pipe {
  return { limit, count: 0, before: 0, since: 0, algorithm, slot: 0, slots: [] };
}

/** Pipes by name, of one process or shared by all that run the script. */
export interface Pipes extends Iterable<readonly [string, Pipe]> {
  readonly size: number;
  /** How many each source has created; undefined where all processes share them. */
  readonly shares?: PeerShare;
  has(name: string): boolean;
  /** The pipe as it is now; undefined when there is none. */
  get(name: string): Readonly<Pipe> | undefined;
  /**
   * Changes a pipe; other processes wait meanwhile. `make` creates a pipe for an unknown name, or returns undefined
   * when there are too many. Returns whether there is a pipe.
   */
  change(name: string, change: (pipe: Pipe) => void, make?: () => Pipe | undefined): boolean;
  /**
   * Looks at the next few pipes and removes those whose interval began before a time. A pass over all of them takes
   * many calls: one for each new pipe is enough.
   */
  expire(before: number, keeps: ReadonlySet<string>): void;
}

/** Number of pipes that one call of `expire` looks at. */
const EXPIRED_AT_ONCE = 4;

/** Where the current pass over all pipes is. */
class Passes {
  private cursor: Iterator<readonly [string, Pipe]> | undefined;

  /** The next few pipes; after the last one a new pass begins with the next call. */
  *next(pipes: Iterable<readonly [string, Pipe]>): Generator<readonly [string, Pipe]> {
    for (let i = 0; i < EXPIRED_AT_ONCE; i++) {
      this.cursor ??= pipes[Symbol.iterator]();
      const next = this.cursor.next();
      if (next.done === true) {
        this.cursor = undefined;
        return;
      }
      yield next.value;
    }
  }
}

/** Maximum number of characters in the names of all pipes of one process. */
const MAX_NAMES = 16 * 1024 * 1024;

/** Pipes of one process. */
export class OwnPipes extends Map<string, Pipe> implements Pipes {
  readonly shares = new PeerShare();
  /** Number of characters in all names. */
  private names = 0;
  private readonly passes = new Passes();

  expire(before: number, keeps: ReadonlySet<string>): void {
    for (const [name, pipe] of this.passes.next(this)) {
      if (pipe.since >= before || keeps.has(name)) continue;
      this.delete(name);
      this.shares.remove(pipe.source);
      this.names -= name.length;
    }
  }

  change(name: string, change: (pipe: Pipe) => void, make?: () => Pipe | undefined): boolean {
    let pipe = this.get(name);
    if (pipe === undefined) {
      pipe = this.names + name.length > MAX_NAMES ? undefined : make?.();
      if (pipe === undefined) return false;
      this.names += name.length;
      this.shares.add(pipe.source);
      this.set(ownText(name), pipe);
    }
    change(pipe);
    return true;
  }
}

/** Pipes shared by all processes, each stored as a text. */
class SharedPipes implements Pipes {
  private readonly passes = new Passes();

  constructor(private readonly entries: ValueMap<PvarValue>) {}

  expire(before: number, keeps: ReadonlySet<string>): void {
    for (const [name, pipe] of this.passes.next(this)) {
      if (pipe.since < before && !keeps.has(name)) this.entries.delete(name);
    }
  }

  get size(): number {
    return this.entries.size;
  }

  has(name: string): boolean {
    return this.entries.get(name, 0) !== undefined;
  }

  get(name: string): Pipe | undefined {
    const known = this.entries.get(name, 0);
    return known === undefined ? undefined : pipeFrom(known);
  }

  private set(name: string, { limit, count, before, since, algorithm, slot, slots }: Pipe): void {
    const window = slots.length === 0 ? '' : ` ${slot} ${slots.join(',')}`;
    this.entries.set(name, `${limit} ${count} ${before} ${since} ${algorithm}${window}`, undefined);
  }

  change(name: string, change: (pipe: Pipe) => void, make?: () => Pipe | undefined): boolean {
    return this.entries.alone(() => {
      const known = this.entries.get(name, 0);
      const pipe = known === undefined ? make?.() : pipeFrom(known);
      if (pipe === undefined) return false;
      change(pipe);
      this.set(name, pipe);
      return true;
    });
  }

  *[Symbol.iterator](): Generator<readonly [string, Pipe]> {
    for (const [name, value] of this.entries.entries(0)) yield [name, pipeFrom(value)];
  }
}

function pipeFrom(value: PvarValue): Pipe {
  const [limit, count, before, since, algorithm = '', slot = 0, slots = ''] = String(value).split(' ');
  return {
    limit: Number(limit),
    count: Number(count),
    before: Number(before),
    since: Number(since),
    algorithm: opensipsAlgorithm(algorithm) ?? 'taildrop',
    slot: Number(slot),
    slots: slots === '' ? [] : slots.split(',').map(Number),
  };
}

/** The pipes of a module: shared with the other processes that run the script, if there are any. */
export function pipesOf(states: ModuleStates, module: string, max: number): Pipes {
  const shared = states.shared?.table(`pipes of ${module}`, max);
  return shared === undefined ? new OwnPipes() : new SharedPipes(shared);
}
