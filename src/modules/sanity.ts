import { addrSpecOf } from '../core/name-addr.js';
import { parseUri } from '../core/uri.js';
import type { MessageRun } from '../script/call.js';
import { type FunctionSpec, intOf, KAMAILIO, moduleFunctions, optional, type ScriptFunction } from './define.js';
import { replyHere } from './replying.js';

/** Checks by their numbers in the module's documentation. */
const CHECKS = {
  requestUriVersion: 1,
  requestUriScheme: 2,
  requiredHeaders: 4,
  viaVersion: 8,
  viaProtocol: 16,
  cseqMethod: 32,
  cseqValue: 64,
  contentLength: 128,
  expires: 256,
  proxyRequire: 512,
  uris: 1024,
  duplicateTags: 4096,
} as const;

/** What is wrong with a request, as the reply to give; undefined when nothing is. */
function fault(run: MessageRun, checks: number, uris: number): readonly [code: number, reason: string] | undefined {
  const { message, call } = run;
  // A reply has no request-URI.
  const wanted = message.isRequest ? CHECKS.requestUriScheme | CHECKS.uris : 0;
  if ((checks & wanted) !== 0 && parseUri(call.requestUri) === undefined) {
    return /^(?:sips?|tel):/i.test(call.requestUri) || /^[a-z]+:/i.test(call.requestUri)
      ? [400, 'Bad Request URI']
      : [416, 'Unsupported URI Scheme in Request URI'];
  }
  if ((checks & CHECKS.requiredHeaders) !== 0) {
    if (
      message.fromValue < 0 ||
      message.toValue < 0 ||
      message.callIdValue < 0 ||
      message.cseqValue < 0 ||
      message.viaLine < 0
    ) {
      return [400, 'Missing Required Header in Request'];
    }
  }
  if ((checks & CHECKS.cseqValue) !== 0 && !(message.cseqNumber >= 0 && message.cseqNumber <= 0xffffffff)) {
    return [400, 'Illegal CSeq number'];
  }
  if ((checks & CHECKS.expires) !== 0) {
    const expires = message.header('expires');
    if (expires !== undefined && !/^\s*\d{1,10}\s*$/.test(expires)) return [400, 'Bad Expires Header'];
  }
  if ((checks & CHECKS.uris) !== 0) {
    for (const [bit, text, name] of [
      [2, message.from, 'From'],
      [4, message.to, 'To'],
    ] as const) {
      if ((uris & bit) === 0) continue;
      const address = addrSpecOf(text);
      if (parseUri(address.trim()) === undefined && !/^(?:urn|tel):/i.test(address)) return [400, `Bad ${name} URI`];
    }
  }
  if ((checks & CHECKS.duplicateTags) !== 0) {
    const tags = (value: string): number => value.match(/;\s*tag=/gi)?.length ?? 0;
    if (tags(message.from) > 1 || tags(message.to) > 1) return [400, 'Multiple Tags'];
  }
  return undefined;
}

function check(reply: boolean): FunctionSpec['compile'] {
  return ([checks, uris]) =>
    (run) => {
      const parameters = run.env.modules.module('sanity');
      const wrong = fault(
        run,
        intOf(checks, run, parameters.int('default_checks', 999)),
        intOf(uris, run, parameters.int('uri_checks', 7)),
      );
      if (wrong === undefined) return 1;
      const [status, reason] = wrong;
      if (reply && run.message.isRequest && run.message.method !== 'ACK' && !parameters.flag('noreply', false)) {
        replyHere(run, status, reason, 'either');
        // autodrop: the request ends here.
        return parameters.flag('autodrop', true) ? 0 : -1;
      }
      return -1;
    };
}

/** Functions of sanity. */
export const sanityFunctions: ScriptFunction[] = moduleFunctions('sanity', [
  {
    name: 'sanity_check',
    dialects: KAMAILIO,
    parameters: [optional('checks', 'int'), optional('URI checks', 'int')],
    summary: 'whether a request is well formed; answers it otherwise',
    compile: check(true),
  },
  {
    name: 'sanity_reply',
    dialects: KAMAILIO,
    parameters: [],
    summary: 'answers what sanity_check() found',
    compile: () => () => 1,
  },
]);
