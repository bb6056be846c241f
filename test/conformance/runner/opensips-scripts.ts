import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Lane, Peer } from './lane.js';
import { differences } from './outcome.js';
import { type GatewayReply, type Planned, play, type Seen } from './play.js';
import { createTables, type TableRows } from './tables.js';
import { Refused, type ScriptLine, type Target } from './target.js';
import { firstValue, longName, methodOf, statusOf, toTag, valuesOf, type WireMessage, wireMessage } from './wire.js';

interface Step {
  readonly code: number;
  readonly reason: string;
  readonly after_ms: number;
  readonly headers?: readonly string[];
  readonly body?: string;
}

interface Expected {
  readonly replies: readonly Record<string, unknown>[];
  readonly forwarded: readonly (Record<string, unknown> & { readonly gateway: string; readonly method: string })[];
  readonly log: readonly string[];
  readonly log_levels?: readonly (string | null)[];
  readonly startup_log?: readonly string[];
  readonly log_repeats_at_least?: number;
  readonly log_is_a_set?: boolean;
  readonly crash_or_hang?: boolean;
}

export interface OpensipsCase {
  readonly id: string;
  readonly area: string;
  readonly routes: Readonly<Record<string, string>>;
  readonly config?: string;
  readonly message: string;
  readonly later_messages?: readonly { after_ms?: number; when_reply?: number; message: string }[];
  readonly gateways: Readonly<Record<string, readonly (readonly (Step | 'silent')[])[]>>;
  readonly dispatcher?: TableRows['dispatcher'];
  readonly deterministic?: boolean;
  readonly expect: Expected;
}

export interface OpensipsError {
  readonly id: string;
  readonly title?: string;
  readonly config?: string;
  readonly check: { readonly accepted: boolean; readonly line?: number; readonly crashed_with_signal?: number };
  readonly start?: { readonly accepted: boolean; readonly line?: number };
}

export interface OpensipsScripts {
  readonly setup: {
    readonly config_head: string;
    readonly gateways: Readonly<Record<string, string>>;
    readonly caller: string;
    readonly listen: readonly string[];
    readonly address_table: TableRows['address'];
    readonly domain_table: TableRows['domain'];
    readonly dispatcher_rows: TableRows['dispatcher'];
  };
  readonly cases: readonly OpensipsCase[];
  readonly errors: readonly OpensipsError[];
}

export function opensipsPeers(setup: OpensipsScripts['setup']): Peer[] {
  return [['caller', setup.caller] as const, ...Object.entries(setup.gateways)].map(([name, where]) => ({
    name,
    address: where.split(':')[0] ?? '',
    port: Number(where.split(':')[1]),
  }));
}

/** The main route of all cases, as described by `main_route_wrapper`, around the statements of one case. */
function whole(setup: OpensipsScripts['setup'], c: OpensipsCase): string {
  if (c.config !== undefined) return c.config;
  const { main = '', ...others } = c.routes;
  const wrapper = [
    'route {',
    '  if ($rm == "ACK" && $hdr(X-Case) == NULL) { t_check_trans(); exit; }',
    '  if ($hdr(X-Case) == NULL) exit;',
    `  if ($hdr(X-Case) == "${c.id}") {`,
    main,
    '  }',
    '}',
  ];
  const blocks = Object.entries(others).map(([header, body]) => `${header} {\n${body}\n}\n`);
  return `${setup.config_head}\n${wrapper.join('\n')}\n${blocks.join('')}`;
}

/** A folder with the database that a configuration names. */
export class OpensipsWorld {
  private constructor(
    readonly folder: string,
    private readonly template: string,
  ) {}

  static async create(setup: OpensipsScripts['setup']): Promise<OpensipsWorld> {
    const folder = await mkdtemp(join(tmpdir(), 'switchyard-conformance-'));
    const template = join(folder, 'template.sqlite');
    await createTables(template, {
      dispatcher: setup.dispatcher_rows,
      address: setup.address_table,
      domain: setup.domain_table,
    });
    return new OpensipsWorld(folder, template);
  }

