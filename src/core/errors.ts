/** All error codes of the product, with their meaning. */
export const ERROR_CODES = {
  CONFIG_INVALID: 'a configuration file was refused; the message lists file, JSON pointer and reason',
  CONFIG_UNREADABLE: 'a configuration file could not be read or is not JSON',
  MODPARAM_SYNTAX: 'a module parameter does not follow its documented syntax',
  URI_INVALID: 'a SIP URI could not be parsed',
  STORE_UNREACHABLE: 'a database did not answer or refused the connection; retried with back-off',
  STORE_VERSION: 'a table has no row in the version table, or a version that lacks columns',
  STORE_SCHEMA: 'a table or one of its columns is missing',
  STORE_READONLY: 'a table, view or file cannot be written; states are kept in memory and written later',
  STORE_FAILED: 'a database refused a statement; the message quotes its reason',
  STORE_DRIVER: 'the database URL names a driver that is not supported or not installed',
  TRANSPORT_BIND: 'a socket could not be bound',
  TRANSPORT_SEND: 'a message could not be sent',
  PVAR_UNKNOWN: 'a pseudo-variable name is not known',
  PVAR_SYNTAX: 'a pseudo-variable or format string could not be parsed',
  SCRIPT_INVALID: 'a route script could not be loaded; the message names file and line',
  PARTITION_UNKNOWN: 'no partition of that name exists',
  USAGE: 'a command line was not understood',
  INTERNAL: 'a fault of the program itself',
} as const;

/** Code of an error of this product. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** Who has to correct what an error reports. */
export type ErrorSource = 'caller' | 'configuration' | 'database' | 'network' | 'program';

const SOURCES: Readonly<Record<ErrorCode, ErrorSource>> = {
  CONFIG_INVALID: 'configuration',
  CONFIG_UNREADABLE: 'configuration',
  MODPARAM_SYNTAX: 'configuration',
  URI_INVALID: 'caller',
  STORE_UNREACHABLE: 'database',
  STORE_VERSION: 'database',
  STORE_SCHEMA: 'database',
  STORE_READONLY: 'database',
  STORE_FAILED: 'database',
  STORE_DRIVER: 'configuration',
  TRANSPORT_BIND: 'network',
  TRANSPORT_SEND: 'network',
  PVAR_UNKNOWN: 'configuration',
  PVAR_SYNTAX: 'configuration',
  SCRIPT_INVALID: 'configuration',
  PARTITION_UNKNOWN: 'caller',
  USAGE: 'caller',
  INTERNAL: 'program',
};

/**
 * The error class of the product. `code` is stable; the message is in lower case and says what failed, with which
 * value.
 */
export class SwitchyardError extends Error {
  readonly code: ErrorCode;
  /** Whether a later attempt may succeed. */
  readonly retryable: boolean;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; retryable?: boolean } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'SwitchyardError';
    this.code = code;
    this.retryable = options.retryable ?? false;
  }

  /** Who has to correct it; follows from the code. */
  get source(): ErrorSource {
    return SOURCES[this.code];
  }
}

/** The message of any thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Why a file cannot be read, in words for operators. */
export function unreadableReason(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  switch (code) {
    case 'ENOENT':
      return 'no such file';
    case 'EACCES':
      return 'permission denied';
    case 'EISDIR':
      return 'it is a folder';
    case 'ERR_ENCODING_INVALID_ENCODED_DATA':
      return 'it is not UTF-8';
    default:
      return messageOf(error);
  }
}
