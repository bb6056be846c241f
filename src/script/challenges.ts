import type { SipMessage } from '../sip/message.js';
import type { TextEdit } from '../sip/reply.js';
import type { TxBranch } from './branch.js';

/** Edits that add the challenges of all other branches to the reply for the caller (RFC 3261 section 16.7 step 7). */
export function challengesOf(best: TxBranch, branches: readonly TxBranch[], wanted: boolean): TextEdit[] {
  const { reply } = best;
  if (!wanted || reply === undefined || !isChallenge(best)) return [];
  let added = '';
  for (const each of branches) {
    if (isFurtherChallenge(each, best) && each.reply !== undefined) added += ownChallenges(each.reply);
  }
  return added === '' ? [] : [{ start: reply.headersEnd, end: reply.headersEnd, text: added }];
}

/**
 * Whether another branch was challenged too. As recorded, Kamailio then generates the reply instead of forwarding one,
 * whatever the challenges are.
 */
export function isAggregated(best: TxBranch, branches: readonly TxBranch[]): boolean {
  return isChallenge(best) && branches.some((each) => isFurtherChallenge(each, best));
}

function isChallenge({ status }: TxBranch): boolean {
  return status === 401 || status === 407;
}

function isFurtherChallenge(branch: TxBranch, best: TxBranch): boolean {
  return branch !== best && !branch.dropped && isChallenge(branch);
}

/** The challenges of one reply, as header lines. */
export function ownChallenges(reply: SipMessage): string {
  let lines = '';
  for (const name of ['www-authenticate', 'proxy-authenticate']) {
    for (const field of reply.fields(name)) lines += `${reply.text.slice(field.line, field.end)}\r\n`;
  }
  return lines;
}
