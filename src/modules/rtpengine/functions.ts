import type { RouteKind } from '../../cfg/ast.js';
import type { NgDictionary, NgValue } from '../../media/bencode.js';
import type { MessageRun } from '../../script/call.js';
import { PerCall } from '../../script/per-call.js';
import { viaValues } from '../../sip/via-values.js';
import {
  type Arg,
  code,
  type FunctionSpec,
  KAMAILIO,
  moduleFunctions,
  OPENSIPS,
  optional,
  param,
  type ScriptFunction,
  textOf,
} from '../define.js';
import { kamailioFunction } from '../kamailio-function.js';
import type { MediaControl } from '../media-relay/relay.js';
import { totals } from './answers.js';
import { chooseSet, command, mediaEngine, receivedFrom, succeeded } from './engine.js';
import { type MediaFlags, mediaFlags } from './flags.js';
import { replaceSdp, sdpSpan } from './sdp.js';

type Kind = 'offer' | 'answer' | 'delete' | 'other';

/** Tags for the media proxy: "from" is the side that makes the offer. */
function tags(run: MessageRun, kind: Kind, flags: MediaFlags): NgDictionary {
  const { message } = run;
  const kamailio = run.env.dialect === 'kamailio';
  const { fromTag } = message;
  // As recorded, Kamailio takes the To tag of the flags for that of the message, also where the sides are exchanged.
  const toTag = (kamailio ? flags.toTagText : undefined) ?? message.toTag;
  // As recorded, with a From tag in the flags the To tag of the message is used for the other side.
  const given = kamailio && flags.fromTagText !== undefined;
  const straight =
    given || (message.isRequest ? kind !== 'answer' : kind !== 'offer' && (kind !== 'other' || !kamailio));
  const [from, to] = straight ? [fromTag, toTag] : [toTag, fromTag];
  const out: Record<string, NgValue> = { 'from-tag': flags.fromTagText ?? from };
  const shown = (kamailio ? undefined : flags.toTagText) ?? to;
  // As recorded, Kamailio always sends a known To tag, but with "delete" only if the flags ask for it.
  const always = kamailio && kind !== 'delete';
  if (shown !== '' && (kind === 'answer' || flags.toTag || always)) out['to-tag'] = shown;
  return out;
}

function viaBranch(run: MessageRun, flags: MediaFlags): NgDictionary {
  const { viaBranch: wanted } = flags;
  if (wanted === undefined) return {};
  const { extraId } = run.env.modules.of(mediaEngine);
  if (wanted === 'extra' && extraId !== undefined) {
    const value = extraId.evaluateValue(run.pvars);
    return value === null || value === '' ? {} : { 'via-branch': String(value) };
  }
  if (/^(?:auto|1|2|next|extra)$/.test(wanted)) {
    // As recorded, "auto" is the Via of the caller: the first of a request, the second of a reply.
    const second = wanted === '2' || (wanted === 'auto' && !run.message.isRequest);
    let via = run.message.via;
    if (second) {
      const [, next] = viaValues(run.message);
      via = next;
    }
    return via === undefined || via.branch === '' ? {} : { 'via-branch': via.branch };
  }
  return { 'via-branch': wanted };
}

/** Sends an offer or answer with the flags of a script. */
function exchange(run: MessageRun, kind: 'offer' | 'answer', text: string, target?: Arg, given?: Arg): Promise<number> {
  return exchangeWith(run, kind, mediaFlags(text, run.env.dialect), target, given);
}

/** offer and answer: sends the SDP to the proxy, and replaces it by the SDP that the proxy returns. */
async function exchangeWith(
  run: MessageRun,
  kind: 'offer' | 'answer',
  flags: MediaFlags,
  target?: Arg,
  given?: Arg,
): Promise<number> {
  const span = sdpSpan(run);
  const body = given?.value(run);
  // The SDP that an earlier call of the function put there is sent, not the received one.
  const before =
    span === undefined ? undefined : run.edits.list.find((each) => each.start === span[0] && each.end === span[1]);
  const { sdpFrom, sdpInto } = run.env.modules.of(mediaEngine);
  const read = body ?? sdpFrom?.evaluateValue(run.pvars);
  const sdp =
    typeof read === 'string' && read !== ''
      ? read
      : (before?.text ?? (span && run.message.text.slice(span[0], span[1])));
  if (sdp === undefined) return -1;
  // As recorded, in Kamailio a request may only be an answer if it is an ACK or PRACK inside a dialog.
  const answers = kind === 'answer' && run.env.dialect === 'kamailio' && run.message.isRequest;
  if (answers && (run.message.toTag === '' || !/^(?:ACK|PRACK)$/.test(run.message.method))) return -1;
  const answer = await command(run, kind, flags, {
    ...tags(run, kind, flags),
    ...viaBranch(run, flags),
    ...receivedFrom(run),
    sdp,
  });
  const made = answer?.['sdp'];
  if (!succeeded(run, kind, answer) || typeof made !== 'string') return -1;
  const variable = target?.variable ?? sdpInto;
  if (variable !== undefined) variable.assign(run.pvars, made);
  else if (span !== undefined) replaceSdp(run, span, made);
  return 1;
}

