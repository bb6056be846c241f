import { CommandFault, integer, type MiValue, type ScriptCommand } from '../script/commands.js';
import type { ScriptEnvironment } from '../script/environment.js';
import { cacheStore, forgetMatching } from './cachedb.js';
import { translate } from './dialplan.js';
import { globalFlags } from './global-flags.js';
import { hashTableCommands } from './htable/commands.js';
import { allowsUri } from './permission-files.js';
import { blockedSources, forgetSource, pikeState } from './pike.js';
import { rateState } from './rate-limit.js';

/** Maximum number of entries in one listing. */
const MAX_LISTED = 10_000;

function cacheOf(env: ScriptEnvironment, name: string | undefined) {
  const cache = env.modules.of(cacheStore).get(name ?? '');
  if (cache === undefined) throw new CommandFault(500, `cache system "${name}" does not exist`);
  return cache;
}

const cachedb = 'cachedb_local';

const caches: readonly ScriptCommand[] = [
  {
    module: cachedb,
    mi: 'cache_store',
    help: 'stores a value in a cache',
    changes: true,
    parameters: ['system', 'attr', 'value', 'expire'],
    required: 3,
    run(env, { system, attr = '', value = '', expire }) {
      const seconds = expire === undefined ? 0 : integer(expire, 'expire');
      cacheOf(env, system).set(attr, value, seconds > 0 ? env.clock.monotonic() + seconds * 1000 : undefined);
      return 'OK';
    },
  },
  {
    module: cachedb,
    mi: 'cache_fetch',
    help: 'reads a value of a cache',
    changes: false,
    parameters: ['system', 'attr'],
    required: 2,
    run(env, { system, attr = '' }) {
      const value = cacheOf(env, system).get(attr, env.clock.monotonic());
      if (value === undefined) throw new CommandFault(400, 'Value not found');
      return { key: attr, value };
    },
  },
  {
    module: cachedb,
    mi: 'cache_remove_chunk',
    help: 'removes the values of a cache whose names match a pattern with * and ?',
    changes: true,
    parameters: ['glob', 'collection'],
    required: 1,
    async run(env, { glob = '', collection }) {
      const cache = env.modules.of(cacheStore).collection(collection);
      if (cache === undefined) throw new CommandFault(500, `collection "${collection}" does not exist`);
      await forgetMatching(cache, glob);
      return 'OK';
    },
  },
  {
    module: cachedb,
    mi: 'cache_remove',
    help: 'removes a value from a cache',
    changes: true,
    parameters: ['system', 'attr'],
    required: 2,
    run(env, { system, attr = '' }) {
      cacheOf(env, system).delete(attr);
      return 'OK';
    },
  },
];

const gflags: readonly ScriptCommand[] = [
  {
    module: 'gflags',
    mi: 'get_gflags',
    help: 'shows the flags of the process',
    changes: false,
    parameters: [],
    required: 0,
    run(env) {
      const mask = env.modules.of(globalFlags).mask >>> 0;
      return { hex: `0x${mask.toString(16).toUpperCase()}`, dec: mask };
    },
  },
  ...(['set', 'reset', 'is'] as const).map(
    (act): ScriptCommand => ({
      module: 'gflags',
      mi: `${act}_gflag`,
      help: act === 'is' ? 'whether all flags of a mask are set' : `${act}s the flags of a mask`,
      changes: act !== 'is',
      parameters: ['bitmask'],
      required: 1,
      run(env, { bitmask }) {
        const mask = integer(bitmask, 'the mask');
        const state = env.modules.of(globalFlags);
        if (act === 'is') return (state.mask & mask) === mask ? 'TRUE' : 'FALSE';
        state.put(mask, act === 'set');
        return 'OK';
      },
    }),
  ),
];

