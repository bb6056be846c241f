import { messageOf } from '../core/errors.js';
import { canonicalIp } from '../core/ip-address.js';
import { ownValue } from '../core/own-value.js';
import { type BoundedRegex, compilePerl, compilePosix } from '../core/posix-regex.js';
import { timeRecurrence } from '../core/time-recurrence.js';
import { ShellPattern } from '../engine/fnmatch.js';
import { algorithmOf } from '../script/pipe-algorithms.js';
import type { AddressRow, DialplanRule, DomainAttribute, DomainRow, PipeRow, TrustedRow } from '../script/tables.js';
import { FaultyRows } from './faulty-rows.js';

/** A row from a database. */
export type DatabaseRow = Readonly<Record<string, unknown>>;

/** A column as text; undefined when it is missing or null. */
export function textIn(row: DatabaseRow, key: string): string | undefined {
  const value = row[key];
  return value === null || value === undefined ? undefined : String(value);
}

/** Columns that a file may name otherwise, by module: the parameter, and the usual name of the column. */
const COLUMNS: Readonly<Record<string, readonly (readonly [parameter: string, usual: string])[]>> = {
  dialplan: [
    ...[
      'dpid',
      'pr',
      'match_op',
      'match_exp',
      'match_len',
      'match_flags',
      'subst_exp',
      'repl_exp',
      'attrs',
      'disabled',
    ].map((name) => [`${name}_col`, name] as const),
    ['timerec_col', 'timerec'],
  ],
  permissions: [
    ...['ip', 'proto', 'pattern', 'grp', 'mask', 'port', 'ip_addr', 'tag'].map(
      (name) => [`${name}_col`, name] as const,
    ),
    ['source_col', 'src_ip'],
    ['from_col', 'from_pattern'],
    ['ruri_col', 'ruri_pattern'],
    ['priority_col', 'priority'],
    ['info_col', 'context_info'],
    ['context_info_col', 'context_info'],
  ],
  domain: [
    ...['domain', 'did', 'name', 'type', 'value'].map((name) => [`${name}_col`, name] as const),
    ['attrs_col', 'attrs'],
  ],
};

/** The rows with the usual names of the columns that the parameters of a module name otherwise. */
export function usuallyNamed(
  rows: readonly DatabaseRow[],
  module: string,
  parameter: (name: string) => string | number | undefined,
): readonly DatabaseRow[] {
  const renamed = (ownValue(COLUMNS, module) ?? []).flatMap(([name, usual]) => {
    const given = parameter(name);
    return given === undefined || given === usual ? [] : [[String(given), usual] as const];
  });
  if (renamed.length === 0) return rows;
  return rows.map((row) => ({ ...row, ...Object.fromEntries(renamed.map(([given, usual]) => [usual, row[given]])) }));
}

