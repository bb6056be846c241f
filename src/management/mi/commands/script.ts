import type { MiCommand } from '../command.js';
import { MiError, type MiValue } from '../command.js';
import type { ScriptCommandTable } from '../dependencies.js';

/** Commands of the modules a configuration file loads: they are the same whatever file is read next. */
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
        paramLists: Array.from({ length: command.parameters.length - command.required + 1 }, (_, i) =>
          command.parameters.slice(0, command.required + i).map((name) => ({ name, type: 'string' as const })),
        ),
        async run(params) {
          const texts = Object.fromEntries(
            Object.entries(params).map(([name, value]) => [name, value === undefined ? undefined : String(value)]),
          );
          const outcome = await table.run(command, texts);
          if (outcome.fault !== undefined) throw new MiError(outcome.fault.code, outcome.fault.message);
          return outcome.value as MiValue;
        },
      }),
    );
}
