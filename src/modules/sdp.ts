import { compilePosix } from '../core/posix-regex.js';
import type { MessageRun } from '../script/call.js';
import type { TextEdit } from '../sip/reply.js';
import {
  code,
  type FunctionSpec,
  KAMAILIO,
  moduleFunctions,
  OPENSIPS,
  optional,
  param,
  type ScriptFunction,
  textOf,
} from './define.js';

interface Line {
  readonly text: string;
  /** Where it begins in the message, and where the next one does. */
  readonly start: number;
  readonly end: number;
}

interface Stream {
  readonly media: string;
  readonly head: Line;
  readonly lines: readonly Line[];
  readonly payloads: readonly string[];
  /** Name and clock rate of payload types, as the first "a=rtpmap" line of each has them. */
  readonly codecs: ReadonlyMap<string, Codec>;
}

interface Codec {
  readonly name: string;
  /** Empty where the line has none. */
  readonly clock: string;
}

function linesOf(run: MessageRun): Line[] {
  const { text, bodyStart, bodyEnd } = run.message;
  const lines: Line[] = [];
  let at = bodyStart;
  while (at < bodyEnd) {
    const feed = text.indexOf('\n', at);
    const end = feed < 0 || feed >= bodyEnd ? bodyEnd : feed + 1;
    lines.push({ text: text.slice(at, end).replace(/\r?\n$/, ''), start: at, end });
    at = end;
  }
  return lines;
}

function streamsOf(run: MessageRun): Stream[] {
  const streams: Stream[] = [];
  let current: (Stream & { lines: Line[]; codecs: Map<string, Codec> }) | undefined;
  for (const line of linesOf(run)) {
    const media = /^m=(\S{1,64}) \S{1,64} \S{1,64} ?(.*)$/.exec(line.text);
    if (media !== null) {
      current = {
        media: media[1] ?? '',
        head: line,
        lines: [line],
        payloads: (media[2] ?? '').split(/\s+/).filter((each) => each !== ''),
        codecs: new Map(),
      };
      streams.push(current);
    } else if (current !== undefined) {
      current.lines.push(line);
      const [, payload, name, clock = ''] = /^a=rtpmap:(\d+) ([^/\s]+)(?:\/(\d+))?/.exec(line.text) ?? [];
      if (payload !== undefined && name !== undefined && !current.codecs.has(payload)) {
        current.codecs.set(payload, { name, clock });
      }
    }
  }
  return streams;
}

/** Static payload types (RFC 3551) by the names scripts use. */
const STATIC: Readonly<Record<string, string>> = {
  '0': 'PCMU',
  '3': 'GSM',
  '4': 'G723',
  '8': 'PCMA',
  '9': 'G722',
  '15': 'G728',
  '18': 'G729',
};

function nameOf({ codecs }: Stream, payload: string): string {
  return codecs.get(payload)?.name ?? STATIC[payload] ?? '';
}

/** Clock rate of a payload type; that of the static audio types is 8000 (RFC 3551 table 4). */
function clockOf({ codecs }: Stream, payload: string): string {
  return codecs.get(payload)?.clock || (payload in STATIC ? '8000' : '');
}

/** What earlier functions of this route have done to the "m=" lines: further ones go on from there. */
class EarlierEdits {
  /** Texts that stand in place of a line, by where it begins. */
  private readonly rewritten = new Map<number, TextEdit>();
  /** Positions that were taken out, in order: where each begins, and how far this one and those before it reach. */
  private readonly removed: { readonly start: number; readonly reach: number }[] = [];

  constructor(edits: readonly TextEdit[]) {
    const removals: TextEdit[] = [];
    for (const edit of edits) {
      if (edit.text === '') removals.push(edit);
      else if (edit.end > edit.start) this.rewritten.set(edit.start, edit);
    }
    let reach = 0;
    for (const { start, end } of removals.sort((a, b) => a.start - b.start)) {
      reach = Math.max(reach, end);
      this.removed.push({ start, reach });
    }
  }

  /** A stream as it is now; undefined when it was deleted. */
  changed(stream: Stream): Stream | undefined {
    const { start, text } = stream.head;
    const end = start + text.length;
    let low = 0;
    let high = this.removed.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.removed[middle]?.start ?? 0) <= start) low = middle + 1;
      else high = middle;
    }
    if ((this.removed[low - 1]?.reach ?? 0) >= end) return undefined;
    const edit = this.rewritten.get(start);
    return edit?.end === end ? { ...stream, payloads: edit.text.split(' ').slice(3) } : stream;
  }
}

