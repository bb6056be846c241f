import type { RouteKind } from '../../cfg/ast.js';
import { trimmed } from '../../core/characters.js';
import { describeMedia, endpointOf, type MediaEndpoint, rewriteMedia } from '../../media/rtpproxy.js';
import type { MessageRun } from '../../script/call.js';
import {
  type Arg,
  code,
  type FunctionSpec,
  intOf,
  KAMAILIO,
  moduleFunctions,
  OPENSIPS,
  optional,
  param,
  type ScriptFunction,
  textOf,
} from '../define.js';
import type { MediaControl } from '../media-relay/relay.js';
import { replaceSdp, sdpSpan } from '../rtpengine/sdp.js';
import { ask, chooseProxySet, rtpProxies } from './engine.js';

type Kind = 'offer' | 'answer';

/** Modifiers of the control protocol, by the letters of a function's flags. */
const MODIFIERS: Readonly<Record<string, string>> = { a: 'A', i: 'I', e: 'E', w: 'W' };

function modifiers(flags: string): string {
  const resize = /z(\d{1,3})/.exec(flags);
  const letters = [...flags].map((each) => MODIFIERS[each] ?? '').join('');
  return letters + (resize === null ? '' : `Z${resize[1]}`);
}

/**
 * Call-ID and tags in the order of the offer: "from" is the side that makes it. Undefined, after a log line, when one
 * contains blanks or control characters: what follows them in a command would name another call.
 */
function namesOf(run: MessageRun, kind: Kind): { callId: string; from: string; to: string } | undefined {
  const { callId, fromTag, toTag, isRequest } = run.message;
  if ([callId, fromTag, toTag].some((each) => /[\x00-\x20\x7f]/.test(each))) {
    run.env.peerLog.warn({ callId }, 'script: a Call-ID or tag with blanks cannot be sent to a media proxy');
    return undefined;
  }
  const [from, to] = isRequest === (kind === 'offer') ? [fromTag, toTag] : [toTag, fromTag];
  return { callId, from, to };
}

/**
 * Offers or answers the SDP: each stream gets an address and port of the proxy. `given`: an SDP used instead of the
 * message's; `into`: the variable that gets the result instead of the message.
 */
async function exchange(
  run: MessageRun,
  kind: Kind,
  text: string,
  address: string,
  into?: Arg,
  given?: Arg,
): Promise<number> {
  const flags = text.toLowerCase();
  const span = sdpSpan(run);
  const { marker } = run.env.modules.of(rtpProxies);
  const before = span && run.edits.list.find((each) => each.start === span[0] && each.end === span[1]);
  const own = given?.value(run);
  const sdp =
    typeof own === 'string' && own !== '' ? own : (before?.text ?? (span && run.message.text.slice(span[0], span[1])));
  if (sdp === undefined || (into === undefined && span === undefined)) return -1;
  // Another proxy has rewritten the SDP already.
  if (marker !== '' && sdp.includes(trimmed(marker)) && !flags.includes('f')) return -1;
  const media = describeMedia(sdp);
  if (media.streams.length === 0) return -1;
  const names = namesOf(run, kind);
  if (names === undefined) return -1;
  const { callId, from, to } = names;
  const verb = kind === 'offer' && !flags.includes('l') ? 'U' : 'L';
  const options = modifiers(flags) + (media.ipv6 ? '6' : '');
  const trusted = flags.includes('r');
  const commands = media.streams.map(({ number, port, address: own }) => {
    const host = trusted && own !== '' ? own : run.source.address;
    const second = to === '' ? '' : ` ${to};${number}`;
    return `${verb}${options} ${callId} ${host} ${port} ${from};${number}${second}`;
  });
  const asked = await ask(run, commands);
  if (asked === undefined) return -1;
  const endpoints: MediaEndpoint[] = [];
  for (const answer of asked.answers) {
    const endpoint = endpointOf(answer, asked.proxy.host || run.source.socket.address);
    if (endpoint === undefined) {
      const fields = { callId, answer: answer.slice(0, 64) };
      run.env.peerLog.error(fields, 'script: a media proxy refuses a stream');
      return -1;
    }
    endpoints.push(endpoint);
  }
  const host = address === '' ? asked.proxy.advertised : address;
  const more = { origin: flags.includes('o'), marker, ...(host === undefined ? {} : { address: host }) };
  const rewritten = rewriteMedia(sdp, media, endpoints, more);
  if (into !== undefined) into.variable?.assign(run.pvars, rewritten);
  else if (span !== undefined) replaceSdp(run, span, rewritten);
  return 1;
}

/** Whether a proxy has carried out a command; an error is "E" and a number. */
function isDone(asked: Awaited<ReturnType<typeof ask>>): boolean {
  return asked !== undefined && !asked.answers[0]?.startsWith('E');
}

