import { contains, ipv4Number } from '../core/ipv4-network.js';
import { addrSpecOf } from '../core/name-addr.js';
import { parseUri } from '../core/uri.js';
import { fnmatch } from '../engine/fnmatch.js';
import type { MessageRun } from '../script/call.js';
import type { ModuleParameters } from '../script/environment.js';
import type { AddressRow } from '../script/tables.js';
import {
  type Arg,
  code,
  type FunctionSpec,
  intOf,
  KAMAILIO,
  moduleFunctions,
  OPENSIPS,
  optional,
  param,
  type ScriptFunction,
  textOf,
} from './define.js';

interface Wanted {
  readonly group: number;
  readonly ip: string;
  readonly port: number;
  readonly protocol: string;
  readonly text: string | undefined;
}

/** The first row of the address table that matches; group 0 means every group. */
function findAddress(run: MessageRun, { group, ip, port, protocol, text }: Wanted): AddressRow | undefined {
  const number = ipv4Number(ip);
  return run.env.tables.addresses.find(
    (row) =>
      (group === 0 || row.group === 0 || row.group === group) &&
      contains(row.network, ip, number) &&
      (row.port === 0 || port === 0 || row.port === port) &&
      (row.protocol === 'any' || protocol === 'any' || protocol === '' || row.protocol === protocol.toLowerCase()) &&
      (row.pattern === undefined || text === undefined || fnmatch(row.pattern, text)),
  );
}

function answer(run: MessageRun, row: AddressRow | undefined, context: Arg | undefined): number {
  if (row === undefined) return -1;
  context?.variable?.assign(run.pvars, row.context ?? null);
  return 1;
}

function fromSource(run: MessageRun, group: number): Wanted {
  const { source } = run;
  return { group, ip: source.address, port: source.port, protocol: source.socket.transport, text: undefined };
}

const permissions: FunctionSpec[] = [
  {
    name: 'check_address',
    dialects: OPENSIPS,
    parameters: [
      param('group', 'int'),
      param('address', 'string'),
      param('port', 'int'),
      param('protocol', 'string'),
      optional('context', 'writable'),
      optional('pattern', 'string'),
      optional('partition', 'string'),
    ],
    summary: 'whether an address stands in the table',
    compile:
      ([group, ip, port, protocol, context, pattern]) =>
      (run) =>
        answer(
          run,
          findAddress(run, {
            group: intOf(group, run, 0),
            ip: textOf(ip, run),
            port: intOf(port, run, 0),
            protocol: textOf(protocol, run).toLowerCase(),
            text: pattern === undefined ? undefined : textOf(pattern, run),
          }),
          context,
        ),
  },
  {
    name: 'check_source_address',
    dialects: OPENSIPS,
    parameters: [
      param('group', 'int'),
      optional('context', 'writable'),
      optional('pattern', 'string'),
      optional('partition', 'string'),
    ],
    summary: 'whether the source address stands in the table',
    compile:
      ([group, context]) =>
      (run) =>
        answer(run, findAddress(run, fromSource(run, intOf(group, run, 0))), context),
  },
  {
    name: 'get_source_group',
    dialects: OPENSIPS,
    parameters: [param('result', 'writable'), optional('partition', 'string')],
    summary: 'the group of the source address',
    compile:
      ([result]) =>
      (run) => {
        const row = findAddress(run, fromSource(run, 0));
        if (row === undefined) return -1;
        result?.variable?.assign(run.pvars, row.group);
        return 1;
      },
  },
  {
    name: 'allow_source_address',
    dialects: KAMAILIO,
    parameters: [optional('group', 'int')],
    summary: 'whether the source address stands in the table',
    compile:
      ([group]) =>
      (run) =>
        code(findAddress(run, fromSource(run, intOf(group, run, 1))) !== undefined),
  },
  {
    name: 'allow_address',
    dialects: KAMAILIO,
    parameters: [param('group', 'int'), param('address', 'string'), param('port', 'string')],
    summary: 'whether an address stands in the table',
    compile:
      ([group, ip, port]) =>
      (run) =>
        code(
          findAddress(run, {
            group: intOf(group, run, 1),
            ip: textOf(ip, run),
            port: intOf(port, run, 0),
            protocol: 'any',
            text: undefined,
          }) !== undefined,
        ),
  },
  {
    name: 'allow_address_group',
    dialects: KAMAILIO,
    parameters: [param('address', 'string'), param('port', 'string')],
    summary: 'the group of an address',
    compile:
      ([ip, port]) =>
      (run) =>
        findAddress(run, { group: 0, ip: textOf(ip, run), port: intOf(port, run, 0), protocol: 'any', text: undefined })
          ?.group ?? -1,
  },
  {
    name: 'allow_trusted',
    dialects: KAMAILIO,
    parameters: [optional('address', 'string'), optional('protocol', 'string'), optional('uri', 'string')],
    summary: 'false: there is no table of trusted peers',
    compile: () => () => -1,
  },
  ...[
    ['allow_routing', [optional('allow file', 'string'), optional('deny file', 'string')]],
    ['allow_register', [param('allow file', 'string'), optional('deny file', 'string')]],
    ['allow_uri', [param('file', 'string'), param('uri', 'string')]],
  ].map(
    ([name, parameters]): FunctionSpec => ({
      name: name as string,
      dialects: KAMAILIO,
      parameters: parameters as FunctionSpec['parameters'] & object,
      summary: 'true, as without files of allow and deny',
      compile: () => () => 1,
    }),
  ),
  {
    name: 'allow_source_address_group',
    dialects: KAMAILIO,
    summary: 'the group of the source address',
    compile: () => (run) => findAddress(run, fromSource(run, 0))?.group ?? -1,
  },
];

