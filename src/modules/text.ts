import { type BoundedRegex, compilePosix } from '../core/posix-regex.js';
import { fnmatch } from '../engine/fnmatch.js';
import { compileFormat } from '../pvar/format.js';
import { appendHeader, HEADER_FUNCTIONS, insertHeader } from '../route/functions/headers.js';
import type { MessageRun } from '../script/call.js';
import { rewritten } from '../script/outgoing.js';
import { type FieldSpan, parseMessage } from '../sip/message.js';
import { bodyPartFunctions } from './body-parts.js';
import { editRequestUri } from './core-uri.js';
import {
  type Arg,
  code,
  type FunctionSpec,
  intOf,
  KAMAILIO,
  moduleFunctions,
  OPENSIPS,
  optional,
  param,
  type ScriptFunction,
  textOf,
} from './define.js';
import { validationFunctions } from './message-validation.js';
import { sharedFunctions } from './shared.js';
import { editBySubstitution, parseSubstitution, type Substitution, substituted } from './subst.js';

function lastOf(fields: Iterable<FieldSpan>): FieldSpan | undefined {
  let last: FieldSpan | undefined;
  for (const each of fields) last = each;
  return last;
}

export function removeHeaders(run: MessageRun, wanted: (name: string) => boolean): number {
  let count = 0;
  for (const field of run.message.fields()) {
    if (!wanted(run.message.text.slice(field.line, field.nameEnd))) continue;
    run.edits.remove(field.line, field.next);
    count++;
  }
  return count;
}

function substitution(arg: Arg | undefined, lines: boolean): (run: MessageRun) => Substitution {
  const read = (text: string): Substitution =>
    parseSubstitution(text, lines, (format) => {
      const compiled = compileFormat(format);
      return (run) => compiled.evaluate(run.pvars);
    });
  if (arg?.constant !== undefined) {
    const fixed = read(String(arg.constant));
    return () => fixed;
  }
  const fixed = read((arg as Arg).text);
  return () => fixed;
}

const searchPatterns = new Map<string, BoundedRegex>();

/** A pattern of search(): without letter case, line by line. Kept, since files have a few of them. */
function searchRegex(pattern: string): BoundedRegex {
  let regex = searchPatterns.get(pattern);
  if (regex === undefined) {
    if (searchPatterns.size > 1000) searchPatterns.clear();
    regex = compilePosix(pattern, { ignoreCase: true, lines: true });
    searchPatterns.set(pattern, regex);
  }
  return regex;
}

function search(run: MessageRun, regex: Arg, from: number, to: number): number {
  const compiled = searchRegex(regex.string(run));
  return code(compiled.test(run.message.text.slice(from, to)));
}

/** Where the header part that functions look at begins: behind the first line in Kamailio's subst, at the start elsewhere. */
function afterFirstLine(run: MessageRun): number {
  return run.message.headersStart;
}

/** Replaces what a regular expression finds first, or all of it, in a part of the message. */
function replace(run: MessageRun, regex: Arg, text: string, from: number, to: number, all: boolean): number {
  const compiled = regex.regex(run) ?? compilePosix(regex.string(run), { lines: true });
  const part = run.message.text.slice(from, to);
  let at = 0;
  let found = 0;
  while (found < 256) {
    const match = compiled.match(part, at);
    if (match === undefined) break;
    found++;
    run.edits.replace(from + match.start, from + match.end, text);
    at = match.end === match.start ? match.end + 1 : match.end;
    if (!all) break;
  }
  return code(found > 0);
}

/** The field of a name at an index; negative ones count from the end. */
function fieldAt(run: MessageRun, name: string, index: number): FieldSpan | undefined {
  const all = [...run.fields(name)];
  return all[index < 0 ? all.length + index : index];
}

function textIn(run: MessageRun, field: FieldSpan): string {
  return run.message.text.slice(field.value, field.end);
}

