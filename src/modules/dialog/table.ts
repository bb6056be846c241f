import type { SharedValues } from '../../core/shared-values.js';
import { uriParam } from '../../core/uri.js';
import type { KeptValue, ValueMap } from '../../core/value-map.js';
import type { Call, MessageRun } from '../../script/call.js';
import type { ScriptEnvironment } from '../../script/environment.js';
import { PerCall } from '../../script/per-call.js';
import { emptyRequest } from '../../script/service-routes.js';
import type { TransactionState } from '../../script/state.js';
import type { SipMessage } from '../../sip/message.js';
import { learnCallee } from './callee.js';
import { DialogCounters } from './counters.js';
import { ACKNOWLEDGED, CONFIRMED, contactAtHand, Dialog, EARLY, ENDED, type Side } from './dialog.js';
import { DialogIndex, weightOf } from './dialog-index.js';
import { renumber, restoreNumbers } from './numbers.js';
import { noPendingSettings, type PendingSettings } from './pending-settings.js';
import { startPings } from './pings.js';
import { Profiles } from './profiles.js';
import { sendByes } from './requests-within.js';
import { runEvent, runRoute, stateEvent } from './routes.js';
import { sessionOf } from './session-timers.js';
import type { DialogSettings } from './settings.js';
import { storeShown } from './shown.js';

/** Maximum number of dialogs with one Call-ID (forks and spirals). */
const MAX_OF_ONE_CALL = 32;

/** Milliseconds for which a transaction is kept after its final reply. */
const FAILED_MS = 5000;

const PLACEHOLDER = 'sip:you@kamailio.org';

/** Receives state changes of dialogs. Must not throw. */
export interface DialogListener {
  changed(dialog: Dialog, from: number): void;
}

/**
 * The dialogs of this process; profiles, counters and ids may be shared by several. They are kept when the file is
 * reloaded.
 */
export class DialogTable {
  /** Dialogs whose event route for dlg_bye() is running. */
  private readonly announcing = new Set<Dialog>();
  readonly listeners: DialogListener[] = [];
  /** Finds dialogs by their ids, Call-IDs and tags. */
  readonly index = new DialogIndex();
  private readonly current = new WeakMap<Call, Dialog>();
  private readonly pending = new PerCall<PendingSettings>(noPendingSettings);
  private last = 0;
  /** Shared counter for the last id of all processes. */
  private ids: ValueMap<KeptValue> | undefined = undefined;

  constructor(
    public settings: DialogSettings,
    readonly profiles = new Profiles(),
    readonly counters = new DialogCounters(),
  ) {}

  /**
   * From now on counters, profiles and ids are shared with other processes. Must be called before there are dialogs.
   */
  share(values: SharedValues): void {
    this.ids = values.lastingTable('dialog ids', 1);
    this.counters.share(values);
    this.profiles.share(values);
  }

  /** A table without dialogs, with copies of the profiles and counters. */
  copy(): DialogTable {
    const copy = new DialogTable(this.settings, this.profiles.copy(), this.counters.copy());
    copy.last = this.last;
    return copy;
  }

  /** The dialog of a call's current message. */
  of(run: Pick<MessageRun, 'call'>): Dialog | undefined {
    return this.current.get(run.call);
  }

  /** Like `of`; if the message has not been matched yet, also looks by Call-ID and tags. */
  lookUp(call: Call): Dialog | undefined {
    const known = this.current.get(call);
    if (known !== undefined) return known;
    const { message } = call;
    if (message.toTag === '' && message.method !== 'CANCEL') return undefined;
    return this.index.findCall(message.callId, message.fromTag, message.toTag);
  }

  /** What a script has set for the dialog before it begins. */
  pendingSettings(call: Call): PendingSettings {
    return this.pending.of(call);
  }

  /** Sets the dialog of a call (dlg_get, load_dialog_ctx); undefined for none. */
  use(call: Call, dialog: Dialog | undefined): void {
    if (dialog === undefined) this.current.delete(call);
    else this.current.set(call, dialog);
  }

