import type { RoutingRule, SelectConfig } from '../../config/settings.js';
import { trimmed } from '../../core/characters.js';
import { SwitchyardError } from '../../core/errors.js';
import { FLAG } from '../../engine/algorithms/algorithm.js';
import { kamailioOf } from '../../engine/kamailio/flavour.js';
import { parseRoutes, type SelectRoutes } from '../../engine/kamailio/select-routes.js';
import { type Partition, unknownPartition } from '../../engine/partition.js';
import { parseSelectArguments, type SelectArguments } from '../../engine/select-arguments.js';
import type { SelectTarget } from '../../engine/selection.js';
import type { RouteOrigin } from '../../proxy/decision.js';
import { compileFormat, type Format } from '../../pvar/format.js';
import type { RequestScope } from '../request-scope.js';
import { type CompiledChanges, compileChanges, type UnusableAttribute } from './destination-changes.js';
import { FROM, fromListMatcher } from './from-list.js';
import { compileMatcher, type Matcher } from './match.js';

/** A selection whose partition has been found. */
export interface ReadySelection {
  readonly partition: Partition;
  readonly targets: readonly SelectTarget[];
  /** Sets with an algorithm each, as for ds_select_routes, instead of `targets` (Kamailio partitions). */
  readonly routes?: SelectRoutes;
}

/** One entry of a rule's match. */
export interface RuleEntry {
  readonly variable: string;
  readonly pattern: string;
  readonly matches: Matcher;
  /** Reads the variable of a request. */
  readonly value: Format;
}

/** A compiled routing rule; matching and selecting need no parsing. */
export interface CompiledRule {
  readonly rule: RoutingRule;
  matches(scope: RequestScope): boolean;
  /** The entries of its match, for explanations. */
  readonly entries: readonly RuleEntry[];
  /**
   * The selection for a request; a string says why there is none (an unknown partition in a variable, a set that is not
   * a number).
   */
  selection(scope: RequestScope): ReadySelection | string;
  /** Further selections, made in order when the ones before find nothing. */
  readonly fallbacks: readonly ((scope: RequestScope) => ReadySelection | string)[];
  /** Changes for each destination; undefined: none. */
  readonly changes: CompiledChanges | undefined;
  /**
   * The origin in call records for a selection of this rule. The same object is returned when the targets equal the
   * last ones.
   */
  origin(selection: ReadySelection | undefined, failure?: string): RouteOrigin;
  /** Whether a final reply code leads to the next destination. */
  failsOver(code: number): boolean;
  /** Whether the lack of a final reply leads to the next destination. */
  readonly failsOverOnTimeout: boolean;
}

/** Finds a partition by name, '' for the default one. */
export type PartitionLookup = (name: string) => Partition | undefined;

/**
 * Compiles a rule. `unusable` is called for attributes of destinations that its changes cannot use. Throws
 * SwitchyardError CONFIG_INVALID with the rule's pointer and the error.
 */
export function compileRule(
  rule: RoutingRule,
  partitions: PartitionLookup,
  unusable?: UnusableAttribute,
): CompiledRule {
  try {
    const matchers = [...rule.match].map(([variable, pattern]) =>
      variable === FROM ? fromListMatcher(pattern, partitions) : compileMatcher(variable, pattern),
    );
    const codes = compileCodes(rule.failover.codes);
    return {
      rule,
      matches: compileMatch(matchers),
      entries: [...rule.match].map(([variable, pattern], i) => ({
        variable,
        pattern,
        matches: matchers[i] as Matcher,
        value: compileFormat(variable === FROM ? '$si:$sp' : variable),
      })),
      selection: compileSelection(rule.select, partitions),
      fallbacks: (rule.fallback ?? []).map((select) => compileSelection(select, partitions)),
      changes: rule.destination && compileChanges(rule.destination, unusable),
      failsOver: (code) => codes[code] === 1,
      failsOverOnTimeout: codes[408] === 1 || rule.failover.codes.includes('timeout'),
      origin: originOf(rule.pointer),
    };
  } catch (error) {
    if (error instanceof SwitchyardError) {
      throw new SwitchyardError('CONFIG_INVALID', `rule ${rule.pointer}: ${error.message}`, { cause: error });
    }
    throw error;
  }
}

