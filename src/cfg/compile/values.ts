import { messageOf } from '../../core/errors.js';
import type { Format } from '../../pvar/format.js';
import type { Expression, VariableReference, Word } from '../ast.js';
import type { ScriptRun } from '../runtime.js';
import type { Result } from '../semantics/operators.js';
import type { CompileContext } from './context.js';
import { coreTest } from './core-tests.js';
import { type CompiledExpression, constantExpression } from './expression.js';
import { isWrittenSelect, type SelectSource, selectSource } from './selects.js';

/** Result for an expression with an error: it has no value. */
const FAILED: CompiledExpression = { type: 'any', constant: undefined, read: () => undefined, calls: false };

/** A select of Kamailio: a text, "" when it has no value. */
export function selectValue(
  { text, at }: Extract<Expression, { kind: 'select' }>,
  context: CompileContext,
): CompiledExpression {
  const { problems, tree } = context;
  let source: SelectSource | undefined;
  if (!isWrittenSelect(text.slice(1))) {
    problems.error(
      'expression',
      at,
      `${text} is not a select: expected names separated by dots, each with at most one index or "text" in brackets`,
    );
    return FAILED;
  }
  try {
    source = selectSource(text.slice(1), tree);
  } catch (error) {
    problems.error('expression', at, `select ${text} ${messageOf(error)}`);
    return FAILED;
  }
  if (source === undefined) {
    problems.warning('no-effect', at, `unknown select ${text}: its value is always empty`);
    return { type: 'any', constant: undefined, calls: false, read: () => '' };
  }
  if ('constant' in source) {
    const value = String(source.constant);
    return { type: 'any', constant: undefined, calls: false, read: () => value };
  }
  if (source.format === '') return { type: 'any', constant: undefined, calls: false, read: () => '' };
  const format = context.format(source.format, at);
  if (format === undefined) return FAILED;
  const { edit } = source;
  const read = (run: ScriptRun): string => String(format.evaluateValue(run.pvars) ?? '');
  return {
    type: 'any',
    constant: undefined,
    calls: false,
    read: edit === undefined ? read : (run) => edit(read(run)),
  };
}

/** The value of a variable. */
export function variableValue(node: VariableReference, context: CompileContext): CompiledExpression {
  const name = /^\$([A-Za-z_]\w*)$/.exec(node.text)?.[1];
  if (name === undefined && node.text === '$?') return variableValue({ ...node, text: '$rc' }, context);
  const format = context.variable(node);
  if (format === undefined) return FAILED;
  if (context.dialect.operators.emptyIsNull?.has(node.text) === true) {
    const read = readerOf(format);
    return { type: 'any', constant: undefined, calls: false, read: (run) => read(run) || null };
  }
  return {
    type: format.digits ? 'digits' : 'any',
    constant: undefined,
    calls: false,
    variable: format,
    emptyIsZero: context.dialect.operators.emptyIsZero?.test(node.text),
    read: readerOf(format),
  };
}

/** The value of a bare word: a word such as "yes", or a test of the core. */
export function wordValue(node: Word, context: CompileContext): CompiledExpression {
  const { dialect, problems } = context;
  const flag = dialect.syntax.switchWords(node.text);
  if (flag !== undefined) return constantExpression(flag);
  const test = dialect.syntax.coreTests ? coreTest(node.text, context) : undefined;
  if (test !== undefined) return test;
  problems.error('expression', node.at, `${node.text} is not a value; a string needs quotes`);
  return FAILED;
}

function readerOf(format: Format): (run: ScriptRun) => Result {
  const { getter } = format;
  return getter === undefined ? (run) => format.evaluateValue(run.pvars) : (run) => getter(run.pvars);
}
