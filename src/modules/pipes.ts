import { ownText } from '../core/own-text.js';
import type { ValueMap } from '../core/value-map.js';
import type { PvarValue } from '../pvar/context.js';
import type { ModuleStates } from '../script/environment.js';

/** What is counted under one name. */
export interface Pipe {
  limit: number;
  /** Messages of the interval that runs, and of the one before. */
  count: number;
  before: number;
  since: number;
  algorithm: PipeAlgorithm;
}

/** "feedback" and "network" measure the machine: nothing is limited by them here. */
export type PipeAlgorithm = 'taildrop' | 'red' | 'feedback' | 'network';

/** The algorithm of that name; undefined for one that is not known. */
export function algorithmOf(text: string): PipeAlgorithm | undefined {
  const lower = text.toLowerCase();
  return lower === 'taildrop' || lower === 'red' || lower === 'feedback' || lower === 'network' ? lower : undefined;
}

/** A pipe that nothing was counted in. */
export function newPipe(limit: number, algorithm: PipeAlgorithm): Pipe {
  return { limit, count: 0, before: 0, since: 0, algorithm };
}

/** Pipes by name, of one process or of all that run the script. */
export interface Pipes extends Iterable<readonly [string, Pipe]> {
  readonly size: number;
  has(name: string): boolean;
  /** Changes a pipe, which no other process does meanwhile; `make` gives one that is not there. Returns whether there is one. */
  change(name: string, change: (pipe: Pipe) => void, make?: () => Pipe | undefined): boolean;
}

/** Characters of the names of all pipes of a process at most. */
const MOST_NAMES = 16 * 1024 * 1024;

/** Those of this process. */
export class OwnPipes extends Map<string, Pipe> implements Pipes {
  /** Characters of the names that were added since. */
  private names = 0;

  change(name: string, change: (pipe: Pipe) => void, make?: () => Pipe | undefined): boolean {
    let pipe = this.get(name);
    if (pipe === undefined) {
      pipe = this.names + name.length > MOST_NAMES ? undefined : make?.();
      if (pipe === undefined) return false;
      this.names += name.length;
      this.set(ownText(name), pipe);
    }
    change(pipe);
    return true;
  }
}

/** Those of all processes, each as a text. */
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

/** The pipes of a module: shared with the other processes that run the script, where there are some. */
export function pipesOf(states: ModuleStates, module: string, most: number): Pipes {
  const shared = states.shared?.table(`pipes of ${module}`, most);
  return shared === undefined ? new OwnPipes() : new SharedPipes(shared);
}
