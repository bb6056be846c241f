/** A destination in the answer of ds_list full=2. */
export interface ListedDestination {
  readonly URI: string;
  readonly state: string;
  readonly first_hit_counter: number;
  readonly description?: string;
  readonly last_probe?: {
    readonly time: string;
    readonly ok: boolean;
    readonly code: number;
    readonly cause?: string;
    readonly rtt?: number;
  };
  readonly last_change?: {
    readonly time: string;
    readonly reason: string;
    readonly code?: number;
    readonly cause?: string;
  };
}

/** The answer of ds_list full=2. */
export interface Listing {
  readonly PARTITIONS: readonly {
    readonly name: string;
    readonly SETS: readonly { readonly id: number; readonly Destinations: readonly ListedDestination[] }[];
  }[];
}

/** A line of the table. */
export interface ScreenLine {
  readonly partition: string;
  readonly set: number;
  readonly destination: ListedDestination;
  /** How often per second it was selected first; undefined until it was listed twice. */
  readonly rate: number | undefined;
}

/** What the screen shows. */
export interface ScreenOptions {
  readonly columns: number;
  readonly rows: number;
  readonly color: boolean;
  /** Number of lines scrolled past. */
  readonly from: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** The text below the table; '' for none. */
  readonly message: string;
}

/**
 * The lines of a list, those with problems first. Rates are computed from the hits in `before`, which was taken
 * `seconds` ago.
 */
export function linesOf(listing: Listing, before: ReadonlyMap<string, number>, seconds: number): ScreenLine[] {
  const lines = listing.PARTITIONS.flatMap(({ name, SETS }) =>
    SETS.flatMap(({ id, Destinations }) =>
      Destinations.map((destination) => {
        const hits = before.get(keyOf(name, id, destination));
        const rate = hits === undefined ? undefined : Math.max(destination.first_hit_counter - hits, 0) / seconds;
        return { partition: name, set: id, destination, rate };
      }),
    ),
  );
  const urgency = ({ destination: { state } }: ScreenLine) => (state === 'Active' ? 0 : state === 'Inactive' ? 1 : 2);
  return lines.sort((a, b) => urgency(b) - urgency(a));
}

/** The hits of all destinations, to compare with the next list. */
export function hitsOf(listing: Listing): Map<string, number> {
  const hits = new Map<string, number>();
  for (const { name, SETS } of listing.PARTITIONS) {
    for (const { id, Destinations } of SETS) {
      for (const each of Destinations) hits.set(keyOf(name, id, each), each.first_hit_counter);
    }
  }
  return hits;
}

const keyOf = (partition: string, set: number, { URI }: ListedDestination) => `${partition}\n${set}\n${URI}`;

const COLUMNS: readonly (readonly [
  title: string,
  width: number,
  right: boolean,
  cell: (line: ScreenLine, now: number) => string,
])[] = [
  ['PARTITION', 14, false, ({ partition }) => partition],
  ['SET', 4, true, ({ set }) => String(set)],
  ['DESTINATION', 34, false, ({ destination }) => destination.URI],
  ['STATE', 9, false, ({ destination }) => destination.state],
  ['SINCE', 9, false, ({ destination }, now) => since(destination.last_change?.time, now)],
  ['SEL/S', 6, true, ({ rate }) => (rate === undefined ? '' : rate < 10 ? rate.toFixed(1) : String(Math.round(rate)))],
  ['PROBE', 12, true, ({ destination }) => probe(destination)],
  ['WHY', 60, false, ({ destination }) => why(destination)],
];

/** The screen as at most `rows` lines of at most `columns` characters. */
export function screen(lines: readonly ScreenLine[], options: ScreenOptions): string[] {
  const { columns, rows, color, now, message } = options;
  const off = lines.filter(({ destination }) => destination.state !== 'Active').length;
  const rate = lines.reduce((sum, line) => sum + (line.rate ?? 0), 0);
  const head = `${lines.length} ${lines.length === 1 ? 'destination' : 'destinations'}, ${off} off, ${rate.toFixed(1)} selections/s   ${new Date(now).toISOString()}`;
  const room = Math.max(rows - (message === '' ? 2 : 3), 1);
  const from = Math.min(options.from, Math.max(lines.length - room, 0));
  const shown = lines.slice(from, from + room).map((line) => {
    const text = row(
      COLUMNS.map(([, , , cell]) => cell(line, now)),
      columns,
    );
    return color && line.destination.state !== 'Active' ? `\x1b[31m${text}\x1b[0m` : text;
  });
  const titles = row(
    COLUMNS.map(([title]) => title),
    columns,
  );
  return [
    head.slice(0, columns),
    color ? `\x1b[7m${titles.padEnd(columns)}\x1b[0m` : titles,
    ...shown,
    ...(message === '' ? [] : [message.slice(0, columns)]),
  ];
}

function row(cells: readonly string[], columns: number): string {
  const text = cells.map((cell, i) => {
    const [, width, right] = COLUMNS[i] as (typeof COLUMNS)[number];
    const cut = printable(cell).slice(0, width);
    return right ? cut.padStart(width) : cut.padEnd(width);
  });
  return text.join(' ').slice(0, columns).trimEnd();
}

/** Control characters must not reach the terminal. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e\u00a0-\uffff]/g, '?');
}

function since(time: string | undefined, now: number): string {
  if (time === undefined) return '';
  const seconds = Math.max(Math.round((now - Date.parse(time)) / 1000), 0);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

function probe({ last_probe: last }: ListedDestination): string {
  if (last === undefined) return '';
  if (!last.ok) return last.cause ?? String(last.code);
  return last.rtt === undefined ? String(last.code) : `${last.rtt.toFixed(1)} ms`;
}

function why({ state, last_change: change, description = '' }: ListedDestination): string {
  if (state === 'Active' || change === undefined) return description;
  const detail = [change.code, change.cause].filter((each) => each !== undefined).join(' ');
  return detail === '' ? change.reason : `${change.reason}, ${detail}`;
}
