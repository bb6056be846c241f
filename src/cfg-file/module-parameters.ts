import type { ConfigurationTree, RouteKind } from '../cfg/ast.js';
import type { DialectName } from '../cfg/function-table.js';
import type { Problems } from '../cfg/problem.js';
import type { EnteredRoute } from '../cfg/script.js';
import { callsIn } from '../cfg/visit.js';
import { messageOf } from '../core/errors.js';
import { CHECKED_STATES } from '../modules/checked-states.js';
import { WITHOUT_EFFECT } from '../modules/parameters.js';
import { timedRoute } from '../modules/rtimer.js';
import type { Format } from '../pvar/format.js';
import { ModuleStates } from '../script/environment.js';
import { checkNotDone } from './kamailio-not-done.js';
import { checkValues } from './kamailio-values.js';
import type { CfgSettings } from './settings.js';

/** Parameters of OpenSIPS' modules that name a route, with the kind of route whose functions it may call. */
const NAMED_ROUTES: readonly { readonly module: string; readonly name: string; readonly kind: RouteKind }[] = [
  { module: 'tm', name: 'local_request_route', kind: 'local' },
  { module: 'tm', name: 'local_reply_route', kind: 'onreply' },
  { module: 'pike', name: 'check_route', kind: 'local' },
];

/** Functions that need another module than their own, by name. */
const NEEDED_MODULES: ReadonlyMap<string, string> = new Map([
  ['rtpproxy_engage', 'dialog'],
  ['engage_rtp_proxy', 'dialog'],
  ['rtp_relay_engage', 'dialog'],
]);

/** Warns about parameters without effect, and checks that the modules accept their parameters. */
export function checkModuleParameters(
  tree: ConfigurationTree,
  { modules, loaded }: CfgSettings,
  compile: (text: string) => Format,
  dialect: DialectName,
  problems: Problems,
): void {
  if (dialect === 'kamailio') {
    checkNotDone(tree, loaded, problems);
    checkValues(tree, loaded, problems);
  }
  const named = new Set(problems.list.flatMap(({ code, at }) => (code === 'not-done' ? [at] : [])));
  for (const { module, name, at } of tree.moduleParameters) {
    if (named.has(at)) continue;
    const each = module.split('|').find((one) => loaded.has(one) && WITHOUT_EFFECT.get(one)?.has(name) === true);
    if (each !== undefined) problems.warning('no-effect', at, `parameter "${name}" of ${each} has no effect here`);
  }
  const routes = new Set(tree.routes.filter(({ kind }) => kind === 'request').map(({ name }) => name));
  for (const { module, name, value, at } of tree.moduleParameters) {
    if (name !== 'exec' || !loaded.has('rtimer') || !module.split('|').includes('rtimer')) continue;
    const route = timedRoute(String(value));
    if (route !== undefined && !routes.has(route)) problems.error('setting', at, `rtimer: there is no route[${route}]`);
  }
  for (const { module, name, value, at } of tree.moduleParameters) {
    if (!NAMED_ROUTES.some((each) => each.name === name && each.module === module)) continue;
    if (!routes.has(String(value))) problems.error('setting', at, `${module}: there is no route[${value}]`);
  }
  if (dialect === 'kamailio' && Number(modules.get('rr')?.get('append_fromtag')?.at(-1) ?? 1) === 0) {
    for (const { body } of tree.routes) {
      for (const call of callsIn(body)) {
        if (call.kind === 'call' && call.name === 'is_direction')
          problems.error('setting', call.at, 'is_direction() needs parameter append_fromtag of module rr');
      }
    }
    const uac = loaded.has('uac') ? modules.get('uac') : undefined;
    const byRoute = Number(uac?.get('restore_dlg')?.at(-1) ?? 0) === 0;
    if (loaded.has('uac') && byRoute && /^auto$/i.test(String(uac?.get('restore_mode')?.at(-1) ?? 'auto'))) {
      const at = tree.moduleParameters.find(({ module, name }) => module === 'rr' && name === 'append_fromtag')?.at;
      if (at !== undefined)
        problems.error('setting', at, 'restore_mode "auto" of module uac needs parameter append_fromtag of module rr');
    }
  }
  for (const { body } of dialect === 'opensips' ? tree.routes : []) {
    for (const call of callsIn(body)) {
      const needed = call.kind === 'call' ? NEEDED_MODULES.get(call.name) : undefined;
      if (call.kind === 'call' && needed !== undefined && !loaded.has(needed))
        problems.error('setting', call.at, `${call.name}() needs module ${needed}`);
    }
  }
  if (dialect === 'kamailio') checkProfiles(tree, modules.get('dialog'), problems);
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

/** Functions of Kamailio's dialog with a profile as their first argument. */
const OF_PROFILES: ReadonlySet<string> = new Set([
  'set_dlg_profile',
  'unset_dlg_profile',
  'is_in_profile',
  'get_profile_size',
  'dlg_set_timeout_by_profile',
]);

/** Refuses functions on profiles that the parameters do not define, as 5.6.3 does at its start. */
function checkProfiles(
  tree: ConfigurationTree,
  parameters: ReadonlyMap<string, readonly (string | number)[]> | undefined,
  problems: Problems,
): void {
  const given = ['profiles_no_value', 'profiles_with_value'].flatMap((name) => parameters?.get(name) ?? []);
  const known = new Set(given.flatMap((text) => String(text).split(';')).map((name) => name.trim()));
  for (const { body } of tree.routes) {
    for (const call of callsIn(body)) {
      if (call.kind !== 'call' || !OF_PROFILES.has(call.name)) continue;
      const [first] = call.args;
      const name = first?.kind === 'string' && !first.value.includes('$') ? first.value.trim() : undefined;
      if (name !== undefined && !known.has(name))
        problems.error('setting', call.at, `${call.name}(): profile ${name} is not defined`);
    }
  }
}

/** The routes that parameters of modules name, whether or not the file has them. */
export function namedRoutes(modules: CfgSettings['modules']): readonly EnteredRoute[] {
  return NAMED_ROUTES.flatMap(({ module, name, kind }) =>
    (modules.get(module)?.get(name) ?? []).map((route) => ({ name: String(route), kind })),
  );
}
