import { trimmed } from '../core/characters.js';
import { parseAddress } from '../core/name-addr.js';
import { type BoundedRegex, compilePosix } from '../core/posix-regex.js';
import { parseUri } from '../core/uri.js';
import { paramValue } from '../pvar/header-values.js';
import type { MessageRun } from '../script/call.js';
import type { ModuleParameters } from '../script/environment.js';
import { PerCall } from '../script/per-call.js';
import { addBranch } from '../script/request-branches.js';
import { routeValues } from '../sip/route-set.js';
import {
  type Arg,
  type FunctionSpec,
  intOf,
  KAMAILIO,
  moduleFunctions,
  OPENSIPS,
  optional,
  param,
  type ScriptFunction,
  textOf,
} from './define.js';
import { anyCase } from './patterns.js';

/** Rules that decide which contacts of redirections are tried. */
interface Filters {
  readonly acceptByDefault: boolean;
  readonly accept: readonly BoundedRegex[];
  readonly deny: readonly BoundedRegex[];
  /** q of contacts that have none, in thousandths. */
  readonly q: number;
}

/** Parameters of Kamailio's and OpenSIPS' uac_redirect. */
export const redirectFilters = {
  module: 'uac_redirect',
  create: (parameters: ModuleParameters): Filters => {
    // RFC 3261 section 20.10 gives no default; Kamailio's parameter has the default 10.
    const q = parameters.int('q_value', 10);
    const list = (name: string): BoundedRegex[] => {
      const text = parameters.text(name, '');
      return text === '' ? [] : [compilePosix(text, { ignoreCase: true })];
    };
    return {
      acceptByDefault: parameters.text('default_filter', 'accept').toLowerCase() !== 'deny',
      accept: list('accept_filter'),
      deny: list('deny_filter'),
      q,
    };
  },
};

/** The filters of a call, once a function has changed those of the parameters. */
const ownFilters = new PerCall<{ filters: Filters | undefined }>(() => ({ filters: undefined }));

function filtersOf(run: MessageRun): Filters {
  return ownFilters.known(run.call)?.filters ?? run.env.modules.of(redirectFilters);
}

/**
 * Whether a contact is tried. Where the filters do not decide (neither list matches, or both do), the default does:
 * `acceptByDefault`.
 */
function passes({ acceptByDefault, accept, deny }: Filters, uri: string): boolean {
  const matches = (list: readonly BoundedRegex[]): boolean => list.some((each) => each.test(uri));
  return acceptByDefault ? !matches(deny) || matches(accept) : matches(accept) && !matches(deny);
}

/** Maximum number of contacts read from one reply. */
const MAX_CONTACTS = 64;

interface Contact {
  readonly uri: string;
  /** In thousandths. */
  readonly q: number;
}

/** The contacts of all received redirections, the best first: at most `total`, and at most `each` of one branch. */
function contactsOf(run: MessageRun, total: number, each: number): Contact[] {
  const filters = filtersOf(run);
  const found: Contact[] = [];
  const kamailio = run.env.dialect === 'kamailio';
  const { branches = [], legStart = 0 } = run.transaction ?? {};
  // As recorded, Kamailio only uses the branches of the last t_relay().
  for (const branch of kamailio ? branches.slice(legStart) : branches) {
    const { reply } = branch;
    if (reply === undefined || reply.status < 300 || reply.status > 399) continue;
    if (branch.dropped && branch !== run.branch) continue;
    const ofBranch = routeValues(reply, 'contact', MAX_CONTACTS)
      .map(({ value }) => parseAddress(value))
      .filter(({ uri }) => parseUri(uri) !== undefined && passes(filters, uri))
      .map(({ uri, params }) => ({ uri, q: qOf(params, kamailio ? filters.q : 1000) }))
      .sort((a, b) => b.q - a.q);
    found.push(...ofBranch.slice(0, each));
  }
  return found.sort((a, b) => b.q - a.q).slice(0, total);
}

function qOf(params: string, fallback: number): number {
  const text = paramValue(params.replace(/^;/, ''), 'q');
  const q = text === undefined ? fallback / 1000 : Number(text);
  return q >= 0 && q <= 1 ? Math.round(q * 1000) : 0;
}

