import { compilePosix } from '../core/posix-regex.js';
import { fnmatch } from '../engine/fnmatch.js';
import type { MessageRun } from '../script/call.js';
import type { FieldSpan } from '../sip/message.js';
import {
  type Arg,
  type Args,
  code,
  type FunctionSpec,
  KAMAILIO,
  moduleFunctions,
  optional,
  param,
  type ScriptFunction,
  textOf,
} from './define.js';
import { appendHeader, fieldsOf, removeHeaders, removeNamed } from './text.js';

type Body = (run: MessageRun, args: Args) => number;

function spec(name: string, parameters: string, summary: string, body: Body): FunctionSpec {
  return {
    name,
    dialects: KAMAILIO,
    parameters:
      parameters === ''
        ? []
        : parameters
            .split(' ')
            .map((each) => (each.endsWith('?') ? optional(each.slice(0, -1), 'string') : param(each, 'string'))),
    summary,
    compile: (args) => (run) => body(run, args),
  };
}

/** Replacements of one call. */
const MOST_REPLACEMENTS = 256;

/** Replaces a text between two offsets: the first occurrence, or with mode "a" all. As recorded, 1 whether or not there is one. */
function replaceText(run: MessageRun, [text, by, mode]: Args, from: number, to: number): number {
  const wanted = textOf(text, run);
  if (wanted === '') return -1;
  const whole = run.message.text;
  const all = textOf(mode, run).includes('a');
  let at = from;
  for (let i = 0; i < MOST_REPLACEMENTS; i++) {
    const found = whole.indexOf(wanted, at);
    if (found < 0 || found + wanted.length > to) break;
    run.edits.replace(found, found + wanted.length, textOf(by, run));
    if (!all) break;
    at = found + wanted.length;
  }
  return 1;
}

