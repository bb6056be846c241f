import { nearest } from '../../core/nearest.js';
import { type CommandSpec, type OptionSpec, usageError } from '../line/command.js';
import type { CommandIo } from '../line/io.js';
import { hint } from '../line/parse.js';
import { miCatalog } from '../mi/catalog.js';

const SHELLS: Readonly<Record<string, (commands: readonly Entry[]) => string>> = { bash, zsh, fish };

/** A command or subcommand, for completion. */
interface Entry {
  /** For example "db import". */
  readonly path: string;
  readonly summary: string;
  readonly options: readonly (readonly [name: string, spec: OptionSpec])[];
  /** Words that may follow: subcommands, choices of an argument, management commands. */
  readonly words: readonly string[];
  /** Whether file names may follow. */
  readonly files: boolean;
}

/** switchyard completion. Returns the exit status. Throws SwitchyardError USAGE. */
export function completion(shell: string, commands: readonly CommandSpec[], io: CommandIo): number {
  const script = Object.hasOwn(SHELLS, shell) ? SHELLS[shell] : undefined;
  if (script === undefined) {
    const names = Object.keys(SHELLS);
    throw usageError(`expected one of ${names.join(', ')}, not "${shell}"${hint(nearest(shell, names))}`);
  }
  io.out(script(commands.flatMap((spec) => entriesOf(spec, spec.name, {}))));
  return 0;
}

function entriesOf(spec: CommandSpec, path: string, inherited: NonNullable<CommandSpec['options']>): Entry[] {
  const options = { ...inherited, ...spec.options };
  const args = spec.arguments ?? [];
  const below = spec.subcommands ?? [];
  const words = [
    ...below.map(({ name }) => name),
    ...args.flatMap(({ choices = [] }) => choices),
    ...(spec.name === 'mi' ? miCatalog().map(({ name }) => name) : []),
  ];
  const files = args.some(({ name }) => /FILE$/.test(name));
  const entry = { path, summary: spec.summary, options: Object.entries(options), words, files };
  return [entry, ...below.flatMap((each) => entriesOf(each, `${path} ${each.name}`, options))];
}

const isFile = (spec: OptionSpec): boolean => /^(?:FILE|DIR|PATH)$/.test(spec.value ?? '');

function bash(entries: readonly Entry[]): string {
  const cases = entries.map(({ path, options, words, files }) => {
    const values = options
      .filter(([, spec]) => spec.value !== undefined)
      .map(([name, spec]) => {
        const reply = isFile(spec)
          ? 'COMPREPLY=($(compgen -f -- "$word"))'
          : `COMPREPLY=($(compgen -W '${(spec.choices ?? []).join(' ')}' -- "$word"))`;
        return `        --${name}) ${reply}; return ;;\n`;
      });
    const names = [...options.map(([name]) => `--${name}`), '--help', ...words].join(' ');
    return (
      `    '${path}')\n      case "$before" in\n${values.join('')}      esac\n` +
      `      COMPREPLY=($(compgen -W '${names}'${files ? ' -f' : ''} -- "$word")) ;;\n`
    );
  });
  const nested = entries.filter(({ path }) => path.includes(' ')).map(({ path }) => `'${path}'`);
  const top = entries.filter(({ path }) => !path.includes(' ')).map(({ path }) => path);
  return `# bash completion for switchyard; made by "switchyard completion bash"
_switchyard() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" path="\${COMP_WORDS[1]}" each
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W '${top.join(' ')} help --help --version' -- "$word"))
    return
  fi
  for each in "\${COMP_WORDS[@]:2:COMP_CWORD-2}"; do
    case "$path $each" in
    ${nested.length === 0 ? "''" : nested.join(' | ')}) path="$path $each" ;;
    esac
  done
  case "$path" in
${cases.join('')}  esac
}
complete -o default -F _switchyard switchyard
`;
}

/** A text for single quotes of a shell. */
const quoted = (text: string): string => text.replaceAll("'", "'\\''");

function zsh(entries: readonly Entry[]): string {
  // Colons and brackets have a meaning in arguments of _arguments and _describe.
  const plain = (text: string): string => quoted(text).replace(/[[\]:]/g, '\\$&');
  const top = entries.filter(({ path }) => !path.includes(' '));
  const cases = entries.map(({ path, options, words, files }) => {
    const lines = options.map(([name, spec]) => {
      const action =
        spec.value === undefined
          ? ''
          : `:${spec.value}:${isFile(spec) ? '_files' : `(${(spec.choices ?? []).join(' ')})`}`;
      return `        '--${name}[${plain(spec.description)}]${action}' \\\n`;
    });
    // With a message for words that nothing completes, zsh would not insert the only matching option.
    const rest =
      words.length > 0 ? ` \\\n        '*:word:(${words.join(' ')})'` : files ? ` \\\n        '*:file:_files'` : '';
    return `    '${path}')\n      _arguments \\\n${lines.join('')}        '--help[Show help.]'${rest} ;;\n`;
  });
  const nested = entries.filter(({ path }) => path.includes(' ')).map(({ path }) => `'${path}'`);
  return `#compdef switchyard
# made by "switchyard completion zsh"
_switchyard() {
  local path="\${words[2]}" each
  if (( CURRENT == 2 )); then
    local -a commands=(
${top.map(({ path, summary }) => `      '${path}:${plain(summary)}'\n`).join('')}    )
    _describe command commands
    return
  fi
  for each in "\${words[@]:2:$((CURRENT - 3))}"; do
    case "$path $each" in
    (${nested.join('|') || "''"}) path="$path $each" ;;
    esac
  done
  shift words
  (( CURRENT-- ))
  case "$path" in
${cases.join('')}  esac
}
_switchyard "$@"
`;
}

function fish(entries: readonly Entry[]): string {
  const lines = entries.flatMap(({ path, summary, options, words }) => {
    const [first = '', below] = path.split(' ');
    const seen =
      below === undefined
        ? `__fish_seen_subcommand_from ${first}`
        : `__fish_seen_subcommand_from ${first}; and __fish_seen_subcommand_from ${below}`;
    const start =
      below === undefined
        ? `complete -c switchyard -n __fish_use_subcommand -f -a ${first} -d '${quoted(summary)}'`
        : `complete -c switchyard -n '__fish_seen_subcommand_from ${first}' -f -a ${below} -d '${quoted(summary)}'`;
    return [
      start,
      ...options.map(([name, spec]) => {
        const value =
          spec.value === undefined
            ? ''
            : isFile(spec)
              ? ' -r -F'
              : ` -x${spec.choices === undefined ? '' : ` -a '${spec.choices.join(' ')}'`}`;
        return `complete -c switchyard -n '${seen}' -l ${name}${value} -d '${quoted(spec.description)}'`;
      }),
      ...(below !== undefined || words.length === 0
        ? []
        : [`complete -c switchyard -n '${seen}' -a '${words.join(' ')}'`]),
    ];
  });
  return `# fish completion for switchyard; made by "switchyard completion fish"\n${lines.join('\n')}\n`;
}