const limits: readonly ScriptCommand[] = [
  {
    module: 'pike',
    mi: 'pike_list',
    rpc: 'pike.list',
    help: 'lists the sources that are blocked',
    changes: false,
    parameters: [],
    required: 0,
    run: (env) =>
      blockedSources(env.modules.of(pikeState), env.clock.monotonic(), MAX_LISTED).map(({ ip, count }) => ({
        IP: ip,
        count,
      })),
  },
  {
    module: 'pike',
    mi: 'pike_rm',
    help: 'unblocks a source',
    changes: true,
    parameters: ['IP'],
    required: 1,
    run(env, { IP: ip = '' }) {
      if (!forgetSource(env.modules.of(pikeState), ip)) throw new CommandFault(404, 'IP not found');
      return 'OK';
    },
  },
  {
    module: 'ratelimit',
    mi: 'rl_list',
    help: 'lists the pipes, or one of them',
    changes: false,
    parameters: ['pipe'],
    required: 0,
    run(env, { pipe }) {
      const all = [...env.modules.of(rateState).pipes].filter(([name]) => pipe === undefined || name === pipe);
      if (pipe !== undefined && all.length === 0) throw new CommandFault(404, 'Pipe not found');
      return { Pipes: all.slice(0, MAX_LISTED).map(([id, { limit, count }]) => ({ id, limit, counter: count })) };
    },
  },
  {
    module: 'ratelimit',
    mi: 'rl_reset_pipe',
    help: 'sets the count of a pipe to zero',
    changes: true,
    parameters: ['pipe'],
    required: 1,
    run(env, { pipe = '' }) {
      const { pipes } = env.modules.of(rateState);
      const found = pipes.change(pipe, (each) => {
        each.count = 0;
      });
      if (!found) throw new CommandFault(404, 'Pipe not found');
      return 'OK';
    },
  },
];

async function reloaded(env: ScriptEnvironment): Promise<MiValue> {
  if (!(await env.reloadTables())) throw new CommandFault(500, 'the tables cannot be read, the old ones stay');
  return 'OK';
}

const lookups: readonly ScriptCommand[] = [
  {
    module: 'permissions',
    mi: 'address_reload',
    rpc: 'permissions.addressReload',
    help: 'reads the address table again',
    changes: true,
    parameters: ['partition'],
    required: 0,
    run: reloaded,
  },
  ...(['address', 'subnet'] as const).map(
    (kind): ScriptCommand => ({
      module: 'permissions',
      mi: `${kind}_dump`,
      rpc: `permissions.${kind}Dump`,
      help: kind === 'address' ? 'lists the address table' : 'lists the networks of the address table',
      changes: false,
      parameters: ['partition'],
      required: 0,
      run: (env, { partition }) =>
        env.tables.addresses.rows
          .filter((each) => partition === undefined || partition === each.partition)
          .filter(({ ip, mask }) => mask >= (ip.includes(':') ? 128 : 32) === (kind === 'address'))
          .slice(0, MAX_LISTED)
          .map(({ group, ip, mask, port, protocol }) => ({ grp: group, ip, mask, port, proto: protocol })),
    }),
  ),
  {
    module: 'permissions',
    mi: 'allow_uri',
    help: 'shows whether files of rules allow a URI a Contact',
    changes: false,
    parameters: ['basename', 'uri', 'contact'],
    required: 3,
    run(env, { basename = '', uri = '', contact = '' }) {
      if (!allowsUri(env, basename, uri, contact)) throw new CommandFault(403, 'Forbidden');
      return 'OK';
    },
  },
  {
    module: 'dialplan',
    mi: 'dp_reload',
    rpc: 'dialplan.reload',
    help: 'reads the dialplan table again',
    changes: true,
    parameters: ['partition'],
    required: 0,
    run: reloaded,
  },
  {
    module: 'dialplan',
    mi: 'dp_translate',
    rpc: 'dialplan.translate',
    help: 'shows how a dialplan rewrites a number',
    changes: false,
    parameters: ['dpid', 'input', 'partition'],
    required: 2,
    run(env, { dpid, input = '', partition = 'default' }) {
      const found = translate(env, partition, integer(dpid, 'the dialplan'), input);
      if (found === undefined) throw new CommandFault(404, 'No translation');
      // As recorded of Kamailio, a rule without a replacement has an empty output here.
      const output = found.output ?? '';
      if (env.dialect === 'kamailio') return { Output: output, Attributes: found.attributes };
      return { Output: output, ATTRIBUTES: found.attributes };
    },
  },
  {
    module: 'domain',
    mi: 'domain_reload',
    rpc: 'domain.reload',
    help: 'reads the domain table again',
    changes: true,
    parameters: [],
    required: 0,
    run: reloaded,
  },
  {
    module: 'domain',
    mi: 'domain_dump',
    rpc: 'domain.dump',
    help: 'lists the domain table',
    changes: false,
    parameters: [],
    required: 0,
    run: (env) =>
      [...env.tables.domains.values()]
        .slice(0, MAX_LISTED)
        .map(({ domain, attrs }) => ({ name: domain, attributes: attrs ?? '' })),
  },
];

/** Management commands of tables in memory, limits, and tables that scripts look things up in. */
export const tableCommands: readonly ScriptCommand[] = [
  ...hashTableCommands,
  ...caches,
  ...gflags,
  ...limits,
  ...lookups,
];
