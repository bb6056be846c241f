import { trimmed } from '../core/characters.js';
import { namedValues } from '../core/named-values.js';
import { ownText } from '../core/own-text.js';
import type { MessageRun } from '../script/call.js';
import type { ModuleParameters } from '../script/environment.js';
import { type Args, code, moduleFunctions, type ScriptFunction, textOf } from './define.js';
import { kamailioFunction } from './kamailio-function.js';
import { httpExchange } from './xhttp.js';

/** Maximum number of combinations of label values, which peers may determine, and of labels of a metric. */
const MAX_SERIES = 10_000;
const MAX_LABELS = 3;
/** Maximum length of a label value. */
const LONGEST_LABEL = 256;
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

type Kind = 'counter' | 'gauge' | 'histogram';

interface Series {
  readonly labels: readonly string[];
  /** Upper bounds of the buckets of a histogram. */
  readonly bounds: readonly number[];
  value: number;
  /** For a histogram: number of observations at or below each bound, and of all. */
  readonly counts: number[];
  count: number;
  /** Time of the last use in milliseconds. */
  used: number;
}

interface Metric {
  readonly kind: Kind;
  readonly name: string;
  readonly labels: readonly string[];
  readonly bounds: readonly number[];
  readonly series: Map<string, Series>;
}

/** Parses "name=cnt; label=method:IP; buckets=1:5". Throws an Error for an invalid definition. */
function defined(kind: Kind, text: string): Metric {
  const options = namedValues(text);
  const name = trimmed(options.get('name') ?? '');
  if (!/^[A-Za-z_:][A-Za-z0-9_:]*$/.test(name)) throw new Error(`prom_${kind} "${text}" has no name of a metric`);
  const labels = (options.get('label') ?? '')
    .split(':')
    .map((each) => trimmed(each))
    .filter(Boolean);
  if (labels.length > MAX_LABELS || labels.some((each) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(each)))
    throw new Error(`prom_${kind} "${text}": at most ${MAX_LABELS} names of labels`);
  const given = options.get('buckets');
  const bounds = given === undefined ? BUCKETS : given.split(':').map(Number);
  if (bounds.some((each, i) => !Number.isFinite(each) || each <= (bounds[i - 1] ?? Number.NEGATIVE_INFINITY)))
    throw new Error(`prom_${kind} "${text}": the buckets are not increasing numbers`);
  return { kind, name, labels, bounds: kind === 'histogram' ? bounds : [], series: new Map() };
}

const metrics = {
  module: 'xhttp_prom',
  create(parameters: ModuleParameters) {
    const all = new Map<string, Metric>();
    for (const kind of ['counter', 'gauge', 'histogram'] as const) {
      for (const text of parameters.all(`prom_${kind}`)) {
        const metric = defined(kind, String(text));
        if (all.has(metric.name)) throw new Error(`two metrics of xhttp_prom have the name "${metric.name}"`);
        all.set(metric.name, metric);
      }
    }
    return {
      all,
      beginning: parameters.text('xhttp_prom_beginning', 'kamailio_'),
      statistics: trimmed(parameters.text('xhttp_prom_stats', '')),
      /** Milliseconds after which an unused series is left out; 0: never. */
      timeout: Math.max(0, parameters.int('xhttp_prom_timeout', 60)) * 60_000,
    };
  },
};

/**
 * The series of a metric for some label values, created at its first use; undefined for another kind or number of
 * labels.
 */
function seriesOf(run: MessageRun, kind: Kind, name: string, labels: readonly string[]): Series | undefined {
  const { all } = run.env.modules.of(metrics);
  const metric = all.get(name);
  if (metric === undefined || metric.kind !== kind || metric.labels.length !== labels.length) return undefined;
  const values = labels.map((each) => each.slice(0, LONGEST_LABEL));
  const key = values.join('\0');
  let series = metric.series.get(key);
  if (series === undefined) {
    const count = [...all.values()].reduce((sum, each) => sum + each.series.size, 0);
    if (count >= MAX_SERIES) return undefined;
    const { bounds } = metric;
    series = { labels: values.map(ownText), bounds, value: 0, counts: bounds.map(() => 0), count: 0, used: 0 };
    metric.series.set(ownText(key), series);
  }
  series.used = run.env.clock.now();
  return series;
}

const labelsOf = (args: Args, from: number, run: MessageRun): string[] =>
  args
    .slice(from)
    .filter((each) => each !== undefined)
    .map((each) => textOf(each, run));

/** Parses a number in a script; as observed, any other text counts as 0. */
function numberIn(text: string): number {
  const number = Number.parseFloat(text);
  return Number.isFinite(number) ? number : 0;
}

