import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Lane, Peer } from './lane.js';
import { MEDIA, type MediaPlan, MediaProxy } from './media-proxy.js';
import { differences } from './outcome.js';
import { type GatewayReply, play, type Seen } from './play.js';
import { Refused, type ScriptLine, type Target } from './target.js';
import { firstValue, longName, methodOf, statusOf, toTag, valuesOf, type WireMessage, wireMessage } from './wire.js';

type Reply =
  | number
  | {
      readonly code: number;
      readonly reason?: string;
      readonly headers?: readonly string[];
      readonly body?: string;
      readonly delay_ms?: number;
    };

interface Request {
  readonly gateway: string;
  readonly first_line: string;
  readonly method: string;
}

interface Expected {
  readonly replies?: readonly Record<string, unknown>[];
  readonly forwarded?: readonly (Request & Record<string, unknown>)[];
  readonly hop_acks?: readonly (Request & Record<string, unknown>)[];
  readonly log?: readonly (readonly [string, string])[];
  readonly refused?: boolean;
  readonly line_in_routes?: number;
  /** Commands to the media proxy of the case. */
  readonly media?: readonly object[];
  readonly crashed?: boolean;
  readonly note?: string;
}

export interface KamailioCase {
  readonly id: string;
  readonly area: string;
  readonly routes: Readonly<Record<string, string>>;
  readonly standalone?: boolean;
  readonly head_extra?: string;
  readonly cfg?: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly messages: readonly { readonly send: string; readonly at_ms?: number; readonly to?: string }[];
  readonly gateways?: Readonly<Record<string, readonly (Reply | readonly Reply[])[]>>;
  /** Behaviour of the media proxy; undefined: there is none. */
  readonly media?: MediaPlan;
  readonly no_ack?: boolean;
  readonly wait_ms?: number;
  readonly randomised?: boolean;
  readonly nondeterministic?: boolean;
  readonly stateful?: boolean;
  /**
   * The original gave another result when the case was replayed for this recording: it is neither compared nor counted.
   */
  readonly unsteady?: boolean;
  /** Parts of the expected result that depended on the preceding cases: they are not compared. */
  readonly differs_when_run_with_all_shared_cases?: readonly string[];
  readonly expect: Expected;
}

export interface KamailioError {
  readonly kind: 'statement' | 'config';
  readonly name?: string;
  readonly from_case?: string;
  readonly area?: string;
  readonly statement?: string;
  readonly config_tail?: string;
  readonly check?: string;
  readonly error_lines_in_tail?: readonly number[];
  readonly start?: string;
  readonly start_error_lines_in_tail?: readonly number[];
}

export interface KamailioScripts {
  readonly setup: {
    readonly shared_head: string;
    readonly shared_dispatch: string;
    readonly standalone_head: string;
    readonly dispatcher_list: string;
    readonly dispatcher_list_events?: string;
    readonly files?: Readonly<Record<string, string>>;
    readonly gateways: Readonly<Record<string, string>>;
    readonly caller: string;
    /** Address and port of the media proxy of the cases that have one. */
    readonly media?: string;
  };
  readonly cases: readonly KamailioCase[];
  readonly errors: readonly KamailioError[];
}

/** Maximum number of starts of an original until it has found its media proxy. */
const MAX_STARTS = 4;

const SERVER = { address: '127.0.0.30', port: 15060 };

export function kamailioPeers(setup: KamailioScripts['setup']): Peer[] {
  const media = setup.media === undefined ? [] : [[MEDIA, setup.media] as const];
  return [['caller', setup.caller] as const, ...Object.entries(setup.gateways), ...media].map(([name, where]) => ({
    name,
    address: where.split(':')[0] ?? '',
    port: Number(where.split(':')[1]),
  }));
}

/** The folder of the files that configuration heads name, and one folder for each case. */
export class KamailioWorld {
  private constructor(readonly folder: string) {}

  static async create(setup: KamailioScripts['setup'], lanes: readonly Lane[]): Promise<KamailioWorld> {
    const folder = await mkdtemp(join(tmpdir(), 'switchyard-conformance-'));
    const world = new KamailioWorld(folder);
    const files = { '@WORLD@/dispatcher.list': setup.dispatcher_list, ...setup.files };
    for (const lane of lanes) {
      await mkdir(world.of(lane), { recursive: true });
      for (const [path, text] of Object.entries(files)) {
        await writeFile(path.replace('@WORLD@', world.of(lane)), lane.there(text));
      }
    }
    return world;
  }