/** Sends a command about the whole call: D ends it, R records it. */
async function about(run: MessageRun, verb: 'D' | 'R'): Promise<number> {
  const names = namesOf(run, 'offer');
  if (names === undefined) return -1;
  const { callId, from, to } = names;
  const command = `${verb} ${callId} ${from}${to === '' ? '' : ` ${to}`}`;
  return code(isDone(await ask(run, [command], verb === 'D')));
}

/** The side that a prompt is played to: the one that sent the request, or the one that answers it. */
type Listener = 'uac' | 'uas';

/**
 * Plays a prompt `count` times to one side of the first stream (-1: until it is stopped), or stops that. Fails while
 * the side has no tag.
 */
async function play(run: MessageRun, listener: Listener, prompt: string | undefined, count: number): Promise<number> {
  const names = namesOf(run, 'offer');
  // A blank would begin the next word of the command.
  if (names === undefined || (prompt !== undefined && !/^[\x21-\x7e\x80-\xff]+$/.test(prompt))) return -1;
  const { callId } = names;
  const { fromTag, toTag } = run.message;
  const [own, other] = listener === 'uac' ? [fromTag, toTag] : [toTag, fromTag];
  if (own === '') return -1;
  const tags = `${own};1${other === '' ? '' : ` ${other};1`}`;
  const command = prompt === undefined ? `S ${callId} ${tags}` : `P${count} ${callId} ${prompt} session ${tags}`;
  return code(isDone(await ask(run, [command])));
}

/** Packets of a call: from the caller, from the callee, relayed, dropped; undefined when the proxy does not say. */
async function packets(run: MessageRun): Promise<readonly number[] | undefined> {
  const names = namesOf(run, 'offer');
  if (names === undefined) return undefined;
  const { callId, from, to } = names;
  const asked = await ask(run, [`Q ${callId} ${from}${to === '' ? '' : `;1 ${to}`}`]);
  const numbers = /^\d{1,15}((?: \d{1,15}){4})$/.exec(asked?.answers[0] ?? '')?.[1];
  return numbers?.slice(1).split(' ').map(Number);
}

/**
 * rtpproxy_manage(): decides by the message. SDP of an INVITE is an offer, SDP of its reply or ACK an answer; messages
 * that end a call delete it.
 */
function manage(run: MessageRun, flags: string, address: string): Promise<number> | number {
  const { message, routeKind } = run;
  const { method } = message;
  if (!message.isRequest) {
    if (message.status >= 300) return method === 'INVITE' ? about(run, 'D') : -1;
    const { call } = run;
    const late = call.message.isRequest && call.message.bodyEnd <= call.message.bodyStart;
    return exchange(run, late ? 'offer' : 'answer', flags, address);
  }
  if (method === 'BYE' || method === 'CANCEL' || routeKind === 'failure') return about(run, 'D');
  if (method === 'ACK' || method === 'PRACK') return exchange(run, 'answer', flags, address);
  return method === 'INVITE' || method === 'UPDATE' ? exchange(run, 'offer', flags, address) : -1;
}

/** rtpproxy, as functions that relay the media of a whole call use it. */
export const rtpproxyControl: MediaControl = {
  choose: chooseProxySet,
  exchange: (run, kind, { from, to, flags }) =>
    exchange(run, kind, `${from('flags')}${to('peer')}${flags}`, from('ip')),
  remove: (run) => about(run, 'D'),
};

const ROUTES: readonly RouteKind[] = ['request', 'failure', 'branch', 'onreply', 'local', 'event', 'branch-failure'];

/** Chooses the set that an argument names; false when it does not exist. */
function setChosen(run: MessageRun, set: Arg | undefined): boolean {
  const text = textOf(set, run);
  return text === '' || chooseProxySet(run, Number(text));
}

type Act = (run: MessageRun, flags: string, address: string, into?: Arg, given?: Arg) => number | Promise<number>;

function spec(name: string, act: Act, summary: string): FunctionSpec {
  return {
    name,
    waits: true,
    async: true,
    parameters: [
      optional('flags', 'string'),
      optional('address', 'string'),
      optional('set', 'string'),
      optional('socket', 'variable'),
      optional('SDP', 'writable'),
      optional('body', 'variable'),
    ],
    routes: ROUTES,
    summary,
    compile:
      ([flags, address, set, _socket, into, given]) =>
      (run) => {
        if (!setChosen(run, set)) return -1;
        return act(run, textOf(flags, run), textOf(address, run), into, given);
      },
  };
}

