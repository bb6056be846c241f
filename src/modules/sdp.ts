import { compilePosix } from '../core/posix-regex.js';
import type { MessageRun } from '../script/call.js';
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
  let current: { media: string; head: Line; lines: Line[]; payloads: string[] } | undefined;
  for (const line of linesOf(run)) {
    const media = /^m=(\S{1,64}) \S{1,64} \S{1,64} ?(.*)$/.exec(line.text);
    if (media !== null) {
      current = {
        media: media[1] ?? '',
        head: line,
        lines: [line],
        payloads: (media[2] ?? '').split(/\s+/).filter((each) => each !== ''),
      };
      streams.push(current);
    } else current?.lines.push(line);
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

function nameOf(stream: Stream, payload: string): string {
  for (const { text } of stream.lines) {
    const match = /^a=rtpmap:(\d+) ([^/\s]+)/.exec(text);
    if (match?.[1] === payload) return match[2] ?? '';
  }
  return STATIC[payload] ?? '';
}

/** Clock rate of a payload type; that of the static audio types is 8000 (RFC 3551 table 4). */
function clockOf(stream: Stream, payload: string): string {
  for (const { text } of stream.lines) {
    const match = /^a=rtpmap:(\d+) [^/\s]+\/(\d+)/.exec(text);
    if (match?.[1] === payload) return match[2] ?? '';
  }
  return payload in STATIC ? '8000' : '';
}

/** A stream as earlier functions of this route have left it: further ones go on from there. Undefined: it was deleted. */
function changed(run: MessageRun, stream: Stream): Stream | undefined {
  const { head } = stream;
  const end = head.start + head.text.length;
  for (const edit of run.edits.list) {
    if (edit.start > head.start || edit.end < end) continue;
    if (edit.text === '') return undefined;
    if (edit.start === head.start && edit.end === end) return { ...stream, payloads: edit.text.split(' ').slice(3) };
  }
  return stream;
}

/** Rewrites a stream with other payload types: its m= line, and the lines of those that are gone. */
function rewriteStream(run: MessageRun, stream: Stream, payloads: readonly string[]): void {
  const { head } = stream;
  const first = head.text.split(' ', 3).join(' ');
  const end = head.start + head.text.length;
  run.edits.drop((each) => each.start === head.start && each.end === end);
  run.edits.replace(head.start, end, [first, ...payloads].join(' '));
  for (const line of stream.lines) {
    const of = /^a=(?:rtpmap|fmtp|rtcp-fb):(\d+)\b/.exec(line.text)?.[1];
    if (of !== undefined && stream.payloads.includes(of) && !payloads.includes(of))
      run.edits.remove(line.start, line.end);
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

/** Changes every stream in which a codec is found; whether there was one. */
function change(
  run: MessageRun,
  choose: Choose,
  matches: (stream: Stream, payload: string) => boolean,
  media?: string,
): boolean {
  let found = false;
  for (const original of streamsOf(run)) {
    const stream = changed(run, original);
    if (stream === undefined || (media !== undefined && stream.media !== media)) continue;
    const test = (payload: string): boolean => matches(stream, payload);
    if (!stream.payloads.some(test)) continue;
    found = true;
    const payloads = choose(stream, test);
    if (payloads.join(' ') !== stream.payloads.join(' ')) rewriteStream(run, stream, payloads);
  }
  return found;
}

const byName = (names: readonly string[]) => (stream: Stream, payload: string) =>
  names.some((each) => each.toLowerCase() === nameOf(stream, payload).toLowerCase());
/** By name, and by clock rate where one is given. */
const byCodec = (name: string, clock: string) => {
  const named = byName([name]);
  return (stream: Stream, payload: string): boolean =>
    named(stream, payload) && (clock === '' || clockOf(stream, payload) === clock);
};
const byId = (ids: readonly string[]) => (_stream: Stream, payload: string) => ids.includes(payload);

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
        return code(change(run, choose, (stream, payload) => regex.test(nameOf(stream, payload)) !== others));
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
        change(run, choose, id ? byId(wanted) : byName(wanted), media === undefined ? undefined : textOf(media, run));
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
function withCodecs(name: string, is: (wanted: string) => (stream: Stream, payload: string) => boolean): FunctionSpec {
  return {
    name,
    dialects: KAMAILIO,
    parameters: [param('codecs', 'string')],
    summary: 'whether the SDP has codecs: 1 for all, 2 for some',
    compile:
      ([text]) =>
      (run) => {
        const wanted = list(textOf(text, run));
        const streams = streamsOf(run);
        const there = wanted.filter((each) => streams.some((s) => s.payloads.some((payload) => is(each)(s, payload))));
        return there.length === 0 ? -1 : there.length === wanted.length ? 1 : 2;
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
    test('sdp_with_media', KAMAILIO, (run, text) => streamsOf(run).some(({ media }) => media === text)),
    withCodecs('sdp_with_codecs_by_id', (wanted) => byId([wanted])),
    withCodecs('sdp_with_codecs_by_name', (wanted) => byName([wanted])),
    test('sdp_remove_media', KAMAILIO, (run, text) => deleteStream(run, ({ media }) => media === text)),
    test('sdp_with_transport', KAMAILIO, (run, text) =>
      streamsOf(run).some(({ head }) => head.text.split(' ')[2] === text),
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
          const found = linesOf(run).find(({ text }) => text.startsWith(textOf(start, run)));
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
          media === text &&
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
      summary: 'the transport of the first stream',
      compile:
        ([result]) =>
        (run) => {
          const transport = streamsOf(run)[0]?.head.text.split(' ')[2];
          if (transport === undefined) return -1;
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
          const all =
            media === undefined
              ? linesOf(run)
              : streamsOf(run).flatMap((each) => (each.media === textOf(media, run) ? each.lines : []));
          for (const each of all) if (each.text.startsWith(start)) run.edits.remove(each.start, each.end);
          return 1;
        },
    },
    {
      name: 'sdp_content',
      dialects: KAMAILIO,
      parameters: [optional('mode', 'string')],
      summary: 'whether the body is SDP',
      compile: () => (run) => code(/^v=0/.test(run.message.body)),
    },
  ]),
];
