import { trimmed } from '../../core/characters.js';
import { kamailioOf } from '../../engine/kamailio/flavour.js';
import { parseRoutes, type RoutesMode, routesMode } from '../../engine/kamailio/select-routes.js';
import type { Partition } from '../../engine/partition.js';
import { parseSelectArguments, type SelectParameters } from '../../engine/select-arguments.js';
import type { DispatcherCallSite } from './call.js';
import { kamailioFor, NOT_KAMAILIO, numberFor, partitionFor, setReference } from './references.js';
import type { Target } from './selections.js';

/** Names of the functions, by where they write the selection. */
const SELECT: Readonly<Record<Target, string>> = {
  dst: 'ds_select_dst',
  domain: 'ds_select_domain',
  list: 'ds_select',
};

/** Counts a selection and writes it to its target. Returns 1; 2 when there were too many branches; -1. */
function selected(
  { call }: DispatcherCallSite,
  partition: Partition,
  target: Target,
  good: boolean,
  sets: readonly { readonly setId: number }[],
): number {
  const { tally } = call.env;
  if (!good) {
    tally.failed(partition.name);
    call.selections.unsuccessful = { partition: partition.name, sets: sets.map(({ setId }) => setId) };
    return -1;
  }
  call.selections.unsuccessful = undefined;
  tally.selected(partition.name);
  if (target === 'list') call.selections.show(partition);
  else if (!call.selections.use(partition, target, true)) {
    call.dispatch.of(partition)?.call?.end();
    return -1;
  }
  return call.selections.addParallel(partition, target) ? 1 : 2;
}

/**
 * Like `selected`. As recorded, a selection that fails because a destination has no duid writes the first of those
 * before it.
 */
function selectedKamailio(
  site: DispatcherCallSite,
  partition: Partition,
  target: Target,
  good: boolean,
  sets: readonly { readonly setId: number }[],
): number {
  const { call } = site;
  if (!good && call.dispatch.failure === 'a destination has no duid') {
    if (target === 'list') call.selections.show(partition);
    else call.selections.use(partition, target, true);
  }
  return selected(site, partition, target, good, sets);
}

/** Whether $du is set while force_dst is off: then a selection must not overwrite $du. */
function keepsNextHop({ env, pvars }: DispatcherCallSite, target: Target): boolean {
  return target === 'dst' && env.forceDst === false && pvars.destinationUri !== undefined;
}

/**
 * ds_select_dst and ds_select_domain of OpenSIPS. `dialect` says which forms of the arguments are accepted: those of
 * today's version, or those of 2.1 too.
 */
export function selectOpensips(
  site: DispatcherCallSite,
  target: 'dst' | 'domain',
  dialect: SelectParameters['dialect'],
  set: string,
  alg: string,
  flags: string | undefined,
  partition: string | undefined,
  maxResults: string | undefined,
): number {
  const all = dialect === 'both' ? withDefaults(flags, site.env.selectFlags) : flags;
  const given = parseSelectArguments({ set, alg, flags: all, partition, maxResults, dialect });
  if (typeof given === 'string') return site.refused(SELECT[target], given);
  const found = partitionFor(site, SELECT[target], given.partition);
  if (found === undefined) return -1;
  const { call } = site;
  const isSet = target === 'dst' && call.pvars.destinationUri !== undefined;
  const verdict = call.dispatch.select(found, given.targets, call.view, isSet);
  return verdict === 'kept' ? 1 : selected(site, found, target, verdict === 'selected', given.targets);
}

/** Adds the file's default flags to a call that gives no flags, or only a number of destinations. */
function withDefaults(flags: string | undefined, letters: string | undefined): string | undefined {
  if (letters === undefined) return flags;
  if (flags === undefined || trimmed(flags) === '') return letters;
  return /^[ \t\r\n]*\d+[ \t\r\n]*$/.test(flags) ? `${letters} M ${trimmed(flags)}` : flags;
}

