import { fnmatch } from '../engine/fnmatch.js';
import type { MessageRun } from '../script/call.js';
import { PerCall } from '../script/per-call.js';
import { type Arg, code, type FunctionSpec, intOf, moduleFunctions, type ScriptFunction, textOf } from './define.js';
import { fieldText } from './header-fields.js';
import { headerValueFunctions } from './header-values.js';
import { type Body, kamailioFunction } from './kamailio-function.js';
import { changeReplyStatus } from './replying.js';

const values: FunctionSpec[] = [
  ...headerValueFunctions,
  kamailioFunction(
    'fnmatch',
    'text pattern flags?',
    'whether a text matches a shell pattern',
    (run, [text, pattern, flags]) => {
      // As recorded, the flag "i" has no effect.
      void flags;
      return code(fnmatch(textOf(pattern, run), textOf(text, run)));
    },
  ),
  kamailioFunction('change_reply_status_code', 'code', 'changes the status of the reply', (run, [status]) =>
    changeReplyStatus(run, intOf(status, run, 0), run.message.reason),
  ),
  kamailioFunction('msg_set_buffer', 'text', 'false: a message is not replaced by a text of a script', () => -1),
];

/** An iteration over header fields, or over the lines of the body. */
interface Walk {
  readonly parts: readonly {
    readonly start: number;
    readonly end: number;
    readonly name: string;
    readonly body: string;
  }[];
  at: number;
}

const walks = new PerCall(() => new Map<string, Walk>());

/** Maximum number of iterations of one message, as in the original. */
const MAX_WALKS = 4;

/**
 * The current part of an iteration, for $hfitname, $hfitbody and $blitval; undefined before the first and after the
 * last.
 */
export function walkedPart(
  run: MessageRun | undefined,
  kind: 'hf' | 'bl',
  name: string,
): Walk['parts'][number] | undefined {
  if (run === undefined) return undefined;
  const walk = walks.known(run.call)?.get(`${kind} ${name}`);
  return walk?.parts[walk.at];
}

function iterator(kind: 'hf' | 'bl', parts: (run: MessageRun) => Walk['parts']): FunctionSpec[] {
  const key = (arg: Arg | undefined, run: MessageRun) => `${kind} ${textOf(arg, run)}`;
  const step =
    (by: number): Body =>
    (run, [name]) => {
      const walk = walks.of(run.call).get(key(name, run));
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
    kamailioFunction(`${kind}_iterator_start`, 'name', 'begins a walk', (run, [name]) => {
      const all = walks.of(run.call);
      if (all.size >= MAX_WALKS && !all.has(key(name, run))) return -1;
      all.set(key(name, run), { parts: parts(run), at: -1 });
      return 1;
    }),
    kamailioFunction(`${kind}_iterator_next`, 'name', 'goes to the next entry; false at the end', step(1)),
    ...(kind === 'hf' ? [kamailioFunction('hf_iterator_prev', 'name', 'goes back', step(-1))] : []),
    kamailioFunction(`${kind}_iterator_end`, 'name', 'ends an iteration', (run, [name]) => {
      const walk = walks.of(run.call).get(key(name, run));
      // As recorded, starting an existing iteration begins it again.
      if (walk !== undefined) walk.at = -1;
      return code(walk !== undefined);
    }),
    kamailioFunction(
      `${kind}_iterator_rm`,
      'name',
      'removes the current item of an iteration',
      edit((run, { start, end }) => run.edits.remove(start, end)),
    ),
    kamailioFunction(
      `${kind}_iterator_append`,
      'name text',
      'inserts a text after the current item of an iteration',
      edit((run, { end }, text) => run.edits.insert(end, text)),
    ),
    kamailioFunction(
      `${kind}_iterator_insert`,
      'name text',
      'inserts a text before the current item of an iteration',
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

/** Functions of Kamailio's textopsx. */
export const textopsxFunctions: ScriptFunction[] = moduleFunctions('textopsx', [
  ...values,
  ...iterator('hf', headerParts),
  ...iterator('bl', bodyParts),
]);
