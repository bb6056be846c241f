import type { Explanation } from '../../daemon/daemon.js';

/** Shows an explanation on a terminal. */
export function renderExplanation(found: Explanation): string {
  const lines: string[] = [];
  if (found.dialog !== undefined) {
    const { ours, verdict, why, partition } = found.dialog;
    lines.push(`within a dialog: routed ${verdict}`, `    ${why}`);
    if (ours.length > 0) lines.push(`    our Route values: ${ours.join(', ')}`);
    if (partition !== undefined) lines.push(`    the call was routed by partition ${partition}`);
  }
  for (const { rule, verdict, entries } of found.rules) {
    if (verdict === 'not reached') continue;
    lines.push(`rule ${rule} ${verdict === 'taken' ? 'matches' : 'does not match'}`);
    for (const { variable, value, pattern, matches } of entries) {
      lines.push(`    ${variable} is "${value}": ${matches ? 'matches' : 'does not match'} "${pattern}"`);
    }
  }
  if (found.partition !== undefined) lines.push(`partition ${found.partition}`);
  for (const each of found.sets ?? []) {
    const { set, algorithm, decided_by, active, candidates, more_candidates } = each;
    lines.push(`set ${set}, algorithm ${algorithm}: ${active} of ${candidates.length + (more_candidates ?? 0)} active`);
    if (decided_by !== undefined) lines.push(`    ${decided_by}`);
    for (const { destination, state, since, why, weight, priority, attrs, blacklisted, ourselves } of candidates) {
      const history = since === undefined ? '' : ` since ${since} (${why})`;
      const more = [
        `weight ${weight}`,
        `priority ${priority}`,
        ...(attrs === undefined ? [] : [`attrs ${attrs}`]),
        ...(blacklisted ? ['blacklisted'] : []),
        ...(ourselves ? ['one of our own sockets'] : []),
      ];
      lines.push(`    ${destination}  ${state}${history}  ${more.join(', ')}`);
    }
    if (more_candidates !== undefined) lines.push(`    and ${more_candidates} more`);
  }
  if (found.dialog?.next !== undefined) lines.push(`goes to ${found.dialog.next}`);
  else if ((found.order?.length ?? 0) > 0) {
    lines.push('tried in this order');
    for (const [i, each] of (found.order ?? []).entries()) lines.push(`    ${i + 1}. ${each}`);
  }
  if (found.fails_over_on !== undefined) lines.push(`fails over on ${found.fails_over_on}`);
  if (found.failure !== undefined) lines.push(found.failure);
  if (found.answer !== undefined) lines.push(`the caller gets ${found.answer}`);
  // Control characters in a request or table must not reach the terminal.
  return `${lines.map((line) => line.replace(/[\x00-\x1f\x7f-\x9f]/g, '?')).join('\n')}\n`;
}
