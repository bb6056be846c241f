import { detachedDestination } from './compiled-destination.js';
import type { Destination } from './destination.js';
import { GivenTargets, NO_TARGETS, type Targets } from './failover.js';
import type { Partition } from './partition.js';
import type { Choice, CountedCall } from './selection.js';

/** Values of an AVP, the newest first; index 0 is used next. */
export type AvpValues = readonly (string | number)[];

/** An AVP whose values are in the failover lists. */
export interface ListAvp {
  readonly name: string;
  get(): AvpValues;
  set(values: AvpValues): void;
}

/** Maximum number of selections of one call whose lists are kept. */
const MAX_STACKED = 64;

/** The targets of one selection. */
interface List {
  readonly head: Destination;
  readonly rest: Targets;
  /** The call that this selection counted. */
  readonly call: CountedCall | undefined;
}

/** Longest list that a script can read or write. */
const MAX_VALUES = 10_000;

/**
 * The selections of one transaction in one partition: the destination in use and the targets after it. Scripts can read
 * and write them as AVPs like those of the original, where dst_avp begins with the destination in use and each
 * ds_next_dst drops the first value. A list is made only when it is read.
 */
export class TargetLists {
  /** The destination used last, which ds_mark_dst marks. */
  current: Destination | undefined = undefined;
  group = 0;
  /** Number of targets of the last selection that did not fail; undefined when there is none. */
  count: number | undefined = undefined;
  /**
   * The call that moves with the targets of the list in use (Kamailio). In a strict partition a list has it only if its
   * own selection counted the call, as recorded.
   */
  call: CountedCall | undefined = undefined;
  /** The call that any of the lists counts as load (Kamailio). */
  counted: CountedCall | undefined = undefined;
  /** Further destinations to which the request is sent at the same time (Kamailio's algorithm 12). */
  branches: readonly Destination[] | undefined = undefined;
  /** First value of dst_avp, which the next `next` drops. Undefined when the list is empty. */
  private head: Destination | undefined = undefined;
  private rest: Targets = NO_TARGETS;
  /** The lists after `rest`. */
  private later: List[] | undefined = undefined;
  /** How many of the last lists in `later` belong to earlier selections. */
  private older = 0;
  /**
   * Values of attrs_avp, if they no longer correspond to dst_avp: a script wrote them, or a strict partition let them
   * diverge.
   */
  private attrsValues: string[] | undefined = undefined;
  /** Hops to which the request has been sent; undefined while a target may be tried twice. */
  private tried: Set<string> | undefined = undefined;
  private socketValues: string[] | undefined = undefined;

  constructor(readonly partition: Partition) {}

  /**
   * Replaces the lists by those of a new selection. `keep`: whether there is a list at all (flag f, or further sets
   * follow); without it, the list of an earlier selection may remain, depending on the flavour.
   */
  replaceBy(choice: Choice, setId: number, keep: boolean): void {
    if (!keep && this.partition.flavour.leavesOlderSelection) {
      this.putBefore(choice, setId, false);
      return;
    }
    const { head } = this;
    if (head === undefined || !this.partition.flavour.stacksSelections) this.later = undefined;
    else if ((this.later?.length ?? 0) < MAX_STACKED)
      (this.later ??= []).unshift({ head, rest: asSelected(this.rest), call: this.call });
    this.older = this.later?.length ?? 0;
    this.tried = undefined;
    this.attrsValues = undefined;
    this.socketValues = undefined;
    this.head = keep ? (choice.head ?? choice.destination) : undefined;
    this.rest = choice.rest;
    this.use(choice, setId);
  }

  /**
   * Adds a selection with flag a: its list is put before the existing ones; without flag f only the destination in use
   * changes.
   */
  putBefore(choice: Choice, setId: number, keep: boolean): void {
    if (keep) {
      if (this.attrsValues !== undefined) this.attrsValues.unshift(...attrsOf(choice.destination, choice.rest));
      if (this.head !== undefined) (this.later ??= []).unshift({ head: this.head, rest: this.rest, call: this.call });
      this.head = choice.destination;
      this.rest = choice.rest;
    } else if (this.partition.options.compat === 'strict' && this.head !== undefined) {
      // OpenSIPS adds a value to attrs_avp only, so from here on each hop shows the attributes of the hop before it.
      this.attrsValues = [choice.destination.row.attrs, ...(this.attrsValues ?? this.listed().map(attrsOfOne))];
    }
    this.use(choice, setId);
  }

  /**
   * After a selection without a list of its own (Kamailio's algorithm 12): where lists are stacked, that of the earlier
   * selection is used again, as recorded.
   */
  useOlder(): void {
    if (this.head !== undefined || !this.partition.flavour.stacksSelections) return;
    const list = this.later?.shift();
    if (list === undefined) return;
    this.head = list.head;
    this.rest = list.rest;
    this.call = list.call;
    this.older--;
  }

  /** Adds the list of a further set after all others of this selection. */
  putAfter(choice: Choice): void {
    const { call } = choice;
    this.counted = call ?? this.counted;
    if (this.head === undefined) {
      this.head = choice.head ?? choice.destination;
      this.rest = choice.rest;
      this.call = call;
      return;
    }
    const later = (this.later ??= []);
    const at = Math.max(0, later.length - this.older);
    later.splice(at, 0, { head: choice.head ?? choice.destination, rest: choice.rest, call });
  }

  /** From now on this call moves with the targets of all lists. */
  countBy(call: CountedCall): void {
    this.call = call;
    this.counted = call;
  }

