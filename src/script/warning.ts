import type { Call } from './call.js';

/**
 * Maximum length of the Warning line without its line break; a longer one is left out, as recorded of Kamailio 5.6.3.
 */
const MAX_LENGTH = 1024;
/**
 * Characters that would end the quoted text or the line. A received request-URI has none of them, but one that a script
 * has set may.
 */
const UNQUOTED = /["\x00-\x1f\x7f]/;

/**
 * The Warning line, with its line break, of a generated reply (sip_warning); "" for none. `added`: number of Via values
 * added to those received.
 */
export function warningOf(call: Call, added = 0): string {
  const { env, message, source } = call;
  if (!env.warning) return '';
  const { address, port } = source.socket;
  const uris = `in_uri=${message.requestUri} out_uri=${call.requestUri}`;
  if (uris.length > MAX_LENGTH || UNQUOTED.test(uris)) return '';
  const via = message.headerCount('via') + added;
  const line = `Warning: 392 ${address}:${port} "Noisy feedback tells:  pid=${process.pid} req_src_ip=${source.address} req_src_port=${source.port} ${uris} via_cnt==${via}"`;
  return line.length > MAX_LENGTH ? '' : `${line}\r\n`;
}