  of(lane: Lane): string {
    return join(this.folder, `world${lane.index}`);
  }

  async caseFolder(lane: Lane, id: string, files: Readonly<Record<string, string>>): Promise<string> {
    const folder = join(this.folder, `${lane.index}-${id.replace(/\W+/g, '_')}`);
    await mkdir(folder, { recursive: true });
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), lane.there(text));
    return folder;
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }
}

/** The error message of an original, without times, process ids and paths. */
function reasonOf(message: string): string {
  return message
    .replace(/^.*?\b(?:CRITICAL|ERROR): */s, '')
    .replace(/\/tmp\/\S*\//g, '')
    .slice(0, 200);
}

/** The configuration of a case, and the number of lines before its routes. */
function whole(setup: KamailioScripts['setup'], c: KamailioCase): { text: string; before: number } {
  if (c.cfg !== undefined) return { text: c.cfg, before: 0 };
  const routes = Object.entries(c.routes)
    .map(([header, body]) => `${header} {\n${body}\n}\n`)
    .join('');
  const head =
    c.standalone === true
      ? `${setup.standalone_head}${c.head_extra === undefined ? '' : `${c.head_extra}\n`}`
      : `${setup.shared_head}${setup.shared_dispatch}`;
  return { text: head + routes, before: head.split('\n').length - 1 };
}

export async function runKamailioCase(
  target: Target,
  lane: Lane,
  world: KamailioWorld,
  setup: KamailioScripts['setup'],
  c: KamailioCase,
  record?: (expect: object) => void,
): Promise<string[]> {
  for (let left = MAX_STARTS - 1; ; left--) {
    const differences = await startedOnce(target, lane, world, setup, c, record, left > 0);
    if (differences !== undefined) return differences;
  }
}

/** Runs a case; with `again` undefined when an original did not find its media proxy. */
async function startedOnce(
  target: Target,
  lane: Lane,
  world: KamailioWorld,
  setup: KamailioScripts['setup'],
  c: KamailioCase,
  record: ((expect: object) => void) | undefined,
  again: boolean,
): Promise<string[] | undefined> {
  const { expect = {} } = c;
  const unsteady = c.randomised === true || c.nondeterministic === true || c.stateful === true;
  if (expect.crashed === true || unsteady) return [];
  const { text, before } = whole(setup, c);
  const folder = await world.caseFolder(lane, c.id, c.files ?? {});
  const filled = lane.there(text).replaceAll('@WORLD@', world.of(lane)).replaceAll('@CASE@', folder);
  const lines: ScriptLine[] = [];
  const media = c.media === undefined ? undefined : new MediaProxy(c.media);
  lane.media = media;
  let running: Awaited<ReturnType<Target['start']>>;
  try {
    running = await target.start(
      {
        dialect: 'kamailio',
        text: filled,
        folder,
        args: c.args ?? [],
        env: c.env ?? {},
        sockets: ['udp:127.0.0.30:15060'],
      },
      ([level, line]) => lines.push([level, lane.back(line)]),
    );
  } catch (error) {
    const message = lane.back(error instanceof Error ? error.message : String(error));
    if (record !== undefined && error instanceof Refused) {
      const line = error.line === undefined ? {} : { line_in_routes: error.line - before };
      record({ refused: true, stage: error.stage, ...line, reason: reasonOf(message) });
      return [];
    }
    if (expect.refused !== true) return [`not started: ${message}`];
    if (!(error instanceof Refused)) return [`failed: ${message}`];
    const line = expect.line_in_routes;
    const named = error.line === undefined ? undefined : error.line - before;
    return line === undefined || named === line ? [] : [`line ${line} expected, ${named} named: ${message}`];
  }
  try {
    if (expect.refused === true) return ['accepted, recorded as refused'];
    const messages = c.messages.map((each) => {
      const [address = '', port = ''] = each.to?.split(':') ?? [];
      return {
        text: each.send,
        atMs: each.at_ms ?? 0,
        ...(each.to === undefined ? {} : { to: { address, port: Number(port) } }),
      };
    });
    const replies = expect.replies ?? [];
    const forwarded = expect.forwarded ?? [];
    const quiet = (c.wait_ms ?? 0) > 0 || JSON.stringify(c.gateways ?? {}).includes('[]');
    const seen = await play({
      lane,
      server: SERVER,
      messages,
      plan: (gateway, request, nth) => planOf(c, gateway, request, nth),
      ack: (reply) =>
        c.standalone === true || c.no_ack === true || statusOf(reply) < 300 ? undefined : ackOf(c, reply),
      cancelled: (gateway, cancel, invite) => [
        replyTo(cancel, gateway, { code: 200, reason: 'canceling' }),
        ...(invite === undefined ? [] : [replyTo(invite, gateway, { code: 487, reason: 'Request Terminated' })]),
      ],
      complete: (now) =>
        record !== undefined ||
        (repliesOf(now, c).length >= replies.length &&
          forwardedOf(now, c).length >= forwarded.length &&
          acksOf(now, c).length >= (expect.hop_acks?.length ?? 0) &&
          (media === undefined || media.commands.length >= (expect.media?.length ?? 0)) &&
          lines.length >= (expect.log?.length ?? 0)),
      leastMs:
        record !== undefined
          ? Math.max(c.wait_ms ?? 0, 350)
          : quiet && replies.length + forwarded.length === 0
            ? (c.wait_ms ?? 0)
            : 0,
      maxMs: quiet ? Math.max(c.wait_ms ?? 0, 4000) : 1500,
    });
    if (again && c.media !== undefined && running.proxyMissed?.() === true) return undefined;
    if (record !== undefined) {
      // A crashed worker is noticed after a moment only.
      const silent = seen.replies.length + seen.requests.length + lines.length === 0;
      if (silent) await wait(1500);
      await running.settled?.();
      // Output without a final line break is read when the program ends.
      await running.stop();
      record(running.crashed?.() === true ? { crashed: true } : viewOf(c, seen, lines, media));
      return [];
    }
    return compare(c, viewOf(c, seen, lines, media));
  } finally {
    lane.media = undefined;
    await running.stop();
  }
}

const REASONS: Readonly<Record<number, string>> = {
  100: 'Trying',
  180: 'Ringing',
  183: 'Session Progress',
  200: 'OK',
  202: 'Accepted',
  300: 'Multiple Choices',
  301: 'Moved Permanently',
  302: 'Moved Temporarily',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  407: 'Proxy Authentication Required',
  408: 'Request Timeout',
  480: 'Temporarily Unavailable',
  481: 'Call/Transaction Does Not Exist',
  482: 'Loop Detected',
  483: 'Too Many Hops',
  484: 'Address Incomplete',
  486: 'Busy Here',
  487: 'Request Terminated',
  488: 'Not Acceptable Here',
  500: 'Server Internal Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Server Time-out',
  600: 'Busy Everywhere',
  603: 'Decline',
  604: 'Does Not Exist Anywhere',
  606: 'Not Acceptable',
};

function planOf(c: KamailioCase, gateway: string, request: WireMessage, nth: number): GatewayReply[] {
  const entries = c.gateways?.[gateway];
  const entry = entries?.[Math.min(nth, entries.length - 1)] ?? 200;
  const all = Array.isArray(entry) ? (entry as readonly Reply[]) : [entry as Reply];
  return all.map((reply, i) => {
    const delay = typeof reply === 'number' ? undefined : reply.delay_ms;
    return { text: replyTo(request, gateway, reply), afterMs: delay ?? (i === 0 ? 0 : 20) };
  });
}

function replyTo(request: WireMessage, gateway: string, reply: Reply): string {
  const { code, reason, headers = [], body = '' } = typeof reply === 'number' ? { code: reply } : reply;
  const lines = [`SIP/2.0 ${code} ${reason ?? REASONS[code] ?? 'Unknown'}`];
  for (const [name, value] of request.fields) {
    const long = longName(name);
    if (long === 'to' && !/;\s*tag=/i.test(value)) lines.push(`${name}: ${value};tag=${gateway}tag`);
    else if (['via', 'from', 'to', 'call-id', 'cseq', 'x-case', 'record-route'].includes(long)) {
      lines.push(`${name}: ${value}`);
    }
  }
  lines.push(...headers, `Content-Length: ${body.length}`, '', '');
  return lines.join('\r\n') + body;
}

/** The caller's ACK of a final error reply: with the branch of the INVITE and without X-Case. */
function ackOf(c: KamailioCase, reply: WireMessage): string | undefined {
  const invite = messageFor(reply, c);
  if (!invite.startLine.startsWith('INVITE ')) return undefined;
  return [
    invite.startLine.replace('INVITE', 'ACK'),
    `Via: ${firstValue(invite, 'via')}`,
    'Max-Forwards: 70',
    `From: ${firstValue(invite, 'from')}`,
    `To: ${firstValue(reply, 'to')}`,
    `Call-ID: ${firstValue(invite, 'call-id')}`,
    `CSeq: ${(firstValue(invite, 'cseq') ?? '').split(' ')[0]} ACK`,
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
}

/** The message of the case to which a message belongs: the one with the same CSeq, else the first. */
function messageFor(message: WireMessage, c: KamailioCase): WireMessage {
  const cseq = firstValue(message, 'cseq');
  const all = c.messages.map((each) => wireMessage(each.send));
  return (
    all.find(
      (each) => firstValue(each, 'cseq') === cseq && firstValue(each, 'call-id') === firstValue(message, 'call-id'),
    ) ??
    all.find((each) => firstValue(each, 'cseq') === cseq) ??
    (all[0] as WireMessage)
  );
}

/**
 * An ACK that the proxy generated: its branch is that of an INVITE it sent, and no message of the case is its origin.
 */
function isHopAck(message: WireMessage, c: KamailioCase): boolean {
  if (methodOf(message) !== 'ACK') return false;
  return !c.messages.some((each) => each.send.startsWith('ACK ') && valuesOf(message, 'via').length > 1);
}

function forwardedOf(seen: Seen, c: KamailioCase): Seen['requests'] {
  return seen.requests.filter(({ message }) => !isHopAck(message, c));
}

function acksOf(seen: Seen, c: KamailioCase): Seen['requests'] {
  return seen.requests.filter(({ message }) => isHopAck(message, c));
}

/**
 * The replies; with repeated ones if only then their number equals that of the original, whose replies had different To
 * tags and were therefore no repetitions.
 */
function repliesOf({ replies, withRepeats }: Seen, { expect }: KamailioCase): Seen['replies'] {
  const wanted = expect?.replies?.length ?? 0;
  return wanted > replies.length && wanted === withRepeats.length ? withRepeats : replies;
}

interface View {
  readonly replies: readonly object[];
  readonly forwarded: readonly object[];
  readonly hop_acks: readonly object[];
  readonly log: readonly unknown[];
  readonly media?: readonly object[];
}

/** The result in the form of a recording. */
function viewOf(c: KamailioCase, seen: Seen, lines: readonly ScriptLine[], media?: MediaProxy): View {
  const request = ({ message, arrival }: Seen['requests'][number]) =>
    requestView(arrival.peer.name, message, c, arrival.from);
  const own = tagsOfOwn(c, seen);
  const log = lines.map(([level, text]) => [
    level,
    own
      .reduce((masked, tag) => masked.replaceAll(tag, '{TAG}'), text)
      .replace(/[\r\n]+$/, '')
      .replace(/0x[0-9a-f]{6,}/g, '{PTR}')
      .replace(/<<xavp:[^>]*>>/g, '<<xavp:{PTR}>>'),
  ]);
  const view = {
    replies: repliesOf(seen, c).map(({ message, arrival }) => replyView(message, c, arrival.from)),
    forwarded: forwardedOf(seen, c).map(request),
    hop_acks: acksOf(seen, c).map(request),
    log,
    ...(media === undefined ? {} : { media: media.commands.map((each) => maskedCommand(each, c)) }),
  };
  if (c.expect?.note?.includes('only the first probe') !== true) return view;
  return { ...view, forwarded: firstProbes(view.forwarded), log: distinct(log) };
}

/** To tags that the program generated: scripts print them. */
function tagsOfOwn(c: KamailioCase, seen: Seen): string[] {
  const tags = seen.replies.map(({ message }) => toTag(message) ?? '');
  return [...new Set(tags)].filter((tag) => tag.length > 5 && maskTag(tag, c) === '{TAG}');
}

/** Masks branches generated by the program in commands to a media proxy. */
function maskedCommand(command: object, c: KamailioCase): object {
  const branch = (command as Record<string, unknown>)['via-branch'];
  if (typeof branch !== 'string' || c.messages.some((each) => each.send.includes(branch))) return command;
  return { ...command, 'via-branch': '{BRANCH}' };
}

/** Keeps the first probe to each gateway: their number depends on time. */
function firstProbes(requests: readonly object[]): object[] {
  const seen = new Set<string>();
  return requests.filter((each) => {
    const { gateway, generated } = each as Request & { readonly generated?: boolean };
    if (generated !== true) return true;
    const again = seen.has(gateway);
    seen.add(gateway);
    return !again;
  });
}

function distinct(lines: readonly unknown[]): unknown[] {
  const seen = new Set<string>();
  return lines.filter((each) => {
    const text = JSON.stringify(each);
    const again = seen.has(text);
    seen.add(text);
    return !again;
  });
}

function compare(c: KamailioCase, view: View): string[] {
  const { expect } = c;
  return [
    ...differences(expect.replies ?? [], view.replies, 'replies'),
    ...differences(inOrder(expect.forwarded ?? []), inOrder(view.forwarded), 'forwarded'),
    ...differences(byText(expect.hop_acks ?? []), byText(view.hop_acks), 'hop_acks'),
    ...(expect.media === undefined ? [] : differences(expect.media, view.media ?? [], 'media')),
    ...(c.differs_when_run_with_all_shared_cases?.includes('log') === true
      ? []
      : differences(expect.log ?? [], view.log, 'log')),
  ];
}

/** By gateway, in order of arrival at each: the order between gateways is not determined. */
function inOrder(all: readonly object[]): object[] {
  const name = (each: object): string => (each as Request).gateway;
  return all
    .map((each, i) => ({ each, i }))
    .sort((a, b) => (name(a.each) < name(b.each) ? -1 : name(a.each) > name(b.each) ? 1 : a.i - b.i))
    .map(({ each }) => each);
}

/** Sorts ACKs by text: they answer replies of parallel branches at one gateway. */
function byText(all: readonly object[]): object[] {
  return inOrder(all.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)));
}

