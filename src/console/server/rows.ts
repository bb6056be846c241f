import type { DestinationFigures, FiguresTable, Times } from '../../calls/destination-figures.js';
import { maskUri } from '../../core/mask.js';
import type { Destination, Health } from '../../engine/destination.js';
import { type LiveRow, STATES, type StaticRow } from './wire.js';

/** Milliseconds after which the counts for recent percentiles are replaced. */
const WINDOW_MS = 30_000;

interface Window {
  /** Counts at the beginning of the last window and of this one. */
  older: readonly number[];
  newer: readonly number[];
}

/** Converts destinations to rows for the page. A destination keeps its ID while it is in its table. */
export class WireRows {
  private readonly numbers = new WeakMap<Health, number>();
  private next = 1;
  private readonly statics = new WeakMap<object, StaticRow>();
  private readonly windows = new WeakMap<DestinationFigures, Window>();
  private turnedAt = Number.NEGATIVE_INFINITY;
  private round = 0;
  private readonly rounds = new WeakMap<DestinationFigures, number>();

  constructor(private readonly figures: Pick<FiguresTable, 'find'>) {}

  /** The ID of a destination; destinations with the same health are the same. */
  numberOf({ health }: Destination): number {
    let number = this.numbers.get(health);
    if (number === undefined) this.numbers.set(health, (number = this.next++));
    return number;
  }

  /** Returns the same object while nothing in it has changed. */
  staticRow(destination: Destination): StaticRow {
    const { row, partition, setId } = destination;
    const weight = destination.health.weight ?? row.weight;
    const known = this.statics.get(row);
    if (known !== undefined && known.weight === weight) return known;
    const made: StaticRow = {
      id: this.numberOf(destination),
      partition,
      set: setId,
      uri: maskUri(row.uri),
      attrs: row.attrs,
      description: row.description,
      weight,
      priority: row.priority,
      socket: row.socket,
    };
    this.statics.set(row, made);
    return made;
  }

  /** Call it before rows are made; monotonic milliseconds. */
  begin(now: number): void {
    if (now - this.turnedAt < WINDOW_MS) return;
    this.turnedAt = now;
    this.round++;
  }

  /** The figures of a destination that change often. */
  live(destination: Destination): LiveRow {
    const { health } = destination;
    const figures = this.figures.find(destination);
    const change = health.lastChange;
    const [p50, p95] = figures === undefined ? [-1, -1] : this.recent(figures);
    const outcomes = figures?.outcomes;
    const answered = outcomes?.[2] ?? 0;
    return [
      this.numberOf(destination),
      STATES.indexOf(health.state),
      change?.time ?? 0,
      figures?.calls ?? 0,
      answered,
      outcomes === undefined ? 0 : failures(outcomes),
      figures?.failovers ?? 0,
      figures?.inProgress ?? 0,
      p50,
      p95,
      health.lastProbe?.rtt === undefined ? -1 : Math.round(health.lastProbe.rtt * 10) / 10,
      why(health),
    ];
  }

  /** Percentiles of the time to the first reply, over the last 30 to 60 seconds. */
  private recent(figures: DestinationFigures): readonly [number, number] {
    const { first } = figures;
    if (first.count === 0) return [-1, -1];
    let window = this.windows.get(figures);
    if (window === undefined) {
      const none = first.counts.map(() => 0);
      this.windows.set(figures, (window = { older: none, newer: none }));
      this.rounds.set(figures, this.round);
    } else if (this.rounds.get(figures) !== this.round) {
      window.older = window.newer;
      window.newer = [...first.counts];
      this.rounds.set(figures, this.round);
    }
    return [quantile(first, window.older, 0.5), quantile(first, window.older, 0.95)];
  }
}

/**
 * Outcomes that count against a destination: no reply, 5xx, 6xx. A busy or unknown callee is not a gateway's failure.
 */
function failures(outcomes: readonly number[]): number {
  return (outcomes[0] ?? 0) + (outcomes[5] ?? 0) + (outcomes[6] ?? 0);
}

function quantile(times: Times, before: readonly number[], share: number): number {
  const recent = times.since(before);
  const value = recent.quantile(share);
  return value === undefined ? -1 : Math.round(value * 10) / 10;
}

/** The reason of a state, such as "negative probing reply, 408 timeout". */
function why({ lastChange, lastProbe, state }: Health): string {
  if (lastChange === undefined) return state === 'active' ? '' : 'as loaded from the table';
  const { reason, code, cause } = lastChange;
  const detail = [code, cause].filter((each) => each !== undefined).join(' ');
  const probe =
    state !== 'active' && detail === '' && lastProbe !== undefined && !lastProbe.ok
      ? [lastProbe.code, lastProbe.cause].filter((each) => each !== undefined).join(' ')
      : detail;
  return probe === '' ? reason : `${reason}, ${probe}`;
}