/** Parses the message with its edits applied, so that what follows sees them. */
export function applyChanges(run: MessageRun): boolean {
  const { call } = run;
  const line =
    run.message.isRequest && call.message === run.message
      ? `${run.message.method} ${call.requestUri} SIP/2.0\r\n`
      : undefined;
  const fresh = parseMessage(rewritten(run.message, run.edits.list, line));
  if (fresh === undefined || fresh.defect !== undefined) return false;
  if (call.message === run.message) {
    call.message = fresh;
    call.scope.message = fresh;
  }
  run.pvars.message = fresh;
  run.message = fresh;
  run.edits.clear();
  return true;
}

/** As recorded, Kamailio takes these patterns as they stand: line by line, whatever the letter case. */
const regexParam = param('pattern', 'regex', { lines: true });

function headerFunctions(dialects: FunctionSpec['dialects']): FunctionSpec[] {
  const only = dialects === undefined ? {} : { dialects };
  return [
    {
      ...only,
      name: 'append_urihf',
      parameters: [param('prefix', 'string'), param('suffix', 'string')],
      summary: 'adds a header line with the request-URI in it',
      compile:
        ([prefix, suffix]) =>
        (run) =>
          appendHeader(run, textOf(prefix, run) + run.call.requestUri + textOf(suffix, run)),
    },
    {
      ...only,
      name: 'remove_hf_re',
      parameters: [regexParam],
      summary: 'takes the fields out whose name matches',
      compile:
        ([pattern]) =>
        (run) => {
          const regex = (pattern as Arg).regex(run) ?? compilePosix(textOf(pattern, run), { ignoreCase: true });
          return code(removeHeaders(run, (name) => regex.test(name)) > 0);
        },
    },
  ];
}

const opensips: FunctionSpec[] = [
  ...bodyPartFunctions,
  {
    name: 'remove_hf_glob',
    dialects: OPENSIPS,
    parameters: [param('pattern', 'string')],
    summary: 'takes the fields out whose name fits a pattern with * and ?',
    compile:
      ([pattern]) =>
      (run) => {
        const glob = textOf(pattern, run).toLowerCase();
        return code(removeHeaders(run, (name) => fnmatch(glob, name.toLowerCase())) > 0);
      },
  },
  {
    name: 'list_hdr_has_option',
    dialects: OPENSIPS,
    parameters: [param('name', 'string'), param('option', 'string')],
    summary: 'whether an option stands in a header of options',
    compile:
      ([name, option]) =>
      (run) =>
        code(hasOption(run, textOf(name, run), textOf(option, run))),
  },
  {
    name: 'list_hdr_add_option',
    dialects: OPENSIPS,
    parameters: [param('name', 'string'), param('option', 'string')],
    summary: 'adds an option to a header of options',
    compile:
      ([name, option]) =>
      (run) =>
        editOptions(run, textOf(name, run), (all) => [...all, textOf(option, run)]),
  },
  {
    name: 'list_hdr_remove_option',
    dialects: OPENSIPS,
    parameters: [param('name', 'string'), param('option', 'string')],
    summary: 'takes an option out of a header of options',
    compile:
      ([name, option]) =>
      (run) => {
        const wanted = textOf(option, run).toLowerCase();
        return editOptions(run, textOf(name, run), (all) => all.filter((each) => each.toLowerCase() !== wanted));
      },
  },
];

function options(text: string): string[] {
  return text
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
}

function hasOption(run: MessageRun, name: string, option: string): boolean {
  for (const field of run.fields(name)) {
    if (options(textIn(run, field)).some((each) => each.toLowerCase() === option.toLowerCase())) return true;
  }
  return false;
}

/** Rewrites the first header of a name; edits made to it before in this message are taken into account. */
function editOptions(run: MessageRun, name: string, change: (all: string[]) => string[]): number {
  const field = run.message.nextField(name);
  if (field === undefined) {
    const added = change([]);
    if (added.length > 0) run.edits.insert(run.message.headersEnd, `${name}: ${added.join(', ')}\r\n`);
    return code(added.length > 0);
  }
  const before = run.edits.list.find((edit) => edit.start === field.value && edit.end === field.end);
  const after = change(options(before?.text ?? textIn(run, field)));
  run.edits.drop((edit) => edit === before);
  if (after.length === 0) run.edits.remove(field.line, field.next);
  else run.edits.replace(field.value, field.end, after.join(', '));
  return 1;
}

