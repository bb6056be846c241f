import { trimmed } from '../../core/characters.js';
import { messageOf } from '../../core/errors.js';
import type { VariableDefinition } from '../../pvar/variables/definition.js';
import type { MessageRun } from '../../script/call.js';
import { CommandFault, type ScriptCommand } from '../../script/commands.js';
import type { ModuleStates, ScriptEnvironment } from '../../script/environment.js';
import {
  type Arg,
  type Args,
  type FunctionSpec,
  KAMAILIO,
  moduleFunctions,
  optional,
  param,
  type ScriptFunction,
  textOf,
} from '../define.js';
import { httpConnections, type NamedConnection } from './connections.js';
import { curlError } from './curl-errors.js';
import { perform, type RequestOutcome } from './requests.js';

/** Maximum number of header fields of a request, and of characters of a field. */
const MAX_HEADERS = 64;
const LONGEST_HEADER = 8192;

/** The header fields of a text with one field in each line; malformed lines are ignored. */
function fieldsOf(text: string): (readonly [string, string])[] {
  const out: (readonly [string, string])[] = [];
  for (const line of text.split(/\r\n|\r|\n/, MAX_HEADERS)) {
    const at = line.indexOf(':');
    const name = line.slice(0, Math.max(0, at));
    if (line.length > LONGEST_HEADER || !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) continue;
    const value = trimmed(line.slice(at + 1));
    // libcurl leaves out a field without a value.
    if (value !== '') out.push([name, value]);
  }
  return out;
}

function written(run: MessageRun, result: Arg | undefined, { code, body }: RequestOutcome): number {
  const shown = code >= 500 ? '' : body;
  result?.variable?.assign(run.pvars, shown);
  return code;
}

/** The first line of a body, without its line feed. */
function firstLine(outcome: RequestOutcome): RequestOutcome {
  const at = outcome.body.indexOf('\n');
  return at < 0 ? outcome : { ...outcome, body: outcome.body.slice(0, at) };
}

async function query(
  run: MessageRun,
  method: 'GET' | 'POST' | undefined,
  [url, body, fields, result]: readonly (Arg | undefined)[],
): Promise<number> {
  const address = textOf(url, run);
  if (address === '') return -1;
  const module = run.env.modules.of(httpConnections);
  const posted = textOf(body, run);
  const headers = fieldsOf(textOf(fields, run));
  if (posted !== '' && !headers.some(([name]) => name.toLowerCase() === 'content-type'))
    headers.push(['Content-Type', 'application/x-www-form-urlencoded']);
  const wanted = {
    method: method ?? (posted === '' ? 'GET' : 'POST'),
    url: address,
    headers,
    body: posted === '' ? undefined : posted,
    maxBytes: module.queryBytes,
  };
  const outcome = await perform(run, wanted, module.settings);
  return written(run, result, module.firstLine ? firstLine(outcome) : outcome);
}

/** The connection with a name; undefined, after a log line, for an unknown name. */
function connectionOf(run: MessageRun, name: string): NamedConnection | undefined {
  const { modules, folder, peerLog } = run.env;
  try {
    const found = modules.of(httpConnections).all(folder).get(name);
    if (found === undefined)
      peerLog.warn({ connection: name.slice(0, 64) }, 'script: http_client has no such connection');
    return found;
  } catch (error) {
    peerLog.error({ cause: messageOf(error) }, 'script: the file of http_client cannot be used');
    return undefined;
  }
}

async function connect(
  run: MessageRun,
  name: string,
  path: string,
  type: string,
  body: string,
  result: Arg | undefined,
): Promise<number> {
  const first = connectionOf(run, name);
  if (first === undefined) return nothing(run, result);
  const send = async (connection: NamedConnection): Promise<RequestOutcome> => {
    const { scheme, authority, maxBytes } = connection;
    const wanted = {
      method: body === '' ? ('GET' as const) : ('POST' as const),
      url: `${scheme}://${authority}${path === '' || path.startsWith('/') ? '' : '/'}${path}`,
      headers: body === '' || type === '' ? [] : [['Content-Type', type] as const],
      body: body === '' ? undefined : body,
      maxBytes,
    };
    const outcome = await perform(run, wanted, connection, connection);
    connection.lastUrl = outcome.url;
    return outcome;
  };
  const outcome = await send(first);
  const broken = outcome.code < 100 || outcome.code >= 500;
  if (!broken || first.failover === undefined) return written(run, result, outcome);
  // Only the failover of the first connection is used, so that there are no loops.
  const second = connectionOf(run, first.failover);
  return second === undefined ? nothing(run, result) : written(run, result, await send(second));
}

function nothing(run: MessageRun, result: Arg | undefined): number {
  result?.variable?.assign(run.pvars, '');
  return -1;
}

/** The last argument, which the result is written to. Throws when it cannot be written to. */
function resultOf(args: Args): Arg {
  const last = args.findLast((each) => each !== undefined);
  if (last?.variable?.writable !== true) throw new Error('the result must be a variable that can be written to');
  return last;
}