/** Label values are bytes sent by peers. Invalid UTF-8 is replaced, since it would make a reader refuse all metrics. */
const escaped = (text: string): string =>
  Buffer.from(text, 'latin1')
    .toString('utf8')
    .replace(/[\\"]/g, '\\$&')
    .replace(/[\r\n]+/g, ' ');

function braces(names: readonly string[], values: readonly string[]): string {
  return names.length === 0 ? '' : `{${names.map((name, i) => `${name}="${escaped(values[i] ?? '')}"`).join(', ')}}`;
}

/** The lines of one series. */
function linesOf({ kind, name, labels }: Metric, series: Series, beginning: string, now: number): string[] {
  const title = beginning + name;
  const own = braces(labels, series.labels);
  if (kind === 'counter') return [`${title}${own} ${series.value} ${now}`];
  if (kind === 'gauge') return [`${title}${own} ${series.value.toFixed(6)} ${now}`];
  const bucket = (bound: string, count: number): string =>
    `${title}_bucket${braces([...labels, 'le'], [...series.labels, bound])} ${count} ${now}`;
  return [
    ...series.bounds.map((bound, i) => bucket(bound.toFixed(6), series.counts[i] ?? 0)),
    bucket('+Inf', series.count),
    `${title}_sum${own} ${series.value.toFixed(6)} ${now}`,
    `${title}_count${own} ${series.count} ${now}`,
  ];
}

/** The statistics in xhttp_prom_stats, from the command that lists them. */
async function statisticLines(run: MessageRun, wanted: string, beginning: string, now: number): Promise<string[]> {
  if (wanted === '') return [];
  const request = { jsonrpc: '2.0', id: 1, method: 'stats.fetch', params: [wanted] };
  const answer = await run.env.services.rpc(JSON.stringify(request), undefined);
  const { result } = (answer === undefined ? {} : JSON.parse(answer.body)) as { result?: Record<string, unknown> };
  const lines = Object.entries(result ?? {}).map(
    ([name, value]) => `${beginning}${name.replace(/[^A-Za-z0-9_:]/g, '_')} ${Number(value)} ${now}`,
  );
  return ['', `# Kamailio statistics for group: ${wanted.replace(/[\r\n]/g, ' ')}`, ...lines];
}

async function dispatch(run: MessageRun): Promise<number> {
  const exchange = httpExchange(run.call);
  if (exchange === undefined) return -1;
  const { all, beginning, statistics, timeout } = run.env.modules.of(metrics);
  const now = run.env.clock.now();
  const lines = ['# User defined metrics'];
  for (const metric of all.values()) {
    for (const [key, series] of metric.series) {
      if (timeout > 0 && now - series.used > timeout) metric.series.delete(key);
      else lines.push(...linesOf(metric, series, beginning, Math.floor(now)));
    }
  }
  lines.push(...(await statisticLines(run, statistics, beginning, Math.floor(now))));
  const text = Buffer.from(`${lines.join('\n')}\n`, 'utf8').toString('latin1');
  return code(exchange.reply(200, 'OK', 'text/plain; version=0.0.4', text));
}

/** Functions of Kamailio's xhttp_prom. */
export const xhttpPromFunctions: ScriptFunction[] = moduleFunctions('xhttp_prom', [
  kamailioFunction('prom_check_uri', '', 'whether an HTTP request is for /metrics', (run) =>
    code(httpExchange(run.call)?.url === '/metrics'),
  ),
  kamailioFunction('prom_dispatch', '', 'answers an HTTP request with the metrics', dispatch, true),
  ...(['counter', 'gauge'] as const).map((kind) =>
    kamailioFunction(`prom_${kind}_reset`, 'name label? label2? label3?', `sets a ${kind} to 0`, (run, args) => {
      const series = seriesOf(run, kind, textOf(args[0], run), labelsOf(args, 1, run));
      if (series !== undefined) series.value = 0;
      return code(series !== undefined);
    }),
  ),
  kamailioFunction('prom_counter_inc', 'name number label? label2? label3?', 'adds to a counter', (run, args) => {
    const by = Math.trunc(numberIn(textOf(args[1], run)));
    const series = by < 0 ? undefined : seriesOf(run, 'counter', textOf(args[0], run), labelsOf(args, 2, run));
    if (series !== undefined) series.value += by;
    return code(series !== undefined);
  }),
  kamailioFunction('prom_gauge_set', 'name number label? label2? label3?', 'sets a gauge', (run, args) => {
    const series = seriesOf(run, 'gauge', textOf(args[0], run), labelsOf(args, 2, run));
    if (series !== undefined) series.value = numberIn(textOf(args[1], run));
    return code(series !== undefined);
  }),
  kamailioFunction(
    'prom_histogram_observe',
    'name number label? label2? label3?',
    'adds an observation to a histogram',
    (run, args) => {
      const series = seriesOf(run, 'histogram', textOf(args[0], run), labelsOf(args, 2, run));
      if (series === undefined) return -1;
      const value = numberIn(textOf(args[1], run));
      for (const [i, bound] of series.bounds.entries())
        if (value <= bound) series.counts[i] = (series.counts[i] ?? 0) + 1;
      series.count++;
      series.value += value;
      return 1;
    },
  ),
]);
