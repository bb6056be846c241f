import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { KamailioCase, KamailioError, KamailioScripts, Reply } from './kamailio-case.js';
import { acksOf, compare, forwardedOf, repliesOf, viewOf } from './kamailio-view.js';
import type { Lane, Peer } from './lane.js';
import { MEDIA, MediaProxy } from './media-proxy.js';
import { type GatewayReply, play } from './play.js';
import { Refused, type ScriptLine, type Target } from './target.js';
import { firstValue, longName, statusOf, type WireMessage, wireMessage } from './wire.js';

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
