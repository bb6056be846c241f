import { AgedMap } from '../../core/aged-map.js';
import type { Adder } from '../../core/owned-entries.js';
import type { PeerTableName } from '../../sip/peer-tables.js';

/** One end of a dialog, with what is hidden from the other end. */
export interface End {
  /** URI of its Contact; '' while it is unknown. */
  readonly contact: string;
  /** Its Record-Route values, in the order of the request or reply. */
  readonly routes: readonly string[];
}

/** A dialog, beginning with its first request. */
export interface HiddenDialog {
  /** Name in the Contact that each side sees. */
  readonly id: string;
  readonly callId: string;
  readonly callerTag: string;
  /** Our own Record-Route values in the callee's order, the one facing the callee first. */
  readonly own: readonly string[];
  /** Users for contact_mode 1: of the caller's Contact, and of the request-URI. */
  readonly users: { readonly caller: string; readonly callee: string };
  /** The source of its first request. */
  readonly by?: Adder | undefined;
  caller: End;
  /** The ends that have replied, by tag: a forked request may have several. */
  readonly callees: Map<string, End>;
}

/** A forwarded request, found by the branch parameter of our Via. */
export interface HiddenRequest {
  readonly dialog: HiddenDialog;
  readonly method: string;
  /** "d": from the caller of the dialog; "u": from the callee. */
  readonly direction: 'd' | 'u';
  /** Via values below ours. */
  readonly vias: readonly string[];
  /** Record-Route values of this proxy, and those of the received request. */
  readonly own: readonly string[];
  readonly routes: readonly string[];
  /** Whether the request begins the dialog. */
  readonly initial: boolean;
}

/** Maximum number of callees stored for one dialog. */
const MAX_CALLEES = 16;
/** Maximum number of stored requests and of dialogs of each kind, and of their characters. */
const MAX_RECORDS = 200_000;
const MAX_SIZE = 64 * 1024 * 1024;
/**
 * Milliseconds for which an ended dialog or answered request is kept, since retransmissions may come (RFC 3261: 64*T1).
 */
const ENDED = 40_000;

/**
 * What topology hiding keeps in memory: requests until they are answered, and dialogs for `dialog_expire` seconds after
 * their last request. Unanswered requests have maps of their own, so that they cannot displace calls in progress.
 */
export class TopologyRecords {
  private readonly open: AgedMap<HiddenRequest>;
  private readonly answered = mapOf<HiddenRequest>(ENDED, 'hidden_requests');
  private readonly early: AgedMap<HiddenDialog>;
  private readonly confirmed: AgedMap<HiddenDialog>;
  private readonly ended = mapOf<HiddenDialog>(ENDED, 'hidden_dialogs');

  /** Times in seconds. `before`: records that are taken over with the new times. */
  constructor(branchExpire: number, dialogExpire: number, now = 0, before?: TopologyRecords) {
    this.open = mapOf(branchExpire * 1000, 'hidden_requests');
    this.early = mapOf(branchExpire * 1000, 'hidden_dialogs');
    this.confirmed = mapOf(dialogExpire * 1000, 'hidden_dialogs', MAX_SIZE * 2);
    if (before === undefined) return;
    for (const name of ['open', 'answered'] as const) renew(this[name], before[name], now, ({ dialog }) => dialog.by);
    for (const name of ['early', 'confirmed', 'ended'] as const) renew(this[name], before[name], now, ({ by }) => by);
  }

  /** The dialog with a name. */
  dialog(id: string, now: number): HiddenDialog | undefined {
    return this.confirmed.get(id, now) ?? this.early.get(id, now) ?? this.ended.get(id, now);
  }

  /** The request with this branch parameter in our Via. */
  request(branch: string, now: number): HiddenRequest | undefined {
    return this.open.get(branch, now) ?? this.answered.get(branch, now);
  }

  /** Stores a request that is sent, and its dialog. */
  leaves(branch: string, request: HiddenRequest, now: number): void {
    this.open.set(branch, request, requestSize(request), now, request.dialog.by);
    this.kept(request.dialog, now);
  }

  /** Stores a dialog that has not ended, with its current size. */
  kept(dialog: HiddenDialog, now: number): void {
    if (this.ended.get(dialog.id, now) !== undefined) return;
    const isConfirmed = this.confirmed.get(dialog.id, now) !== undefined;
    (isConfirmed ? this.confirmed : this.early).set(dialog.id, dialog, dialogSize(dialog), now, dialog.by);
  }

  /** A final reply was received. `confirms`: the dialog is established; `ends`: it has ended. */
  final(branch: string, request: HiddenRequest, outcome: 'confirms' | 'ends' | 'neither', now: number): void {
    this.open.delete(branch);
    this.answered.set(branch, request, requestSize(request), now, request.dialog.by);
    if (outcome === 'neither') return;
    const { dialog } = request;
    const ended = this.ended.get(dialog.id, now) !== undefined;
    if (ended && outcome === 'confirms') return;
    this.early.delete(dialog.id);
    this.confirmed.delete(dialog.id);
    (outcome === 'ends' ? this.ended : this.confirmed).set(dialog.id, dialog, dialogSize(dialog), now, dialog.by);
  }

  /** Numbers of stored dialogs and requests. */
  get counts(): { readonly dialogs: number; readonly requests: number } {
    return {
      dialogs: this.early.count + this.confirmed.count + this.ended.count,
      requests: this.open.count + this.answered.count,
    };
  }
}

/** Stores a callee of a dialog, unless `MAX_CALLEES` are stored already. */
export function keepCallee(dialog: HiddenDialog, tag: string, end: End): void {
  if (dialog.callees.has(tag) || dialog.callees.size < MAX_CALLEES) dialog.callees.set(tag, end);
}

function mapOf<T>(lifetime: number, table: PeerTableName, maxSize = MAX_SIZE): AgedMap<T> {
  return new AgedMap<T>(lifetime, MAX_RECORDS, maxSize, table);
}

function renew<T>(map: AgedMap<T>, before: AgedMap<T>, now: number, by: (value: T) => Adder | undefined): void {
  for (const [key, value, at, size] of before.entries(now)) map.set(key, value, size, at, by(value));
}

function sizeOf(...texts: readonly string[]): number {
  return texts.reduce((sum, each) => sum + each.length, 200);
}

function requestSize({ vias, routes, own }: HiddenRequest): number {
  return sizeOf(...vias, ...routes, ...own);
}

function dialogSize({ callId, callerTag, users, caller, callees, own }: HiddenDialog): number {
  let size = sizeOf(callId, callerTag, users.caller, users.callee, caller.contact, ...caller.routes, ...own);
  for (const [tag, { contact, routes }] of callees) size += sizeOf(tag, contact, ...routes);
  return size;
}
