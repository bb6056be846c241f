import { trimmed } from '../core/characters.js';
import { findText } from '../core/find-text.js';
import { parseAddress } from '../core/name-addr.js';
import { parseUri, uriParam } from '../core/uri.js';
import type { Call, MessageRun } from '../script/call.js';
import type { ModuleParameters } from '../script/environment.js';
import type { ScriptHooks } from '../script/hooks.js';
import { PerCall } from '../script/per-call.js';
import type { TransactionState } from '../script/state.js';
import type { SipMessage } from '../sip/message.js';
import type { TextEdit } from '../sip/reply.js';
import type { Dialog, NamedUri } from './dialog/dialog.js';
import { dialogs } from './dialog/state.js';

type Header = 'from' | 'to';

interface UacSettings {
  readonly mode: 'none' | 'manual' | 'auto';
  readonly params: Readonly<Record<Header, string>>;
  readonly password: Buffer;
  /** Kamailio: the AVPs that get the values of the received request. */
  readonly avps: Readonly<Record<Header, string | undefined>>;
  /** Kamailio: both URIs are kept with the dialog, if there is one, instead of in Record-Route. */
  readonly inDialog: boolean;
}

const uac = {
  module: 'uac',
  create(parameters: ModuleParameters): UacSettings {
    const mode = parameters.text('restore_mode', 'auto').toLowerCase();
    return {
      mode: mode === 'none' || mode === 'manual' ? mode : 'auto',
      params: {
        from: parameters.text('rr_from_store_param', parameters.text('rr_store_param', 'vsf')),
        to: parameters.text('rr_to_store_param', 'vst'),
      },
      password: Buffer.from(parameters.text('restore_passwd', parameters.text('restore_passwords', '')), 'latin1'),
      avps: { from: parameters.avp('restore_from_avp'), to: parameters.avp('restore_to_avp') },
      inDialog: parameters.flag('restore_dlg', false),
    };
  },
};

/** Headers (From, To) of calls that were changed: replies must have the text of the received request. */
const changed = new PerCall(() => new Set<Header>());

/** The XOR of two URIs and the password: together with the password and one URI it yields the other. */
export function difference(one: string, other: string, password: Buffer): string {
  const size = Math.max(one.length, other.length);
  const bytes = Buffer.alloc(size);
  for (let i = 0; i < size; i++) {
    const key = password.length === 0 ? 0 : (password[i % password.length] as number);
    bytes[i] = (one.charCodeAt(i) || 0) ^ (other.charCodeAt(i) || 0) ^ key;
  }
  // In the form recorded of Kamailio, so that a Kamailio proxy can take over a call.
  return bytes.toString('base64').replaceAll('=', '-');
}

/** A text that difference() has made: base 64 with "-" at its end instead of "=". */
const DIFFERENCE = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{3}-|[A-Za-z0-9+/]{2}--)?$/;

