import type { PvarContext, PvarValue } from '../../pvar/context.js';
import type { IndexReader, VariableDefinition } from '../../pvar/variables/definition.js';
import type { MessageRun } from '../../script/call.js';
import { otherSide, type Side } from '../dialog/dialog.js';
import { dialogs } from '../dialog/state.js';
import { scopeOf } from '../script-variable.js';
import { type MediaRelay, relayOf, SETTINGS, type Setting, senderOf, settingText } from './relay.js';

function settingOf(text: string | undefined): Setting {
  const name = text ?? 'flags';
  const known = SETTINGS.find((each) => each === name.toLowerCase());
  if (known === undefined) throw new Error(`"${name}" is none of ${SETTINGS.join(', ')}`);
  return known;
}

function runOf(context: PvarContext): MessageRun | undefined {
  return scopeOf(context).run;
}

/**
 * The branch whose settings are read or written: that of the index, else the current one in a branch or reply route.
 */
function branchOf(run: MessageRun, index: IndexReader | undefined, context: PvarContext): number | undefined {
  if (index?.kind === 'at') return index.read(context);
  if (run.call.message.toTag !== '') return undefined;
  if (run.routeKind === 'branch') return run.pvars.branchIndex;
  return run.routeKind === 'onreply' ? run.branch?.index : undefined;
}

/** A setting of the side that `sideOf` names: $rtp_relay, $rtp_relay(iface), $(rtp_relay[1]). */
function settings(sideOf: (run: MessageRun) => Side): VariableDefinition {
  return {
    argument: 'optional',
    indexed: true,
    compile: (argument, index) => {
      if (argument !== undefined && argument.constant === undefined)
        throw new Error('the name of a setting cannot be a variable');
      const name = settingOf(argument?.constant);
      return {
        get: (context) => {
          const run = runOf(context);
          if (run === undefined) return null;
          return relayOf(run)?.get(sideOf(run), name, branchOf(run, index, context)) ?? null;
        },
        set: (context, value) => {
          const run = runOf(context);
          if (run !== undefined) relayOf(run)?.assign(sideOf(run), name, value, branchOf(run, index, context));
        },
      };
    },
  };
}

/** Parts of $rtp_relay_ctx. */
const CONTEXT: Readonly<Record<string, (relay: MediaRelay, run: MessageRun) => PvarValue>> = {
  callid: ({ callId }) => callId || null,
  'from-tag': (_relay, { call }) => call.env.modules.of(dialogs).of({ call })?.caller.tag || null,
  'to-tag': (_relay, { call }) => call.env.modules.of(dialogs).of({ call })?.callee.tag || null,
  flags: ({ flags }) => flags || null,
  delete: ({ deleteFlags }) => deleteFlags || null,
};

const context: VariableDefinition = {
  argument: 'required',
  indexed: false,
  compile: (argument) => {
    const name = (argument?.constant ?? '').toLowerCase().replace('_', '-');
    const read = Object.hasOwn(CONTEXT, name) ? CONTEXT[name] : undefined;
    if (read === undefined) throw new Error(`"${name}" is none of ${Object.keys(CONTEXT).join(', ')}`);
    const get = (at: PvarContext): PvarValue => {
      const run = runOf(at);
      const relay = run === undefined ? undefined : relayOf(run);
      return run === undefined || relay === undefined ? null : read(relay, run);
    };
    if (name !== 'flags' && name !== 'delete') return { get };
    return {
      get,
      set: (at, value) => {
        const run = runOf(at);
        const relay = run === undefined ? undefined : relayOf(run);
        if (relay === undefined) return;
        if (name === 'flags') relay.flags = settingText(value);
        else relay.deleteFlags = settingText(value);
      },
    };
  },
};

/** Variables of rtp_relay. */
export const mediaRelayVariables: readonly [string, VariableDefinition][] = [
  ['rtp_relay', settings(senderOf)],
  ['rtp_relay_peer', settings((run) => otherSide(senderOf(run)))],
  ['rtp_relay_caller', settings(() => 'caller')],
  ['rtp_relay_callee', settings(() => 'callee')],
  ['rtp_relay_ctx', context],
];
