import { sameButForCase, trimmed } from '../core/characters.js';
import type { MessageRun } from '../script/call.js';
import type { FieldSpan } from '../sip/message.js';
import type { TextEdit } from '../sip/reply.js';
import { code, type FunctionSpec, KAMAILIO, OPENSIPS, param, textOf } from './define.js';
import { textIn } from './header-fields.js';

/** Functions of sipmsgops on header fields that list options (Supported, Require, Allow ...). */
export const optionsInHeaders: FunctionSpec[] = [
  {
    name: 'list_hdr_has_option',
    dialects: OPENSIPS,
    parameters: [param('name', 'string'), param('option', 'string')],
    summary: 'whether a header field contains an option',
    compile:
      ([name, option]) =>
      (run) =>
        code(hasOption(run, textOf(name, run), textOf(option, run))),
  },
  {
    name: 'list_hdr_add_option',
    dialects: OPENSIPS,
    parameters: [param('name', 'string'), param('option', 'string')],
    summary: 'adds an option to the first header of a name',
    compile:
      ([name, option]) =>
      (run) => {
        const field = run.message.nextField(textOf(name, run));
        if (field === undefined) return -1;
        writeOptions(run, field, [...optionsOf(run, field), textOf(option, run)]);
        return 1;
      },
  },
  {
    name: 'list_hdr_remove_option',
    dialects: OPENSIPS,
    parameters: [param('name', 'string'), param('option', 'string')],
    summary: 'removes an option from all header fields with a name; of a repeated one the last',
    compile:
      ([name, option]) =>
      (run) => {
        const wanted = textOf(option, run).toLowerCase();
        // Looked up and dropped with one pass each: a peer decides how many fields and edits there are.
        const before = new Map(run.edits.list.toReversed().map((edit) => [`${edit.start}-${edit.end}`, edit]));
        const dropped = new Set<unknown>();
        const written: (readonly [FieldSpan, readonly string[]])[] = [];
        for (const field of run.fields(textOf(name, run))) {
          const own = before.get(`${field.value}-${field.end}`);
          const all = options(own?.text ?? textIn(run, field));
          const at = all.findLastIndex((each) => each.toLowerCase() === wanted);
          if (at < 0) continue;
          if (own !== undefined) dropped.add(own);
          written.push([field, all.toSpliced(at, 1)]);
        }
        if (dropped.size > 0) run.edits.drop((edit) => dropped.has(edit));
        for (const [field, all] of written) write(run, field, all);
        return code(written.length > 0);
      },
  },
];

function options(text: string): string[] {
  return text
    .split(',')
    .map((each) => trimmed(each))
    .filter((each) => each !== '');
}

/** Whether a field with this name contains the option, ignoring letter case. */
function hasOption(run: MessageRun, name: string, option: string): boolean {
  for (const field of run.fields(name)) {
    if (options(textIn(run, field)).some((each) => sameButForCase(each, option))) return true;
  }
  return false;
}

/** The options of a field, including earlier edits of it. */
function optionsOf(run: MessageRun, field: FieldSpan): string[] {
  return options(editOf(run, field)?.text ?? textIn(run, field));
}

/** The edit that rewrote or removed a field. */
function editOf(run: MessageRun, field: FieldSpan) {
  return run.edits.list.find(
    ({ start, end, text }) =>
      (start === field.value && end === field.end) || (start === field.line && end === field.next && text === ''),
  );
}

/** Rewrites a field; removes it when no options are left. */
function writeOptions(run: MessageRun, field: FieldSpan, all: readonly string[]): void {
  const before = editOf(run, field);
  if (before !== undefined) run.edits.drop((edit) => edit === before);
  write(run, field, all);
}

function write(run: MessageRun, field: FieldSpan, all: readonly string[]): void {
  if (all.length === 0) run.edits.remove(field.line, field.next);
  else run.edits.replace(field.value, field.end, all.join(', '));
}

/** Functions of Kamailio's textops on header fields that list values. */
export const valuesInHeaders: FunctionSpec[] = [
  {
    name: 'exclude_hf_value',
    dialects: KAMAILIO,
    parameters: [param('name', 'string'), param('value', 'string')],
    summary: 'removes a value of a header field',
    compile:
      ([name, value]) =>
      (run) => {
        const wanted = textOf(value, run);
        const changes: { readonly field: FieldSpan; readonly kept: readonly string[] }[] = [];
        const replaced = new Set<TextEdit>();
        for (const field of run.fields(textOf(name, run))) {
          const before = editOf(run, field);
          const all = (before?.text ?? textIn(run, field)).split(',');
          const kept = all.filter((each) => !sameButForCase(trimmed(each), wanted));
          if (kept.length === all.length) continue;
          if (before !== undefined) replaced.add(before);
          changes.push({ field, kept });
        }
        // Dropped at once: each drop() takes time in proportion to the number of edits.
        if (replaced.size > 0) run.edits.drop((edit) => replaced.has(edit));
        for (const { field, kept } of changes) {
          if (kept.length === 0) run.edits.remove(field.line, field.next);
          else run.edits.replace(field.value, field.end, kept.join(','));
        }
        return 1;
      },
  },
  {
    name: 'hf_value_exists',
    dialects: KAMAILIO,
    parameters: [param('name', 'string'), param('value', 'string')],
    summary: 'whether a header field contains a value',
    compile:
      ([name, value]) =>
      (run) =>
        code(hasOption(run, textOf(name, run), textOf(value, run))),
  },
];
