import type { RouteKind } from '../../cfg/ast.js';
import { optional, param, type SharedFunctions } from '../functions/definition.js';
import { getAttributes, pushAttributes } from './attributes.js';
import type { DispatcherCallSite } from './call.js';
import { fetchGroup, setOverload } from './group.js';
import { count, isActive, isFromList, isInList, listExists } from './lists.js';
import { reload, unsetLoad, updateLoad } from './load.js';
import { selectAgain, selectKamailio, selectNext, selectNextKamailio, selectOpensips, selectRoutes } from './select.js';
import { markAddress, markKamailio, markOpensips } from './states.js';

// Many functions have the name of a partition as a further parameter, which only JavaScript routes can give.

function knownFlags(value: string | number): string | undefined {
  return /^[fFuUdDaA]*$/.test(String(value)) ? undefined : `unknown flags "${value}"`;
}

const SELECTING: readonly RouteKind[] = ['request', 'failure', 'branch', 'branch-failure', 'event'];
const WITH_REQUEST: readonly RouteKind[] = ['request', 'failure', 'branch', 'onreply', 'local', 'event'];

const selectParameters = [
  param('set', 'int'),
  param('algorithm', 'int'),
  optional('flags', 'string', { check: knownFlags }),
  optional('partition', 'string'),
  optional('max results', 'int'),
] as const;

const select2Parameters = [param('set', 'string'), param('algorithm', 'string'), optional('flags', 'string')] as const;

/** Functions of OpenSIPS up to 2.4: the text arguments may contain partitions, lists of sets, and "flags M max". */
export const OPENSIPS_2_FUNCTIONS = {
  ds_select_dst: {
    parameters: select2Parameters,
    routes: ['request', 'failure', 'branch'],
    summary: 'selects a destination for $du',
    run: (site, set: string, alg: string, flags?: string) =>
      selectOpensips(site, 'dst', 'both', set, alg, flags, undefined, undefined),
  },
  ds_select_domain: {
    parameters: select2Parameters,
    routes: ['request', 'failure', 'branch'],
    summary: 'selects a destination for the request-URI',
    run: (site, set: string, alg: string, flags?: string) =>
      selectOpensips(site, 'domain', 'both', set, alg, flags, undefined, undefined),
  },
  ds_count: {
    parameters: [param('set', 'string'), param('filter', 'string'), param('result', 'writable')],
    routes: WITH_REQUEST,
    summary: 'counts the destinations of a set in some states',
    run: count,
  },
  ds_is_in_list: {
    parameters: [
      param('address', 'string'),
      param('port', 'string'),
      optional('set', 'string'),
      optional('active only', 'string'),
    ],
    routes: WITH_REQUEST,
    summary: 'whether an address belongs to a destination',
    run: (site, address: string, port: string, set?: string, active?: string) =>
      isInList(site, address, port, set, undefined, active),
  },
} satisfies SharedFunctions<DispatcherCallSite>;

/** The functions of OpenSIPS' module. */
export const OPENSIPS_FUNCTIONS = {
  ds_select_dst: {
    parameters: selectParameters,
    routes: ['request', 'failure', 'branch'],
    summary: 'selects a destination for $du',
    run: (site, set: string, alg: string, flags?: string, partition?: string, max?: string) =>
      selectOpensips(site, 'dst', 'today', set, alg, flags, partition, max),
  },
  ds_select_domain: {
    parameters: selectParameters,
    routes: ['request', 'failure', 'branch'],
    summary: 'selects a destination for the request-URI',
    run: (site, set: string, alg: string, flags?: string, partition?: string, max?: string) =>
      selectOpensips(site, 'domain', 'today', set, alg, flags, partition, max),
  },
  ds_next_dst: {
    parameters: [optional('partition', 'string')],
    routes: SELECTING,
    summary: 'takes the next destination',
    run: (site, partition?: string) => selectNext(site, 'dst', partition),
  },
  ds_next_domain: {
    parameters: [optional('partition', 'string')],
    routes: SELECTING,
    summary: 'takes the next destination',
    run: (site, partition?: string) => selectNext(site, 'domain', partition),
  },
  ds_mark_dst: {
    parameters: [optional('state', 'string'), optional('partition', 'string')],
    routes: ['request', 'failure'],
    summary: 'sets the state of the destination in use',
    run: markOpensips,
  },
  ds_count: {
    parameters: [
      param('set', 'int'),
      param('filter', 'string'),
      param('result', 'writable'),
      optional('partition', 'string'),
    ],
    routes: ['request', 'failure', 'branch', 'onreply', 'local', 'timer', 'event'],
    summary: 'counts the destinations of a set in some states',
    run: count,
  },
  ds_is_in_list: {
    parameters: [
      param('address', 'string'),
      param('port', 'int'),
      optional('set', 'int'),
      optional('partition', 'string'),
      optional('active only', 'int'),
      optional('pattern', 'string'),
    ],
    routes: WITH_REQUEST,
    summary: 'whether an address belongs to a destination',
    run: isInList,
  },
  ds_push_script_attrs: {
    parameters: [
      param('attributes', 'string'),
      param('address', 'string'),
      param('port', 'int'),
      param('set', 'int'),
      optional('partition', 'string'),
    ],
    routes: 'any',
    summary: 'attaches attributes to the destinations with an address',
    run: pushAttributes,
  },
  ds_get_script_attrs: {
    parameters: [
      param('uri', 'string'),
      param('set', 'int'),
      optional('partition', 'string'),
      param('result', 'writable'),
    ],
    routes: 'any',
    summary: 'reads the attributes that a script has attached',
    run: getAttributes,
  },
} as const satisfies SharedFunctions<DispatcherCallSite>;

