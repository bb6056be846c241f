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

  counters(): Iterable<Counter> {
    return this.byLabels.values();
  }

  /** Forgets counters whose labels `keep` refuses (destinations that are gone). */
  prune(keep: (labels: string) => boolean): void {
    for (const labels of this.byLabels.keys()) if (!keep(labels)) this.byLabels.delete(labels);
  }
}

/** A value read at collection time: yields label text and value. */
export interface Gauge {
  readonly name: string;
  readonly help: string;
  /** "counter" for values that only ever grow and are counted elsewhere. Default "gauge". */
  readonly type?: 'gauge' | 'counter';
  readonly collect: () => Iterable<readonly [labels: Readonly<Record<string, string>>, value: number]>;
}

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

  observe(value: number): void {
    let i = 0;
    while (i < this.bounds.length && value > (this.bounds[i] as number)) i++;
    this.counts[i] = (this.counts[i] as number) + 1;
    this.sum += value;
    this.count++;
  }
}

/** Everything that is counted, by name. */
export class Metrics {
  private readonly families = new Map<string, CounterFamily>();
  private readonly gauges = new Map<string, Gauge>();
  private readonly histograms = new Map<string, Histogram>();

  counter(name: string, help: string): CounterFamily {
    let family = this.families.get(name);
    if (family === undefined) this.families.set(name, (family = new CounterFamily(name, help)));
    return family;
  }

  gauge(gauge: Gauge): void {
    this.gauges.set(gauge.name, gauge);
  }

  histogram(name: string, help: string, bounds: readonly number[]): Histogram {
    let histogram = this.histograms.get(name);
    if (histogram === undefined) this.histograms.set(name, (histogram = new Histogram(name, help, bounds)));
    return histogram;
  }

  /** Prometheus text exposition format 0.0.4. */
  prometheus(): string {
    const lines: string[] = [];
    for (const family of this.families.values()) {
      lines.push(`# HELP ${family.name} ${family.help}`, `# TYPE ${family.name} counter`);
      for (const counter of family.counters()) lines.push(`${family.name}${counter.labels} ${counter.value}`);
    }
    for (const gauge of this.gauges.values()) {
      lines.push(`# HELP ${gauge.name} ${gauge.help}`, `# TYPE ${gauge.name} ${gauge.type ?? 'gauge'}`);
      for (const [labels, value] of gauge.collect()) lines.push(`${gauge.name}${labelText(labels)} ${value}`);
    }
    for (const histogram of this.histograms.values()) {
      lines.push(`# HELP ${histogram.name} ${histogram.help}`, `# TYPE ${histogram.name} histogram`);
      let cumulative = 0;
      histogram.bounds.forEach((bound, i) => {
        cumulative += histogram.counts[i] as number;
        lines.push(`${histogram.name}_bucket{le="${bound}"} ${cumulative}`);
      });
      lines.push(`${histogram.name}_bucket{le="+Inf"} ${histogram.count}`);
      lines.push(`${histogram.name}_sum ${histogram.sum}`, `${histogram.name}_count ${histogram.count}`);
    }
    return `${lines.join('\n')}\n`;
  }
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
