import type { ScriptEnvironment } from './environment.js';

/** What management commands of modules answer. */
export type CommandValue =
  | null
  | boolean
  | number
  | string
  | readonly CommandValue[]
  | { readonly [name: string]: CommandValue };

/** A command that cannot be done, with the code and text of the original. */
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
export interface ScriptCommand {
  readonly module: string;
  /** "dlg_list" */
  readonly mi?: string;
  /** "dlg.list" */
  readonly rpc?: string;
  readonly help: string;
  /** Whether it changes something. */
  readonly changes: boolean;
  /** Names of the parameters; those from `required` on may be left out. */
  readonly parameters: readonly string[];
  readonly required: number;
  /** Throws CommandFault. */
  run(env: ScriptEnvironment, params: CommandParameters): CommandValue | Promise<CommandValue>;
}