  /** Begins the dialog of an INVITE; undefined when there are too many, or the request cannot begin one. */
  begin(run: MessageRun): Dialog | undefined {
    const { call, env } = run;
    const { message } = call;
    const known = this.current.get(call);
    if (known !== undefined) return known;
    if (message.method !== 'INVITE' || message.toTag !== '') return undefined;
    // As recorded, a spiral of Kamailio is part of the dialog that its first pass began.
    if (env.dialect === 'kamailio' && this.settings.spirals) {
      const first = this.index
        .ofCall(message.callId)
        .find(({ caller, state }) => caller.tag === message.fromTag && state !== ENDED);
      if (first !== undefined) {
        this.current.set(call, first);
        return first;
      }
    }
    // Looking up takes time in proportion to the dialogs with this Call-ID, which a peer chooses.
    const others = this.index.ofCall(message.callId);
    if (others.length >= MAX_OF_ONE_CALL) {
      const ended = others.find(({ state }) => state === ENDED);
      if (ended === undefined) return undefined;
      this.remove(ended);
    }
    const { shares } = this.index;
    if (!env.peers.admits('dialogs', shares, env.maxDialogs, call.source.address, weightOf(message.text)))
      return undefined;
    const preset = this.pendingSettings(call);
    const lifetime = preset.lifetime ?? this.lifetimeByAvp(call) ?? this.settings.lifetime;
    const dialog = new Dialog(
      hashOf(message.callId),
      this.nextId(),
      call,
      env.clock.now(),
      lifetime,
      contactAtHand(run),
    );
    dialog.byeOnTimeout = preset.bye || this.settings.sendsBye;
    dialog.flags = preset.flags;
    dialog.timeoutRoute = preset.timeoutRoute;
    for (const [name, value] of preset.values) dialog.setValue(name, value);
    this.index.add(dialog);
    this.current.set(call, dialog);
    env.claims?.claim(message.callId);
    if (this.settings.matchMode !== 2) call.rrParams += `;${this.settings.rrParam}=${dialog.did}`;
    for (const { profile, value } of preset.profiles) this.profiles.add(dialog, profile, value, true);
    this.counters.add('processed');
    if (run.transaction !== undefined) this.follow(run, dialog);
    else {
      (call.afterRoute ??= []).push(() => {
        if (!dialog.attached) this.remove(dialog);
      });
    }
    return dialog;
  }

  /** Follows a dialog through the transaction of its INVITE. */
  follow(run: Pick<MessageRun, 'call' | 'transaction'>, dialog: Dialog): void {
    const { transaction } = run;
    if (dialog.attached || transaction === undefined) return;
    dialog.attached = true;
    storeShown(dialog, 'caller', transaction);
    transaction.watch({
      passed: (status, _reason, reply) => {
        if (dialog.state >= CONFIRMED) return;
        if (status > 100 && status < 200) this.to(dialog, EARLY);
        else if (status >= 200 && status < 300) this.confirm(run.call, dialog, reply);
      },
      ended: (status, reply) => {
        if (status >= 300) this.end(dialog, run.call, '', status, reply);
      },
    });
  }

  /** Handles a request that follows our Route: finds its dialog and applies the request to it. */
  routed(run: MessageRun): Dialog | undefined {
    const { call } = run;
    const { message } = call;
    const { rrParam } = this.settings;
    // By default Kamailio matches by the parameter only.
    const matchMode = this.settings.matchMode ?? (call.env.dialect === 'kamailio' ? 0 : 1);
    const did = matchMode === 2 ? undefined : uriParam(call.matchedRouteParams ?? '', rrParam);
    let dialog = did === undefined ? undefined : this.index.byDid(did);
    // The parameter comes from the peer, so the dialog must have the Call-ID of the message.
    if (dialog !== undefined && dialog.callId !== message.callId) dialog = undefined;
    if (dialog === undefined && matchMode !== 0)
      dialog = this.index.findCall(message.callId, message.fromTag, message.toTag);
    if (dialog === undefined || message.toTag === '') return undefined;
    // As recorded: Record-Route of a request inside the dialog has the parameter too.
    if (call.env.dialect === 'kamailio' && matchMode !== 2 && this.of(run) !== dialog)
      call.rrParams += `;${rrParam}=${dialog.did}`;
    this.taken(run, dialog);
    return dialog;
  }

