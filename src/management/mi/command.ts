import type { ManagementCall } from '../../access/call.js';
import type { Need } from '../../access/rights.js';

/** Values that travel in MI requests and answers. */
export type MiValue =
  | null
  | boolean
  | number
  | string
  | readonly MiValue[]
  | { readonly [key: string]: MiValue | undefined };

/**
 * An answer that is JSON text already, in pieces: what a long listing builds slice by slice, and the only way to write
 * the same name twice in an object (get_statistics does).
 */
export class JsonText {
  constructor(readonly pieces: readonly string[]) {}

  /** The text in one piece. */
  toString(): string {
    return this.pieces.join('');
  }

  /** The value it stands for; of a name that is written twice the last one counts. */
  toJson(): MiValue {
    return JSON.parse(this.toString()) as MiValue;
  }
}

/** What a command answers. */
export type MiResult = MiValue | JsonText;

/**
 * One parameter of an MI command. Numbers and strings stand in for each other, as recorded; a `flag` is either of them or
 * a boolean, `any` is not looked at.
 */
export interface ParamSpec {
  readonly name: string;
  readonly type: 'string' | 'int' | 'array' | 'flag' | 'any';
}

/** An answer that is an error, with the recorded code and text. */
export class MiError extends Error {
  constructor(
    readonly code: number,
    message: string,
    readonly data?: string,
  ) {
    super(message);
    this.name = 'MiError';
  }
}

/** Parameters of one call after validation, by name. */
export type MiParams = { readonly [name: string]: MiValue | undefined };

/**
 * One command, whatever endpoint it is called through. `paramLists` are the accepted forms: a call matches the list whose
 * names (named form) or length (positional form) it has.
 */
export interface MiCommand {
  /** "ds_list" */
  readonly name: string;
  /** "dispatcher:list" and other spellings of the same command. */
  readonly aliases: readonly string[];
  /** One line for `help`. */
  readonly help: string;
  /** Module that exports it, as `help` shows. */
  readonly module: string;
  /** The rights the caller needs; a function of the parameters as received where they depend on those. */
  readonly needs: Need | ((params: MiParams) => Need);
  /** Whether it changes something: such calls leave an audit record. Default: it only reads. */
  readonly changes?: boolean | ((params: MiParams) => boolean);
  readonly paramLists: readonly (readonly ParamSpec[])[];
  /**
   * Parameters beyond the recorded lists: accepted by name only, each on its own, with any of the lists. So our
   * additions make no positional call ambiguous.
   */
  readonly extraParams?: readonly ParamSpec[];
  /** The positional parameters of the line text form, where they are not those of the longest list that fits. */
  readonly textParams?: readonly ParamSpec[];
  /** The original exports no help for this command, and `help` says so as recorded. */
  readonly helpNotExported?: boolean;
  /** Returns the result (JSON), or throws MiError. Never blocks call handling. */
  run(params: MiParams, call: ManagementCall): MiResult | Promise<MiResult>;
  /**
   * The same answer in the tree form of the line text protocol (2.1); default: a generic rendering of the JSON.
   * Lines without the "200 OK" head, each ended by a newline; a long answer in pieces.
   */
  text?(params: MiParams, call: ManagementCall): string | readonly string[] | Promise<string | readonly string[]>;
}
