import type { ConfigurationTree, SettingValue } from '../cfg/ast.js';

/** Parameters of modules by module and name, every value in order. */
export type ModuleValues = ReadonlyMap<string, ReadonlyMap<string, readonly (string | number)[]>>;

/** The value of a global parameter as text or number. */
export function plainValue(value: SettingValue): string | number {
  return value.kind === 'word' ? value.text : value.value;
}

/** All modparam lines; "a|b" sets the parameter of both modules. */
export function moduleValues(tree: ConfigurationTree): ModuleValues {
  const all = new Map<string, Map<string, (string | number)[]>>();
  for (const { module, name, value } of tree.moduleParameters) {
    for (const each of module.split('|')) {
      const names = all.get(each) ?? new Map<string, (string | number)[]>();
      all.set(each, names);
      names.set(name, [...(names.get(name) ?? []), value]);
    }
  }
  return all;
}

/** Modules of OpenSIPS that take "db_default_url" where they have no URL of their own. */
const DATABASE_USERS = ['acc', 'avpops', 'sqlops', 'alias_db', 'group', 'speeddial'];

/** The parameters, with the database of the file for each loaded module that names none. */
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
