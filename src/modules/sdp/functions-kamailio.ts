import { sameButForCase, trimmed } from '../../core/characters.js';
import { holdsText } from '../../core/find-text.js';
import type { MessageRun } from '../../script/call.js';
import {
  type Arg,
  code,
  type FunctionSpec,
  KAMAILIO,
  moduleFunctions,
  optional,
  param,
  type ScriptFunction,
  textOf,
} from '../define.js';
import { byId, byName, type Choose, change, keep, remove } from './codecs.js';
import {
  deleteStream,
  isStaticName,
  lineStarting,
  linesOf,
  nameOf,
  type Stream,
  sdpSpan,
  streamsOf,
} from './streams.js';

function list(text: string): string[] {
  return text
    .split(',')
    .map((each) => trimmed(each))
    .filter((each) => each !== '');
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
        // None of the names is in the SDP or is a static payload type.
        if (
          !id &&
          !wanted.some(isStaticName) &&
          !streamsOf(run).some((each) => each.payloads.some((payload) => matches(each, payload)))
        )
          return -1;
        change(run, choose, matches, media === undefined ? undefined : textOf(media, run), choose === keep);
        return 1;
      },
  };
}

function test(name: string, check: (run: MessageRun, text: string) => boolean): FunctionSpec {
  return {
    name,
    dialects: KAMAILIO,
    parameters: [param('text', 'string')],
    summary: 'tests the SDP',
    compile:
      ([text]) =>
      (run) =>
        code(check(run, textOf(text, run))),
  };
}

/** Return code of some functions for a message without a body. */
const NO_BODY = -2;

/** Returns 1 when all codecs of a list are in all streams, 2 when some are, -1 when none is. */
function withCodecs(name: string, byName: boolean, key: (stream: Stream, payload: string) => string): FunctionSpec {
  return {
    name,
    dialects: KAMAILIO,
    parameters: [param('codecs', 'string')],
    summary: 'whether the SDP has codecs: 1 for all in every stream, 2 for some',
    compile:
      ([text]) =>
      (run) => {
        // As recorded, only the function by number has a return code of its own for a message without a body.
        if (!byName && run.message.body === '') return NO_BODY;
        const streams = streamsOf(run).map((each) => new Set(each.payloads.map((payload) => key(each, payload))));
        let wanted = list(textOf(text, run)).map((each) => each.toLowerCase());
        // A name that is in no stream is ignored.
        if (byName) wanted = wanted.filter((each) => streams.some((stream) => stream.has(each)));
        if (!wanted.some((each) => streams.some((stream) => stream.has(each)))) return -1;
        return streams.every((stream) => wanted.every((each) => stream.has(each))) ? 1 : 2;
      },
  };
}

/** Whether an argument is an AVP: as recorded, some functions write to nothing else. */
function isAvp(arg: Arg | undefined): boolean {
  return arg !== undefined && /^\$\(?avp\(/.test(arg.text);
}

/** Functions of Kamailio's sdpops. */
export const sdpopsFunctions: ScriptFunction[] = moduleFunctions('sdpops', [
  sdpops('sdp_keep_codecs_by_id', keep, true),
  sdpops('sdp_keep_codecs_by_name', keep, false),
  sdpops('sdp_remove_codecs_by_id', remove, true),
  sdpops('sdp_remove_codecs_by_name', remove, false),
  test('sdp_with_media', (run, text) => streamsOf(run).some(({ media }) => sameButForCase(media, text))),
  withCodecs('sdp_with_codecs_by_id', false, (_stream, payload) => payload),
  withCodecs('sdp_with_codecs_by_name', true, (stream, payload) => nameOf(stream, payload).toLowerCase()),
  test('sdp_remove_media', (run, text) => deleteStream(run, ({ media }) => media === text)),
  test('sdp_with_transport', (run, text) =>
    streamsOf(run).some(({ head }) => sameButForCase(head.text.split(' ')[2] ?? '', text))),
  test('sdp_with_transport_like', (run, text) =>
    text !== '' && streamsOf(run).some(({ head }) => holdsText(head.text.split(' ')[2] ?? '', text))),
  {
    name: 'sdp_get_line_startswith',
    dialects: KAMAILIO,
    parameters: [param('result', 'writable'), param('start', 'string')],
    summary: 'the first line of the SDP with a given beginning',
    compile:
      ([result, start]) =>
      (run) => {
        if (run.message.body === '') return NO_BODY;
        const wanted = textOf(start, run);
        const found = lineStarting(run, wanted);
        if (found === undefined) return -1;
        result?.variable?.assign(run.pvars, found.text);
        return 1;
      },
  },
  test('sdp_remove_transport', (run, text) => deleteStream(run, ({ head }) => head.text.split(' ')[2] === text)),
  test('sdp_with_active_media', (run, text) =>
    streamsOf(run).some(
      (stream) =>
        sameButForCase(stream.media, text) &&
        stream.head.text.split(' ')[1] !== '0' &&
        !stream.attributes.some((each) => /^a=(?:inactive|recvonly)/.test(each.text)),
    )),
  {
    name: 'sdp_with_ice',
    dialects: KAMAILIO,
    summary: 'whether the SDP has ICE candidates',
    compile: () => (run) => code(['a=candidate', 'a=ice-'].some((start) => lineStarting(run, start) !== undefined)),
  },
  {
    name: 'sdp_get',
    dialects: KAMAILIO,
    parameters: [param('result', 'writable')],
    summary: 'the SDP',
    compile:
      ([result]) =>
      (run) => {
        if (!isAvp(result)) return -1;
        if (run.message.body === '') return NO_BODY;
        const { start, end } = sdpSpan(run);
        const sdp = run.message.text.slice(start, end);
        if (!sdp.startsWith('v=0')) return -1;
        result?.variable?.assign(run.pvars, sdp);
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
        if (!isAvp(result)) return -1;
        const all = new Set(streamsOf(run).map(({ head }) => head.text.split(' ')[2] ?? ''));
        const [transport] = all;
        if (transport === undefined) return run.message.body === '' ? 1 : -1;
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
      const line = lineStarting(run, 'c=IN IP');
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
    summary: 'removes lines of the SDP with a given beginning',
    compile:
      ([prefix, media]) =>
      (run) => {
        if (run.message.body === '') return -1;
        const start = textOf(prefix, run);
        const kind = media === undefined ? undefined : textOf(media, run);
        const all =
          kind === undefined ? linesOf(run) : streamsOf(run).flatMap((each) => (each.media === kind ? each.lines : []));
        for (const each of all) if (each.text.startsWith(start)) run.edits.remove(each.start, each.end);
        return 1;
      },
  },
  {
    name: 'sdp_content',
    dialects: KAMAILIO,
    parameters: [optional('mode', 'string')],
    summary: 'whether the body is SDP',
    // One part of a multipart body may be SDP.
    compile: () => (run) => code(/(?:^|\n)v=0/.test(run.message.body)),
  },
]);