  /** Applies a request to its dialog. */
  taken(run: MessageRun, dialog: Dialog): void {
    const { call } = run;
    const { message } = call;
    if (this.current.get(call) === dialog && dialog.call !== call) return;
    this.current.set(call, dialog);
    dialog.direction = message.fromTag === dialog.caller.tag ? 'caller' : 'callee';
    const leg = dialog.leg(dialog.direction);
    dialog.lastCseq = leg.cseq;
    const shift = leg.numbers.of(message.method, message.cseqNumber);
    if (shift > 0) renumber(run, shift);
    if (message.method === 'ACK') {
      if (dialog.state === CONFIRMED) this.to(dialog, ACKNOWLEDGED);
      return;
    }
    if (message.cseqNumber > leg.cseq) leg.cseq = message.cseqNumber;
    // A target refresh (RFC 3261 section 12.2.1.2, RFC 3311 section 5.1).
    if (message.method === 'INVITE' || message.method === 'UPDATE') leg.contact = contactAtHand(run) || leg.contact;
    if (message.method === 'BYE') {
      this.end(dialog, call, dialog.direction === 'caller' ? 'Downstream BYE' : 'Upstream BYE', 0);
      return;
    }
    const lifetime = this.lifetimeByAvp(call);
    if (lifetime !== undefined) this.setLifetime(run, dialog, lifetime);
  }

  /** The lifetime in milliseconds that `timeout_avp` sets for the dialog of a request; undefined: none. */
  private lifetimeByAvp(call: Call): number | undefined {
    const value = this.settings.timeoutAvp?.evaluateValue(call.scope);
    // As recorded, Kamailio accepts an integer only, not a text of digits.
    const seconds = typeof value === 'string' && call.env.dialect === 'kamailio' ? 0 : Number(value ?? 0);
    return seconds > 0 ? seconds * 1000 : undefined;
  }

  /**
   * A request inside a dialog creates a transaction. Its replies get the received CSeq number. A re-INVITE or UPDATE
   * may refresh the session timer: the interval in its answer applies from then on.
   */
  within(run: MessageRun, transaction: TransactionState): void {
    const dialog = this.of(run);
    if (dialog === undefined) return;
    const { message } = run.call;
    const { method } = message;
    if (dialog.leg(dialog.direction).numbers.shift > 0) restoreNumbers(message, transaction);
    if (method !== 'INVITE' && method !== 'UPDATE') return;
    storeShown(dialog, dialog.direction, transaction);
    if (!dialog.timed) return;
    transaction.watch({
      passed: (status, _reason, reply) => {
        if (status < 200 || status >= 300 || dialog.state === ENDED) return;
        const seconds = reply === undefined ? undefined : sessionOf(reply);
        this.setLifetime(run, dialog, seconds === undefined ? this.settings.lifetime : seconds * 1000);
      },
    });
  }

  /**
   * The request of a transaction is sent with a CSeq number that is raised by an amount: with credentials, or because
   * the script says so. False without a dialog.
   */
  raiseNumber(run: Pick<MessageRun, 'call' | 'message' | 'edits'>, transaction: TransactionState, by = 1): boolean {
    const { message } = run.call;
    const dialog = this.of(run);
    if (dialog === undefined || dialog.state === ENDED) return false;
    const side = message.toTag === '' ? 'caller' : dialog.direction;
    const { numbers } = dialog.leg(side);
    const first = numbers.of(message.method, message.cseqNumber) === 0;
    numbers.raise(message.cseqNumber, by);
    renumber(run, numbers.shift);
    if (first) restoreNumbers(message, transaction);
    return true;
  }

