import { SwitchyardError } from '../core/errors.js';
import type { ValueMap } from '../core/value-map.js';
import type { PvarValue } from '../pvar/context.js';

/** A byte of an address in the tree, with what came from addresses that begin like this. */
export interface PikeNode {
  /** Requests of the sampling unit that runs, and of the one before. */
  hits: number;
  before: number;
  /** Number of the sampling unit. */
  unit: number;
  /** Monotonic milliseconds of the last request that was counted in it. */
  touched: number;
}

/** The nodes below one, by the next byte. */
export interface PikeLevel {
  get(byte: number): PikeNode | undefined;
  /** Adds a node, or says that it has changed. */
  set(byte: number, node: PikeNode): unknown;
  /** What is below a node that is there. */
  below(byte: number): PikeLevel;
}

/** Sources by the bytes of their addresses, in one process or in several. */
export interface PikeTree {
  readonly root: PikeLevel;
  /** Makes room where there are more nodes than it has room for. */
  bound(): void;
  /** Forgets an address; false when it is not known. */
  forget(bytes: readonly number[]): boolean;
  /** Nodes below which there is none, as long as they are asked for. */
  leaves(): Iterable<readonly [bytes: readonly number[], node: PikeNode]>;
  /** Runs something during which no other process counts. */
  alone<R>(run: () => R): R;
  /** A tree of one process with the same counts. */
  copy(): PikeTree;
}

/** Nodes of a tree at most; one that has more is emptied. */
export const MOST_NODES = 400_000;
/** Nodes that are copied at most: the copy is made in one event loop iteration. */
const MOST_COPIED = 50_000;

class OwnLevel implements PikeLevel {
  readonly nodes = new Map<number, { node: PikeNode; level: OwnLevel | undefined }>();

  constructor(private readonly tree: OwnPikeTree) {}

  get(byte: number): PikeNode | undefined {
    return this.nodes.get(byte)?.node;
  }

  set(byte: number, node: PikeNode): void {
    if (this.nodes.get(byte)?.node === node) return;
    this.tree.size++;
    this.nodes.set(byte, { node, level: undefined });
  }

  below(byte: number): OwnLevel {
    const known = this.nodes.get(byte);
    const level = known?.level ?? new OwnLevel(this.tree);
    if (known !== undefined) known.level = level;
    return level;
  }
}

/** The tree of this process. */
export class OwnPikeTree implements PikeTree {
  root = new OwnLevel(this);
  /** Nodes that were added. */
  size = 0;

  bound(): void {
    if (this.size <= MOST_NODES) return;
    this.root = new OwnLevel(this);
    this.size = 0;
  }

  forget(bytes: readonly number[]): boolean {
    let level: OwnLevel | undefined = this.root;
    for (const byte of bytes.slice(0, -1)) level = level?.nodes.get(byte)?.level;
    return level?.nodes.delete(bytes.at(-1) as number) === true;
  }

  leaves(): Iterable<readonly [readonly number[], PikeNode]> {
    return leavesOf(this.root, []);
  }

  alone<R>(run: () => R): R {
    return run();
  }

  /** One of its own with the same counts. */
  copy(): OwnPikeTree {
    const { size } = this;
    if (size > MOST_COPIED) {
      throw new SwitchyardError('USAGE', `pike has ${size} nodes: more than ${MOST_COPIED} are not copied`);
    }
    const copy = new OwnPikeTree();
    const fill = (from: OwnLevel, to: OwnLevel): void => {
      for (const [byte, { node, level }] of from.nodes) {
        to.set(byte, { ...node });
        if (level !== undefined) fill(level, to.below(byte));
      }
    };
    fill(this.root, copy.root);
    return copy;
  }
}

function* leavesOf(
  level: OwnLevel,
  bytes: readonly number[],
): Generator<readonly [bytes: readonly number[], node: PikeNode]> {
  for (const [byte, { node, level: below }] of level.nodes) {
    const path = [...bytes, byte];
    if (below === undefined) yield [path, node];
    else yield* leavesOf(below, path);
  }
}

class SharedLevel implements PikeLevel {
  constructor(
    private readonly values: ValueMap<PvarValue>,
    private readonly latency: number,
    private readonly path: string,
  ) {}

  get(byte: number): PikeNode | undefined {
    const value = this.values.get(this.path + byte, 0);
    return value === undefined ? undefined : nodeFrom(value);
  }

  set(byte: number, { hits, before, unit, touched }: PikeNode): void {
    this.values.set(this.path + byte, `${hits} ${before} ${unit} ${touched}`, touched + this.latency);
  }

  below(byte: number): SharedLevel {
    return new SharedLevel(this.values, this.latency, `${this.path}${byte}.`);
  }
}

/** The tree of all processes that run the script: a node is kept under the bytes that lead to it, with dots between them. */
export class SharedPikeTree implements PikeTree {
  readonly root: PikeLevel;

  /** `latency`: milliseconds for which a node is kept. */
  constructor(
    private readonly values: ValueMap<PvarValue>,
    latency: number,
  ) {
    this.root = new SharedLevel(values, latency, '');
  }

  /** What is full drops the oldest. */
  bound(): void {}

  forget(bytes: readonly number[]): boolean {
    const key = bytes.join('.');
    const known = this.values.get(key, 0) !== undefined;
    this.values.delete(key);
    return known;
  }

  *leaves(): Generator<readonly [readonly number[], PikeNode]> {
    const all = [...this.values.entries(0)];
    const inner = new Set(all.map(([key]) => key.slice(0, Math.max(0, key.lastIndexOf('.')))));
    for (const [key, value] of all) if (!inner.has(key)) yield [key.split('.').map(Number), nodeFrom(value)];
  }

  alone<R>(run: () => R): R {
    return this.values.alone(run);
  }

  /** One of its own with the same counts. */
  copy(): OwnPikeTree {
    const { size } = this.values;
    if (size > MOST_COPIED) {
      throw new SwitchyardError('USAGE', `pike has ${size} nodes: more than ${MOST_COPIED} are not copied`);
    }
    const copy = new OwnPikeTree();
    const byDepth = [...this.values.entries(0)].map(([key, value]) => ({ path: key.split('.').map(Number), value }));
    byDepth.sort((a, b) => a.path.length - b.path.length);
    for (const { path, value } of byDepth) {
      let level: PikeLevel = copy.root;
      for (const byte of path.slice(0, -1)) level = level.below(byte);
      level.set(path.at(-1) as number, nodeFrom(value));
    }
    return copy;
  }
}

function nodeFrom(value: PvarValue): PikeNode {
  const [hits = 0, before = 0, unit = 0, touched = 0] = String(value).split(' ').map(Number);
  return { hits, before, unit, touched };
}
