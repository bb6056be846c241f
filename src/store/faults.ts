import { type ErrorCode, messageOf, SwitchyardError } from '../core/errors.js';
import type { SqlDialect } from './dialects.js';

/** Error codes of the operating system and of drivers for an unreachable server. */
const NETWORK_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
]);

/** Driver messages without a code for a lost or failed connection. */
const LOST =
  /connection terminated|connection ended|timeout exceeded when trying to connect|timeout expired|timeout acquiring a connection|connection is in closed state|connection lost|query timeout|unable to open connection|can't add new command|is not queryable|connection timeout|defined query timeout/i;
const NO_TABLE = /no such (table|column)/i;
const VIEW = /because it is a view/i;

/** The meaning of a database error. */
export type FaultKind = 'unreachable' | 'missing' | 'readOnly' | 'busy' | 'other';

/** The meaning of a driver's error. */
export function faultKind(dialect: SqlDialect, error: unknown): FaultKind {
  const code = codeOf(error);
  const { codes } = dialect;
  if (NETWORK_CODES.has(code) || codes.unreachable.has(code)) return 'unreachable';
  if (codes.missing.has(code)) return 'missing';
  if (codes.readOnly.has(code)) return 'readOnly';
  if (codes.busy.has(code)) return 'busy';
  const message = messageOf(error);
  if (NO_TABLE.test(message)) return 'missing';
  if (VIEW.test(message)) return 'readOnly';
  return LOST.test(message) || LOST.test(nameOf(error)) ? 'unreachable' : 'other';
}

const CODE_OF_KIND: Readonly<Record<FaultKind, ErrorCode>> = {
  unreachable: 'STORE_UNREACHABLE',
  missing: 'STORE_SCHEMA',
  readOnly: 'STORE_READONLY',
  busy: 'STORE_FAILED',
  other: 'STORE_FAILED',
};

/** The error for callers: names the database and its message, without statement and values. */
export function storeError(dialect: SqlDialect, where: string, error: unknown): SwitchyardError {
  if (error instanceof SwitchyardError) return error;
  const kind = faultKind(dialect, error);
  const code = CODE_OF_KIND[kind];
  const retryable = kind !== 'missing' && kind !== 'other';
  return new SwitchyardError(code, `${where}: ${reasonOf(error)}`, { cause: error, retryable });
}

function codeOf(error: unknown): string {
  const { code } = (error ?? {}) as { code?: unknown };
  if (typeof code === 'string') return code;
  // Node combines the errors of all addresses of a name ("localhost") into one.
  const first = error instanceof AggregateError ? error.errors[0] : undefined;
  return first === undefined ? '' : codeOf(first);
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : '';
}

/** knex puts the statement before the driver's message: "select ... - no such table: x". */
function reasonOf(error: unknown): string {
  const { sqlMessage } = (error ?? {}) as { sqlMessage?: unknown };
  if (typeof sqlMessage === 'string' && sqlMessage !== '') return sqlMessage;
  const message = messageOf(error);
  const dash = message.lastIndexOf(' - ');
  const reason = dash < 0 ? message : message.slice(dash + 3);
  if (reason !== '') return reason;
  const first = error instanceof AggregateError ? messageOf(error.errors[0]) : '';
  return first || codeOf(error) || 'no reason was given';
}