  /** Sets the time after which the dialog ends, in milliseconds from now or, before the answer, from the answer. */
  setLifetime(run: Pick<MessageRun, 'env' | 'call'>, dialog: Dialog, ms: number): void {
    dialog.lifetime = ms;
    if (dialog.isAnswered) this.arm(run.call, dialog);
  }

  /**
   * Kamailio's dlg_bye(). As recorded, the end is announced before the BYEs are answered, and the BYE of a side that
   * got none announces it again; a dialog that has no reply yet is left alone. In the route of the announcement itself
   * it fails:
   Kamailio calls the two in turn until it crashes.
   */
  byeByScript(dialog: Dialog, side: Side | 'both'): number {
    if (dialog.state < EARLY || this.announcing.has(dialog)) return -1;
    if (!dialog.isAnswered) {
      void this.hangUp(dialog, 'script', side);
      return 1;
    }
    sendByes(dialog, side, '');
    this.announcing.add(dialog);
    try {
      runEvent(dialog.call, 'dialog:end', placeholderOf(dialog.call.env));
    } finally {
      this.announcing.delete(dialog);
    }
    if (side !== 'both') return 1;
    dialog.announced = true;
    dialog.call.env.clock.schedule(0, () => this.end(dialog, dialog.call, 'script', 0));
    return 1;
  }

  /** Ends a dialog by BYE to both sides, for a command or a function. */
  async hangUp(dialog: Dialog, reason: string, side: Side | 'both' = 'both', lines = ''): Promise<void> {
    const before = dialog.state;
    if (dialog.isAnswered) sendByes(dialog, side, lines);
    else if (before < CONFIRMED) dialog.call.transaction?.cancelBranches(lines);
    if (side === 'both' && before >= CONFIRMED)
      this.end(dialog, dialog.call, reason, 0, placeholderOf(dialog.call.env));
  }

  private nextId(): number {
    const { ids } = this;
    if (ids === undefined) return ++this.last;
    return ids.alone(() => {
      const id = Number(ids.get('last', 0) ?? 0) + 1;
      ids.set('last', id, undefined);
      return id;
    });
  }

  private confirm(call: Call, dialog: Dialog, reply: SipMessage | undefined): void {
    const { clock } = call.env;
    dialog.answered = clock.monotonic();
    dialog.answeredAt = clock.now();
    if (reply !== undefined) learnCallee(call, dialog, reply);
    const session = dialog.timed && reply !== undefined ? sessionOf(reply) : undefined;
    if (session !== undefined) dialog.lifetime = session * 1000;
    this.to(dialog, CONFIRMED);
    this.arm(call, dialog);
    startPings(dialog, this.settings.pings, (reason) => {
      if (dialog.state !== ENDED) void this.hangUp(dialog, reason);
    });
    if (dialog.endsOnRace && call.transaction?.cancelled === true) this.endLater(dialog);
    runEvent(call, 'dialog:start', reply ?? placeholderOf(call.env));
    if (dialog.answerRoute !== undefined) runRoute(dialog.call, dialog.answerRoute);
  }

  /** The caller cancelled, but the callee had answered. */
  private endLater(dialog: Dialog): void {
    dialog.call.env.clock.schedule(this.settings.raceMs, () => {
      if (dialog.state !== ENDED) void this.hangUp(dialog, 'SIP Race Condition');
    });
  }

  private arm(call: Call, dialog: Dialog): void {
    dialog.stopTimer?.();
    dialog.expires = call.env.clock.monotonic() + dialog.lifetime;
    dialog.stopTimer = call.env.clock.schedule(Math.min(dialog.lifetime, MAX_WAIT), () => this.expired(call, dialog));
  }

