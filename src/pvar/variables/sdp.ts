import { trimmed } from '../../core/characters.js';
import { type PvarContext, textOf } from '../context.js';
import type { TextReader, VariableDefinition } from './definition.js';

/** The SDP with what the script has changed so far: reading sees each change at once, as documented. */
function sdpOf(context: PvarContext): string {
  return context.sdp ?? context.message.body ?? '';
}

/** $sdp: the SDP as a whole; null removes it. */
export const sdpBody: VariableDefinition = {
  argument: 'none',
  indexed: false,
  compile: () => ({
    get: (context) => sdpOf(context),
    set: (context, value) => context.editSdp?.(0, sdpOf(context).length, value === null ? '' : textOf(value)),
  }),
};

/** $sdp.line(m[1]): the whole i-th line of a type in the body. */
export const sdpLine: VariableDefinition = {
  argument: 'required',
  indexed: false,
  compile(argument) {
    const text = argument as TextReader;
    return {
      get: (context) => {
        const body = sdpOf(context);
        const wanted = trimmed(text.constant ?? text.read(context));
        const span = /^[A-Za-z]/.test(wanted) ? lineSpan(body, wanted) : undefined;
        return span === undefined ? null : body.slice(...span).replace(/\r?\n$/, '');
      },
      set: (context, value) => {
        const wanted = trimmed(text.constant ?? text.read(context));
        const span = lineSpan(sdpOf(context), wanted);
        if (span !== undefined) context.editSdp?.(span[0], span[1], value === null ? '' : `${textOf(value)}\r\n`);
      },
    };
  },
};

/** Span of the i-th line of a type in a body ("m[1]"), with its line break. */
function lineSpan(body: string, wanted: string): readonly [start: number, end: number] | undefined {
  const bracket = wanted.indexOf('[');
  let i = bracket < 0 ? 0 : Number.parseInt(wanted.slice(bracket + 1), 10);
  for (let at = 0; at < body.length; ) {
    const feed = body.indexOf('\n', at);
    const end = feed < 0 ? body.length : feed + 1;
    if (body.startsWith(`${wanted[0]}=`, at) && i-- === 0) return [at, end];
    at = end;
  }
  return undefined;
}

/** $sdp.stream(audio): the m= line of a media type. */
export const sdpStream: VariableDefinition = {
  argument: 'required',
  indexed: false,
  compile(argument) {
    const text = argument as TextReader;
    return {
      get: (context) => {
        const start = `m=${trimmed(text.constant ?? text.read(context)).toLowerCase()} `;
        for (const line of sdpOf(context).split(/\r?\n/)) {
          if (line.slice(0, start.length).toLowerCase() === start) return line;
        }
        return null;
      },
    };
  },
};