/** Local domains: the table's, and the aliases and sockets of the file. */
function isLocalDomain(run: MessageRun, domain: string): string | null | undefined {
  const lower = domain.toLowerCase();
  const row = run.env.tables.domains.find((each) => each.domain.toLowerCase() === lower);
  if (row !== undefined) return row.attrs ?? null;
  return undefined;
}

function domainTest(
  name: string,
  dialects: FunctionSpec['dialects'],
  domain: (run: MessageRun) => string,
): FunctionSpec {
  return {
    name,
    ...(dialects === undefined ? {} : { dialects }),
    parameters: [optional('attributes', 'writable')],
    summary: 'whether a domain is ours',
    compile:
      ([attrs]) =>
      (run) => {
        const found = isLocalDomain(run, domain(run));
        if (found === undefined) return -1;
        attrs?.variable?.assign(run.pvars, found);
        return 1;
      },
  };
}

const hostOf = (uri: string): string => parseUri(uri)?.host ?? '';

const domains: FunctionSpec[] = [
  domainTest('is_from_local', undefined, (run) => hostOf(addrSpecOf(run.message.from))),
  domainTest('is_uri_host_local', undefined, (run) => hostOf(run.call.requestUri)),
  ...['is_domain_local', 'lookup_domain'].map(
    (name): FunctionSpec => ({
      name,
      ...(name === 'lookup_domain' ? { dialects: KAMAILIO } : {}),
      parameters: [param('domain', 'string'), optional('attributes', 'writable')],
      summary: 'whether a domain is ours',
      compile:
        ([domain, attrs]) =>
        (run) => {
          const found = isLocalDomain(run, textOf(domain, run));
          if (found === undefined) return -1;
          attrs?.variable?.assign(run.pvars, found);
          return 1;
        },
    }),
  ),
];

interface Flood {
  count: number;
  since: number;
  blocked: boolean;
}

interface PikeState {
  /** Milliseconds. */
  readonly span: number;
  readonly most: number;
  /** Milliseconds. */
  readonly latency: number;
  readonly sources: Map<string, Flood>;
}

/** pike: sources that send more than so many requests in a span are blocked. */
export const pikeState = {
  module: 'pike',
  create: (parameters: ModuleParameters): PikeState => ({
    span: parameters.int('sampling_time_unit', 2) * 1000,
    most: parameters.int('reqs_density_per_unit', 30),
    latency: parameters.int('remove_latency', 120) * 1000,
    sources: new Map<string, Flood>(),
  }),
  renew(before: PikeState, parameters: ModuleParameters): PikeState {
    return { ...this.create(parameters), sources: before.sources };
  },
};

