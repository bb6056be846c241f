import { below, type Problem } from '../config/problem.js';
import type { RoutingRule, Settings } from '../config/settings.js';
import { SwitchyardError } from '../core/errors.js';
import { flavourKind } from '../engine/flavours.js';
import { unknownPartition } from '../engine/partition.js';
import { compileFormat, compileWritable } from '../pvar/format.js';
import { FROM, parseFromList } from '../route/rules/from-list.js';
import { compileMatcher } from '../route/rules/match.js';
import { compileRule } from '../route/rules/rule.js';
import { dispatcherFormats } from '../tenant/options.js';
import { constantSelection } from './rule-selections.js';
import { workersFault } from './worker-hooks.js';

type Fault = Pick<Problem, 'pointer' | 'reason'>;

/**
 * Finds all faults that show only when settings are put together: in pseudo-variables of parameters and rules, and in
 * selections of rules. The start itself would stop at the first one. Values that were `refused` before are not reported
 * again.
 */
export function compositionFaults(settings: Settings, refused: readonly Problem[] = []): Fault[] {
  const { dispatcher } = settings;
  const { hashPvar, pvarAlgoPattern, setidPvar } = dispatcher;
  const faults: Fault[] = [];
  const attempt: Attempt = (pointer, compile) => {
    // A missing partition says nothing about the rest of a selection.
    const rest = refused.filter((each) => each.pointer !== `${pointer}/partition`);
    if (rest.some((each) => each.pointer === pointer || each.pointer.startsWith(`${pointer}/`))) return;
    try {
      compile();
    } catch (error) {
      if (!(error instanceof SwitchyardError)) throw error;
      // Removes the words with which some messages begin, since the pointer is more precise.
      faults.push({ pointer, reason: error.message.replace(/^(?:modparam \w+|rule \/[^ :]+): /, '') });
    }
  };
  const none = () => undefined;
  attempt('/modparam/hash_pvar', () =>
    dispatcherFormats({ ...dispatcher, hashPvar, pvarAlgoPattern: undefined }, none),
  );
  attempt('/modparam/pvar_algo_pattern', () =>
    dispatcherFormats({ ...dispatcher, hashPvar: undefined, pvarAlgoPattern }, none),
  );
  if (setidPvar !== undefined) attempt('/modparam/setid_pvar', () => compileWritable(setidPvar));
  attempt('/workers', () => {
    const fault = workersFault(settings);
    if (fault !== undefined) throw new SwitchyardError('CONFIG_INVALID', fault);
  });
  // With a script, rules are not used.
  if (settings.routeScript !== undefined) return faults;
  for (const rule of settings.routing) {
    for (const [variable, pattern] of rule.match) {
      attempt(below(rule.pointer, 'match', variable), () =>
        variable === FROM ? checkFromList(pattern, settings) : compileMatcher(variable, pattern),
      );
    }
    const before = faults.length;
    checkFormats(rule, attempt);
    // A rule as a whole is checked only if each part is valid.
    if (faults.length > before) continue;
    attempt(below(rule.pointer, 'select'), () => compileRule({ ...rule, match: new Map() }, none));
    attempt(below(rule.pointer, 'select', rule.select?.rules === undefined ? 'alg' : 'rules'), () =>
      refuseUnknownAlgorithm(rule, settings),
    );
    for (const [i, select] of (rule.fallback ?? []).entries()) {
      attempt(below(rule.pointer, 'fallback', i, 'alg'), () => refuseUnknownAlgorithm({ ...rule, select }, settings));
    }
  }
  return faults;
}

function checkFromList(pattern: string, { partitions, defaultPartition }: Settings): void {
  const { partition, attrs } = parseFromList(pattern);
  const wanted = partition === '' || partition === 'default' ? (defaultPartition ?? partition) : partition;
  const found = partitions.find(({ name }) => name === wanted);
  if (found === undefined) throw new SwitchyardError('CONFIG_INVALID', unknownPartition(partition));
  if (attrs !== undefined && !flavourKind(found.flavour).comparesAttributes) {
    throw new SwitchyardError('CONFIG_INVALID', `attrs= is not for partitions of flavour ${found.flavour}`);
  }
}

/** Only a strict partition selects its first destination for an unknown algorithm, as the original does. */
function refuseUnknownAlgorithm(rule: RoutingRule, settings: Settings): void {
  const selection = constantSelection(rule, settings);
  if (selection === undefined || selection.partition.compat === 'strict') return;
  const { flavour } = selection.partition;
  const unknown = selection.targets.find(
    ({ algorithm }) => flavourKind(flavour).algorithmName(algorithm, false) === undefined,
  );
  if (unknown === undefined) return;
  throw new SwitchyardError('CONFIG_INVALID', `flavour ${flavour} has no algorithm ${unknown.algorithm}`);
}

type Attempt = (pointer: string, compile: () => unknown) => void;

function checkFormats({ pointer, select }: RoutingRule, attempt: Attempt): void {
  for (const [key, text] of [
    ['set', select?.set],
    ['alg', select?.alg],
    ['flags', select?.flags],
    ['partition', select?.partition],
    ['max_res', select?.maxRes],
    ['rules', select?.rules],
  ] as const) {
    if (text !== undefined) attempt(below(pointer, 'select', key), () => compileFormat(text));
  }
}
