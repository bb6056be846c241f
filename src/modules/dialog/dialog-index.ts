import type { Dialog } from './dialog.js';

const NONE: readonly Dialog[] = [];

/** The dialogs of a process, found by their ids, or by Call-ID and tags. */
export class DialogIndex {
  private readonly byId = new Map<string, Dialog>();
  private readonly byCall = new Map<string, Dialog[]>();

  /** Number of dialogs. */
  get size(): number {
    return this.byId.size;
  }

  /** Adds a dialog that is not here yet. */
  add(dialog: Dialog): void {
    this.byId.set(dialog.did, dialog);
    const others = this.byCall.get(dialog.callId);
    if (others === undefined) this.byCall.set(dialog.callId, [dialog]);
    else others.push(dialog);
  }

  /** Removes a dialog; nothing happens when it is not here. */
  remove(dialog: Dialog): void {
    this.byId.delete(dialog.did);
    const others = this.byCall.get(dialog.callId)?.filter((each) => each !== dialog) ?? [];
    if (others.length === 0) this.byCall.delete(dialog.callId);
    else this.byCall.set(dialog.callId, others);
  }

  /** All dialogs. */
  all(): Iterable<Dialog> {
    return this.byId.values();
  }

  /** Those of one Call-ID. */
  ofCall(callId: string): readonly Dialog[] {
    return this.byCall.get(callId) ?? NONE;
  }

  /** Those with this value under this name; one without a value counts as empty. */
  withValue(name: string, wanted: string): Dialog[] {
    return [...this.all()].filter(({ values }) => String(values.get(name) ?? '') === wanted);
  }

  /** A dialog by both parts of its id, as Record-Route names it. */
  find(entry: number, id: number): Dialog | undefined {
    return this.byId.get(`${entry.toString(16)}.${id.toString(16)}`);
  }

  /** By the value of the did parameter. */
  byDid(did: string): Dialog | undefined {
    return this.byId.get(did);
  }

  /** The dialog of a Call-ID and, where they are given, its tags. */
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