function redirect(run: MessageRun, total: number, each: number): number {
  const { call, pvars } = run;
  const contacts = contactsOf(run, total, each);
  const [first, ...others] = contacts;
  if (first === undefined) return -1;
  // In OpenSIPS the request-URI is always a target of what a failure route relays; in Kamailio only added branches are,
  // and the best one is added last, as recorded.
  const added = run.env.dialect === 'opensips' ? others : [...contacts].reverse();
  if (run.env.dialect === 'opensips') {
    pvars.setRequestUri(first.uri);
    pvars.destinationUri = undefined;
    call.q = String(first.q / 1000);
  }
  for (const { uri, q } of added) addBranch(call.branches, { uri, q: String(q / 1000), flags: call.branchFlags });
  return 1;
}

/**
 * Parses "*", "4", "4:1" or "*:1": maximum number of contacts in total and for one branch. Throws an Error for other
 * texts.
 */
function limitsIn(text: string): readonly [total: number, each: number] {
  const parts = trimmed(text).split(':');
  if (parts.length > 2 || !parts.every((part) => /^(?:\*|\d{1,4})?$/.test(part)))
    throw new Error(`"${text}" is not a number of contacts`);
  const [total = MAX_CONTACTS, each = MAX_CONTACTS] = parts.map((part) =>
    part === '' || part === '*' || Number(part) === 0 ? MAX_CONTACTS : Number(part),
  );
  return [total, each];
}

function filterFunction(name: string, list: 'accept' | 'deny'): FunctionSpec {
  return {
    name,
    routes: ['failure'],
    parameters: [param('pattern', 'string'), optional('reset', 'string')],
    summary: `${list === 'accept' ? 'lets in' : 'keeps out'} contacts of redirections that match`,
    compile: ([pattern, reset]) => {
      const constant = pattern?.constant === undefined ? undefined : filterPattern(String(pattern.constant));
      return (run) => {
        const latest = pattern?.constant === undefined ? filterPattern(textOf(pattern, run)) : constant;
        if (latest === undefined) return -1;
        const before = filtersOf(run);
        const configured = run.env.modules.of(redirectFilters)[list];
        const kept = keptOf(textOf(reset, run), before[list], configured);
        ownFilters.of(run.call).filters = { ...before, [list]: [...kept, latest].slice(-16) };
        return 1;
      };
    },
  };
}

/** Compiles the pattern of a filter; undefined when it is not a regular expression. */
function filterPattern(text: string): BoundedRegex | undefined {
  try {
    return anyCase(text);
  } catch {
    return undefined;
  }
}

/** The patterns that stay in a list when a function adds one; `reset` says which former ones are removed. */
function keptOf(reset: string, before: readonly BoundedRegex[], configured: readonly BoundedRegex[]) {
  switch (reset) {
    case 'reset_all':
      return [];
    case 'reset_default':
      return before.filter((each) => !configured.includes(each));
    case 'reset_added':
      return configured;
    default:
      return before;
  }
}

const SUMMARY = 'takes the contacts of redirections as targets, the best first';

const byText: FunctionSpec['compile'] = ([max]) => {
  const [total, each] = limitsIn((max as Arg).text);
  return (run) => redirect(run, total, each);
};

const functions: FunctionSpec[] = [
  {
    name: 'get_redirects',
    dialects: OPENSIPS,
    until: 2,
    routes: ['failure'],
    parameters: [param('maximum', 'literal'), optional('reason', 'string')],
    summary: SUMMARY,
    compile: byText,
  },
  {
    name: 'get_redirects',
    dialects: OPENSIPS,
    routes: ['failure'],
    parameters: [optional('maximum', 'int'), optional('maximum of one branch', 'int')],
    summary: SUMMARY,
    compile:
      ([max, each]) =>
      (run) =>
        redirect(run, intOf(max, run, 0) || MAX_CONTACTS, intOf(each, run, 0) || MAX_CONTACTS),
  },
  {
    name: 'get_redirects',
    dialects: KAMAILIO,
    routes: ['failure'],
    parameters: [param('maximum', 'literal'), optional('reason', 'string')],
    summary: SUMMARY,
    compile: byText,
  },
  filterFunction('set_accept_filter', 'accept'),
  filterFunction('set_deny_filter', 'deny'),
];

/** The functions of uac_redirect. */
export const redirectFunctions: ScriptFunction[] = moduleFunctions('uac_redirect', functions);
