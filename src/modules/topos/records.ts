import { AgedMap } from '../../core/aged-map.js';

/** One end of a dialog as the other end is not to see it. */
export interface End {
  /** URI of its Contact; '' while it is not known. */
  readonly contact: string;
  /** Its Record-Route values, in the order in which they stand in the request or the reply. */
  readonly routes: readonly string[];
}

/** A dialog, from its first request on. */
export interface HiddenDialog {
  /** Stands in the Contact that each side sees. */
  readonly id: string;
  readonly callId: string;
  readonly callerTag: string;
  /** Our own Record-Route values as the callee would see them, the one that faces it first. */
  readonly own: readonly string[];
  /** Users that contact_mode 1 shows: of the caller's Contact, and of the request-URI. */
  readonly users: { readonly caller: string; readonly callee: string };
  caller: End;
  /** Ends that have answered, by their tag: a request may be answered by several. */
  readonly callees: Map<string, End>;
}

/** A request on its way, by the branch of our Via. */
export interface HiddenRequest {
  readonly dialog: HiddenDialog;
  readonly method: string;
  /** "d": from the caller of the dialog; "u": from the callee. */
  readonly direction: 'd' | 'u';
  /** Via values below ours. */
  readonly vias: readonly string[];
  /** Record-Route values of this proxy, and those that came with the request. */
  readonly own: readonly string[];
  readonly routes: readonly string[];
  /** It begins the dialog. */
  readonly initial: boolean;
}

/** Callees of one dialog whose addresses are kept. */
const MOST_CALLEES = 16;
/** Requests and dialogs of a kind that are kept, and their characters. */
const MOST = 200_000;
const MOST_SIZE = 64 * 1024 * 1024;
/** How long what has ended is kept, in milliseconds: retransmissions may come (RFC 3261: 64*T1). */
const ENDED = 40_000;

/**
 * What topology hiding keeps in memory: requests until they are answered, dialogs for `dialog_expire` seconds from their last request on.
 * What nobody has answered cannot drive out calls in progress: it has maps of its own.
 */
export class TopologyRecords {
  private readonly open: AgedMap<HiddenRequest>;
  private readonly answered = new AgedMap<HiddenRequest>(ENDED, MOST, MOST_SIZE);
  private readonly early: AgedMap<HiddenDialog>;
  private readonly confirmed: AgedMap<HiddenDialog>;
  private readonly ended = new AgedMap<HiddenDialog>(ENDED, MOST, MOST_SIZE);

  /** In seconds. `before`: what was kept until now goes on under the new times. */
  constructor(branchExpire: number, dialogExpire: number, now = 0, before?: TopologyRecords) {
    this.open = new AgedMap(branchExpire * 1000, MOST, MOST_SIZE);
    this.early = new AgedMap(branchExpire * 1000, MOST, MOST_SIZE);
    this.confirmed = new AgedMap(dialogExpire * 1000, MOST, MOST_SIZE * 2);
    if (before === undefined) return;
    for (const name of ['open', 'answered'] as const) renew(this[name], before[name], now);
    for (const name of ['early', 'confirmed', 'ended'] as const) renew(this[name], before[name], now);
  }

  /** A dialog by its name. */
  dialog(id: string, now: number): HiddenDialog | undefined {
    return this.confirmed.get(id, now) ?? this.early.get(id, now) ?? this.ended.get(id, now);
  }

  /** A request by the branch of our Via. */
  request(branch: string, now: number): HiddenRequest | undefined {
    return this.open.get(branch, now) ?? this.answered.get(branch, now);
  }

  /** A request that leaves; its dialog is kept from now on. */
  leaves(branch: string, request: HiddenRequest, now: number): void {
    this.open.set(branch, request, sizeOf(...request.vias, ...request.routes, ...request.own), now);
    this.kept(request.dialog, now);
  }

  /** A dialog that has not ended is kept from now on, at the size it has now. */
  kept(dialog: HiddenDialog, now: number): void {
    if (this.ended.get(dialog.id, now) !== undefined) return;
    const isConfirmed = this.confirmed.get(dialog.id, now) !== undefined;
    (isConfirmed ? this.confirmed : this.early).set(dialog.id, dialog, dialogSize(dialog), now);
  }

  /** A final reply has come. `confirms`: the dialog lasts; `ends`: it is over. */
  final(branch: string, request: HiddenRequest, outcome: 'confirms' | 'ends' | 'neither', now: number): void {
    this.open.delete(branch);
    this.answered.set(branch, request, sizeOf(...request.vias, ...request.routes, ...request.own), now);
    if (outcome === 'neither') return;
    const { dialog } = request;
    const ended = this.ended.get(dialog.id, now) !== undefined;
    if (ended && outcome === 'confirms') return;
    this.early.delete(dialog.id);
    this.confirmed.delete(dialog.id);
    (outcome === 'ends' ? this.ended : this.confirmed).set(dialog.id, dialog, dialogSize(dialog), now);
  }

  /** Dialogs and requests that are kept. */
  get counts(): { readonly dialogs: number; readonly requests: number } {
    return {
      dialogs: this.early.count + this.confirmed.count + this.ended.count,
      requests: this.open.count + this.answered.count,
    };
  }
}

/** Keeps what is known of a callee; of more than `MOST_CALLEES` the last ones are not. */
export function keepCallee(dialog: HiddenDialog, tag: string, end: End): void {
  if (dialog.callees.has(tag) || dialog.callees.size < MOST_CALLEES) dialog.callees.set(tag, end);
}

function renew<T>(map: AgedMap<T>, before: AgedMap<T>, now: number): void {
  for (const [key, value, at, size] of before.entries(now)) map.set(key, value, size, at);
}

function sizeOf(...texts: readonly string[]): number {
  return texts.reduce((sum, each) => sum + each.length, 200);
}

function dialogSize({ callId, callerTag, users, caller, callees, own }: HiddenDialog): number {
  let size = sizeOf(callId, callerTag, users.caller, users.callee, caller.contact, ...caller.routes, ...own);
  for (const [tag, { contact, routes }] of callees) size += sizeOf(tag, contact, ...routes);
  return size;
}
