import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { ProbePoint } from '../../server/wire.js';
import { LIVE } from '../../server/wire.js';
import { type Me, probes } from '../api.js';
import { count, millis, percent, rate, span } from '../format.js';
import { LongList, Sparkline, State, useStore } from '../parts.js';
import { SetState, StateButtons, type StateLetter } from '../set-state.js';
import { arranged, type Row, type Store, stateOf, urgency } from '../store.js';

const SHOWN_MS = 15 * 60_000;
const ROW_HEIGHT = 64;

/** All destinations, those with problems first. */
export function Overview({ store, me }: { readonly store: Store; readonly me: Me }) {
  useStore(store);
  const [search, setSearch] = useState('');
  const [partition, setPartition] = useState<string>();
  const [selected, setSelected] = useState<ReadonlySet<number>>(new Set());
  const [setting, setSetting] = useState<StateLetter>();
  const [points, setPoints] = useState<Readonly<Record<string, readonly ProbePoint[]>>>({});
  const visible = useRef<readonly Row[]>([]);
  const rows = useMemo(
    () => arranged(store.rows.values(), search, partition),
    [store, store.generation, search, partition],
  );
  const mayAct = me.role !== 'viewer';

  const load = () => {
    const ids = visible.current.slice(0, 60).map((row) => row.info.id);
    if (ids.length > 0) void probes(ids).then(setPoints, () => {});
  };
  useEffect(() => {
    const timer = setInterval(load, 10_000);
    return () => clearInterval(timer);
  }, []);

  const toggle = (id: number) =>
    setSelected((before) => {
      const after = new Set(before);
      if (!after.delete(id)) after.add(id);
      return after;
    });
  const chosen = [...selected].flatMap((id) => store.rows.get(id)?.info ?? []);

  return (
    <>
      <h1 class="hidden">Overview</h1>
      <Totals store={store} />
      <div class="tools">
        <label class="search">
          <span class="hidden">Search destinations</span>
          <input
            type="search"
            placeholder="Search: partition, set, URI, attributes, state"
            value={search}
            onInput={(e) => setSearch(e.currentTarget.value)}
          />
        </label>
        <label>
          <span class="hidden">Partition</span>
          <select
            value={partition ?? ''}
            onChange={(e) => setPartition(e.currentTarget.value === '' ? undefined : e.currentTarget.value)}
          >
            <option value="">All partitions</option>
            {store.partitions.map(({ name }) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
        {mayAct && chosen.length > 0 && (
          <div class="buttons" role="group" aria-label={`${chosen.length} selected`}>
            <span>{chosen.length} selected:</span>
            <StateButtons choose={setSetting} />
          </div>
        )}
      </div>
      {store.partitions
        .filter(({ problem }) => problem !== undefined)
        .map(({ name, problem }) => (
          <p key={name} class="problem" role="alert">
            Partition {name} does not serve: {problem}
          </p>
        ))}
      <div role="table" aria-label="Destinations" aria-rowcount={rows.length}>
        <div class="row head" role="row">
          {mayAct && (
            <span role="columnheader" class="pick">
              <span class="hidden">Selected</span>
            </span>
          )}
          <span role="columnheader" class="what">
            Destination
          </span>
          <span role="columnheader" class="condition">
            State, since, why
          </span>
          <span role="columnheader" class="number">
            Calls/s
          </span>
          <span role="columnheader" class="number">
            Answered
          </span>
          <span role="columnheader" class="number">
            Failed
          </span>
          <span role="columnheader" class="number wide">
            Failed over
          </span>
          <span role="columnheader" class="number">
            In progress
          </span>
          <span role="columnheader" class="number wide">
            First reply p50, p95
          </span>
          <span role="columnheader" class="wide">
            Probes, 15 min
          </span>
        </div>
        <LongList
          items={rows}
          rowHeight={ROW_HEIGHT}
          label="Destinations"
          onVisible={(items) => {
            visible.current = items;
            load();
          }}
          row={(row) => (
            <Line
              key={row.info.id}
              row={row}
              now={store.now()}
              points={points[row.info.id]}
              selected={selected.has(row.info.id)}
              onToggle={mayAct ? () => toggle(row.info.id) : undefined}
            />
          )}
        />
        {rows.length === 0 && <p class="empty">{store.rows.size === 0 ? 'No destinations.' : 'Nothing matches.'}</p>}
      </div>
      {setting !== undefined && (
        <SetState
          rows={chosen}
          state={setting}
          onDone={() => {
            setSetting(undefined);
            setSelected(new Set());
          }}
        />
      )}
    </>
  );
}

function Totals({ store }: { readonly store: Store }) {
  const totals = useMemo(() => {
    const sum = { active: 0, off: 0, rate: 0, failing: 0, inProgress: 0, answered: 0, failed: 0 };
    for (const row of store.rows.values()) {
      if (stateOf(row) === 'active') sum.active++;
      else sum.off++;
      sum.rate += row.rate;
      sum.failing += row.failRate;
      sum.inProgress += Math.max(row.live[LIVE.inProgress], 0);
      sum.answered += row.live[LIVE.answered];
      sum.failed += row.live[LIVE.failed];
    }
    return sum;
  }, [store, store.generation]);
  return (
    <dl class="totals">
      <div class={totals.off > 0 ? 'bad' : 'good'}>
        <dt>Destinations off</dt>
        <dd>
          {count(totals.off)} <small>of {count(totals.off + totals.active)}</small>
        </dd>
      </div>
      <div>
        <dt>Calls a second</dt>
        <dd>{rate(totals.rate)}</dd>
      </div>
      <div class={totals.failing > 0.05 ? 'bad' : ''}>
        <dt>Failures a second</dt>
        <dd>{rate(totals.failing)}</dd>
      </div>
      <div>
        <dt>Calls in progress</dt>
        <dd>{count(totals.inProgress)}</dd>
      </div>
      <div>
        <dt>Answered</dt>
        <dd>{percent(totals.answered, totals.answered + totals.failed)}</dd>
      </div>
    </dl>
  );
}

function Line({
  row,
  now,
  points,
  selected,
  onToggle,
}: {
  readonly row: Row;
  readonly now: number;
  readonly points: readonly ProbePoint[] | undefined;
  readonly selected: boolean;
  readonly onToggle: (() => void) | undefined;
}) {
  const { info, live } = row;
  const since = live[LIVE.since];
  return (
    <div class={`row level${urgency(row)}`} role="row">
      {onToggle !== undefined && (
        <span role="cell" class="pick">
          <input type="checkbox" checked={selected} onChange={onToggle} aria-label={`Select ${info.uri}`} />
        </span>
      )}
      <span role="cell" class="what">
        <a href={`#/destination/${info.id}`}>{info.uri}</a>
        <small>
          {info.partition} · set {info.set}
          {info.description === '' ? '' : ` · ${info.description}`}
        </small>
      </span>
      <span role="cell" class="condition">
        <span>
          <State state={stateOf(row)} /> {since > 0 && <>for {span(now - since)}</>}
        </span>
        <small title={live[LIVE.why]}>{live[LIVE.why]}</small>
        <small class="narrow">
          {rate(row.rate)} calls/s, {count(live[LIVE.failed])} failed, {count(live[LIVE.inProgress])} in progress
        </small>
      </span>
      <span role="cell" class="number" data-label="calls/s">
        {rate(row.rate)}
      </span>
      <span role="cell" class="number" data-label="answered">
        {percent(live[LIVE.answered], live[LIVE.answered] + live[LIVE.failed])}
      </span>
      <span role="cell" class={`number ${row.failRate > 0.05 ? 'bad' : ''}`} data-label="failed">
        {count(live[LIVE.failed])}
      </span>
      <span role="cell" class="number wide">
        {count(live[LIVE.failovers])}
      </span>
      <span role="cell" class="number" data-label="in progress">
        {count(live[LIVE.inProgress])}
      </span>
      <span role="cell" class="number wide">
        {millis(live[LIVE.firstP50])}, {millis(live[LIVE.firstP95])}
      </span>
      <span role="cell" class="wide">
        {points !== undefined && points.length > 0 ? (
          <Sparkline points={points} from={now - SHOWN_MS} to={now} label={`last probe ${millis(live[LIVE.probe])}`} />
        ) : (
          millis(live[LIVE.probe])
        )}
      </span>
    </div>
  );
}