/** The other URI; undefined when the text is not a difference to this one. */
function otherOf(known: string, text: string, password: Buffer): string | undefined {
  if (text.length > 700 || !DIFFERENCE.test(text)) return undefined;
  const bytes = Buffer.from(text.replaceAll('-', '='), 'base64');
  if (bytes.length < known.length) return undefined;
  let other = '';
  for (let i = 0; i < bytes.length; i++) {
    const key = password.length === 0 ? 0 : (password[i % password.length] as number);
    const code = (bytes[i] as number) ^ (known.charCodeAt(i) || 0) ^ key;
    // The shorter of the two was padded with zeros.
    if (code === 0) break;
    other += String.fromCharCode(code);
  }
  return parseUri(other) === undefined || /[ \t\r\n<>"\x00-\x1f]/.test(other) ? undefined : other;
}

/** Side whose address each header of the first request has. */
const SIDE = { from: 'caller', to: 'callee' } as const;

/** Requests inside a dialog that were restored from the dialog. */
const restoredByDialog = new PerCall(() => ({ done: false }));

/** The dialog that stores what is replaced; undefined where only Record-Route does. */
function keeper({ env, call }: MessageRun): Dialog | undefined {
  const { modules } = env;
  if (!modules.loaded.has('dialog')) return undefined;
  if (env.dialect === 'kamailio' && !modules.of(uac).inDialog) return undefined;
  return modules.of(dialogs).of({ call });
}

/** Headers (From, To) of calls that were changed outside a branch route. */
const written = new PerCall(() => new Set<Header>());

/**
 * Whether Kamailio's uac refuses to change a header a second time, as recorded: Record-Route contains the old URI
 * already.
 */
export function isReplaced(run: MessageRun, header: Header): boolean {
  return run.routeKind !== 'branch' && written.known(run.call)?.has(header) === true;
}

/** uac_replace_from() or uac_replace_to() has changed a header of the request. */
export function replaced(run: MessageRun, header: Header, old: NamedUri, now: NamedUri): void {
  const [before, after] = [old.uri, now.uri];
  const { call, env } = run;
  if (!env.modules.loaded.has('uac')) return;
  const settings = env.modules.of(uac);
  if (settings.mode === 'none') return;
  if (run.routeKind !== 'branch') written.of(call).add(header);
  const { message } = call;
  keepReceived(run, header);
  const dialog = message.toTag === '' ? keeper(run) : undefined;
  if (dialog !== undefined) {
    const side = SIDE[header];
    dialog.replaced[side] = { before: dialog.replaced[side]?.before ?? old, after: now };
  }
  // In OpenSIPS the parameter is written even if a dialog stores both: after a restart the dialog is unknown, and the
  // parameter is needed.
  if (
    (dialog === undefined || env.dialect !== 'kamailio') &&
    message.toTag === '' &&
    before.length < 256 &&
    after.length < 256
  ) {
    const name = settings.params[header];
    const at = env.dialect === 'kamailio' ? -1 : call.rrParams.indexOf(`;${name}=`);
    if (at >= 0) {
      const end = call.rrParams.indexOf(';', at + 1);
      call.rrParams = call.rrParams.slice(0, at) + (end < 0 ? '' : call.rrParams.slice(end));
    }
    call.rrParams += `;${name}=${difference(before, after, settings.password)}`;
  }
  // As documented, OpenSIPS restores replies in mode "manual" too.
  if (settings.mode === 'auto' || env.dialect !== 'kamailio') restoreReplies(run, header);
}

/** Kamailio: stores the received header without parameters in the AVP of restore_from_avp or restore_to_avp. */
export function keepReceived({ env, call, pvars }: MessageRun, header: Header): void {
  if (!env.modules.loaded.has('uac')) return;
  const { mode, avps } = env.modules.of(uac);
  const avp = mode === 'none' ? undefined : avps[header];
  if (avp !== undefined) pvars.avps.push(avp, withoutParameters(call.message.header(header) ?? ''));
}

function withoutParameters(value: string): string {
  const end = value.lastIndexOf('>');
  if (end >= 0) return value.slice(0, end + 1);
  const at = value.indexOf(';');
  return trimmed(at < 0 ? value : value.slice(0, at));
}

/** From now on replies have the header of the received request. */
function restoreReplies({ call, transaction }: Pick<MessageRun, 'call' | 'transaction'>, header: Header): void {
  const first = changed.known(call) === undefined;
  changed.of(call).add(header);
  const found = transaction ?? call.transaction;
  if (first && found !== undefined) follow(call, found);
}

function follow(call: Call, transaction: TransactionState): void {
  transaction.filterReplies((reply) => {
    const edits: TextEdit[] = [];
    for (const header of changed.known(call) ?? []) {
      const edit = restored(call.message, reply, header);
      if (edit !== undefined) edits.push(edit);
    }
    return edits;
    // Late in Kamailio: its reply routes see the received header.
  }, call.env.dialect === 'kamailio');
}

/** Position of the value of a header; it begins below 0 when there is none. */
function spanOf(message: SipMessage, header: Header): [start: number, end: number] {
  return header === 'from' ? [message.fromValue, message.fromEnd] : [message.toValue, message.toEnd];
}

/** Edit that restores the header of a reply, with the tag of the reply. */
function restored(request: SipMessage, reply: SipMessage, header: Header): TextEdit | undefined {
  const from = header === 'from';
  const [start, end] = spanOf(reply, header);
  if (start < 0) return undefined;
  const before = request.text.slice(...spanOf(request, header));
  const tag = from ? reply.fromTag : reply.toTag;
  const has = from ? request.fromTag !== '' : request.toTag !== '';
  const text = has || tag === '' ? before : `${before};tag=${tag}`;
  return reply.text.slice(start, end) === text ? undefined : { start, end, text };
}

/**
 * The header in a request inside a dialog that corresponds to one of the first request: for the other side From and To
 * are exchanged.
 */
function headerHere(which: Header, downstream: boolean): Header {
  return downstream ? which : which === 'from' ? 'to' : 'from';
}

/** Replaces URI and, if given, display name of a header; false without the header, or when `other` returns nothing. */
function replaceShown(run: MessageRun, header: Header, other: (uri: string) => NamedUri | undefined): boolean {
  const { message } = run.call;
  const [start, end] = spanOf(message, header);
  if (start < 0) return false;
  const text = message.text.slice(start, end);
  const { uri, params, display } = parseAddress(text);
  const at = findText(text, uri);
  const wanted = at < 0 ? undefined : other(uri);
  if (wanted === undefined) return false;
  if (wanted.display === undefined || wanted.display === display)
    run.edits.replace(start + at, start + at + uri.length, wanted.uri);
  else {
    const name = wanted.display === '' ? '' : `${wanted.display} `;
    run.edits.replace(start, end, `${name}<${wanted.uri}>${params}`);
  }
  return true;
}

/**
 * Restores the header of a request inside a dialog whose first request was changed: it gets the URI that the other side
 * knows.
 */
function restoreRequest(run: MessageRun, which: Header): boolean {
  const { call, env } = run;
  const settings = env.modules.of(uac);
  const params = call.matchedRouteParams ?? '';
  const value = uriParam(params, settings.params[which]);
  if (value === undefined) return false;
  const ftag = uriParam(params, 'ftag');
  const header = headerHere(which, ftag === undefined || ftag === call.message.fromTag);
  const other = (uri: string): NamedUri | undefined => {
    const found = otherOf(uri, value, settings.password);
    return found === undefined ? undefined : { uri: found };
  };
  if (!replaceShown(run, header, other)) return false;
  // As recorded, the Record-Route of a request inside a dialog has the parameter too.
  if (env.dialect === 'kamailio' && settings.mode === 'auto') call.rrParams += `;${settings.params[which]}=${value}`;
  keepReceived(run, header);
  restoreReplies(run, header);
  return true;
}

/**
 * In a request of a dialog that stores what was replaced, the header is changed to what the other side knows. As
 * recorded, in Kamailio a reply to the callee has the header as the caller knows it if one header was replaced, but as
 * the callee knows it if both were.
 */
function restoreByDialog(run: MessageRun, dialog: Dialog): void {
  const downstream = run.call.message.fromTag === dialog.caller.tag;
  const two = dialog.replaced.caller !== undefined && dialog.replaced.callee !== undefined;
  for (const which of ['from', 'to'] as const) {
    const pair = dialog.replaced[SIDE[which]];
    if (pair === undefined) continue;
    const header = headerHere(which, downstream);
    const other = downstream ? pair.after : pair.before;
    const differs = replaceShown(run, header, (uri) => (uri === other.uri ? undefined : other));
    if (differs && (downstream || two || run.env.dialect !== 'kamailio')) restoreReplies(run, header);
  }
}

/**
 * Restores From and To of a request whose dialog stores what was replaced in its first request; false where the dialog
 * stores nothing. It needs no Record-Route, which topology hiding removes.
 */
export function restoreInDialog(run: MessageRun): boolean {
  const { modules } = run.env;
  if (run.call.message.toTag === '' || !modules.loaded.has('uac') || modules.of(uac).mode !== 'auto') return false;
  const dialog = keeper(run);
  if (dialog?.replaced.caller === undefined && dialog?.replaced.callee === undefined) return false;
  const state = restoredByDialog.of(run.call);
  if (!state.done) restoreByDialog(run, dialog);
  state.done = true;
  return true;
}

/** uac_restore_from() and uac_restore_to(). */
export function restoreExplicitly(run: MessageRun, header: Header): number {
  return run.env.modules.loaded.has('uac') && restoreRequest(run, header) ? 1 : -1;
}

/** Hooks that restore From and To in replies and requests of a call in which uac_replace has changed them. */
export const uacHooks: ScriptHooks<MessageRun> = {
  received: [],
  began: [
    ({ call }, transaction) => {
      if (changed.known(call) !== undefined) follow(call, transaction);
    },
  ],
  routed: [
    (run) => {
      if (run.env.modules.of(uac).mode !== 'auto' || run.call.message.toTag === '') return;
      if (restoreInDialog(run)) return;
      restoreRequest(run, 'from');
      restoreRequest(run, 'to');
    },
  ],
  acknowledged: [],
  cancelled: [],
};
