import type { Random } from '../../core/random.js';

/** Slots of a table in which every share is exact; beyond, shares are rounded to 1/65536. */
const MOST_SLOTS = 65_536;
/** Slots of the original's tables. */
const HUNDRED = 100;

/** Positions in a fixed random order, gone through again and again: in each round every one comes as often as its share says. */
export class SlotTable {
  private current = 0;

  constructor(private readonly slots: Int32Array) {}

  /** The position in the next slot, round robin. */
  next(): number {
    const position = this.slots[this.current] as number;
    this.current = this.current + 1 === this.slots.length ? 0 : this.current + 1;
    return position;
  }

  /** Saves the current slot; the returned function restores it. */
  remember(): () => void {
    const { current } = this;
    return () => {
      this.current = current;
    };
  }

  /** The same slots, at the same one. */
  copy(): SlotTable {
    return this.from(this.current);
  }

  /** The position in the slot with this number. */
  at(number: number): number {
    return this.slots[number % this.slots.length] as number;
  }

  /** The same slots, at the one with this number. */
  from(number: number): SlotTable {
    const copy = new SlotTable(this.slots);
    copy.current = number % this.slots.length;
    return copy;
  }

  /** Slots in one round. */
  get size(): number {
    return this.slots.length;
  }
}

/**
 * A table with shares by weight: as many slots as the sum of the weights by their greatest common divisor. Positions with
 * weight 0 get none; where all have 0 each gets one. Undefined when there is no position.
 */
export function proportionalSlots(
  positions: readonly number[],
  weightOf: (position: number) => number,
  random: Pick<Random, 'uint32'>,
): SlotTable | undefined {
  if (positions.length === 0) return undefined;
  const weights = positions.map(weightOf);
  let divisor = 0;
  let sum = 0;
  for (const weight of weights) {
    divisor = greatestCommonDivisor(divisor, weight);
    sum += weight;
  }
  if (sum === 0) return new SlotTable(shuffled(Int32Array.from(positions), random));
  const exact = sum / divisor <= Math.max(MOST_SLOTS, positions.length);
  const counts = exact ? weights.map((weight) => weight / divisor) : rounded(weights, sum);
  const slots = new Int32Array(counts.reduce((a, b) => a + b, 0));
  let at = 0;
  counts.forEach((count, i) => {
    slots.fill(positions[i] as number, at, at + count);
    at += count;
  });
  return new SlotTable(shuffled(slots, random));
}

/**
 * The original's table for weight=: a hundred slots filled in order of position, cut off at a hundred; what is missing
 * goes to the last position, and without a weight at position 0 everything goes there.
 */
export function recordedWeightSlots(weights: readonly number[], random: Pick<Random, 'uint32'>): SlotTable {
  const slots = new Int32Array(HUNDRED);
  if ((weights[0] ?? 0) === 0) return new SlotTable(slots);
  let at = 0;
  weights.forEach((weight, position) => {
    const end = Math.min(HUNDRED, at + weight);
    slots.fill(position, at, end);
    at = end;
  });
  slots.fill(weights.length - 1, at);
  return new SlotTable(shuffled(slots, random));
}

/**
 * The original's table for rweight=: shares of a hundred slots, rounded down, over `positions`; the remainder goes to the
 * last of them. Undefined when no table is made: the one before stays in use.
 */
export function recordedRelativeSlots(
  positions: readonly number[],
  weightOf: (position: number) => number,
  random: Pick<Random, 'uint32'>,
): SlotTable | undefined {
  const sum = positions.reduce((total, position) => total + weightOf(position), 0);
  if (sum === 0) return undefined;
  const slots = new Int32Array(HUNDRED);
  let at = 0;
  let last = 0;
  for (const position of positions) {
    const weight = weightOf(position);
    const end = Math.min(HUNDRED, at + Math.trunc((weight * HUNDRED) / sum));
    slots.fill(position, at, end);
    at = end;
    last = position;
  }
  slots.fill(last, at);
  return new SlotTable(shuffled(slots, random));
}

/**
 * The original's table for algorithm 15: shares of a hundred slots, rounded down; equal ones where no position has a weight.
 * What is left over goes to the last position. Undefined when there is no position.
 */
export function recordedPrioritySlots(
  positions: readonly number[],
  weightOf: (position: number) => number,
  random: Pick<Random, 'uint32'>,
): SlotTable | undefined {
  if (positions.length === 0) return undefined;
  const table = recordedRelativeSlots(positions, weightOf, random);
  return table ?? recordedRelativeSlots(positions, () => 1, random);
}

/** Counts that add up to MOST_SLOTS nearly: every share above 0 gets a slot. */
function rounded(weights: readonly number[], sum: number): number[] {
  return weights.map((weight) => (weight === 0 ? 0 : Math.max(1, Math.round((weight * MOST_SLOTS) / sum))));
}

function greatestCommonDivisor(a: number, b: number): number {
  let x = a;
  let y = b;
  while (y > 0) {
    const rest = x % y;
    x = y;
    y = rest;
  }
  return x;
}

/** Fisher and Yates. */
function shuffled(slots: Int32Array, random: Pick<Random, 'uint32'>): Int32Array {
  for (let i = slots.length - 1; i > 0; i--) {
    const j = random.uint32() % (i + 1);
    const slot = slots[i] as number;
    slots[i] = slots[j] as number;
    slots[j] = slot;
  }
  return slots;
}