const kamailioSelectParameters = [
  param('set', 'string'),
  param('algorithm', 'string'),
  optional('limit', 'string'),
] as const;

/** The functions of Kamailio's module. */
export const KAMAILIO_FUNCTIONS = {
  ds_select_dst: {
    parameters: kamailioSelectParameters,
    routes: SELECTING,
    summary: 'selects a destination for $du',
    run: (site, set: string, alg: string, limit?: string, partition?: string) =>
      selectKamailio(site, 'dst', set, alg, limit, partition),
  },
  ds_select_domain: {
    parameters: kamailioSelectParameters,
    routes: SELECTING,
    summary: 'selects a destination for the request-URI',
    run: (site, set: string, alg: string, limit?: string, partition?: string) =>
      selectKamailio(site, 'domain', set, alg, limit, partition),
  },
  ds_select: {
    parameters: kamailioSelectParameters,
    routes: SELECTING,
    summary: 'selects a destination without using it',
    run: (site, set: string, alg: string, limit?: string, partition?: string) =>
      selectKamailio(site, 'list', set, alg, limit, partition),
  },
  ds_select_routes: {
    parameters: [param('rules', 'string'), param('mode', 'string'), optional('limit', 'int')],
    routes: ['request', 'failure', 'branch', 'event'],
    summary: 'selects in several sets, one after the other',
    run: selectRoutes,
  },
  ds_next_dst: {
    parameters: [],
    routes: SELECTING,
    summary: 'takes the next destination',
    run: (site, partition?: string) => selectNextKamailio(site, 'dst', partition),
  },
  ds_next_domain: {
    parameters: [],
    routes: SELECTING,
    summary: 'takes the next destination',
    run: (site, partition?: string) => selectNextKamailio(site, 'domain', partition),
  },
  ds_set_dst: {
    parameters: [],
    routes: SELECTING,
    summary: 'writes the current destination again',
    run: (site, partition?: string) => selectAgain(site, 'dst', partition),
  },
  ds_set_domain: {
    parameters: [],
    routes: SELECTING,
    summary: 'writes the current destination again',
    run: (site, partition?: string) => selectAgain(site, 'domain', partition),
  },
  ds_mark_dst: {
    parameters: [optional('state', 'string')],
    routes: ['request', 'failure', 'branch', 'event', 'branch-failure', 'onreply'],
    summary: 'sets the state of the destination in use',
    run: markKamailio,
  },
  ds_mark_addr: {
    parameters: [param('state', 'string'), param('set', 'string'), param('uri', 'string')],
    routes: 'any',
    summary: 'sets the state of a destination',
    run: markAddress,
  },
  ds_list_exist: {
    parameters: [param('set', 'string')],
    routes: 'any',
    summary: 'whether a set exists',
    run: listExists,
  },
  ds_list_exists: {
    parameters: [param('set', 'string')],
    routes: 'any',
    summary: 'whether a set exists',
    run: listExists,
  },
  ds_is_from_list: {
    parameters: [optional('set', 'string'), optional('mode', 'string'), optional('uri', 'string')],
    routes: 'any',
    summary: 'whether an address belongs to a destination',
    run: isFromList,
  },
  ds_is_active: {
    parameters: [param('set', 'string'), optional('uri', 'string')],
    routes: 'any',
    summary: 'whether a set has an active destination',
    run: isActive,
  },
  ds_load_update: {
    parameters: [],
    routes: 'any',
    summary: 'updates the call load: BYE and CANCEL end the call, a 2xx confirms it',
    run: updateLoad,
  },
  ds_load_unset: {
    parameters: [],
    routes: 'any',
    summary: 'stops counting the call',
    run: unsetLoad,
  },
  ds_reload: {
    parameters: [],
    routes: 'any',
    summary: 'loads the destinations again',
    run: reload,
  },
  ds_dsg_fetch: {
    parameters: [param('set', 'string')],
    routes: 'any',
    summary: 'chooses the set that $dsg(...) reads',
    run: fetchGroup,
  },
  ds_dsg_fetch_uri: {
    parameters: [param('set', 'string'), param('uri', 'string')],
    routes: 'any',
    summary: 'chooses the set that $dsg(...) reads',
    run: fetchGroup,
  },
  ds_oc_set_attrs: {
    parameters: [
      param('set', 'string'),
      param('uri', 'string'),
      param('rate', 'string'),
      param('time', 'string'),
      param('sequence', 'string'),
    ],
    routes: 'any',
    summary: "stores a destination's request for fewer calls (algorithm 64)",
    run: setOverload,
  },
} as const satisfies SharedFunctions<DispatcherCallSite>;
