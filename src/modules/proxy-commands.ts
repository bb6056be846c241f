import type { MediaProxy } from '../media/proxies.js';
import { CommandFault, integer, type MiValue, type ScriptCommand } from '../script/commands.js';
import type { ScriptEnvironment } from '../script/environment.js';

/** The media proxies of a module, by set. */
type Sets = (env: ScriptEnvironment) => ReadonlyMap<number, readonly MediaProxy[]>;

interface Entry {
  readonly set: number;
  readonly proxy: MediaProxy;
  /** The position of the proxy in the list of all. */
  readonly index: number;
}

function shown(env: ScriptEnvironment, { set, proxy, index }: Entry): MiValue {
  const left = Math.max(0, Math.ceil((proxy.until - env.clock.monotonic()) / 1000));
  return {
    url: proxy.url,
    set,
    index,
    weight: proxy.weight,
    disabled: proxy.disabled ? '1 (permanent)' : left > 0 ? '1' : '0',
    recheck_ticks: proxy.disabled ? 'N/A' : left,
    answered: proxy.answered,
    unanswered: proxy.unanswered,
  };
}

/**
 * The proxies with an address ("all" or undefined: all of them), of one set or of all. Throws CommandFault for none.
 */
function found(sets: ReadonlyMap<number, readonly MediaProxy[]>, url: string | undefined, only?: number): Entry[] {
  const all = [...sets].flatMap(([set, proxies]) => proxies.map((proxy) => ({ set, proxy })));
  const entries = all
    .map((each, index) => ({ ...each, index }))
    .filter(({ set }) => only === undefined || set === only)
    .filter(({ proxy }) => url === undefined || url === 'all' || proxy.url === url);
  if (entries.length === 0) throw new CommandFault(404, 'Instance not found');
  return entries;
}

interface Shown {
  readonly [key: string]: MiValue;
}

/**
 * Joins what the processes report about media proxies: numbers of commands are added, and a proxy is disabled if it is
 * in one of them.
 */
function joined(answers: readonly MiValue[]): MiValue {
  const [own = [], ...others] = answers as unknown as readonly (readonly Shown[])[];
  return own.map((each, i) => {
    const all: readonly Shown[] = [each, ...others.map((other) => other[i] ?? each)];
    const sum = (name: string): number => all.reduce<number>((total, one) => total + Number(one[name]), 0);
    const entry = all.find(({ disabled }) => disabled !== '0') ?? each;
    return { ...entry, answered: sum('answered'), unanswered: sum('unanswered') };
  });
}

/**
 * Commands of a module that list its media proxies, and switch them on and off: MODULE_show and MODULE_enable. `rpc`:
 * Kamailio has them too.
 */
export function proxyCommands(module: string, sets: Sets, rpc: boolean): readonly ScriptCommand[] {
  const named = (name: string) => ({ mi: `${module}_${name}`, ...(rpc ? { rpc: `${module}.${name}` } : {}) });
  return [
    {
      module,
      ...named('show'),
      help: 'lists the media proxies, or one of them',
      joined,
      changes: false,
      parameters: ['url'],
      required: 0,
      run: (env, { url }) => found(sets(env), url).map((each) => shown(env, each)),
    },
    {
      module,
      ...named('enable'),
      help: 'switches a media proxy on (1) or off (0), in all sets or in one',
      changes: true,
      parameters: ['url', 'enable', 'setid'],
      required: 2,
      run(env, { url, enable, setid }) {
        const set = setid === undefined ? undefined : integer(setid, 'setid');
        for (const { proxy } of found(sets(env), url, set)) {
          proxy.disabled = enable === '0';
          if (!proxy.disabled) proxy.until = 0;
        }
        return 'OK';
      },
    },
  ];
}
