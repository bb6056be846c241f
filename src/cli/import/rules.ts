import type { Position, RouteBlock } from '../../cfg/ast.js';
import { callsIn } from '../../cfg/visit.js';
import { expressionText } from './expression-text.js';
import { failoverOf } from './failure-route.js';
import { FROM_LIST_CONDITION } from './from-list.js';
import { SELECTS } from './functions.js';
import type { WrittenJson } from './json.js';
import type { Ledger } from './ledger.js';
import type { OwnNames } from './match.js';
import type { NumberChange } from './number.js';
import type { Path, Selection } from './path.js';
import type { Outcome } from './steps.js';
import { Walk } from './walk.js';

type Rule = { readonly match: { readonly [variable: string]: string }; readonly [key: string]: WrittenJson };

/** The action for requests whose path could not be imported: the same as without a matching rule. */
const NOT_CARRIED = { relay: 'reply', reject: { code: 404, reason: 'Not Found' } } as const;

/** What rules are made from. */
export interface RulesOf {
  readonly routes: readonly RouteBlock[];
  readonly kamailio: boolean;
  readonly own: OwnNames;
  readonly ledger: Ledger;
  /** Whether selections keep the other destinations for failover: in Kamailio a bit of the parameter "flags". */
  readonly keepsList: boolean;
}

/**
 * Makes rules from the routes of a script. A selection becomes a rule only if all conditions for it can be expressed as
 * `match`; others are reported in the ledger with the reason.
 */
export function rulesOf(options: RulesOf): WrittenJson[] {
  const { routes, own, ledger } = options;
  const main = routes.find(({ kind, name }) => kind === 'request' && name === undefined);
  const walk = new Walk(routes, ledger, own);
  const outcomes = main === undefined ? [] : walk.run(main);
  const carried = new Set<Position>();
  const used = new Set<string>();
  const drafts = outcomes.map((outcome) => {
    const rule = ruleOf(outcome, options, walk.blamed, used);
    return { rule, selection: outcome.path.selection };
  });
  const kept = simplified(drafts);
  for (const { rule, selection } of kept)
    if ('select' in rule && selection !== undefined)
      for (const each of [selection, ...selection.fallbacks]) carried.add(each.call.at);
  for (const at of walk.guards) carried.add(at);
  leaveSelections(routes, carried, walk.blamed, ledger);
  leaveRoutes(routes, used, ledger);
  return kept.map(({ rule }) => rule);
}

interface Draft {
  readonly rule: Rule;
  readonly selection: Selection | undefined;
}

function ruleOf({ path, ending }: Outcome, options: RulesOf, blamed: Map<Position, string>, used: Set<string>): Rule {
  const match = matchOf(path);
  const { selection, reply } = path;
  if (ending === 'reply' && reply !== undefined && selection === undefined) {
    return { match, relay: 'reply', reject: rejectOf(reply) };
  }
  if (selection !== undefined && ending !== 'unknown') {
    const rule = selecting(path, selection, ending === 'stateless', options, used);
    if (typeof rule !== 'string') return { match, ...rule };
    blamed.set(selection.call.at, rule);
  }
  return { match, ...NOT_CARRIED };
}

/** The `match` entries of a path; a list that the source must be in has a key of its own. */
function matchOf({ match }: Path): { [variable: string]: string } {
  return Object.fromEntries(
    [...match].map(([variable, value]) =>
      variable.startsWith(FROM_LIST_CONDITION)
        ? ['from_list', variable.slice(FROM_LIST_CONDITION.length)]
        : [variable, value],
    ),
  );
}

function rejectOf({ code, reason }: { readonly code: number; readonly reason: string }): WrittenJson {
  const text = reason.replace(/[\x00-\x1f\x7f]/g, ' ').slice(0, 256);
  return text === '' || text.includes('$') ? { code } : { code, reason: text };
}

