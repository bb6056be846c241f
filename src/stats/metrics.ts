/** A counter. Code adds to the plain number; it is read when metrics or MI statistics are requested. */
export class Counter {
  value = 0;
  constructor(readonly labels: string) {}
}

/** The counters of one name, which differ in their labels. Get a counter once, keep it, and add to its `value`. */
export class CounterFamily {
  private readonly byLabels = new Map<string, Counter>();

  constructor(
    readonly name: string,
    readonly help: string,
  ) {}

  /** The counter with these labels, created when there is none. */
  with(labels: Readonly<Record<string, string>> = {}): Counter {
    const text = labelText(labels);
    let counter = this.byLabels.get(text);
    if (counter === undefined) {
      counter = new Counter(text);
      this.byLabels.set(text, counter);
    }
    return counter;
  }

  /** All counters, in the order of creation. */
  counters(): Iterable<Counter> {
    return this.byLabels.values();
  }

  /** Removes the counters with this label. Code that keeps such a counter must drop it too. */
  forget(label: string, value: string): void {
    const text = `${label}="${escapeLabel(value)}"`;
    for (const labels of this.byLabels.keys()) {
      if (labels.startsWith(`{${text}`) || labels.includes(`,${text}`)) this.byLabels.delete(labels);
    }
  }
}

/** A value that is read when metrics are requested. */
export interface Gauge {
  readonly name: string;
  readonly help: string;
  /** "counter" for a value that only grows. Default "gauge". */
  readonly type?: 'gauge' | 'counter';
  readonly collect: () => Iterable<Sample | undefined>;
}

/**
 * One value of a gauge. An `undefined` between samples marks a point where a long collection may yield to other work.
 */
export type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

/** Lines in one piece of the Prometheus text. */
const LINES = 200;

/** A histogram: upper bounds of the buckets, in the unit of the values, and the count of each. */
export class Histogram {
  readonly counts: number[];
  sum = 0;
  count = 0;

  constructor(
    readonly name: string,
    readonly help: string,
    readonly bounds: readonly number[],
  ) {
    this.counts = new Array<number>(bounds.length + 1).fill(0);
  }

  /** Counts a value. */
  observe(value: number): void {
    let i = 0;
    while (i < this.bounds.length && value > (this.bounds[i] as number)) i++;
    this.counts[i] = (this.counts[i] as number) + 1;
    this.sum += value;
    this.count++;
  }
}

/**
 * Histograms of one name that differ in their labels. Other code counts them; they are read when metrics are requested.
 */
export interface HistogramFamily {
  readonly name: string;
  readonly help: string;
  /** Upper bounds of the buckets, in the unit of the exported values. */
  readonly bounds: readonly number[];
  readonly collect: () => Iterable<readonly [labels: Readonly<Record<string, string>>, values: HistogramValues]>;
}

/** Counts by bucket; the last bucket has no upper bound. */
export interface HistogramValues {
  readonly counts: readonly number[];
  readonly sum: number;
  readonly count: number;
}

function isWanted(line: string, wanted: (labels: string) => boolean): boolean {
  if (line.startsWith('#')) return true;
  const brace = line.indexOf('{');
  return brace >= 0 && wanted(line.slice(brace));
}

/** All metrics, by name. */
export class Metrics {
  private readonly families = new Map<string, CounterFamily>();
  private readonly gauges = new Map<string, Gauge>();
  private readonly histograms = new Map<string, Histogram>();
  private readonly histogramFamilies = new Map<string, HistogramFamily>();

  /** The counters of this name, created when there are none. */
  counter(name: string, help: string): CounterFamily {
    let family = this.families.get(name);
    if (family === undefined) this.families.set(name, (family = new CounterFamily(name, help)));
    return family;
  }

  /** Removes the counters with this label from all families, for example those of a removed partition. */
  forget(label: string, value: string): void {
    for (const family of this.families.values()) family.forget(label, value);
  }

