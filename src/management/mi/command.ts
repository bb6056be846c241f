import type { ManagementCall } from '../../access/call.js';
import type { Need } from '../../access/rights.js';
import { maskSecrets } from '../../core/mask.js';

/** A value in MI requests and answers. */
export type MiValue =
  | null
  | boolean
  | number
  | string
  | readonly MiValue[]
  | { readonly [key: string]: MiValue | undefined };

/**
 * An answer that is already JSON text, in pieces: for long lists made slice by slice, and for objects in which a name
 * occurs twice (get_statistics).
 */
export class JsonText {
  constructor(readonly pieces: readonly string[]) {}

  /** The whole text. */
  toString(): string {
    return this.pieces.join('');
  }

  /** The parsed value; if a name occurs twice, the last one counts. */
  toJson(): MiValue {
    return JSON.parse(this.toString()) as MiValue;
  }
}

/** The answer of a command. */
export type MiResult = MiValue | JsonText;

/**
 * A parameter of an MI command. A number may be given as a string and vice versa, as recorded; `flag` also accepts a
 * boolean, and `any` accepts everything.
 */
export interface ParamSpec {
  readonly name: string;
  readonly type: 'string' | 'int' | 'array' | 'flag' | 'any';
}

/** An error answer with the recorded code and text. */
export class MiError extends Error {
  constructor(
    readonly code: number,
    message: string,
    readonly data?: string,
  ) {
    // The error is an answer, made for each refused request. Nobody reads its stack, which would cost more than the
    // rest of a request.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    // It may repeat an argument, such as a URI with a password.
    super(maskSecrets(message));
    Error.stackTraceLimit = stackTraceLimit;
    this.name = 'MiError';
  }
}

/** The validated parameters of a call, by name. */
export type MiParams = { readonly [name: string]: MiValue | undefined };

/**
 * A command for all endpoints. `paramLists`: the accepted forms; a call must match a list by its names (named form) or
 * its length (positional form).
 */
export interface MiCommand {
  /** "ds_list" */
  readonly name: string;
  /** Other names of the command, such as "dispatcher:list". */
  readonly aliases: readonly string[];
  /** One line for the command `help`. */
  readonly help: string;
  /** The module that exports it, for `help`. */
  readonly module: string;
  /** The rights the caller needs; a function if they depend on the parameters. */
  readonly needs: Need | ((params: MiParams) => Need);
  /** Whether it changes something: then a call is recorded in the audit trail. Default: it only reads. */
  readonly changes?: boolean | ((params: MiParams) => boolean);
  readonly paramLists: readonly (readonly ParamSpec[])[];
  /**
   * Our own parameters, in addition to the recorded lists: accepted by name only, each independently, with any list. So
   * they do not make positional calls ambiguous.
   */
  readonly extraParams?: readonly ParamSpec[];
  /** The positional parameters of the line text form, if they are not those of the longest matching list. */
  readonly textParams?: readonly ParamSpec[];
  /** Whether OpenSIPS exports no help for this command, and `help` answers so, as recorded. */
  readonly helpNotExported?: boolean;
  /** Returns the result, or throws MiError. Must not block. */
  run(params: MiParams, call: ManagementCall): MiResult | Promise<MiResult>;
  /**
   * The answer in the tree form of the line text protocol (2.1); default: generated from the JSON. Lines without the
   * "200 OK" line, each with a line break; a long answer in pieces.
   */
  text?(params: MiParams, call: ManagementCall): string | readonly string[] | Promise<string | readonly string[]>;
}