/** Rewrites a stream with other payload types: its m= line, and the lines of those that are gone. */
function rewriteStream(run: MessageRun, stream: Stream, payloads: readonly string[]): void {
  const { head } = stream;
  const first = head.text.split(' ', 3).join(' ');
  const before = new Set(stream.payloads);
  const after = new Set(payloads);
  run.edits.replace(head.start, head.start + head.text.length, [first, ...payloads].join(' '));
  for (const line of stream.lines) {
    const of = /^a=(?:rtpmap|fmtp|rtcp-fb):(\d+)\b/.exec(line.text)?.[1];
    if (of !== undefined && before.has(of) && !after.has(of)) run.edits.remove(line.start, line.end);
  }
}

type Choose = (stream: Stream, matches: (payload: string) => boolean) => readonly string[];

const moveUp: Choose = ({ payloads }, matches) => [
  ...payloads.filter(matches),
  ...payloads.filter((each) => !matches(each)),
];
const moveDown: Choose = ({ payloads }, matches) => [
  ...payloads.filter((each) => !matches(each)),
  ...payloads.filter(matches),
];
const remove: Choose = ({ payloads }, matches) => payloads.filter((each) => !matches(each));
const keep: Choose = ({ payloads }, matches) => payloads.filter(matches);

type Matches = (stream: Stream, payload: string) => boolean;

/** Changes every stream in which a codec is found, or with `always` every stream; whether there was one. */
function change(run: MessageRun, choose: Choose, matches: Matches, media?: string, always = false): boolean {
  const earlier = new EarlierEdits(run.edits.list);
  const rewritten: { readonly stream: Stream; readonly payloads: readonly string[] }[] = [];
  let found = false;
  for (const original of streamsOf(run)) {
    const stream = earlier.changed(original);
    if (stream === undefined || (media !== undefined && stream.media !== media)) continue;
    const test = (payload: string): boolean => matches(stream, payload);
    const there = stream.payloads.some(test);
    if (!there && !always) continue;
    if (there) found = true;
    const payloads = choose(stream, test);
    if (payloads.join(' ') !== stream.payloads.join(' ')) rewritten.push({ stream, payloads });
  }
  if (rewritten.length > 0) {
    const lines = new Map(rewritten.map(({ stream: { head } }) => [head.start, head.start + head.text.length]));
    run.edits.drop((each) => each.text !== '' && lines.get(each.start) === each.end);
    for (const { stream, payloads } of rewritten) rewriteStream(run, stream, payloads);
  }
  return found;
}

function byName(names: readonly string[]): Matches {
  const wanted = new Set(names.map((each) => each.toLowerCase()));
  return (stream, payload) => wanted.has(nameOf(stream, payload).toLowerCase());
}

/** By name, and by clock rate where one is given. */
function byCodec(name: string, clock: string): Matches {
  const named = byName([name]);
  return (stream, payload) => named(stream, payload) && (clock === '' || clockOf(stream, payload) === clock);
}

function byId(ids: readonly string[]): Matches {
  const wanted = new Set(ids);
  return (_stream, payload) => wanted.has(payload);
}

/** Each name is tried once: a body may have it thousands of times. */
function byPattern(test: (name: string) => boolean): Matches {
  const known = new Map<string, boolean>();
  return (stream, payload) => {
    const name = nameOf(stream, payload);
    let matches = known.get(name);
    if (matches === undefined) known.set(name, (matches = test(name)));
    return matches;
  };
}

function list(text: string): string[] {
  return text
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
}

function codec(name: string, choose: Choose): FunctionSpec {
  return {
    name,
    dialects: OPENSIPS,
    parameters: [param('codec', 'string'), optional('clock', 'string')],
    summary: 'changes the codecs of the SDP',
    compile:
      ([text, clock]) =>
      (run) =>
        code(change(run, choose, byCodec(textOf(text, run), textOf(clock, run)))),
  };
}

/** The same by a regular expression over codec names; `others`: all that do not match. */
function codecRegex(name: string, choose: Choose, others = false): FunctionSpec {
  return {
    name,
    dialects: OPENSIPS,
    parameters: [param('pattern', 'regex')],
    summary: 'changes the codecs of the SDP whose names match',
    compile:
      ([pattern]) =>
      (run) => {
        const regex = pattern?.regex(run) ?? compilePosix(textOf(pattern, run), { ignoreCase: true });
        return code(
          change(
            run,
            choose,
            byPattern((codec) => regex.test(codec) !== others),
          ),
        );
      },
  };
}

