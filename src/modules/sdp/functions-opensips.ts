import type { MessageRun } from '../../script/call.js';
import {
  code,
  type FunctionSpec,
  moduleFunctions,
  OPENSIPS,
  optional,
  param,
  type ScriptFunction,
  textOf,
} from '../define.js';
import { namePattern } from '../patterns.js';
import { byCodec, byPattern, type Choose, change, leave, moveDown, moveUp, remove } from './codecs.js';
import { deleteStream, type Stream, streamsOf } from './streams.js';

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

/**
 * A function that changes the codecs whose names match a regular expression; `others`: changes those that do not match.
 */
function codecRegex(name: string, choose: Choose, others = false): FunctionSpec {
  return {
    name,
    dialects: OPENSIPS,
    parameters: [param('pattern', 'regex')],
    summary: 'changes the codecs of the SDP whose names match',
    compile:
      ([pattern]) =>
      (run) => {
        const regex = namePattern(pattern, run);
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

function streamRegex(
  name: string,
  body: (run: MessageRun, matches: (stream: Stream) => boolean) => boolean,
): FunctionSpec {
  return {
    name,
    dialects: OPENSIPS,
    parameters: [param('media', 'regex'), optional('transport', 'regex')],
    summary: 'whether there are streams with this media type and transport',
    compile:
      ([media, transport]) =>
      (run) => {
        const ofMedia = media === undefined ? undefined : namePattern(media, run);
        const ofTransport = transport === undefined ? undefined : namePattern(transport, run);
        return code(
          body(run, (stream) => ofMedia?.test(stream.media) === true && ofTransport?.test(stream.transport) !== false),
        );
      },
  };
}

/** Functions of OpenSIPS' sipmsgops on codecs and streams of an SDP. */
export const sipmsgopsSdpFunctions: ScriptFunction[] = moduleFunctions('sipmsgops', [
  codec('codec_delete', remove),
  codec('codec_move_up', moveUp),
  codec('codec_move_down', moveDown),
  codecRegex('codec_exists_re', leave),
  codecRegex('codec_delete_re', remove),
  codecRegex('codec_delete_except_re', remove, true),
  codecRegex('codec_move_up_re', moveUp),
  codecRegex('codec_move_down_re', moveDown),
  codec('codec_exists', leave),
  streamRegex('stream_exists', (run, matches) => streamsOf(run).some(matches)),
  streamRegex('stream_delete', (run, matches) => deleteStream(run, matches)),
]);