  /** Proceeds to the next target. When there is none, returns undefined, and the last one stays in use. */
  next(): Destination | undefined {
    const { call } = this;
    if (call === undefined) return this.step();
    // A target that is not full must not become full before the call counts there.
    call.enter();
    try {
      return this.step();
    } finally {
      call.leave();
    }
  }

  private step(): Destination | undefined {
    if (this.head === undefined) return undefined;
    const strict = this.partition.options.compat === 'strict';
    let target: Destination | undefined;
    do {
      target = this.rest.next();
      if (target === undefined) {
        const following = this.later?.shift();
        if (following === undefined) {
          // Kamailio drops the last target before it looks for the next one.
          if (this.partition.flavour.dropsLastTarget) this.head = undefined;
          return undefined;
        }
        target = following.head;
        this.rest = following.rest;
        if (strict) this.call = following.call;
      }
    } while (this.tried?.has(hopOf(target)) === true);
    this.tried?.add(hopOf(target));
    this.head = target;
    this.current = target;
    this.call?.moveTo(target);
    this.attrsValues?.shift();
    this.socketValues?.shift();
    if (!strict) this.group = target.setId;
    return target;
  }

  /** ds_set_dst: makes the first target of the list the destination in use. Undefined when the list is empty. */
  useFirst(): Destination | undefined {
    const { head } = this;
    if (head === undefined || head === this.current) return head;
    this.current = head;
    this.call?.moveTo(head);
    return head;
  }

  /** The first target of the list, which is usually the destination in use. Undefined when the list is empty. */
  get first(): Destination | undefined {
    return this.head;
  }

  /** The value of attrs_avp: the attributes of the destination in use, or ''. */
  get attrs(): string {
    return this.attrsValues === undefined ? (this.current?.row.attrs ?? '') : (this.attrsValues[0] ?? '');
  }

  /** Socket to send from; '' for any. */
  get socket(): string {
    return this.socketValues?.[0] ?? this.current?.row.socket ?? '';
  }

  /** The targets in order of dst_avp; at most 10,000. */
  listed(): Destination[] {
    const all: Destination[] = [];
    if (this.head === undefined) return all;
    collect(this.head, this.rest, all);
    for (const part of this.later ?? []) collect(part.head, part.rest, all);
    if (this.tried === undefined) return all;
    const seen = new Set<string>();
    return all.filter((each) => !seen.has(hopOf(each)) && seen.add(hopOf(each)));
  }

  /** From now on a target that was tried, or occurs earlier in the list, is skipped. Recounts the list. */
  tryOnce(): void {
    if (this.head === undefined || this.current === undefined) return;
    this.tried = new Set([hopOf(this.current)]);
    this.count = this.listed().length;
  }

  /** The AVPs of the partition, for scripts to read and write. */
  avps(): ListAvp[] {
    const { options } = this.partition;
    const avps: ListAvp[] = [
      { name: options.dstAvp, get: () => this.listed().map((each) => each.dialUri), set: (v) => this.setTargets(v) },
      { name: options.grpAvp, get: () => this.ifUsed(this.group), set: (v) => (this.group = numberOf(v)) },
      { name: options.cntAvp, get: () => this.ifUsed(this.count ?? 0), set: (v) => (this.count = numberOf(v)) },
      {
        name: options.sockAvp,
        get: () => this.socketValues ?? this.listed().map((each) => each.row.socket),
        set: (v) => (this.socketValues = v.slice(0, MAX_VALUES).map(String)),
      },
    ];
    if (options.attrsAvp !== undefined) {
      avps.push({
        name: options.attrsAvp,
        get: () => this.attrsValues ?? this.attrsInStep(),
        set: (v) => (this.attrsValues = v.slice(0, MAX_VALUES).map(String)),
      });
    }
    return avps;
  }

  private use(choice: Choice, setId: number): void {
    this.current = choice.destination;
    this.group = setId;
    if (choice.cut !== true) this.count = choice.count;
    this.call = choice.call;
    this.counted = choice.call ?? this.counted;
    this.branches = choice.branches;
  }

  private ifUsed(value: number): AvpValues {
    return this.current === undefined ? [] : [value];
  }

  private attrsInStep(): string[] {
    if (this.current === undefined) return [];
    return [this.current.row.attrs, ...this.listed().slice(1).map(attrsOfOne)];
  }

  /** A script wrote the list, as dst_avp: known destinations are found by URI; any other URI is used unchanged. */
  setTargets(values: AvpValues): void {
    const known = new Map<string, Destination>();
    for (const destination of this.listed()) known.set(destination.dialUri, destination);
    const targets: Destination[] = [];
    for (const value of values.slice(0, MAX_VALUES)) {
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
  if (into.length < MAX_VALUES) into.push(head);
  const targets = rest.copy();
  while (into.length < MAX_VALUES) {
    const target = targets.next();
    if (target === undefined) return;
    into.push(target);
  }
}

/**
 * The targets as they are now: as recorded, a target of an earlier selection is tried even if it has gone down since.
 */
function asSelected(rest: Targets): Targets {
  const all: Destination[] = [];
  for (let target = rest.next(); target !== undefined && all.length < MAX_VALUES; target = rest.next())
    all.push(target);
  return new GivenTargets(all);
}

function attrsOf(head: Destination, rest: Targets): string[] {
  const all: Destination[] = [];
  collect(head, rest, all);
  return all.map(attrsOfOne);
}

/** The hop of a destination: address and socket. Two targets with the same hop count as one. */
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