const kamailio: FunctionSpec[] = [
  {
    name: 'remove_hf_exp',
    dialects: KAMAILIO,
    parameters: [regexParam, param('but', 'regex')],
    summary: 'takes the fields out whose name matches one pattern and not another',
    compile:
      ([pattern, but]) =>
      (run) => {
        const regex = (pattern as Arg).regex(run) ?? compilePosix(textOf(pattern, run), { ignoreCase: true });
        const keep = (but as Arg).regex(run) ?? compilePosix(textOf(but, run), { ignoreCase: true });
        return code(removeHeaders(run, (name) => regex.test(name) && !keep.test(name)) > 0);
      },
  },
  {
    name: 'remove_hf_idx',
    dialects: KAMAILIO,
    parameters: [param('name', 'string'), param('index', 'int')],
    summary: 'takes one field of a name out',
    compile:
      ([name, index]) =>
      (run) => {
        const field = fieldAt(run, textOf(name, run), intOf(index, run, 0));
        if (field === undefined) return -1;
        run.edits.remove(field.line, field.next);
        return 1;
      },
  },
  {
    name: 'is_present_hf_re',
    dialects: KAMAILIO,
    parameters: [regexParam],
    summary: 'whether a header whose name matches is there',
    compile:
      ([pattern]) =>
      (run) => {
        const regex = (pattern as Arg).regex(run) ?? compilePosix(textOf(pattern, run), { ignoreCase: true });
        for (const field of run.message.fields()) {
          if (regex.test(run.message.text.slice(field.line, field.nameEnd))) return 1;
        }
        return -1;
      },
  },
  {
    name: 'search_hf',
    dialects: KAMAILIO,
    parameters: [param('name', 'string'), regexParam, param('flags', 'string')],
    summary: 'whether a header matches: the first, the last or any',
    compile:
      ([name, pattern, flags]) =>
      (run) => {
        const regex = (pattern as Arg).regex(run) ?? compilePosix(textOf(pattern, run), { ignoreCase: true });
        const all = [...run.fields(textOf(name, run))];
        const which = textOf(flags, run);
        const chosen = which === 'f' ? all.slice(0, 1) : which === 'l' ? all.slice(-1) : all;
        return code(chosen.some((field) => regex.test(textIn(run, field))));
      },
  },
  {
    name: 'msg_apply_changes',
    dialects: KAMAILIO,
    routes: ['request', 'onreply', 'event'],
    summary: 'makes the changes so far part of the message',
    compile: () => (run) => code(applyChanges(run)),
  },
  {
    name: 'insert_hf_value',
    dialects: KAMAILIO,
    parameters: [param('name', 'string'), param('value', 'string')],
    summary: 'adds a header before those of its name',
    compile:
      ([name, value]) =>
      (run) =>
        insertHeader(run, `${textOf(name, run)}: ${textOf(value, run)}\r\n`, textOf(name, run)),
  },
  {
    name: 'append_hf_value',
    dialects: KAMAILIO,
    parameters: [param('name', 'string'), param('value', 'string')],
    summary: 'adds a header behind those of its name',
    compile:
      ([name, value]) =>
      (run) =>
        appendHeader(run, `${textOf(name, run)}: ${textOf(value, run)}\r\n`, textOf(name, run)),
  },
  {
    name: 'include_hf_value',
    dialects: KAMAILIO,
    parameters: [param('name', 'string'), param('value', 'string')],
    summary: 'adds a value to the last header of a name',
    compile:
      ([name, value]) =>
      (run) => {
        const [header, wanted] = [textOf(name, run), textOf(value, run)];
        if (hasOption(run, header, wanted)) return 1;
        const last = lastOf(run.fields(header));
        if (last === undefined) return appendHeader(run, `${header}: ${wanted}\r\n`);
        run.edits.insert(last.end, `,${wanted}`);
        return 1;
      },
  },
  {
    name: 'exclude_hf_value',
    dialects: KAMAILIO,
    parameters: [param('name', 'string'), param('value', 'string')],
    summary: 'takes a value out of a header',
    compile:
      ([name, value]) =>
      (run) => {
        const wanted = textOf(value, run);
        for (const field of run.fields(textOf(name, run))) {
          const text = textIn(run, field);
          const kept = text.split(',').filter((each) => each.trim() !== wanted);
          if (kept.length === text.split(',').length) continue;
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
    summary: 'whether a value stands in a header',
    compile:
      ([name, value]) =>
      (run) =>
        code(hasOption(run, textOf(name, run), textOf(value, run))),
  },
  {
    name: 'subst_hf',
    dialects: KAMAILIO,
    parameters: [param('name', 'string'), param('substitution', 'literal'), param('flags', 'string')],
    summary: 'substitutes in a header: the first, the last or all',
    compile: ([name, text, flags]) => {
      const read = substitution(text, false);
      return (run) => {
        const s = read(run);
        const all = [...run.fields(textOf(name, run))];
        const which = textOf(flags, run);
        const chosen = which === 'f' ? all.slice(0, 1) : which === 'l' ? all.slice(-1) : all;
        let found = 0;
        for (const field of chosen) found += editBySubstitution(s, run, field.value, field.end);
        return code(found > 0);
      };
    },
  },
  {
    name: 'replace_all',
    parameters: [regexParam, param('text', 'string')],
    summary: 'replaces all that matches',
    compile:
      ([pattern, text]) =>
      (run) =>
        replace(run, pattern as Arg, textOf(text, run), 0, run.message.text.length, true),
  },
  ...(
    [
      ['replace_hdrs', false],
      ['replace_body_atonce', true],
    ] as const
  ).map(
    ([name, body]): FunctionSpec => ({
      name,
      dialects: KAMAILIO,
      parameters: [body ? param('pattern', 'regex', { lines: false }) : regexParam, param('text', 'string')],
      summary: body ? 'replaces what matches in the body, which is one text' : 'replaces the first that matches',
      compile:
        ([pattern, text]) =>
        (run) => {
          const { message } = run;
          return body
            ? replace(run, pattern as Arg, textOf(text, run), message.bodyStart, message.bodyEnd, true)
            : replace(run, pattern as Arg, textOf(text, run), message.headersStart, message.headersEnd, false);
        },
    }),
  ),
  {
    name: 'set_body',
    dialects: KAMAILIO,
    parameters: [param('body', 'string'), param('content type', 'string')],
    summary: 'replaces the body',
    compile:
      ([body, type]) =>
      (run) => {
        const [text, mime] = [textOf(body, run), textOf(type, run)];
        if (text === '' || mime === '') return -1;
        const { message, edits } = run;
        for (const field of message.fields('content-type')) edits.remove(field.line, field.next);
        edits.drop(({ start, end }) => start >= message.bodyStart && end <= message.bodyEnd);
        edits.replace(message.bodyStart, message.bodyEnd, text);
        edits.insert(message.headersEnd, `Content-Type: ${mime}\r\n`);
        return 1;
      },
  },
  {
    name: 'remove_body',
    dialects: KAMAILIO,
    summary: 'takes the body away',
    compile: () => (run) => {
      const { message, edits } = run;
      for (const field of message.fields('content-type')) edits.remove(field.line, field.next);
      edits.remove(message.bodyStart, message.bodyEnd);
      return 1;
    },
  },
  {
    name: 'append_body_part',
    dialects: KAMAILIO,
    parameters: [param('body', 'string'), param('content type', 'string'), optional('disposition', 'string')],
    summary: 'adds a part to a multipart body',
    compile: () => () => -1,
  },
];

function searches(): FunctionSpec[] {
  return [
    {
      name: 'search',
      parameters: [regexParam],
      summary: 'whether the message matches',
      compile:
        ([pattern]) =>
        (run) =>
          search(run, pattern as Arg, 0, run.message.text.length),
    },
    {
      name: 'search_body',
      parameters: [regexParam],
      summary: 'whether the body matches',
      compile:
        ([pattern]) =>
        (run) =>
          search(run, pattern as Arg, run.message.bodyStart, run.message.bodyEnd),
    },
    {
      name: 'search_append',
      parameters: [regexParam, param('text', 'string')],
      summary: 'puts text behind what matches',
      compile:
        ([pattern, text]) =>
        (run) => {
          const regex = (pattern as Arg).regex(run) ?? compilePosix(textOf(pattern, run), { lines: true });
          const from = afterFirstLine(run);
          const match = regex.match(run.message.text.slice(from));
          if (match === undefined) return -1;
          run.edits.insert(from + match.end, textOf(text, run));
          return 1;
        },
    },
    {
      name: 'search_append_body',
      dialects: OPENSIPS,
      parameters: [regexParam, param('text', 'string')],
      summary: 'puts text behind what matches in the body',
      compile:
        ([pattern, text]) =>
        (run) => {
          const regex = (pattern as Arg).regex(run) ?? compilePosix(textOf(pattern, run), { lines: true });
          const { bodyStart, bodyEnd } = run.message;
          const match = regex.match(run.message.text.slice(bodyStart, bodyEnd));
          if (match === undefined) return -1;
          run.edits.insert(bodyStart + match.end, textOf(text, run));
          return 1;
        },
    },
    {
      name: 'replace',
      parameters: [regexParam, param('text', 'string')],
      summary: 'replaces the first that matches behind the first line',
      compile:
        ([pattern, text]) =>
        (run) =>
          replace(run, pattern as Arg, textOf(text, run), afterFirstLine(run), run.message.text.length, false),
    },
    ...(
      [
        ['replace_body', false, undefined],
        ['replace_body_all', true, undefined],
        ['replace_body_atonce', true, OPENSIPS],
      ] as const
    ).map(
      ([name, all, dialects]): FunctionSpec => ({
        name,
        ...(dialects === undefined ? {} : { dialects }),
        parameters: [regexParam, param('text', 'string')],
        summary: 'replaces what matches in the body',
        compile:
          ([pattern, text]) =>
          (run) =>
            replace(run, pattern as Arg, textOf(text, run), run.message.bodyStart, run.message.bodyEnd, all),
      }),
    ),
    {
      name: 'subst',
      parameters: [param('substitution', 'literal')],
      summary: 'substitutes behind the first line',
      compile: ([text]) => {
        const read = substitution(text, true);
        return (run) => code(editBySubstitution(read(run), run, afterFirstLine(run), run.message.text.length) > 0);
      },
    },
    {
      name: 'subst_body',
      parameters: [param('substitution', 'literal')],
      summary: 'substitutes in the body',
      compile: ([text]) => {
        const read = substitution(text, true);
        return (run) => code(editBySubstitution(read(run), run, run.message.bodyStart, run.message.bodyEnd) > 0);
      },
    },
    {
      name: 'subst_uri',
      parameters: [param('substitution', 'literal')],
      summary: 'substitutes in the request-URI',
      compile: ([text]) => {
        const read = substitution(text, false);
        return (run) => {
          const result = substituted(read(run), run.call.requestUri, run);
          if (result === undefined) return -1;
          run.pvars.setRequestUri(result);
          return 1;
        };
      },
    },
    {
      name: 'subst_user',
      parameters: [param('substitution', 'literal')],
      summary: 'substitutes in the user of the request-URI',
      compile: ([text]) => {
        const read = substitution(text, false);
        return (run) => {
          let good = false;
          editRequestUri(run, (parts) => {
            const result = substituted(read(run), parts.user ?? '', run);
            good = result !== undefined;
            parts.user = result ?? parts.user;
            return good;
          });
          return code(good);
        };
      },
    },
  ];
}

export const textFunctions: ScriptFunction[] = [
  ...moduleFunctions('textops', [...searches(), ...kamailio]),
  ...sharedFunctions('sipmsgops', OPENSIPS, HEADER_FUNCTIONS),
  ...moduleFunctions('sipmsgops', [...headerFunctions(OPENSIPS), ...opensips, ...validationFunctions]),
  ...sharedFunctions('textops', KAMAILIO, HEADER_FUNCTIONS),
  ...moduleFunctions('textops', headerFunctions(KAMAILIO)),
];
