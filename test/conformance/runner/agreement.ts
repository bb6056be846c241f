import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { runScripts } from './scripts.js';
import { SwitchyardTarget } from './switchyard-target.js';

/** Replays the recorded scripts of a dialect; at least `least` of them must agree. */
export async function assertAgreement(
  name:
    | 'opensips'
    | 'kamailio'
    | 'kamailio-further'
    | 'kamailio-random'
    | 'kamailio-leftovers'
    | 'kamailio-modules'
    | 'kamailio-families'
    | 'kamailio-rules'
    | 'kamailio-kinds'
    | 'kamailio-fresh'
    | 'kamailio-grammar'
    | 'kamailio-statements'
    | 'kamailio-small-modules'
    | 'kamailio-small-modules-2'
    | 'kamailio-small-modules-3'
    | 'kamailio-small-modules-4'
    | 'kamailio-small-modules-5'
    | 'kamailio-small-modules-6'
    | 'kamailio-files',
  least: number,
): Promise<void> {
  const file = new URL(`../data/scripts-${name}.json`, import.meta.url);
  const recording: unknown = JSON.parse(readFileSync(file, 'utf8'));
  const outcomes = await runScripts(recording, { target: new SwitchyardTarget(), lanes: 8, wanted: () => true });
  const good = outcomes.filter(({ misses }) => misses.length === 0).length;
  const misses = outcomes.filter((each) => each.misses.length > 0).map(({ id, misses: [first] }) => `${id}: ${first}`);
  assert.ok(good >= least, `${good} of ${outcomes.length} agree\n${misses.join('\n')}`);
}
