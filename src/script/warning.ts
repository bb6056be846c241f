import type { Call } from './call.js';

/** The Warning line of a reply of our own (sip_warning), with its line break; "" where there is none. `added`: Via values beside those received. */
export function warningOf(call: Call, added = 0): string {
  const { env, message, source } = call;
  if (!env.warning) return '';
  const { address, port } = source.socket;
  const via = message.headerCount('via') + added;
  return `Warning: 392 ${address}:${port} "Noisy feedback tells:  pid=${process.pid} req_src_ip=${source.address} req_src_port=${source.port} in_uri=${message.requestUri} out_uri=${call.requestUri} via_cnt==${via}"\r\n`;
}
