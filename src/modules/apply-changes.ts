import type { MessageRun } from '../script/call.js';
import { rewritten } from '../script/outgoing.js';
import { parseMessage } from '../sip/parse-message.js';

/** Applies the edits and parses the message again, so that later statements see the changes. */
export function applyChanges(run: MessageRun): boolean {
  const { call } = run;
  const line =
    run.message.isRequest && call.message === run.message
      ? `${run.message.method} ${call.requestUri} SIP/2.0\r\n`
      : run.newStatus === undefined
        ? undefined
        : `SIP/2.0 ${run.newStatus}\r\n`;
  const edits = run.edits.list.map((each) => (each.early === undefined ? each : { ...each, text: each.early }));
  const fresh = parseMessage(rewritten(run.message, edits, line));
  if (fresh === undefined || fresh.defect !== undefined) return false;
  if (call.message === run.message) {
    call.message = fresh;
    call.scope.message = fresh;
  }
  run.pvars.message = fresh;
  run.message = fresh;
  run.edits.clear();
  // As in the original, what was set for a later reply is lost with the old message.
  call.replyLines = '';
  call.replyBody = '';
  return true;
}
