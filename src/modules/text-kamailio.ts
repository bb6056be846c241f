import { trimmed } from '../core/characters.js';
import { findText, holdsText, splitAt } from '../core/find-text.js';
import { appendHeader, HEADER_FUNCTIONS, removeNamed } from '../route/functions/headers.js';
import type { MessageRun } from '../script/call.js';
import { type Args, code, type FunctionSpec, moduleFunctions, type ScriptFunction, textOf } from './define.js';
import { FIELD_NAME, fieldText, removeHeaders } from './header-fields.js';
import { kamailioFunction } from './kamailio-function.js';
import { multipartFunctions } from './multipart.js';
import { anyCase, byLine, exactly } from './patterns.js';

/** Maximum number of replacements in one call. */
const MAX_REPLACEMENTS = 256;

/**
 * Replaces a text between two offsets: its first occurrence, or with mode "a" all. As recorded, returns 1 even when
 * there is none.
 */
function replaceText(run: MessageRun, [old, by, mode]: Args, from: number, to: number): number {
  const wanted = textOf(old, run);
  if (wanted === '') return 1;
  const text = textOf(by, run);
  const whole = run.message.text;
  const all = textOf(mode, run).includes('a');
  let at = from;
  for (let i = 0; i < MAX_REPLACEMENTS; i++) {
    const found = findText(whole, wanted, at);
    if (found < 0 || found + wanted.length > to) break;
    if (found >= run.message.bodyStart) run.edits.replaceInBody([{ start: found, end: found + wanted.length, text }]);
    else run.edits.replace(found, found + wanted.length, text);
    if (!all) break;
    at = found + wanted.length;
  }
  return 1;
}

function matcher(how: string, wanted: string): ((value: string) => boolean) | undefined {
  switch (how) {
    case 'eq':
      return (value) => value === wanted;
    case 'ne':
      return (value) => value !== wanted;
    case 'in':
      return (value) => holdsText(value, wanted);
    case 're': {
      const regex = exactly(wanted);
      return (value) => regex.test(value);
    }
    default:
      return undefined;
  }
}

function removeMatching(run: MessageRun, [name, how, wanted]: Args): number {
  const test = matcher(textOf(how, run), textOf(wanted, run));
  if (test === undefined || !FIELD_NAME.test(textOf(name, run))) return -1;
  let found = 0;
  for (const field of run.fields(textOf(name, run))) {
    if (!test(fieldText(run, field))) continue;
    run.edits.remove(field.line, field.next);
    found++;
  }
  return found > 0 ? 1 : -2;
}

/** The value of Date (RFC 3261 section 20.17). */
const dateOf = (ms: number): string => new Date(ms).toUTCString();

const textTests: FunctionSpec[] = [
  kamailioFunction('starts_with', 'text start', 'whether a text begins with another', (run, [text, start]) => {
    const [a, b] = [textOf(text, run), textOf(start, run)];
    if (a.startsWith(b)) return 1;
    // As recorded, the result depends on which of the two texts sorts first.
    return b.length <= a.length && a < b ? -2 : -1;
  }),
  kamailioFunction('ends_with', 'text end', 'whether a text ends with another', (run, [text, end]) => {
    const [whole, wanted] = [textOf(text, run), textOf(end, run)];
    const tail = whole.slice(Math.max(0, whole.length - wanted.length));
    if (tail === wanted) return 1;
    // As recorded, the result depends on which of the two texts sorts first.
    return whole.length >= wanted.length && tail < wanted ? -2 : -1;
  }),
  kamailioFunction('cmp_str', 'one other', 'whether two texts are the same', (run, [a, b]) =>
    textOf(a, run) === textOf(b, run) ? 1 : textOf(a, run) < textOf(b, run) ? -2 : -1,
  ),
  kamailioFunction('cmp_istr', 'one other', 'whether two texts are equal, ignoring letter case', (run, [a, b]) => {
    const [x, y] = [textOf(a, run).toLowerCase(), textOf(b, run).toLowerCase()];
    return x === y ? 1 : x < y ? -2 : -1;
  }),
  kamailioFunction('str_find', 'text part', 'the position of a text in another, counted from 1', (run, [text, part]) =>
    found(textOf(text, run), textOf(part, run)),
  ),
  kamailioFunction(
    'str_ifind',
    'text part',
    'the position of a text in another, ignoring letter case',
    (run, [text, part]) => found(textOf(text, run).toLowerCase(), textOf(part, run).toLowerCase()),
  ),
  kamailioFunction('in_list', 'text list separator', 'whether a list contains a text', (run, [text, list, mark]) => {
    const wanted = textOf(text, run);
    return code(
      wanted !== '' && splitAt(textOf(list, run), textOf(mark, run)).some((each) => trimmed(each) === wanted),
    );
  }),
  kamailioFunction(
    'in_list_prefix',
    'text list separator',
    'whether a list contains a prefix of a text',
    (run, [text, list, mark]) => {
      const wanted = textOf(text, run);
      return code(
        splitAt(textOf(list, run), textOf(mark, run)).some(
          (each) => trimmed(each) !== '' && wanted.startsWith(trimmed(each)),
        ),
      );
    },
  ),
  kamailioFunction('is_present_hf_pv', 'name', 'whether there is a header field with a name', (run, [name]) =>
    HEADER_FUNCTIONS.is_present_hf.run(run, textOf(name, run)),
  ),
  kamailioFunction(
    'is_present_hf_re_pv',
    'pattern',
    'whether there is a header field whose name matches',
    (run, [pattern]) => {
      const regex = anyCase(textOf(pattern, run));
      return code(namesOf(run).some((name) => regex.test(name)));
    },
  ),
  kamailioFunction('search_str', 'text pattern', 'whether a text matches', (run, [text, pattern]) =>
    textOf(text, run) === '' ? -2 : code(anyCase(textOf(pattern, run)).test(textOf(text, run))),
  ),
];

