import type { ConfigurationTree } from '../cfg/ast.js';
import type { Problems } from '../cfg/problem.js';
import { messageOf } from '../core/errors.js';
import { CHECKED_STATES } from '../modules/checked-states.js';
import { MODULE_PARAMETERS } from '../modules/parameters.js';
import type { Format } from '../pvar/format.js';
import { ModuleStates } from '../script/environment.js';
import type { CfgSettings } from './settings.js';

/** Checks names and types of the parameters of modules, and that the modules can be set up with them. */
export function checkModuleParameters(
  tree: ConfigurationTree,
  { modules, loaded }: CfgSettings,
  compile: (text: string) => Format,
  problems: Problems,
): void {
  for (const { module, name, value, at } of tree.moduleParameters) {
    for (const each of module.split('|')) {
      const known = MODULE_PARAMETERS.get(each);
      if (known === undefined || !loaded.has(each)) continue;
      const type = known.get(name);
      if (type === undefined) problems.error('setting', at, `module ${each} has no parameter "${name}"`);
      else if (type === 'none') problems.warning('no-effect', at, `parameter "${name}" of ${each} has no effect here`);
      else if (type === 'int' && typeof value !== 'number')
        problems.error('setting', at, `${each} ${name} must be a number`);
      else if (type === 'string' && typeof value !== 'string')
        problems.error('setting', at, `${each} ${name} must be a string`);
    }
  }
  const states = new ModuleStates(modules, loaded, new Map(), compile);
  for (const [module, make] of CHECKED_STATES) {
    if (!loaded.has(module)) continue;
    try {
      make(states);
    } catch (error) {
      const first = tree.moduleParameters.find((each) => each.module.split('|').includes(module));
      const at = first?.at ?? tree.modules.find(({ name }) => name === module)?.at;
      if (at !== undefined) problems.error('setting', at, `module ${module}: ${messageOf(error)}`);
    }
  }
}
