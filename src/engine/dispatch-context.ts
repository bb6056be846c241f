import { FLAG } from './algorithms/algorithm.js';
import type { Destination } from './destination.js';
import type { Flavour, RequestUris } from './flavour.js';
import { CallToCome } from './kamailio/call-to-come.js';
import { beginsCall, CALL_LOAD, chooseKamailio } from './kamailio/choose.js';
import { kamailioOf } from './kamailio/flavour.js';
import { kamailioRequestUri } from './kamailio/request-uri.js';
import type { RoutesMode, SelectRoutes } from './kamailio/select-routes.js';
import type { Partition } from './partition.js';
import type { RequestView } from './request-view.js';
import type { SelectFailure, SelectTarget } from './selection.js';
import { TargetLists } from './target-lists.js';

/**
 * `selected`: `current` is the destination to send to. `kept`: with flag s, a destination had been set already and
 * nothing was done. `failed`: nothing was changed; `failure` says why.
 */
export type SelectVerdict = 'selected' | 'kept' | 'failed';

/**
 * The selections of one transaction (or stateless message), for each partition: the destination in use, the targets
 * that remain for failover, and the AVPs that scripts see. It is cheap to create; lists are made when they are read.
 */
export class DispatchContext {
  /** Why the last selection failed. */
  failure: SelectFailure | undefined = undefined;
  private lists: TargetLists | undefined = undefined;
  private others: Map<string, TargetLists> | undefined = undefined;
  private requestUris: RequestUris | undefined = undefined;
  /** The flavour whose rules `requestUris` follows. */
  private rewritesAs: Flavour['name'] | undefined = undefined;

  /**
   * Selects from one set without flag s (the hot path). Returns the destination, now in use, or undefined. When the
   * selection failed because of a destination without duid, those before it are in use all the same (recorded).
   */
  selectOne(partition: Partition, target: SelectTarget, request: RequestView): Destination | undefined {
    const choice = partition.flavour.choose(partition.snapshot, target, request);
    if (typeof choice === 'string') {
      this.failure = choice;
      return undefined;
    }
    // In a kamailio partition, a parameter of the module may require to keep the list, whatever the flags of this
    // selection.
    const keep = (target.flags & FLAG.failover) !== 0 || choice.count > 0;
    const lists = this.open(partition);
    if ((target.flags & FLAG.append) === 0) lists.replaceBy(choice, target.setId, keep);
    else lists.putBefore(choice, target.setId, keep);
    if (choice.branches !== undefined) lists.useOlder();
    if (choice.cut !== true) return choice.destination;
    this.failure = 'a destination has no duid';
    return undefined;
  }

  /**
   * Tries the sets in order: the first one with a destination provides the destination in use, and the later ones
   * append their lists. `destinationIsSet`: the message has a destination already (for flag s). Lists of sets are an
   * old form of OpenSIPS 2.1, where flag f without "M n" keeps only the chosen destination of each set; a strict
   * partition does the same.
   */
  select(
    partition: Partition,
    targets: readonly SelectTarget[],
    request: RequestView,
    destinationIsSet = false,
  ): SelectVerdict {
    if (destinationIsSet && ((targets[0]?.flags ?? 0) & FLAG.keepSet) !== 0) return 'kept';
    const only = targets.length === 1 ? targets[0] : undefined;
    if (only !== undefined) return this.selectOne(partition, only, request) === undefined ? 'failed' : 'selected';

    const anyFailover = targets.some((target) => (target.flags & FLAG.failover) !== 0);
    const shortened = partition.flavour.listKeepsOne;
    let lists: TargetLists | undefined;
    for (const target of targets) {
      // Without flag f, a later set adds nothing.
      if (lists !== undefined && (target.flags & FLAG.failover) === 0) continue;
      const choice = partition.flavour.choose(partition.snapshot, shortened ? keepingOne(target) : target, request);
      if (typeof choice === 'string') {
        this.failure = choice;
      } else if (lists !== undefined) {
        lists.putAfter(choice);
      } else {
        lists = this.open(partition);
        if ((target.flags & FLAG.append) === 0) lists.replaceBy(choice, target.setId, anyFailover);
        else lists.putBefore(choice, target.setId, anyFailover);
      }
    }
    return lists === undefined ? 'failed' : 'selected';
  }

