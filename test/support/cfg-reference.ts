import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { KAMAILIO, OPENSIPS } from '../../src/cfg/dialect.js';
import { argumentRange, type FunctionDefinition } from '../../src/cfg/function-table.js';
import { scriptFunctions } from '../../src/modules/all.js';
import { scriptVariables } from '../../src/modules/variables.js';
import { BranchRoute } from '../../src/route/script/branch-route.js';
import { EventRoute } from '../../src/route/script/event-route.js';
import { FailureRoute } from '../../src/route/script/failure-route.js';
import { LocalRoute } from '../../src/route/script/local-route.js';
import { ReplyRoute } from '../../src/route/script/reply-route.js';
import { RequestRoute } from '../../src/route/script/request-route.js';
import type { MessageRun } from '../../src/script/call.js';

/** The page that lists every function, variable and transformation of cfg files. */
export const CFG_REFERENCE = resolve(import.meta.dirname, '../../examples/cfg-reference.md');

const INTRODUCTION = `# Functions, variables and transformations of cfg files

Made from the tables of the program by \`npm run docs\`. What is not here is unknown: \`switchyard check --cfg FILE\` names it with
its line.
`;

/** Names of the functions that routes of JavaScript scripts have, by the kind of route as cfg files call it. */
export const JAVASCRIPT_ROUTES: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  (
    [
      ['request', RequestRoute],
      ['failure', FailureRoute],
      ['branch', BranchRoute],
      ['onreply', ReplyRoute],
      ['local', LocalRoute],
      ['event', EventRoute],
    ] as const
  ).map(([kind, route]) => [kind, methodsOf(route.prototype)]),
);

function methodsOf(prototype: object): ReadonlySet<string> {
  const names: string[] = [];
  for (let at = prototype; at !== Object.prototype; at = Object.getPrototypeOf(at) as object)
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(at)))
      if (typeof value === 'function') names.push(name);
  return new Set(names);
}

function inJavaScript(name: string): boolean {
  return [...JAVASCRIPT_ROUTES.values()].some((names) => names.has(name));
}

const LETTERS = { opensips: 'O', kamailio: 'K' } as const;

function row({ name, parameters, dialects, routes, summary }: FunctionDefinition<MessageRun>): string {
  const [least] = argumentRange(parameters);
  const shown = parameters.map((each, i) => (i < least ? each.name : `[${each.name}]`)).join(', ');
  const letters = [...dialects.map((each) => LETTERS[each]), ...(inJavaScript(name) ? ['J'] : [])].join(' ');
  return `| \`${name}(${shown})\` | ${letters} | ${routes === 'any' ? 'any' : routes.join(', ')} | ${summary.replaceAll('|', '\\|')} |`;
}

function functionTables(): string {
  const byModule = new Map<string, FunctionDefinition<MessageRun>[]>();
  for (const each of scriptFunctions().all) byModule.set(each.module, [...(byModule.get(each.module) ?? []), each]);
  return [...byModule]
    .sort(([a], [b]) => (a === 'core' ? -1 : b === 'core' ? 1 : a.localeCompare(b)))
    .map(([module, list]) => {
      const rows = list.sort((a, b) => a.name.localeCompare(b.name)).map(row);
      return `\n### ${module.replaceAll('|', ' or ')}\n\n| function | file of | routes | what it does |\n|---|---|---|---|\n${rows.join('\n')}\n`;
    })
    .join('');
}

function names(title: string, list: Iterable<string>, mark: (name: string) => string): string {
  return `\n${title}: ${[...new Set(list)]
    .sort()
    .map((each) => `\`${mark(each)}\``)
    .join(' ')}\n`;
}

/** The current content of the page. */
export function cfgReference(): string {
  const variables = (dialect: typeof OPENSIPS) => [
    ...dialect.names.variables.keys(),
    ...scriptVariables(dialect).keys(),
  ];
  return [
    INTRODUCTION,
    '\n## Functions\n\nO is OpenSIPS, K is Kamailio. J: routes of JavaScript scripts have a method of that name, which runs the same function.\n',
    functionTables(),
    '\n## Variables\n',
    names('OpenSIPS', variables(OPENSIPS), (name) => `$${name}`),
    names('Kamailio', variables(KAMAILIO), (name) => `$${name}`),
    '\n## Transformations\n',
    names(
      'OpenSIPS',
      [...OPENSIPS.names.transformations.keys()].map((name) => name.replace(/^nameaddr\.[0-9]+\./, 'nameaddr.N.')),
      (name) => `{${name}}`,
    ),
    names('Kamailio', KAMAILIO.names.transformations.keys(), (name) => `{${name}}`),
  ].join('');
}

// `npm run docs`
if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  writeFileSync(CFG_REFERENCE, cfgReference());
}