function found(text: string, part: string): number {
  const at = findText(text, part);
  return at < 0 ? -1 : at + 1;
}

function namesOf(run: MessageRun): string[] {
  return [...run.message.fields()].map(({ line, nameEnd }) => run.message.text.slice(line, nameEnd));
}

function removeExcept(run: MessageRun, [pattern, except]: Args): number {
  const [wanted, kept] = [textOf(pattern, run), textOf(except, run)].map((each) => anyCase(each));
  return code(removeHeaders(run, (name) => wanted?.test(name) === true && kept?.test(name) !== true) > 0);
}

const edits: FunctionSpec[] = [
  kamailioFunction('remove_hf_pv', 'name', 'removes the header fields of a name', (run, [name]) => {
    const wanted = textOf(name, run);
    if (!FIELD_NAME.test(wanted)) return -1;
    removeNamed(run, wanted);
    return 1;
  }),
  kamailioFunction('remove_hf_re_pv', 'pattern', 'removes header fields whose names match', (run, [pattern]) => {
    const regex = anyCase(textOf(pattern, run));
    return code(removeHeaders(run, (name) => regex.test(name)) > 0);
  }),
  kamailioFunction(
    'remove_hf_exp_pv',
    'pattern except',
    'removes header fields whose names match one pattern and not the other',
    removeExcept,
  ),
  kamailioFunction(
    'remove_hf_match',
    'name operator value',
    'removes the header fields of a name whose values match',
    removeMatching,
  ),
  kamailioFunction('append_time_to_request', '', 'adds a Date to the request', (run) =>
    appendHeader(run, `Date: ${dateOf(run.env.clock.now())}\r\n`),
  ),
  kamailioFunction('append_time', '', 'adds a Date to replies', (run) => {
    run.call.replyLines += `Date: ${dateOf(run.env.clock.now())}\r\n`;
    return 1;
  }),
  kamailioFunction('replace_str', 'text by mode', 'replaces a text in the message', (run, args) =>
    replaceText(run, args, run.message.headersStart, run.message.bodyEnd),
  ),
  kamailioFunction('replace_hdrs_str', 'text by mode', 'replaces a text in the header fields', (run, args) =>
    replaceText(run, args, run.message.headersStart, run.message.headersEnd),
  ),
  kamailioFunction('replace_body_str', 'text by mode', 'replaces a text in the body', (run, args) =>
    run.message.body === '' ? -1 : replaceText(run, args, run.message.bodyStart, run.message.bodyEnd),
  ),
  kamailioFunction(
    'search_append_body',
    'pattern text',
    'inserts a text after the match in the body',
    (run, [pattern, text]) => {
      const { bodyStart, bodyEnd } = run.message;
      const match = byLine(textOf(pattern, run)).match(run.message.text.slice(bodyStart, bodyEnd), 0);
      if (match === undefined) return -1;
      run.edits.insert(bodyStart + match.end, textOf(text, run));
      return 1;
    },
  ),
  kamailioFunction(
    'regex_substring',
    'text pattern index count variable',
    'a part that a pattern finds in a text',
    (run, [text, pattern, index, count, target]) => {
      // As recorded, the count limits the whole match and the groups that can be used.
      if ((Number(textOf(count, run)) || 0) <= (Number(textOf(index, run)) || 0)) return -1;
      const match = exactly(textOf(pattern, run)).match(textOf(text, run), 0) as
        | { groups?: readonly (string | undefined)[] }
        | undefined;
      if (match === undefined) return -2;
      const group = match.groups?.[Number(textOf(index, run))];
      if (group === undefined) return -1;
      target?.variable?.assign(run.pvars, group);
      return 1;
    },
  ),
  kamailioFunction('set_reply_body', 'body type', 'sets the body of replies of this proxy', (run, [body, type]) => {
    const kind = textOf(type, run);
    if (kind === '') return -1;
    // As recorded, the first of two bodies is sent.
    if (run.call.replyBody === '') run.call.replyBody = textOf(body, run);
    run.call.replyLines += `Content-Type: ${kind}\r\n`;
    return 1;
  }),
  ...multipartFunctions,
];

/** Functions on the text of messages that only Kamailio's textops has. */
export const kamailioTextFunctions: ScriptFunction[] = moduleFunctions('textops', [...textTests, ...edits]);
