import { type Clock, systemClock } from '../../core/clock.js';
import { ownValue } from '../../core/own-value.js';
import type { MiValue } from '../../management/mi/command.js';
import { renderTree } from '../../management/mi/tree.js';
import type { Terminal } from '../line/io.js';
import { colored, type Style } from '../line/style.js';

interface ListedDestination {
  readonly URI: string;
  readonly state: string;
  readonly first_hit_counter: number;
  readonly socket?: string;
  readonly attr?: string;
  readonly weight?: number;
  readonly priority?: number;
  readonly description?: string;
  readonly consecutive_failures?: number;
  readonly last_probe?: {
    readonly time: string;
    readonly code: number;
    readonly cause?: string;
    readonly rtt?: number;
  };
  readonly last_change?: { readonly time: string; readonly by: string; readonly reason: string };
}
interface Listing {
  readonly PARTITIONS: readonly {
    readonly name: string;
    readonly SETS: readonly { readonly id: number; readonly Destinations: readonly ListedDestination[] }[];
  }[];
}

/**
 * Shows an MI answer to people: ds_list as a table, a list of names one per line, anything else as a tree. On a
 * terminal, states are coloured and times relative. Ends with a line break.
 */
export function renderForTerminal(
  method: string,
  answer: MiValue,
  terminal?: Terminal | undefined,
  clock: Clock = systemClock,
): string {
  if ((method === 'ds_list' || method === 'dispatcher:list') && isListing(answer))
    return renderListing(answer, terminal, clock.now());
  if (answer === 'OK') return 'OK\n';
  const text = renderTree(answer).replace(/^(\t*)(.*?):: /gm, (_, tabs: string, name: string) => {
    return `${'  '.repeat(tabs.length)}${name}: `;
  });
  return text === '' ? '(nothing)\n' : text.replace(/[ \t]+$/gm, '');
}

function isListing(answer: MiValue): answer is MiValue & Listing {
  return (
    answer !== null && typeof answer === 'object' && Array.isArray((answer as { PARTITIONS?: unknown }).PARTITIONS)
  );
}

type When = (time: string) => string;
type Column = readonly [
  title: string,
  cell: (destination: ListedDestination, when: When) => string | number | undefined,
];

const COLUMNS: readonly Column[] = [
  ['URI', (each) => each.URI],
  ['STATE', (each) => each.state],
  ['HITS', (each) => each.first_hit_counter],
  ['WEIGHT', (each) => each.weight],
  ['PRIO', (each) => each.priority],
  ['FAILED', (each) => each.consecutive_failures],
  ['LAST PROBE', (each, when) => probeText(each.last_probe, when)],
  [
    'CHANGED',
    (each, when) =>
      each.last_change && `${when(each.last_change.time)} ${each.last_change.by}: ${each.last_change.reason}`,
  ],
  ['SOCKET', (each) => each.socket],
  ['ATTRS', (each) => each.attr],
  ['DESCRIPTION', (each) => each.description],
];

const STATE_STYLES: Readonly<Record<string, Style>> = { Active: 'green', Inactive: 'red', Probing: 'yellow' };

function probeText(probe: ListedDestination['last_probe'], when: When): string | undefined {
  if (probe === undefined) return undefined;
  const rtt = probe.rtt === undefined ? '' : ` ${Math.round(probe.rtt)} ms`;
  return `${when(probe.time)} ${probe.code}${probe.cause === undefined ? '' : ` ${probe.cause}`}${rtt}`;
}

const UNITS: readonly (readonly [seconds: number, name: string])[] = [
  [86_400, 'd'],
  [3600, 'h'],
  [60, 'min'],
  [1, 's'],
];

/** A time as "12 s ago" or "3 h ago"; another text stays as it is. */
export function ago(time: string, now: number): string {
  const then = Date.parse(time);
  if (Number.isNaN(then)) return time;
  const seconds = Math.max(0, Math.round((now - then) / 1000));
  const [size, name] = UNITS.find(([each]) => seconds >= each) ?? [1, 's'];
  return `${Math.floor(seconds / size)} ${name} ago`;
}

/** One table for all partitions; columns without any value are left out. */
function renderListing(listing: Listing, terminal: Terminal | undefined, now: number): string {
  const when: When = terminal === undefined ? (time) => time : (time) => ago(time, now);
  const paint = colored(terminal);
  const rows: { partition: string; set: number; destination: ListedDestination }[] = [];
  for (const partition of listing.PARTITIONS) {
    for (const set of [...partition.SETS].sort((a, b) => a.id - b.id)) {
      for (const destination of set.Destinations) rows.push({ partition: partition.name, set: set.id, destination });
    }
  }
  if (rows.length === 0) return 'no destinations\n';
  const used = COLUMNS.filter(([, cell]) => rows.some(({ destination }) => (cell(destination, when) ?? '') !== ''));
  const cells = [['PARTITION', 'SET', ...used.map(([title]) => title)]];
  for (const { partition, set, destination } of rows) {
    cells.push([partition, String(set), ...used.map(([, cell]) => printable(String(cell(destination, when) ?? '')))]);
  }
  const widths = (cells[0] as string[]).map((_, i) =>
    cells.reduce((widest, row) => Math.max(widest, (row[i] as string).length), 0),
  );
  return cells
    .map((row) =>
      row
        .map((cell, i) => {
          const padded = i === row.length - 1 ? cell : cell.padEnd(widths[i] as number);
          const style = cells[0]?.[i] === 'STATE' ? ownValue(STATE_STYLES, cell) : undefined;
          return style === undefined ? padded : paint(style, padded);
        })
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}

/** Control characters must not reach the terminal. */
function printable(text: string): string {
  return text.replace(/[\x00-\x1f\x7f]/g, '?');
}
