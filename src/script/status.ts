import type { DialectName } from '../cfg/function-table.js';
import { reasonPhrase } from '../sip/reply.js';

/** Reason phrase of a status that tm generates. */
export function statusLine(status: number, dialect: DialectName): string {
  if (status === 477)
    return dialect === 'kamailio'
      ? 'Unfortunately error on sending to next hop occurred (477/TM)'
      : 'Send failed (477/TM)';
  return reasonPhrase(status);
}
