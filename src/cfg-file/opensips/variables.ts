import type { ConfigurationTree } from '../../cfg/ast.js';
import type { Dialect } from '../../cfg/dialect.js';

/** Variables of OpenSIPS that a module brings along. */
const OF_MODULES: readonly (readonly [module: string, names: readonly string[]])[] = [
  ['json', ['json', 'json_pretty', 'json_compact']],
  ['statistics', ['stat']],
  ['cfgutils', ['env', 'shv', 'RANDOM', 'ctime']],
];

const NONE: ReadonlySet<string> = new Set();

/** Variables that a file of OpenSIPS 3 and later does not have, since their module is not loaded. */
export function hiddenVariables({ name, generation }: Dialect, { modules }: ConfigurationTree): ReadonlySet<string> {
  if (name !== 'opensips' || generation < 3) return NONE;
  const loaded = new Set(modules.map((each) => each.name));
  const hidden = OF_MODULES.filter(([module]) => !loaded.has(module)).flatMap(([, names]) => names);
  return new Set(generation > 3 ? [...hidden, 'br'] : hidden);
}