  /** A configuration with its paths filled in, for one lane. */
  async fill(
    id: string,
    text: string,
    setup: OpensipsScripts['setup'],
    lane: Lane,
    rows: TableRows['dispatcher'] | undefined,
  ): Promise<string> {
    const db = join(this.folder, `${lane.index}-${id}.sqlite`);
    await rm(db, { force: true });
    if (rows !== undefined || lane.recorded !== lane.own) {
      const there = <T>(value: T): T => JSON.parse(lane.there(JSON.stringify(value))) as T;
      await createTables(db, {
        dispatcher: there(rows ?? (text.includes('ds_') ? setup.dispatcher_rows : [])),
        address: there(setup.address_table),
        domain: setup.domain_table,
      });
    } else await copyFile(this.template, db);
    const modules = /^loadmodule .*$/gm;
    const all = (setup.config_head.match(modules) ?? []).join(' ');
    return lane.there(
      text
        .replaceAll('@ALL_MODULES@', all)
        .replaceAll('@MPATH@', '/usr/lib/x86_64-linux-gnu/opensips/modules')
        .replaceAll('@DB@', db)
        .replaceAll('@FIFO@', join(this.folder, `${lane.index}-fifo`)),
    );
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }
}

export async function runOpensipsCase(
  target: Target,
  lane: Lane,
  world: OpensipsWorld,
  setup: OpensipsScripts['setup'],
  c: OpensipsCase,
): Promise<string[]> {
  if (c.expect.crash_or_hang === true && c.expect.log === undefined) return [];
  const { expect } = c;
  const text = await world.fill(c.id, whole(setup, c), setup, lane, c.dispatcher);
  const lines: ScriptLine[] = [];
  let running: Awaited<ReturnType<Target['start']>>;
  try {
    running = await target.start(
      { dialect: 'opensips', text, folder: world.folder, args: [], env: {}, sockets: setup.listen },
      ([level, line]) => lines.push([level, lane.back(line)]),
    );
  } catch (error) {
    return [`not started: ${lane.back(error instanceof Error ? error.message : String(error))}`];
  }
  let startup = 0;
  try {
    const silent = Object.values(c.gateways).some((plans) => plans.some((plan) => plan.includes('silent')));
    const seen = await play({
      lane,
      server: { address: '127.0.8.1', port: 5060 },
      ready: async () => {
        const wanted = expect.startup_log;
        if (wanted !== undefined)
          await until(() => {
            const { lines: log } = logOf(lines);
            return expect.log_is_a_set === true
              ? wanted.every((each) => log.includes(each))
              : log.length >= wanted.length;
          }, 2500);
        startup = lines.length;
        if (wanted === undefined && c.config === undefined) lines.length = startup = 0;
      },
      messages: planned(c),
      plan: (gateway, request, nth) => planOf(c, setup, gateway, request, nth),
      ack: (reply) => ackOf(c.message, reply),
      cancelled: (gateway, cancel, invite) => [
        replyTo(cancel, gateway, 200, 'OK', [], '', setup),
        ...(invite === undefined ? [] : [replyTo(invite, gateway, 487, 'Request Terminated', [], '', setup)]),
      ],
      complete: (now) =>
        now.replies.length >= expect.replies.length &&
        forwardedOf(now, c).length >= expect.forwarded.length &&
        logOf(lines.slice(expect.log_is_a_set ? 0 : startup)).lines.length >=
          expect.log.length * (expect.log_repeats_at_least ?? 1),
      leastMs: 0,
      maxMs:
        (expect.log_repeats_at_least ?? 0) > 0
          ? 1000 * ((expect.log_repeats_at_least ?? 0) + 1)
          : silent || expect.replies.some((each) => Number(each['code']) === 408)
            ? 8000
            : 1600,
    });
    return compare(c, seen, lines, startup);
  } finally {
    await running.stop();
  }
}

async function until(done: () => boolean, maxMs: number): Promise<void> {
  const end = performance.now() + maxMs;
  while (!done() && performance.now() < end) await wait(10);
}

function planned(c: OpensipsCase): Planned[] {
  return [
    { text: c.message, atMs: 0 },
    ...(c.later_messages ?? []).map((each) => ({
      text: each.message,
      atMs: each.after_ms ?? 0,
      ...(each.when_reply === undefined ? {} : { whenReply: each.when_reply }),
    })),
  ];
}

