import type { PvarValue } from '../../pvar/value.js';
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

function arithmetic(operator: ArithmeticOperator): Arithmetic {
  return (left, right, faults, at) => {
    if (left === undefined || right === undefined) return undefined;
    if (typeof left === 'number' && typeof right === 'number') {
      if (right === 0 && (operator === '/' || operator === '%')) {
        faults.fault(at, 'division by zero');
        return 0;
      }
      return integerArithmetic(operator, left, right);
    }
    if (operator === '+') {
      if (typeof left === 'string' && typeof right === 'string') return left + right;
      if (left === null && typeof right === 'string') return right;
      if (right === null && typeof left === 'string') return left;
    }
    faults.fault(at, `operator ${operator} has no result for ${kindOf(left)} and ${kindOf(right)}`);
    return undefined;
  };
}

function kindOf(value: Result): string {
  if (value === null || value === undefined) return 'NULL';
  return typeof value === 'number' ? 'a number' : 'a string';
}

/**
 * Strings are compared without letter case. A number and a string are compared as strings; but a string variable
 * compared with a constant number is always false. NULL equals NULL and differs from everything else.
 */
function comparison(
  operator: ComparisonOperator,
  left: StaticType,
  right: StaticType,
  constant?: PvarValue | undefined,
): Comparison {
  if (typeof constant === 'string' && (operator === '==' || operator === '!=')) return toConstant(operator, constant);
  const holds = ordered(operator);
  return (a, b) => {
    if (a === undefined || b === undefined) return false;
    if (a === null || b === null) {
      if (operator === '==') return a === b;
      return operator === '!=' ? a !== b : false;
    }
    if (typeof a === 'number' && typeof b === 'number') return holds(a, b);
    if (typeof a === 'string' && typeof b === 'number' && right === 'int') {
      return left === 'digits' ? holds(Number(a), b) : false;
    }
    return holds(String(a).toLowerCase(), String(b).toLowerCase());
  };
}

/** "==" and "!=" with a constant string, which is converted to lower case once. */
function toConstant(operator: '==' | '!=', constant: string): Comparison {
  const equal = operator === '==';
  const folded = constant.toLowerCase();
  return (value) => {
    if (typeof value === 'string') {
      return (value === constant || (value.length === folded.length && value.toLowerCase() === folded)) === equal;
    }
    if (typeof value === 'number') return (String(value) === folded) === equal;
    return value === null && !equal;
  };
}

const truth = (value: Result): boolean => value !== undefined && value !== null && value !== 0 && value !== '';

/** OpenSIPS' rules of calculation and comparison. */
export const OPENSIPS_OPERATORS: Operators = {
  addsInNumericContext: false,
  mismatch: () => undefined,
  arithmetic,
  arithmeticType: () => 'any',
  comparison,
  caseEquals: (subject, label, constant) => {
    const equal = comparison('==', subject, label, constant);
    return (value, wanted) => value !== null && equal(value, wanted);
  },
  matchText: (value) => (value === null || value === undefined ? undefined : String(value)),
  truth,
  loopTruth: truth,
  logicalTruth: truth,
  integer: (value) => (typeof value === 'number' ? value : undefined),
};
