import type { SipMessage } from '../../sip/message.js';
import { joinedFields, lists } from './contact.js';
import type { RegistrarSettings } from './settings.js';

/** Header lines of RFC 5626 in the reply to a REGISTER, as recorded for each `outbound_mode`. */
export function outboundLines({ outboundMode, flowTimer }: RegistrarSettings, message: SipMessage): string {
  const required = `Require: outbound\r\n${flowTimer > 0 ? `Flow-Timer: ${flowTimer}\r\n` : ''}`;
  const supported = 'Supported: outbound\r\n';
  if (outboundMode === 2) return required + supported;
  if (outboundMode === 0) return '';
  const asked = lists(message, 'supported', 'outbound') || lists(message, 'require', 'outbound');
  return asked ? supported + required : supported;
}

/** Why a REGISTER is refused by the rules of RFC 5626. */
type OutboundFault = 'no support' | 'first hop';

/** What prevents outbound: a request requires it, or in mode 2 the edge proxy has not marked its Path. */
export function outboundFault({ outboundMode }: RegistrarSettings, message: SipMessage): OutboundFault | undefined {
  if (outboundMode === 0) return lists(message, 'require', 'outbound') ? 'no support' : undefined;
  if (outboundMode !== 2 || !isForwarded(message)) return undefined;
  return /;ob\b/i.test(joinedFields(message, 'path') ?? '') ? undefined : 'first hop';
}

/** Whether a proxy has forwarded a message: it has more than one Via. */
function isForwarded(message: SipMessage): boolean {
  let values = 0;
  for (const { value, end } of message.fields('via')) {
    values += 1 + (message.text.slice(value, end).match(/,[ \t\r\n]*SIP[ \t\r\n]*\//gi)?.length ?? 0);
    if (values > 1) return true;
  }
  return false;
}