/** Sources remembered at most. */
const MOST_SOURCES = 100_000;

function pike(run: MessageRun, from?: string): number {
  const state = run.env.modules.of(pikeState);
  const { sources, span, most, latency } = state;
  const address = from ?? run.source.address;
  const now = run.env.clock.monotonic();
  let flood = sources.get(address);
  if (flood === undefined || now - flood.since > Math.max(span, flood.blocked ? latency : span)) {
    if (sources.size >= MOST_SOURCES) sources.clear();
    flood = { count: 0, since: now, blocked: false };
    sources.set(address, flood);
  } else if (!flood.blocked && now - flood.since > span) {
    flood.count = 0;
    flood.since = now;
  }
  flood.count++;
  if (flood.blocked) return -1;
  if (flood.count <= most) return 1;
  flood.blocked = true;
  run.env.peerLog.warn({ address }, 'script: pike blocks a source');
  return -2;
}

interface Pipe {
  limit: number;
  count: number;
  since: number;
}

interface RateState {
  /** Milliseconds. */
  readonly interval: number;
  readonly pipes: Map<string, Pipe>;
}

/** ratelimit: pipes by name. */
export const rateState = {
  module: 'ratelimit',
  create: (parameters: ModuleParameters): RateState => {
    const pipes = new Map<string, Pipe>();
    for (const each of parameters.all('pipe')) {
      const match = /^(\w+):(\w+):(\d+)$/.exec(String(each));
      if (match !== null) pipes.set(match[1] ?? '', { limit: Number(match[3]), count: 0, since: 0 });
    }
    return { interval: parameters.int('timer_interval', 10) * 1000, pipes };
  },
  renew(before: RateState, parameters: ModuleParameters): RateState {
    const after = this.create(parameters);
    for (const [name, pipe] of before.pipes) {
      const wanted = after.pipes.get(name);
      after.pipes.set(name, wanted === undefined ? pipe : Object.assign(pipe, { limit: wanted.limit }));
    }
    return after;
  },
};

/** The pipe of that name, made with `limit`; undefined where there is none and none can be made. */
function pipeOf(pipes: Map<string, Pipe>, name: string, limit: number | undefined): Pipe | undefined {
  const known = pipes.get(name);
  if (known !== undefined || limit === undefined || pipes.size >= MOST_SOURCES) return known;
  const pipe = { limit, count: 0, since: 0 };
  pipes.set(name, pipe);
  return pipe;
}

/** Counts a message in the interval that runs; 1 while the pipe is below its limit, else -1. */
function count(run: MessageRun, pipe: Pipe, interval: number): number {
  const now = run.env.clock.monotonic();
  if (now - pipe.since > interval) {
    pipe.count = 0;
    pipe.since = now;
  }
  pipe.count++;
  return code(pipe.count <= pipe.limit);
}

function rate(run: MessageRun, name: string, limit: number | undefined): number {
  const { pipes, interval } = run.env.modules.of(rateState);
  const pipe = pipeOf(pipes, name, limit);
  if (pipe === undefined) return -1;
  if (limit !== undefined) pipe.limit = limit;
  return count(run, pipe, interval);
}

/** pipelimit: pipes by name, and what pl_drop() answers. */
const pipeState = {
  module: 'pipelimit',
  create: (parameters: ModuleParameters) => ({
    interval: parameters.int('timer_interval', 10) * 1000,
    code: parameters.int('reply_code', 503),
    reason: parameters.text('reply_reason', 'Server Unavailable'),
    pipes: new Map<string, Pipe>(),
  }),
};

function pipelimit(run: MessageRun, name: string, limit: number | undefined): number {
  const { pipes, interval } = run.env.modules.of(pipeState);
  const pipe = pipeOf(pipes, name, limit);
  return pipe === undefined ? -2 : count(run, pipe, interval);
}

