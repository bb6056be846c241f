import type { Expression } from '../../cfg/ast.js';
import { ownValue } from '../../core/own-value.js';
import { literalText } from './expression-text.js';
import { FROM_LIST_CONDITION, fromListOf } from './from-list.js';

/** An entry of a rule's `match`, with the values that satisfy it. */
export interface MatchTest {
  readonly variable: string;
  readonly values: readonly string[];
}

/** Variables that a rule can match and that do not change while the script runs. */
const MATCHABLE =
  /^\$(?:r[mdUpu]|s[ip]|[ft][dU]|ua|ci|pr|R[ip]|hdr\([A-Za-z0-9-]+\))$|^\$(?:from\.(?:user|domain)|to\.(?:user|domain))$/;
/** Core tests of old files, and the corresponding variables. */
const WORDS: Readonly<Record<string, string>> = {
  method: '$rm',
  src_ip: '$si',
  src_port: '$sp',
  dst_ip: '$Ri',
  dst_port: '$Rp',
  uri: '$ru',
};
const LONG_NAMES: Readonly<Record<string, string>> = {
  '$from.user': '$fU',
  '$from.domain': '$fd',
  '$to.user': '$tU',
  '$to.domain': '$td',
};

/** What "myself" means: our host names and addresses; undefined when the file does not name all of them. */
export type OwnNames = readonly string[] | undefined;

/** A condition as an entry of `match`; undefined when none is equivalent. */
export function matchTest(condition: Expression, own: OwnNames): MatchTest | undefined {
  if (condition.kind === 'call') {
    const first = literalText(condition.args[0]);
    const from = fromListOf(condition);
    if (from !== undefined) return { variable: FROM_LIST_CONDITION + from, values: ['1'] };
    if (condition.name !== 'is_myself') return methodTest(condition.name, first, condition.args.length);
    const host = first === undefined ? undefined : ownValue(HOST_OF, first);
    return host !== undefined && own !== undefined ? { variable: host, values: own } : undefined;
  }
  if (condition.kind !== 'binary') return undefined;
  const { operator, left, right } = condition;
  if (right.kind === 'word' && right.text === 'myself') {
    const host = left.kind === 'word' || left.kind === 'variable' ? ownValue(HOST_OF, left.text) : undefined;
    return host !== undefined && own !== undefined && operator === '==' ? { variable: host, values: own } : undefined;
  }
  const variable = variableOf(left);
  if (variable === undefined) return undefined;
  const isNull = right.kind === 'null' || (right.kind === 'variable' && right.text === '$null');
  if (isNull) return operator === '==' ? { variable, values: ['<null>'] } : undefined;
  const value = literalText(right);
  // A text with a variable is different for each request.
  if (value === undefined || value === '' || /\$[A-Za-z(]/.test(value)) return undefined;
  if (operator === '==' || operator === 'eq') {
    // A word is a keyword: a method or an address.
    if (right.kind === 'word' && !/^(?:[A-Z]{3,}|[0-9a-fA-F.:/[\]]+)$/.test(value)) return undefined;
    return value.includes('*') || /^\/.*\/i?$/.test(value) ? undefined : { variable, values: [value] };
  }
  // Both programs match extended regular expressions without case.
  return operator === '=~' ? { variable, values: [`/${value}/i`] } : undefined;
}

/** The variable with the host that a test for "myself" examines. */
const HOST_OF: Readonly<Record<string, string>> = {
  uri: '$rd',
  $ru: '$rd',
  $rd: '$rd',
  from_uri: '$fd',
  $fu: '$fd',
  $fd: '$fd',
  to_uri: '$td',
  $tu: '$td',
  $td: '$td',
};

/** Whether a condition matches keep-alives for the proxy itself, which it answers without a rule. */
export function isKeepAlive(condition: Expression): boolean {
  const parts = conjuncts(condition);
  const isOptions = parts.some((part) => {
    const test = matchTest(part, undefined);
    return test?.variable === '$rm' && test.values.length === 1 && test.values[0] === 'OPTIONS';
  });
  const isForUs = parts.some((part) => matchTest(part, ['own'])?.values[0] === 'own');
  return isOptions && isForUs;
}

function conjuncts(condition: Expression): Expression[] {
  if (condition.kind !== 'binary' || condition.operator !== '&&') return [condition];
  return [...conjuncts(condition.left), ...conjuncts(condition.right)];
}

function variableOf(expression: Expression): string | undefined {
  const text =
    expression.kind === 'variable'
      ? (ownValue(LONG_NAMES, expression.text) ?? expression.text)
      : expression.kind === 'word'
        ? ownValue(WORDS, expression.text)
        : undefined;
  return text !== undefined && MATCHABLE.test(text) ? text : undefined;
}

/** is_method("INVITE|ACK"); methods that the proxy handles itself need no rule. */
function methodTest(name: string, methods: string | undefined, count: number): MatchTest | undefined {
  if (name !== 'is_method' || methods === undefined || count !== 1) return undefined;
  const values = methods.split('|').map((method) => method.trim().toUpperCase());
  return values.every((method) => /^[A-Z]+$/.test(method)) ? { variable: '$rm', values } : undefined;
}
