import { nearest } from '../core/nearest.js';
import { refuseUnknownPartition } from './partition-definition.js';
import { listOf, type RawRule, type RawSelect } from './raw.js';
import { type Findings, inside, type Location } from './reading.js';
import type { RoutingRule, SelectConfig } from './settings.js';

/** The names that rules may refer to. */
export interface RuleTargets {
  readonly partitions: ReadonlySet<string>;
  readonly defaultPartition: string | undefined;
  readonly blacklists: ReadonlySet<string>;
  /**
   * Whether all partitions could be read; if not, problems of rules with them are not reported, as they could be
   * misleading.
   */
  readonly complete: boolean;
}

/**
 * The texts in this program instead of those read from a file: V8 compares two texts of a program by their addresses, and
 * code compiled for that (by warm-up calls) is given up when a text from a file comes.
 */
const RELAYS: { readonly [relay in RoutingRule['relay']]: relay } = {
  stateful: 'stateful',
  stateless: 'stateless',
  redirect: 'redirect',
  reply: 'reply',
};

/** Reads the routing rules. Their pseudo-variables are compiled, and thus checked, by the route room. */
export function readRules(
  rules: readonly (RawRule | null)[],
  location: Location,
  targets: RuleTargets,
  findings: Findings,
): RoutingRule[] {
  return listOf<RawRule>(rules as readonly (RawRule | null)[]).map(([index, rule]) =>
    readRule(rule, inside(location, index ?? 0), targets, findings),
  );
}

function readRule(rule: RawRule, location: Location, targets: RuleTargets, findings: Findings): RoutingRule {
  if (rule.select && targets.complete) checkPartition(rule.select, inside(location, 'select'), targets, findings);
  const fallback = listOf<RawSelect>(rule.fallback);
  if (fallback.length > 0 && rule.select === undefined) {
    findings.refuse(inside(location, 'fallback'), 'a fallback needs a "select" before it');
  }
  for (const [index, each] of fallback) {
    const at = inside(location, 'fallback', ...(index === undefined ? [] : [index]));
    if (targets.complete) checkPartition(each, at, targets, findings);
  }
  const lists = listOf<string>(rule.use_blacklist);
  for (const [index, name] of lists) {
    if (!targets.complete || isVariable(name) || targets.blacklists.has(name)) continue;
    const at = inside(location, 'use_blacklist', ...(index === undefined ? [] : [index]));
    findings.refuse(at, `unknown blacklist "${name}"`, nearest(name, targets.blacklists));
  }
  refuseVariables(rule, location, findings);
  const { code } = rule.reject;
  const methods = rule.match['$rm'];
  if (code < 300 && (rule.relay !== 'reply' || methods === undefined || !/^(?!INVITE$)[A-Z]+$/.test(String(methods)))) {
    findings.refuse(
      inside(location, 'reject', 'code'),
      'a code below 300 needs relay "reply" and a match of $rm other than INVITE',
    );
  }
  if (rule.relay === 'reply' && rule.select !== undefined) {
    findings.refuse(inside(location, 'select'), 'a rule with relay "reply" cannot select');
  }
  return {
    pointer: location.pointer,
    match: new Map(Object.entries(rule.match).map(([variable, value]) => [variable, String(value)])),
    select: rule.select && selectOf(rule.select),
    ...(fallback.length === 0
      ? {}
      : { fallback: fallback.map(([, each]) => ({ ...selectOf(each), fn: rule.select?.fn ?? 'dst' })) }),
    relay: RELAYS[rule.relay],
    failover: {
      codes: listOf<string | number>(rule.failover.codes).map(([, code]) => String(code).toLowerCase()),
      max: rule.failover.max,
      mark: rule.failover.mark,
    },
    destination: rule.destination && {
      strip: String(rule.destination.strip ?? ''),
      prefix: String(rule.destination.prefix ?? ''),
      headers: new Map(Object.entries(rule.destination.headers ?? {}).map(([name, value]) => [name, String(value)])),
    },
    redirects: { follow: rule.redirects.follow, max: rule.redirects.max },
    recordRoute: rule.record_route,
    useBlacklist: lists.map(([, name]) => name),
    reject: { code: rule.reject.code, reason: rule.reject.reason },
  };
}

/**
 * Changes for a destination are made from its attributes in braces; reports a pseudo-variable, which would be sent
 * literally.
 */
function refuseVariables(rule: RawRule, location: Location, findings: Findings): void {
  const { strip, prefix, headers = {} } = rule.destination ?? {};
  const texts: [path: string[], text: unknown][] = [
    [['strip'], strip],
    [['prefix'], prefix],
    ...Object.entries(headers).map(([name, text]): [string[], unknown] => [['headers', name], text]),
  ];
  for (const [path, text] of texts) {
    const [variable, name] = /\$(?:[A-Za-z.]{0,32}\(([\w.-]{0,64})|[A-Za-z]\w{0,64})/.exec(String(text ?? '')) ?? [];
    if (variable === undefined) continue;
    const at = inside(location, 'destination', ...path);
    const reason = `"${variable}${name === undefined ? '' : ')'}" is not a variable here: attributes of the destination are written in braces`;
    if (name === undefined) findings.warn(at, reason);
    else findings.refuse(at, reason, name === '' ? undefined : `{${name}}`);
  }
}

function selectOf(select: RawSelect): SelectConfig {
  return {
    partition: select.partition,
    set: String(select.set ?? ''),
    ...(select.rules === undefined ? {} : { rules: select.rules }),
    alg: String(select.alg),
    flags: select.flags,
    maxRes: select.max_res == null ? undefined : String(select.max_res),
    fn: select.fn ?? 'dst',
  };
}

/** A partition may be named by its key or with the set, "acme:1,2" (module document, ds_select_dst). */
function checkPartition(select: RawSelect, location: Location, targets: RuleTargets, findings: Findings): void {
  const faulty = findings.problems.some(({ pointer }) => pointer.startsWith(`${location.pointer}/`));
  if ((select.set === undefined) === (select.rules === undefined) && !faulty) {
    findings.refuse(location, 'needs either set or rules');
  }
  const set = String(select.set ?? '');
  const prefixed = /^\s*([^:,$]+?)\s*:/.exec(set)?.[1];
  for (const [key, name] of [
    ['partition', select.partition],
    ['set', prefixed],
  ] as const) {
    if (name === undefined || isVariable(name) || targets.partitions.has(name)) continue;
    if (name === 'default' && targets.defaultPartition !== undefined) continue;
    refuseUnknownPartition(name, targets.partitions, inside(location, key), findings);
  }
  if (
    select.partition === undefined &&
    prefixed === undefined &&
    !isVariable(set) &&
    targets.defaultPartition === undefined
  ) {
    findings.refuse(location, 'names no partition, and there is no default partition');
  }
}

function isVariable(text: string): boolean {
  return text.includes('$');
}
