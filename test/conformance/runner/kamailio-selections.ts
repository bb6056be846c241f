import assert from 'node:assert/strict';
import { type BatchMessage, BatchSession, type BatchView } from '../../../src/cli/replay/batch.js';
import { answerKamailio } from '../../../src/cli/replay/kamailio-batch.js';
import type { Engine } from '../../../src/engine/engine.js';
import { lettersOf } from '../../../src/engine/kamailio/live.js';
import { KAMAILIO_DEFAULTS, type KamailioOptions } from '../../../src/engine/kamailio/options.js';
import { setStateBits } from '../../../src/engine/kamailio/states.js';
import { RowReader } from '../../../src/store/rows.js';
import { engineWith, partitionOptions } from '../../support/partitions.js';
import { PlainRequest } from '../../support/plain-request.js';
import type { Outcome } from './outcome.js';

interface RecordedRow {
  readonly uri: string;
  readonly flags: number;
  readonly priority: number;
  readonly attrs: string;
}

interface Case {
  readonly id: string;
  readonly sequence: string | null;
  readonly kind?: 'distribution';
  readonly rpc?: { readonly method: string; readonly params: readonly [string, number, string] };
  /** Settings of the module for a case without a selection. */
  readonly setup?: { readonly useDefault: number };
  readonly request?: {
    readonly method: string;
    readonly ruri: string;
    readonly from: string;
    readonly to: string;
    readonly callid: string;
    readonly authHeader?: string;
    readonly hashValue?: string;
  };
  readonly select?: {
    readonly fn: string;
    readonly set?: number;
    readonly alg?: number;
    readonly limit?: number;
    readonly rules?: string;
    readonly mode?: string;
    readonly moduleFlags: number;
    readonly useDefault: number;
    readonly hashSize?: number;
    readonly nextDstCalls?: number;
    readonly then?: string;
  };
  readonly expect: Record<string, unknown> & {
    readonly ok?: boolean;
    readonly targets?: readonly string[];
    readonly counts?: Record<string, number>;
    readonly picks?: number;
    readonly rotationOf?: readonly string[];
    readonly load?: Record<string, number>;
    readonly flags?: Record<string, string>;
    readonly cnt?: number;
    readonly sockets?: readonly (string | null)[];
    readonly socknames?: readonly (string | null)[];
  };
}

/** Selections recorded from Kamailio, with the tables they were made on. */
export interface KamailioSelections {
  readonly sets: Readonly<Record<string, readonly RecordedRow[]>>;
  readonly cases: readonly Case[];
}

function rows(recording: KamailioSelections) {
  const reader = new RowReader({ table: 'recorded', flavour: 'kamailio', persistentState: true });
  for (const [id, set] of Object.entries(recording.sets)) {
    for (const { uri, flags, priority, attrs } of set) {
      reader.add({ setid: Number(id), destination: uri, flags, priority, attrs });
    }
  }
  assert.deepEqual(reader.discarded, []);
  return reader.rows;
}

/** One engine for each set of module settings, as in the recording. */
function freshEngine(recording: KamailioSelections, over: Partial<KamailioOptions>): Engine {
  const kamailio = { ...KAMAILIO_DEFAULTS, probingMode: 1 as const, ...over };
  const engine = engineWith([partitionOptions({ flavour: 'kamailio', compat: 'strict', kamailio })]);
  const report = engine.partition('')?.load(rows(recording), { inheritState: true });
  assert.deepEqual(report?.discarded, []);
  return engine;
}

class Replay {
  readonly engine: Engine;
  private readonly session: BatchSession;
  private current: Case | undefined;

  constructor(recording: KamailioSelections, over: Partial<KamailioOptions>) {
    this.engine = freshEngine(recording, over);
    const open = ({ request }: BatchMessage): BatchView => {
      assert.ok(typeof request !== 'string');
      return new PlainRequest(request, { hashVar: () => this.current?.request?.hashValue });
    };
    this.session = new BatchSession({
      engine: this.engine,
      open,
      mi: () => ({}),
      kamailio: (line, partition) => answerKamailio(line, partition, { engine: this.engine, open }),
    });
  }

  async check(c: Case): Promise<void> {
    this.current = c;
    if (c.rpc !== undefined) this.setState(c.rpc.params);
    else if (c.kind === 'distribution') await this.checkShares(c);
    else await this.checkSelection(c);
    if (c.expect.flags !== undefined) {
      for (const [uri, letters] of Object.entries(c.expect.flags)) assert.equal(this.letters(c, uri), letters, c.id);
    }
  }

  private letters(c: Case, uri: string): string {
    const destination = this.engine.partition('')?.find(c.rpc?.params[1] ?? 0, uri);
    assert.ok(destination !== undefined);
    return lettersOf(destination);
  }

  private setState([state, setId, uri]: readonly [string, number, string]): void {
    const bits = setStateBits(state);
    assert.ok(bits !== undefined);
    for (const destination of this.engine.partition('')?.snapshot.sets.get(setId)?.destinations ?? []) {
      if (uri !== 'all' && destination.row.uri !== uri) continue;
      this.engine.states.apply({ destination, kind: 'set', mark: { bits, how: 'set' }, origin: 'mi', reason: 'test' });
      // The original changes the first destination with the URI.
      if (uri !== 'all') break;
    }
  }

