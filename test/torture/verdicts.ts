/** The result for a message over UDP: forwarded to the gateway, answered, or dropped. */
export type Verdict = 'forwarded' | 'dropped' | number;

export interface TortureCase {
  /** File in test/torture/data; RFC 4475 (.dat) or RFC 5118 (.rfc5118). */
  readonly file: string;
  readonly verdict: Verdict;
  readonly reason: string;
}

const c = (file: string, verdict: Verdict, reason: string): TortureCase => ({
  file: file.includes('.') ? file : `${file}.dat`,
  verdict,
  reason,
});
const v6 = (file: string, verdict: Verdict, reason: string) => c(`${file}.rfc5118`, verdict, reason);

/** RFC 4475 by section, then RFC 5118. The daemon has one rule that relays every routed request to a gateway. */
export const CASES: readonly TortureCase[] = [
  // 3.1.1 valid messages
  c(
    'wsinv',
    404,
    'sound, but inside a dialog whose route was not recorded here; that the To tag was seen shows it was read',
  ),
  c('intmeth', 'forwarded', 'an unknown method and unusual characters are legal'),
  c('esc01', 'forwarded', 'escapes in URIs are passed as they came'),
  c('escnull', 'forwarded', 'an escaped NUL is three characters to a proxy'),
  c('esc02', 'forwarded', '% is a token character: the method is not REGISTER'),
  c('lwsdisp', 'forwarded', 'no blank is needed between display name and "<"'),
  c('longreq', 'forwarded', 'long values are legal'),
  c('dblreq', 'forwarded', 'the octets after Content-Length are not part of the message and do not go on'),
  c('semiuri', 'forwarded', '";" may stand in the user part'),
  c('transports', 'forwarded', 'unknown transports below the top Via are of no concern'),
  c('mpart01', 'forwarded', 'the body is binary; the Route is somebody else’s'),
  c('unreason', 'dropped', 'a sound reply, but to no request of ours'),
  c('noreason', 'dropped', 'a sound reply, but to no request of ours'),
  // 3.1.2 invalid messages
  c('badinv01', 400, 'empty Via parameters'),
  c('clerr', 400, 'the body is shorter than Content-Length'),
  c('ncl', 400, 'Content-Length is negative'),
  c('scalar02', 400, 'CSeq does not fit 32 bits; Max-Forwards is above 255'),
  c('scalarlg', 'dropped', 'a reply whose CSeq does not fit 32 bits'),
  c('quotbal', 'forwarded', 'the quote in To is not closed; what is needed can be read, and the callee may decide'),
  c('ltgtruri', 400, 'angle brackets around the request-URI'),
  c('lwsruri', 400, 'blanks in the request-URI'),
  c('lwsstart', 400, 'more than one blank between the parts of the request line'),
  c('trws', 400, 'blanks after the SIP version'),
  c('escruri', 'forwarded', 'headers in the request-URI are the business of whoever it names'),
  c('baddate', 'forwarded', 'Date is of no concern to a proxy'),
  c('regbadct', 'forwarded', 'Contact is of no concern to a proxy'),
  c('badaspec', 'forwarded', 'blanks inside the brackets of To can be read past'),
  c('baddn', 'forwarded', 'display names that should be quoted can be read past'),
  c('badvers', 505, 'version 7.0'),
  c('mismatch01', 400, 'CSeq names another method'),
  c('mismatch02', 400, 'CSeq names another method, and the one of the request is unknown'),
  c('bigcode', 'dropped', 'a status code has three digits'),
  // 3.2 transaction layer
  c('badbranch', 'forwarded', 'a branch of nothing but the cookie: matched as RFC 2543 did'),
  // 3.3 application layer
  c('insuf', 400, 'no From, To, Call-ID: answered with what is there'),
  c('unkscm', 416, 'a scheme nobody knows in the request-URI'),
  c('novelsc', 416, 'a scheme that is not SIP’s in the request-URI'),
  c('unksm2', 'forwarded', 'unknown schemes in To, From and Contact do not matter'),
  c('bext01', 420, 'Proxy-Require names what no proxy supports; Require is for the callee'),
  c('invut', 'forwarded', 'the body’s type is of no concern to a proxy'),
  c('regaut01', 'forwarded', 'an authorization scheme unknown to a proxy'),
  c('multi01', 400, 'fields that may stand once stand twice'),
  c('mcl01', 400, 'two Content-Length fields'),
  c('bcast', 'dropped', 'a reply to no request of ours: its broadcast Via is not followed'),
  c('zeromf', 483, 'no hops left'),
  c('cparam01', 'forwarded', 'an unknown parameter of Contact'),
  c('cparam02', 'forwarded', 'an unknown parameter of the URI in Contact'),
  c('regescrt', 'forwarded', 'a Contact with an escaped header'),
  c('sdp01', 'forwarded', 'Accept is the callee’s'),
  // 3.4 backward compatibility
  c('inv2543', 'forwarded', 'no branch, no tag, no Max-Forwards: as RFC 2543 had it'),
  c('badcseq', 400, 'CSeq has no number'),
  // RFC 5118
  v6('ipv6-good', 'forwarded', '4.1: a reference in brackets'),
  v6('ipv6-bad', 400, '4.2: a reference without brackets'),
  v6('port-ambiguous', 'forwarded', '4.3: what looks like a port is part of the address'),
  v6('port-unambiguous', 'forwarded', '4.4: a port after the brackets'),
  v6('via-received-param-with-delim', 404, '4.5: sound with brackets, but in a dialog that was not recorded here'),
  v6('via-received-param-no-delim', 'forwarded', '4.5: sound without brackets'),
  v6('ipv6-in-sdp', 'forwarded', '4.6: addresses in the body are of no concern'),
  v6('mult-ip-in-header', 404, '4.7: both families in Via; sound, but in a dialog that was not recorded here'),
  v6('mult-ip-in-sdp', 'forwarded', '4.8: both families in the body'),
  v6('ipv4-mapped-ipv6', 'forwarded', '4.9: an IPv4-mapped address'),
  v6('ipv6-bug-abnf-3-colons', 'forwarded', '4.10: what the faulty grammar of RFC 3261 produces is taken'),
  v6('ipv6-correct-abnf-2-colons', 'forwarded', '4.10: the same address as it should be written'),
];
