import { AddressBlocks, isAddressBlock } from '../../core/address-blocks.js';
import { ownValue } from '../../core/own-value.js';
import type { Binary, BinaryOperator, Expression } from '../ast.js';
import type { ScriptRun } from '../runtime.js';
import type { ComparisonOperator } from '../semantics/operators.js';
import type { CompileContext } from './context.js';
import { bracketless, coreTest, isOwn, tested } from './core-tests.js';
import { type CompiledExpression, constantExpression } from './expression.js';
import { compared, matched, truthValue } from './operations.js';

type Kind = 'uri' | 'method' | 'address' | 'number' | 'proto' | 'af';

/** The words of Kamailio's core that must be compared with something. */
const WORDS: ReadonlyMap<string, Kind> = new Map([
  ['uri', 'uri'],
  ['from_uri', 'uri'],
  ['to_uri', 'uri'],
  ['method', 'method'],
  ['src_ip', 'address'],
  ['dst_ip', 'address'],
  ['src_port', 'number'],
  ['dst_port', 'number'],
  ['msg:len', 'number'],
  ['proto', 'proto'],
  ['af', 'af'],
  // These are always 0.
  ['to_port', 'number'],
  ['snd_port', 'number'],
  ['to_proto', 'number'],
  ['snd_proto', 'number'],
  ['to_af', 'number'],
  ['snd_af', 'number'],
]);

const EQUALITY: readonly BinaryOperator[] = ['==', '!=', 'eq', 'ne'];
const ORDER: readonly BinaryOperator[] = [...EQUALITY, '<', '>', '<=', '>='];
const OPERATORS: Readonly<Record<Kind, readonly BinaryOperator[]>> = {
  uri: [...EQUALITY, '=~'],
  method: [...EQUALITY, '=~'],
  address: [...EQUALITY, '=~'],
  number: ORDER,
  proto: EQUALITY,
  af: ORDER,
};

const FAMILIES: Readonly<Record<string, number>> = { inet: 2, inet6: 10 };
/** As recorded, an address family may be compared with the number of a protocol too. */
const PROTOCOLS: Readonly<Record<string, number>> = { udp: 1, tcp: 2, tls: 3, sctp: 4, ws: 5, wss: 6, ...FAMILIES };

/** What compiles the operands. */
interface Compiler {
  compile(node: Expression): CompiledExpression;
  number(node: Expression): CompiledExpression;
}

/** Whether a word must be followed by a comparison. */
export function needsComparison(word: string): boolean {
  return WORDS.has(word);
}

/**
 * Compiles a comparison of Kamailio that begins with a word of the core, as recorded; undefined for other comparisons.
 * Reports what the grammar of the original refuses.
 */
export function coreComparison(
  node: Binary,
  compiler: Compiler,
  context: CompileContext,
): CompiledExpression | undefined {
  if (!context.dialect.syntax.coreTests || !context.dialect.syntax.precedence) return undefined;
  if (node.left.kind !== 'word') {
    if (node.right.kind === 'word' && node.right.text === 'myself')
      context.problems.error('expression', node.right.at, 'myself is compared with a word such as uri');
    return undefined;
  }
  if (node.left.text === 'myself') {
    const { right } = node;
    const kind = right.kind === 'word' ? WORDS.get(right.text) : undefined;
    if (kind === 'uri' || kind === 'address')
      return coreComparison({ ...node, left: right, right: node.left }, compiler, context);
    context.problems.error('expression', right.at, 'myself is compared with a word such as uri');
    return constantExpression(0);
  }
  const kind = WORDS.get(node.left.text);
  if (kind === undefined) return undefined;
  if (!OPERATORS[kind].includes(node.operator)) {
    context.problems.error('expression', node.at, `${node.left.text} cannot be compared by ${node.operator}`);
    return constantExpression(0);
  }
  const left = leftOf(node.left.text, kind, context);
  if (kind === 'number' || kind === 'proto' || kind === 'af') return numbers(node, kind, left, compiler, context);
  return texts(node, kind, left, compiler, context);
}

function leftOf(word: string, kind: Kind, context: CompileContext): CompiledExpression {
  if (kind === 'af') return number(({ pvars }) => (pvars.sourceAddress.includes(':') ? 10 : 2));
  const value = coreTest(word, context);
  if (value === undefined) return number(() => 0);
  const { read } = value;
  if (kind === 'proto') return number((run) => ownValue(PROTOCOLS, String(read(run))) ?? 0);
  return kind === 'number' ? { ...value, type: 'int' } : value;
}

function number(read: (run: ScriptRun) => number): CompiledExpression {
  return { type: 'int', constant: undefined, calls: false, read };
}

function numbers(
  node: Binary,
  kind: Kind,
  left: CompiledExpression,
  compiler: Compiler,
  context: CompileContext,
): CompiledExpression {
  const { right } = node;
  const names = kind === 'af' ? FAMILIES : kind === 'proto' ? PROTOCOLS : {};
  const known = right.kind === 'word' ? ownValue(names, right.text.toLowerCase()) : undefined;
  const value = known === undefined ? compiler.number(right) : constantExpression(known);
  // As recorded, a number is neither equal to a string nor different from it.
  if (value.type === 'string') return truthValue(() => false, false);
  return compared(ownValue(SAME, node.operator) ?? (node.operator as ComparisonOperator), [left, value], context);
}

const SAME: Readonly<Record<string, ComparisonOperator>> = { eq: '==', ne: '!=' };

function texts(
  node: Binary,
  kind: Kind,
  left: CompiledExpression,
  compiler: Compiler,
  context: CompileContext,
): CompiledExpression {
  const { right, operator } = node;
  const equal = operator === '==' || operator === 'eq';
  if (right.kind === 'word') {
    const { text } = right;
    if (text === 'myself' && kind !== 'method' && operator !== '=~')
      return tested(left, (value, run) => isOwn(value, run) === equal);
    if (kind === 'method') {
      if (operator === '=~') return matched(node, '=~', [left, constantExpression(text)], context, undefined);
      const wanted = text.toLowerCase();
      return tested(left, (value) => (value.toLowerCase() === wanted) === equal);
    }
    // "=~" with an address is accepted there too.
    if (kind === 'address' && isAddressBlock(bracketless(text))) return inBlock(left, text, equal || operator === '=~');
    // A host name is not resolved here, so it equals no address.
    if (kind === 'address' && operator !== '=~' && /^[A-Za-z]/.test(text)) return truthValue(() => !equal, false);
    context.problems.error('expression', right.at, `${text} is not a value; a string needs quotes`);
    return constantExpression(0);
  }
  if (kind === 'address' && right.kind === 'int') {
    context.problems.error('expression', right.at, `${right.text} is not an address`);
    return constantExpression(0);
  }
  const value = compiler.compile(right);
  if (operator === '=~') return matched(node, '=~', [left, value], context, undefined);
  const { constant } = value;
  if (kind === 'address' && typeof constant === 'string' && isAddressBlock(bracketless(constant)))
    return inBlock(left, constant, equal);
  const { read, calls } = value;
  const same = kind === 'method' ? (text: string) => text.toLowerCase() : (text: string) => text;
  const test = tested(left, (first, run) => (same(first) === same(String(read(run) ?? ''))) === equal);
  return calls ? { ...test, calls } : test;
}

function inBlock(left: CompiledExpression, text: string, equal: boolean): CompiledExpression {
  const blocks = new AddressBlocks([bracketless(text)]);
  return tested(left, (value) => blocks.has(value) === equal);
}
