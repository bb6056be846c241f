import { AddressBlocks, isAddressBlock } from '../../core/address-blocks.js';
import { ownValue } from '../../core/own-value.js';
import { parseUri } from '../../core/uri.js';
import type { Binary, Expression } from '../ast.js';
import type { ScriptRun } from '../runtime.js';
import type { CompileContext } from './context.js';
import { type CompiledExpression, constantExpression } from './expression.js';

/** Words that the core allows in tests without "$" (`src_ip == ...`), with the variable each one reads. */
const TESTS: Readonly<Record<string, string>> = {
  method: '$rm',
  uri: '$ru',
  from_uri: '$fu',
  to_uri: '$tu',
  src_ip: '$si',
  dst_ip: '$Ri',
  src_port: '$sp',
  dst_port: '$Rp',
  proto: '$proto',
  status: '$rs',
  'msg:len': '$ml',
};
/** Further such words of OpenSIPS before 3.0. */
const OLD_TESTS: Readonly<Record<string, string>> = { retcode: '$rc' };

/** Words compared with a name that has no quotes: INVITE, UDP, INET. */
const WORDS = new Set(['method', 'proto', 'af']);
/** Words that may be compared with "myself", which stands for the addresses and aliases of this proxy. */
const OWN = new Set(['uri', 'from_uri', 'to_uri', 'src_ip', 'dst_ip']);

/** The value of such a word; undefined for any other word. */
export function coreTest(word: string, context: CompileContext): CompiledExpression | undefined {
  if (word === 'af') {
    const read = ({ pvars }: ScriptRun) => (pvars.sourceAddress.includes(':') ? 'INET6' : 'INET');
    return { type: 'any', constant: undefined, calls: false, read };
  }
  // The maximum message length; in OpenSIPS only before 3.0.
  if (word === 'max_len' && !context.dialect.syntax.precedence) return constantExpression(65_535);
  const text = ownValue(TESTS, word) ?? (context.dialect.syntax.precedence ? undefined : ownValue(OLD_TESTS, word));
  if (text === undefined) return undefined;
  const format = context.format(text, { file: '', line: 0, column: 0 });
  if (format === undefined) return undefined;
  return { type: 'any', constant: undefined, calls: false, read: (run) => format.evaluateValue(run.pvars) };
}

/**
 * Compiles a comparison with a bare word: "src_ip == 10.0.0.0/8", "uri == myself", "method == INVITE", and OpenSIPS'
 * network test "$si == 10.0.0.0/8". Undefined for other comparisons.
 */
export function wordComparison(
  node: Binary,
  compile: (left: Expression) => CompiledExpression,
  context: CompileContext,
): CompiledExpression | undefined {
  const { operator } = node;
  const swapped = node.left.kind === 'word' && node.left.text === 'myself' && context.dialect.syntax.coreTests;
  const left = swapped ? node.right : node.left;
  const right = swapped ? node.left : node.right;
  if (right.kind !== 'word' || (operator !== '==' && operator !== '!=')) return undefined;
  const { syntax } = context.dialect;
  const test = left.kind === 'word' && syntax.coreTests ? left.text : undefined;
  const equal = operator === '==';
  if (isAddressBlock(bracketless(right.text)) && (test !== undefined || !syntax.precedence)) {
    const blocks = new AddressBlocks([bracketless(right.text)]);
    return tested(compile(left), (value) => blocks.has(value) === equal);
  }
  if (right.text === 'myself' && syntax.coreTests && (test === undefined || OWN.has(test))) {
    return tested(compile(left), (value, run) => isOwn(value, run) === equal);
  }
  if (test !== undefined && WORDS.has(test)) {
    const wanted = right.text.toLowerCase();
    return tested(compile(left), (value) => (value.toLowerCase() === wanted) === equal);
  }
  return undefined;
}

/** An address without the brackets of IPv6. */
export function bracketless(text: string): string {
  return text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text;
}

/** Whether a URI or an address names this proxy. */
export function isOwn(value: string, run: ScriptRun): boolean {
  const uri = parseUri(value);
  return uri === undefined ? run.isOwn(value, undefined) : run.isOwn(uri.host, uri.port ?? 5060);
}

/** A test that `holds` for the text of an expression; false for an expression without a value. */
export function tested(
  left: CompiledExpression,
  holds: (value: string, run: ScriptRun) => boolean,
): CompiledExpression {
  const { read, calls } = left;
  const test = (run: ScriptRun) => {
    const value = read(run);
    return value !== null && value !== undefined && holds(String(value), run);
  };
  return { type: 'int', constant: undefined, calls, test, read: (run) => (test(run) ? 1 : 0) };
}