async function remove(run: MessageRun, text: string): Promise<number> {
  const flags = mediaFlags(text, run.env.dialect);
  const more = { ...tags(run, 'delete', flags), ...viaBranch(run, flags) };
  const answer = await command(run, 'delete', flags, more);
  if (answer !== undefined) totals.set(run.call, answer);
  return code(succeeded(run, 'delete', answer));
}

/**
 * Whether rtpengine_manage() was called for the request with SDP: as recorded, Kamailio only then takes the SDP of a
 * reply as an answer.
 */
const managed = new PerCall<boolean>(() => false);

/**
 * rtpengine_manage(): decides by the message. SDP of an INVITE is an offer, SDP of its reply or ACK an answer; messages
 * that end a call delete it.
 */
function manage(run: MessageRun, text: string, target?: Arg, given?: Arg): Promise<number> | number {
  const { message, routeKind } = run;
  const method = message.method;
  const sdp = sdpSpan(run) !== undefined;
  const kamailio = run.env.dialect === 'kamailio';
  // As recorded, Kamailio also checks the method of a reply.
  if (kamailio && !message.isRequest && /^(?:BYE|CANCEL)$/.test(method)) return remove(run, text);
  const failed = routeKind === 'failure' || routeKind === 'branch-failure';
  if (message.isRequest) {
    if (method === 'BYE' || method === 'CANCEL' || (failed && !kamailio)) return remove(run, text);
    if (!sdp) return -1;
    // As recorded, Kamailio only deletes calls that may have been offered.
    if (failed && method === 'INVITE') return remove(run, text);
    managed.set(run.call, true);
    if (method === 'ACK' || method === 'PRACK') return exchange(run, 'answer', text, target, given);
    return method === 'INVITE' || method === 'UPDATE' ? exchange(run, 'offer', text, target, given) : -1;
  }
  if (message.status >= 300) {
    const begins = kamailio || run.call.message.toTag === '';
    return method === 'INVITE' && begins ? remove(run, text) : -1;
  }
  if (!sdp || (kamailio && !/^(?:INVITE|UPDATE|PRACK)$/.test(method))) return -1;
  // When the INVITE has no SDP, its reply makes the offer.
  const { call } = run;
  const late = kamailio
    ? managed.known(call) !== true
    : call.message.isRequest && call.message.bodyEnd <= call.message.bodyStart;
  return exchange(run, late ? 'offer' : 'answer', text, target, given);
}

/** rtpengine, as functions that relay the media of a whole call use it. */
export const rtpengineControl: MediaControl = {
  choose: chooseSet,
  exchange: (run, kind, { from, to, flags, callId }) => {
    const [inside, outside, address] = [from('iface'), to('iface'), from('ip')];
    const words = [from('type'), from('flags'), to('peer'), flags];
    if (inside !== '' || outside !== '') words.push(`in-iface=${inside || outside} out-iface=${outside || inside}`);
    if (address !== '') words.push(`media-address=${address}`);
    const keys = mediaFlags(words.join(' '), run.env.dialect);
    // A Call-ID may contain blanks; as a word among the flags it could set other flags.
    return exchangeWith(run, kind, callId === run.message.callId ? keys : { ...keys, callId });
  },
  remove,
};

const ROUTES: readonly RouteKind[] = ['request', 'failure', 'branch', 'onreply', 'local', 'event', 'branch-failure'];

type Act = (run: MessageRun, flags: string, target?: Arg, body?: Arg) => number | Promise<number>;

