import type { RouteKind } from '../../cfg/ast.js';
import { trimmed } from '../../core/characters.js';
import type { RequestActions } from './actions.js';
import { optional, param, type SharedFunctions } from './definition.js';
import type { MessageSite } from './site.js';

/** Kinds of routes that may call record_route(). */
export const RECORDS: readonly RouteKind[] = ['request', 'branch', 'failure', 'local', 'branch-failure'];

/** The execution of a route for a call that has black lists. */
export interface BlacklistSite extends MessageSite {
  readonly env: { hasBlacklist(name: string): boolean };
  readonly call: { readonly blacklists: string[] };
}

/** A URI from "proto:host:port", "host:port" or "host". */
export function uriOf(text: string): string {
  if (/^sips?:/i.test(text)) return text;
  const match = /^(?:(udp|tcp|tls|ws|wss|sctp):)?(.*)$/i.exec(text);
  const transport = match?.[1]?.toLowerCase();
  return `sip:${match?.[2] ?? text}${transport === undefined || transport === 'udp' ? '' : `;transport=${transport}`}`;
}

/** Whether a text has the form [proto:]host[:port]. */
function isDestination(text: string): boolean {
  const match = /^(?:(?:udp|tcp|tls|wss?|sctp):)?(?:\[[0-9a-f:.]+\]|[^:[\]]+)(?::([0-9]{1,5}))?$/i.exec(text);
  return match !== null && Number(match[1] ?? 0) <= 65_535;
}

/** Functions of the cores and of rr that decide where a request is sent. */
export function targetFunctions<Site extends MessageSite, Result>(actions: RequestActions<Site, Result>) {
  const append = {
    parameters: [optional('uri', 'string'), optional('q', 'string')],
    summary: 'adds a branch to send to',
    run: (site: Site, uri?: string, q = ''): number => actions.appendBranch(site, uri === '' ? undefined : uri, q),
  };
  const opensipsAppend = { ...append, routes: ['request', 'failure'] satisfies RouteKind[] };
  return {
    core: {
      forward: {
        parameters: [optional('destination', 'string')],
        routes: ['request', 'failure', 'branch', 'local', 'event'],
        summary: 'forwards the request without a transaction',
        waits: true,
        check([to], { dialect, facts }) {
          if (!facts.statelessForward) return 'disable_stateless_fwd does not allow it';
          const bare = dialect === 'kamailio' || typeof to !== 'string' || isDestination(to);
          return bare ? undefined : `"${to}" is not of the form [proto:]host[:port]`;
        },
        run: (site: Site, to?: string): Result => actions.forward(site, to === undefined ? undefined : uriOf(to)),
      },
    },
    opensips: {
      append_msg_branch: opensipsAppend,
      append_branch_old: opensipsAppend,
      append_branch: { ...opensipsAppend, until: 3 },
    },
    kamailio: {
      append_branch: { ...append, routes: ['request', 'failure', 'event', 'branch-failure'] },
    },
    rr: {
      loose_route: {
        parameters: [],
        routes: ['request', 'event'],
        summary: 'follows the Route of the request',
        run: (site: Site): number => actions.looseRoute(site),
      },
      record_route: {
        parameters: [optional('parameters', 'string')],
        routes: RECORDS,
        summary: 'adds Record-Route',
        run: (site: Site, parameters = ''): number => actions.recordRoute(site, parameters),
      },
    },
  } satisfies Readonly<Record<string, SharedFunctions<never, unknown>>>;
}

/** Functions of OpenSIPS' core on black lists. */
export const BLACKLIST_FUNCTIONS = {
  use_blacklist: {
    parameters: [param('black list', 'string')],
    routes: 'any',
    summary: 'does not send to addresses of a black list',
    run(site: BlacklistSite, list: string): number {
      const name = trimmed(list);
      if (!site.env.hasBlacklist(name)) return site.refused('use_blacklist', `no black list "${name}"`);
      if (!site.call.blacklists.includes(name)) site.call.blacklists.push(name);
      return 1;
    },
  },
  unuse_blacklist: {
    parameters: [param('list', 'string')],
    routes: 'any',
    summary: 'undoes use_blacklist()',
    run({ call: { blacklists } }: BlacklistSite, list: string): number {
      const name = trimmed(list);
      if (name === 'all') blacklists.length = 0;
      const at = blacklists.indexOf(name);
      if (at >= 0) blacklists.splice(at, 1);
      return 1;
    },
  },
} as const satisfies SharedFunctions;
