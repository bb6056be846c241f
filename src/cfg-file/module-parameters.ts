import type { ConfigurationTree } from '../cfg/ast.js';
import type { Problems } from '../cfg/problem.js';
import { messageOf } from '../core/errors.js';
import { CHECKED_STATES } from '../modules/checked-states.js';
import { WITHOUT_EFFECT } from '../modules/parameters.js';
import { timedRoutes } from '../modules/rtimer.js';
import type { Format } from '../pvar/format.js';
import { ModuleStates } from '../script/environment.js';
import type { CfgSettings } from './settings.js';

/** Names what has no effect, and checks that modules can be set up with their parameters. */
export function checkModuleParameters(
  tree: ConfigurationTree,
  { modules, loaded }: CfgSettings,
  compile: (text: string) => Format,
  problems: Problems,
): void {
  for (const { module, name, at } of tree.moduleParameters) {
    const each = module.split('|').find((one) => loaded.has(one) && WITHOUT_EFFECT.get(one)?.has(name) === true);
    if (each !== undefined) problems.warning('no-effect', at, `parameter "${name}" of ${each} has no effect here`);
  }
  const routes = new Set(tree.routes.filter(({ kind }) => kind === 'request').map(({ name }) => name));
  for (const route of loaded.has('rtimer') ? timedRoutes(modules) : []) {
    const exec = tree.moduleParameters.find(({ name, value }) => name === 'exec' && String(value).includes(route));
    if (exec !== undefined && !routes.has(route))
      problems.error('setting', exec.at, `rtimer: there is no route[${route}]`);
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
