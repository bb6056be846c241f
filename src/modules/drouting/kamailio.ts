import { addrSpecOf } from '../../core/name-addr.js';
import type { Random } from '../../core/random.js';
import { parseUri } from '../../core/uri.js';
import type { MessageRun } from '../../script/call.js';
import type { ListEntry } from '../../script/gateway-rows.js';
import { editRequestUri, strip } from '../core-uri.js';
import { type Arg, code, type FunctionSpec, intOf, KAMAILIO, optional } from '../define.js';
import { attemptsOf, begin, useNext, userOf } from './attempts.js';
import { ANY_TYPE, type DroutingTables, gatewayAt } from './gateways.js';
import { ownRouting } from './partitions.js';

const NO_TARGETS = { rule: undefined, gateway: undefined, carrier: undefined };

/** The sections of a list, in which the lists it names ("#id") are replaced by their sections. */
function flat(routing: DroutingTables, list: readonly ListEntry[]): ListEntry[][] {
  const sections: ListEntry[][] = [];
  let last = -1;
  const add = (entry: ListEntry, own: boolean): void => {
    if (own || entry.section !== last || sections.length === 0) sections.push([]);
    last = entry.section;
    sections.at(-1)?.push(entry);
  };
  for (const entry of list) {
    if (!entry.carrier) {
      add(entry, false);
      continue;
    }
    let before = -1;
    for (const each of routing.carrier(entry.id)?.row.list ?? []) {
      if (each.carrier) continue;
      add(each, each.section !== before);
      before = each.section;
    }
    last = -1;
  }
  return sections;
}

/**
 * The order in which gateways are tried, by sort_order: as listed, with the first two of a section in random order, or
 * one at random from each section.
 */
function arranged(sections: readonly (readonly ListEntry[])[], sortOrder: number, random: Random): ListEntry[] {
  if (sortOrder === 0) return sections.flat();
  const tried = new Set<string>();
  return sections.flatMap((section) => {
    if (sortOrder === 1) {
      const [first, second, ...rest] = section;
      return first !== undefined && second !== undefined && random.uint32() % 2 === 1
        ? [second, first, ...rest]
        : section;
    }
    const left = section.filter(({ id }) => !tried.has(id));
    const chosen = left[left.length === 0 ? 0 : random.uint32() % left.length];
    if (chosen === undefined) return [];
    tried.add(chosen.id);
    return [chosen];
  });
}

/** do_routing() of Kamailio: uses the rule with the longest prefix and the highest priority that applies now. */
function route(run: MessageRun, of: Arg | undefined): number {
  const routing = ownRouting(run);
  const { env, message } = run;
  const from = parseUri(addrSpecOf(message.from));
  const group = of === undefined ? routing.groupOf(from?.user ?? '', from?.host ?? '') : intOf(of, run, -1);
  if (group === undefined) return -1;
  const number = userOf(run);
  const rule = routing.rules.matching(group, number, env.clock.now(), false).next().value;
  if (rule === undefined) return -1;
  const list = arranged(flat(routing, rule.list), routing.settings.sortOrder, env.random);
  return begin(
    run,
    routing,
    number,
    attemptsOf(routing, list, false, env.random, rule, () => true),
    NO_TARGETS,
  );
}

/** The type that an argument names; 0 stands for all. */
function typeOf(type: Arg | undefined, run: MessageRun): number {
  const given = intOf(type, run, 0);
  return given > 0 ? given : ANY_TYPE;
}

/** Functions of Kamailio's drouting. */
export const kamailioRouting: readonly FunctionSpec[] = [
  {
    name: 'do_routing',
    dialects: KAMAILIO,
    parameters: [optional('group', 'int')],
    routes: ['request', 'failure'],
    summary: 'sets the request-URI to the first gateway of the rule with the longest prefix of the number',
    compile:
      ([group]) =>
      (run) =>
        route(run, group),
  },
  ...['next_routing', 'use_next_gw'].map(
    (name): FunctionSpec => ({
      name,
      dialects: KAMAILIO,
      routes: ['request', 'failure'],
      summary: 'sets the request-URI to the next gateway',
      compile: () => (run) => useNext(run, ownRouting(run), NO_TARGETS),
    }),
  ),
  {
    name: 'goes_to_gw',
    dialects: KAMAILIO,
    parameters: [optional('type', 'int')],
    routes: ['request', 'failure', 'onreply'],
    summary: 'whether $du, or else the request-URI, belongs to a gateway',
    compile:
      ([type]) =>
      (run) =>
        code(
          gatewayAt(ownRouting(run), run.pvars.destinationUri ?? run.call.requestUri, typeOf(type, run), true) !==
            undefined,
        ),
  },
  {
    name: 'is_from_gw',
    dialects: KAMAILIO,
    parameters: [optional('type', 'int'), optional('flag', 'int')],
    routes: ['request', 'failure', 'onreply'],
    summary: 'whether the source is a gateway; with a flag, removes its strip digits from the request-URI',
    compile:
      ([type, flag]) =>
      (run) => {
        const found = ownRouting(run).at(run.source.address, 0, typeOf(type, run));
        if (found === undefined) return -1;
        if (intOf(flag, run, 0) !== 0 && run.message.isRequest)
          editRequestUri(run, (parts) => void strip(parts, found.row.strip, false));
        return 1;
      },
  },
];
