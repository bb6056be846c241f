import type { Random } from '../../core/random.js';
import type { SharedColumns } from '../shared-columns.js';
import type { SlotTable } from './slots.js';

/** Index of the table of algorithm 9 in the shared columns. */
export const BY_WEIGHT = 0;
/** Index of the table of algorithm 11. */
export const BY_RELATIVE_WEIGHT = 1;
const TABLES = 2;

/**
 * Words of a table: the seed for its order, the next slot, the conditions it was made for, and the number of positions.
 */
const WORDS = 4;
const SEED = 0;
const NEXT = 1;
const MADE_FOR = 2;
const END = 3;

/** Makes the table for `end` positions with this source of randomness. */
export type MakeTable = (end: number, random: Pick<Random, 'uint32'>) => SlotTable;

/**
 * Slot tables that several processes use together. The shared memory holds a seed, from which each process makes the
 * same table, and the number of the next slot. Use it only while no other process selects.
 */
export class SharedSlots {
  private readonly made: (
    | { readonly seed: number; readonly madeFor: number; readonly table: SlotTable }
    | undefined
  )[] = Array.from({ length: TABLES }, () => undefined);

  constructor(private readonly columns: SharedColumns) {}

  /** Whether this object belongs to these columns. */
  isOf(columns: SharedColumns): boolean {
    return this.columns === columns;
  }

  /** The position in the next slot. If the table was made for other conditions, it is remade for all processes. */
  next(which: number, madeFor: number, end: number, random: Random, make: MakeTable): number {
    const { slots } = this.columns;
    const at = which * WORDS;
    if (slots[at + MADE_FOR] !== madeFor || slots[at + END] !== end) {
      slots[at + SEED] = random.uint32() | 0;
      slots[at + NEXT] = 0;
      slots[at + END] = end;
      slots[at + MADE_FOR] = madeFor;
    }
    const table = this.table(which, make);
    const number = slots[at + NEXT] as number;
    slots[at + NEXT] = (number + 1) % table.size;
    return table.at(number);
  }

  /** The table in its current state; undefined if there is none for these conditions. */
  current(
    which: number,
    madeFor: (end: number) => number,
    make: MakeTable,
  ): { readonly table: SlotTable; readonly end: number } | undefined {
    const { slots } = this.columns;
    const at = which * WORDS;
    const end = slots[at + END] as number;
    if (end === 0 || slots[at + MADE_FOR] !== madeFor(end)) return undefined;
    return { table: this.table(which, make).from(slots[at + NEXT] as number), end };
  }

  private table(which: number, make: MakeTable): SlotTable {
    const { slots } = this.columns;
    const at = which * WORDS;
    const [seed, madeFor, end] = [slots[at + SEED], slots[at + MADE_FOR], slots[at + END]] as [number, number, number];
    const known = this.made[which];
    if (known?.seed === seed && known.madeFor === madeFor) return known.table;
    const table = make(end, seeded(seed));
    this.made[which] = { seed, madeFor, table };
    return table;
  }
}

/** A pseudo-random generator with a seed ("splitmix32"). */
function seeded(seed: number): Pick<Random, 'uint32'> {
  let state = seed;
  return {
    uint32() {
      state = (state + 0x9e3779b9) | 0;
      let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
      mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
      return (mixed ^ (mixed >>> 15)) >>> 0;
    },
  };
}
