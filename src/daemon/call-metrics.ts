import type { CallLedger } from '../calls/call-ledger.js';
import { DestinationFigures, TIME_BOUNDS, type Times } from '../calls/destination-figures.js';
import { maskUri } from '../core/mask.js';
import type { Destination } from '../engine/destination.js';
import type { Engine } from '../engine/engine.js';
import type { HistogramValues, Metrics } from '../stats/metrics.js';

/** Maximum number of destinations, or sets, with metrics of their own: each has about fifty series. */
const MAX_SERIES_OF = 200;
/** Milliseconds for which computed figures are reused, since all metrics of one scrape need them. */
const LOOK_MS = 500;

type Labels = Readonly<Record<string, string>>;
type Row = readonly [labels: Labels, figures: DestinationFigures];

const CLASSES = ['none', '1xx', '2xx', '3xx', '4xx', '5xx', '6xx'];

/**
 * Registers metrics of calls by destination. With more than 200 destinations in use they are exported by set, with more
 * than 200 sets by partition.
 *
 *   switchyard_destination_calls_total            INVITE requests sent to it
 *   switchyard_destination_requests_total         requests of other methods
 *   switchyard_destination_replies_total          outcomes by class; class="none": no final reply, or not sent
 *   switchyard_destination_failovers_total        requests that were then sent to another one
 *   switchyard_destination_calls_in_progress      INVITEs without a final reply, and calls that are followed
 *   switchyard_destination_first_reply_seconds    from sending to the first reply above 100
 *   switchyard_destination_final_reply_seconds    from sending to the final reply
 *   switchyard_probe_seconds                      round trips of probes
 *   switchyard_requests_unmatched_total           requests that no rule matched
 *   switchyard_requests_refused_total             requests answered without being dispatched
 *   switchyard_calls_in_dialog                    answered calls that are followed until their BYE
 */
export function registerCallMetrics(metrics: Metrics, ledger: CallLedger, engine: Engine, now: () => number): void {
  let rows: readonly Row[] = [];
  let lookedAt = Number.NEGATIVE_INFINITY;
  const look = (): readonly Row[] => {
    if (now() - lookedAt < LOOK_MS) return rows;
    lookedAt = now();
    rows = rowsOf(ledger, engine);
    return rows;
  };
  const each = (
    name: string,
    help: string,
    read: (figures: DestinationFigures) => number,
    type: 'counter' | 'gauge' = 'counter',
  ) => {
    metrics.gauge({
      name,
      help,
      type,
      collect: () => look().map(([labels, figures]) => [labels, read(figures)] as const),
    });
  };
  each('switchyard_destination_calls_total', 'INVITE requests sent to a destination', ({ calls }) => calls);
  each('switchyard_destination_requests_total', 'Other requests sent to a destination', ({ requests }) => requests);
  each(
    'switchyard_destination_failovers_total',
    'Requests that failed over to another destination',
    ({ failovers }) => failovers,
  );
  each(
    'switchyard_destination_calls_in_progress',
    'Calls in progress at a destination: ringing, or answered with this proxy in their path',
    ({ inProgress }) => inProgress,
    'gauge',
  );
  metrics.gauge({
    name: 'switchyard_destination_replies_total',
    help: 'Outcomes at a destination by class of the final reply; none: there was no final reply',
    type: 'counter',
    collect: function* () {
      for (const [labels, { outcomes }] of look()) {
        for (const [i, name] of CLASSES.entries())
          if (i !== 1) yield [{ ...labels, class: name }, outcomes[i] ?? 0] as const;
      }
    },
  });
  const times = (name: string, help: string, read: (figures: DestinationFigures) => Times) =>
    metrics.histogramFamily({
      name,
      help,
      bounds: TIME_BOUNDS.map((ms) => ms / 1000),
      collect: () =>
        look()
          .filter(([, figures]) => read(figures).count > 0)
          .map(([labels, figures]) => [labels, inSeconds(read(figures))] as const),
    });
  times(
    'switchyard_destination_first_reply_seconds',
    'Time from sending to the first reply above 100',
    ({ first }) => first,
  );
  times('switchyard_destination_final_reply_seconds', 'Time from sending to the final reply', ({ final }) => final);
  times('switchyard_probe_seconds', 'Round-trip times of probes', ({ probes }) => probes);
  const counted = (name: string, help: string, read: () => number, type: 'counter' | 'gauge' = 'counter') =>
    metrics.gauge({ name, help, type, collect: () => [[{}, read()]] });
  counted('switchyard_requests_unmatched_total', 'Requests no rule matched', () => ledger.counters.unmatched);
  counted(
    'switchyard_requests_refused_total',
    'Requests answered without being dispatched',
    () => ledger.counters.refused,
  );
  counted('switchyard_calls_in_dialog', 'Answered calls with this proxy in their path', () => ledger.inDialog, 'gauge');
}

function inSeconds({ counts, sum, count }: Times): HistogramValues {
  return { counts, sum: sum / 1000, count };
}

function rowsOf(ledger: CallLedger, engine: Engine): readonly Row[] {
  const used = ledger.table.used(({ partition, setId, row, health }) =>
    (engine.partition(partition)?.findAll(setId, row.uri) ?? []).some((each) => each.health === health),
  );
  if (used.length <= MAX_SERIES_OF) {
    return used.map(({ destination, figures }) => [
      { ...ofSet(destination), destination: maskUri(destination.row.uri), socket: destination.row.socket },
      figures,
    ]);
  }
  const bySet = sums(used, ofSet);
  return bySet.length <= MAX_SERIES_OF ? bySet : sums(used, ({ partition }) => ({ partition }));
}

function ofSet({ partition, setId }: Destination): Labels {
  return { partition, set: String(setId) };
}

function sums(
  used: readonly { readonly destination: Destination; readonly figures: DestinationFigures }[],
  labelsOf: (destination: Destination) => Labels,
): Row[] {
  const found = new Map<string, Row>();
  for (const { destination, figures } of used) {
    const labels = labelsOf(destination);
    const key = Object.values(labels).join(' ');
    let row = found.get(key);
    if (row === undefined) found.set(key, (row = [labels, new DestinationFigures()]));
    row[1].add(figures);
  }
  return [...found.values()];
}
