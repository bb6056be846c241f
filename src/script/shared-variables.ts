import { ownText, ownValue } from '../core/own-text.js';
import type { SharedValues } from '../core/shared-values.js';
import type { ValueMap } from '../core/value-map.js';
import type { PvarValue, SharedVariables } from '../pvar/context.js';

/** Maximum number of variables. */
const MAX_VARIABLES = 100_000;

/** $shv in memory that several processes share. */
class VariablesOfAll implements SharedVariables {
  constructor(private readonly values: ValueMap<PvarValue>) {}

  get(name: string): PvarValue | undefined {
    return this.values.get(name, 0);
  }

  set(name: string, value: PvarValue): void {
    this.values.set(name, value, undefined);
  }

  get size(): number {
    return this.values.size;
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  [Symbol.iterator](): Iterator<readonly [string, PvarValue]> {
    return this.values.entries(0)[Symbol.iterator]();
  }
}

/**
 * $shv of this process. Names and values may come from peers: their number is bounded, and they are copied so that they
 * do not keep whole messages in memory.
 */
class VariablesOfOne extends Map<string, PvarValue> {
  override set(name: string, value: PvarValue): this {
    if (this.has(name)) super.set(name, ownValue(value));
    else if (this.size < MAX_VARIABLES) super.set(ownText(name), ownValue(value));
    return this;
  }
}

/** Makes the store of $shv: for this process, or in the shared memory. */
export function sharedVariables(values: SharedValues | undefined): SharedVariables {
  return values === undefined ? new VariablesOfOne() : new VariablesOfAll(values.lastingTable('shv', MAX_VARIABLES));
}
