import { PeerShare } from '../core/peer-share.js';
import type { MessageRun } from '../script/call.js';
import type { ModuleParameters } from '../script/environment.js';
import { PerCall } from '../script/per-call.js';
import type { HttpFailure, HttpRequest } from '../script/services.js';
import {
  type Arg,
  type FunctionSpec,
  moduleFunctions,
  OPENSIPS,
  optional,
  param,
  type ScriptFunction,
  textOf,
} from './define.js';

/** Documented return codes. */
const CODES: Readonly<Partial<Record<HttpFailure, number>>> = { refused: -1, 'connect timeout': -2, timeout: -3 };
const FAILED = -10;

/** Default maximum length of an answer in bytes: it becomes the value of a variable. */
const MAX_BYTES = 10_240;

const restClient = {
  module: 'rest_client',
  create: (parameters: ModuleParameters) => ({
    connectMs: milliseconds(parameters, 'connection_timeout'),
    totalMs: milliseconds(parameters, 'curl_timeout'),
    maxBytes: 1024 * number(parameters, 'max_transfer_size', MAX_BYTES / 1024),
    verify: number(parameters, 'ssl_verifypeer', 1) !== 0,
    max: number(parameters, 'max_async_transfers', 100),
    running: new PeerShare(),
  }),
};

function number(parameters: ModuleParameters, name: string, fallback: number): number {
  const value = Number(parameters.text(name, String(fallback)));
  return Number.isFinite(value) && value >= 0 ? value : fallback;
}

/** A timeout in milliseconds from a parameter in seconds; default 20 s, at most a minute. */
function milliseconds(parameters: ModuleParameters, name: string): number {
  return Math.min(60, number(parameters, name, 20) || 20) * 1000;
}

/** Header fields set by rest_append_hf() for the next HTTP request of a message. */
const pending = new PerCall((): [string, string][] => []);
const MAX_HEADERS = 32;

interface Answered {
  readonly body: Arg | undefined;
  readonly type: Arg | undefined;
  readonly status: Arg | undefined;
}

async function send(
  run: MessageRun,
  method: HttpRequest['method'],
  url: string,
  body: string | undefined,
  type: string,
  { body: toBody, type: toType, status }: Answered,
): Promise<number> {
  const { modules, services, peerLog, peers } = run.env;
  const module = modules.of(restClient);
  const { connectMs, totalMs, maxBytes, verify } = module;
  const headers = pending.of(run.pvars).splice(0);
  const { address } = run.call.source;
  if (!peers.admits('http_requests', module.running, module.max, address)) return FAILED;
  if (type !== '') headers.push(['Content-Type', type]);
  if (body !== undefined) headers.push(['Content-Length', String(body.length)]);
  module.running.add(address);
  try {
    const answer = await services.http({ method, url, headers, body, connectMs, totalMs, maxBytes, verify });
    if (run.overdue) return FAILED;
    if (typeof answer === 'string') {
      peerLog.warn(
        { callId: run.message.callId, url: url.slice(0, 256), reason: answer },
        'script: an HTTP request failed',
      );
      status?.variable?.assign(run.pvars, 0);
      return CODES[answer] ?? FAILED;
    }
    toBody?.variable?.assign(run.pvars, answer.body);
    toType?.variable?.assign(run.pvars, answer.type ?? null);
    status?.variable?.assign(run.pvars, answer.status);
    return 1;
  } finally {
    module.running.remove(address);
  }
}

const answers = [optional('answer type', 'writable'), optional('status', 'writable')] as const;

const upload = (name: string, method: 'POST' | 'PUT'): FunctionSpec => ({
  name,
  dialects: OPENSIPS,
  waits: true,
  async: true,
  parameters: [
    param('url', 'string'),
    param('body', 'string'),
    optional('type', 'string'),
    param('answer', 'writable'),
    ...answers,
  ],
  summary: `sends an HTTP ${method} request; other messages are handled meanwhile`,
  compile:
    ([url, body, type, answer, answerType, status]) =>
    (run) =>
      send(run, method, textOf(url, run), textOf(body, run), textOf(type, run), {
        body: answer,
        type: answerType,
        status,
      }),
});

/** Functions of rest_client. */
export const restClientFunctions: ScriptFunction[] = moduleFunctions('rest_client', [
  {
    name: 'rest_get',
    dialects: OPENSIPS,
    waits: true,
    async: true,
    parameters: [param('url', 'string'), param('answer', 'writable'), ...answers],
    summary: 'sends an HTTP GET request; other messages are handled meanwhile',
    compile:
      ([url, answer, answerType, status]) =>
      (run) =>
        send(run, 'GET', textOf(url, run), undefined, '', { body: answer, type: answerType, status }),
  },
  upload('rest_post', 'POST'),
  upload('rest_put', 'PUT'),
  {
    name: 'rest_append_hf',
    dialects: OPENSIPS,
    parameters: [param('field', 'string')],
    summary: 'adds a header field to the next request over HTTP',
    compile:
      ([field]) =>
      (run) => {
        const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]{1,64})[ \t\r\n]*:[ \t\r\n]*([^\r\n]*)/.exec(textOf(field, run));
        const headers = pending.of(run.pvars);
        if (match === null || headers.length >= MAX_HEADERS) return -1;
        headers.push([match[1] as string, match[2] as string]);
        return 1;
      },
  },
  {
    name: 'rest_init_client_tls',
    dialects: OPENSIPS,
    parameters: [param('domain', 'string')],
    summary: 'accepted: certificates are verified against those of the system',
    compile: () => () => 1,
  },
]);
