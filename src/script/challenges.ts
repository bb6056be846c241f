import type { SipMessage } from '../sip/message.js';
import type { TextEdit } from '../sip/reply.js';
import type { TxBranch } from './branch.js';

/** The challenges of all branches that asked for credentials, added to the one that goes to the caller (RFC 3261 section 16.7 step 7). */
export function challengesOf(best: TxBranch, branches: readonly TxBranch[], wanted: boolean): TextEdit[] {
  const { reply, status } = best;
  if (!wanted || reply === undefined || (status !== 401 && status !== 407)) return [];
  let added = '';
  for (const each of branches) {
    if (each === best || each.dropped || each.reply === undefined || (each.status !== 401 && each.status !== 407))
      continue;
    for (const name of ['www-authenticate', 'proxy-authenticate']) {
      for (const field of each.reply.fields(name)) added += `${each.reply.text.slice(field.line, field.end)}\r\n`;
    }
  }
  return added === '' ? [] : [{ start: reply.headersEnd, end: reply.headersEnd, text: added }];
}

/** Whether another branch was challenged, too. As recorded of Kamailio the reply is one of its own then, whatever the challenges are. */
export function isAggregated(best: TxBranch, branches: readonly TxBranch[]): boolean {
  const isChallenge = ({ status }: TxBranch): boolean => status === 401 || status === 407;
  return isChallenge(best) && branches.some((each) => each !== best && !each.dropped && isChallenge(each));
}

/** The challenges of one reply, as lines. */
export function ownChallenges(reply: SipMessage): string {
  let lines = '';
  for (const name of ['www-authenticate', 'proxy-authenticate']) {
    for (const field of reply.fields(name)) lines += `${reply.text.slice(field.line, field.end)}\r\n`;
  }
  return lines;
}
