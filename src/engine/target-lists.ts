import { detachedDestination } from './compiled-destination.js';
import type { Destination } from './destination.js';
import { GivenTargets, NO_TARGETS, type Targets } from './failover.js';
import type { Partition } from './partition.js';
import type { Choice, CountedCall } from './selection.js';

/** Values of an AVP, the newest first: index 0 is what is used next. */
export type AvpValues = readonly (string | number)[];

/** An AVP whose values live in the failover lists. */
export interface ListAvp {
  readonly name: string;
  get(): AvpValues;
  set(values: AvpValues): void;
}

/** Selections of one call whose lists are kept one after the other. */
const MOST_STACKED = 64;

/** Longest list a script gets to see or may write. */
const MOST_VALUES = 10_000;

/**
 * What one transaction keeps of its selections in one partition: the destination in use and the targets after it. It
 * answers as the original's AVPs would, where dst_avp begins with the destination in use and each ds_next_dst drops the
 * first value; but no list is made until it is read.
 */
export class TargetLists {
  /** Destination last used: what ds_mark_dst marks. */
  current: Destination | undefined = undefined;
  group = 0;
  count = 0;
  /** A selection that failed half way has targets and no number of them. */
  uncounted = false;
  /** The call that counts for the destination in use (Kamailio's call load). */
  call: CountedCall | undefined = undefined;
  /** Further targets of the same request at the same time (Kamailio's algorithm 12). */
  branches: readonly Destination[] | undefined = undefined;
  /** First value of dst_avp: dropped by the next `next`. Undefined when the list is empty. */
  private head: Destination | undefined = undefined;
  private rest: Targets = NO_TARGETS;
  /** Lists that follow `rest`. */
  private later: { readonly head: Destination; readonly rest: Targets }[] | undefined = undefined;
  /** How many of `later`, at its end, belong to earlier selections. */
  private older = 0;
  /** attrs_avp where it no longer runs along with dst_avp: written by a script, or out of step in a strict partition. */
  private attrsValues: string[] | undefined = undefined;
  /** Where the request was sent already; undefined while targets may repeat. */
  private tried: Set<string> | undefined = undefined;
  private socketValues: string[] | undefined = undefined;

  constructor(readonly partition: Partition) {}

  /**
   * Takes over a selection that replaces what was there. `keep`: with flag f, or when other sets of a list follow; without
   * it the list of an earlier selection may stay, as the flavour says.
   */
  replaceBy(choice: Choice, setId: number, keep: boolean): void {
    if (!keep && this.partition.flavour.leavesOlderSelection) {
      this.putBefore(choice, setId, false);
      return;
    }
    const { head } = this;
    this.uncounted = false;
    if (head === undefined || !this.partition.flavour.stacksSelections) this.later = undefined;
    else if ((this.later?.length ?? 0) < MOST_STACKED)
      (this.later ??= []).unshift({ head, rest: asSelected(this.rest) });
    this.older = this.later?.length ?? 0;
    this.tried = undefined;
    this.attrsValues = undefined;
    this.socketValues = undefined;
    this.head = keep ? (choice.head ?? choice.destination) : undefined;
    this.rest = choice.rest;
    this.use(choice, setId);
  }

  /** Takes over a selection with flag a: its list goes before what was there; without flag f only the destination is. */
  putBefore(choice: Choice, setId: number, keep: boolean): void {
    if (keep) {
      if (this.attrsValues !== undefined) this.attrsValues.unshift(...attrsOf(choice.destination, choice.rest));
      if (this.head !== undefined) (this.later ??= []).unshift({ head: this.head, rest: this.rest });
      this.head = choice.destination;
      this.rest = choice.rest;
    } else if (this.partition.options.compat === 'strict' && this.head !== undefined) {
      // The original adds to attrs_avp alone, so from here on each hop shows the attributes of the one before it.
      this.attrsValues = [choice.destination.row.attrs, ...(this.attrsValues ?? this.listed().map(attrsOfOne))];
    }
    this.use(choice, setId);
  }

  /** Adds the list of a further set after all others of this selection. */
  putAfter(choice: Choice): void {
    if (this.head === undefined) {
      this.head = choice.head ?? choice.destination;
      this.rest = choice.rest;
      return;
    }
    const later = (this.later ??= []);
    const at = Math.max(0, later.length - this.older);
    later.splice(at, 0, { head: choice.head ?? choice.destination, rest: choice.rest });
  }

  /** Goes on to the next target, which becomes the one in use. Undefined, and that stays in use, when there is none. */
  next(): Destination | undefined {
    if (this.head === undefined) return undefined;
    let target: Destination | undefined;
    do {
      target = this.rest.next();
      if (target === undefined) {
        const following = this.later?.shift();
        if (following === undefined) {
          // Kamailio drops a target's record before it looks for the next one.
          if (this.partition.flavour.dropsLastTarget) this.head = undefined;
          return undefined;
        }
        target = following.head;
        this.rest = following.rest;
      }
    } while (this.tried?.has(hopOf(target)) === true);
    this.tried?.add(hopOf(target));
    this.head = target;
    this.current = target;
    this.call?.moveTo(target);
    this.attrsValues?.shift();
    this.socketValues?.shift();
    if (this.partition.options.compat !== 'strict') this.group = target.setId;
    return target;
  }

