import { mi } from './api.js';
import { counted } from './format.js';
import { Confirm } from './parts.js';
import type { Row } from './store.js';

const STATES = { a: 'active', i: 'inactive', p: 'probing' } as const;
/** Letters of states for ds_set_state. */
export type StateLetter = keyof typeof STATES;

/** A button for each state; `choose` gets its letter. */
export function StateButtons({ choose }: { readonly choose: (state: StateLetter) => void }) {
  return (
    <>
      {(Object.keys(STATES) as StateLetter[]).map((letter) => (
        <button key={letter} type="button" onClick={() => choose(letter)}>
          Set {STATES[letter]}
        </button>
      ))}
    </>
  );
}

/** Sets the state of several destinations, with one command each, and shows failures. */
export function SetState({
  rows,
  state,
  onDone,
}: {
  readonly rows: readonly Row['info'][];
  readonly state: StateLetter;
  readonly onDone: () => void;
}) {
  const what = rows.length === 1 ? (rows[0]?.uri ?? '') : counted(rows.length, 'destination');
  const act = async (comment: string) => {
    const failed: string[] = [];
    for (const { partition, set, uri } of rows) {
      const params = { state, group: `${partition}:${set}`, address: uri, ...(comment === '' ? {} : { comment }) };
      await mi('ds_set_state', params).catch((error: Error) => failed.push(`${uri}: ${error.message}`));
    }
    return failed.length === 0 ? undefined : failed.join('; ');
  };
  return (
    <Confirm title={`Set ${STATES[state]}`} action={act} onDone={onDone} withComment>
      <p>
        {what} {rows.length === 1 ? 'becomes' : 'become'} <strong>{STATES[state]}</strong>.
        {state !== 'a' && ' New calls go to other destinations of the set; calls in progress are not touched.'}
      </p>
    </Confirm>
  );
}
