import type { MiCommand, ParamSpec } from '../command.js';
import { MiError, type MiValue } from '../command.js';
import type { ScriptCommandSpec, ScriptCommandTable } from '../dependencies.js';

/** The sets of parameters that a command accepts. */
function formsOf({ forms, parameters, required }: ScriptCommandSpec): readonly (readonly string[])[] {
  return forms ?? Array.from({ length: parameters.length - required + 1 }, (_, i) => parameters.slice(0, required + i));
}

function textOf(value: MiValue | undefined): string | undefined {
  if (value === undefined) return undefined;
  return Array.isArray(value) ? value.map(String).join('\n') : String(value);
}

/** The commands of modules loaded by a configuration file. They do not change when another file is read. */
export function scriptCommands(table: ScriptCommandTable | undefined): MiCommand[] {
  if (table === undefined) return [];
  return table.commands
    .filter(({ mi }) => mi !== undefined)
    .map(
      (command): MiCommand => ({
        name: command.mi as string,
        aliases: [`${command.module}:${command.mi as string}`],
        module: command.module,
        help: command.help,
        needs: { role: command.changes ? 'operator' : 'viewer' },
        changes: command.changes,
        paramLists: formsOf(command).map((form) =>
          form.map((name): ParamSpec => ({ name, type: name === command.list ? 'array' : 'string' })),
        ),
        extraParams: (command.named ?? []).map((name): ParamSpec => ({ name, type: 'string' })),
        async run(params) {
          const texts = Object.fromEntries(Object.entries(params).map(([name, value]) => [name, textOf(value)]));
          const outcome = await table.run(command, texts);
          if (outcome.fault !== undefined) throw new MiError(outcome.fault.code, outcome.fault.message);
          return outcome.value as MiValue;
        },
      }),
    );
}