function planOf(
  c: OpensipsCase,
  setup: OpensipsScripts['setup'],
  gateway: string,
  request: WireMessage,
  nth: number,
): GatewayReply[] {
  const plans = c.gateways[gateway];
  if (plans === undefined || methodOf(request) !== 'INVITE') {
    const plan = plans?.[Math.min(nth, plans.length - 1)];
    if (plan === undefined) return [{ text: replyTo(request, gateway, 200, 'OK', [], '', setup), afterMs: 0 }];
  }
  const plan = plans?.[Math.min(nth, plans.length - 1)] ?? [];
  const replies: GatewayReply[] = [];
  for (const step of plan) {
    if (step === 'silent') break;
    const { code, reason, after_ms, headers = [], body = '' } = step;
    replies.push({ text: replyTo(request, gateway, code, reason, headers, body, setup), afterMs: after_ms });
  }
  return replies;
}

function replyTo(
  request: WireMessage,
  gateway: string,
  code: number,
  reason: string,
  headers: readonly string[],
  body: string,
  setup: OpensipsScripts['setup'],
): string {
  const lines = [`SIP/2.0 ${code} ${reason}`];
  for (const [name, value] of request.fields) {
    const long = longName(name);
    if (long === 'to' && code > 100 && !/;\s*tag=/i.test(value)) lines.push(`To: ${value};tag=tt-${gateway}`);
    else if (['via', 'from', 'to', 'call-id', 'cseq'].includes(long)) lines.push(`${name}: ${value}`);
    else if (long === 'record-route' && code < 300) lines.push(`${name}: ${value}`);
  }
  if (code > 100 && code < 300) lines.push(`Contact: <sip:${gateway}@${setup.gateways[gateway] ?? ''}>`);
  if (body !== '') lines.push('Content-Type: application/sdp');
  lines.push(...headers, `Content-Length: ${body.length}`, '', '');
  return lines.join('\r\n') + body;
}