const SKIPPED = new Set(['via', 'from', 'to', 'call-id', 'cseq', 'content-length', 'x-case']);

function replyView(reply: WireMessage, c: KamailioCase, from: { address: string; port: number }): object {
  const tag = toTag(reply);
  const socket = `${from.address}:${from.port}`;
  return {
    code: statusOf(reply),
    reason: reply.startLine.slice(12),
    to_tag: tag === undefined ? null : maskTag(tag, c),
    headers: reply.fields
      .filter(([name]) => !SKIPPED.has(longName(name)))
      .map(([name, value]) =>
        value === '' && !name.includes(':') && !/^(?:Accept-Encoding|Supported)$/.test(name)
          ? name
          : `${name}: ${value}`,
      )
      .map((line) =>
        line
          .replace(/pid=\d+/, 'pid={PID}')
          .replace(/;did=[0-9a-f]+\.[0-9a-f]+/g, ';did={DID}')
          .replace(/^Server: switchyard.*$/, 'Server: kamailio (5.6.3 (x86_64/linux))'),
      ),
    via: valuesOf(reply, 'via').map((via) => maskBranch(via, c)),
    ...(reply.body === '' ? {} : { body: reply.body }),
    ...(socket === '127.0.0.30:15060' ? {} : { from_socket: socket }),
  };
}

