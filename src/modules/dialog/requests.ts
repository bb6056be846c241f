import { holdsText } from '../../core/find-text.js';
import { addrSpecOf } from '../../core/name-addr.js';
import type { MessageRun } from '../../script/call.js';
import { beginTransaction } from '../../script/relay.js';
import { routeSet } from '../../sip/route-set.js';
import { restoreInDialog } from '../uac-restore.js';
import { dialogOf, tableOf } from './current.js';
import { otherSide } from './dialog.js';
import { beginSession } from './session-timers.js';

/** OpenSIPS' create_dialog: also creates the transaction. */
export function createDialog(run: MessageRun, flags: string): number {
  const { message } = run.call;
  if (message.method !== 'INVITE' || message.toTag !== '') return -1;
  const table = tableOf(run);
  const bye = /B|bye-on-timeout/.test(flags);
  table.pendingSettings(run.call).bye ||= bye;
  const dialog = table.begin(run);
  if (dialog === undefined) return -1;
  if (bye) dialog.byeOnTimeout = true;
  const letters = flags.includes('-') ? '' : flags;
  if (letters.includes('P') || flags.includes('options-ping-caller')) dialog.pinged.add('caller');
  if (letters.includes('p') || flags.includes('options-ping-callee')) dialog.pinged.add('callee');
  if (letters.includes('R') || flags.includes('reinvite-ping-caller')) dialog.reinvited.add('caller');
  if (letters.includes('r') || flags.includes('reinvite-ping-callee')) dialog.reinvited.add('callee');
  if (letters.includes('E') || flags.includes('end-on-race-condition')) dialog.endsOnRace = true;
  if (run.transaction === undefined && beginTransaction(run) === undefined) return 0;
  table.follow(run, dialog);
  const transaction = run.transaction ?? run.call.transaction;
  return transaction === undefined || beginSession(run, dialog, transaction) ? 1 : 0;
}

/** Finds the dialog of a request without our Route. */
export function matchDialog(run: MessageRun): number {
  const table = tableOf(run);
  if (table.of(run) !== undefined) return 1;
  const { message } = run.call;
  const dialog =
    message.toTag === '' ? undefined : table.index.findCall(message.callId, message.fromTag, message.toTag);
  if (dialog === undefined) return -1;
  table.taken(run, dialog);
  restoreInDialog(run);
  return 1;
}

/**
 * validate_dialog. Returns -1 when the CSeq number is not above the last, -2 when the request-URI is not the other
 * side's Contact, -3 when the routes are not the recorded ones, -4 without a dialog.
 */
export function validateDialog(run: MessageRun): number {
  const dialog = dialogOf(run);
  if (dialog === undefined) return -4;
  const { message } = run.call;
  if (message.method === 'ACK') return 1;
  if (message.cseqNumber <= dialog.lastCseq) return -1;
  const other = dialog.leg(otherSide(dialog.direction));
  if (other.contact !== '' && plainUri(run.call.requestUri) !== plainUri(other.contact)) return -2;
  const own = run.call.matchedRouteParams === undefined ? 0 : /;r2\b/.test(run.call.matchedRouteParams) ? 2 : 1;
  const routes = routeSet(message).slice(own);
  if (routes.length !== other.route.length) return -3;
  return routes.every(({ text }, i) => holdsText(other.route[i] ?? '', text)) ? 1 : -3;
}

function plainUri(uri: string): string {
  return uri.replace(/^<|>$/g, '').split(';')[0]?.toLowerCase() ?? '';
}

/** fix_route_dialog: sets request-URI and Route to those of the dialog. */
export function fixRoute(run: MessageRun): number {
  const dialog = dialogOf(run);
  if (dialog === undefined) return -1;
  const other = dialog.leg(otherSide(dialog.direction));
  if (other.contact === '') return -1;
  run.pvars.setRequestUri(other.contact);
  const [next] = other.route;
  run.pvars.destinationUri = next === undefined ? undefined : addrSpecOf(next);
  return 1;
}
