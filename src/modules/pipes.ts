import { ownText } from '../core/own-text.js';
import type { ValueMap } from '../core/value-map.js';
import type { PvarValue } from '../pvar/context.js';
import type { ModuleStates } from '../script/environment.js';
import { algorithmOf, type PipeAlgorithm } from '../script/pipe-algorithms.js';

/** A rate limit ("pipe" in ratelimit and pipelimit) with its count of messages. */
export interface Pipe {
  limit: number;
  /** Messages counted in the current interval, and in the one before it. */
  count: number;
  before: number;
  since: number;
  algorithm: PipeAlgorithm;
}

/** A pipe without counts. */
export function newPipe(limit: number, algorithm: PipeAlgorithm): Pipe {
  return { limit, count: 0, before: 0, since: 0, algorithm };
}

/** Pipes by name, of one process or shared by all that run the script. */
export interface Pipes extends Iterable<readonly [string, Pipe]> {
  readonly size: number;
  has(name: string): boolean;
  /**
   * Changes a pipe; other processes wait meanwhile. `make` creates a pipe for an unknown name, or returns undefined
   * when there are too many. Returns whether there is a pipe.
   */
  change(name: string, change: (pipe: Pipe) => void, make?: () => Pipe | undefined): boolean;
}

/** Maximum number of characters in the names of all pipes of one process. */
const MAX_NAMES = 16 * 1024 * 1024;

/** Pipes of one process. */
export class OwnPipes extends Map<string, Pipe> implements Pipes {
  /** Number of characters in all names. */
  private names = 0;

  change(name: string, change: (pipe: Pipe) => void, make?: () => Pipe | undefined): boolean {
    let pipe = this.get(name);
    if (pipe === undefined) {
      pipe = this.names + name.length > MAX_NAMES ? undefined : make?.();
      if (pipe === undefined) return false;
      this.names += name.length;
      this.set(ownText(name), pipe);
    }
    change(pipe);
    return true;
  }
}

/** Pipes shared by all processes, each stored as a text. */
class SharedPipes implements Pipes {
  constructor(private readonly entries: ValueMap<PvarValue>) {}

  get size(): number {
    return this.entries.size;
  }

  has(name: string): boolean {
    return this.entries.get(name, 0) !== undefined;
  }

  private set(name: string, { limit, count, before, since, algorithm }: Pipe): void {
    this.entries.set(name, `${limit} ${count} ${before} ${since} ${algorithm}`, undefined);
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
  const [limit, count, before, since, algorithm = ''] = String(value).split(' ');
  return {
    limit: Number(limit),
    count: Number(count),
    before: Number(before),
    since: Number(since),
    algorithm: algorithmOf(algorithm) ?? 'taildrop',
  };
}

/** The pipes of a module: shared with the other processes that run the script, if there are any. */
export function pipesOf(states: ModuleStates, module: string, max: number): Pipes {
  const shared = states.shared?.table(`pipes of ${module}`, max);
  return shared === undefined ? new OwnPipes() : new SharedPipes(shared);
}