function sdpops(name: string, choose: Choose, id: boolean): FunctionSpec {
  return {
    name,
    dialects: KAMAILIO,
    parameters: [param('codecs', 'string'), optional('media', 'string')],
    summary: 'changes the codecs of the SDP',
    compile:
      ([text, media]) =>
      (run) => {
        if (run.message.body === '') return -1;
        const wanted = list(textOf(text, run));
        const matches = id ? byId(wanted) : byName(wanted);
        // A list of names none of which is in the SDP.
        if (!id && !streamsOf(run).some((each) => each.payloads.some((payload) => matches(each, payload)))) return -1;
        change(run, choose, matches, media === undefined ? undefined : textOf(media, run), choose === keep);
        return 1;
      },
  };
}

function test(
  name: string,
  dialects: FunctionSpec['dialects'],
  check: (run: MessageRun, text: string) => boolean,
): FunctionSpec {
  return {
    name,
    ...(dialects === undefined ? {} : { dialects }),
    parameters: [param('text', 'string')],
    summary: 'looks at the SDP',
    compile:
      ([text]) =>
      (run) =>
        code(check(run, textOf(text, run))),
  };
}

/** 1 when every codec of a list is there, 2 when some are, -1 when none is. */
/** Media and transports are compared without letter case. */
function same(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

function withCodecs(name: string, byName: boolean, key: (stream: Stream, payload: string) => string): FunctionSpec {
  return {
    name,
    dialects: KAMAILIO,
    parameters: [param('codecs', 'string')],
    summary: 'whether the SDP has codecs: 1 for all in every stream, 2 for some',
    compile:
      ([text]) =>
      (run) => {
        const streams = streamsOf(run).map((each) => new Set(each.payloads.map((payload) => key(each, payload))));
        let wanted = list(textOf(text, run)).map((each) => each.toLowerCase());
        // A name that no stream has does not count.
        if (byName) wanted = wanted.filter((each) => streams.some((stream) => stream.has(each)));
        if (!wanted.some((each) => streams.some((stream) => stream.has(each)))) return -1;
        return streams.every((stream) => wanted.every((each) => stream.has(each))) ? 1 : 2;
      },
  };
}

function deleteStream(run: MessageRun, wanted: (stream: Stream) => boolean): boolean {
  let found = false;
  for (const stream of streamsOf(run)) {
    if (!wanted(stream)) continue;
    found = true;
    const last = stream.lines[stream.lines.length - 1] as Line;
    run.edits.remove(stream.head.start, last.end);
  }
  return found;
}

function streamRegex(
  name: string,
  body: (run: MessageRun, matches: (media: string) => boolean) => boolean,
): FunctionSpec {
  return {
    name,
    dialects: OPENSIPS,
    parameters: [param('pattern', 'regex')],
    summary: 'looks for streams whose media type matches',
    compile:
      ([pattern]) =>
      (run) => {
        const regex = pattern?.regex(run) ?? compilePosix(textOf(pattern, run), { ignoreCase: true });
        return code(body(run, (media) => regex.test(media)));
      },
  };
}

/** Functions about the codecs and streams of an SDP. */
export const sdpFunctions: ScriptFunction[] = [
  ...moduleFunctions('sipmsgops', [
    codec('codec_delete', remove),
    codec('codec_move_up', moveUp),
    codec('codec_move_down', moveDown),
    codecRegex('codec_exists_re', (stream) => stream.payloads),
    codecRegex('codec_delete_re', remove),
    codecRegex('codec_delete_except_re', remove, true),
    codecRegex('codec_move_up_re', moveUp),
    codecRegex('codec_move_down_re', moveDown),
    codec('codec_exists', (stream) => stream.payloads),
    streamRegex('stream_exists', (run, matches) => streamsOf(run).some(({ media }) => matches(media))),
    streamRegex('stream_delete', (run, matches) => deleteStream(run, ({ media }) => matches(media))),
  ]),
  ...moduleFunctions('sdpops', [
    sdpops('sdp_keep_codecs_by_id', keep, true),
    sdpops('sdp_keep_codecs_by_name', keep, false),
    sdpops('sdp_remove_codecs_by_id', remove, true),
    sdpops('sdp_remove_codecs_by_name', remove, false),
    test('sdp_with_media', KAMAILIO, (run, text) => streamsOf(run).some(({ media }) => same(media, text))),
    withCodecs('sdp_with_codecs_by_id', false, (_stream, payload) => payload),
    withCodecs('sdp_with_codecs_by_name', true, (stream, payload) => nameOf(stream, payload).toLowerCase()),
    test('sdp_remove_media', KAMAILIO, (run, text) => deleteStream(run, ({ media }) => media === text)),
    test('sdp_with_transport', KAMAILIO, (run, text) =>
      streamsOf(run).some(({ head }) => same(head.text.split(' ')[2] ?? '', text)),
    ),
    test('sdp_with_transport_like', KAMAILIO, (run, text) =>
      streamsOf(run).some(({ head }) => (head.text.split(' ')[2] ?? '').includes(text)),
    ),
    {
      name: 'sdp_get_line_startswith',
      dialects: KAMAILIO,
      parameters: [param('result', 'writable'), param('start', 'string')],
      summary: 'the first line of the SDP that begins so',
      compile:
        ([result, start]) =>
        (run) => {
          const wanted = textOf(start, run);
          const found = linesOf(run).find(({ text }) => text.startsWith(wanted));
          if (found === undefined) return -1;
          result?.variable?.assign(run.pvars, found.text);
          return 1;
        },
    },
    test('sdp_remove_transport', KAMAILIO, (run, text) =>
      deleteStream(run, ({ head }) => head.text.split(' ')[2] === text),
    ),
    test('sdp_with_active_media', KAMAILIO, (run, text) =>
      streamsOf(run).some(
        ({ media, head, lines }) =>
          same(media, text) &&
          head.text.split(' ')[1] !== '0' &&
          !lines.some((each) => /^a=(?:inactive|recvonly)/.test(each.text)),
      ),
    ),
    {
      name: 'sdp_with_ice',
      dialects: KAMAILIO,
      summary: 'whether the SDP has ICE candidates',
      compile: () => (run) => code(linesOf(run).some(({ text }) => /^a=(?:candidate|ice-)/.test(text))),
    },
    {
      name: 'sdp_get',
      dialects: KAMAILIO,
      parameters: [param('result', 'writable')],
      summary: 'the SDP',
      compile:
        ([result]) =>
        (run) => {
          if (!/^v=0/.test(run.message.body)) return -1;
          result?.variable?.assign(run.pvars, run.message.body);
          return 1;
        },
    },
    {
      name: 'sdp_transport',
      dialects: KAMAILIO,
      parameters: [param('result', 'writable')],
      summary: 'the transport of the streams; -2 when they have several',
      compile:
        ([result]) =>
        (run) => {
          const all = new Set(streamsOf(run).map(({ head }) => head.text.split(' ')[2] ?? ''));
          const [transport] = all;
          if (transport === undefined) return -1;
          if (all.size > 1) return -2;
          result?.variable?.assign(run.pvars, transport);
          return 1;
        },
    },
    {
      name: 'sdp_get_address_family',
      dialects: KAMAILIO,
      summary: '4 or 6, by the c= line',
      compile: () => (run) => {
        const line = linesOf(run).find(({ text }) => text.startsWith('c=IN IP'));
        return line === undefined ? -1 : line.text.startsWith('c=IN IP6') ? 6 : 4;
      },
    },
    {
      name: 'sdp_print',
      dialects: KAMAILIO,
      parameters: [param('level', 'string')],
      summary: 'accepted; the SDP is not printed',
      compile: () => (run) => code(run.message.body !== ''),
    },
    {
      name: 'sdp_remove_line_by_prefix',
      dialects: KAMAILIO,
      parameters: [param('prefix', 'string'), optional('media', 'string')],
      summary: 'removes lines of the SDP that begin so',
      compile:
        ([prefix, media]) =>
        (run) => {
          if (run.message.body === '') return -1;
          const start = textOf(prefix, run);
          const kind = media === undefined ? undefined : textOf(media, run);
          const all =
            kind === undefined
              ? linesOf(run)
              : streamsOf(run).flatMap((each) => (each.media === kind ? each.lines : []));
          for (const each of all) if (each.text.startsWith(start)) run.edits.remove(each.start, each.end);
          return 1;
        },
    },
    {
      name: 'sdp_content',
      dialects: KAMAILIO,
      parameters: [optional('mode', 'string')],
      summary: 'whether the body is SDP',
      // In a body of several parts one of them may be SDP.
      compile: () => (run) => code(/(?:^|\n)v=0/.test(run.message.body)),
    },
  ]),
];
