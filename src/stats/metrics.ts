/**
 * Counters as plain numbers that the hot path adds to; collected into Prometheus text and MI statistics only when asked.
 */
export class Counter {
  value = 0;
  constructor(readonly labels: string) {}
}

/** A named family of counters that differ in their labels. Ask for a counter once, keep it, add to `value`. */
export class CounterFamily {
  private readonly byLabels = new Map<string, Counter>();

  constructor(
    readonly name: string,
    readonly help: string,
  ) {}

  /** The counter with these labels, made on first use. */
  with(labels: Readonly<Record<string, string>> = {}): Counter {
    const text = labelText(labels);
    let counter = this.byLabels.get(text);
    if (counter === undefined) {
      counter = new Counter(text);
      this.byLabels.set(text, counter);
    }
    return counter;
  }

  /** All counters, in the order their labels were first used. */
  counters(): Iterable<Counter> {
    return this.byLabels.values();
  }

  /** Forgets the counters with this label; those who kept one must forget it too. */
  forget(label: string, value: string): void {
    const text = `${label}="${escapeLabel(value)}"`;
    for (const labels of this.byLabels.keys()) {
      if (labels.startsWith(`{${text}`) || labels.includes(`,${text}`)) this.byLabels.delete(labels);
    }
  }
}

/** A value read at collection time. */
export interface Gauge {
  readonly name: string;
  readonly help: string;
  /** "counter" for values that only ever grow and are counted elsewhere. Default "gauge". */
  readonly type?: 'gauge' | 'counter';
  readonly collect: () => Iterable<Sample | undefined>;
}

/** One value of a gauge. An `undefined` instead marks a point where a long collection may be interrupted. */
export type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

/** Lines in one piece of the text. */
const LINES = 200;

/** Upper bounds of a histogram's buckets, in the unit of what is observed, and the counts beside them. */
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

  /** Counts a value in its bucket. */
  observe(value: number): void {
    let i = 0;
    while (i < this.bounds.length && value > (this.bounds[i] as number)) i++;
    this.counts[i] = (this.counts[i] as number) + 1;
    this.sum += value;
    this.count++;
  }
}

/** Histograms that differ in their labels, kept elsewhere and read at collection time. */
export interface HistogramFamily {
  readonly name: string;
  readonly help: string;
  /** Upper bounds of the buckets, in the unit of what is exported. */
  readonly bounds: readonly number[];
  readonly collect: () => Iterable<readonly [labels: Readonly<Record<string, string>>, values: HistogramValues]>;
}

/** Counts by bucket, the last without a bound. */
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

/** Everything that is counted, by name. */
export class Metrics {
  private readonly families = new Map<string, CounterFamily>();
  private readonly gauges = new Map<string, Gauge>();
  private readonly histograms = new Map<string, Histogram>();
  private readonly histogramFamilies = new Map<string, HistogramFamily>();

  /** The counters of a name, made at the first call. */
  counter(name: string, help: string): CounterFamily {
    let family = this.families.get(name);
    if (family === undefined) this.families.set(name, (family = new CounterFamily(name, help)));
    return family;
  }

  /** Forgets the counters of all families with this label (partitions that are gone). */
  forget(label: string, value: string): void {
    for (const family of this.families.values()) family.forget(label, value);
  }

  /** Registers a gauge; one of the same name is replaced. */
  gauge(gauge: Gauge): void {
    this.gauges.set(gauge.name, gauge);
  }

  /** The histogram of a name, made at the first call; `bounds` are the upper bounds of its buckets, growing. */
  histogram(name: string, help: string, bounds: readonly number[]): Histogram {
    let histogram = this.histograms.get(name);
    if (histogram === undefined) this.histograms.set(name, (histogram = new Histogram(name, help, bounds)));
    return histogram;
  }

  /** Registers histograms with labels; those of the same name are replaced. */
  histogramFamily(family: HistogramFamily): void {
    this.histogramFamilies.set(family.name, family);
  }

  /** The sum over all labels of a family of counters or of a gauge; 0 where there is none of that name. */
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
   * The same text in pieces, each with less than a millisecond of work in it: with very many destinations or partitions
   * other work must run in between. Some pieces are empty. With `wanted` only samples whose labels it takes.
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

/** Taken in one go, so that buckets, sum and count are of the same moment. */
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
