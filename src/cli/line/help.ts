import type { ArgumentSpec, CommandSpec, OptionSpec, OptionSpecs } from './command.js';

/** Headings of the overview in order. */
const GROUPS: readonly (readonly [CommandSpec['group'], string])[] = [
  ['daemon', 'The daemon'],
  ['operate', 'A running daemon'],
  ['data', 'Configuration and data'],
  ['tool', 'This program'],
];

/** The exit statuses of all commands. */
export const EXIT_STATUS = '0 success, 1 the command failed, 2 the command line is wrong';

/** The overview: each command with its purpose. */
export function overview(commands: readonly CommandSpec[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  const groups = GROUPS.map(([group, title]) => {
    const lines = commands
      .filter((each) => each.group === group)
      .map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}\n`);
    return lines.length === 0 ? '' : `${title}:\n${lines.join('')}\n`;
  });
  return (
    'switchyard - a SIP dispatcher for many tenants\n\nUsage: switchyard COMMAND [options]\n\n' +
    `${groups.join('')}switchyard COMMAND --help explains a command, with examples.\nExit status: ${EXIT_STATUS}.\n`
  );
}

/** The forms in which a command is called, without the program's name. */
export function usageLines(spec: CommandSpec, path: readonly string[], inherited: OptionSpecs = {}): string[] {
  const own = Object.keys({ ...inherited, ...spec.options }).length > 0 ? ' [options]' : '';
  const args = (spec.arguments ?? []).map(argumentForm).join('');
  const lines = spec.run === undefined ? [] : [`${path.join(' ')}${own}${args}`];
  return [
    ...lines,
    ...(spec.subcommands ?? []).flatMap((each) =>
      usageLines(each, [...path, each.name], { ...inherited, ...spec.options }),
    ),
  ];
}

function argumentForm({ name, optional, rest }: ArgumentSpec): string {
  const form = rest === true ? `${name}...` : name;
  return optional === true ? ` [${form}]` : ` ${form}`;
}

/** The help text of a command: description, arguments, options, examples. */
export function commandHelp(spec: CommandSpec, path: readonly string[], inherited: OptionSpecs = {}): string {
  const usage = usageLines(spec, path, inherited).map(
    (line, i) => `${i === 0 ? 'Usage:' : '      '} switchyard ${line}\n`,
  );
  const options = { ...inherited, ...spec.options };
  const sections = [
    usage.join(''),
    `${spec.description.trim()}\n`,
    table(
      'Commands',
      (spec.subcommands ?? []).map((each) => [each.name, each.summary]),
    ),
    table(
      'Arguments',
      (spec.arguments ?? []).map((each) => [each.name, each.description]),
    ),
    table('Options', [
      ...Object.entries(options).map(([name, option]) => [optionForm(name, option), option.description] as const),
      ['-h, --help', 'Show this text.'],
    ]),
    ...(spec.sections ?? []).map(([title, body]) => `${title}:\n${body.trimEnd()}\n`),
    `Examples:\n${spec.examples.map(([purpose, line]) => `  # ${purpose}\n  ${line}\n`).join('\n')}`,
  ];
  return sections.filter((each) => each !== '').join('\n');
}

/** For example "--config FILE", "-A, --define NAME". */
export function optionForm(name: string, { value, short }: OptionSpec): string {
  const form = short === undefined ? `--${name}` : `-${short}, --${name}`;
  return value === undefined ? form : `${form} ${value}`;
}

const WIDTH = 100;

/** Two columns, of which the second is wrapped. */
function table(title: string, rows: readonly (readonly [string, string])[]): string {
  if (rows.length === 0) return '';
  const left = Math.min(28, Math.max(...rows.map(([name]) => name.length)));
  const indent = ' '.repeat(left + 4);
  const lines = rows.map(([name, description]) => {
    const [first = '', ...more] = wrap(description, WIDTH - indent.length);
    const head = name.length > left ? `  ${name}\n${indent}${first}` : `  ${name.padEnd(left)}  ${first}`;
    return [head, ...more.map((line) => indent + line)].map((line) => `${line.trimEnd()}\n`).join('');
  });
  return `${title}:\n${lines.join('')}`;
}

/** Splits a text into lines of at most `width` characters, between words. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
