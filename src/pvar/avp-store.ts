import type { PvarValue } from './value.js';

/** A value of an AVP. */
export type AvpValue = string | number;

/** An AVP whose values live elsewhere: the failover lists that a selection keeps. */
export interface VirtualAvp {
  /** The values, newest first. */
  get(): readonly AvpValue[];
  /** Replaces all values; an empty list deletes the AVP. */
  set(values: readonly AvpValue[]): void;
}

/** Values a single AVP may hold; the oldest beyond are dropped, so that a script in a loop cannot fill the memory. */
const MAX_VALUES = 10_000;

/**
 * The attribute-value pairs of one transaction: a name has a stack of values, the newest first, so index 0 is what was
 * pushed last (OpenSIPS core variables, "AVP variables"). Negative indexes count from the oldest: -1 is the bottom.
 */
export class AvpStore {
  private readonly stacks = new Map<string, AvpValue[]>();
  private virtuals: Map<string, VirtualAvp> | undefined;

  /** The value at `index`, null when there is none. */
  get(name: string, index = 0): PvarValue {
    const values = this.peek(name);
    if (values === undefined) return null;
    return values[index < 0 ? values.length + index : index] ?? null;
  }

  /** All values, newest first. */
  all(name: string): readonly AvpValue[] {
    return this.peek(name) ?? [];
  }

  count(name: string): number {
    return this.peek(name)?.length ?? 0;
  }

  /** Adds a value on top of the others. */
  push(name: string, value: AvpValue): void {
    if (this.virtuals?.has(name) === true) {
      this.change(name, (values) => values.unshift(value));
      return;
    }
    const values = this.stacks.get(name);
    if (values === undefined) this.stacks.set(name, [value]);
    else {
      values.unshift(value);
      if (values.length > MAX_VALUES) values.length = MAX_VALUES;
    }
  }

  /** Adds a value below the others. */
  append(name: string, value: AvpValue): void {
    this.change(name, (values) => values.push(value));
  }

  /** Replaces all values by one. */
  set(name: string, value: AvpValue): void {
    this.replace(name, [value]);
  }

  /** Replaces the value at `index`; pushes when there is none. */
  setAt(name: string, index: number, value: AvpValue): void {
    this.change(name, (values) => {
      const at = index < 0 ? values.length + index : index;
      if (at >= 0 && at < values.length) values[at] = value;
      else values.unshift(value);
    });
  }

  /** Replaces all values by `values`, newest first. */
  replace(name: string, values: readonly AvpValue[]): void {
    const virtual = this.virtuals?.get(name);
    if (virtual !== undefined) virtual.set(values);
    else if (values.length === 0) this.stacks.delete(name);
    else this.stacks.set(name, values.slice(0, MAX_VALUES));
  }

  /** Removes the value at `index`, or all of them. */
  delete(name: string, index?: number): void {
    if (index === undefined) {
      this.replace(name, []);
      return;
    }
    this.change(name, (values) => {
      const at = index < 0 ? values.length + index : index;
      if (at >= 0 && at < values.length) values.splice(at, 1);
    });
  }

  /** Removes and returns the newest value, null when there is none. */
  pop(name: string): PvarValue {
    const top = this.get(name);
    if (top !== null) this.delete(name, 0);
    return top;
  }

  /** From now on `name` reads and writes what `virtual` keeps. */
  registerVirtual(name: string, virtual: VirtualAvp): void {
    (this.virtuals ??= new Map()).set(name, virtual);
    this.stacks.delete(name);
  }

  /** Names that hold a value. */
  names(): string[] {
    const names = [...this.stacks.keys()];
    for (const [name, virtual] of this.virtuals ?? []) if (virtual.get().length > 0) names.push(name);
    return names;
  }

  private peek(name: string): readonly AvpValue[] | undefined {
    if (this.virtuals !== undefined) {
      const virtual = this.virtuals.get(name);
      if (virtual !== undefined) return virtual.get();
    }
    return this.stacks.get(name);
  }

  private change(name: string, edit: (values: AvpValue[]) => void): void {
    const virtual = this.virtuals?.get(name);
    const values = virtual === undefined ? (this.stacks.get(name) ?? []) : virtual.get().slice();
    edit(values);
    if (values.length > MAX_VALUES) values.length = MAX_VALUES;
    if (virtual !== undefined) virtual.set(values);
    else if (values.length === 0) this.stacks.delete(name);
    else this.stacks.set(name, values);
  }
}

/**
 * The plain name of an AVP: the type prefixes of older scripts ("s:name", "i:272") are accepted and ignored, so that
 * "$avp(i:272)" and "$avp(272)" are the same.
 */
export function avpName(text: string): string {
  const name = text.trim();
  return /^[si]:./i.test(name) ? name.slice(2) : name;
}
