import { nearest } from '../core/nearest.js';
import { below } from './problem.js';

/** A violation of a schema, worded for operators. */
export interface Fault {
  /** JSON pointer within the validated value. */
  readonly pointer: string;
  readonly reason: string;
  readonly suggestion?: string | undefined;
  /** The unknown key, if that is the violation. */
  readonly unknownKey?: string | undefined;
}

/** The fields of ajv's error objects that are used. */
interface SchemaError {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: Record<string, unknown>;
  readonly message?: string | undefined;
  readonly propertyName?: string | undefined;
  readonly parentSchema?: { readonly [key: string]: unknown } | undefined;
  readonly data?: unknown;
}

/** Words an error of the validator; undefined for one that only repeats another. */
export function faultOf(error: SchemaError): Fault | undefined {
  const { keyword, params, parentSchema: schema = {}, data } = error;
  const pointer = error.instancePath;
  const expected = schema['x-expected'];
  switch (keyword) {
    case 'if':
    case 'propertyNames':
      return undefined;
    case 'additionalProperties': {
      const key = String(params['additionalProperty']);
      const known = Object.keys((schema['properties'] as object | undefined) ?? {});
      const reason = `unknown key "${key}"`;
      return { pointer: below(pointer, key), reason, suggestion: nearest(key, known), unknownKey: key };
    }
    case 'required':
      return { pointer, reason: `key "${params['missingProperty']}" is missing` };
    case 'type':
      return { pointer, reason: `must be ${types(params['type'])}, not ${typeName(data)}` };
    case 'enum': {
      const allowed = params['allowedValues'] as readonly unknown[];
      const words = allowed.filter((each) => typeof each === 'string');
      const suggestion = typeof data === 'string' && data.length > 2 ? nearest(data, words) : undefined;
      return {
        pointer,
        reason: `must be one of ${allowed.map((each) => JSON.stringify(each)).join(', ')}`,
        suggestion,
      };
    }
    case 'pattern':
      if (error.propertyName !== undefined) {
        return {
          pointer: below(pointer, error.propertyName),
          reason: `bad key "${error.propertyName}"${but(expected)}`,
        };
      }
      return { pointer, reason: expected === undefined ? 'does not have the expected form' : `expected ${expected}` };
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
    case 'exclusiveMaximum':
      return { pointer, reason: `must be ${comparison(String(params['comparison']))} ${params['limit']}` };
    case 'minLength':
      return { pointer, reason: params['limit'] === 1 ? 'must not be empty' : `is shorter than ${params['limit']}` };
    case 'maxLength':
      return { pointer, reason: `is longer than ${params['limit']} characters` };
    case 'minItems':
      return { pointer, reason: `must have at least ${params['limit']} entries` };
    case 'maxItems':
    case 'maxProperties':
      return { pointer, reason: `must have at most ${params['limit']} entries` };
    default:
      return { pointer, reason: error.message ?? `fails "${keyword}"` };
  }
}

function but(expected: unknown): string {
  return expected === undefined ? '' : `: expected ${expected}`;
}

function comparison(operator: string): string {
  switch (operator) {
    case '>=':
      return 'at least';
    case '<=':
      return 'at most';
    case '>':
      return 'more than';
    default:
      return 'less than';
  }
}

const ARTICLES: Readonly<Record<string, string>> = {
  array: 'a list',
  object: 'an object',
  integer: 'a whole number',
  number: 'a number',
  string: 'a string',
  boolean: 'true or false',
  null: 'null',
};

function types(type: unknown): string {
  const names = Array.isArray(type) ? type : [type];
  return names.map((name) => ARTICLES[String(name)] ?? String(name)).join(' or ');
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'boolean') return String(value);
  // Not shown: it may be a password that lacks its quotes.
  if (typeof value === 'number') return Number.isInteger(value) ? 'a number' : 'a fraction';
  return ARTICLES[typeof value] ?? typeof value;
}
