import type { Call } from './call.js';

/** Bytes of the line at most, its line break not counted: a longer one is left out, as recorded of Kamailio 5.6.3. */
const MOST = 1024;
/** What would end the quoted text, or the line. A request-URI that came has none of them; one that a script has made may. */
const UNQUOTED = /["\x00-\x1f\x7f]/;

/** The Warning line of a reply of our own (sip_warning), with its line break; "" where there is none. `added`: Via values beside those received. */
export function warningOf(call: Call, added = 0): string {
  const { env, message, source } = call;
  if (!env.warning) return '';
  const { address, port } = source.socket;
  const uris = `in_uri=${message.requestUri} out_uri=${call.requestUri}`;
  if (uris.length > MOST || UNQUOTED.test(uris)) return '';
  const via = message.headerCount('via') + added;
  const line = `Warning: 392 ${address}:${port} "Noisy feedback tells:  pid=${process.pid} req_src_ip=${source.address} req_src_port=${source.port} ${uris} via_cnt==${via}"`;
  return line.length > MOST ? '' : `${line}\r\n`;
}
