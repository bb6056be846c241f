import type { MessageRun } from '../../script/call.js';
import { PerCall } from '../../script/per-call.js';
import { replyHere } from '../replying.js';

/** The reply to a REGISTER that save() has determined. */
interface SavedReply {
  readonly status: number;
  readonly reason: string;
  /** Header lines; empty once they have been sent. */
  readonly lines: string;
}

/** The reply of the last save() for a message. */
const replies = new PerCall((): SavedReply => ({ status: 200, reason: 'OK', lines: '' }));

/** Stores the reply of save() for sendSaved(). */
export function keepReply(run: MessageRun, reply: SavedReply): void {
  replies.set(run.call, reply);
}

/** Sends the reply of the last save(). As recorded, returns 1 also when nothing was saved. */
export function sendSaved(run: MessageRun): number {
  const { status, reason, lines } = replies.of(run.call);
  replies.set(run.call, { status, reason, lines: '' });
  // As recorded, later replies have these lines too.
  run.call.replyLines += lines;
  replyHere(run, status, reason, 'either');
  return 1;
}
