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

/** A management command of a module: by MI, by RPC, or by both. */
export interface ScriptCommand extends ScriptCommandSpec {
  /**
   * Joins the answers of several processes, each of which knows only its own calls; undefined: the main process answers
   * for all.
   */
  readonly joined?: (answers: readonly MiValue[], params: CommandParameters) => MiValue;
  /** Runs the command. Throws CommandFault. */
  run(env: ScriptEnvironment, params: CommandParameters): MiValue | Promise<MiValue>;
}