function both(name: string, act: Act, summary: string): FunctionSpec[] {
  return [
    {
      name,
      dialects: OPENSIPS,
      waits: true,
      async: true,
      parameters: [
        optional('flags', 'string'),
        optional('proxy', 'writable'),
        ...(name === 'rtpengine_delete' ? [] : [optional('SDP', 'writable'), optional('body', 'string')]),
      ],
      routes: ['request', 'failure', 'branch', 'onreply', 'local'],
      summary,
      compile:
        ([flags, _proxy, sdp, body]) =>
        (run) =>
          act(run, textOf(flags, run), sdp, body),
    },
    {
      name,
      dialects: KAMAILIO,
      waits: true,
      parameters: [optional('flags', 'string')],
      routes: ROUTES,
      summary,
      compile:
        ([flags]) =>
        (run) =>
          act(run, textOf(flags, run)),
    },
  ];
}

/** Asks the media proxy about a call; the answer is kept for $rtpstat. */
async function query(run: MessageRun, text: string): Promise<NgDictionary | undefined> {
  const flags = mediaFlags(text, run.env.dialect);
  const more = { ...tags(run, 'other', flags), ...viaBranch(run, flags) };
  const answer = await command(run, 'query', flags, more);
  if (answer === undefined || !succeeded(run, 'query', answer)) return undefined;
  totals.set(run.call, answer);
  return answer;
}

/** Sends an SDP fragment of trickle ICE (RFC 8840) to the media proxy, which returns none. */
async function inform(run: MessageRun, text: string): Promise<number> {
  const flags = mediaFlags(text, run.env.dialect);
  const { message } = run;
  const words = flags.keys['flags'];
  // As recorded, Content-Type decides; any other body is an offer.
  const fragment = /^application\/trickle-ice-sdpfrag\b/i.test(message.header('content-type') ?? '');
  const answer = await command(run, 'offer', flags, {
    ...tags(run, 'offer', flags),
    ...viaBranch(run, flags),
    ...(fragment ? { flags: [...(Array.isArray(words) ? words : []), 'fragment'] } : {}),
    ...receivedFrom(run),
    sdp: message.body,
  });
  return code(message.body !== '' && succeeded(run, 'offer', answer));
}

/** Commands that are sent without SDP. */
const PASSED: readonly (readonly [name: string, command: string, summary: string])[] = [
  ['start_recording', 'start recording', 'records the call'],
  ['stop_recording', 'stop recording', 'stops recording the call'],
  ['pause_recording', 'pause recording', 'pauses the recording of the call'],
  ['rtpengine_start_recording', 'start recording', 'records the call'],
  ['rtpengine_stop_recording', 'stop recording', 'stops recording the call'],
  ['rtpengine_pause_recording', 'pause recording', 'pauses the recording of the call'],
  ['block_media', 'block media', 'blocks the media'],
  ['unblock_media', 'unblock media', 'lets the media through again'],
  ['block_dtmf', 'block DTMF', 'blocks DTMF'],
  ['unblock_dtmf', 'unblock DTMF', 'lets DTMF through again'],
  ['silence_media', 'silence media', 'silences the media'],
  ['unsilence_media', 'unsilence media', 'makes the media audible again'],
  ['rtpengine_block_media', 'block media', 'blocks the media'],
  ['rtpengine_unblock_media', 'unblock media', 'lets the media through again'],
  ['rtpengine_block_dtmf', 'block DTMF', 'blocks DTMF'],
  ['rtpengine_unblock_dtmf', 'unblock DTMF', 'lets DTMF through again'],
  ['play_media', 'play media', 'plays a file into the call'],
  ['stop_media', 'stop media', 'ends the playing of a file'],
  ['play_dtmf', 'play DTMF', 'plays DTMF into the call'],
  ['rtpengine_start_forwarding', 'start forwarding', 'forwards the media to a recording system'],
  ['rtpengine_stop_forwarding', 'stop forwarding', 'stops forwarding the media to a recording system'],
  ['rtpengine_play_media', 'play media', 'plays a file into the call, whose duration in milliseconds is assigned'],
  ['rtpengine_stop_media', 'stop media', 'ends the playing of a file'],
  ['rtpengine_play_dtmf', 'play DTMF', 'plays a DTMF code into the call'],
];

