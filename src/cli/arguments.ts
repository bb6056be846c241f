import { parseArgs } from 'node:util';
import { messageOf, SwitchyardError } from '../core/errors.js';

/** Options of a command after parsing: strings, true for switches; and what stood without an option's name. */
export interface Arguments {
  readonly values: Readonly<Record<string, string | boolean | undefined>>;
  readonly positionals: readonly string[];
}

/** Options each command takes: "string" has a value, "boolean" has none. */
const OPTIONS: Readonly<Record<string, Readonly<Record<string, 'string' | 'boolean'>>>> = {
  serve: { config: 'string' },
  check: { config: 'string', json: 'boolean' },
  select: {
    config: 'string',
    partition: 'string',
    set: 'string',
    alg: 'string',
    flags: 'string',
    'max-res': 'string',
    fn: 'string',
    batch: 'boolean',
    json: 'boolean',
  },
  mi: { config: 'string', to: 'string', json: 'boolean', timeout: 'string', 'reply-dir': 'string' },
  watch: { config: 'string', nats: 'string', to: 'string', partition: 'string', json: 'boolean' },
  import: { out: 'string', force: 'boolean' },
  db: { config: 'string', partition: 'string', replace: 'boolean', 'if-empty': 'boolean', json: 'boolean' },
};

/** Parses the arguments of a command. Throws SwitchyardError USAGE. */
export function parseCommand(command: string, args: readonly string[]): Arguments {
  const options = OPTIONS[command];
  if (options === undefined) throw new SwitchyardError('USAGE', `unknown command "${command}"`);
  if (command === 'mi') {
    // Nobody means "--json" as a value of a management command; people put it last.
    const rest = args.filter((arg) => arg !== '--json');
    if (rest.length < args.length) return parseOwn(['--json', ...rest], options, true);
  }
  return parseOwn(args, options, command === 'mi');
}

/** What follows an MI command's name belongs to the command, even when it looks like an option. */
function parseOwn(
  args: readonly string[],
  options: Readonly<Record<string, 'string' | 'boolean'>>,
  endsAtPositional: boolean,
): Arguments {
  const own = endsAtPositional ? ownOptions(args, options) : args.length;
  try {
    const { values, positionals } = parseArgs({
      args: args.slice(0, own),
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        ...Object.fromEntries(Object.entries(options).map(([name, type]) => [name, { type }])),
      },
    });
    return { values: values as Arguments['values'], positionals: [...positionals, ...args.slice(own)] };
  } catch (error) {
    throw new SwitchyardError('USAGE', messageOf(error), { cause: error });
  }
}

/** How many of the arguments come before the first that is neither an option nor an option's value. */
function ownOptions(args: readonly string[], options: Readonly<Record<string, string>>): number {
  let at = 0;
  while (at < args.length) {
    const arg = args[at] as string;
    if (!arg.startsWith('-') || arg === '-') return at;
    const takesValue = options[arg.replace(/^--/, '')] === 'string';
    at += takesValue ? 2 : 1;
  }
  return at;
}
