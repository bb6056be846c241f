import { addrSpecOf } from '../core/name-addr.js';
import { parseUri } from '../core/uri.js';
import type { MessageRun } from '../script/call.js';
import { type FunctionSpec, OPENSIPS, optional, textOf } from './define.js';

interface Fault {
  readonly code: number;
  readonly reason: string;
}

const HOST = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)$/;

/** Whether a URI can be read and its host has the characters of one (RFC 3261 section 25.1). */
function goodUri(text: string): boolean {
  const uri = parseUri(text);
  if (uri === undefined) return false;
  return uri.scheme === 'tel' || HOST.test(uri.host);
}

/** What a message lacks or has wrong, with the code that sipmsg_validate() documents; undefined when nothing is. */
function faultOf(run: MessageRun, flags: string): Fault | undefined {
  const { message } = run;
  const { bodyStart, bodyEnd } = message;
  const length = message.header('content-length');
  const checks: readonly (readonly [bad: boolean, code: number, reason: string])[] = [
    [message.callIdValue < 0, -3, 'no Call-ID header'],
    [length === undefined && run.source.socket.transport !== 'udp', -4, 'no Content-Length header'],
    [length !== undefined && Number(length.trim()) !== bodyEnd - bodyStart, -5, 'Content-Length differs from the body'],
    [message.cseqValue < 0, -7, 'no CSeq header'],
    [message.fromValue < 0, -8, 'no From header'],
    [message.toValue < 0, -9, 'no To header'],
    [flags.includes('m') && message.isRequest && message.header('max-forwards') === undefined, -10, 'no Max-Forwards'],
    [flags.includes('s') && !goodSdp(message.body, message.header('content-type')), -6, 'malformed SDP'],
    [flags.includes('r') && message.isRequest && !goodUri(run.call.requestUri), -16, 'invalid request-URI'],
    [flags.includes('f') && !goodUri(addrSpecOf(message.from)), -14, 'invalid From'],
    [flags.includes('t') && !goodUri(addrSpecOf(message.to)), -15, 'invalid To'],
    [flags.includes('c') && !goodContact(message.header('contact')), -11, 'invalid Contact'],
  ];
  const found = checks.find(([bad]) => bad);
  return found === undefined ? undefined : { code: found[1], reason: found[2] };
}

/** RFC 4566 section 5: lines of one letter, "=" and a value, from "v=" on. */
function goodSdp(body: string, type: string | undefined): boolean {
  if (body === '' || type === undefined || !/^application\/sdp\b/i.test(type.trim())) return true;
  return body.startsWith('v=') && body.split(/\r?\n/).every((line) => line === '' || /^[a-z]=/.test(line));
}

function goodContact(text: string | undefined): boolean {
  return text === undefined || text.trim() === '*' || goodUri(addrSpecOf(text));
}

/** sipmsg_validate() of OpenSIPS' sipmsgops. */
export const validationFunctions: FunctionSpec[] = [
  {
    name: 'sipmsg_validate',
    dialects: OPENSIPS,
    parameters: [optional('flags', 'string'), optional('result', 'writable')],
    summary: 'whether the message is well-formed; below 0 the number of the first fault',
    compile:
      ([flags, result]) =>
      (run) => {
        const fault = faultOf(run, textOf(flags, run));
        if (fault === undefined) return 1;
        result?.variable?.assign(run.pvars, fault.reason);
        return fault.code;
      },
  },
];
