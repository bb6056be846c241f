import type { MessageRun } from '../../script/call.js';
import type { ModuleParameters } from '../../script/environment.js';
import type { TransactionState } from '../../script/state.js';
import type { SipMessage } from '../../sip/message.js';
import { type FunctionSpec, intOf, moduleFunctions, OPENSIPS, param, type ScriptFunction } from '../define.js';
import { flagParameter } from '../flags.js';
import { replyHere } from '../replying.js';
import type { Dialog } from './dialog.js';

/** Parameters of sst; times are in seconds. */
const timers = {
  module: 'sst',
  create: (parameters: ModuleParameters) => ({
    flag: flagParameter(parameters, 'sst_flag'),
    least: parameters.int('min_se', 1800),
    wanted: parameters.int('sst_interval', 0),
    rejects: parameters.flag('reject_to_small', true),
  }),
};

/** Seconds in the first field that begins with a number; undefined without one. */
function secondsOf(message: SipMessage, ...names: readonly string[]): number | undefined {
  for (const name of names) {
    const digits = /^[ \t\r\n]*(\d{1,9})(?![\w.])/.exec(message.header(name) ?? '')?.[1];
    if (digits !== undefined) return Number(digits);
  }
  return undefined;
}

/**
 * Maximum session interval in seconds that a peer may request: a dialog that is never ended is kept no longer than
 * this.
 */
const LONGEST_SESSION = 86_400;

/** Session-Expires of a message in seconds (RFC 4028 section 4), at most a day. */
export function sessionOf(message: SipMessage): number | undefined {
  const seconds = secondsOf(message, 'session-expires', 'x');
  return seconds === undefined ? undefined : Math.min(seconds, LONGEST_SESSION);
}

/** Whether a header field with one of these names contains the option tag "timer". */
function listsTimer(message: SipMessage, ...names: readonly string[]): boolean {
  return names.some((name) =>
    message.headers(name).some((each) => /(?:^|,)[ \t\r\n]*timer[ \t\r\n]*(?:,|$)/i.test(each)),
  );
}

const supportsTimer = (message: SipMessage): boolean => listsTimer(message, 'supported', 'k');

/** Replies 422 with the minimum interval. */
function tooSmall(run: MessageRun, least: number): void {
  run.call.replyLines += `Min-SE: ${least}\r\n`;
  replyHere(run, 422, 'Session Timer Too Small', 'begin');
}

/**
 * Makes a dialog end when its session is not refreshed, if the INVITE has the flag of sst. False when the INVITE was
 * answered with 422 (RFC 4028 section 8.1): the caller supports session timers and wants a shorter interval than the
 * minimum.
 */
export function beginSession(run: MessageRun, dialog: Dialog, transaction: TransactionState): boolean {
  const { call, env } = run;
  // The script may call create_dialog() again.
  if (dialog.timed || !env.modules.loaded.has('sst')) return true;
  const { flag, least, wanted, rejects } = env.modules.of(timers);
  if (flag === undefined || (call.flags & (1 << flag)) === 0) return true;
  const { message } = call;
  const asked = sessionOf(message);
  if (asked !== undefined && asked < least && rejects && supportsTimer(message)) {
    tooSmall(run, least);
    return false;
  }
  const seconds = asked ?? Math.max(least, wanted, Math.min(secondsOf(message, 'min-se') ?? 0, LONGEST_SESSION));
  if (asked === undefined) run.edits.insert(message.headersEnd, `Session-Expires: ${seconds}\r\n`);
  dialog.timed = true;
  // RFC 4028 section 8.2: when the callee does not support session timers, the caller refreshes.
  transaction.filterReplies((reply) => {
    if (reply.status < 200 || reply.status >= 300 || sessionOf(reply) !== undefined || !supportsTimer(message))
      return [];
    const require = listsTimer(reply, 'require') ? '' : 'Require: timer\r\n';
    const text = `Session-Expires: ${seconds};refresher=uac\r\n${require}`;
    return [{ start: reply.headersEnd, end: reply.headersEnd, text }];
  });
  return true;
}

const functions: FunctionSpec[] = [
  {
    name: 'sstCheckMin',
    dialects: OPENSIPS,
    parameters: [param('reply', 'int')],
    routes: ['request'],
    summary: 'whether Session-Expires or Min-SE is below min_se; 1: answers 422 then',
    compile:
      ([reply]) =>
      (run) => {
        const { least } = run.env.modules.of(timers);
        const given = [sessionOf(run.message), secondsOf(run.message, 'min-se')];
        if (!given.some((each) => each !== undefined && each < least)) return -1;
        if (intOf(reply, run, 0) !== 0) tooSmall(run, least);
        return 1;
      },
  },
];

/** Functions of OpenSIPS' sst. */
export const sessionTimerFunctions: ScriptFunction[] = moduleFunctions('sst', functions);
