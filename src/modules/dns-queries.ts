import { isIPv6 } from 'node:net';
import { trimmed } from '../core/characters.js';
import { ipFamily } from '../core/ip-address.js';
import type { PvarContext, PvarValue } from '../pvar/context.js';
import type { VariableDefinition } from '../pvar/variables/definition.js';
import type { MessageRun } from '../script/call.js';
import type { ScriptEnvironment } from '../script/environment.js';
import { type Args, type FunctionSpec, textOf } from './define.js';
import { kamailioFunction } from './kamailio-function.js';
import { scopeOf } from './script-variable.js';

/** One record of an answer; properties are named after its fields. */
type Answer = Readonly<Record<string, string | number>>;

/** Answers by "kind name" of the last query with that name; undefined when it found nothing. */
const kept = { module: 'ipops', create: () => new Map<string, readonly Answer[]>() };

/** Maximum number of names under which answers are kept. */
const MAX_ANSWERS = 256;
/** Maximum number of records kept from one answer. */
const MAX_RECORDS = 32;

type Kind = 'dns' | 'srvquery' | 'naptrquery';

const FIELDS: Readonly<Record<Kind, readonly string[]>> = {
  dns: ['addr', 'type', 'ipv4', 'ipv6', 'count'],
  srvquery: ['count', 'port', 'priority', 'target', 'weight'],
  naptrquery: ['count', 'order', 'pref', 'flags', 'services', 'regex', 'replace'],
};

/** Fields that may be written without an index. */
const WITHOUT_INDEX: ReadonlySet<string> = new Set(['count', 'ipv4', 'ipv6', 'addr', 'type']);

/** $dns(name=>addr[0]) and the like: the result of a query. */
export function queryVariable(kind: Kind): VariableDefinition {
  return {
    argument: 'required',
    indexed: false,
    compile: (argument) => {
      const text = trimmed(argument?.constant ?? argument?.shape ?? '');
      const arrow = text.indexOf('=>');
      const open = text.indexOf('[', arrow);
      const field = text.slice(arrow + 2, open < 0 ? undefined : open);
      const position = open < 0 ? undefined : text.slice(open + 1, -1);
      if (
        arrow <= 0 ||
        (open >= 0 && !text.endsWith(']')) ||
        !FIELDS[kind].includes(field) ||
        (position === undefined && !(WITHOUT_INDEX.has(field) && (kind === 'dns' || field === 'count'))) ||
        (argument?.constant !== undefined && position !== undefined && !/^-?\d+$/.test(position))
      ) {
        throw new Error(`needs name=>field with one of ${FIELDS[kind].join(', ')}`);
      }
      return {
        get: (context: PvarContext): PvarValue => {
          const text = argument?.constant ?? argument?.read(context) ?? '';
          const arrow = text.indexOf('=>');
          const index = Number(/\[(-?\d+)\][ \t\r\n]*$/.exec(text.slice(arrow))?.[1] ?? 0);
          const found = scopeOf(context)
            .env.modules.of(kept)
            .get(`${kind} ${trimmed(text.slice(0, arrow))}`);
          if (field === 'count') return found?.length ?? (kind === 'dns' ? null : 0);
          if (found === undefined) return null;
          if (field === 'ipv4') return Number(found.some((each) => each['type'] === 4));
          if (field === 'ipv6') return Number(found.some((each) => each['type'] === 6));
          return found[index < 0 ? found.length + index : index]?.[field] ?? null;
        },
      };
    },
  };
}

/** Keeps the result of a query under a name; returns the function's code. */
function keep(env: ScriptEnvironment, key: string, found: readonly Answer[], none: number): number {
  const all = env.modules.of(kept);
  if (found.length === 0) {
    all.delete(key);
    return none;
  }
  if (all.size >= MAX_ANSWERS && !all.has(key)) return -1;
  all.set(key, found.slice(0, MAX_RECORDS));
  return 1;
}

function dnsQuery(run: MessageRun, [name, id]: Args): number | Promise<number> {
  const host = trimmed(textOf(name, run));
  const key = `dns ${textOf(id, run)}`;
  // As recorded, an address in brackets is not found.
  if (host.startsWith('[')) return keep(run.env, key, [], NOT_FOUND);
  if (ipFamily(host) !== 0) return keep(run.env, key, [{ addr: host, type: isIPv6(host) ? 6 : 4 }], NOT_FOUND);
  return run.env.resolver.systemAddresses(host, run.call.source.address).then((all) =>
    keep(
      run.env,
      key,
      all.map((addr) => ({ addr, type: isIPv6(addr) ? 6 : 4 })),
      NOT_FOUND,
    ),
  );
}

/** Return code of dns_query() when nothing is found, as recorded. */
const NOT_FOUND = -4;

/** DNS functions of Kamailio's ipops. */
export const dnsQueryFunctions: FunctionSpec[] = [
  kamailioFunction('dns_query', 'host name', 'asks for the addresses of a host, for $dns(name=>...)', dnsQuery, true),
  kamailioFunction(
    'srv_query',
    'domain name',
    'asks for SRV records, for $srvquery(name=>...)',
    async (run, [domain, id]) => {
      const found = await run.env.resolver.srvRecords(trimmed(textOf(domain, run)), run.call.source.address);
      const sorted = [...found].sort((a, b) => a.priority - b.priority || b.weight - a.weight);
      return keep(
        run.env,
        `srvquery ${textOf(id, run)}`,
        sorted.map(({ name: target, port, priority, weight }) => ({ target, port, priority, weight })),
        -1,
      );
    },
    true,
  ),
  kamailioFunction(
    'naptr_query',
    'domain name',
    'asks for NAPTR records, for $naptrquery(name=>...)',
    async (run, [domain, id]) => {
      const found = await run.env.resolver.naptrRecords(trimmed(textOf(domain, run)), run.call.source.address);
      const sorted = [...found].sort((a, b) => a.order - b.order || a.preference - b.preference);
      return keep(
        run.env,
        `naptrquery ${textOf(id, run)}`,
        sorted.map(
          ({ order, preference: pref, flags, service: services, regexp: regex = '', replacement: replace }) => ({
            order,
            pref,
            flags,
            services,
            regex,
            replace,
          }),
        ),
        -1,
      );
    },
    true,
  ),
];