/** ds_select_dst, ds_select_domain and ds_select of Kamailio. */
export function selectKamailio(
  site: DispatcherCallSite,
  target: Target,
  set: string,
  alg: string,
  limit: string | undefined,
  partition: string | undefined,
): number {
  const name = SELECT[target];
  const found = setReference(site.env.engine, set, partition);
  if (typeof found === 'string') return site.refused(name, found);
  if (kamailioOf(found.partition) === undefined) return site.refused(name, NOT_KAMAILIO);
  const { setId } = found;
  if (setId === undefined) return site.refused(name, 'no set is named');
  // As recorded, an empty text counts as 0.
  const algorithm = numberFor(site, name, 'algorithm', alg === '' ? '0' : alg);
  const max = numberFor(site, name, 'limit', limit === '' ? '0' : limit);
  if (algorithm === undefined || max === undefined || keepsNextHop(site, target)) return -1;
  const maxResults = max > 0 ? max : Number.POSITIVE_INFINITY;
  const { call } = site;
  const chosen = call.dispatch.selectOne(found.partition, { setId, algorithm, flags: 0, maxResults }, call.view);
  return selectedKamailio(site, found.partition, target, chosen !== undefined, [{ setId }]);
}

const ROUTE_TARGETS: Readonly<Record<RoutesMode, Target>> = {
  destination: 'dst',
  'request-uri': 'domain',
  list: 'list',
};

/** ds_select_routes of Kamailio. The partition may precede the rules: "part:2=4;1=4". */
export function selectRoutes(
  site: DispatcherCallSite,
  rules: string,
  mode: string,
  limit: string | undefined,
  partition = '',
): number {
  const name = 'ds_select_routes';
  const colon = rules.lastIndexOf(':');
  const given = trimmed(partition);
  const wanted = colon < 0 ? given : trimmed(rules.slice(0, colon));
  // A peer may have written the rules (they can come from a header); they must not change the partition that the script
  // names.
  if (given !== '' && wanted !== given) return site.refused(name, `the rules name partition "${wanted}"`);
  const found = partitionFor(site, name, wanted);
  if (found === undefined) return -1;
  if (kamailioOf(found) === undefined) return site.refused(name, NOT_KAMAILIO);
  const way = routesMode(trimmed(mode));
  if (way === undefined) return site.refused(name, `mode "${trimmed(mode)}" is not one of d, r, x`);
  const max = numberFor(site, name, 'limit', limit);
  if (max === undefined) return -1;
  const routes = parseRoutes(rules.slice(colon + 1), 0, max);
  const { problem } = routes;
  // As recorded, the rules before an error are used, although the function returns failure.
  const usable =
    problem === undefined || found.options.compat === 'strict' ? { ...routes, problem: undefined } : routes;
  const target = ROUTE_TARGETS[way];
  if (keepsNextHop(site, target)) return -1;
  const { call } = site;
  const earlier = call.dispatch.of(found)?.count;
  const good = call.dispatch.selectRoutes(found, usable, call.view, way) === 'selected';
  const code = selectedKamailio(site, found, target, good, usable.targets);
  if (problem === undefined) return code;
  // As recorded, Kamailio writes the number of targets at the end of the selection, which an error prevents.
  const lists = call.dispatch.of(found);
  if (lists !== undefined) lists.count = earlier;
  return site.refused(name, problem);
}

/** ds_next_dst and ds_next_domain of OpenSIPS; without a partition for the default one. */
export function selectNext(site: DispatcherCallSite, target: 'dst' | 'domain', partition: string | undefined): number {
  const found = partitionFor(site, `ds_next_${target}`, partition);
  return found !== undefined && site.call.selections.next(found, target) ? 1 : -1;
}

/** ds_next_dst and ds_next_domain of Kamailio; without a partition for the one used last. */
export function selectNextKamailio(
  site: DispatcherCallSite,
  target: 'dst' | 'domain',
  partition: string | undefined,
): number {
  const found = kamailioFor(site, `ds_next_${target}`, partition);
  if (found === undefined) return -1;
  if (!site.call.selections.next(found, target)) return -1;
  // As recorded, a call that ds_load_unset() no longer counts gets its next destination, but the function returns
  // failure if the selection that found it counted the call.
  const lost = found.flavour.nextNeedsCounting && site.call.dispatch.of(found)?.call?.counts === false;
  return lost ? -1 : 1;
}

/** ds_set_dst and ds_set_domain of Kamailio: write the current destination again. */
export function selectAgain(site: DispatcherCallSite, target: 'dst' | 'domain', partition: string | undefined): number {
  const name = `ds_set_${target}`;
  const found = kamailioFor(site, name, partition);
  if (found === undefined) return -1;
  if (kamailioOf(found) === undefined) return site.refused(name, NOT_KAMAILIO);
  const { dispatch, selections } = site.call;
  return dispatch.of(found)?.useFirst() !== undefined && selections.use(found, target) ? 1 : -1;
}
