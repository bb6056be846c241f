import { addrSpecOf } from '../core/name-addr.js';
import { parseUri } from '../core/uri.js';
import type { MessageRun } from '../script/call.js';
import {
  code,
  type FunctionSpec,
  KAMAILIO,
  moduleFunctions,
  optional,
  param,
  type ScriptFunction,
  textOf,
} from './define.js';

/** Whether a domain is local: in the table, or an alias or socket of the file. */
function isLocalDomain(run: MessageRun, domain: string): string | null | undefined {
  const row = run.env.tables.domains.get(domain.toLowerCase());
  return row === undefined ? undefined : (row.attrs ?? null);
}

function domainTest(
  name: string,
  dialects: FunctionSpec['dialects'],
  domain: (run: MessageRun) => string,
): FunctionSpec {
  return {
    name,
    ...(dialects === undefined ? {} : { dialects }),
    parameters: [optional('attributes', 'writable')],
    summary: 'whether a domain is local',
    compile:
      ([attrs]) =>
      (run) => {
        const found = isLocalDomain(run, domain(run));
        if (found === undefined) return -1;
        attrs?.variable?.assign(run.pvars, found);
        return 1;
      },
  };
}

const hostOf = (uri: string): string => parseUri(uri)?.host ?? '';

/** As recorded, in a failure route of Kamailio this is the first added branch, since the request-URI has been tried. */
function targetOf({ env, routeKind, call }: MessageRun): string {
  if (env.dialect === 'opensips') return call.requestUri;
  if (routeKind === 'failure') return call.branches[0]?.uri ?? '';
  return routeKind === 'branch-failure' ? '' : call.requestUri;
}

/** Writes the attributes of a domain, and its did, into AVPs. False for a domain that is not in the table. */
function attributesOf(run: MessageRun, domain: string, prefix: string): boolean {
  const { tables } = run.env;
  const row = tables.domains.get(domain.toLowerCase());
  if (row === undefined) return false;
  const { avps } = run.pvars;
  avps.push(`${prefix}did`, row.did);
  for (const { name, value } of tables.domainAttributes.get(row.did) ?? []) avps.push(prefix + name, value);
  return true;
}

const domains: FunctionSpec[] = [
  domainTest('is_from_local', undefined, (run) => hostOf(addrSpecOf(run.message.from))),
  domainTest('is_uri_host_local', undefined, (run) => hostOf(targetOf(run))),
  {
    name: 'is_domain_local',
    parameters: [param('domain', 'string'), optional('attributes', 'writable')],
    summary: 'whether a domain is local',
    compile:
      ([domain, attrs]) =>
      (run) => {
        const found = isLocalDomain(run, textOf(domain, run));
        if (found === undefined) return -1;
        attrs?.variable?.assign(run.pvars, found);
        return 1;
      },
  },
  {
    name: 'lookup_domain',
    dialects: KAMAILIO,
    parameters: [param('domain', 'string'), optional('prefix', 'string')],
    summary: 'whether a domain is local; its attributes are written to AVPs',
    compile:
      ([domain, prefix]) =>
      (run) =>
        code(attributesOf(run, textOf(domain, run), textOf(prefix, run))),
  },
];

/** Functions of domain. */
export const domainFunctions: ScriptFunction[] = moduleFunctions('domain', domains);
