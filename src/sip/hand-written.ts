import { SwitchyardError } from '../core/errors.js';
import type { SipMessage } from './message.js';
import { parseMessage } from './parse-message.js';

/**
 * Defects that a proxy refuses but an offline selection accepts: a missing header or a short body, as is usual in
 * hand-written requests.
 */
const TOLERATED = /^(?:no [\w-]+ header|CSeq method differs|body shorter)/;

/** Reads a request that a person wrote into a file. Throws SwitchyardError USAGE for any other text. */
export function handWritten(text: string): SipMessage {
  // Such a file may have line feeds without CR, and no empty line at its end.
  let whole = text.includes('\r\n') ? text : text.replace(/\n/g, '\r\n');
  if (!whole.includes('\r\n\r\n')) whole = `${whole.replace(/(?:\r\n)+$/, '')}\r\n\r\n`;
  const message = parseMessage(whole);
  if (message === undefined || !message.isRequest) throw new SwitchyardError('USAGE', 'not a SIP request');
  if (message.defect !== undefined && !TOLERATED.test(message.defect)) {
    throw new SwitchyardError('USAGE', `SIP request with ${message.defect}`);
  }
  return message;
}