/** The caller's ACK of a final reply. */
function ackOf(invite: string, reply: WireMessage): string | undefined {
  const request = /^INVITE (\S+) SIP\/2.0\r\n/.exec(invite);
  if (request === null) return undefined;
  const via = /^Via:.*$/im.exec(invite)?.[0].replace(/\r$/, '') ?? '';
  const branch = statusOf(reply) < 300 ? via.replace(/branch=([^;\s]+)/, 'branch=$1-ack') : via;
  return [
    `ACK ${request[1]} SIP/2.0`,
    branch,
    'Max-Forwards: 70',
    `From: ${firstValue(reply, 'from')}`,
    `To: ${firstValue(reply, 'to')}`,
    `Call-ID: ${firstValue(reply, 'call-id')}`,
    `CSeq: ${(firstValue(reply, 'cseq') ?? '').split(' ')[0]} ACK`,
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
}

function forwardedOf(seen: Seen, c: OpensipsCase): Seen['requests'] {
  const wantsAck = c.message.startsWith('ACK ');
  // Probes belong to no case.
  const probes = c.config?.includes('ds_ping_interval') === true;
  return seen.requests.filter(
    ({ message }) =>
      (wantsAck || methodOf(message) !== 'ACK') &&
      !(probes && methodOf(message) === 'OPTIONS' && /dispatcher@/.test(firstValue(message, 'from') ?? '')),
  );
}

function compare(c: OpensipsCase, seen: Seen, lines: readonly ScriptLine[], startup: number): string[] {
  const expect = withoutFence(c.expect);
  const misses: string[] = [];
  const request = parseOnce(c.message);
  const replies = seen.replies.map(({ message, arrival }) => replyView(message, requestFor(message, c), arrival.from));
  misses.push(...differences(expect.replies.map(withoutEmpty), replies.map(withoutEmpty), 'replies'));
  const forwarded = forwardedOf(seen, c).map(({ message, arrival }) =>
    forwardedView(arrival.peer.name, message, request, arrival.from),
  );
  const expected = [...expect.forwarded];
  misses.push(...differences(sorted(expected), sorted(forwarded as typeof expected), 'forwarded'));
  const { lines: log, levels } = logOf(lines.slice(expect.log_is_a_set === true ? 0 : startup));
  const known = logOf(lines.slice(0, startup)).lines;
  if (expect.log_is_a_set === true) {
    const want = [...(expect.startup_log ?? []), ...expect.log];
    for (const line of want)
      if (!log.includes(line)) misses.push(`log: "${line}" is missing in ${JSON.stringify(log)}`);
  } else if (expect.log_repeats_at_least !== undefined) {
    const line = expect.log[0];
    const count = [...known, ...log].filter((each) => each === line).length;
    if (count < expect.log_repeats_at_least) misses.push(`log: "${line}" ${count} times`);
  } else {
    misses.push(...differences(expect.log, log, 'log'));
    if (expect.startup_log !== undefined) misses.push(...differences(expect.startup_log, known, 'startup_log'));
    const wanted = expect.log_levels;
    const plain = levels.every((level) => level === 'NOTICE' || level === null);
    if (wanted !== undefined || !plain)
      misses.push(...differences(wanted ?? log.map(() => 'NOTICE'), levels, 'log_levels'));
  }
  return misses;
}

function withoutFence(expect: Expected): Expected {
  const keep = expect.log.map((line) => !FENCE.test(line));
  if (keep.every(Boolean)) return expect;
  const { log_levels: levels } = expect;
  return {
    ...expect,
    log: expect.log.filter((_, i) => keep[i]),
    ...(levels === undefined ? {} : { log_levels: levels.filter((_, i) => keep[i]) }),
  };
}

/** Requests sent in parallel arrive in any order: they are sorted by gateway, keeping the order at each. */
function sorted<T extends { readonly gateway: string }>(all: readonly T[]): T[] {
  return all
    .map((each, i) => ({ each, i }))
    .sort((a, b) => (a.each.gateway < b.each.gateway ? -1 : a.each.gateway > b.each.gateway ? 1 : a.i - b.i))
    .map(({ each }) => each);
}

function requestFor(reply: WireMessage, c: OpensipsCase): WireMessage {
  const branch = /;branch=([^;\s,]+)/.exec(firstValue(reply, 'via') ?? '')?.[1];
  const all = [c.message, ...(c.later_messages ?? []).map((each) => each.message)];
  const fitting = all.find((text) => branch !== undefined && text.includes(branch));
  return parseOnce(fitting ?? c.message);
}

const parsed = new Map<string, WireMessage>();
function parseOnce(text: string): WireMessage {
  let message = parsed.get(text);
  if (message === undefined) {
    message = wireMessage(text);
    parsed.set(text, message);
  }
  return message;
}

function withoutEmpty(view: Record<string, unknown>): Record<string, unknown> {
  const out = { ...view };
  if (typeof out['headers'] === 'object' && Object.keys(out['headers'] as object).length === 0) delete out['headers'];
  return out;
}

const OWN_REPLY = new Set(['via', 'from', 'to', 'call-id', 'cseq', 'content-length', 'server']);

function headersOf(message: WireMessage, skip: ReadonlySet<string>): Record<string, string[]> {
  const headers: Record<string, string[]> = {};
  for (const [name, value] of message.fields) {
    if (name === '' || skip.has(longName(name))) continue;
    headers[name] = [...(headers[name] ?? []), value];
  }
  return headers;
}

function replyView(
  reply: WireMessage,
  request: WireMessage,
  from: { address: string; port: number },
): Record<string, unknown> {
  const tag = toTag(reply);
  const vias = valuesOf(reply, 'via');
  const sentVias = valuesOf(request, 'via');
  const method = methodOf(reply);
  const socket = `${from.address}:${from.port}`;
  return {
    code: statusOf(reply),
    reason: reply.startLine.slice(12),
    to_tag: tag === undefined ? false : tag === toTag(request) ? 'same' : tag.startsWith('tt-') ? tag : 'generated',
    vias: vias.length,
    ...(vias[0] === sentVias[0] || vias[0] === undefined ? {} : { via: vias[0] }),
    headers: headersOf(reply, OWN_REPLY),
    ...(reply.body === '' ? {} : { body: reply.body }),
    ...(method === methodOf(request) ? {} : { cseq_method: method }),
    ...(socket === '127.0.8.1:5060' ? {} : { from_socket: socket }),
  };
}

function forwardedView(
  gateway: string,
  message: WireMessage,
  request: WireMessage,
  from: { address: string; port: number },
): Record<string, unknown> {
  const vias = valuesOf(message, 'via');
  const sentVias = valuesOf(request, 'via');
  const socket = `${from.address}:${from.port}`;
  const method = methodOf(message);
  const all = headersOf(message, new Set(['via', 'content-length']));
  const before = headersOf(request, new Set(['via', 'content-length']));
  const headers: Record<string, string[]> = {};
  for (const [name, values] of Object.entries(all)) {
    const long = longName(name);
    const same = JSON.stringify(values) === JSON.stringify(before[name]);
    if (!same || long === 'route' || long === 'record-route') headers[name] = values;
  }
  const absent = Object.keys(before).filter((name) => all[name] === undefined);
  const others = vias.slice(1);
  return {
    gateway,
    method,
    ruri: message.startLine.split(' ')[1] ?? '',
    vias: vias.length,
    top_via: vias[0] === sentVias[0] ? vias[0] : (vias[0] ?? '').replace(/branch=[^;\s]+/, 'branch=<BRANCH>'),
    ...(JSON.stringify(others) === JSON.stringify(sentVias) || others.length === 0 ? {} : { other_vias: others }),
    headers: maskedHeaders(headers, request),
    ...(absent.length === 0 ? {} : { absent }),
    order: message.fields.map(([name]) => name).filter((name) => name !== ''),
    ...(message.body === request.body ? {} : method === 'CANCEL' ? {} : { body: message.body }),
    content_length: firstValue(message, 'content-length'),
    ...(message.ended ? {} : { no_blank_line_after_headers: true }),
    ...(socket === '127.0.8.1:5060' ? {} : { from_socket: socket }),
  };
}

/** Masks values that a proxy generates: tags and Call-ID of its own requests, its product name. */
function maskedHeaders(headers: Record<string, string[]>, request: WireMessage): Record<string, string[]> {
  const out: Record<string, string[]> = {};
  for (const [name, values] of Object.entries(headers)) {
    const long = longName(name);
    out[name] = values.map((value) => {
      if (long === 'user-agent' && /switchyard|opensips/i.test(value)) return '<SERVER>';
      if (long === 'call-id' && value !== firstValue(request, 'call-id')) return '<GENERATED>';
      if (long === 'from' && !value.includes(/;tag=([^;\s]+)/.exec(firstValue(request, 'from') ?? '')?.[1] ?? '\0')) {
        return value.replace(/;tag=[^;\s]+/, ';tag=<GENERATED>');
      }
      return value;
    });
  }
  return out;
}

const PREFIXED = /^[^:\s]+:(?:ALERT|CRITICAL|ERROR|WARNING|NOTICE|INFO|DBG):/;
/** Log line of the message with which the recorder ended a case. */
const FENCE = /(?:^|:)FENCE \d+$/;

/** Script output as lines, as the recorder read it from a log. */
function logOf(lines: readonly ScriptLine[]): { lines: string[]; levels: (string | null)[] } {
  const out: string[] = [];
  const levels: (string | null)[] = [];
  for (const [level, text] of lines) {
    const ended = text.endsWith('\n');
    const parts = (ended ? text.slice(0, -1) : text).split('\n');
    parts.forEach((part, i) => {
      const line = part;
      out.push(!ended && i === parts.length - 1 ? `${line}<NO-EOL>` : line);
      // A line with a prefix contains its level in the text.
      levels.push(i === 0 && !PREFIXED.test(line) ? level : null);
    });
  }
  return { lines: out, levels };
}

/** Compares whether a configuration is rejected, and on which line. */
export async function runOpensipsError(
  target: Target,
  lane: Lane,
  world: OpensipsWorld,
  setup: OpensipsScripts['setup'],
  e: OpensipsError,
): Promise<string[]> {
  // A crash of the original is not a verdict about the file.
  if (e.config === undefined || e.check.crashed_with_signal !== undefined) return [];
  const text = await world.fill(e.id, e.config, setup, lane, undefined);
  const accepted = e.check.accepted && (e.start?.accepted ?? true);
  try {
    const running = await target.start(
      { dialect: 'opensips', text, folder: world.folder, args: [], env: {}, sockets: [] },
      () => undefined,
    );
    await running.stop();
    return accepted ? [] : ['accepted, recorded as refused'];
  } catch (error) {
    if (!(error instanceof Refused)) return [`failed: ${String(error)}`];
    // The callers of the lanes hold addresses that a wildcard listener would bind.
    if (accepted && error.stage === 'start' && error.message.includes('EADDRINUSE')) return [];
    if (accepted) return [`refused, recorded as accepted: ${lane.back(error.message)}`];
    const line = e.check.accepted ? e.start?.line : e.check.line;
    return line === undefined || error.line === line
      ? []
      : [`line ${line} expected, ${error.line} named: ${error.message}`];
  }
}
