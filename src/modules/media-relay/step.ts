import { MessageRun } from '../../script/call.js';
import { MessageEdits } from '../../script/edits.js';
import type { ScriptHooks } from '../../script/hooks.js';
import type { MessageStep } from '../../script/state.js';
import type { Dialog } from '../dialog/dialog.js';
import { dialogs } from '../dialog/state.js';
import { sdpSpan } from '../rtpengine/sdp.js';
import { keepRelay, type MediaControl, type MediaRelay, relayOf, senderOf } from './relay.js';

/** The step that sends each SDP of a call to its media proxy. */
function stepOf(relay: MediaRelay): MessageStep {
  return {
    request: (each) => {
      const run = each as MessageRun;
      const { method, toTag } = run.message;
      if (sdpSpan(run) === undefined || !/^(?:INVITE|UPDATE|PRACK|ACK)$/.test(method)) return undefined;
      const answers = relay.offeredInReply && (method === 'ACK' || method === 'PRACK');
      if (method === 'ACK' && !answers) return undefined;
      relay.offeredInReply = false;
      return relay.exchange(
        run,
        answers ? 'answer' : 'offer',
        senderOf(run),
        toTag === '' ? run.pvars.branchIndex : undefined,
      );
    },
    reply: (each) => {
      const run = each as MessageRun;
      const { call, message, branch } = run;
      const { method, toTag, bodyStart, bodyEnd } = call.message;
      if (message.status <= 100 || message.status >= 300 || !/^(?:INVITE|UPDATE|PRACK)$/.test(method)) return undefined;
      const index = toTag === '' ? branch?.index : undefined;
      const kind = bodyEnd > bodyStart ? 'answer' : 'offer';
      const waits = sdpSpan(run) === undefined ? undefined : relay.exchange(run, kind, senderOf(run), index);
      if (waits !== undefined && method === 'INVITE') relay.offeredInReply = kind === 'offer';
      if (message.status >= 200 && index !== undefined && method === 'INVITE') relay.answeredBy(index);
      return waits;
    },
  };
}

/**
 * Relays the media of an INVITE's call from now on until its dialog ends. Returns 1, or -1 when the request begins no
 * dialog or the set of media proxies does not exist.
 */
export function engage(run: MessageRun, control: MediaControl, set: number): number {
  const { call, env } = run;
  const relay = relayOf(run);
  if (relay === undefined || call.message.toTag !== '' || !control.choose(run, set)) return -1;
  const table = env.modules.of(dialogs);
  const dialog = table.of(run) ?? table.begin(run);
  if (dialog === undefined) return -1;
  const first = relay.control === undefined;
  relay.control = control;
  relay.set = set;
  relay.callId = call.message.callId;
  call.step = stepOf(relay);
  if (!first) return 1;
  keepRelay(dialog, relay);
  dialog.atEnd.push(() => ended(dialog, relay));
  return 1;
}

function ended({ call }: Dialog, relay: MediaRelay): void {
  const { env, scope, message, source } = call;
  const before = scope.run;
  const run = new MessageRun(env, 'event', scope, message, source, new MessageEdits(), call);
  scope.run = before;
  relay.end(run);
}

/** Makes a request within a dialog with relayed media pass its SDP to the media proxy too. */
function within(run: MessageRun): void {
  const { call } = run;
  if (call.message.toTag === '') return;
  const relay = relayOf(run);
  if (relay !== undefined) call.step = stepOf(relay);
}

/** Hooks of modules that relay the media of whole calls. */
export const mediaRelayHooks: ScriptHooks<MessageRun> = {
  received: [],
  began: [within],
  routed: [],
  acknowledged: [within],
  cancelled: [],
};
