import type { RecordedSelections } from '../../support/recorded-selections.js';
import { type RecordedHashes, runHashes } from './hashes.js';
import { type KamailioSelections, runKamailioSelections } from './kamailio-selections.js';
import { type RecordedLists, runLists } from './lists.js';
import { runOpensipsSelections } from './opensips-selections.js';
import type { Outcome } from './outcome.js';
import { type RunOptions, runScripts } from './scripts.js';

/** Whether a table is from Kamailio: its rows have flags instead of weight and state. */
function isKamailio(sets: Readonly<Record<string, readonly object[]>>): boolean {
  return Object.values(sets).some((rows) => rows.some((row) => 'flags' in row && !('weight' in row)));
}

export type RecordingFormat = 'scripts' | 'hashes' | 'lists' | 'kamailio selections' | 'opensips selections';

/** The format by the top-level keys; undefined for another file. */
export function formatOf(recording: unknown): RecordingFormat | undefined {
  if (typeof recording !== 'object' || recording === null) return undefined;
  const keys = new Set(Object.keys(recording));
  if (keys.has('setup') && keys.has('cases')) return 'scripts';
  if (keys.has('vectors') || keys.has('one')) return 'hashes';
  if (keys.has('is_in_list')) return 'lists';
  if (!keys.has('sets') || !keys.has('cases')) return undefined;
  return isKamailio((recording as KamailioSelections).sets) ? 'kamailio selections' : 'opensips selections';
}

/** Replays a recording of any format: scripts, selections, hashes, lists. Throws for another file. */
export async function runRecording(recording: unknown, options: RunOptions): Promise<Outcome[]> {
  const outcomes = await runFormat(recording, options);
  return outcomes.filter(({ id, area }) => options.wanted(id, area));
}

function runFormat(recording: unknown, options: RunOptions): Outcome[] | Promise<Outcome[]> {
  switch (formatOf(recording)) {
    case 'scripts':
      return runScripts(recording, options);
    case 'hashes':
      return runHashes(recording as RecordedHashes);
    case 'lists':
      return runLists(recording as RecordedLists);
    case 'kamailio selections':
      return runKamailioSelections(recording as KamailioSelections);
    case 'opensips selections':
      return runOpensipsSelections(recording as RecordedSelections);
    case undefined:
      throw new Error('not a recording of a known format');
  }
}
