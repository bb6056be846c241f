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

/** Which contacts of redirections are tried. */
interface Filters {
  readonly acceptByDefault: boolean;
  readonly accept: readonly BoundedRegex[];
  readonly deny: readonly BoundedRegex[];
  /** q of a contact that names none, in thousandths. */
  readonly q: number;
}

const settings = {
  module: 'uac_redirect',
  create: (parameters: ModuleParameters): Filters => {
    // RFC 3261 section 20.10 leaves it open; Kamailio's parameter has 10 by default.
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

/** Filters a script set for its message. */
const ownFilters = new PerCall<{ filters: Filters | undefined }>(() => ({ filters: undefined }));

function filtersOf(run: MessageRun): Filters {
  return ownFilters.known(run.call)?.filters ?? run.env.modules.of(settings);
}

/** Whether a contact is tried: with `acceptByDefault` unless only `deny` matches it, else where only `accept` does. */
function passes({ acceptByDefault, accept, deny }: Filters, uri: string): boolean {
  const matches = (list: readonly BoundedRegex[]): boolean => list.some((each) => each.test(uri));
  return acceptByDefault ? !matches(deny) || matches(accept) : matches(accept) && !matches(deny);
}

/** Contacts of one reply that are looked at. */
const MOST_CONTACTS = 64;

interface Contact {
  readonly uri: string;
  /** In thousandths. */
  readonly q: number;
}

/** The contacts of the redirections that came, the best first: at most `total`, at most `each` of one branch. */
function contactsOf(run: MessageRun, total: number, each: number): Contact[] {
  const filters = filtersOf(run);
  const found: Contact[] = [];
  const kamailio = run.env.dialect === 'kamailio';
  const { branches = [], legStart = 0 } = run.transaction ?? {};
  // As recorded, Kamailio looks at the last leg.
  for (const branch of kamailio ? branches.slice(legStart) : branches) {
    const { reply } = branch;
    if (reply === undefined || reply.status < 300 || reply.status > 399) continue;
    if (branch.dropped && branch !== run.branch) continue;
    const ofBranch = routeValues(reply, 'contact', MOST_CONTACTS)
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
  // In OpenSIPS the request-URI is always a branch of what a failure route relays, in Kamailio only those that are added.
  // There the best one is added last, as recorded.
  const added = run.env.dialect === 'opensips' ? others : [...contacts].reverse();
  if (run.env.dialect === 'opensips') {
    pvars.setRequestUri(first.uri);
    pvars.destinationUri = undefined;
    call.q = String(first.q / 1000);
  }
  for (const { uri, q } of added) addBranch(call.branches, { uri, q: String(q / 1000), flags: call.branchFlags });
  return 1;
}

/** "*", "4", "4:1", "*:1": contacts in all, and of one branch. Throws an Error for anything else. */
function limitsIn(text: string): readonly [total: number, each: number] {
  const parts = text.trim().split(':');
  if (parts.length > 2 || !parts.every((part) => /^(?:\*|\d{1,4})?$/.test(part)))
    throw new Error(`"${text}" is not a number of contacts`);
  const [total = MOST_CONTACTS, each = MOST_CONTACTS] = parts.map((part) =>
    part === '' || part === '*' || Number(part) === 0 ? MOST_CONTACTS : Number(part),
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
        const added = pattern?.constant === undefined ? filterPattern(textOf(pattern, run)) : constant;
        if (added === undefined) return -1;
        const before = filtersOf(run);
        const configured = run.env.modules.of(settings)[list];
        const kept = keptOf(textOf(reset, run), before[list], configured);
        ownFilters.of(run.call).filters = { ...before, [list]: [...kept, added].slice(-16) };
        return 1;
      };
    },
  };
}

/** undefined: it is not a regular expression. */
function filterPattern(text: string): BoundedRegex | undefined {
  try {
    return anyCase(text);
  } catch {
    return undefined;
  }
}

/** What stays of the patterns before another is added. */
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

const byText: FunctionSpec['compile'] = ([most]) => {
  const [total, each] = limitsIn((most as Arg).text);
  return (run) => redirect(run, total, each);
};

const functions: FunctionSpec[] = [
  {
    name: 'get_redirects',
    dialects: OPENSIPS,
    until: 2,
    routes: ['failure'],
    parameters: [param('most', 'literal'), optional('reason', 'string')],
    summary: SUMMARY,
    compile: byText,
  },
  {
    name: 'get_redirects',
    dialects: OPENSIPS,
    routes: ['failure'],
    parameters: [optional('most', 'int'), optional('of one branch', 'int')],
    summary: SUMMARY,
    compile:
      ([most, each]) =>
      (run) =>
        redirect(run, intOf(most, run, 0) || MOST_CONTACTS, intOf(each, run, 0) || MOST_CONTACTS),
  },
  {
    name: 'get_redirects',
    dialects: KAMAILIO,
    routes: ['failure'],
    parameters: [param('most', 'literal'), optional('reason', 'string')],
    summary: SUMMARY,
    compile: byText,
  },
  filterFunction('set_accept_filter', 'accept'),
  filterFunction('set_deny_filter', 'deny'),
];

/** The functions of uac_redirect. */
export const redirectFunctions: ScriptFunction[] = moduleFunctions('uac_redirect', functions);
