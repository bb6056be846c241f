import type { PvarContext, PvarValue } from '../context.js';
import { isExtensible, type XavpStore } from '../xavp-store.js';
import type { CompiledVariable, TextReader, VariableDefinition } from './definition.js';

interface Reference {
  readonly name: string;
  readonly index: number | undefined;
  readonly field: string | undefined;
  readonly position: number | undefined;
}

// As recorded, a third level ("a=>b=>c") is accepted and has no effect.
const REFERENCE =
  /^([^[\]=>]{1,128})(?:\[(\*|[+-]?[0-9]{1,6})\])?(?:=>([^[\]=>]{1,128})(?:\[(\*|[+-]?[0-9]{1,6})\])?(?:=>.{0,256})?)?$/;

/** `star`: what the index "*" stands for. As recorded, it is the latest, and for $cnt all, as without an index. */
function referenceOf(text: string, fold: boolean, star: 0 | undefined): Reference | undefined {
  const packed = text.replace(/[ \t\r\n]/g, '');
  const match = REFERENCE.exec(fold ? packed.toLowerCase() : packed);
  if (match === null) return undefined;
  const [, name = '', index, field, position] = match;
  return {
    name,
    index: indexOf(index, star),
    field,
    position: indexOf(position, star),
  };
}

/**
 * The name and the field of $xavu, up to the first "=>" and after it. As recorded, an index is a part of the name:
 * "$xavu(a[0]=>x)" is a value of its own.
 */
function uniqueReferenceOf(text: string): Reference | undefined {
  const packed = text.replace(/[ \t\r\n]/g, '');
  const at = packed.indexOf('=>');
  const [name, field] = at < 0 ? [packed] : [packed.slice(0, at), packed.slice(at + 2)];
  if (name === '' || name.length > 128 || field === '' || (field?.length ?? 0) > 128) return undefined;
  return { name, index: undefined, field, position: undefined };
}

function indexOf(text: string | undefined, star: 0 | undefined): number | undefined {
  return text === undefined ? undefined : text === '*' ? star : Number(text);
}

/**
 * Whether a name is computed from a variable. Kamailio only computes indexes: as recorded, "$xavp(x=>$var(k))" asks for
 * the field named "$var(k)".
 */
function computedNames({ shape = '' }: TextReader): boolean {
  let depth = 0;
  for (const c of shape) {
    if (c === '[') depth++;
    else if (c === ']') depth--;
    else if (c === '$' && depth === 0) return true;
  }
  return false;
}

/** A name with the index "*": as recorded, null written to it removes all its records. */
const ALL_RECORDS = /\[\*\][ \t]*$/;

/** Text of a record that is printed as a whole. */
const OPAQUE = '<<xavp:0>>';

type Rules = { readonly fold: boolean; readonly unique: boolean; readonly counted: boolean };

function compiledXavp(text: TextReader, rules: Rules, store: (context: PvarContext) => XavpStore): CompiledVariable {
  if (computedNames(text)) return { get: () => null, set: () => undefined };
  const parse = (argument: string) =>
    rules.unique ? uniqueReferenceOf(argument) : referenceOf(argument, rules.fold, 0);
  const constant = text.constant === undefined ? undefined : parse(text.constant);
  if (text.constant !== undefined && constant === undefined) {
    throw new Error('needs "name[index]=>field" between its parentheses');
  }
  const reference = (context: PvarContext) => constant ?? parse(text.read(context));
  return {
    get: (context) => {
      const at = reference(context);
      return at === undefined ? null : read(context, store(context), at);
    },
    set: (context, value) => {
      const at = reference(context);
      if (at === undefined) return;
      if (value === null && at.field === undefined && ALL_RECORDS.test(text.constant ?? '')) {
        store(context).remove(at.name);
        return;
      }
      if (rules.unique) writeUnique(store(context), at, value);
      else if (ofSelection(context, store(context), at, value))
        context.records?.change?.(at.name, at.index, at.field, value);
      else write(store(context), at, value);
    },
    ...(rules.counted
      ? {
          all: (context: PvarContext) => {
            const at = referenceOf(text.constant ?? text.read(context), rules.fold, undefined);
            return at === undefined ? [] : values(context, store(context), at);
          },
        }
      : {}),
  };
}

