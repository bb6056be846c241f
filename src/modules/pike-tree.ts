import { SwitchyardError } from '../core/errors.js';
import type { ValueMap } from '../core/value-map.js';
import type { PvarValue } from '../pvar/context.js';

/**
 * A node of the tree: one byte of an address, with the requests of all addresses that begin with the bytes down to it.
 */
export interface PikeNode {
  /** Number of requests in the current sampling unit, and in the one before. */
  hits: number;
  before: number;
  /** Number of the current sampling unit. */
  unit: number;
  /** When the last request was counted here, in monotonic milliseconds. */
  touched: number;
}

/** The child nodes of a node, by their byte. */
export interface PikeLevel {
  get(byte: number): PikeNode | undefined;
  /** Adds a node, or stores a changed one. */
  set(byte: number, node: PikeNode): unknown;
  /** The children of an existing node. */
  below(byte: number): PikeLevel;
}

/** A tree of source addresses by their bytes, in one process or shared by several. */
export interface PikeTree {
  readonly root: PikeLevel;
  /** Makes room when there are too many nodes. */
  bound(): void;
  /** Removes an address; false when it is unknown. */
  forget(bytes: readonly number[]): boolean;
  /** The nodes without children, computed while they are iterated over. */
  leaves(): Iterable<readonly [bytes: readonly number[], node: PikeNode]>;
  /** Calls a function; no other process counts meanwhile. */
  alone<R>(run: () => R): R;
  /** A copy in this process. */
  copy(): PikeTree;
}

/** Maximum number of nodes of a tree; a larger one is emptied. */
export const MAX_NODES = 400_000;
/** Maximum number of nodes to copy, since the copy is made in one event loop iteration. */
const MAX_COPIED = 50_000;

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

/** The tree of one process. */
export class OwnPikeTree implements PikeTree {
  root = new OwnLevel(this);
  /** Number of nodes. */
  size = 0;

  bound(): void {
    if (this.size <= MAX_NODES) return;
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

  /** A copy. */
  copy(): OwnPikeTree {
    const { size } = this;
    if (size > MAX_COPIED) {
      throw new SwitchyardError('USAGE', `pike has ${size} nodes: more than ${MAX_COPIED} are not copied`);
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

/** The tree shared by all processes that run the script: a node is stored under its bytes, separated by dots. */
export class SharedPikeTree implements PikeTree {
  readonly root: PikeLevel;

  /** `latency`: milliseconds a node is kept. */
  constructor(
    private readonly values: ValueMap<PvarValue>,
    latency: number,
  ) {
    this.root = new SharedLevel(values, latency, '');
  }

  /** The shared table drops its oldest entries itself. */
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

  /** A copy in this process. */
  copy(): OwnPikeTree {
    const { size } = this.values;
    if (size > MAX_COPIED) {
      throw new SwitchyardError('USAGE', `pike has ${size} nodes: more than ${MAX_COPIED} are not copied`);
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