/** A function on the whole call, whose only parameter is the set of proxies (OpenSIPS) or the flags (Kamailio). */
function whole(name: string, dialects: FunctionSpec['dialects'], verb: 'D' | 'R', summary: string): FunctionSpec {
  return {
    name,
    ...(dialects === undefined ? {} : { dialects }),
    waits: true,
    parameters:
      dialects === OPENSIPS
        ? [optional('set', 'string'), optional('socket', 'variable')]
        : [optional('flags', 'string')],
    routes: ROUTES,
    summary,
    compile:
      ([set]) =>
      (run) => {
        if (dialects === OPENSIPS && !setChosen(run, set)) return -1;
        return about(run, verb);
      },
  };
}

/** Functions that play to one side and stop it; OpenSIPS takes the set of proxies too. */
function announcements(dialects: FunctionSpec['dialects'] & {}, listener: Listener): FunctionSpec[] {
  const where = dialects === OPENSIPS ? [optional('set', 'string'), optional('socket', 'variable')] : [];
  const count = param('count', dialects === OPENSIPS ? 'int' : 'string');
  const common = { dialects, waits: true, routes: ROUTES };
  return [
    {
      ...common,
      name: `rtpproxy_stream2${listener}`,
      parameters: [param('prompt', 'string'), count, ...where],
      summary: `plays a prompt to the ${listener === 'uac' ? 'caller' : 'callee'}, so many times or, with -1, until it is stopped`,
      compile:
        ([prompt, count, set]) =>
        (run) => {
          const times = dialects === OPENSIPS ? intOf(count, run, 0) : Number.parseInt(textOf(count, run), 10);
          if (!Number.isFinite(times) || !setChosen(run, set)) return -1;
          return play(run, listener, textOf(prompt, run), times);
        },
    },
    {
      ...common,
      name: `rtpproxy_stop_stream2${listener}`,
      parameters: where,
      summary: `stops playing to the ${listener === 'uac' ? 'caller' : 'callee'}`,
      compile:
        ([set]) =>
        (run) =>
          setChosen(run, set) ? play(run, listener, undefined, 0) : -1,
    },
  ];
}

/** Functions of rtpproxy. */
export const rtpproxyFunctions: ScriptFunction[] = moduleFunctions('rtpproxy', [
  spec(
    'rtpproxy_offer',
    (run, flags, address, into, given) => exchange(run, 'offer', flags, address, into, given),
    'offers the streams of the SDP to the media proxy and writes its addresses into it',
  ),
  spec(
    'rtpproxy_answer',
    (run, flags, address, into, given) => exchange(run, 'answer', flags, address, into, given),
    'answers an offer with the streams of the SDP, which gets the addresses of the media proxy',
  ),
  { ...spec('rtpproxy_manage', manage, 'offers, answers or ends, depending on the message'), dialects: KAMAILIO },
  ...['rtpproxy_unforce', 'unforce_rtp_proxy'].map((name) =>
    whole(name, OPENSIPS, 'D', 'ends the call at the media proxy'),
  ),
  ...['rtpproxy_destroy', 'unforce_rtp_proxy'].map((name) =>
    whole(name, KAMAILIO, 'D', 'ends the call at the media proxy'),
  ),
  ...(['uac', 'uas'] as const).flatMap((side) => [...announcements(OPENSIPS, side), ...announcements(KAMAILIO, side)]),
  {
    name: 'rtpproxy_stats',
    dialects: OPENSIPS,
    waits: true,
    parameters: [
      param('up', 'writable'),
      param('down', 'writable'),
      param('sent', 'writable'),
      param('failed', 'writable'),
      optional('set', 'string'),
      optional('socket', 'variable'),
    ],
    routes: ROUTES,
    summary: 'counts packets of a call: from the caller, from the callee, relayed, dropped',
    compile:
      ([up, down, sent, failed, set]) =>
      async (run) => {
        if (!setChosen(run, set)) return -1;
        const counted = await packets(run);
        if (counted === undefined) return -1;
        for (const [i, each] of [up, down, sent, failed].entries())
          each?.variable?.assign(run.pvars, counted[i] ?? null);
        return 1;
      },
  },
  {
    ...whole('rtpproxy_start_recording', OPENSIPS, 'R', 'records the call; copies to a destination are refused'),
    parameters: [
      optional('set', 'string'),
      optional('socket', 'variable'),
      optional('flags', 'string'),
      optional('destination', 'string'),
      optional('stream', 'int'),
    ],
    compile:
      ([set, , , destination]) =>
      (run) => {
        if (textOf(destination, run) !== '')
          return run.refused('rtpproxy_start_recording', 'a copy to a destination is not supported');
        return setChosen(run, set) ? about(run, 'R') : -1;
      },
  },
  whole('start_recording', KAMAILIO, 'R', 'records the call'),
  {
    name: 'set_rtp_proxy_set',
    dialects: KAMAILIO,
    parameters: [param('set', 'int')],
    summary: 'chooses the set of media proxies',
    compile:
      ([set]) =>
      (run) =>
        code(chooseProxySet(run, intOf(set, run, 0))),
  },
]);
