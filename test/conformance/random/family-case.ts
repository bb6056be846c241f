import type { KamailioCase } from '../runner/kamailio-case.js';
import type { Family, Request } from './families/family.js';
import type { RandomSource } from './source.js';
import { expand } from './template.js';

const SDP = [
  'v=0',
  'o=- 1 1 IN IP4 127.0.0.50',
  's=call',
  'c=IN IP4 127.0.0.50',
  't=0 0',
  'm=audio 4000 RTP/AVP 0 8 101',
  'a=rtpmap:0 PCMU/8000',
  'a=rtpmap:101 telephone-event/8000',
  'a=fmtp:101 0-15',
  'a=sendrecv',
  '',
].join('\r\n');

const USUAL: Required<Request> = {
  method: 'INVITE',
  ruri: '«sip:alice@dest.example:5066;user=phone|sip:alice@127.0.0.41:15070|sip:+49301234@gw.example;transport=udp|sip:bob:pw@127.0.0.30:15060»',
  from: '«"Caller Name" <sip:caller@from.example>|<sip:caller@from.example;x=1>|sip:caller@from.example»;tag=ft-@ID@',
  to: '«<sip:alice@to.example>|"Al" <sip:alice@to.example:5080;p=2>»',
  headers: '',
  contact: '<sip:caller@127.0.0.50:15080>',
  body: '«|@SDP@»',
  content_type: 'application/sdp',
  cseq: 1,
  at_ms: 0,
  max_forwards: '70',
};

/** A random case of a family. */
export function familyCase(family: Family, id: string, random: RandomSource): KamailioCase {
  const fill = (template: string): string => expand(template, random).replaceAll('@ID@', id);
  const one = (): string => fill(random.pick(family.statements));
  const statements: string[] = [];
  const max = family.max ?? 8;
  for (let n = 1 + random.below(max); n > 0; n--) {
    const number = String(statements.length + 1);
    const probe = family.probe === undefined ? '' : ` ${family.probe}`;
    statements.push(one().replaceAll('@N@', number));
    statements.push(`xlog("L_INFO", "${number} rc=$rc${probe}\\n");`);
  }
  const routes: Record<string, string> = {
    request_route: [fill(family.begin ?? ''), ...statements, fill(family.end ?? END)]
      .filter((each) => each !== '')
      .map((each) => `    ${each}`)
      .join('\n'),
  };
  for (const [header, text] of Object.entries(family.routes ?? {})) {
    routes[fill(header)] = `    ${fill(text.replaceAll('@PICK@', () => one().replaceAll('@N@', 'r')))}`;
  }
  const requests = family.requests ?? [{}];
  const gateways = family.gateways === undefined ? undefined : fill(family.gateways);
  const files = Object.entries(family.files ?? {}).map(([name, text]) => [name, fill(text)] as const);
  return {
    id,
    area: family.area,
    standalone: true,
    head_extra: fill(family.head),
    ...(files.length === 0 ? {} : { files: Object.fromEntries(files) }),
    routes,
    ...(gateways === undefined || gateways === ''
      ? {}
      : { gateways: JSON.parse(gateways) as NonNullable<KamailioCase['gateways']> }),
    ...(family.media === undefined ? {} : { media: fill(family.media) as NonNullable<KamailioCase['media']> }),
    ...(family.wait_ms === undefined ? {} : { wait_ms: family.wait_ms }),
    messages: requests.map((request, i) => ({
      send: message({ ...USUAL, ...request }, id, i, fill),
      ...(request.at_ms === undefined ? {} : { at_ms: request.at_ms }),
    })),
    expect: {},
  };
}

const END =
  '«$du = "sip:127.0.0.41:15070"; t_relay();|$du = "sip:127.0.0.41:15070"; forward();|sl_send_reply("404", "Not here");|exit;»';

function message(request: Required<Request>, id: string, index: number, fill: (text: string) => string): string {
  const method = fill(request.method);
  const body = fill(request.body).replaceAll('@SDP@', SDP);
  const lines = [
    `${method} ${fill(request.ruri)} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.50:15080;branch=z9hG4bK-${id}-${index + 1}`,
    `Max-Forwards: ${fill(request.max_forwards)}`,
    `From: ${fill(request.from)}`,
    `To: ${fill(request.to)}`,
    `Call-ID: ${id}@call`,
    `CSeq: ${request.cseq} ${method}`,
    `Contact: ${fill(request.contact)}`,
    `User-Agent: ua/1.0`,
  ];
  const headers = fill(request.headers);
  if (headers !== '') lines.push(...headers.split('\n'));
  if (body !== '') lines.push(`Content-Type: ${fill(request.content_type)}`);
  lines.push(`Content-Length: ${Buffer.byteLength(body, 'latin1')}`, '', '');
  return lines.join('\r\n') + body;
}
