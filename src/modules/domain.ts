import { addrSpecOf } from '../core/name-addr.js';
import { parseUri } from '../core/uri.js';
import type { MessageRun } from '../script/call.js';
import {
  type FunctionSpec,
  KAMAILIO,
  moduleFunctions,
  optional,
  param,
  type ScriptFunction,
  textOf,
} from './define.js';

/** Local domains: the table's, and the aliases and sockets of the file. */
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
    summary: 'whether a domain is ours',
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

const domains: FunctionSpec[] = [
  domainTest('is_from_local', undefined, (run) => hostOf(addrSpecOf(run.message.from))),
  domainTest('is_uri_host_local', undefined, (run) => hostOf(run.call.requestUri)),
  ...['is_domain_local', 'lookup_domain'].map(
    (name): FunctionSpec => ({
      name,
      ...(name === 'lookup_domain' ? { dialects: KAMAILIO } : {}),
      parameters: [param('domain', 'string'), optional('attributes', 'writable')],
      summary: 'whether a domain is ours',
      compile:
        ([domain, attrs]) =>
        (run) => {
          const found = isLocalDomain(run, textOf(domain, run));
          if (found === undefined) return -1;
          attrs?.variable?.assign(run.pvars, found);
          return 1;
        },
    }),
  ),
];

/** Functions of domain. */
export const domainFunctions: ScriptFunction[] = moduleFunctions('domain', domains);