/** Keeps the last result: most rules select the same targets each time. */
function originOf(pointer: string): CompiledRule['origin'] {
  let targets: readonly SelectTarget[] | undefined;
  let partition: Partition | undefined;
  let known: RouteOrigin = { rule: pointer };
  return (selection, failure) => {
    if (selection === undefined) return { rule: pointer, failure };
    const isKnown = selection.targets === targets && selection.routes === undefined;
    if (isKnown && selection.partition === partition && failure === undefined) return known;
    const asked = selection.routes?.targets ?? selection.targets;
    const origin: RouteOrigin = {
      rule: pointer,
      partition: selection.partition.name,
      sets: asked.map((each) => each.setId),
      algorithm: asked[0]?.algorithm,
      failure,
    };
    if (failure !== undefined) return origin;
    ({ targets, partition } = selection);
    known = origin;
    return origin;
  };
}

function compileMatch(matchers: readonly Matcher[]): (scope: RequestScope) => boolean {
  if (matchers.length === 0) return () => true;
  return (scope) => {
    const context = scope.pvars;
    for (let i = 0; i < matchers.length; i++) if (!(matchers[i] as Matcher)(context)) return false;
    return true;
  };
}

function compileSelection(
  select: SelectConfig | undefined,
  partitions: PartitionLookup,
): (scope: RequestScope) => ReadySelection | string {
  if (select === undefined) return () => 'the rule selects nothing';
  if (select.rules !== undefined) return compileRoutes(select, select.rules, partitions);
  const set = compileFormat(select.set);
  const alg = compileFormat(select.alg);
  const flags = compileFormat(select.flags);
  const partition = select.partition === undefined ? undefined : compileFormat(select.partition);
  const maxRes = select.maxRes === undefined ? undefined : compileFormat(select.maxRes);
  const parts = [set, alg, flags, partition, maxRes];
  if (parts.every((part) => part === undefined || part.constant !== undefined)) {
    const given = parseSelectArguments(argumentsOf((format) => format.constant ?? ''));
    if (typeof given === 'string') throw new SwitchyardError('CONFIG_INVALID', given);
    return () => ready(given, partitions);
  }
  return (scope) => {
    const given = parseSelectArguments(argumentsOf((format) => format.constant ?? format.evaluate(scope.pvars)));
    return typeof given === 'string' ? given : ready(given, partitions);
  };

  function argumentsOf(text: (format: Format) => string) {
    return {
      set: text(set),
      alg: text(alg),
      flags: text(flags),
      partition: partition === undefined ? undefined : text(partition),
      maxResults: maxRes === undefined ? undefined : text(maxRes),
    };
  }
}

/** A selection by "2=4;1=4;3=4": sets with an algorithm each, all of them in the order of failover. */
function compileRoutes(
  select: SelectConfig,
  rules: string,
  partitions: PartitionLookup,
): (scope: RequestScope) => ReadySelection | string {
  const format = compileFormat(rules);
  const partition = compileFormat(select.partition ?? '');
  const maxRes = compileFormat(select.maxRes ?? '0');
  const flags = compileFormat(select.flags);
  const bits = (text: string) =>
    FLAG.failover | (/u/i.test(text) ? FLAG.userOnly : 0) | (/d/i.test(text) ? FLAG.useDefault : 0);
  if (format.constant !== undefined) {
    const { problem } = parseRoutes(format.constant, 0, 0);
    if (problem !== undefined) throw new SwitchyardError('CONFIG_INVALID', problem);
  }
  return (scope) => {
    const text = (each: Format) => each.constant ?? each.evaluate(scope.pvars);
    const limit = Number(text(maxRes));
    if (!Number.isSafeInteger(limit)) return `max_res "${text(maxRes)}" is not a number`;
    const routes = parseRoutes(trimmed(text(format)), bits(text(flags)), limit);
    if (routes.problem !== undefined) return routes.problem;
    const found = ready({ partition: text(partition), targets: [] }, partitions);
    if (typeof found === 'string') return found;
    if (kamailioOf(found.partition) === undefined)
      return `partition "${found.partition.name}" is not of flavour kamailio`;
    return { ...found, routes };
  };
}

function ready(given: SelectArguments, partitions: PartitionLookup): ReadySelection | string {
  const partition = partitions(given.partition);
  return partition === undefined ? unknownPartition(given.partition) : { partition, targets: given.targets };
}

/** A table by status code: 1 for the codes that lead to the next destination. */
function compileCodes(codes: readonly string[]): Uint8Array {
  const table = new Uint8Array(700);
  for (const code of codes) {
    if (code === 'timeout') continue;
    const match = /^([1-6])([0-9]{2}|xx)$/i.exec(code);
    if (match === null)
      throw new SwitchyardError('CONFIG_INVALID', `failover code "${code}" is neither a code nor a class`);
    if (/xx$/i.test(code)) table.fill(1, Number(match[1]) * 100, Number(match[1]) * 100 + 100);
    else table[Number(code)] = 1;
  }
  return table;
}
