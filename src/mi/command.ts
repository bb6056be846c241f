/** Values that travel in MI requests and answers. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/** One parameter of an MI command. Numbers and strings stand in for each other, as recorded. */
export interface ParamSpec {
  readonly name: string;
  readonly type: 'string' | 'int' | 'array' | 'any';
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
export type MiParams = { readonly [name: string]: Json | undefined };

/**
 * One command, whatever door it is called through. `paramLists` are the accepted forms: a call matches the list whose
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
  readonly paramLists: readonly (readonly ParamSpec[])[];
  /** Returns the result (JSON), or throws MiError. Never blocks call handling. */
  run(params: MiParams): Json | Promise<Json>;
  /**
   * The same answer in the tree form of the line text protocol (2.1); default: a generic rendering of the JSON.
   * Lines without the "200 OK" head.
   */
  text?(params: MiParams): string | Promise<string>;
}
