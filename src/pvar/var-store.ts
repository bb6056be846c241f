import type { PvarValue } from './value.js';

/** Where one script variable is kept. */
export interface VarCell {
  /** Undefined while nothing is assigned. */
  value: PvarValue | undefined;
}

/**
 * Script variables ($var) by their names. A name that a script writes out is looked up once: its cell stays the same from
 * then on, whatever is assigned or taken away.
 */
export class VarStore {
  private readonly cells = new Map<string, VarCell>();
  /** Names whose cells were handed out. */
  private readonly held = new Set<string>();

  constructor(values: Iterable<readonly [string, PvarValue]> = []) {
    for (const [name, value] of values) this.set(name, value);
  }

  /** The cell of a name, for callers that read or write it for every message. */
  cell(name: string): VarCell {
    this.held.add(name);
    return this.made(name);
  }

  /** The value of a variable; undefined where it was never assigned or was deleted. */
  get(name: string): PvarValue | undefined {
    return this.cells.get(name)?.value;
  }

  /** Whether a variable has a value, be it null. */
  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /** Assigns a variable. */
  set(name: string, value: PvarValue): void {
    this.made(name).value = value;
  }

  /** Takes the value away; a cell that was looked up stays. */
  delete(name: string): void {
    const cell = this.cells.get(name);
    if (cell !== undefined) cell.value = undefined;
    if (!this.held.has(name)) this.cells.delete(name);
  }

  /** Names and values of those that have one. */
  *entries(): Iterable<readonly [string, PvarValue]> {
    for (const [name, { value }] of this.cells) if (value !== undefined) yield [name, value];
  }

  /** Takes the values of another store, and no others. */
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

/** Finds the cell of one name in the store at hand, which is nearly always that of the message before. */
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