const functions: FunctionSpec[] = [
  {
    name: 'http_client_query',
    dialects: KAMAILIO,
    waits: true,
    parameters: [
      param('url', 'string'),
      param('body or result', 'string'),
      optional('header fields or result', 'string'),
      optional('result', 'string'),
    ],
    summary:
      'sends an HTTP request, POST with a body and GET without, and returns the status of the answer, or a code of libcurl below 100; other messages are handled meanwhile',
    compile(args) {
      const result = resultOf(args);
      const [url, body, fields] = args.map((each) => (each === result ? undefined : each));
      return (run) => query(run, undefined, [url, body, fields, result]);
    },
  },
  {
    name: 'http_client_get',
    dialects: KAMAILIO,
    waits: true,
    parameters: [
      param('url', 'string'),
      param('body', 'string'),
      param('header fields', 'string'),
      param('result', 'writable'),
    ],
    summary: 'sends a GET request that may have a body, as http_client_query()',
    compile: (args) => (run) => query(run, 'GET', args),
  },
  {
    name: 'http_connect',
    dialects: KAMAILIO,
    waits: true,
    parameters: [
      param('connection', 'literal'),
      param('path', 'string'),
      param('type or result', 'string'),
      optional('body', 'string'),
      optional('result', 'string'),
    ],
    summary:
      'sends an HTTP request by a connection of the parameter httpcon and returns the status of the answer, or a code of libcurl below 100',
    compile(args) {
      const result = resultOf(args);
      const [name, path, type, body] = args.map((each) => (each === result ? undefined : each));
      // As recorded, variables in the type are not replaced.
      return (run) => connect(run, name?.text ?? '', textOf(path, run), type?.text ?? '', textOf(body, run), result);
    },
  },
  {
    name: 'http_connect_raw',
    dialects: KAMAILIO,
    waits: true,
    parameters: [
      param('connection', 'literal'),
      param('path', 'string'),
      param('type', 'literal'),
      param('body', 'literal'),
      param('result', 'writable'),
    ],
    summary: 'sends a body without variables by a connection, as http_connect()',
    compile:
      ([name, path, type, body, result]) =>
      (run) =>
        connect(run, name?.text ?? '', textOf(path, run), type?.text ?? '', body?.text ?? '', result),
  },
  {
    name: 'http_get_redirect',
    dialects: KAMAILIO,
    parameters: [param('connection', 'literal'), param('result', 'writable')],
    summary: 'writes the URL that the last request of a connection ended at',
    compile:
      ([name, result]) =>
      (run) => {
        const connection = connectionOf(run, name?.text ?? '');
        if (connection === undefined) return nothing(run, result);
        result?.variable?.assign(run.pvars, connection.lastUrl);
        return 1;
      },
  },
];

/** Functions of http_client. */
export const httpClientFunctions: ScriptFunction[] = moduleFunctions('http_client', functions);

/** $curlerror(code): the text of a code below 100. As recorded, the text contains the code. */
const curlErrorVariable: VariableDefinition = {
  argument: 'required',
  indexed: false,
  compile(argument) {
    const text = curlError(Number.parseInt(argument?.constant ?? '', 10) || 0);
    return { get: () => text };
  },
};

/** Variables of http_client. */
export const httpClientVariables: readonly [string, VariableDefinition][] = [['curlerror', curlErrorVariable]];

/** The statistics of http_client, in the order of 5.6.3. */
export function httpClientStatistics(modules: ModuleStates) {
  if (!modules.loaded.has('http_client')) return [];
  const state = modules.of(httpConnections);
  const counter = (name: string, key: 'ok' | 'failed') => ({
    group: 'httpclient',
    name,
    value: () => state.counts[key],
    reset: () => {
      state.counts[key] = 0;
    },
  });
  return [
    { group: 'httpclient', name: 'connections', value: () => state.size },
    counter('connfail', 'failed'),
    counter('connok', 'ok'),
  ];
}

/** A connection as 5.6.3 shows it, but without the password. */
function shown({ name, scheme, authority, user, password, failover, timeoutMs }: NamedConnection) {
  return {
    NAME: name,
    SCHEMA: scheme,
    URI: authority,
    USERNAME: user ?? null,
    PASSWORD: password === undefined ? null : '***',
    FAILOVER: failover ?? null,
    TIMEOUT: timeoutMs / 1000,
  };
}

/** RPC commands of http_client. */
export const httpClientCommands: readonly ScriptCommand[] = [
  {
    module: 'http_client',
    rpc: 'httpclient.listcon',
    help: 'List all HTTP client connections.',
    changes: false,
    parameters: [],
    required: 0,
    run({ modules, folder }: ScriptEnvironment) {
      try {
        const all = [...modules.of(httpConnections).all(folder).values()].reverse();
        return all.map((each) => ({ CONNECTION: shown(each) }));
      } catch (error) {
        throw new CommandFault(500, messageOf(error));
      }
    },
  },
];