/** The rule for a path that selects and forwards, or a text with the reason why there is none. */
function selecting(
  path: Path,
  selection: Selection,
  stateless: boolean,
  { routes, kamailio, ledger, keepsList }: RulesOf,
  used: Set<string>,
): { readonly [key: string]: WrittenJson } | string {
  if (selection.problem !== undefined) return selection.problem;
  const select = selectOf(selection, kamailio);
  if (typeof select === 'string') return select;
  const { number } = path;
  const isChanged = number.strip !== 0 || number.prefix !== '';
  for (const each of [selection, ...selection.fallbacks])
    if (isChanged && dependsOnRequestUri(each))
      return 'it depends on the called number, which the script changes before';
  const fallback: { [key: string]: WrittenJson }[] = [];
  for (const each of selection.fallbacks) {
    const further = selectOf(each, kamailio);
    if (typeof further === 'string') return `${expressionText(each.call)}, its fallback: ${further}`;
    const { fn, ...others } = further;
    if (fn !== select['fn']) return `${expressionText(each.call)}, its fallback, sets another part of the request`;
    fallback.push(others);
  }
  const { failureRoute } = path;
  let failover: WrittenJson = { codes: [] };
  if (failureRoute !== undefined && !stateless) {
    used.add(failureRoute);
    const found = failoverOf(failureRoute, routes, ledger, kamailio);
    const at = routes.find(({ kind, name }) => kind === 'failure' && name === failureRoute)?.at ?? selection.call.at;
    if (typeof found === 'string') {
      ledger.leave(at, `failure_route[${failureRoute}] is not carried over: ${found}; the rule does not fail over`);
    } else if (!keepsList && found.codes.length > 0) {
      const why = 'without 2 in the parameter "flags" Kamailio keeps no list of destinations';
      ledger.note(at, `failure_route[${failureRoute}] finds no next destination: ${why}; the rule does not fail over`);
    } else failover = { ...found, codes: [...found.codes] };
  }
  if (selection.reject === undefined) {
    ledger.note(
      selection.call.at,
      'the script has no reply for a selection that finds nothing: here it is 503 No destinations',
    );
  }
  return {
    select,
    ...(fallback.length === 0 ? {} : { fallback }),
    ...(stateless ? { relay: 'stateless' } : {}),
    failover,
    ...(isChanged ? { destination: destinationOf(number) } : {}),
    record_route: path.recordRoute,
    ...(selection.reject === undefined ? {} : { reject: rejectOf(selection.reject) }),
  };
}

function destinationOf({ strip, prefix }: NumberChange): WrittenJson {
  return { ...(strip === 0 ? {} : { strip }), ...(prefix === '' ? {} : { prefix }) };
}

