import type { ConfigurationTree, GlobalParameter, Position } from '../../cfg/ast.js';
import type { Dialect } from '../../cfg/dialect.js';
import type { Problems } from '../../cfg/problem.js';
import { type GlobalDefinition, opensipsGlobals, versionText } from './globals.js';
import { opensipsModuleParameters } from './module-parameters.js';
import { isOpensipsModule, opensipsModules } from './modules.js';

/**
 * Checks names and types of the global parameters, as OpenSIPS' parser does. Refuses a parameter that was removed
 * before the version that introduced another parameter of the file: no version runs such a file.
 */
export function checkOpensipsGlobals(parameters: readonly GlobalParameter[], problems: Problems): void {
  const table = opensipsGlobals();
  let newest: { name: string; since: number } | undefined;
  for (const { name } of parameters) {
    const since = table.get(name)?.since ?? 0;
    if (since > (newest?.since ?? 29)) newest = { name, since };
  }
  for (const parameter of parameters) {
    const { name, at } = parameter;
    const known = table.get(name);
    if (known === undefined) {
      const meant = problems.similar(name, () => table.keys());
      problems.error(
        'setting',
        at,
        `unknown parameter "${name}"${meant === undefined ? '' : `; did you mean "${meant}"?`}`,
      );
    } else if (newest !== undefined && known.until < newest.since) {
      const instead = known.instead === undefined ? '' : `; use ${known.instead}`;
      problems.error(
        'setting',
        at,
        `parameter "${name}" exists up to OpenSIPS ${versionText(known.until)} only, and ${newest.name} needs ${versionText(newest.since)} or later${instead}`,
      );
    } else {
      checkValue(parameter, known, problems);
      if ((newest?.since ?? 0) >= SOCKETS_SINCE) checkRest(parameter, known, problems);
    }
  }
}

/** The version, as in `GlobalDefinition`, from which sockets are given by "socket". */
const SOCKETS_SINCE = 31;

/** What may follow the address of a socket, as documented, with the number of values each takes. */
const SOCKET_OPTIONS: Readonly<Record<string, number>> = {
  as: 1,
  use_workers: 1,
  use_auto_scaling_profile: 1,
  tag: 1,
  tos: 1,
  anycast: 0,
  frag: 0,
  reuse_port: 0,
  accept_subdomain: 0,
  allow_proxy_protocol: 0,
  send_proxy_protocol: 0,
};
const WORKER_OPTIONS: Readonly<Record<string, number>> = { use_auto_scaling_profile: 1 };

/** Refuses what follows a value and belongs to nothing, as OpenSIPS' parser does. */
function checkRest({ name, rest }: GlobalParameter, { type }: GlobalDefinition, problems: Problems): void {
  const options =
    name === 'socket'
      ? SOCKET_OPTIONS
      : /^(?:udp|tcp|timer)_workers$/.test(name)
        ? WORKER_OPTIONS
        : type === 'any'
          ? undefined
          : {};
  if (options === undefined) return;
  for (let i = 0; i < rest.length; i++) {
    const each = rest[i];
    if (each === undefined) break;
    const text = each.kind === 'word' ? each.text : String(each.value);
    // Parts of an address stand between blanks too.
    if (name === 'socket' && each.kind === 'word' && !/^[a-z_]+$/i.test(text)) continue;
    const word = text.toLowerCase();
    const values = each.kind === 'word' && Object.hasOwn(options, word) ? options[word] : undefined;
    if (values === undefined) {
      const meant = problems.similar(word, () => Object.keys(options));
      const hint = meant === undefined ? '' : `; did you mean "${meant}"?`;
      problems.error('setting', each.at, `"${text}" cannot follow the value of parameter "${name}"${hint}`);
      return;
    }
    if (i + values >= rest.length) {
      problems.error('setting', each.at, `"${text}" of parameter "${name}" needs a value`);
      return;
    }
    i += values;
  }
}

/** Names that some parameters take, as documented. */
const NAMES: Readonly<Record<string, ReadonlySet<string>>> = {
  poll_method: new Set(['poll', 'epoll', 'epoll_lt', 'epoll_et', 'select', 'sigio_rt', 'kqueue', '/dev/poll']),
  tos: new Set(['IPTOS_LOWDELAY', 'IPTOS_THROUGHPUT', 'IPTOS_RELIABILITY', 'IPTOS_LOWCOST', 'IPTOS_MINCOST']),
  syslog_facility: new Set(
    `LOG_AUTH LOG_AUTHPRIV LOG_CRON LOG_DAEMON LOG_FTP LOG_KERN LOG_LPR LOG_MAIL LOG_NEWS LOG_SYSLOG LOG_USER LOG_UUCP LOG_LOCAL0 LOG_LOCAL1
    LOG_LOCAL2 LOG_LOCAL3 LOG_LOCAL4 LOG_LOCAL5 LOG_LOCAL6 LOG_LOCAL7`.split(/\s+/),
  ),
};