function headerAt(run: MessageRun, name: string): { fields: FieldSpan[]; at: number; all: boolean } {
  const match = /^([^[.]+)(?:\[(-?\d+|\*)\])?/.exec(name.trim());
  const index = match?.[2];
  const fields = [...fieldsOf(run, match?.[1] ?? '')];
  const number = index === undefined || index === '*' ? 1 : Number(index);
  // As recorded: fields count from 1, 0 is the first as well, negative ones count from the end.
  return { fields, at: number < 0 ? fields.length + number : Math.max(0, number - 1), all: index === '*' };
}

function matcher(how: string, wanted: string): ((value: string) => boolean) | undefined {
  switch (how) {
    case 'eq':
      return (value) => value === wanted;
    case 'ne':
      return (value) => value !== wanted;
    case 'in':
      return (value) => value.includes(wanted);
    case 're': {
      const regex = compilePosix(wanted);
      return (value) => regex.test(value);
    }
    default:
      return undefined;
  }
}

const fieldText = (run: MessageRun, { value, end }: FieldSpan): string => run.message.text.slice(value, end).trim();

function removeMatching(run: MessageRun, [name, how, wanted]: Args): number {
  const test = matcher(textOf(how, run), textOf(wanted, run));
  if (test === undefined) return -1;
  let found = 0;
  for (const field of fieldsOf(run, textOf(name, run))) {
    if (!test(fieldText(run, field))) continue;
    run.edits.remove(field.line, field.next);
    found++;
  }
  return found > 0 ? 1 : -2;
}

/** HTTP date of RFC 3261 section 20.17. */
const dateOf = (ms: number): string => new Date(ms).toUTCString();

const textTests: FunctionSpec[] = [
  spec('starts_with', 'text start', 'whether a text begins so', (run, [text, start]) => {
    const [a, b] = [textOf(text, run), textOf(start, run)];
    return a.startsWith(b) ? 1 : b.length > a.length ? -1 : -2;
  }),
  spec('ends_with', 'text end', 'whether a text ends so', (run, [text, end]) =>
    code(textOf(text, run).endsWith(textOf(end, run))),
  ),
  spec('cmp_str', 'one other', 'whether two texts are the same', (run, [a, b]) =>
    textOf(a, run) === textOf(b, run) ? 1 : textOf(a, run) < textOf(b, run) ? -2 : -1,
  ),
  spec('cmp_istr', 'one other', 'whether two texts are the same but for letter case', (run, [a, b]) => {
    const [x, y] = [textOf(a, run).toLowerCase(), textOf(b, run).toLowerCase()];
    return x === y ? 1 : x < y ? -2 : -1;
  }),
  spec('str_find', 'text part', 'where a text holds another, counted from 1', (run, [text, part]) =>
    found(textOf(text, run), textOf(part, run)),
  ),
  spec('str_ifind', 'text part', 'the same without letter case', (run, [text, part]) =>
    found(textOf(text, run).toLowerCase(), textOf(part, run).toLowerCase()),
  ),
  spec('in_list', 'text list separator', 'whether a list holds a text', (run, [text, list, mark]) => {
    const wanted = textOf(text, run);
    return code(
      wanted !== '' &&
        textOf(list, run)
          .split(textOf(mark, run))
          .some((each) => each.trim() === wanted),
    );
  }),
  spec(
    'in_list_prefix',
    'text list separator',
    'whether a list holds a prefix of a text',
    (run, [text, list, mark]) => {
      const wanted = textOf(text, run);
      return code(
        textOf(list, run)
          .split(textOf(mark, run))
          .some((each) => each.trim() !== '' && wanted.startsWith(each.trim())),
      );
    },
  ),
  spec('is_present_hf_pv', 'name', 'whether a header field is there', (run, [name]) =>
    code(!fieldsOf(run, textOf(name, run)).next().done),
  ),
  spec('is_present_hf_re_pv', 'pattern', 'whether a header field whose name matches is there', (run, [pattern]) => {
    const regex = compilePosix(textOf(pattern, run), { ignoreCase: true });
    return code(namesOf(run).some((name) => regex.test(name)));
  }),
  spec('search_str', 'text pattern', 'whether a text matches', (run, [text, pattern]) =>
    code(compilePosix(textOf(pattern, run), { ignoreCase: true }).test(textOf(text, run))),
  ),
];

function found(text: string, part: string): number {
  const at = text.indexOf(part);
  return at < 0 ? -1 : at + 1;
}

function namesOf(run: MessageRun): string[] {
  return [...run.message.fields()].map(({ line, nameEnd }) => run.message.text.slice(line, nameEnd));
}

function removeExcept(run: MessageRun, [pattern, except]: Args): number {
  const [wanted, kept] = [textOf(pattern, run), textOf(except, run)].map((each) =>
    compilePosix(each, { ignoreCase: true }),
  );
  return code(removeHeaders(run, (name) => wanted?.test(name) === true && kept?.test(name) !== true) > 0);
}

const edits: FunctionSpec[] = [
  spec('remove_hf_pv', 'name', 'removes the header fields of a name', (run, [name]) => {
    removeNamed(run, textOf(name, run));
    return 1;
  }),
  spec('remove_hf_re_pv', 'pattern', 'removes header fields whose names match', (run, [pattern]) => {
    const regex = compilePosix(textOf(pattern, run), { ignoreCase: true });
    removeHeaders(run, (name) => regex.test(name));
    return 1;
  }),
  spec(
    'remove_hf_exp_pv',
    'pattern except',
    'removes header fields whose names match one pattern and not the other',
    removeExcept,
  ),
  spec(
    'remove_hf_match',
    'name operator value',
    'removes the header fields of a name whose values match',
    removeMatching,
  ),
  spec('append_time_to_request', '', 'adds a Date to the request', (run) =>
    appendHeader(run, `Date: ${dateOf(run.env.clock.now())}\r\n`),
  ),
  spec('append_time', '', 'adds a Date to replies', (run) => {
    run.call.replyLines += `Date: ${dateOf(run.env.clock.now())}\r\n`;
    return 1;
  }),
  spec('replace_str', 'text by mode', 'replaces a text in the message', (run, args) =>
    replaceText(run, args, run.message.headersStart, run.message.bodyEnd),
  ),
  spec('replace_hdrs_str', 'text by mode', 'replaces a text in the header fields', (run, args) =>
    replaceText(run, args, run.message.headersStart, run.message.headersEnd),
  ),
  spec('replace_body_str', 'text by mode', 'replaces a text in the body', (run, args) =>
    replaceText(run, args, run.message.bodyStart, run.message.bodyEnd),
  ),
  spec(
    'search_append_body',
    'pattern text',
    'adds a text behind what a pattern finds in the body',
    (run, [pattern, text]) => {
      const { bodyStart, bodyEnd } = run.message;
      const match = compilePosix(textOf(pattern, run), { lines: true }).match(
        run.message.text.slice(bodyStart, bodyEnd),
        0,
      );
      if (match === undefined) return -1;
      run.edits.insert(bodyStart + match.end, textOf(text, run));
      return 1;
    },
  ),
  spec(
    'regex_substring',
    'text pattern index count variable',
    'a part that a pattern finds in a text',
    (run, [text, pattern, index, , target]) => {
      const match = compilePosix(textOf(pattern, run)).match(textOf(text, run), 0) as
        | { groups?: readonly (string | undefined)[] }
        | undefined;
      const group = match?.groups?.[Number(textOf(index, run))];
      if (group === undefined) return -1;
      target?.variable?.assign(run.pvars, group);
      return 1;
    },
  ),
  spec('set_reply_body', 'body type', 'the body of replies of our own', (run, [body, type]) => {
    run.call.replyBody = textOf(body, run);
    run.call.replyLines += `Content-Type: ${textOf(type, run)}\r\n`;
    return 1;
  }),
  spec('filter_body', 'type', 'keeps one part of a body of several; false for another body', () => -1),
  spec('remove_body_part', 'type', 'removes a part of a body of several; false for another body', () => -1),
  spec(
    'set_body_multipart',
    'text? type? boundary?',
    'makes the body one of several parts; false, as it is not done here',
    () => -1,
  ),
  spec('append_body_part_hex', 'text type disposition?', 'false, as it is not done here', () => -1),
  ...['get_body_part', 'get_body_part_raw'].map((name) =>
    spec(name, 'type variable', 'a part of a body of several; "" for another body', (run, [, target]) => {
      target?.variable?.assign(run.pvars, '');
      return 1;
    }),
  ),
];

function editValue(run: MessageRun, name: string, edit: (field: FieldSpan) => void): number {
  const { fields, at, all } = headerAt(run, name);
  const chosen = all ? fields : fields.slice(at, at + 1);
  for (const each of chosen) edit(each);
  return code(chosen.length > 0);
}

const values: FunctionSpec[] = [
  ...['assign_hf_value', 'assign_hf_value2'].map((name) =>
    spec(name, 'header value', 'gives a header field another value', (run, [header, value]) =>
      editValue(run, textOf(header, run), ({ value: start, end }) => run.edits.replace(start, end, textOf(value, run))),
    ),
  ),
  ...['remove_hf_value', 'remove_hf_value2'].map((name) =>
    spec(name, 'header', 'removes a header field by its index', (run, [header]) =>
      editValue(run, textOf(header, run), ({ line, next }) => run.edits.remove(line, next)),
    ),
  ),
  spec('fnmatch', 'text pattern flags?', 'whether a text matches a shell pattern', (run, [text, pattern, flags]) => {
    // As recorded, the flag "i" makes no difference.
    void flags;
    return code(fnmatch(textOf(pattern, run), textOf(text, run)));
  }),
  spec('change_reply_status_code', 'code', 'gives the reply another code', (run, [status]) => {
    run.newStatus = `${textOf(status, run)} ${run.message.reason}`;
    return 1;
  }),
  spec('msg_set_buffer', 'text', 'false: a message is not replaced by a text of a script', () => -1),
];

/** A walk over header fields, or over the lines of the body. */
interface Walk {
  readonly parts: readonly {
    readonly start: number;
    readonly end: number;
    readonly name: string;
    readonly body: string;
  }[];
  at: number;
}

const walks = new WeakMap<object, Map<string, Walk>>();

function walksOf(run: MessageRun): Map<string, Walk> {
  let all = walks.get(run.call);
  if (all === undefined) {
    all = new Map();
    walks.set(run.call, all);
  }
  return all;
}

/** Walks one message may have: those of the original. */
const MOST_WALKS = 4;

/** The part a walk stands at, for $hfitname, $hfitbody and $blitval; undefined before the first and behind the last. */
export function walkedPart(
  run: MessageRun | undefined,
  kind: 'hf' | 'bl',
  name: string,
): Walk['parts'][number] | undefined {
  if (run === undefined) return undefined;
  const walk = walksOf(run).get(`${kind} ${name}`);
  return walk?.parts[walk.at];
}

function iterator(kind: 'hf' | 'bl', parts: (run: MessageRun) => Walk['parts']): FunctionSpec[] {
  const key = (arg: Arg | undefined, run: MessageRun) => `${kind} ${textOf(arg, run)}`;
  const step =
    (by: number): Body =>
    (run, [name]) => {
      const walk = walksOf(run).get(key(name, run));
      if (walk === undefined) return -1;
      const next = walk.at + by;
      if (by < 0 && next < -1) return 1;
      walk.at = Math.min(walk.parts.length, next);
      return by < 0 ? 1 : code(walk.at < walk.parts.length);
    };
  const edit =
    (change: (run: MessageRun, part: Walk['parts'][number], text: string) => void): Body =>
    (run, [name, text]) => {
      const part = walkedPart(run, kind, textOf(name, run));
      if (part === undefined) return -1;
      change(run, part, textOf(text, run));
      return 1;
    };
  return [
    spec(`${kind}_iterator_start`, 'name', 'begins a walk', (run, [name]) => {
      const all = walksOf(run);
      if (all.size >= MOST_WALKS && !all.has(key(name, run))) return -1;
      all.set(key(name, run), { parts: parts(run), at: -1 });
      return 1;
    }),
    spec(`${kind}_iterator_next`, 'name', 'goes on; false at the end', step(1)),
    ...(kind === 'hf' ? [spec('hf_iterator_prev', 'name', 'goes back', step(-1))] : []),
    spec(`${kind}_iterator_end`, 'name', 'ends a walk', (run, [name]) => code(walksOf(run).delete(key(name, run)))),
    spec(
      `${kind}_iterator_rm`,
      'name',
      'removes what the walk stands at',
      edit((run, { start, end }) => run.edits.remove(start, end)),
    ),
    spec(
      `${kind}_iterator_append`,
      'name text',
      'adds a text behind what the walk stands at',
      edit((run, { end }, text) => run.edits.insert(end, text)),
    ),
    spec(
      `${kind}_iterator_insert`,
      'name text',
      'adds a text before what the walk stands at',
      edit((run, { start }, text) => run.edits.insert(start, text)),
    ),
  ];
}

function headerParts(run: MessageRun): Walk['parts'] {
  const { text } = run.message;
  return [...run.message.fields()].map((field) => ({
    start: field.line,
    end: field.next,
    name: text.slice(field.line, field.nameEnd),
    body: fieldText(run, field),
  }));
}

function bodyParts(run: MessageRun): Walk['parts'] {
  const { text, bodyStart, bodyEnd } = run.message;
  const parts: { start: number; end: number; name: string; body: string }[] = [];
  for (let at = bodyStart; at < bodyEnd; ) {
    const feed = text.indexOf('\n', at);
    const end = feed < 0 || feed >= bodyEnd ? bodyEnd : feed + 1;
    parts.push({ start: at, end, name: '', body: text.slice(at, end) });
    at = end;
  }
  return parts;
}

/** Functions on the text of messages that Kamailio's textops and textopsx have, and OpenSIPS has not. */
export const kamailioTextFunctions: ScriptFunction[] = [
  ...moduleFunctions('textops', [...textTests, ...edits]),
  ...moduleFunctions('textopsx', [...values, ...iterator('hf', headerParts), ...iterator('bl', bodyParts)]),
];
