import type { ModuleParameters, ScriptEnvironment } from '../script/environment.js';
import { routingState } from './drouting/partitions.js';
import { balancerState } from './load-balancer/balancer.js';

/**
 * Address lists by name: each has the types of gateways, or the groups of destinations, whose addresses it contains.
 */
type Lists = ReadonlyMap<string, ReadonlySet<number>>;

/** Parses "name= 1,4,3". Throws an Error for other texts. */
function listsOf(texts: readonly (string | number)[]): Lists {
  const lists = new Map<string, ReadonlySet<number>>();
  for (const text of texts.map(String)) {
    const [, name = '', numbers] =
      /^[ \t\r\n]*([\w-]+)[ \t\r\n]*=[ \t\r\n]*(\d+(?:[ \t\r\n]*,[ \t\r\n]*\d+)*)[ \t\r\n]*$/.exec(text) ?? [];
    if (numbers === undefined) throw new Error(`"${text}" is not a list of the form "name= 1,4,3"`);
    lists.set(name, new Set(numbers.split(',').map(Number)));
  }
  return lists;
}

/** Lists of drouting (define_blacklist). */
export const gatewayLists = {
  module: 'drouting',
  create: (parameters: ModuleParameters): Lists => listsOf(parameters.all('define_blacklist')),
};

/** Lists of load_balancer (lb_define_blacklist). */
export const destinationLists = {
  module: 'load_balancer',
  create: (parameters: ModuleParameters): Lists => listsOf(parameters.all('lb_define_blacklist')),
};

/** Whether drouting or load_balancer has a list with that name. */
export function hasGatewayList({ modules }: ScriptEnvironment, name: string): boolean {
  return modules.of(gatewayLists).has(name) || modules.of(destinationLists).has(name);
}

/** Whether an address belongs to a gateway in one of these lists; the port is ignored. */
export function inGatewayList(env: ScriptEnvironment, names: readonly string[], address: string): boolean {
  const { modules } = env;
  for (const name of names) {
    const types = modules.of(gatewayLists).get(name);
    if (
      types !== undefined &&
      modules
        .of(routingState)
        .all(env)
        .some(([, tables]) => tables.hasType(address, types))
    )
      return true;
    const groups = modules.of(destinationLists).get(name);
    if (groups === undefined) continue;
    for (const { row, address: known } of modules.of(balancerState).all(env))
      if (groups.has(row.group) && known === address) return true;
  }
  return false;
}
