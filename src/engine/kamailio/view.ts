import type { Destination } from '../destination.js';
import type { DestinationView, OverloadView } from '../flavour.js';
import type { KamailioVersion } from '../options.js';
import { parseAttributes } from './attributes.js';
import { callsAt, lettersOf, liveOf } from './live.js';
import type { KamailioOptions } from './options.js';

const NO_LATENCY = { average: 0, deviation: 0, estimate: 0, max: 0, timeouts: 0 };

/** The options that decide how a partition's destinations are shown. */
interface Shown {
  readonly options: KamailioOptions;
  readonly version: KamailioVersion;
  readonly strict: boolean;
}

/** A destination as dispatcher.list and dispatcher.oclist show it. */
export function viewOf(destination: Destination, { options, version, strict }: Shown): DestinationView {
  const attributes = parseAttributes(destination.row.attrs, strict);
  const live = liveOf(destination);
  const { overload } = live;
  const calls = callsAt(live);
  const shown: OverloadView = {
    rate: overload?.rate ?? attributes.ocRate,
    min: attributes.ocMin,
    max: attributes.ocMax,
    sequence: overload?.seq ?? 0,
    index: overload?.decisions ?? 0,
    until: overload?.until ?? 0,
  };
  return {
    letters: lettersOf(destination, version),
    bits: live.bits,
    probingCount: live.count,
    load: options.hashSize > 0 || calls > 0 ? calls : undefined,
    attributes,
    latency: options.latencyStats ? (live.latency ?? NO_LATENCY) : undefined,
    overload: shown,
  };
}
