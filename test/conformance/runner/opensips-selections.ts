import assert from 'node:assert/strict';
import { type BatchMessage, BatchSession, type BatchView } from '../../../src/cli/replay/batch.js';
import { addrSpecOf } from '../../../src/core/name-addr.js';
import { parseUri } from '../../../src/core/uri.js';
import type { Engine } from '../../../src/engine/engine.js';
import type { RequestData } from '../../../src/engine/request-data.js';
import { engineWith, partitionOptions, rowsOf } from '../../support/partitions.js';
import { PlainRequest } from '../../support/plain-request.js';
import {
  assertAgrees,
  batchLine,
  type RecordedSelection,
  type RecordedSelections,
} from '../../support/recorded-selections.js';
import { missesOf, type Outcome } from './outcome.js';

/** The variables that the recordings hash over; a missing part of a URI is printed as OpenSIPS prints null. */
function expand(format: string, request: RequestData): string {
  const ruri = parseUri(request.ruri);
  const values: Record<string, string | undefined> = {
    $fU: parseUri(addrSpecOf(request.from))?.user,
    $ci: request.callid.trim(),
    $rU: ruri?.user,
    $rd: ruri?.host,
    $tu: addrSpecOf(request.to),
  };
  return format.replace(/\$[a-zA-Z]{2}/g, (name) => values[name] || '<null>');
}

function freshEngine(recording: RecordedSelections): Engine {
  const names = recording.sets_p2 === undefined ? ['default'] : ['default', 'p2'];
  const engine = engineWith(names.map((name) => partitionOptions({ name, compat: 'strict' })));
  for (const name of names) {
    const rows = rowsOf(name === 'p2' ? (recording.sets_p2 ?? {}) : recording.sets);
    const report = engine.partition(name)?.load(rows, { inheritState: true });
    assert.deepEqual(report?.discarded, []);
    assert.equal(report?.loaded, rows.length);
  }
  return engine;
}

/** The management commands that the recordings use. */
function setState(engine: Engine, params: { state: string; group: string; address: string }): object {
  const [partition, group] = params.group.includes(':') ? params.group.split(':') : ['', params.group];
  const destination = engine.partition(partition ?? '')?.find(Number(group), params.address);
  assert.ok(destination !== undefined, `no destination ${params.address}`);
  const to = ({ a: 'active', i: 'inactive', p: 'probing' } as const)[params.state];
  assert.ok(to !== undefined);
  engine.states.apply({ destination, kind: 'set', to, origin: 'mi', reason: 'MI command' });
  return { result: 'OK' };
}

/** Replays all cases of a file in order; sequences begin with a new load. */
export async function runOpensipsSelections(recording: RecordedSelections): Promise<Outcome[]> {
  const engine = freshEngine(recording);
  let current: RecordedSelection | undefined;
  const session = new BatchSession({
    engine,
    mi: (_method, params) => setState(engine, params as { state: string; group: string; address: string }),
    open({ request, avps }: BatchMessage): BatchView {
      assert.ok(typeof request !== 'string');
      return new PlainRequest(request, {
        hashVar: () => expand(current?.select.hash_pvar ?? '$fU@$ci', request),
        loadOf: (_partition, uri) => avps[`load_${uri}`] as number | undefined,
      });
    },
  });
  const outcomes: Outcome[] = [];
  for (const c of recording.cases) {
    current = c;
    for (const step of c.before ?? []) {
      for (let i = 0; i < (step.times ?? 1); i++) {
        await session.run({ id: c.id, mi: { method: step.mi, params: step } });
      }
    }
    const answer = (await session.run(batchLine(c))) as Record<string, unknown>;
    const misses = missesOf(() => assertAgrees(recording, c, answer));
    outcomes.push({ id: c.id, area: `selection ${c.select.fn}`, misses });
  }
  return outcomes;
}
