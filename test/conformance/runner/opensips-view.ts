import type { Expected, OpensipsCase } from './opensips-case.js';
import { byGateway, differences } from './outcome.js';
import type { Seen } from './play.js';
import type { ScriptLine } from './target.js';
import { firstValue, longName, methodOf, statusOf, toTag, valuesOf, type WireMessage, wireMessage } from './wire.js';

export function forwardedOf(seen: Seen, c: OpensipsCase): Seen['requests'] {
  const wantsAck = c.message.startsWith('ACK ');
  // Probes belong to no case.
  const probes = c.config?.includes('ds_ping_interval') === true;
  return seen.requests.filter(
    ({ message }) =>
      (wantsAck || methodOf(message) !== 'ACK') &&
      !(probes && methodOf(message) === 'OPTIONS' && /dispatcher@/.test(firstValue(message, 'from') ?? '')),
  );
}

export function compare(c: OpensipsCase, seen: Seen, lines: readonly ScriptLine[], startup: number): string[] {
  const expect = withoutFence(c.expect);
  const misses: string[] = [];
  const request = parseOnce(c.message);
  const replies = seen.replies.map(({ message, arrival }) => replyView(message, requestFor(message, c), arrival.from));
  misses.push(...differences(expect.replies.map(withoutEmpty), replies.map(withoutEmpty), 'replies'));
  const forwarded = forwardedOf(seen, c).map(({ message, arrival }) =>
    forwardedView(arrival.peer.name, message, request, arrival.from),
  );
  const expected = [...expect.forwarded];
  misses.push(...differences(byGateway(expected), byGateway(forwarded as typeof expected), 'forwarded'));
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
export function logOf(lines: readonly ScriptLine[]): { lines: string[]; levels: (string | null)[] } {
  const out: string[] = [];
  const levels: (string | null)[] = [];
  for (const [level, text] of lines) {
    const ended = text.endsWith('\n');
    const parts = (ended ? text.slice(0, -1) : text).split('\n');
    parts.forEach((line, i) => {
      out.push(!ended && i === parts.length - 1 ? `${line}<NO-EOL>` : line);
      // A line with a prefix contains its level in the text.
      levels.push(i === 0 && !PREFIXED.test(line) ? level : null);
    });
  }
  return { lines: out, levels };
}
