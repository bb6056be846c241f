import { ownValue } from '../../core/own-value.js';
import type { NgDictionary, NgValue } from '../../media/bencode.js';
import type { PvarValue } from '../../pvar/context.js';
import type { VariableDefinition } from '../../pvar/variables/definition.js';
import { PerCall } from '../../script/per-call.js';
import { own, scopeOf } from '../script-variable.js';

/** Answers with media statistics, by call. */
export const totals = new PerCall<NgDictionary | undefined>(() => undefined);

const dictionary = (value: NgValue | undefined): NgDictionary =>
  value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as NgDictionary) : {};

/** "RTP: 1 bytes, 1 packets, 0 errors; RTCP: ..." from the last rtpengine_query() or rtpengine_delete() of the call. */
export const statisticsText = own(({ call }) => {
  const answer = call === undefined ? undefined : totals.known(call);
  if (answer === undefined) return null;
  const all = dictionary(answer['totals']);
  const of = (name: string): string => {
    const { bytes = 0, packets = 0, errors = 0 } = dictionary(all[name]);
    return `${name}: ${String(bytes)} bytes, ${String(packets)} packets, ${String(errors)} errors`;
  };
  return `${of('RTP')}; ${of('RTCP')}`;
});

/**
 * Statistics of streams: their names in $rtpstat(NAME-average), (NAME-min) and (NAME-max), and in the answer of the
 * media proxy.
 */
const FIGURES: Readonly<Record<string, string>> = {
  mos: 'MOS',
  jitter: 'jitter',
  packetloss: 'packet loss',
  roundtrip: 'round-trip time',
};
const OF_STREAM: Readonly<Record<string, string>> = { average: 'average MOS', min: 'lowest MOS', max: 'highest MOS' };

/** One statistic over all streams: average, minimum or maximum; null when the answer does not have it. */
function streamFigure(answer: NgDictionary, text: string): PvarValue {
  const [, name = '', kind = ''] = /^(\w+)-(average|min|max)$/.exec(text.toLowerCase()) ?? [];
  const figure = ownValue(FIGURES, name);
  if (figure === undefined) return null;
  const values: number[] = [];
  for (const stream of Object.values(dictionary(answer['SSRC']))) {
    const value = dictionary(dictionary(stream)[OF_STREAM[kind] ?? ''])[figure];
    if (typeof value === 'number') values.push(value);
  }
  if (values.length === 0) return null;
  if (kind === 'min') return Math.min(...values);
  if (kind === 'max') return Math.max(...values);
  return Math.round(values.reduce((sum, each) => sum + each, 0) / values.length);
}

/** $rtpstat of OpenSIPS: the text above, or one statistic when a name is given. */
export const rtpStatistics: VariableDefinition = {
  argument: 'optional',
  indexed: true,
  compile: (argument) => {
    const { get } = statisticsText.compile(undefined, undefined);
    if (argument === undefined) return { get };
    return {
      get: (context) => {
        const { call } = scopeOf(context);
        const answer = call === undefined ? undefined : totals.known(call);
        return answer === undefined ? null : streamFigure(answer, argument.constant ?? argument.read(context));
      },
    };
  },
};

/** $rtpquery: the last answer as JSON. */
export const rtpAnswer = own(({ call }) => {
  const answer = call === undefined ? undefined : totals.known(call);
  return answer === undefined ? null : JSON.stringify(answer);
});