  private expired(call: Call, dialog: Dialog): void {
    const left = dialog.expires - call.env.clock.monotonic();
    if (left > 0) {
      dialog.stopTimer = call.env.clock.schedule(Math.min(left, MAX_WAIT), () => this.expired(call, dialog));
      return;
    }
    // OpenSIPS' dlg_on_timeout(): the route may prolong the dialog.
    const prolongs = call.env.dialect === 'opensips' && dialog.timeoutRoute !== undefined;
    if (prolongs) {
      runRoute(dialog.call, dialog.timeoutRoute ?? '');
      if (dialog.state === ENDED || dialog.expires > call.env.clock.monotonic()) return;
    }
    this.counters.add('expired');
    if (dialog.timed) this.counters.add('expiredSessions');
    call.env.peerLog.info(
      { callId: dialog.callId, bye: dialog.byeOnTimeout },
      'script: a dialog has reached its lifetime',
    );
    if (dialog.byeOnTimeout) sendByes(dialog, 'both', '');
    if (dialog.timeoutRoute !== undefined && !prolongs) {
      this.current.set(dialog.call, dialog);
      runRoute(dialog.call, dialog.timeoutRoute, placeholderOf(call.env));
    }
    this.end(dialog, dialog.call, 'Lifetime Timeout', 0, placeholderOf(call.env));
  }

  /** `failed`: the final status of an INVITE that failed. */
  private end(dialog: Dialog, call: Call, reason: string, failed: number, reply?: SipMessage): void {
    if (dialog.state === ENDED) return;
    dialog.endReason = reason;
    dialog.endedAt = call.env.clock.now();
    if (failed !== 0) {
      this.counters.add('failed');
      dialog.answeredAt = dialog.endedAt;
    }
    this.to(dialog, ENDED);
    this.current.set(call, dialog);
    const { clock, dialect } = call.env;
    const kamailio = dialect === 'kamailio';
    // As recorded, when the reply was generated here, Kamailio's route handles a placeholder.
    const seen = failed !== 0 ? (reply ?? placeholderOf(call.env)) : reply;
    if (!dialog.announced) runEvent(call, failed === 0 ? 'dialog:end' : 'dialog:failed', seen);
    if (failed === 0 && dialog.hangupRoute !== undefined) runRoute(dialog.call, dialog.hangupRoute);
    // As recorded, Kamailio still finds a failed dialog while its transaction is kept.
    if (kamailio && failed !== 0) {
      dialog.stopTimer?.();
      this.profiles.leave(dialog);
      dialog.stopTimer = clock.schedule(FAILED_MS, () => this.remove(dialog));
    } else this.remove(dialog);
    for (const each of dialog.atEnd) each(call);
  }

  private remove(dialog: Dialog): void {
    dialog.stopTimer?.();
    dialog.stopTimer = undefined;
    dialog.stopPings?.();
    this.setState(dialog, ENDED);
    this.profiles.leave(dialog);
    this.index.remove(dialog);
    const { claims } = dialog.call.env;
    if (dialog.hidden?.callId !== undefined) claims?.release(dialog.hidden.callId);
    if (this.index.ofCall(dialog.callId).length === 0) claims?.release(dialog.callId);
  }

  private to(dialog: Dialog, state: number): void {
    const from = dialog.state;
    if (from === state) return;
    this.setState(dialog, state);
    for (const each of this.listeners) each.changed(dialog, from);
    stateEvent(dialog, from);
  }

  /** Sets the state, and counts dialogs by state. */
  private setState(dialog: Dialog, state: number): void {
    const { state: from, isAnswered } = dialog;
    dialog.state = state;
    this.counters.add('early', Number(state === EARLY) - Number(from === EARLY));
    this.counters.add('active', Number(dialog.isAnswered) - Number(isAnswered));
  }
}

/** As recorded, what Kamailio's event routes handle where no message caused the event. */
function placeholderOf(env: ScriptEnvironment): SipMessage | undefined {
  return env.dialect === 'kamailio' ? emptyRequest(env, PLACEHOLDER)?.message : undefined;
}

/** Maximum delay of a timer in Node. */
const MAX_WAIT = 2_000_000_000;

function hashOf(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (hash * 31 + text.charCodeAt(i)) | 0;
  return (hash >>> 0) % 4096;
}
