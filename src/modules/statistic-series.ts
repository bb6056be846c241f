import type { Clock } from '../core/clock.js';
import { ownText } from '../core/own-text.js';
import type { ModuleParameters } from '../script/environment.js';
import { code, type FunctionSpec, intOf, OPENSIPS, param, textOf } from './define.js';

/** How the values within the window become one number. */
type SeriesAlgorithm = 'accumulate' | 'average' | 'percentage';

/** A profile of series (parameter "stat_series_profile"). */
interface SeriesProfile {
  readonly algorithm: SeriesAlgorithm;
  readonly group: string;
  /** Length of the window in milliseconds. */
  readonly window: number;
  readonly slots: number;
  /** The total, for "percentage". */
  readonly whole: number;
}

/** Maximum number of series of one script, of slots of a series, and of characters of a name. */
const MAX_SERIES = 10_000;
const MAX_SLOTS = 3600;
const LONGEST_NAME = 1024;

interface Slot {
  /** Number of the slot since time 0. */
  number: number;
  sum: number;
  count: number;
  good: number;
}

/** Values of the last seconds in slots of equal length; slots older than the window are ignored. */
class Series {
  private readonly slots: Slot[] = [];
  private readonly span: number;

  constructor(
    readonly profile: SeriesProfile,
    private readonly clock: Clock,
  ) {
    this.span = profile.window / profile.slots;
  }

  note(value: number): void {
    const number = this.numberNow();
    const at = number % this.profile.slots;
    let slot = this.slots[at];
    if (slot?.number !== number) {
      slot = { number, sum: 0, count: 0, good: 0 };
      this.slots[at] = slot;
    }
    slot.sum += value;
    slot.count += 1;
    if (value > 0) slot.good += 1;
  }

  value(): number {
    const oldest = this.numberNow() - this.profile.slots;
    let sum = 0;
    let count = 0;
    let good = 0;
    for (const slot of this.slots) {
      if (slot === undefined || slot.number <= oldest) continue;
      sum += slot.sum;
      count += slot.count;
      good += slot.good;
    }
    const { algorithm, whole } = this.profile;
    if (algorithm === 'accumulate') return sum;
    if (count === 0) return 0;
    return Math.trunc(algorithm === 'average' ? sum / count : (good * whole) / count);
  }

  private numberNow(): number {
    return Math.floor(this.clock.monotonic() / this.span);
  }
}

/** The series of a script by name, and their profiles. */
class SeriesTable {
  private readonly known = new Map<string, Series>();

  constructor(private readonly profiles: ReadonlyMap<string, SeriesProfile>) {}

  /** All series by name. */
  get all(): ReadonlyMap<string, Series> {
    return this.known;
  }

  /** The series with a name. */
  find(name: string): Series | undefined {
    return this.known.get(name);
  }

  /**
   * Adds a value to a series. False when there is no such profile, there are too many series, or the name is too long.
   */
  note(profile: string, name: string, value: number, clock: Clock): boolean {
    let series = this.known.get(name);
    if (series === undefined) {
      const found = this.profiles.get(profile);
      if (found === undefined || this.known.size >= MAX_SERIES || name.length > LONGEST_NAME) return false;
      series = new Series(found, clock);
      this.known.set(ownText(name), series);
    }
    series.note(value);
    return true;
  }
}

/**
 * Parses "acd: algorithm=average window=600 slots=60 group=trunks"; by default the window is 60 s with a slot for each
 * second.
 */
function profileOf(text: string): [string, SeriesProfile] {
  const [, name = '', settings = ''] = /^[ \t\r\n]*([^: \t\r\n]+)[ \t\r\n]*(?::(.*))?$/s.exec(text) ?? [];
  const given = new Map(
    settings.split(/[ \t\r\n;,]+/).map((each) => {
      const [key = '', value = ''] = each.split('=', 2);
      return [key, value] as const;
    }),
  );
  const number = (key: string, usual: number, max: number): number =>
    Math.min(max, Math.max(1, Math.trunc(Number(given.get(key) ?? usual)) || usual));
  const algorithm = given.get('algorithm');
  const window = number('window', 60, 86_400);
  return [
    name,
    {
      algorithm: algorithm === 'average' || algorithm === 'percentage' ? algorithm : 'accumulate',
      group: given.get('group') ?? name,
      window: window * 1000,
      slots: number('slots', Math.min(window, MAX_SLOTS), MAX_SLOTS),
      whole: number('percentage_factor', 100, 1_000_000),
    },
  ];
}

/** State of statistic series; they start again when the file is reloaded with other profiles. */
export const statisticSeries = {
  module: 'statistics',
  create: (parameters: ModuleParameters): SeriesTable =>
    new SeriesTable(new Map(parameters.all('stat_series_profile').map((each) => profileOf(String(each))))),
  copy: (table: SeriesTable): SeriesTable => table,
};

/** update_stat_series(), since OpenSIPS 3.2. */
export const seriesFunctions: FunctionSpec[] = [
  {
    name: 'update_stat_series',
    dialects: OPENSIPS,
    parameters: [param('profile', 'string'), param('statistic', 'string'), param('value', 'int')],
    summary:
      'adds a value to a series, whose value over the window of its profile $stat(statistic) shows; false for an unknown profile',
    compile:
      ([profile, name, value]) =>
      (run) => {
        const series = run.env.modules.of(statisticSeries);
        return code(series.note(textOf(profile, run), textOf(name, run), intOf(value, run, 0), run.env.clock));
      },
  },
];