  private run(c: Case): Promise<Record<string, unknown>> {
    const { request, select } = c;
    const auth = request?.authHeader ?? '';
    const headers = auth === '' ? [] : [[auth.slice(0, auth.indexOf(':')), auth.slice(auth.indexOf(':') + 1)]];
    return this.session.run({
      id: c.id,
      request: {
        method: 'INVITE',
        ruri: 'sip:a@b',
        from: '<sip:a@b>',
        to: '<sip:a@b>',
        callid: 'x',
        ...request,
        headers,
      },
      fn: select?.fn,
      set: select?.set ?? null,
      alg: select?.alg ?? null,
      rules: select?.rules,
      mode: select?.mode,
      max_res: select?.limit ?? null,
      next: select?.nextDstCalls ?? 0,
    }) as Promise<Record<string, unknown>>;
  }

  private async checkSelection(c: Case): Promise<void> {
    const answer = await this.run(c);
    assert.equal(answer['error'], undefined, c.id);
    const { expect } = c;
    if (expect.ok !== undefined) assert.equal(answer['ok'], expect.ok, `${c.id}: ${JSON.stringify(answer)}`);
    if (c.select?.then === 'ds_load_unset') {
      await this.session.run({ id: c.id, request: c.request, fn: 'load_unset' });
      const unset = await this.session.run({
        id: c.id,
        request: { ...c.request, method: 'X' },
        fn: 'load_update',
        set: c.select.set,
      });
      assert.deepEqual((unset as Record<string, unknown>)['load'], expect.load, c.id);
    } else if (expect.load !== undefined && answer['load'] !== undefined) {
      assert.deepEqual(answer['load'], expect.load, c.id);
    }
    if (expect.ok === false) return;
    if (expect.rotationOf !== undefined) {
      const targets = answer['targets'] as string[];
      const start = expect.rotationOf.indexOf(targets[0] as string);
      assert.ok(start >= 0, `${c.id}: ${targets[0]}`);
      assert.deepEqual(targets, [...expect.rotationOf.slice(start), ...expect.rotationOf.slice(0, start)], c.id);
      return;
    }
    for (const key of ['targets', 'ruris', 'attrs', 'branches', 'groups']) {
      if (expect[key] === undefined) continue;
      // The request-URI is not rewritten there: the recorded text says that the received request-URI is not valid.
      if (c.select?.fn === 'dst' && key === 'ruris') continue;
      // A case that lists request-URIs only does not determine the targets after them.
      if (c.select?.fn === 'domain' && key === 'targets' && expect['ruris'] === undefined) continue;
      assert.deepEqual(answer[key], expect[key], `${c.id}: ${key} of ${JSON.stringify(c.select)}`);
    }
    if (expect.cnt !== undefined) assert.equal(answer['count'], expect.cnt, `${c.id}: count`);
    for (const key of ['sockets', 'socknames'] as const) {
      const recorded = expect[key]?.map((each) => each ?? '');
      if (recorded !== undefined) assert.deepEqual(answer[key], recorded, `${c.id}: ${key}`);
    }
  }

  /** Each round of a hundred has exact counts and equals the one before. */
  private async checkShares(c: Case): Promise<void> {
    const rounds: string[][] = [[], []];
    for (const round of rounds) {
      for (let i = 0; i < (c.expect.picks ?? 0); i++) round.push(((await this.run(c))['targets'] as string[])[0] ?? '');
    }
    const counts: Record<string, number> = {};
    for (const uri of rounds[0] ?? []) counts[uri] = (counts[uri] ?? 0) + 1;
    assert.deepEqual(counts, c.expect.counts, c.id);
    assert.deepEqual(rounds[1], rounds[0], c.id);
  }
}

/** Settings of the module for a case. */
function setupOf({ id, select, setup }: Case): Partial<KamailioOptions> {
  if (select !== undefined) {
    const { moduleFlags, useDefault, hashSize } = select;
    const hashed = id.startsWith('E') ? 6 : (hashSize ?? 0);
    return { flags: moduleFlags, useDefault: useDefault === 1, hashSize: hashed };
  }
  return { flags: 2, useDefault: setup?.useDefault === 1, hashSize: id.startsWith('E') ? 6 : 0 };
}

/** Replays all cases of a file, with one engine for each set of module settings. */
export async function runKamailioSelections(recording: KamailioSelections): Promise<Outcome[]> {
  const replays = new Map<string, Replay>();
  const outcomes: Outcome[] = [];
  for (const c of recording.cases) {
    const setup = setupOf(c);
    // Each run of the recording had its own instance.
    const key = `${c.id.charAt(0)} ${JSON.stringify(setup)}`;
    let replay = replays.get(key);
    if (replay === undefined) replays.set(key, (replay = new Replay(recording, setup)));
    const misses: string[] = [];
    try {
      await replay.check(c);
    } catch (error) {
      misses.push(error instanceof Error ? error.message.slice(0, 1000) : String(error));
    }
    outcomes.push({ id: c.id, area: `selection ${c.select?.fn ?? 'states'}`, misses });
  }
  return outcomes;
}
