import type { ConfigurationTree, SettingValue } from '../cfg/ast.js';

/** Parameters by module and name, with all their values in order. */
export type ModuleValues = ReadonlyMap<string, ReadonlyMap<string, readonly (string | number)[]>>;

/** The value of a global parameter as a text or number. */
export function plainValue(value: SettingValue): string | number {
  return value.kind === 'word' ? value.text : value.value;
}

/** The values of all modparam lines; "a|b" sets the parameter of both modules. */
export function moduleValues(tree: ConfigurationTree): ModuleValues {
  const all = new Map<string, Map<string, (string | number)[]>>();
  for (const { module, name, value } of tree.moduleParameters) {
    for (const each of module.split('|')) {
      const names = all.get(each) ?? new Map<string, (string | number)[]>();
      all.set(each, names);
      const before = names.get(name);
      if (before === undefined) names.set(name, [value]);
      else before.push(value);
    }
  }
  return all;
}

/** Modules of OpenSIPS that use "db_default_url" when they have no URL of their own. */
const DATABASE_USERS = ['acc', 'avpops', 'sqlops', 'alias_db', 'group', 'speeddial', 'userblacklist'];

/** The parameters, with the default database added for each loaded module that sets none. */
export function withDefaultDatabase(
  values: ModuleValues,
  tree: ConfigurationTree,
  url: string | undefined,
): ModuleValues {
  if (url === undefined) return values;
  const all = new Map(values);
  for (const { name } of tree.modules) {
    const own = all.get(name);
    if (DATABASE_USERS.includes(name) && own?.has('db_url') !== true)
      all.set(name, new Map([...(own ?? []), ['db_url', [url]]]));
  }
  return all;
}
