import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Lane, Peer } from './lane.js';
import type { OpensipsCase, OpensipsError, OpensipsScripts } from './opensips-case.js';
import { compare, forwardedOf, logOf } from './opensips-view.js';
import { type GatewayReply, type Planned, play } from './play.js';
import { createTables, type TableRows } from './tables.js';
import { Refused, type ScriptLine, type Target } from './target.js';
import { firstValue, longName, methodOf, statusOf, type WireMessage } from './wire.js';

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
