import { Argument, Command, CommanderError, Option } from 'commander';
import { messageOf } from '../../core/errors.js';
import { nearest } from '../../core/nearest.js';
import { type CommandSpec, type OptionSpec, type OptionSpecs, usageError } from './command.js';

/** A parsed command line. */
export interface ParsedLine {
  /** The command or subcommand. */
  readonly command: CommandSpec;
  /** The names from the program on: ["db", "init"]. */
  readonly path: readonly string[];
  /** Whether help was requested. */
  readonly help: boolean;
  readonly options: Readonly<Record<string, unknown>>;
  readonly args: readonly string[];
}

/** Thrown inside the parser when help is requested anywhere in the line. */
class HelpRequested extends Error {}

/**
 * Parses the words after a command's name.
 * @throws SwitchyardError USAGE, with the word that was probably meant
 */
export function parseLine(spec: CommandSpec, words: readonly string[]): ParsedLine {
  let parsed: ParsedLine | undefined;
  let asked: Pick<ParsedLine, 'command' | 'path'> = { command: spec, path: [spec.name] };
  const build = (each: CommandSpec, path: readonly string[], inherited: OptionSpecs): Command => {
    const own = { ...inherited, ...each.options };
    const command = new Command(each.name)
      .exitOverride()
      .configureOutput({ writeOut: () => {}, writeErr: () => {}, outputError: () => {} })
      .showSuggestionAfterError(false)
      .helpOption(false)
      .helpCommand(false)
      .allowExcessArguments(false)
      .addOption(new Option('-h, --help').default(false));
    command.on('option:help', () => {
      asked = { command: each, path };
      throw new HelpRequested();
    });
    for (const [name, option] of Object.entries(own)) command.addOption(optionOf(name, option));
    for (const { name, optional, rest } of each.arguments ?? []) {
      const inner = rest === true ? `${name}...` : name;
      command.addArgument(new Argument(optional === true ? `[${inner}]` : `<${inner}>`));
    }
    if (each.passThrough === true) command.passThroughOptions();
    for (const below of each.subcommands ?? []) command.addCommand(build(below, [...path, below.name], own));
    command.action(() => {
      const given = command.optsWithGlobals<Record<string, unknown>>();
      const options: Record<string, unknown> = {};
      for (const name of Object.keys(own)) options[name] = given[new Option(`--${name}`).attributeName()];
      if (each.run === undefined) throw subcommandMissing(each, path, command.args);
      parsed = { command: each, path, help: false, options, args: command.args };
    });
    return command;
  };
  const command = build(spec, [spec.name], {});
  try {
    // "mi" ends its options at the first argument; commander allows this only if the program above it does so too.
    if (spec.passThrough === true) {
      new Command('switchyard')
        .enablePositionalOptions()
        .addCommand(command)
        .parse([spec.name, ...words], FROM_USER);
    } else command.parse(words, FROM_USER);
  } catch (error) {
    if (error instanceof HelpRequested) {
      // An option of the parent command is found first, even after the name of a subcommand.
      const below = asked.command === spec ? spec.subcommands?.find(({ name }) => words.includes(name)) : undefined;
      const meant = below === undefined ? asked : { command: below, path: [spec.name, below.name] };
      return { ...meant, help: true, options: {}, args: [] };
    }
    if (error instanceof CommanderError) throw reworded(error, spec, words);
    throw error;
  }
  if (parsed === undefined) throw usageError(`${spec.name}: nothing to do`);
  return parsed;
}

const FROM_USER = { from: 'user' } as const;

function optionOf(name: string, spec: OptionSpec): Option {
  const form = spec.short === undefined ? `--${name}` : `-${spec.short}, --${name}`;
  const option = new Option(spec.value === undefined ? form : `${form} <${spec.value}>`);
  if (spec.value === undefined) return option;
  return option.argParser((given: string, before: unknown) => {
    if (before !== undefined && spec.merge === undefined) throw usageError(`--${name} is given twice`);
    try {
      const now = spec.read(given);
      return before === undefined ? now : spec.merge?.(before, now);
    } catch (error) {
      throw usageError(`--${name}: ${messageOf(error)}`, error);
    }
  });
}

function subcommandMissing(spec: CommandSpec, path: readonly string[], args: readonly string[]): Error {
  const names = (spec.subcommands ?? []).map(({ name }) => name);
  const [given] = args;
  // Too many words after a subcommand that takes none.
  if (given !== undefined && names.includes(given))
    return usageError(`"${path.join(' ')} ${given}" has too many arguments`);
  const wanted = `${path.join(' ')} needs one of ${names.join(', ')}`;
  return usageError(given === undefined ? wanted : `${wanted}, not "${given}"${hint(nearest(given, names))}`);
}

/** Rewords an error of the parser. */
function reworded(error: CommanderError, spec: CommandSpec, words: readonly string[]): Error {
  const quoted = /'([^']*)'/.exec(error.message)?.[1] ?? '';
  switch (error.code) {
    case 'commander.unknownOption': {
      const [name = quoted] = quoted.split('=');
      return usageError(`unknown option "${name}"${hint(nearest(name, optionNames(spec, words)))}`, error);
    }
    case 'commander.unknownCommand':
      return subcommandMissing(spec, [spec.name], [quoted]);
    case 'commander.missingArgument':
      return usageError(`${quoted} is missing`, error);
    case 'commander.optionMissingArgument':
      return usageError(`option "${quoted.split(' ')[0]}" needs a value: ${quoted.replaceAll(/[<>]/g, '')}`, error);
    case 'commander.excessArguments':
      return tooMany(spec, words, error);
    default:
      return usageError(error.message.replace(/^error: /, ''), error);
  }
}

function tooMany(spec: CommandSpec, words: readonly string[], error: CommanderError): Error {
  if (spec.run === undefined) {
    return subcommandMissing(
      spec,
      [spec.name],
      words.filter((word) => !word.startsWith('-')),
    );
  }
  const [, max = '0', got = ''] = /Expected ([0-9]+) arguments? but got ([0-9]+)/.exec(error.message) ?? [];
  return usageError(`takes ${max === '0' ? 'no arguments' : `${max} at most`}, not ${got}`, error);
}

function optionNames(spec: CommandSpec, words: readonly string[]): string[] {
  const below = spec.subcommands?.find(({ name }) => words.includes(name));
  return ['help', ...Object.keys({ ...spec.options, ...below?.options })].map((name) => `--${name}`);
}

/** ` (did you mean "x"?)`, or ''. */
export function hint(meant: string | undefined): string {
  return meant === undefined ? '' : ` (did you mean "${meant}"?)`;
}
