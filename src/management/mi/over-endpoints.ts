import type { Caller } from '../../access/caller.js';
import type { DatagramProtocol, FifoProtocol } from '../endpoints/protocol.js';
import { MiError } from './command.js';
import { FifoFraming, type FifoItem } from './fifo-framing.js';
import type { MiHandler } from './handler.js';
import { PARSE_ERROR_TEXT } from './handler.js';
import { renderError } from './json-rpc.js';
import { parseFirstJson } from './json-scanner.js';
import { renderTextError } from './line-text.js';

/** The management interface over a FIFO, in both forms. */
export function miOverFifo(handler: MiHandler): FifoProtocol<FifoItem> {
  return {
    framing: () => new FifoFraming(),
    sender: ({ reply }) => reply,
    refuse: (reason, message) => handler.refuse('fifo', reason, message),
    async answer(item, caller) {
      const { reply } = item;
      switch (item.kind) {
        case 'json':
          return { reply, pieces: await handler.answer(item.body, caller) };
        case 'text':
          return { reply, pieces: await handler.answerText(item.request, caller) };
        case 'refused':
          handler.refuse('fifo', item.reason, item.message);
          return { reply, pieces: [refusal(item)] };
      }
    },
  };
}

/** The answer to a text that is not a command, if its writer can be reached. */
function refusal(item: Extract<FifoItem, { kind: 'refused' }>): string {
  const tooLong = item.reason === 'oversized';
  if (item.form === 'text')
    return renderTextError(new MiError(400, tooLong ? 'command too long' : 'incomplete command'), true);
  return tooLong ? renderError(new MiError(-32600, 'Invalid Request', 'request too large'), null) : PARSE_ERROR_TEXT;
}

/** The management interface over datagrams. An answer that is too long is replaced by an error. */
export function miOverDatagrams(handler: MiHandler): DatagramProtocol {
  return {
    what: 'MI datagram socket',
    refuse: (reason, message) => handler.refuse('datagram', reason, message),
    async answer(bytes, caller: Caller, limit) {
      const pieces = await handler.answer(bytes, caller);
      if (pieces === undefined) return undefined;
      // There are at least as many bytes as characters, so an answer with too many characters is not encoded.
      const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
      const answer = length > limit ? undefined : Buffer.from(pieces.join(''), 'utf8');
      if (answer !== undefined && answer.length <= limit) return answer;
      const why = `the answer of ${answer?.length ?? length} bytes does not fit into a datagram`;
      handler.refuse('datagram', 'answer-too-long', why);
      const error = new MiError(500, 'Answer too long', `${why}: ask for less or through the FIFO or HTTP`);
      if (bytes[0] === 58 /* the colon */) return Buffer.from(renderTextError(error, false));
      return Buffer.from(renderError(error, idOf(bytes)));
    },
  };
}

function idOf(request: Buffer): string | number | null {
  const value = parseFirstJson(request.toString())?.value as { id?: unknown } | undefined;
  if (typeof value?.id === 'string') return value.id;
  return typeof value?.id === 'number' ? Math.trunc(value.id) : null;
}
