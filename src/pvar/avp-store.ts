import type { PvarValue } from './value.js';

/** A value of an AVP. */
export type AvpValue = string | number;

/** An AVP whose values are kept elsewhere: the failover lists of a selection. */
export interface VirtualAvp {
  /** The values, newest first. */
  get(): readonly AvpValue[];
  /** Replaces all values; an empty list deletes the AVP. */
  set(values: readonly AvpValue[]): void;
}

/**
 * Maximum number of values of one AVP. The oldest ones beyond that are dropped, so that a script in a loop cannot fill
 * the memory.
 */
const MAX_VALUES = 10_000;

/**
 * The attribute-value pairs of one transaction. A name has a stack of values; index 0 is the newest, -1 the oldest
 * (OpenSIPS core variables, "AVP variables"). The array holds the oldest first, so that a push does not move the other
 * values.
 */
export class AvpStore {
  private readonly stacks = new Map<string, AvpValue[]>();
  private virtuals: Map<string, VirtualAvp> | undefined = undefined;

  /** The value at `index`, null when there is none. */
  get(name: string, index = 0): PvarValue {
    const virtual = this.virtuals?.get(name);
    if (virtual !== undefined) {
      const values = virtual.get();
      return values[index < 0 ? values.length + index : index] ?? null;
    }
    const values = this.stacks.get(name);
    if (values === undefined) return null;
    return values[index < 0 ? -1 - index : values.length - 1 - index] ?? null;
  }

  /** All values, newest first. */
  all(name: string): readonly AvpValue[] {
    return this.virtuals?.get(name)?.get() ?? this.stacks.get(name)?.toReversed() ?? [];
  }

  /** How many values a name has. */
  count(name: string): number {
    return (this.virtuals?.get(name)?.get() ?? this.stacks.get(name))?.length ?? 0;
  }

  /** Adds a value as the newest. */
  push(name: string, value: AvpValue): void {
    const virtual = this.virtuals?.get(name);
    if (virtual !== undefined) {
      virtual.set([value, ...virtual.get()].slice(0, MAX_VALUES));
      return;
    }
    const values = this.stacks.get(name);
    if (values === undefined) this.stacks.set(name, [value]);
    else if (values.push(value) > MAX_VALUES) values.shift();
  }

  /** Adds a value as the oldest. */
  append(name: string, value: AvpValue): void {
    const virtual = this.virtuals?.get(name);
    if (virtual !== undefined) {
      virtual.set([...virtual.get(), value].slice(0, MAX_VALUES));
      return;
    }
    const values = this.stacks.get(name);
    if (values === undefined) this.stacks.set(name, [value]);
    else if (values.length < MAX_VALUES) values.unshift(value);
  }

  /** Replaces all values by one. */
  set(name: string, value: AvpValue): void {
    this.replace(name, [value]);
  }

  /** Replaces the value at `index`; pushes when there is no such value. */
  setAt(name: string, index: number, value: AvpValue): void {
    const size = this.count(name);
    const at = index < 0 ? size + index : index;
    if (at < 0 || at >= size) {
      this.push(name, value);
      return;
    }
    const virtual = this.virtuals?.get(name);
    if (virtual !== undefined) virtual.set(virtual.get().with(at, value));
    else (this.stacks.get(name) as AvpValue[])[size - 1 - at] = value;
  }

  /** Replaces all values by `values`, newest first. */
  replace(name: string, values: readonly AvpValue[]): void {
    const virtual = this.virtuals?.get(name);
    if (virtual !== undefined) virtual.set(values);
    else if (values.length === 0) this.stacks.delete(name);
    else this.stacks.set(name, values.slice(0, MAX_VALUES).reverse());
  }

  /** Removes the value at `index`, or all of them. */
  delete(name: string, index?: number): void {
    if (index === undefined) {
      this.replace(name, []);
      return;
    }
    const size = this.count(name);
    const at = index < 0 ? size + index : index;
    if (at < 0 || at >= size) return;
    const virtual = this.virtuals?.get(name);
    if (virtual !== undefined) virtual.set(virtual.get().toSpliced(at, 1));
    else if (size === 1) this.stacks.delete(name);
    else this.stacks.get(name)?.splice(size - 1 - at, 1);
  }

  /** Removes and returns the newest value, null when there is none. */
  pop(name: string): PvarValue {
    const top = this.get(name);
    if (top !== null) this.delete(name, 0);
    return top;
  }

  /** From now on the values of `name` are those of `virtual`. */
  registerVirtual(name: string, virtual: VirtualAvp): void {
    (this.virtuals ??= new Map()).set(name, virtual);
    this.stacks.delete(name);
  }

  /** Names that have a value. */
  names(): string[] {
    const names = [...this.stacks.keys()];
    for (const [name, virtual] of this.virtuals ?? []) if (virtual.get().length > 0) names.push(name);
    return names;
  }
}
