import { below, type Problem } from '../../config/problem.js';
import type { RoutingRule, Settings } from '../../config/settings.js';
import { constantSelection } from '../../daemon/rule-selections.js';

/**
 * Finds rules that make every call fail or are never reached. `hasRows`: whether a set of a partition has destinations.
 */
export function ruleWarnings(settings: Settings, hasRows: (partition: string, set: number) => boolean): Problem[] {
  const at = (pointer: string, reason: string): Problem => ({ file: settings.file, pointer, reason });
  // With a script, rules are not used.
  if (settings.routeScript !== undefined) return [];
  const { routing } = settings;
  if (routing.length === 0) return [at('/routing', 'there are no rules: every new request is answered with 404')];
  const warnings: Problem[] = [];
  for (const [i, rule] of routing.entries()) {
    const before = routing.slice(0, i).find((each) => covers(each, rule));
    if (before !== undefined) {
      warnings.push(at(rule.pointer, `is never reached: ${before.pointer} takes every request that matches it`));
    }
    warnings.push(...emptySets(rule, settings, hasRows).map((reason) => at(below(rule.pointer, 'select'), reason)));
  }
  return warnings;
}

/** Whether the first rule matches everything that the second matches. */
function covers(first: RoutingRule, second: RoutingRule): boolean {
  return [...first.match].every(
    ([variable, pattern]) => /^\*+$/.test(pattern) || second.match.get(variable) === pattern,
  );
}

function emptySets(
  rule: RoutingRule,
  settings: Settings,
  hasRows: (partition: string, set: number) => boolean,
): string[] {
  return [rule.select, ...(rule.fallback ?? [])].flatMap((select) => {
    const selection = constantSelection({ select }, settings);
    if (selection === undefined) return [];
    const { name } = selection.partition;
    const sets = [...new Set(selection.targets.map(({ setId }) => setId))];
    return sets
      .filter((set) => !hasRows(name, set))
      .map((set) => `set ${set} of partition "${name}" has no destination`);
  });
}
