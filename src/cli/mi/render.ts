import type { Json } from '../../management/mi/command.js';
import { renderTree } from '../../management/mi/tree.js';

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

/** An MI answer for people: ds_list as a table, what is a list of names a line each, the rest as a tree. Ends in a newline. */
export function renderForPeople(method: string, answer: Json): string {
  if ((method === 'ds_list' || method === 'dispatcher:list') && isListing(answer)) return renderListing(answer);
  if (answer === 'OK') return 'OK\n';
  const text = renderTree(answer).replace(/^(\t*)(.*?):: /gm, (_, tabs: string, name: string) => {
    return `${'  '.repeat(tabs.length)}${name}: `;
  });
  return text === '' ? '(nothing)\n' : text.replace(/[ \t]+$/gm, '');
}

function isListing(answer: Json): answer is Json & Listing {
  return (
    answer !== null && typeof answer === 'object' && Array.isArray((answer as { PARTITIONS?: unknown }).PARTITIONS)
  );
}

type Column = readonly [title: string, cell: (destination: ListedDestination) => string | number | undefined];

const COLUMNS: readonly Column[] = [
  ['URI', (each) => each.URI],
  ['STATE', (each) => each.state],
  ['HITS', (each) => each.first_hit_counter],
  ['WEIGHT', (each) => each.weight],
  ['PRIO', (each) => each.priority],
  ['FAILED', (each) => each.consecutive_failures],
  ['LAST PROBE', (each) => probeText(each.last_probe)],
  [
    'CHANGED',
    (each) => each.last_change && `${each.last_change.time} ${each.last_change.by}: ${each.last_change.reason}`,
  ],
  ['SOCKET', (each) => each.socket],
  ['ATTRS', (each) => each.attr],
  ['DESCRIPTION', (each) => each.description],
];

function probeText(probe: ListedDestination['last_probe']): string | undefined {
  if (probe === undefined) return undefined;
  const rtt = probe.rtt === undefined ? '' : ` ${Math.round(probe.rtt)} ms`;
  return `${probe.time} ${probe.code}${probe.cause === undefined ? '' : ` ${probe.cause}`}${rtt}`;
}

/** One table over all partitions; columns nobody has a value for are left out. */
function renderListing(listing: Listing): string {
  const rows: { partition: string; set: number; destination: ListedDestination }[] = [];
  for (const partition of listing.PARTITIONS) {
    for (const set of partition.SETS) {
      for (const destination of set.Destinations) rows.push({ partition: partition.name, set: set.id, destination });
    }
  }
  if (rows.length === 0) return 'no destinations\n';
  const used = COLUMNS.filter(([, cell]) => rows.some(({ destination }) => (cell(destination) ?? '') !== ''));
  const cells = [['PARTITION', 'SET', ...used.map(([title]) => title)]];
  for (const { partition, set, destination } of rows) {
    cells.push([partition, String(set), ...used.map(([, cell]) => printable(String(cell(destination) ?? '')))]);
  }
  const widths = (cells[0] as string[]).map((_, i) =>
    cells.reduce((widest, row) => Math.max(widest, (row[i] as string).length), 0),
  );
  return cells
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] as number))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}

/** What stands in a table must not move the cursor of who reads it. */
function printable(text: string): string {
  return text.replace(/[\x00-\x1f\x7f]/g, '?');
}