  /**
   * ds_select_routes: the targets of several sets, in the order of the rules and within a set in the order of its
   * algorithm. Sets without an active destination are skipped. A target that is in several sets is tried once. A strict
   * partition tries it each time, as recorded, uses the groups before a syntax error in the rules, and fails although
   * there are targets where a destination without duid ended each group. `mode`: where
   * the first target is written. If that is the request-URI, later groups hash the new request-URI (recorded).
   */
  selectRoutes(
    partition: Partition,
    routes: SelectRoutes,
    request: RequestView,
    mode: RoutesMode = 'destination',
  ): SelectVerdict {
    const kamailio = kamailioOf(partition);
    const strict = partition.options.compat === 'strict';
    if (kamailio === undefined || (routes.problem !== undefined && !strict)) return 'failed';
    this.failure = undefined;
    let lists: TargetLists | undefined;
    let seen = request;
    let count = 0;
    let groups = 0;
    let whole = false;
    const earlier = this.of(partition)?.count;
    const counting = new Set<number>();
    for (const target of routes.targets) {
      const counts = strict || lists === undefined;
      const choice = chooseKamailio(partition.snapshot, kamailio, target, seen, count, counts);
      if (typeof choice === 'string') {
        this.failure = choice;
        continue;
      }
      groups++;
      whole ||= choice.cut !== true;
      if (!counts && target.algorithm === CALL_LOAD && beginsCall(request)) counting.add(target.setId);
      count += choice.count;
      if (lists === undefined) {
        lists = this.open(partition);
        if (mode === 'request-uri')
          seen = withRequestUri(request, kamailioRequestUri(request.requestUri, choice.destination, strict));
        // Parallel targets are not part of the list, which begins with the next set (recorded). By default the
        // destination in use comes before the list; if none is set, all parallel targets become branches.
        const before = choice.branches !== undefined && !strict && mode !== 'list';
        lists.replaceBy(choice, target.setId, choice.count > 0 || before);
      } else if (choice.branches !== undefined) {
        lists.branches = [...(lists.branches ?? []), choice.destination, ...choice.branches];
      } else if (choice.count > 0) {
        lists.putAfter(choice);
      }
    }
    if (lists === undefined) return 'failed';
    lists.count = whole ? count : earlier;
    if (lists.branches !== undefined) lists.useOlder();
    if (groups > 1 && !strict) lists.tryOnce();
    if (counting.size > 0 && lists.call === undefined)
      lists.countBy(new CallToCome(kamailio.calls, request.callId, counting));
    if (whole) return routes.problem === undefined ? 'selected' : 'failed';
    this.failure = 'a destination has no duid';
    return 'failed';
  }

  /** ds_next_dst, ds_next_domain: proceeds to the next target; undefined when there is none. */
  next(partition: Partition): Destination | undefined {
    return this.of(partition)?.next();
  }

  /** The destination used last in a partition, which ds_mark_dst marks. */
  current(partition: Partition): Destination | undefined {
    return this.of(partition)?.current;
  }

  /** The lists of a partition; undefined before a selection in it succeeded. */
  of(partition: Partition): TargetLists | undefined {
    if (this.lists?.partition === partition) return this.lists;
    return this.others?.get(partition.name);
  }

  /** The lists of a partition, created if there are none: scripts may write a partition's AVPs before a selection. */
  open(partition: Partition): TargetLists {
    const known = this.of(partition);
    if (known !== undefined) return known;
    const lists = new TargetLists(partition);
    if (this.lists === undefined) this.lists = lists;
    else (this.others ??= new Map()).set(partition.name, lists);
    return lists;
  }

  /**
   * The request-URI with host, port and parameters of the destination in use; undefined when there is none, or the URI
   * has no host.
   */
  rewriteRequestUri(partition: Partition, ruri: string): string | undefined {
    const destination = this.current(partition);
    if (destination === undefined) return undefined;
    const { flavour } = partition;
    if (this.requestUris === undefined || this.rewritesAs !== flavour.name) {
      this.requestUris = flavour.requestUris();
      this.rewritesAs = flavour.name;
    }
    return this.requestUris.rewrite(ruri, destination);
  }
}

/** The target with only its chosen destination to be kept, unless it gives a number. */
function keepingOne(target: SelectTarget): SelectTarget {
  return target.maxResults === Number.POSITIVE_INFINITY ? { ...target, maxResults: 1 } : target;
}

/** The request with another request-URI; unchanged when `requestUri` is undefined. */
function withRequestUri(request: RequestView, requestUri: string | undefined): RequestView {
  if (requestUri === undefined) return request;
  return Object.create(request, { requestUri: { value: requestUri } }) as RequestView;
}