function maskTag(tag: string, c: KamailioCase): string {
  return /^gw\dtag$/.test(tag) || c.messages.some((each) => each.send.includes(`tag=${tag}`)) || sentByGateway(tag, c)
    ? tag
    : '{TAG}';
}

function sentByGateway(tag: string, c: KamailioCase): boolean {
  return JSON.stringify(c.gateways ?? {}).includes(tag);
}

function maskBranch(line: string, c: KamailioCase): string {
  // The number of a dialog is random.
  return line
    .replace(/;did=[0-9a-f]+\.[0-9a-f]+/g, ';did={DID}')
    .replace(/branch=([^;\s,]+)/g, (all, branch: string) =>
      c.messages.some((each) => each.send.includes(branch)) ? all : 'branch={BRANCH}',
    );
}

function requestView(
  gateway: string,
  message: WireMessage,
  c: KamailioCase,
  from: { address: string; port: number },
): object {
  const method = methodOf(message);
  const cseq = firstValue(message, 'cseq');
  const counterpart = c.messages
    .map((each) => wireMessage(each.send))
    .find((each) => methodOf(each) === method && firstValue(each, 'cseq') === cseq);
  const socket = `${from.address}:${from.port}`;
  const common = {
    gateway,
    first_line: message.startLine,
    ...(socket === '127.0.0.30:15060' ? {} : { from_socket: socket }),
    method,
    ruri: message.startLine.split(' ')[1] ?? '',
    via_top: maskBranch(valuesOf(message, 'via')[0] ?? '', c),
  };
  const generated =
    counterpart === undefined || (method === 'CANCEL' && valuesOf(message, 'via').length === 1) || isHopAck(message, c);
  if (generated || counterpart === undefined) {
    const line = ([name, value]: readonly [string, string]): string => {
      const tagged =
        longName(name) === 'to' || longName(name) === 'from'
          ? value.replace(/;tag=([^;\s>]+)/, (_, tag: string) => `;tag=${maskTag(tag, c)}`)
          : value;
      const own =
        longName(name) === 'call-id' &&
        !c.messages.some((each) => each.send.includes(value)) &&
        !recordedCallIds(c).has(value);
      const masked = own ? '{CALLID}' : c.area === 'dispatcher-events' ? maskProbe(longName(name), tagged) : tagged;
      return maskBranch(`${name}: ${masked}`, c);
    };
    return { ...common, generated: true, headers_all: message.fields.map(line) };
  }
  const added = withoutTopVia(message).map((line) => maskBranch(line, c));
  const removed: string[] = [];
  for (const each of counterpart.lines) {
    const line = maskBranch(each, c);
    const at = added.indexOf(line);
    if (at >= 0) added.splice(at, 1);
    else removed.push(line);
  }
  return {
    ...common,
    added,
    removed,
    order: message.fields.map(([name]) => name),
    ...(message.body === counterpart.body ? {} : { body: message.body }),
  };
}

