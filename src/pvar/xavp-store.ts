import type { PvarValue } from './value.js';

type Field = string | number;

/** One record: fields with their values, the newest first; or a single value. */
export interface XavpRecord {
  readonly fields: Map<string, Field[]>;
  value: PvarValue;
  /** Name of the field of each value, the newest value first. */
  order: string[];
  /** Made by xavu_params_explode(). */
  exploded?: true;
}

/**
 * Whether fields of $xavu can be added to a record, and written as a text: neither a plain value nor an exploded list.
 */
export function isExtensible({ value, exploded }: XavpRecord): boolean {
  return value === null && exploded !== true;
}

/** Maximum number of records of a name, and of values of a field. */
const MAX_VALUES = 1000;

/** Extended AVPs of Kamailio: stacks of records by name, the newest first. */
export class XavpStore {
  private readonly stacks = new Map<string, XavpRecord[]>();

  /** How many records a name has. */
  count(name: string): number {
    return this.stacks.get(name)?.length ?? 0;
  }

  /** The record at `index`; negative ones count from the oldest. */
  record(name: string, index: number): XavpRecord | undefined {
    const stack = this.stacks.get(name);
    return stack?.[index < 0 ? stack.length + index : index];
  }

  /**
   * The value of a field in the record at `index` (0 is the newest record); a negative `position` counts from the
   * oldest value. null: there is none.
   */
  get(name: string, index: number, field: string, position = 0): PvarValue {
    const values = this.record(name, index)?.fields.get(field);
    return values?.[position < 0 ? values.length + position : position] ?? null;
  }

  /** Adds a record as the oldest. */
  pushOldest(name: string): XavpRecord {
    const stack = this.stacks.get(name);
    if (stack === undefined || stack.length >= MAX_VALUES) return this.push(name);
    const record = emptyRecord();
    stack.push(record);
    return record;
  }

  /** Puts an empty record in the place of the one at `index`; undefined: there is none. */
  replaceRecord(name: string, index: number): XavpRecord | undefined {
    const stack = this.stacks.get(name);
    if (stack === undefined || index < 0 || index >= stack.length) return undefined;
    const record = emptyRecord();
    stack[index] = record;
    return record;
  }

  /** Adds a record as the newest. */
  push(name: string): XavpRecord {
    const record = emptyRecord();
    const stack = this.stacks.get(name);
    if (stack === undefined) this.stacks.set(name, [record]);
    else {
      stack.unshift(record);
      if (stack.length > MAX_VALUES) stack.pop();
    }
    return record;
  }

  /** Adds a value to a field as the newest. */
  add(record: XavpRecord, field: string, value: Field): void {
    const { fields } = record;
    record.order.unshift(field);
    if (record.order.length > MAX_VALUES) record.order.pop();
    const values = fields.get(field);
    if (values === undefined) fields.set(field, [value]);
    else {
      values.unshift(value);
      if (values.length > MAX_VALUES) values.pop();
    }
  }

  /** Lists a field as the newest without a value; only `pairsWithNull` shows it. */
  addNull(record: XavpRecord, field: string): void {
    record.order.unshift(field);
    if (record.order.length > MAX_VALUES) record.order.pop();
  }

  /** As `pairs`, with null for a field that is listed without a value. */
  *pairsWithNull(record: XavpRecord): Generator<readonly [field: string, value: Field | null]> {
    const taken = new Map<string, number>();
    for (const field of record.order) {
      const at = taken.get(field) ?? 0;
      taken.set(field, at + 1);
      yield [field, record.fields.get(field)?.[at] ?? null];
    }
  }

  /** Replaces the value of a field at `position`, 0 being the newest, when there is one. */
  replace({ fields }: XavpRecord, field: string, position: number, value: Field): void {
    const values = fields.get(field);
    if (values !== undefined && position >= 0 && position < values.length) values[position] = value;
  }

  /** Adds a value to a field as the oldest. */
  append({ fields, order }: XavpRecord, field: string, value: Field): void {
    if (order.length >= MAX_VALUES) return;
    const values = fields.get(field);
    if (values === undefined) fields.set(field, [value]);
    else values.push(value);
    order.push(field);
  }

  /** Every value with the name of its field, the newest first. */
  *pairs(record: XavpRecord): Generator<readonly [field: string, value: Field]> {
    for (const [field, value] of this.pairsWithNull(record)) if (value !== null) yield [field, value];
  }

  /** Replaces a field of a record. */
  set(record: XavpRecord, field: string, value: PvarValue): void {
    const { fields } = record;
    if (value === null || !fields.has(field)) record.order = record.order.filter((each) => each !== field);
    if (value === null) fields.delete(field);
    else {
      if (!fields.has(field)) record.order.unshift(field);
      fields.set(field, [value]);
    }
  }

  /** Deletes the value at a position of a field. */
  removeValue({ fields }: XavpRecord, field: string, position: number): void {
    const values = fields.get(field);
    if (values === undefined) return;
    values.splice(position, 1);
    if (values.length === 0) fields.delete(field);
  }

  /** Deletes one record, or all records of a name. */
  remove(name: string, index?: number): void {
    const stack = this.stacks.get(name);
    if (stack === undefined) return;
    if (index !== undefined && index >= 0) stack.splice(index, 1);
    if (index === undefined || stack.length === 0) this.stacks.delete(name);
  }

  /** Names that have records. */
  names(): Iterable<string> {
    return this.stacks.keys();
  }
}

function emptyRecord(): XavpRecord {
  return { fields: new Map(), value: null, order: [] };
}