  /** ds_set_dst: the first of the list is the destination in use, if it is not already. Undefined when the list is empty. */
  useFirst(): Destination | undefined {
    const { head } = this;
    if (head === undefined || head === this.current) return head;
    this.current = head;
    this.call?.moveTo(head);
    return head;
  }

  /** The first of the list: the destination in use while the list goes with it. Undefined when the list is empty. */
  get first(): Destination | undefined {
    return this.head;
  }

  /** What attrs_avp holds: attributes of the destination in use, '' for none. */
  get attrs(): string {
    return this.attrsValues === undefined ? (this.current?.row.attrs ?? '') : (this.attrsValues[0] ?? '');
  }

  /** Socket to send from, '' for any. */
  get socket(): string {
    return this.socketValues?.[0] ?? this.current?.row.socket ?? '';
  }

  /** Targets in order, the first value of dst_avp first; at most 10,000. */
  listed(): Destination[] {
    const all: Destination[] = [];
    if (this.head === undefined) return all;
    collect(this.head, this.rest, all);
    for (const part of this.later ?? []) collect(part.head, part.rest, all);
    if (this.tried === undefined) return all;
    const seen = new Set<string>();
    return all.filter((each) => !seen.has(hopOf(each)) && seen.add(hopOf(each)));
  }

  /** From here on a target that was tried, or occurs earlier in the list, is passed over. Counts what is left. */
  tryOnce(): void {
    if (this.head === undefined || this.current === undefined) return;
    this.tried = new Set([hopOf(this.current)]);
    this.count = this.listed().length;
  }

  /** The partition's AVPs as a script may read and write them. */
  avps(): ListAvp[] {
    const { options } = this.partition;
    const avps: ListAvp[] = [
      { name: options.dstAvp, get: () => this.listed().map((each) => each.dialUri), set: (v) => this.writeTargets(v) },
      { name: options.grpAvp, get: () => this.ifUsed(this.group), set: (v) => (this.group = numberOf(v)) },
      { name: options.cntAvp, get: () => this.ifUsed(this.count), set: (v) => (this.count = numberOf(v)) },
      {
        name: options.sockAvp,
        get: () => this.socketValues ?? this.listed().map((each) => each.row.socket),
        set: (v) => (this.socketValues = v.slice(0, MOST_VALUES).map(String)),
      },
    ];
    if (options.attrsAvp !== undefined) {
      avps.push({
        name: options.attrsAvp,
        get: () => this.attrsValues ?? this.attrsInStep(),
        set: (v) => (this.attrsValues = v.slice(0, MOST_VALUES).map(String)),
      });
    }
    return avps;
  }

  private use(choice: Choice, setId: number): void {
    this.current = choice.destination;
    this.group = setId;
    this.count = choice.count;
    this.call = choice.call;
    this.branches = choice.branches;
  }

  private ifUsed(value: number): AvpValues {
    return this.current === undefined ? [] : [value];
  }

  private attrsInStep(): string[] {
    if (this.current === undefined) return [];
    return [this.current.row.attrs, ...this.listed().slice(1).map(attrsOfOne)];
  }

  /** A script wrote dst_avp: known destinations are found again, any other URI is dialled unchanged. */
  private writeTargets(values: AvpValues): void {
    const known = new Map<string, Destination>();
    for (const destination of this.listed()) known.set(destination.dialUri, destination);
    const targets: Destination[] = [];
    for (const value of values.slice(0, MOST_VALUES)) {
      const uri = String(value);
      const target =
        known.get(uri) ??
        this.partition.find(this.group, uri) ??
        detachedDestination(this.partition.name, this.group, uri, '');
      if (target !== undefined) targets.push(target);
    }
    this.head = targets.shift();
    this.rest = new GivenTargets(targets);
    this.later = undefined;
  }
}

function collect(head: Destination, rest: Targets, into: Destination[]): void {
  if (into.length < MOST_VALUES) into.push(head);
  const targets = rest.copy();
  while (into.length < MOST_VALUES) {
    const target = targets.next();
    if (target === undefined) return;
    into.push(target);
  }
}

/** Targets as they are now: as recorded, what a list of an earlier selection names is tried although it went down since. */
function asSelected(rest: Targets): Targets {
  const all: Destination[] = [];
  for (let target = rest.next(); target !== undefined && all.length < MOST_VALUES; target = rest.next())
    all.push(target);
  return new GivenTargets(all);
}

function attrsOf(head: Destination, rest: Targets): string[] {
  const all: Destination[] = [];
  collect(head, rest, all);
  return all.map(attrsOfOne);
}

/** What makes two targets the same to a caller: where they go and from which socket. */
function hopOf(destination: Destination): string {
  const { socket, sockname } = destination.row;
  return `${destination.dialUri}\n${sockname ?? socket}`;
}

function attrsOfOne(destination: Destination): string {
  return destination.row.attrs;
}

function numberOf(values: AvpValues): number {
  const value = Number(values[0] ?? 0);
  return Number.isFinite(value) ? value : 0;
}
