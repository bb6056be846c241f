import type { Destination } from '../../engine/destination.js';
import { type BranchTarget, branchTargets } from '../../engine/kamailio/branches.js';
import { MAX_FURTHER_BRANCHES } from '../../engine/kamailio/choose.js';
import { kamailioOf } from '../../engine/kamailio/flavour.js';
import type { Partition } from '../../engine/partition.js';
import { sendingSocket } from './sending-socket.js';
import type { ExtraTarget, SelectingCall } from './site.js';

/** Where a selection is written: into $du, into the request-URI, or only into the list. */
export type Target = 'dst' | 'domain' | 'list';

/** The selection written last, which $du or the request-URI holds. */
interface Written {
  readonly partition: Partition;
  readonly target: 'dst' | 'domain';
  readonly uri: string;
}

/** The selections that the functions of a script have made for one call, and where they were written. */
export class Selections {
  /** Partition and sets of the last selection, when it found nothing; for the call record of a refused request. */
  unsuccessful: { readonly partition: string; readonly sets: readonly number[] } | undefined = undefined;
  private partitions: readonly Partition[] = [];
  private written: Written | undefined = undefined;
  /** Whether a selection, not the script, has set the socket to send from. */
  private socketSelected = false;

  constructor(private readonly call: SelectingCall) {}

  /** Partitions whose lists the script has used, the last used one at the end. */
  get used(): readonly Partition[] {
    return this.partitions;
  }

  /** The Kamailio partition used last. */
  get lastKamailio(): Partition | undefined {
    return this.partitions.findLast((each) => kamailioOf(each) !== undefined);
  }

  /**
   * Writes the current destination of a partition into $du or the request-URI. False when there is none, or it cannot
   * be written. `isSelection`: it was selected just now, not taken from the list of an earlier selection.
   */
  use(partition: Partition, target: 'dst' | 'domain', isSelection = false): boolean {
    const { call } = this;
    const destination = call.dispatch.current(partition);
    if (destination === undefined) return false;
    this.show(partition);
    const uri =
      target === 'dst'
        ? this.writeNextHop(partition.flavour.nextHopOf(destination))
        : this.writeRequestUri(partition, destination.dialUri);
    if (uri === undefined) return false;
    this.written = { partition, target, uri };
    this.writeSocket(partition, destination, isSelection && partition.flavour.leavesOlderSelection);
    const attrs = call.env.scriptAttrsAvp?.(partition.name);
    if (attrs !== undefined) call.pvars.avps.replace(attrs, [destination.health.scriptAttrs ?? '']);
    return true;
  }

  /** Takes the next destination of a partition. False when there is none. */
  next(partition: Partition, target: 'dst' | 'domain'): boolean {
    this.show(partition);
    return this.call.dispatch.next(partition) !== undefined && this.use(partition, target);
  }

  /** Like `next`, for the partition and target written last. */
  following(): boolean {
    const { written } = this;
    return written !== undefined && this.next(written.partition, written.target);
  }

  /**
   * The destination that `uri` was written for; `uri` is the current $du (`isNextHop`) or request-URI. Undefined when
   * no selection wrote it.
   */
  destinationOf(uri: string, isNextHop: boolean): Destination | undefined {
    const { written } = this;
    return written?.uri === uri && (written.target === 'dst') === isNextHop
      ? this.call.dispatch.current(written.partition)
      : undefined;
  }

  /** Forgets the selection: the script has set another target, and sends from a socket it chooses. */
  abandon(): void {
    if (this.socketSelected) this.call.sendFrom(undefined);
    this.socketSelected = false;
    this.written = undefined;
  }

  /**
   * Adds the parallel targets of a selection as branches; for `list`, the first target too. False when there are too
   * many.
   */
  addParallel(partition: Partition, target: Target): boolean {
    const { call } = this;
    const lists = call.dispatch.of(partition);
    if (lists?.branches === undefined || lists.current === undefined) return true;
    const { requestUri } = call;
    const ofFirst = lists.branches[0]?.setId === lists.current.setId || lists.branches.length === 0;
    const all = target === 'list' && ofFirst ? [lists.current, ...lists.branches] : lists.branches;
    let fit = all.length <= MAX_FURTHER_BRANCHES;
    for (const each of branchTargets(lists, requestUri, target === 'domain' ? 'domain' : 'dst', all)) {
      if (!call.addTarget(this.extra(each, partition, requestUri))) fit = false;
    }
    return fit;
  }

  /**
   * From now on the AVPs of a partition read and write its failover lists; values that a script has written before are
   * moved into the lists.
   */
  show(partition: Partition): void {
    const known = this.partitions;
    if (known[known.length - 1] === partition) return;
    const fresh = !known.includes(partition);
    this.partitions = [...known.filter((each) => each !== partition), partition];
    const { dispatch, pvars } = this.call;
    const used = dispatch.current(partition) !== undefined;
    for (const avp of dispatch.open(partition).avps()) {
      const before = fresh && !used ? pvars.avps.all(avp.name) : [];
      pvars.avps.registerVirtual(avp.name, avp);
      if (before.length > 0) avp.set(before);
    }
  }

  /** The request has its final status: by default its call stops counting, or counts until its dialog ends. */
  ended(code: number, cancelled: boolean): void {
    for (const partition of this.partitions) {
      const call = this.call.dispatch.of(partition)?.counted;
      // In a strict partition the script does this (ds_load_update, ds_load_unset), but it does not see a CANCEL.
      if (call === undefined || (partition.options.compat === 'strict' && !cancelled)) continue;
      if (code >= 200 && code < 300) call.confirm();
      else call.end();
    }
  }

  private writeNextHop(uri: string): string {
    this.call.sendTo(uri);
    return uri;
  }

  private writeRequestUri(partition: Partition, dialUri: string): string | undefined {
    const { dispatch, pvars, requestUri } = this.call;
    const uri = dispatch.rewriteRequestUri(partition, requestUri) ?? partition.flavour.unwritableRequestUri;
    if (uri !== undefined) {
      pvars.setRequestUri(uri);
      this.call.leadsTo(uri, dialUri);
    }
    return uri;
  }

  private writeSocket(partition: Partition, destination: Destination, keeps: boolean): void {
    const { dispatch, env } = this.call;
    const socket =
      partition.flavour.socketOf === 'selection'
        ? (dispatch.of(partition)?.socket ?? '')
        : (sendingSocket(destination, partition.flavour, env.sockets)?.description ?? '');
    if (socket === '' && (!this.socketSelected || keeps)) return;
    this.call.sendFrom(socket === '' ? undefined : socket);
    this.socketSelected = socket !== '';
  }

  private extra({ destination, requestUri, byNextHop }: BranchTarget, partition: Partition, now: string): ExtraTarget {
    return {
      requestUri: requestUri ?? now,
      destinationUri: byNextHop ? partition.flavour.nextHopOf(destination) : undefined,
      sendSocket: sendingSocket(destination, partition.flavour, this.call.env.sockets)?.description,
      destination,
    };
  }
}