/** Sends a command without SDP; undefined when it failed. */
async function passed(
  run: MessageRun,
  verb: string,
  text: string,
  more: NgDictionary,
): Promise<NgDictionary | undefined> {
  const flags = mediaFlags(text, run.env.dialect);
  // As recorded, Kamailio blocks or silences media of the whole call.
  const whole = run.env.dialect === 'kamailio' && /^(?:un)?(?:block|silence) /.test(verb);
  const sides = whole && flags.fromTagText === undefined ? {} : tags(run, 'other', flags);
  const answer = await command(run, verb, flags, { ...sides, ...viaBranch(run, flags), ...more });
  return succeeded(run, verb, answer) ? answer : undefined;
}

/** A function that sends a command without SDP. In OpenSIPS the socket of the media proxy may follow as an argument. */
function passing(name: string, verb: string, summary: string): FunctionSpec {
  const ours = name.startsWith('rtpengine_');
  const [leading, duration] = [verb === 'play DTMF' && ours, verb === 'play media' && ours];
  return {
    name,
    ...(ours ? { dialects: OPENSIPS } : {}),
    waits: true,
    parameters: [
      ...(leading ? [param('code', 'string')] : []),
      optional('flags', 'string'),
      ...(duration ? [optional('duration', 'writable')] : []),
      ...(ours ? [optional('socket', 'variable')] : []),
    ],
    routes: ROUTES,
    summary,
    compile: (args) => {
      const flags = args[leading ? 1 : 0];
      return async (run) => {
        // The code may come from a peer, so it is not sent as a word among the flags.
        const answer = await passed(run, verb, textOf(flags, run), leading ? { code: textOf(args[0], run) } : {});
        const length = answer?.['duration'];
        if (duration && typeof length === 'number') args[1]?.variable?.assign(run.pvars, length);
        return code(answer !== undefined);
      };
    },
  };
}

/** Functions of rtpengine. */
export const rtpengineFunctions: ScriptFunction[] = moduleFunctions('rtpengine', [
  ...both(
    'rtpengine_offer',
    (run, flags, target, body) => exchange(run, 'offer', flags, target, body),
    'offers the SDP to the media proxy, which writes its own addresses into it',
  ),
  ...both(
    'rtpengine_answer',
    (run, flags, target, body) => exchange(run, 'answer', flags, target, body),
    'answers an offer with the SDP, which gets the addresses of the media proxy',
  ),
  ...both('rtpengine_manage', manage, 'offers, answers or deletes, depending on the message'),
  ...both('rtpengine_delete', (run, flags) => remove(run, flags), 'ends the call at the media proxy'),
  {
    name: 'set_rtpengine_set',
    dialects: KAMAILIO,
    parameters: [param('set', 'string'), optional('second set', 'string')],
    summary: 'chooses the set of media proxies',
    compile:
      ([set]) =>
      (run) =>
        code(chooseSet(run, Number(textOf(set, run)))),
  },
  {
    name: 'rtpengine_use_set',
    dialects: OPENSIPS,
    parameters: [param('set', 'int')],
    summary: 'chooses the set of media proxies',
    compile:
      ([set]) =>
      (run) =>
        code(chooseSet(run, Number(textOf(set, run)))),
  },
  kamailioFunction(
    'rtpengine_query',
    'flags?',
    'asks the media proxy about the call, for $rtpstat',
    async (run, [flags]) => code((await query(run, textOf(flags, run))) !== undefined),
    true,
  ),
  {
    name: 'rtpengine_query_v',
    dialects: KAMAILIO,
    waits: true,
    parameters: [param('format', 'string', { values: ['j', 'jp'] }), param('result', 'writable')],
    summary: 'asks the media proxy about the call, whose answer is assigned as JSON: "j" in one line, "jp" in several',
    compile:
      ([format, result]) =>
      async (run) => {
        const answer = await query(run, '');
        if (answer === undefined) return -1;
        const text = JSON.stringify(answer, undefined, textOf(format, run) === 'jp' ? 2 : 0);
        result?.variable?.assign(run.pvars, text);
        return 1;
      },
  },
  kamailioFunction(
    'rtpengine_info',
    'flags?',
    'sends an SDP fragment of trickle ICE to the media proxy',
    (run, [flags]) => inform(run, textOf(flags, run)),
    true,
  ),
  ...PASSED.map(([name, verb, summary]) => passing(name, verb, summary)),
]);
