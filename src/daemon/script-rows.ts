import { messageOf } from '../core/errors.js';
import { type BoundedRegex, compilePerl } from '../core/posix-regex.js';
import { timeRecurrence } from '../core/time-recurrence.js';
import type { AddressRow, DialplanRule, DomainRow } from '../script/tables.js';

/** A row as a database gives it. */
export type TableRow = Readonly<Record<string, unknown>>;

/** A column as text; undefined when it is missing or null. */
export function textIn(row: TableRow, key: string): string | undefined {
  const value = row[key];
  return value === null || value === undefined ? undefined : String(value);
}

/** A row of the address table: version 5 of OpenSIPS, version 6 of Kamailio. */
export function addressRow(row: TableRow, partition: string): AddressRow {
  const ip = textIn(row, 'ip') ?? textIn(row, 'ip_addr') ?? '';
  return {
    partition,
    group: Number(row['grp'] ?? 0),
    ip,
    mask: Number(row['mask'] ?? (ip.includes(':') ? 128 : 32)),
    port: Number(row['port'] ?? 0),
    protocol: (textIn(row, 'proto') ?? 'any').toLowerCase(),
    pattern: textIn(row, 'pattern'),
    context: textIn(row, 'context_info') ?? textIn(row, 'tag'),
  };
}

/** A row of the domain table. */
export function domainRow(row: TableRow): DomainRow {
  return { domain: String(row['domain'] ?? ''), attrs: textIn(row, 'attrs') };
}

/** match_op of a dialplan row. */
const REGEX = 1;
/** match_flags: letter case does not count. */
const CASELESS = 1;

/** The rules of a dialplan table by priority; `faulty` gets those that cannot be used. */
export function dialplanRules(
  rows: readonly TableRow[],
  partition: string,
  faulty: (id: string, reason: string) => void,
): DialplanRule[] {
  const rules: DialplanRule[] = [];
  for (const row of rows) {
    if (Number(row['disabled'] ?? 0) !== 0) continue;
    const ignoreCase = (Number(row['match_flags'] ?? 0) & CASELESS) !== 0;
    try {
      const expression = textIn(row, 'match_exp') ?? '';
      const substitution = textIn(row, 'subst_exp') ?? '';
      rules.push({
        partition,
        id: Number(row['dpid'] ?? 0),
        priority: Number(row['pr'] ?? 0),
        match: Number(row['match_op'] ?? 0) === REGEX ? compilePerl(expression, { ignoreCase }) : expression,
        ignoreCase,
        length: Number(row['match_len'] ?? 0),
        substitution: substitution === '' ? undefined : compiled(substitution, ignoreCase),
        replacement: textIn(row, 'repl_exp') ?? '',
        attributes: textIn(row, 'attrs') ?? '',
        time: timeRecurrence(textIn(row, 'timerec') ?? ''),
      });
    } catch (error) {
      faulty(String(row['id'] ?? ''), messageOf(error));
    }
  }
  return rules.sort((a, b) => a.priority - b.priority);
}

function compiled(source: string, ignoreCase: boolean): BoundedRegex {
  return compilePerl(source, { ignoreCase });
}
