import type { Destination } from '../destination.js';
import type { DestinationView, OverloadView } from '../flavour.js';
import { parseAttributes } from './attributes.js';
import { lettersOf, liveOf } from './live.js';
import type { KamailioOptions } from './options.js';

const NO_LATENCY = { average: 0, deviation: 0, estimate: 0, max: 0, timeouts: 0 };

/** A destination as dispatcher.list and dispatcher.oclist show it. */
export function viewOf(destination: Destination, { latencyStats }: KamailioOptions, strict: boolean): DestinationView {
  const attributes = parseAttributes(destination.row.attrs, strict);
  const live = liveOf(destination);
  const { overload } = live;
  const shown: OverloadView = {
    rate: overload?.rate ?? attributes.ocRate ?? 0,
    min: attributes.ocMin,
    max: attributes.ocMax,
    sequence: overload?.seq ?? 0,
    index: Math.trunc(overload?.debt ?? 0),
    until: overload !== undefined && Number.isFinite(overload.until) ? overload.until : 0,
  };
  return {
    letters: lettersOf(destination),
    attributes,
    latency: latencyStats ? (live.latency ?? NO_LATENCY) : undefined,
    overload: shown,
  };
}