/** Reads a row of the address table: version 5 of OpenSIPS, version 6 of Kamailio. */
export function addressRow(row: DatabaseRow, partition: string): AddressRow {
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

const ADDRESS_LINE = /^\s*(\S+)(?:\s+(\S+))?(?:\s+(\d+))?(?:\s*(\d+))?\s*(\S+)?/;

/**
 * Reads Kamailio's file for the address table: lines "group address [mask [port [tag]]]"; "#" begins a comment.
 * `faulty` gets lines without a group or with an invalid address.
 */
export function addressLines(text: string, faulty: (line: string, reason: string) => void): AddressRow[] {
  const rows: AddressRow[] = [];
  const leftOut = new FaultyRows(faulty);
  for (const [i, line] of text.split('\n').entries()) {
    // As recorded, mask and port may be missing: what is not a number there is the tag.
    const [, group = '', ip = '', mask, port, tag] = ADDRESS_LINE.exec(line.replace(/#.*/, '')) ?? [];
    if (group === '') continue;
    if (!/^\d+$/.test(group)) leftOut.add(String(i + 1), 'the group is not a number');
    else if (ip === '' || ip.includes('/'))
      leftOut.add(String(i + 1), 'expected an address without a mask after the group');
    else {
      // A mask of 0 is that of a single address in a file.
      const row = {
        grp: group,
        ip_addr: ip.replace(/^\[(.*)\]$/, '$1'),
        mask: mask === '0' ? undefined : mask,
        port,
        tag,
      };
      rows.push(addressRow(row, 'default'));
    }
  }
  leftOut.end();
  return rows;
}

/**
 * The rows of Kamailio's address table in the order in which it searches them: single addresses and names, the last one
 * first, then networks by group.
 */
export function inKamailioOrder(rows: readonly AddressRow[]): AddressRow[] {
  const single = ({ ip, mask }: AddressRow): boolean => {
    const canonical = canonicalIp(ip);
    return canonical === undefined || mask >= (canonical.includes(':') ? 128 : 32);
  };
  // In Kamailio a mask of 0 matches nothing.
  const networks = rows.filter((row) => row.mask > 0 && !single(row)).sort((a, b) => a.group - b.group);
  return [...rows.filter(single).reverse(), ...networks];
}

/** Reads a row of the domain table. */
export function domainRow(row: DatabaseRow): DomainRow {
  const domain = String(row['domain'] ?? '');
  const did = textIn(row, 'did');
  return { domain, attrs: textIn(row, 'attrs'), did: did === undefined || did === '' ? domain : did };
}

/** The type of numeric domain attributes. */
const NUMBER = 0;

/** The attributes of domains by did, the last one first; `faulty` gets numeric ones with another value. */
export function domainAttributes(
  rows: readonly DatabaseRow[],
  faulty: (id: string, reason: string) => void,
): Map<string, DomainAttribute[]> {
  const all = new Map<string, DomainAttribute[]>();
  const leftOut = new FaultyRows(faulty);
  for (const row of rows) {
    const did = textIn(row, 'did') ?? '';
    const text = textIn(row, 'value') ?? '';
    const number = Number(row['type'] ?? 2) === NUMBER;
    if (number && !/^-?\d+$/.test(text)) {
      leftOut.add(String(row['id'] ?? ''), 'the value is not a number');
      continue;
    }
    const attribute = { name: textIn(row, 'name') ?? '', value: number ? Number(text) : text };
    const same = all.get(did);
    if (same === undefined) all.set(did, [attribute]);
    else same.push(attribute);
  }
  for (const each of all.values()) each.reverse();
  leftOut.end();
  return all;
}

/** Trusted peers by source, in order of priority; `faulty` gets rows with invalid expressions. */
export function trustedRows(
  rows: readonly DatabaseRow[],
  highestFirst: boolean,
  faulty: (id: string, reason: string) => void,
): Map<string, TrustedRow[]> {
  const all = new Map<string, TrustedRow[]>();
  const leftOut = new FaultyRows(faulty);
  const pattern = (row: DatabaseRow, key: string): BoundedRegex | undefined => {
    const text = textIn(row, key) ?? '';
    return text === '' ? undefined : compilePosix(text);
  };
  const sign = highestFirst ? -1 : 1;
  const sorted = [...rows].sort((a, b) => sign * (Number(a['priority'] ?? 0) - Number(b['priority'] ?? 0)));
  for (const row of sorted) {
    const source = textIn(row, 'src_ip') ?? '';
    try {
      const peer = {
        source,
        protocol: (textIn(row, 'proto') ?? 'any').toLowerCase(),
        from: pattern(row, 'from_pattern'),
        requestUri: pattern(row, 'ruri_pattern'),
        tag: textIn(row, 'tag'),
      };
      const same = all.get(source);
      if (same === undefined) all.set(source, [peer]);
      else same.push(peer);
    } catch (error) {
      leftOut.add(String(row['id'] ?? ''), messageOf(error));
    }
  }
  leftOut.end();
  return all;
}

/** The pipes of pipelimit's table by name; `faulty` gets invalid rows. */
export function pipeRows(
  rows: readonly DatabaseRow[],
  columns: { readonly name: string; readonly algorithm: string; readonly limit: string },
  faulty: (id: string, reason: string) => void,
): Map<string, PipeRow> {
  const all = new Map<string, PipeRow>();
  const leftOut = new FaultyRows(faulty);
  for (const row of rows) {
    const name = textIn(row, columns.name) ?? '';
    const limit = Number(row[columns.limit] ?? Number.NaN);
    const algorithm = textIn(row, columns.algorithm) ?? '';
    if (name === '') leftOut.add(String(row['id'] ?? ''), 'the pipe has no name');
    else if (!Number.isSafeInteger(limit) || limit < 0) leftOut.add(name, 'the limit is not a number');
    else if (algorithmOf(algorithm) === undefined)
      leftOut.add(name, `there is no algorithm "${algorithm.slice(0, 32)}"`);
    else all.set(name, { algorithm, limit });
  }
  leftOut.end();
  return all;
}

/** A value of match_op in the dialplan table. */
const REGEX = 1;
/** A value of match_op that only Kamailio has. */
const SHELL_PATTERN = 2;
/** A bit of match_flags: letter case does not matter. */
const CASELESS = 1;

/** The rules of a dialplan table by priority; `faulty` gets invalid rows. */
export function dialplanRules(
  rows: readonly DatabaseRow[],
  partition: string,
  faulty: (id: string, reason: string) => void,
): DialplanRule[] {
  const rules: DialplanRule[] = [];
  const leftOut = new FaultyRows(faulty);
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
        match: dialplanMatch(Number(row['match_op'] ?? 0), expression, ignoreCase),
        ignoreCase,
        length: Number(row['match_len'] ?? 0),
        substitution: substitution === '' ? undefined : compiled(substitution, ignoreCase),
        replacement: textIn(row, 'repl_exp') ?? '',
        attributes: textIn(row, 'attrs') ?? '',
        time: timeRecurrence(textIn(row, 'timerec') ?? ''),
      });
    } catch (error) {
      leftOut.add(String(row['id'] ?? ''), messageOf(error));
    }
  }
  leftOut.end();
  return rules.sort((a, b) => a.priority - b.priority);
}

function dialplanMatch(operator: number, expression: string, ignoreCase: boolean): DialplanRule['match'] {
  if (operator === REGEX) return compilePerl(expression, { ignoreCase });
  if (operator !== SHELL_PATTERN) return expression;
  const pattern = new ShellPattern(expression);
  return { test: (number) => pattern.matches(number) };
}

function compiled(source: string, ignoreCase: boolean): BoundedRegex {
  return compilePerl(source, { ignoreCase });
}
