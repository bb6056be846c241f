import { SwitchyardError } from '../../core/errors.js';
import type { CommandIo } from './io.js';

/**
 * An option of a command: "--name" or "--name VALUE". An option with a value may occur once, unless it can be repeated.
 */
export interface OptionSpec<T = unknown> {
  /** A one-letter form. */
  readonly short?: string;
  /** Name of the value in help texts; undefined for a switch. */
  readonly value: string | undefined;
  /** One sentence. */
  readonly description: string;
  /** The possible values, for help and completion. */
  readonly choices?: readonly string[];
  /** Converts the typed text to the value. Throws SwitchyardError USAGE that says what was expected. */
  readonly read: (text: string) => T;
  /** For an option that may be repeated: combines the earlier value and the new one. */
  merge?(before: T, now: T): T;
}

/** Options of a command by name. */
export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

/** Values of options by name; undefined for those not given. */
export type OptionValues<O extends OptionSpecs> = {
  readonly [K in keyof O]?: (O[K] extends OptionSpec<infer T> ? T : never) | undefined;
};

/** A positional argument. */
export interface ArgumentSpec {
  /** For example "FILE". */
  readonly name: string;
  readonly description: string;
  readonly optional?: boolean;
  /** Whether the argument takes all following words. */
  readonly rest?: boolean;
  readonly choices?: readonly string[];
}

/** A command line as it can be typed, and its purpose. */
export type Example = readonly [purpose: string, line: string];

/** A parsed call of a command. */
export interface CommandCall<O extends OptionSpecs = OptionSpecs> {
  readonly options: OptionValues<O>;
  readonly args: readonly string[];
  readonly io: CommandIo;
  /** Loads all commands of the program, for texts about all of them. */
  readonly commands: () => Promise<readonly CommandSpec[]>;
}

/**
 * A command of the program. Its file has the texts and options; `run` loads the code for the work with `import()`, so
 * that help, completion and other commands do not wait for it.
 */
export interface CommandSpec<O extends OptionSpecs = OptionSpecs> {
  readonly name: string;
  /** A short text for the overview, without a full stop. */
  readonly summary: string;
  /** Paragraphs for help and the man page. */
  readonly description: string;
  readonly group: 'daemon' | 'operate' | 'data' | 'tool';
  readonly arguments?: readonly ArgumentSpec[];
  readonly options?: O;
  readonly examples: readonly Example[];
  /** Further sections of the help text: title and lines. */
  readonly sections?: readonly (readonly [title: string, text: string])[];
  /** Subcommands ("db init"); they also take the options of this command. */
  readonly subcommands?: readonly CommandSpec[];
  /** Whether the first argument ends the options, since what follows belongs to another command ("mi"). */
  readonly passThrough?: boolean;
  /** Does the work. Returns the exit status: 0 success, 1 failure. Throws SwitchyardError USAGE for 2. */
  readonly run?: (call: CommandCall<O>) => Promise<number>;
}

/** Gives `run` the types of the options defined beside it. */
export function defineCommand<const O extends OptionSpecs = Readonly<Record<never, OptionSpec>>>(
  spec: CommandSpec<O>,
): CommandSpec {
  return spec as unknown as CommandSpec;
}

/** The error for a wrong command line: exit status 2. */
export function usageError(message: string, cause?: unknown): SwitchyardError {
  return new SwitchyardError('USAGE', message, cause === undefined ? {} : { cause });
}

/** A switch. */
export function flag(description: string): OptionSpec<boolean> {
  return { value: undefined, description, read: () => true };
}

/** An option with a text value. */
export function text(value: string, description: string): OptionSpec<string> {
  return { value, description, read: (given) => given };
}

/** An option with an integer from `min` to `max`. */
export function whole(value: string, description: string, min = 0, max = 2_147_483_647): OptionSpec<number> {
  const read = (given: string): number => {
    const number = Number(given);
    if (/^[0-9]+$/.test(given) && number >= min && number <= max) return number;
    throw usageError(`expected a whole number from ${min} to ${max}, not "${given}"`);
  };
  return { value, description, read };
}

/** An option whose value is one of several words. */
export function choice<const T extends string>(
  value: string,
  choices: readonly T[],
  description: string,
): OptionSpec<T> {
  const read = (given: string): T => {
    const found = choices.find((each) => each === given);
    if (found === undefined) throw usageError(`expected one of ${choices.join(', ')}, not "${given}"`);
    return found;
  };
  return { value, description, choices, read };
}

/** Options of many commands. */
export const CONFIG = text('FILE', 'Settings file. Default: ./switchyard.json, or built-in defaults if there is none.');
/** The option --json of commands that print results. */
export const JSON_OUTPUT = flag('Print JSON on standard output, and errors as JSON on standard error.');
