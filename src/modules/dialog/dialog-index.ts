import { PeerShare } from '../../core/peer-share.js';
import type { Dialog } from './dialog.js';

const NONE: readonly Dialog[] = [];

/** Characters of an INVITE up to which its dialog counts as one, as a power of two. */
const UNIT_BITS = 12;

/** The dialogs of a process, found by their ids, or by Call-ID and tags. */
export class DialogIndex {
  private readonly byId = new Map<string, Dialog>();
  private readonly byCall = new Map<string, Dialog[]>();
  /** How much of them each source of an INVITE holds. */
  readonly shares = new PeerShare();
  /** What each dialog that counts more than one counted when it was added: a script may replace its INVITE later. */
  private readonly weights = new Map<string, number>();

  /** Number of dialogs. */
  get size(): number {
    return this.byId.size;
  }

  /** Adds a dialog that is not here yet. */
  add(dialog: Dialog): void {
    this.byId.set(dialog.did, dialog);
    const { message, source } = dialog.call;
    const weight = weightOf(message.text);
    if (weight > 1) this.weights.set(dialog.did, weight);
    this.shares.add(source.address, weight);
    const others = this.byCall.get(dialog.callId);
    if (others === undefined) this.byCall.set(dialog.callId, [dialog]);
    else others.push(dialog);
  }

  /** Removes a dialog; does nothing when it is not in the index. */
  remove(dialog: Dialog): void {
    if (this.byId.delete(dialog.did)) {
      this.shares.remove(dialog.call.source.address, this.weights.get(dialog.did));
      this.weights.delete(dialog.did);
    }
    const others = this.byCall.get(dialog.callId)?.filter((each) => each !== dialog) ?? [];
    if (others.length === 0) this.byCall.delete(dialog.callId);
    else this.byCall.set(dialog.callId, others);
  }

  /** All dialogs. */
  all(): Iterable<Dialog> {
    return this.byId.values();
  }

  /** All dialogs with a Call-ID. */
  ofCall(callId: string): readonly Dialog[] {
    return this.byCall.get(callId) ?? NONE;
  }

  /** The dialogs with a value under a name; a dialog without that name counts as having "". */
  withValue(name: string, wanted: string): Dialog[] {
    return [...this.all()].filter(({ values }) => String(values.get(name) ?? '') === wanted);
  }

  /** The dialog with an id, given as the two numbers in Record-Route. */
  find(entry: number, id: number): Dialog | undefined {
    return this.byId.get(`${entry.toString(16)}.${id.toString(16)}`);
  }

  /** The dialog with a did, the value of the did parameter. */
  byDid(did: string): Dialog | undefined {
    return this.byId.get(did);
  }

  /** The dialog with a Call-ID and, if given, tags. */
  findCall(callId: string, fromTag?: string, toTag?: string): Dialog | undefined {
    return this.ofCall(callId).find(
      ({ caller, callee }) =>
        fromTag === undefined ||
        (caller.tag === fromTag &&
          (toTag === undefined || toTag === '' || callee.tag === '' || callee.tag === toTag)) ||
        (callee.tag !== '' && callee.tag === fromTag && (toTag === undefined || toTag === '' || caller.tag === toTag)),
    );
  }
}

/** What a dialog counts, since it keeps the INVITE: so a maximum of dialogs also bounds memory. */
export function weightOf(invite: string): number {
  return 1 + (invite.length >> UNIT_BITS);
}
