import type { PvarValue } from '../../pvar/value.js';
import type { BinaryOperator } from '../ast.js';
import {
  type Arithmetic,
  type ArithmeticOperator,
  type Comparison,
  type ComparisonOperator,
  integerArithmetic,
  type Operators,
  ordered,
  type Result,
  type StaticType,
} from './operators.js';

/** A value as an integer: null, and text that is not a number, count as 0. */
function toInteger(value: Result): number {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string' || !/^[+-]?[0-9]{1,18}$/.test(value)) return 0;
  return Number(value) | 0;
}

const toText = (value: Result): string => (value === null || value === undefined ? '' : String(value));

/** "+" depends on its left operand: texts are concatenated, numbers added. All other operators calculate. */
function arithmetic(operator: ArithmeticOperator, left: StaticType): Arithmetic {
  if (operator === '+' && left !== 'int') {
    return (a, b) => {
      if (a === undefined || b === undefined) return undefined;
      return typeof a === 'number' ? (a + toInteger(b)) | 0 : toText(a) + toText(b);
    };
  }
  return (a, b, faults, at) => {
    if (a === undefined || b === undefined) return undefined;
    const right = toInteger(b);
    if (right === 0 && (operator === '/' || operator === '%')) {
      faults.fault(at, 'division by zero');
      return undefined;
    }
    return integerArithmetic(operator, toInteger(a), right);
  };
}

/**
 * The left operand decides whether numbers or texts are compared. null counts as "" among texts and as 0 among numbers.
 */
function comparison(
  operator: ComparisonOperator,
  left: StaticType,
  right: StaticType,
  constant?: PvarValue | undefined,
): Comparison {
  if (right === 'null' && NULL_TESTS.has(operator)) {
    const equal = operator === '==' || operator === 'ieq';
    return (a, b) => (a === undefined || b === undefined ? undefined : (a === b) === equal);
  }
  const holds = ordered(operator);
  const numeric = (a: Result, b: Result) =>
    a === undefined || b === undefined ? undefined : holds(toInteger(a), toInteger(b));
  const textual = (a: Result, b: Result) =>
    a === undefined || b === undefined ? undefined : holds(toText(a), toText(b));
  if (operator === 'eq' || operator === 'ne') return textual;
  if (operator !== '==' && operator !== '!=') return numeric;
  if (left === 'int') return numeric;
  if (typeof constant === 'string' && right === 'string') return toConstant(operator, constant);
  if (left === 'string' || right === 'string') return textual;
  return (a, b) => {
    const number = typeof a === 'number' || (a === null && typeof b === 'number');
    return number ? numeric(a, b) : textual(a, b);
  };
}

/**
 * "==" and "!=" with a constant text. As recorded, a number is compared with the number that the text stands for; ""
 * stands for none.
 */
function toConstant(operator: '==' | '!=', constant: string): Comparison {
  const equal = operator === '==';
  // A number is compared with "" only as to whether it is 0.
  const number = constant === '' ? 0 : toInteger(constant);
  return (value) => {
    if (typeof value === 'string') return (value === constant) === equal;
    if (typeof value === 'number') return constant === '' ? !equal && value !== 0 : (value === number) === equal;
    return value === undefined ? undefined : (toText(value) === constant) === equal;
  };
}

/** Operators that test for the absence of a value when they are used with `$null`. */
const NULL_TESTS: ReadonlySet<string> = new Set(['==', '!=', 'ieq', 'ine']);

/** Type errors that are found at load. */
function mismatch(operator: BinaryOperator, left: StaticType, right: StaticType): string | undefined {
  switch (operator) {
    case '+':
      return left === 'int' && right === 'string' ? 'a number and a string cannot be added' : undefined;
    case '==':
    case '!=':
      return left === 'int' && (right === 'string' || right === 'null')
        ? 'a number cannot be compared with a string'
        : undefined;
    case 'eq':
    case 'ne':
      return left === 'int' ? `operator ${operator} compares strings only` : undefined;
    case '&&':
    case '||':
      return left === 'string' || right === 'string' ? `operator ${operator} needs numbers` : undefined;
    case 'ieq':
    case 'ine':
      // As recorded, a string can be compared only with a string or null, and a number not with null.
      if (right === 'string' || (left === 'string' && right !== 'null') || (left === 'int' && right === 'null'))
        return `operator ${operator} compares numbers only`;
      return undefined;
    case '=~':
    case '!~':
      if (left === 'int') return 'a pattern can only be matched against a string, not against a number';
      return right === 'int' ? 'a pattern must be a string, not a number' : undefined;
    default:
      return left === 'string' || right === 'string' ? `operator ${operator} needs numbers` : undefined;
  }
}

const TRANSPORTS = new Map(
  ['udp', 'tcp', 'tls', 'sctp', 'ws', 'wss'].flatMap((name, i) => [
    [name, i + 1] as const,
    [name.toUpperCase(), i + 1] as const,
  ]),
);
const SCHEMES = new Map([
  ['sip', 1],
  ['sips', 2],
  ['tel', 3],
  ['tels', 4],
  ['urn', 5],
]);
const METHODS = new Map(
  'INVITE CANCEL ACK BYE INFO REGISTER SUBSCRIBE NOTIFY MESSAGE OPTIONS PRACK UPDATE REFER PUBLISH KDMQ GET POST PUT DELETE'
    .split(' ')
    .map((name, bit) => [name, 1 << bit] as const),
);
// All other methods.
METHODS.set('', 1 << 19);

/** As recorded, these variables have a number besides their text; it is used only where a number is needed. */
const NUMBERED: ReadonlyMap<string, ReadonlyMap<string, number>> = new Map([
  ...['$pr', '$proto', '$rP', '$oP', '$dP', '$nh(P)'].map((name) => [name, TRANSPORTS] as const),
  ['$rz', SCHEMES],
  ['$rm', METHODS],
]);

/** Variables that cannot be assigned a number. */
const TEXTS: ReadonlySet<string> = new Set(['$ru', '$rU', '$rd', '$du']);

/** Kamailio's rules of calculation and comparison. */
export const KAMAILIO_OPERATORS: Operators = {
  // As recorded for a URI without a port.
  emptyIsZero: /\{(?:uri\.port|s\.int)\}\)$/,
  // As recorded, an assignment is true as a condition when it could be carried out.
  assignmentHolds: (target) =>
    TEXTS.has(target) ? (value) => value !== undefined && typeof value !== 'number' : (value) => value !== undefined,
  // As recorded: without a Route the variable is "".
  emptyIsNull: new Set(['$route_uri']),
  numbersOf: (variable) => NUMBERED.get(variable),
  addsInNumericContext: true,
  mismatch,
  arithmetic,
  arithmeticType(operator, left) {
    if (operator !== '+') return 'int';
    return left === 'int' || left === 'string' ? left : 'any';
  },
  comparison,
  caseEquals(subject, label, constant) {
    if (label === 'int') return comparison('==', 'int', 'int');
    // As recorded, a number and a text are compared as texts in a switch.
    if (typeof constant === 'string') return (value) => (value === undefined ? undefined : toText(value) === constant);
    return comparison('==', subject === 'int' ? 'any' : subject, label, constant);
  },
  // null counts as "".
  matchText: (value) => (value === undefined ? undefined : toText(value)),
  truth: (value) => toInteger(value) > 0,
  loopTruth: (value) => toInteger(value) !== 0,
  logicalTruth: (value) => toInteger(value) !== 0,
  integer: (value) => (value === undefined ? undefined : toInteger(value)),
};
