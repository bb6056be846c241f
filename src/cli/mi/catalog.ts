import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { nearest } from '../../core/nearest.js';

/** A management command, from its published schema. */
export interface CataloguedCommand {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly description: string;
  /** Names of the parameters for each form of the command, required ones first. */
  readonly forms: readonly { readonly required: readonly string[]; readonly optional: readonly string[] }[];
}

interface Schema {
  readonly description?: string;
  readonly properties?: {
    readonly method?: { readonly enum?: readonly string[]; readonly const?: string };
    readonly params?: { readonly anyOf?: readonly Form[] };
  };
}

interface Form {
  readonly type?: string;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, unknown>>;
}

const FOLDER = fileURLToPath(new URL('../../../schemas/mi/', import.meta.url));
/** The parsed schemas, read on first use. */
let known: readonly CataloguedCommand[] | undefined;

/** All management commands, from the published schemas. */
export function miCatalog(): readonly CataloguedCommand[] {
  known ??= readdirSync(FOLDER)
    .filter((name) => name.endsWith('.schema.json'))
    .sort()
    .map((name) => commandOf(JSON.parse(readFileSync(FOLDER + name, 'utf8')) as Schema));
  return known;
}

function commandOf({ description = '', properties = {} }: Schema): CataloguedCommand {
  const { method } = properties;
  const [name = '', ...aliases] = method?.enum ?? (method?.const === undefined ? [] : [method.const]);
  const forms = (properties.params?.anyOf ?? [])
    .filter(({ type }) => type === 'object')
    .map(({ required = [], properties: names = {} }) => ({
      required,
      optional: Object.keys(names).filter((each) => !required.includes(each)),
    }));
  return { name, aliases, description, forms };
}

/** The command with a name or alias. */
export function cataloguedCommand(name: string): CataloguedCommand | undefined {
  return miCatalog().find((each) => each.name === name || each.aliases.includes(name));
}

/** The name that was probably meant by an unknown one. */
export function nearestCommand(name: string): string | undefined {
  return nearest(
    name,
    miCatalog().flatMap((each) => [each.name, ...each.aliases]),
  );
}

/** Parameters that a command does not have, each with the name that was probably meant. */
export function unknownParameters(command: CataloguedCommand, given: readonly string[]): readonly string[] {
  const names = new Set(command.forms.flatMap(({ required, optional }) => [...required, ...optional]));
  return given
    .filter((name) => !names.has(name))
    .map((name) => {
      const meant = nearest(name, names);
      const list = names.size === 0 ? 'it has none' : `it has ${[...names].join(', ')}`;
      return `${command.name} has no parameter "${name}" (${meant === undefined ? list : `did you mean "${meant}"?`})`;
    });
}

/** How a management command is called: one line for each form. */
export function miCommandUsage({ name, forms }: CataloguedCommand): readonly string[] {
  if (forms.length === 0) return [`switchyard mi ${name}`];
  return forms.map(({ required, optional }) => {
    const parts = [...required.map((each) => `${each}=...`), ...optional.map((each) => `[${each}=...]`)];
    return ['switchyard mi', name, ...parts].join(' ');
  });
}

/** The help text of a management command. */
export function miCommandHelp(command: CataloguedCommand): string {
  const { name, aliases, description, forms } = command;
  const positional = forms.filter(({ required }) => required.length > 0).map(({ required }) => required);
  const byPosition = positional.map(
    (names) => `  switchyard mi ${name} ${names.map((each) => each.toUpperCase()).join(' ')}\n`,
  );
  return (
    `Usage: ${miCommandUsage(command).join('\n       ')}\n\n` +
    `${description.charAt(0).toUpperCase()}${description.slice(1)}${/[.!?]$/.test(description) ? '' : '.'}\n` +
    (aliases.length === 0 ? '' : `\nAlso called ${aliases.join(', ')}.\n`) +
    (byPosition.length === 0 ? '' : `\nBy position:\n${[...new Set(byPosition)].join('')}`)
  );
}
