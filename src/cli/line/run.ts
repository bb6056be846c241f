import { messageOf, SwitchyardError } from '../../core/errors.js';
import { nearest } from '../../core/nearest.js';
import { COMMANDS } from '../commands.js';
import type { CommandSpec, OptionSpecs } from './command.js';
import { commandHelp, overview } from './help.js';
import type { CommandIo } from './io.js';
import { hint, parseLine } from './parse.js';

/** Names of the commands in the order of the overview. */
export function commandNames(): readonly string[] {
  return Object.keys(COMMANDS);
}

/** Loads the command with a name; undefined when there is none. */
export async function loadCommand(name: string): Promise<CommandSpec | undefined> {
  return Object.hasOwn(COMMANDS, name) ? COMMANDS[name]?.() : undefined;
}

/** Loads all commands, for texts about all of them: overview, man page, completion. */
export function loadCommands(): Promise<CommandSpec[]> {
  return Promise.all(Object.values(COMMANDS).map((load) => load()));
}

/** Runs a command line. Returns the exit status: 0 success, 1 failure, 2 wrong usage. */
export async function runLine(argv: readonly string[], io: CommandIo): Promise<number> {
  const [first, ...rest] = argv;
  if (first === undefined) {
    io.err(overview(await loadCommands()));
    return 2;
  }
  try {
    if (first === '--help' || first === '-h' || (first === 'help' && rest.length === 0)) {
      io.out(overview(await loadCommands()));
      return 0;
    }
    if (first === 'help') return await runCommand(rest[0] as string, [...rest.slice(1), '--help'], io);
    if (first === '--version' || first === '-v') return await runCommand('version', [], io);
    return await runCommand(first, rest, io);
  } catch (error) {
    return complain(error, argv, io);
  }
}

async function runCommand(name: string, words: readonly string[], io: CommandIo): Promise<number> {
  const spec = await loadCommand(name);
  if (spec === undefined) {
    throw new SwitchyardError('USAGE', `unknown command "${name}"${hint(nearest(name, commandNames()))}`);
  }
  const { command, path, help, options, args } = parseLine(spec, words);
  if (help) {
    const inherited: OptionSpecs = command === spec ? {} : (spec.options ?? {});
    io.out(commandHelp(command, path, inherited));
    return 0;
  }
  return (await command.run?.({ options, args, io, commands: loadCommands })) ?? 0;
}

/**
 * Further data of an error: code, source and whether to retry; the problems of a ConfigError; the data of an MI error.
 */
interface Detailed {
  readonly code?: unknown;
  readonly source?: unknown;
  readonly retryable?: unknown;
  readonly problems?: readonly unknown[];
  readonly data?: unknown;
  readonly plain?: string;
  readonly hint?: string;
}

/** Writes an error to `io.err`, as JSON if the line has "--json". Returns the exit status. */
function complain(error: unknown, argv: readonly string[], io: CommandIo): number {
  const {
    code,
    source,
    retryable,
    problems,
    data,
    plain,
    hint: meant,
  } = (error instanceof Error ? error : {}) as Detailed;
  const misused = error instanceof SwitchyardError && error.code === 'USAGE';
  if (argv.includes('--json')) {
    const message = problems === undefined ? messageOf(error) : 'configuration refused';
    const report = {
      code: code ?? 'INTERNAL',
      message: plain ?? message,
      ...(source === undefined ? {} : { source, retryable }),
      ...(problems && { problems }),
      ...(data === undefined ? {} : { data }),
      ...(meant === undefined ? {} : { hint: meant }),
    };
    io.err(`${JSON.stringify({ error: report })}\n`);
    return misused ? 2 : 1;
  }
  const known = commandNames().includes(argv[0] as string);
  if (problems !== undefined) io.err(`${messageOf(error).replace(/^configuration refused:\n/, '')}\n`);
  // For an error answer of a daemon, its code and text are sufficient.
  else if (typeof code === 'number') io.err(`${code} ${messageOf(error)}\n`);
  else io.err(`switchyard${known ? ` ${argv[0]}` : ''}: ${messageOf(error)}\n`);
  if (!misused) return 1;
  io.err(`See "switchyard ${known ? `${argv[0]} ` : ''}--help".\n`);
  return 2;
}