/** All values that a reference names: records, or the values of a field in one record or, without an index, in all. */
function values(context: PvarContext, store: XavpStore, { name, index, field, position }: Reference): PvarValue[] {
  const records = store.count(name) || (context.records?.count(name) ?? 0);
  const chosen = index === undefined ? [...Array(records).keys()] : [index < 0 ? records + index : index];
  const named = chosen.filter((at) => at >= 0 && at < records);
  if (field === undefined) return named.map(() => OPAQUE);
  return named.flatMap((at) => {
    const stored = store.record(name, at)?.fields.get(field);
    if (stored !== undefined && position === undefined) return stored;
    const one = read(context, store, { name, index: at, field, position });
    return one === null ? [] : [one];
  });
}

function read(context: PvarContext, store: XavpStore, { name, index = 0, field, position = 0 }: Reference): PvarValue {
  const record = store.record(name, index);
  if (record === undefined) {
    // The records of the current selection.
    if (context.records === undefined) return null;
    if (field === undefined) return index >= 0 && index < context.records.count(name) ? OPAQUE : null;
    const at = index < 0 ? context.records.count(name) + index : index;
    return at < 0 ? null : context.records.get(name, at, field);
  }
  if (field !== undefined) return store.get(name, index, field, position);
  return record.fields.size > 0 || record.value === null ? OPAQUE : record.value;
}

/** Whether a written reference is to the records of the current selection: by index, or to the first, or before it. */
function ofSelection({ records }: PvarContext, store: XavpStore, at: Reference, value: PvarValue): boolean {
  const { name, index, field } = at;
  if (records === undefined || store.record(name, 0) !== undefined) return false;
  if (index === undefined) return records.count(name) > 0 && (field === undefined ? value === null : field === 'uri');
  return index >= 0 && index < records.count(name);
}

/**
 * Without an index adds a new record; with one adds the value as the newest of the field of that record, or, with an
 * index of the field, replaces that value: as recorded, without effect when there is none.
 */
function write(store: XavpStore, { name, index, field, position }: Reference, value: PvarValue): void {
  if (field === undefined) {
    if (value === null) store.remove(name, index ?? 0);
    else if (index === undefined) store.push(name).value = value;
    else {
      const record = index < 0 ? undefined : store.record(name, index);
      if (record !== undefined) record.value = value;
    }
    return;
  }
  if (index === undefined && value !== null) {
    store.add(store.push(name), field, value);
    return;
  }
  const record = (index ?? 0) < 0 ? undefined : store.record(name, index ?? 0);
  if (record === undefined) return;
  if (value === null) store.removeValue(record, field, position ?? 0);
  else if (position !== undefined && index !== undefined) store.replace(record, field, position, value);
  else store.add(record, field, value);
}

/**
 * As recorded, a field is added to a record that fields have made; it replaces a plain value, and a record that
 * xavu_params_explode() has made, as a whole.
 */
function writeUnique(store: XavpStore, { name, field }: Reference, value: PvarValue): void {
  if (field === undefined) {
    store.remove(name);
    if (value !== null) store.push(name).value = value;
    return;
  }
  const record = store.record(name, 0);
  if (record !== undefined && isExtensible(record)) store.set(record, field, value);
  else if (value !== null) {
    store.remove(name);
    store.set(store.push(name), field, value);
  }
}

function definition(rules: Rules, store: (context: PvarContext) => XavpStore): VariableDefinition {
  return {
    argument: 'required',
    indexed: false,
    compile: (argument) => compiledXavp(argument as TextReader, rules, store),
  };
}

/** $xavp (stacks of records), $xavu (one value for each name), $xavi (like $xavp, but names ignore letter case). */
export const xavpVariables: readonly [string, VariableDefinition][] = [
  ['xavp', definition({ fold: false, unique: false, counted: true }, (context) => context.xavps)],
  ['xavu', definition({ fold: false, unique: true, counted: false }, (context) => context.xavus)],
  ['xavi', definition({ fold: true, unique: false, counted: false }, (context) => context.xavis)],
];
