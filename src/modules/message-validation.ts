import { trimmed } from '../core/characters.js';
import { addrSpecOf } from '../core/name-addr.js';
import { parseUri } from '../core/uri.js';
import type { MessageRun } from '../script/call.js';
import { type FunctionSpec, OPENSIPS, optional, textOf } from './define.js';

interface Fault {
  readonly code: number;
  readonly reason: string;
}

const HOST = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)$/;
const USER = /^(?:[A-Za-z0-9\-_.!~*'()&=+$,;?/]|%[0-9A-Fa-f]{2})*$/;

/**
 * The fault of a URI: it cannot be parsed, or its host or user contains characters that are not allowed (RFC 3261
 * section 25.1).
 */
function uriFault(text: string, codes: { uri: number; host: number; user: number }, of: string): Fault | undefined {
  const uri = parseUri(text);
  if (uri === undefined) return { code: codes.uri, reason: `${of} cannot be read` };
  if (uri.scheme !== 'tel' && !HOST.test(uri.host)) return { code: codes.host, reason: `bad host name in ${of}` };
  return USER.test(uri.user) ? undefined : { code: codes.user, reason: `bad user name in ${of}` };
}

/** Methods that need a Contact (RFC 3261 section 8.1.1.8, RFC 3311, RFC 3515, RFC 6665). */
const WITH_CONTACT = new Set(['INVITE', 'UPDATE', 'REFER', 'SUBSCRIBE']);

/** Header fields that replies with a status must have (RFC 3261 section 20), with the code for a missing one. */
const OF_STATUS: Readonly<Record<number, readonly [field: string, code: number]>> = {
  405: ['Allow', -16],
  423: ['Min-Expires', -17],
  407: ['Proxy-Authenticate', -18],
  420: ['Unsupported', -19],
  401: ['WWW-Authenticate', -20],
};

/** The first fault of a message, with the code that sipmsg_validate() documents; undefined when there is none. */
function faultOf(run: MessageRun, flags: string): Fault | undefined {
  const { message } = run;
  const { bodyStart, bodyEnd } = message;
  const length = message.header('content-length');
  const lacks = (name: string): boolean => message.header(name.toLowerCase()) === undefined;
  const wanted = OF_STATUS[message.status];
  const checks: readonly (readonly [bad: boolean, code: number, reason: string])[] = [
    [message.callIdValue < 0, -3, 'no Call-ID header'],
    [length === undefined && run.source.socket.transport !== 'udp', -4, 'no Content-Length header'],
    [
      length !== undefined && Number(trimmed(length)) !== bodyEnd - bodyStart,
      -5,
      'Content-Length differs from the body',
    ],
    [flags.includes('s') && !goodSdp(message.body, message.header('content-type')), -6, 'malformed SDP'],
    [message.cseqValue < 0, -7, 'no CSeq header'],
    [message.fromValue < 0, -8, 'no From header'],
    [message.toValue < 0, -9, 'no To header'],
    [lacks('Via'), -10, 'no Via header'],
    [message.isRequest && !flags.includes('m') && lacks('Max-Forwards'), -13, 'no Max-Forwards header'],
    [message.isRequest && WITH_CONTACT.has(message.method ?? '') && lacks('Contact'), -14, 'no Contact header'],
    [message.isRequest && message.method !== 'REGISTER' && !lacks('Path'), -15, 'Path outside of REGISTER'],
    [!message.isRequest && wanted !== undefined && lacks(wanted[0]), wanted?.[1] ?? 0, `no ${wanted?.[0]} header`],
    [bodyEnd > bodyStart && lacks('Content-Type'), -21, 'no Content-Type header'],
  ];
  const found = checks.find(([bad]) => bad);
  if (found !== undefined) return { code: found[1], reason: found[2] };
  return (
    (flags.includes('r') && message.isRequest
      ? uriFault(run.call.requestUri, { uri: -11, host: -12, user: -27 }, 'the request-URI')
      : undefined) ??
    (flags.includes('t') ? uriFault(addrSpecOf(message.to), { uri: -22, host: -23, user: -29 }, 'To') : undefined) ??
    (flags.includes('f')
      ? uriFault(addrSpecOf(message.from), { uri: -24, host: -25, user: -28 }, 'From')
      : undefined) ??
    (flags.includes('c') ? contactFault(run) : undefined)
  );
}

/** RFC 4566 section 5: lines of a letter, "=" and a value, beginning with "v=". */
function goodSdp(body: string, type: string | undefined): boolean {
  if (body === '' || type === undefined || !/^application\/sdp\b/i.test(trimmed(type))) return true;
  return body.startsWith('v=') && body.split(/\r?\n/).every((line) => line === '' || /^[a-z]=/.test(line));
}

/** Checks the first Contact: a URI, or "*" in a REGISTER. */
function contactFault(run: MessageRun): Fault | undefined {
  const text = run.message.header('contact');
  if (text === undefined) return undefined;
  if (trimmed(text) === '*')
    return run.message.isRequest && run.message.method === 'REGISTER'
      ? undefined
      : { code: -30, reason: 'Contact is * outside of REGISTER' };
  return uriFault(addrSpecOf(text), { uri: -26, host: -26, user: -26 }, 'Contact');
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