/** Whether a selection depends on the request-URI: rules select before they change it. */
function dependsOnRequestUri({ call, args }: Selection): boolean {
  const [set = '', algorithm = ''] = args;
  const algorithms =
    call.name === 'ds_select_routes' ? set.split(';').map((each) => each.split('=')[1]) : algorithm.split(',');
  return (
    algorithms.some((each) => /^\s*[37]\s*$/.test(each ?? '')) || args.some((each) => /\$\(?r[uU]\b/.test(each ?? ''))
  );
}

/** Variables that a script sets: before a rule no script runs. */
const COMPUTED = /\$\(?(?:var|avp|xavp|xavu|xavi|shv|sht|dlg_val|dlg_var|dbr|rc|retcode|snd|def|sel|expr|param)\b/;

/**
 * The parameters (set, alg[, flags[, partition[, max_res]]]) of OpenSIPS, (set, alg[, limit]) of Kamailio, and (rules,
 * mode[, limit]) of its ds_select_routes, as "select" of a rule; a text with the reason if that is impossible.
 */
function selectOf({ call, args }: Selection, kamailio: boolean): { [key: string]: WrittenJson } | string {
  for (const [i, arg] of args.entries()) {
    if (arg === undefined) return `its argument ${i + 1} is computed`;
    const computed = COMPUTED.exec(arg);
    if (computed !== null) return `${computed[0]}... in its argument ${i + 1} is set by the script`;
  }
  const [set = '', alg = '', third = '', partition = '', fifth = ''] = args as readonly string[];
  const routes = call.name === 'ds_select_routes';
  if (call.name === 'ds_select') return 'ds_select() fills a list and sets no destination';
  if (set === '' || alg === '') return 'it names no set or no algorithm';
  if (routes && /^[2xX]/.test(alg)) return `mode ${alg} of ds_select_routes sets no destination`;
  // In Kamailio 0 or less means all, in OpenSIPS only the chosen one (recorded).
  const max = kamailio ? third.replace(/^(?:0|-[0-9]+)$/, '') : fifth.replace(/^(?:0+|-[0-9]+)$/, '1');
  const domain = call.name === 'ds_select_domain' || (routes && /^[1rR]/.test(alg));
  return {
    ...(partition === '' ? {} : { partition }),
    ...(routes ? { rules: set } : { set: numeric(set), alg: numeric(alg) }),
    flags: kamailio ? '' : third,
    ...(max === '' ? {} : { max_res: numeric(max) }),
    ...(domain ? { fn: 'domain' } : {}),
  };
}

/** A number if the text is one, else the text (a variable, a list). */
function numeric(text: string): number | string {
  return /^[0-9]{1,9}$/.test(text) ? Number(text) : text;
}

/** Removes rules that are never reached, that equal the next one, or that do the same as no rule. */
function simplified(drafts: readonly Draft[]): Draft[] {
  let list = drafts.filter(({ rule }, i) => !drafts.slice(0, i).some((before) => covers(before.rule, rule)));
  for (let i = list.length - 2; i >= 0; i--) {
    const [here, next] = [list[i] as Draft, list[i + 1] as Draft];
    if (covers(next.rule, here.rule) && outcomeOf(next.rule) === outcomeOf(here.rule)) {
      list = list.filter((each) => each !== here);
    }
  }
  const blocks = JSON.stringify(NOT_CARRIED);
  while (list.length > 0 && outcomeOf((list.at(-1) as Draft).rule) === blocks) list.pop();
  return list;
}

function outcomeOf({ match: _, ...outcome }: Rule): string {
  return JSON.stringify(outcome);
}

/** Whether the first rule matches everything that the second matches. */
function covers(first: Rule, second: Rule): boolean {
  return Object.entries(first.match).every(([variable, value]) => second.match[variable] === value);
}

function leaveSelections(
  routes: readonly RouteBlock[],
  carried: ReadonlySet<Position>,
  blamed: ReadonlyMap<Position, string>,
  ledger: Ledger,
): void {
  for (const route of routes) {
    for (const call of callsIn(route.body)) {
      if (call.kind !== 'call' || carried.has(call.at)) continue;
      if (SELECTS.test(call.name)) {
        const why = blamed.get(call.at) ?? `no new request reaches it${titleOf(route)}`;
        ledger.leave(call.at, `${expressionText(call)} did not become a rule: ${why}`);
      } else if (/^ds_(?:is_|count|mark_dst|is_from_list)/.test(call.name) && route.kind !== 'failure') {
        ledger.leave(call.at, `${expressionText(call)} is not carried over`);
      }
    }
  }
}

function titleOf({ kind, name }: RouteBlock): string {
  return name === undefined ? '' : ` (${kind} route ${name})`;
}

/** Reports routes for which rules have no counterpart. */
function leaveRoutes(routes: readonly RouteBlock[], used: ReadonlySet<string>, ledger: Ledger): void {
  for (const { kind, name, at, body } of routes) {
    if (kind === 'request' || body.length === 0 || (kind === 'failure' && used.has(name ?? ''))) continue;
    ledger.leave(at, `${kind.replace('-', '_')}_route${name === undefined ? '' : `[${name}]`} is not carried over`);
  }
}