function checkValue({ name, value, at }: GlobalParameter, { type }: GlobalDefinition, problems: Problems): void {
  if (value === undefined) return;
  if (type === 'any') {
    const text = value.kind === 'word' ? value.text : String(value.value);
    const names = Object.hasOwn(NAMES, name) ? NAMES[name] : undefined;
    if (names !== undefined && value.kind !== 'int' && !names.has(text))
      problems.error('setting', at, `parameter "${name}" must be one of ${[...names].join(', ')}`);
    if (/^(?:udp|tcp)_workers$/.test(name) && value.kind !== 'int')
      problems.error('setting', at, `parameter "${name}" must be a number`);
    return;
  }
  const fits =
    type === 'number'
      ? value.kind === 'int'
      : type === 'string'
        ? value.kind === 'string'
        : value.kind === 'int' ||
          (value.kind === 'word' && /^(?:yes|no|true|false|on|off|enabled?|disabled?)$/i.test(value.text));
  if (fits) return;
  const wanted = { number: 'a number', string: 'a string in quotes', switch: 'yes or no' }[type];
  problems.error('setting', at, `parameter "${name}" must be ${wanted}`);
}

/** Refuses sockets whose transport module is not loaded; in files of 1.x transports have no modules. */
export function checkOpensipsTransports(tree: ConfigurationTree, { generation }: Dialect, problems: Problems): void {
  if (generation < 3 && !tree.modules.some(({ name }) => name.startsWith('proto_'))) return;
  for (const { name, value, at } of tree.parameters) {
    if ((name !== 'socket' && name !== 'listen') || value === undefined) continue;
    const text = value.kind === 'word' ? value.text : String(value.value);
    const transport = /^(tcp|tls|wss?|sctp|hep_udp|hep_tcp|hep_tls|bins?|smpp|msrps?):/i.exec(text)?.[1]?.toLowerCase();
    if (transport === undefined) continue;
    const module = `proto_${transport.startsWith('hep') ? 'hep' : transport.replace(/^msrps$/, 'msrp')}`;
    if (tree.modules.some((each) => each.name === module)) continue;
    problems.error('setting', at, `${name}=${text}: module ${module} is not loaded`);
  }
}

/** Refuses modules that do not exist, or not in the folder where they are looked for. */
export function checkOpensipsModules(tree: ConfigurationTree, dialect: Dialect, problems: Problems): void {
  if (dialect.generation < 4) return;
  const path = tree.parameters.find(({ name }) => name === 'mpath');
  for (const { name, path: file, at } of tree.modules) {
    if (!isOpensipsModule(name)) {
      const meant = problems.similar(name, opensipsModules);
      const hint = meant === undefined ? '' : `; did you mean "${meant}"?`;
      problems.error('setting', at, `module ${name} is not a module of OpenSIPS${hint}`);
    } else if (
      file.includes('/') &&
      !file.startsWith('/') &&
      path !== undefined &&
      at.file === path.at.file &&
      at.line < path.at.line
    ) {
      problems.error(
        'setting',
        at,
        `module ${file} is loaded before mpath, which says where modules are (line ${path.at.line})`,
      );
    }
  }
}

/** Checks names and types of module parameters. */
export function checkOpensipsModuleParameters(tree: ConfigurationTree, dialect: Dialect, problems: Problems): void {
  const withoutEffect = (module: string, name: string, at: Position): void =>
    problems.warning('no-effect', at, `parameter "${name}" of ${module} has no effect here`);
  for (const { module, name, value, at } of tree.moduleParameters) {
    for (const each of module.split('|')) {
      const table = opensipsModuleParameters(each);
      if (table === undefined) {
        if (isOpensipsModule(each)) withoutEffect(each, name, at);
        continue;
      }
      const known = table.get(name);
      if (known === undefined || known.until < dialect.generation) {
        const meant = problems.similar(name, () =>
          [...table].filter(([, { until }]) => until >= dialect.generation).map(([key]) => key),
        );
        const hint = meant === undefined ? '' : `; did you mean "${meant}"?`;
        const message = `module ${each} has no parameter "${name}"${known === undefined ? '' : ' any more'}${hint}`;
        if (dialect.generation >= 3) problems.error('setting', at, message);
        else problems.warning('no-effect', at, message);
        continue;
      }
      if (known.type !== 'either' && typeof value !== known.type)
        problems.error('setting', at, `${each} ${name} must be a ${known.type}`);
      else if (known.without) withoutEffect(each, name, at);
    }
  }
}
