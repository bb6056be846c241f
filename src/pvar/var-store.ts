import type { PvarValue } from './value.js';

/** Holder of the value of one script variable. */
export interface VarCell {
  /** Undefined while no value is assigned. */
  value: PvarValue | undefined;
}

/**
 * Script variables ($var) by name. The cell of a name that a script writes out is looked up once: it stays the same,
 * whatever is assigned or deleted later.
 */
export class VarStore {
  private readonly cells = new Map<string, VarCell>();
  /** Names whose cells have been given to callers. */
  private readonly held = new Set<string>();

  constructor(values: Iterable<readonly [string, PvarValue]> = []) {
    for (const [name, value] of values) this.set(name, value);
  }

  /** The cell of a name, for callers that read or write it for each message. */
  cell(name: string): VarCell {
    this.held.add(name);
    return this.made(name);
  }

  /** The value of a variable; undefined where it was never assigned or was deleted. */
  get(name: string): PvarValue | undefined {
    return this.cells.get(name)?.value;
  }

  /** Whether a variable has a value; null counts as one. */
  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /** Assigns a variable. */
  set(name: string, value: PvarValue): void {
    this.made(name).value = value;
  }

  /** Deletes the value; a cell that was looked up stays valid. */
  delete(name: string): void {
    const cell = this.cells.get(name);
    if (cell !== undefined) cell.value = undefined;
    if (!this.held.has(name)) this.cells.delete(name);
  }

  /** Names and values of the variables that have one. */
  *entries(): Iterable<readonly [string, PvarValue]> {
    for (const [name, { value }] of this.cells) if (value !== undefined) yield [name, value];
  }

  /** Makes this store equal to another: takes its values and deletes all others. */
  take(other: VarStore): void {
    for (const [name] of this.entries()) if (!other.has(name)) this.delete(name);
    for (const [name, value] of other.entries()) this.set(name, value);
  }

  private made(name: string): VarCell {
    let cell = this.cells.get(name);
    if (cell === undefined) {
      cell = { value: undefined };
      this.cells.set(name, cell);
    }
    return cell;
  }
}

/**
 * Returns a function that finds the cell of a name. It remembers the store it was called with last, which is nearly
 * always the next one too.
 */
export function cellFinder(name: string): (store: VarStore) => VarCell {
  let known: VarStore | undefined;
  let cell: VarCell = { value: undefined };
  return (store) => {
    if (store !== known) {
      cell = store.cell(name);
      known = store;
    }
    return cell;
  };
}
