import { VERSION } from '../../daemon/version.js';
import type { ArgumentSpec, CommandSpec, OptionSpecs } from '../line/command.js';
import { EXIT_STATUS, optionForm, usageLines } from '../line/help.js';

/** Generates the manual page switchyard(8) from the texts of all commands (man(7)). */
export function manualPage(commands: readonly CommandSpec[]): string {
  return [
    `.TH SWITCHYARD 8 "" "switchyard ${roff(VERSION)}" "System Administration"`,
    '.SH NAME',
    'switchyard \\- a SIP dispatcher for many tenants',
    '.SH SYNOPSIS',
    ...commands.flatMap((spec) =>
      usageLines(spec, [spec.name]).flatMap((line) => [`.B switchyard ${roff(line)}`, '.br']),
    ),
    '.SH DESCRIPTION',
    'Distributes SIP requests over sets of destinations by the rules of the dispatcher modules of OpenSIPS and Kamailio. Standard',
    'output carries data, standard error messages and logs. With',
    '.B \\-\\-json',
    'output and errors are JSON.',
    '.SH COMMANDS',
    ...commands.flatMap((spec) => sectionOf(spec, [spec.name], {})),
    '.SH EXIT STATUS',
    roff(`${EXIT_STATUS}.`),
    '.SH ENVIRONMENT',
    '.TP',
    '.B NO_COLOR',
    'No colours on a terminal.',
    '.P',
    'Strings of the configuration may name other variables.',
    '.SH FILES',
    '.TP',
    '.I ./switchyard.json',
    'Settings that are read where \\-\\-config names none.',
    '.TP',
    '.I /etc/switchyard/switchyard.json',
    'Settings of the system service.',
    '',
  ].join('\n');
}

function sectionOf(spec: CommandSpec, path: readonly string[], inherited: OptionSpecs): string[] {
  const options = { ...inherited, ...spec.options };
  return [
    `.SS "switchyard ${path.join(' ')}"`,
    ...spec.description
      .trim()
      .split(/\n\s*\n/)
      .flatMap((paragraph) => ['.P', roff(paragraph)]),
    ...(spec.arguments ?? []).flatMap(({ name, description }: ArgumentSpec) => [
      '.TP',
      `.I ${roff(name)}`,
      roff(description),
    ]),
    ...Object.entries(options).flatMap(([name, option]) => [
      '.TP',
      `.B ${roff(optionForm(name, option))}`,
      roff(option.description),
    ]),
    ...(spec.sections ?? []).flatMap(([title, text]) => [
      '.P',
      `.B ${roff(title)}`,
      '.nf',
      roff(text.trimEnd()),
      '.fi',
    ]),
    ...spec.examples.flatMap(([purpose, line]) => [
      '.P',
      `${roff(purpose.charAt(0).toUpperCase() + purpose.slice(1))}:`,
      '.RS',
      '.nf',
      roff(line),
      '.fi',
      '.RE',
    ]),
    ...(spec.subcommands ?? []).flatMap((below) => sectionOf(below, [...path, below.name], options)),
  ];
}

/** Escapes a text for troff, also at the beginning of lines. */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/gm, '\\&$1');
}
