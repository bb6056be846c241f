import { SwitchyardError } from '../core/errors.js';
import { parseMessage, type SipMessage } from './message.js';

/** Defects the proxy refuses but selection tolerates: a header a hand-written request lacks, a truncated body. */
const TOLERATED = /^(?:no [\w-]+ header|CSeq method differs|body shorter)/;

/** A request as people write it into a file. Throws SwitchyardError USAGE for what is none. */
export function handWritten(text: string): SipMessage {
  // A file written by hand may have bare line feeds and no empty line at its end.
  let whole = text.includes('\r\n') ? text : text.replace(/\n/g, '\r\n');
  if (!whole.includes('\r\n\r\n')) whole = `${whole.replace(/(?:\r\n)+$/, '')}\r\n\r\n`;
  const message = parseMessage(whole);
  if (message === undefined || !message.isRequest) throw new SwitchyardError('USAGE', 'not a SIP request');
  if (message.defect !== undefined && !TOLERATED.test(message.defect)) {
    throw new SwitchyardError('USAGE', `SIP request with ${message.defect}`);
  }
  return message;
}
