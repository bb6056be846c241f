import type { MediaProxy } from '../../media/proxies.js';
import { CommandFault, type MiValue, type ScriptCommand } from '../../script/commands.js';
import type { ScriptEnvironment } from '../../script/environment.js';
import { mediaEngine } from './engine.js';

function entries(env: ScriptEnvironment): { set: number; proxy: MediaProxy }[] {
  return [...env.modules.of(mediaEngine).sets].flatMap(([set, proxies]) => proxies.map((proxy) => ({ set, proxy })));
}

function shown(env: ScriptEnvironment, set: number, proxy: MediaProxy, index: number): MiValue {
  const left = Math.max(0, Math.ceil((proxy.until - env.clock.monotonic()) / 1000));
  return {
    url: proxy.url,
    set,
    index,
    weight: proxy.weight,
    disabled: proxy.disabled || left > 0 ? (proxy.disabled ? '1 (permanent)' : '1') : '0',
    recheck_ticks: proxy.disabled ? 'N/A' : left,
    answered: proxy.answered,
    unanswered: proxy.unanswered,
  };
}

function named(env: ScriptEnvironment, url: string | undefined): MediaProxy[] {
  const all = entries(env).filter(({ proxy }) => url === undefined || url === 'all' || proxy.url === url);
  if (all.length === 0) throw new CommandFault(404, 'Instance not found');
  return all.map(({ proxy }) => proxy);
}

function enable(env: ScriptEnvironment, url: string | undefined, on: boolean): MiValue {
  for (const each of named(env, url)) {
    each.disabled = !on;
    if (on) each.until = 0;
  }
  return 'OK';
}

const module = 'rtpengine';

/**
 * Joins what the processes report about media proxies: numbers of commands are added, and a proxy is disabled if it is
 * in one of them.
 */
function proxies(answers: readonly MiValue[]): MiValue {
  const [own = [], ...others] = answers as unknown as readonly (readonly Shown[])[];
  return own.map((each, i) => {
    const all: readonly Shown[] = [each, ...others.map((other) => other[i] ?? each)];
    const sum = (name: string): number => all.reduce<number>((total, one) => total + Number(one[name]), 0);
    const shown = all.find(({ disabled }) => disabled !== '0') ?? each;
    return { ...shown, answered: sum('answered'), unanswered: sum('unanswered') };
  });
}

interface Shown {
  readonly [key: string]: MiValue;
}

/** Management commands of rtpengine. */
export const rtpengineCommands: readonly ScriptCommand[] = [
  {
    module,
    mi: 'rtpengine_show',
    rpc: 'rtpengine.show',
    help: 'lists the media proxies, or one of them',
    joined: proxies,
    changes: false,
    parameters: ['url'],
    required: 0,
    run(env, { url }) {
      named(env, url);
      return entries(env)
        .map((each, index) => ({ ...each, index }))
        .filter(({ proxy }) => url === undefined || url === 'all' || proxy.url === url)
        .map(({ set, proxy, index }) => shown(env, set, proxy, index));
    },
  },
  {
    module,
    mi: 'rtpengine_enable',
    rpc: 'rtpengine.enable',
    help: 'switches a media proxy on (1) or off (0)',
    changes: true,
    parameters: ['url', 'enable'],
    required: 2,
    run: (env, { url, enable: on }) => enable(env, url, on !== '0'),
  },
  {
    module,
    rpc: 'rtpengine.get_hash_total',
    help: 'shows of how many calls the media proxy is known',
    joined: (answers) => answers.reduce<number>((sum, each) => sum + Number(each), 0),
    changes: false,
    parameters: [],
    required: 0,
    run: (env) => [...env.modules.of(mediaEngine).calls.entries(env.clock.monotonic())].length,
  },
];
