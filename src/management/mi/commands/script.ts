import { ownValue } from '../../../core/own-value.js';
import type { MiCommand, ParamSpec } from '../command.js';
import { MiError, type MiValue } from '../command.js';
import type { ScriptCommandSpec, ScriptCommandTable } from '../dependencies.js';

/**
 * What older names of MI commands begin with, by module; the names of OpenSIPS 4 have the module and a colon instead.
 */
const PREFIXES: Readonly<Record<string, string>> = {
  cachedb_local: 'cache_',
  dialog: 'dlg_',
  dialplan: 'dp_',
  domain: 'domain_',
  drouting: 'dr_',
  fraud_detection: 'fraud_',
  load_balancer: 'lb_',
  mqueue: 'mq_',
  nathelper: 'nh_',
  pike: 'pike_',
  ratelimit: 'rl_',
  regex: 'regex_',
  rtpengine: 'rtpengine_',
  rtpproxy: 'rtpproxy_',
  tls_mgm: 'tls_',
  tm: 't_',
};

/** Names of OpenSIPS 4 that do not follow from the older ones, as documented. */
const RENAMED: Readonly<Record<string, string>> = {
  cache_fetch: 'cache:fetch',
  cache_remove: 'cache:remove',
  cache_store: 'cache:store',
  reload_blacklist: 'userblacklist:reload',
  set_dlg_profile: 'dialog:set_profile',
  show_fraud_stats: 'fraud_detection:show_stats',
  unset_dlg_profile: 'dialog:unset_profile',
};

/** The names of a command besides its older one, the one of OpenSIPS 4 first. */
function aliasesOf(module: string, name: string): string[] {
  const prefix = ownValue(PREFIXES, module) ?? '';
  const rest = prefix !== '' && name.startsWith(prefix) ? name.slice(prefix.length) : name;
  return [...new Set([ownValue(RENAMED, name) ?? `${module}:${rest}`, `${module}:${name}`])];
}

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
        aliases: aliasesOf(command.module, command.mi as string),
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