  /** Adds a gauge, or replaces the one of the same name. */
  gauge(gauge: Gauge): void {
    this.gauges.set(gauge.name, gauge);
  }

  /** The histogram of this name, created when there is none; `bounds` are the ascending upper bounds of its buckets. */
  histogram(name: string, help: string, bounds: readonly number[]): Histogram {
    let histogram = this.histograms.get(name);
    if (histogram === undefined) this.histograms.set(name, (histogram = new Histogram(name, help, bounds)));
    return histogram;
  }

  /** Adds a family of histograms, or replaces the one of the same name. */
  histogramFamily(family: HistogramFamily): void {
    this.histogramFamilies.set(family.name, family);
  }

  /** The sum of a gauge or of a family of counters over all labels; 0 when there is none of that name. */
  total(name: string): number {
    let sum = 0;
    for (const { value } of this.families.get(name)?.counters() ?? []) sum += value;
    for (const sample of this.gauges.get(name)?.collect() ?? []) sum += sample?.[1] ?? 0;
    return sum;
  }

  /** Prometheus text exposition format 0.0.4. */
  prometheus(): string {
    return [...this.pieces()].join('');
  }

  /**
   * The same text in pieces, each less than a millisecond of work, so that other work can run in between when there are
   * very many destinations or partitions. Some pieces are empty. With `wanted`, only samples for whose labels it
   * returns true.
   */
  *pieces(wanted?: (labels: string) => boolean): Generator<string> {
    let lines: string[] = [];
    for (const line of this.lines()) {
      if (line !== undefined && wanted !== undefined && !isWanted(line, wanted)) continue;
      if (line !== undefined) lines.push(line, '\n');
      if (line !== undefined && lines.length < 2 * LINES) continue;
      yield lines.join('');
      lines = [];
    }
    yield lines.join('');
  }

  private *lines(): Generator<string | undefined> {
    for (const family of this.families.values()) {
      yield `# HELP ${family.name} ${family.help}`;
      yield `# TYPE ${family.name} counter`;
      for (const counter of family.counters()) yield `${family.name}${counter.labels} ${counter.value}`;
    }
    for (const gauge of this.gauges.values()) {
      yield `# HELP ${gauge.name} ${gauge.help}`;
      yield `# TYPE ${gauge.name} ${gauge.type ?? 'gauge'}`;
      for (const sample of gauge.collect()) {
        yield sample && `${gauge.name}${labelText(sample[0])} ${sample[1]}`;
      }
    }
    for (const histogram of this.histograms.values()) {
      yield `# HELP ${histogram.name} ${histogram.help}`;
      yield `# TYPE ${histogram.name} histogram`;
      yield* histogramLines(histogram.name, histogram.bounds, {}, histogram);
    }
    for (const { name, help, bounds, collect } of this.histogramFamilies.values()) {
      yield `# HELP ${name} ${help}`;
      yield `# TYPE ${name} histogram`;
      for (const [labels, values] of collect()) yield* histogramLines(name, bounds, labels, values);
    }
  }
}

/** Reads all numbers at once, so that buckets, sum and count belong together. */
function histogramLines(
  name: string,
  bounds: readonly number[],
  labels: Readonly<Record<string, string>>,
  { counts, sum, count }: HistogramValues,
): string[] {
  let cumulative = 0;
  const buckets = bounds.map((bound, i) => {
    cumulative += counts[i] as number;
    return `${name}_bucket${labelText({ ...labels, le: String(bound) })} ${cumulative}`;
  });
  const text = labelText(labels);
  const all = `${name}_bucket${labelText({ ...labels, le: '+Inf' })} ${count}`;
  return [...buckets, all, `${name}_sum${text} ${sum}`, `${name}_count${text} ${count}`];
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const names = Object.keys(labels);
  if (names.length === 0) return '';
  const parts = names.map((name) => `${name}="${escapeLabel(labels[name] as string)}"`);
  return `{${parts.join(',')}}`;
}

function escapeLabel(value: string): string {
  return value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');
}
