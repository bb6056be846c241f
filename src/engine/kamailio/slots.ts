import type { Random } from '../../core/random.js';

/** Maximum number of slots of a table with exact shares; beyond that, shares are rounded to 1/65536. */
const MAX_SLOTS = 65_536;
/** Slots of Kamailio's tables. */
const HUNDRED = 100;

/**
 * A table of positions in a fixed random order, used in a cycle: in each round every position occurs according to its
 * share.
 */
export class SlotTable {
  private current = 0;

  constructor(private readonly slots: Int32Array) {}

  /** The position in the next slot. */
  next(): number {
    const position = this.slots[this.current] as number;
    this.current = this.current + 1 === this.slots.length ? 0 : this.current + 1;
    return position;
  }

  /** Saves the number of the next slot; the returned function restores it. */
  remember(): () => void {
    const { current } = this;
    return () => {
      this.current = current;
    };
  }

  /** A copy with the same next slot. */
  copy(): SlotTable {
    return this.from(this.current);
  }

  /** The position in a slot. */
  at(number: number): number {
    return this.slots[number % this.slots.length] as number;
  }

  /** A copy that continues at another slot. */
  from(number: number): SlotTable {
    const copy = new SlotTable(this.slots);
    copy.current = number % this.slots.length;
    return copy;
  }

  /** Number of slots. */
  get size(): number {
    return this.slots.length;
  }
}

/**
 * A table with shares by weight: the number of slots is the sum of the weights divided by their greatest common
 * divisor. Positions with weight 0 get none; if all weights are 0, each gets one. Undefined without positions.
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
  const exact = sum / divisor <= Math.max(MAX_SLOTS, positions.length);
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
 * Kamailio's table for weight=: a hundred slots, filled in order of position and cut off at a hundred. Slots that
 * remain get the last position; if position 0 has no weight, all slots get the last position.
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
 * Kamailio's table for rweight=: each position gets its share of a hundred slots, rounded down; the last position gets
 * those that remain. Undefined when no table is made: the previous one stays in use.
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
 * Kamailio's table for algorithm 15: shares of a hundred slots, rounded down, or equal shares if no position has a
 * weight. The last position gets those that remain. Undefined without positions.
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

/** Numbers of slots that add up to about MAX_SLOTS; each share above 0 gets at least one slot. */
function rounded(weights: readonly number[], sum: number): number[] {
  return weights.map((weight) => (weight === 0 ? 0 : Math.max(1, Math.round((weight * MAX_SLOTS) / sum))));
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

/** Shuffles with the algorithm of Fisher and Yates. */
function shuffled(slots: Int32Array, random: Pick<Random, 'uint32'>): Int32Array {
  for (let i = slots.length - 1; i > 0; i--) {
    const j = random.uint32() % (i + 1);
    const slot = slots[i] as number;
    slots[i] = slots[j] as number;
    slots[j] = slot;
  }
  return slots;
}
