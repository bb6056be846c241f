import { sameButForCase, trimmed } from '../core/characters.js';
import { appendHeader } from '../route/functions/headers.js';
import type { MessageRun } from '../script/call.js';
import type { FieldSpan } from '../sip/message.js';
import { type Arg, code, type FunctionSpec, KAMAILIO, param, textOf } from './define.js';
import { FIELD_NAME, removeHeaders } from './header-fields.js';
import { kamailioFunction } from './kamailio-function.js';
import { namePattern } from './patterns.js';

/**
 * A reference "Name", "Name[2]", "Name[-1]", "Name[*]" or "Name.param"; values are counted from 1 over all fields of
 * the name.
 */
interface ValueName {
  readonly header: string;
  readonly index: number | '*' | undefined;
  readonly param: string | undefined;
}

function valueName(text: string): ValueName {
  const match = /^([^[.]+)(?:\[(-?\d+|\*)\])?(?:\.(.+))?$/.exec(trimmed(text));
  const index = match?.[2];
  return {
    header: match?.[1] ?? trimmed(text),
    index: index === undefined ? undefined : index === '*' ? '*' : Number(index),
    param: match?.[3],
  };
}

/** One value of a comma-separated field, as offsets in the message. */
interface Value {
  readonly field: FieldSpan;
  readonly start: number;
  readonly end: number;
  /** Offset of the comma before it; -1 for the first value of a field. */
  readonly comma: number;
  /** Offset after the comma that follows it; -1 for the last value of a field. */
  readonly next: number;
}

/** Maximum number of values read for one name. */
const MAX_VALUES = 1024;

/** Values of all fields of a name, in order. Commas inside quotes and angle brackets do not separate. */
function valuesOf(run: MessageRun, header: string): Value[] {
  const { text } = run.message;
  const all: Value[] = [];
  for (const field of run.fields(header)) {
    for (let start = field.value, comma = -1; start >= 0 && all.length < MAX_VALUES; ) {
      const end = valueEnd(text, start, field.end);
      const next = end < field.end ? end + 1 : -1;
      all.push({ field, start, end, comma, next });
      comma = end;
      start = next;
    }
  }
  return all;
}

function valueEnd(text: string, from: number, end: number): number {
  let quoted = false;
  let inside = false;
  for (let i = from; i < end; i++) {
    const c = text[i];
    if (quoted) {
      if (c === '\\') i++;
      else if (c === '"') quoted = false;
    } else if (c === '"') quoted = true;
    else if (c === '<') inside = true;
    else if (c === '>') inside = false;
    else if (c === ',' && !inside) return i;
  }
  return end;
}

/** The value with an index; without an index, or for 0, the first; negative ones count from the end. */
function chosen(all: readonly Value[], index: number | undefined): Value | undefined {
  const number = index ?? 1;
  return all[number < 0 ? all.length + number : Math.max(0, number - 1)];
}

/** Span of a parameter in a value, from its ";" to its end, and span of its value after "=". */
function paramSpan(
  text: string,
  name: string,
  { start, end }: Value,
): { from: number; value: number; to: number } | undefined {
  let quoted = false;
  let inside = false;
  for (let i = start; i < end; i++) {
    const c = text[i];
    if (c === '"') quoted = !quoted;
    if (quoted) continue;
    if (c === '<') inside = true;
    else if (c === '>') inside = false;
    if (c !== ';' || inside) continue;
    let to = i + 1;
    let string = false;
    while (to < end && (string || text[to] !== ';')) {
      if (text[to] === '"') string = !string;
      to++;
    }
    const whole = text.slice(i + 1, to);
    const equals = whole.indexOf('=');
    if (sameButForCase(trimmed(equals < 0 ? whole : whole.slice(0, equals)), name)) {
      return { from: i, value: equals < 0 ? -1 : i + 1 + equals + 1, to };
    }
  }
  return undefined;
}

/** The same for "Digest a="1", b=2": parameters separated by commas after a scheme. */
function credentialSpan(
  run: MessageRun,
  field: FieldSpan,
  name: string,
): { from: number; value: number; to: number; end: number } | undefined {
  const { text } = run.message;
  for (let start = field.value, comma = -1; start < field.end; ) {
    const end = valueEnd(text, start, field.end);
    const scheme = comma < 0 ? (/^[ \t\r\n]*[^ \t\r\n]+[ \t\r\n]+/.exec(text.slice(start, end))?.[0].length ?? 0) : 0;
    const part = text.slice(start + scheme, end);
    const equals = part.indexOf('=');
    if (equals > 0 && sameButForCase(trimmed(part.slice(0, equals)), name)) {
      return { from: comma < 0 ? start + scheme : comma, value: start + scheme + equals + 1, to: end, end: field.end };
    }
    comma = end;
    start = end + 1;
  }
  return undefined;
}

/** Removes a value and the comma that separates it; the only value of a field is removed with the field. */
function removeValue(run: MessageRun, { field, start, end, comma, next }: Value): void {
  if (comma < 0 && next < 0) run.edits.remove(field.line, field.next);
  else if (comma >= 0) run.edits.remove(comma, end);
  else run.edits.remove(start, next);
}

function removeHfValue(run: MessageRun, [name]: readonly (Arg | undefined)[]): number {
  const { header, index, param } = valueName(textOf(name, run));
  const all = valuesOf(run, header);
  if (index === '*' && param === undefined) {
    for (const field of run.fields(header)) run.edits.remove(field.line, field.next);
    return code(all.length > 0);
  }
  const one = index === '*' ? undefined : chosen(all, index);
  const meant = index === '*' ? all : one === undefined ? [] : [one];
  let found = 0;
  for (const each of meant) {
    if (param === undefined) removeValue(run, each);
    else {
      const span = paramSpan(run.message.text, param, each);
      if (span === undefined) continue;
      run.edits.remove(span.from, span.to);
    }
    found++;
  }
  return code(found > 0);
}

function assignHfValue(run: MessageRun, [name, value]: readonly (Arg | undefined)[]): number {
  const { header, index, param } = valueName(textOf(name, run));
  const one = chosen(valuesOf(run, header), index === '*' ? undefined : index);
  if (one === undefined) return -1;
  const text = textOf(value, run);
  if (param === undefined) {
    // The blanks before a value stay.
    let { start } = one;
    while (start < one.end && (run.message.text[start] === ' ' || run.message.text[start] === '\t')) start++;
    run.edits.replace(start, one.end, text);
  } else {
    const span = paramSpan(run.message.text, param, one);
    if (span === undefined) run.edits.insert(one.end, `;${param}=${text}`);
    else run.edits.replace(span.from, span.to, `;${param}=${text}`);
  }
  return 1;
}

/** The field that assign_hf_value2() or remove_hf_value2() means; without a number the first. */
function fieldAt(run: MessageRun, header: string, index: ValueName['index']): FieldSpan | undefined {
  return [...run.fields(header)].at(typeof index === 'number' ? index : 0);
}

/** assign_hf_value2() and remove_hf_value2(): for parameters of credentials. */
function assignCredential(run: MessageRun, [name, value]: readonly (Arg | undefined)[]): number {
  const { header, index, param } = valueName(textOf(name, run));
  const field = fieldAt(run, header, index);
  if (field === undefined) return -1;
  const text = textOf(value, run);
  if (param === undefined) {
    run.edits.replace(field.value, field.end, text);
    return 1;
  }
  const span = credentialSpan(run, field, param);
  if (span === undefined) run.edits.insert(field.end, `,${param}=${text}`);
  else run.edits.replace(span.value, span.to, text);
  return 1;
}

function removeCredential(run: MessageRun, [name]: readonly (Arg | undefined)[]): number {
  const { header, index, param } = valueName(textOf(name, run));
  const field = fieldAt(run, header, index);
  if (field === undefined) return -1;
  if (param === undefined) {
    run.edits.remove(field.line, field.next);
    return 1;
  }
  const span = credentialSpan(run, field, param);
  if (span === undefined) return -1;
  run.edits.remove(span.from, span.to);
  return 1;
}

/** Adds a header line after all others. */
function addLine(run: MessageRun, header: string, value: string): number {
  return appendHeader(run, `${header}: ${value}\r\n`);
}

/** Fields that keep_hf() never removes. */
const KEPT =
  /^(?:via|v|route|record-route|from|f|to|t|call-id|i|cseq|max-forwards|contact|m|content-type|c|content-length|l)$/i;

/** Functions of Kamailio's textopsx and textops on single values of header fields. */
export const headerValueFunctions: FunctionSpec[] = [
  {
    ...kamailioFunction('assign_hf_value', 'header value', 'replaces a value of a header field', () => 1),
    compile: ([header, value]) => {
      if (header?.constant !== undefined && valueName(String(header.constant)).index === '*') {
        throw new Error('one value is assigned, not [*]');
      }
      return (run) => assignHfValue(run, [header, value]);
    },
  },
  kamailioFunction('assign_hf_value2', 'header value', 'replaces a parameter of credentials', assignCredential),
  kamailioFunction(
    'remove_hf_value',
    'header',
    'removes a value of a header field, or a parameter of it',
    removeHfValue,
  ),
  kamailioFunction('remove_hf_value2', 'header', 'removes a parameter of credentials', removeCredential),
  kamailioFunction('append_hf_value', 'header value', 'adds a value after another one', (run, [name, value]) => {
    const { header, index } = valueName(textOf(name, run));
    const text = textOf(value, run);
    // As recorded, after the last value with index 0.
    const at = index === 0 ? -1 : index;
    const one = at === undefined || at === '*' ? undefined : chosen(valuesOf(run, header), at);
    if (one === undefined) return addLine(run, header, text);
    run.edits.insert(one.end, `,${text}`);
    return 1;
  }),
  kamailioFunction('insert_hf_value', 'header value', 'adds a value before another one', (run, [name, value]) => {
    const { header, index } = valueName(textOf(name, run));
    const text = textOf(value, run);
    const all = valuesOf(run, header);
    if (all.length === 0) return addLine(run, header, text);
    const one = chosen(all, index === '*' ? undefined : index);
    if (one === undefined) return -1;
    if (index === undefined) run.edits.insert(one.field.line, `${header}: ${text}\r\n`);
    // As recorded, after a value that is empty.
    else run.edits.insert(one.start, one.start === one.end ? `,${text}` : `${text},`);
    return 1;
  }),
  kamailioFunction('include_hf_value', 'header value', 'adds a value where it is missing', (run, [name, value]) => {
    const header = textOf(name, run);
    const wanted = textOf(value, run);
    const all = valuesOf(run, header);
    const { text } = run.message;
    if (all.some((each) => sameButForCase(trimmed(text.slice(each.start, each.end)), wanted))) return 1;
    const [first] = all;
    if (first === undefined) return addLine(run, header, wanted);
    run.edits.insert(first.field.end, `,${wanted}`);
    return 1;
  }),
  {
    name: 'keep_hf',
    dialects: KAMAILIO,
    parameters: [param('pattern', 'regex', { lines: true })],
    summary: 'removes all header fields except those a proxy needs and those whose names match',
    compile: ([pattern]) => {
      return (run) => {
        const regex = namePattern(pattern, run);
        removeHeaders(run, (name) => !KEPT.test(name) && !regex.test(name));
        // As recorded.
        return -1;
      };
    },
  },
  kamailioFunction('remove_hf_idx', 'name index', 'removes one header field with a name', (run, [name, index]) => {
    const wanted = textOf(name, run);
    if (!FIELD_NAME.test(wanted)) return -1;
    const all = [...run.fields(wanted)];
    const number = Number(textOf(index, run)) || 0;
    const field = all[number < 0 ? all.length + number : number];
    // As recorded: 2 for an index after the last, 1 for one before the first.
    if (field === undefined) return number < 0 ? 1 : 2;
    run.edits.remove(field.line, field.next);
    return 1;
  }),
];
