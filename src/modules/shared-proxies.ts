import type { MediaProxy } from '../media/proxies.js';
import type { ModuleStates } from '../script/environment.js';

/** Maximum number of shared values about media proxies, two for each. */
const MAX_PROXIES = 2000;

type Sets = Map<number, MediaProxy[]>;

/** The proxies of a new configuration; those that were configured before keep their state. */
export function renewedProxies(before: Sets, after: Sets, states: Pick<ModuleStates, 'shared'>, module: string): Sets {
  const known = new Map([...before.values()].flat().map((each) => [each.url, each]));
  const kept = (each: MediaProxy): MediaProxy => {
    const old = known.get(each.url);
    return old === undefined || old.weight !== each.weight ? each : old;
  };
  return sharedProxies(new Map([...after].map(([set, proxies]) => [set, proxies.map(kept)])), states, module);
}

/**
 * The same media proxies. When several processes run the script, the state whether a proxy is used is in memory they
 * share.
 */
export function sharedProxies(sets: Sets, { shared }: Pick<ModuleStates, 'shared'>, module: string): Sets {
  if (shared === undefined) return sets;
  const values = shared.lastingTable(`${module} proxies`, MAX_PROXIES);
  const number = (key: string): number => Number(values.get(key, 0) ?? 0);
  for (const proxy of [...sets.values()].flat()) {
    // Made once, since they are read for each call.
    const [until, disabled] = [`until ${proxy.url}`, `disabled ${proxy.url}`];
    Object.defineProperties(proxy, {
      until: {
        configurable: true,
        enumerable: true,
        get: () => number(until),
        set: (ms: number) => void values.set(until, ms, undefined),
      },
      disabled: {
        configurable: true,
        enumerable: true,
        get: () => number(disabled) !== 0,
        set: (is: boolean) => void values.set(disabled, Number(is), undefined),
      },
    });
  }
  return sets;
}
