import type { MessageRun } from '../script/call.js';
import { rewritten } from '../script/outgoing.js';
import { parseMessage } from '../sip/message.js';

/** Parses the message with its edits applied, so that what follows sees them. */
export function applyChanges(run: MessageRun): boolean {
  const { call } = run;
  const line =
    run.message.isRequest && call.message === run.message
      ? `${run.message.method} ${call.requestUri} SIP/2.0\r\n`
      : undefined;
  const fresh = parseMessage(rewritten(run.message, run.edits.list, line));
  if (fresh === undefined || fresh.defect !== undefined) return false;
  if (call.message === run.message) {
    call.message = fresh;
    call.scope.message = fresh;
  }
  run.pvars.message = fresh;
  run.message = fresh;
  run.edits.clear();
  // What was kept for a reply went with the message, as in the original.
  call.replyLines = '';
  call.replyBody = '';
  return true;
}
