import type { MediaProxy } from '../media/proxies.js';
import type { ModuleStates } from '../script/environment.js';

/** Values kept of media proxies, two for each. */
const MOST = 2000;

type Sets = Map<number, MediaProxy[]>;

/** The same media proxies; where several processes run the script, which of them are left out is the same for all. */
export function sharedProxies(sets: Sets, { shared }: Pick<ModuleStates, 'shared'>, module: string): Sets {
  if (shared === undefined) return sets;
  const values = shared.lastingTable(`${module} proxies`, MOST);
  const number = (key: string): number => Number(values.get(key, 0) ?? 0);
  for (const proxy of [...sets.values()].flat()) {
    const { url } = proxy;
    Object.defineProperties(proxy, {
      until: {
        configurable: true,
        enumerable: true,
        get: () => number(`until ${url}`),
        set: (ms: number) => void values.set(`until ${url}`, ms, undefined),
      },
      disabled: {
        configurable: true,
        enumerable: true,
        get: () => number(`disabled ${url}`) !== 0,
        set: (is: boolean) => void values.set(`disabled ${url}`, Number(is), undefined),
      },
    });
  }
  return sets;
}
