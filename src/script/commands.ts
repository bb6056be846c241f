import type { MiValue } from '../management/mi/command.js';
import type { ScriptCommandSpec } from '../management/mi/dependencies.js';
import type { ScriptEnvironment } from './environment.js';

/** The value a management command of a module returns. */
export type { MiValue };

/** A command failed; has the error code and text of the original. */
export class CommandFault extends Error {
  constructor(
    readonly code: number,
    message: string,
  ) {
    super(message);
    this.name = 'CommandFault';
  }
}

/** Parameters of one call, by name, as text. */
export type CommandParameters = Readonly<Record<string, string | undefined>>;

/** Parses an integer argument of a command, decimal or hexadecimal. */
export function integer(text: string | undefined, what: string): number {
  const number = Number(text ?? Number.NaN);
  if (!Number.isInteger(number)) throw new CommandFault(400, `${what} is not a number`);
  return number;
}

/** The first answer, for a command about one call, which only one process knows. */
export function first([answer = null]: readonly MiValue[]): MiValue {
  return answer;
}

/** How a listing is put together from several processes, each of which has a part of it. */
export interface ListedParts {
  /**
   * Parameters of a first command to all processes, which asks how many entries each has; undefined: all get the
   * original parameters, and there is no second command.
   */
  question(params: CommandParameters): CommandParameters | undefined;
  /**
   * Parameters of the second command to each process, in the order of the answers to the first; undefined: none is sent
   * to it.
   */
  parts(
    answers: readonly (MiValue | undefined)[],
    params: CommandParameters,
  ): readonly (CommandParameters | undefined)[];
}

/** A management command of a module: by MI, by RPC, or by both. */
export interface ScriptCommand extends ScriptCommandSpec {
  /**
   * Joins the answers of several processes, each of which knows only its own calls; undefined: the main process answers
   * for all.
   */
  readonly joined?: (answers: readonly MiValue[], params: CommandParameters) => MiValue;
  /** For listings that may be asked for a part; undefined: all processes get the same parameters. */
  readonly listed?: ListedParts;
  /** Runs the command. Throws CommandFault. */
  run(env: ScriptEnvironment, params: CommandParameters): MiValue | Promise<MiValue>;
}