export const accessFunctions: ScriptFunction[] = [
  ...moduleFunctions('permissions', permissions),
  ...moduleFunctions('domain', domains),
  ...moduleFunctions('pike', [
    {
      name: 'pike_check_req',
      parameters: [optional('source', 'string')],
      routes: ['request', 'event'],
      summary: 'whether a source sends too much',
      compile: () => (run) => pike(run),
    },
  ]),
  ...moduleFunctions('pike', [
    {
      name: 'pike_check_ip',
      dialects: KAMAILIO,
      parameters: [param('address', 'string')],
      summary: 'whether an address sends too much',
      compile:
        ([address]) =>
        (run) =>
          pike(run, textOf(address, run)),
    },
  ]),
  ...moduleFunctions('pipelimit', [
    {
      name: 'pl_check',
      dialects: KAMAILIO,
      parameters: [param('pipe', 'string'), optional('algorithm', 'string'), optional('limit', 'string')],
      summary: 'whether a pipe has room: -2 for one that is not known',
      compile:
        ([pipe, , limit]) =>
        (run) => {
          const most = limit === undefined ? undefined : intOf(limit, run, 0);
          return pipelimit(run, textOf(pipe, run), most);
        },
    },
    {
      name: 'pl_active',
      dialects: KAMAILIO,
      parameters: [param('pipe', 'string')],
      summary: 'whether there is a pipe of that name',
      compile:
        ([pipe]) =>
        (run) =>
          code(run.env.modules.of(pipeState).pipes.has(textOf(pipe, run))),
    },
    {
      name: 'pl_drop',
      dialects: KAMAILIO,
      parameters: [optional('retry after', 'string'), optional('most', 'string')],
      summary: 'answers with the code of the module and Retry-After',
      compile:
        ([after]) =>
        (run) => {
          const { code: status, reason } = run.env.modules.of(pipeState);
          const lines = after === undefined ? '' : `Retry-After: ${intOf(after, run, 0)}\r\n`;
          run.env.layer.replyStateless(run.call.message, run.source, status, reason, run.call.replyLines + lines);
          run.answered = true;
          return 1;
        },
    },
  ]),
  ...moduleFunctions('ratelimit', [
    {
      name: 'rl_check',
      dialects: OPENSIPS,
      parameters: [param('pipe', 'string'), param('limit', 'int'), optional('algorithm', 'string')],
      summary: 'whether a pipe has room',
      compile:
        ([pipe, limit]) =>
        (run) =>
          rate(run, textOf(pipe, run), intOf(limit, run, 0)),
    },
    {
      name: 'rl_dec_count',
      dialects: OPENSIPS,
      parameters: [param('pipe', 'string')],
      summary: 'takes one from the count of a pipe',
      compile:
        ([name]) =>
        (run) => {
          const pipe = run.env.modules.of(rateState).pipes.get(textOf(name, run));
          if (pipe === undefined) return -1;
          if (pipe.count > 0) pipe.count--;
          return 1;
        },
    },
    {
      name: 'rl_reset_count',
      dialects: OPENSIPS,
      parameters: [param('pipe', 'string')],
      summary: 'sets the count of a pipe to 0',
      compile:
        ([name]) =>
        (run) => {
          const pipe = run.env.modules.of(rateState).pipes.get(textOf(name, run));
          if (pipe === undefined) return -1;
          pipe.count = 0;
          return 1;
        },
    },
    {
      name: 'rl_values',
      dialects: OPENSIPS,
      parameters: [param('result', 'writable'), optional('pattern', 'regex')],
      summary: 'names of the pipes, those that match',
      compile:
        ([result, pattern]) =>
        (run) => {
          const regex = pattern?.regex(run);
          for (const name of run.env.modules.of(rateState).pipes.keys())
            if (regex === undefined || regex.test(name)) result?.variable?.assign(run.pvars, name);
          return 1;
        },
    },
    {
      name: 'rl_check',
      dialects: KAMAILIO,
      parameters: [optional('pipe', 'string')],
      summary: 'whether a pipe has room',
      compile:
        ([pipe]) =>
        (run) =>
          rate(run, textOf(pipe, run, '0'), undefined),
    },
    {
      name: 'rl_check_pipe',
      dialects: KAMAILIO,
      parameters: [param('pipe', 'string')],
      summary: 'whether a pipe has room',
      compile:
        ([pipe]) =>
        (run) =>
          rate(run, textOf(pipe, run), undefined),
    },
  ]),
];