/** Call-IDs in a recording of requests that the script generated. */
function recordedCallIds({ expect }: KamailioCase): ReadonlySet<string> {
  const lines = (expect.forwarded ?? []).flatMap(
    (each) => (each['headers_all'] as readonly string[] | undefined) ?? [],
  );
  return new Set(lines.filter((each) => each.startsWith('Call-ID: ')).map((each) => each.slice(9)));
}

/** Masks values that differ between probes. */
function maskProbe(name: string, value: string): string {
  if (name === 'call-id') return '{CALLID}';
  return name === 'cseq' ? value.replace(/^\d+/, '{N}') : value;
}

function withoutTopVia(message: WireMessage): string[] {
  const at = message.fields.findIndex(([name]) => longName(name) === 'via');
  return message.lines.filter((_, i) => i !== at);
}

/** Compares whether a statement or a configuration is rejected or accepted as recorded. */
export async function runKamailioError(
  target: Target,
  lane: Lane,
  world: KamailioWorld,
  setup: KamailioScripts['setup'],
  e: KamailioError,
  index: number,
): Promise<string[]> {
  let head = setup.standalone_head;
  let tail = e.config_tail ?? '';
  if (e.kind === 'statement') {
    head = `${setup.shared_head}${setup.shared_dispatch}`;
    tail = `route[C_X] {\n${e.statement}\n}\n`;
  }
  const before = head.split('\n').length - 1;
  const folder = await world.caseFolder(lane, `error${index}`, {});
  const text = lane
    .there(head + tail)
    .replaceAll('@WORLD@', world.of(lane))
    .replaceAll('@CASE@', folder);
  const accepted = e.kind === 'config' && e.check === 'accept' && e.start !== 'refuse';
  const lines = e.check === 'accept' ? e.start_error_lines_in_tail : e.error_lines_in_tail;
  try {
    const configuration = { dialect: 'kamailio' as const, text, folder, args: [], env: {}, sockets: [] };
    await (await target.start(configuration, () => undefined)).stop();
    return accepted ? [] : ['accepted, recorded as refused'];
  } catch (error) {
    if (!(error instanceof Refused)) return [`failed: ${String(error)}`];
    if (accepted) return [`refused, recorded as accepted: ${lane.back(error.message)}`];
    const line = lines?.[0];
    const named = error.line === undefined ? undefined : error.line - before;
    return line === undefined || named === undefined || lines?.includes(named) === true
      ? []
      : [`line ${line} expected, ${named} named: ${error.message}`];
  }
}
