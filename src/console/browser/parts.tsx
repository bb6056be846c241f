import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useReducer, useRef, useState } from 'preact/hooks';
import { ApiError } from './api.js';
import type { Store } from './store.js';

/** Renders again whenever the store changes. */
export function useStore(store: Store): void {
  const [, draw] = useReducer((n: number) => n + 1, 0);
  useEffect(() => store.subscribe(() => draw(undefined as never)), [store]);
}

/** The result of `load`, loaded again every `everyMs` and when `key` changes. */
export function useLoaded<T>(
  load: () => Promise<T>,
  key: unknown,
  everyMs?: number,
): { readonly value: T | undefined; readonly error: string | undefined; reload(): void } {
  const [value, setValue] = useState<T>();
  const [error, setError] = useState<string>();
  const [round, reload] = useReducer((n: number) => n + 1, 0);
  useEffect(() => {
    let current = true;
    const run = () =>
      load().then(
        (loaded) => {
          if (!current) return;
          setValue(() => loaded);
          setError(undefined);
        },
        (reason: unknown) => current && setError(reasonOf(reason)),
      );
    void run();
    const timer = everyMs === undefined ? undefined : setInterval(run, everyMs);
    return () => {
      current = false;
      clearInterval(timer);
    };
  }, [key, everyMs, round]);
  return { value, error, reload: () => reload(undefined as never) };
}

/** The reason of an error, for the reader. */
export function reasonOf(error: unknown): string {
  if (error instanceof ApiError) return error.message;
  return error instanceof Error ? error.message : String(error);
}

/** A state as a dot with its name, so that colour is not the only sign. */
export function State({ state }: { readonly state: string }) {
  return <span class={`state ${state}`}>{state}</span>;
}

/** An error message, which screen readers read out at once. */
export function Problem({ children }: { readonly children: ComponentChildren }) {
  return (
    <p class="problem" role="alert">
      {children}
    </p>
  );
}

/** Content that may be wider than the page and scrolls by itself, also by keyboard. */
export function Scroll({ label, children }: { readonly label: string; readonly children: ComponentChildren }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: without the focus the arrow keys do not scroll it
    <section class="scroll" aria-label={label} tabIndex={0}>
      {children}
    </section>
  );
}

/** A small line chart of values over time, for a table row. Gaps are values without an answer. */
export function Sparkline({
  points,
  from,
  to,
  label,
}: {
  readonly points: readonly (readonly [time: number, value: number, code: number])[];
  readonly from: number;
  readonly to: number;
  readonly label: string;
}) {
  const width = 120;
  const height = 24;
  const shown = points.filter(([time]) => time >= from);
  const top = Math.max(1, ...shown.map(([, value]) => value)) * 1.1;
  const x = (time: number) => ((time - from) / (to - from)) * width;
  const y = (value: number) => height - 2 - (value / top) * (height - 4);
  let path = '';
  let drawing = false;
  for (const [time, value] of shown) {
    if (value < 0) {
      drawing = false;
      continue;
    }
    path += `${drawing ? 'L' : 'M'}${x(time).toFixed(1)} ${y(value).toFixed(1)}`;
    drawing = true;
  }
  return (
    <svg class="spark" viewBox={`0 0 ${width} ${height}`} width={width} height={height} role="img" aria-label={label}>
      {shown
        .filter(([, value]) => value < 0)
        .map(([time]) => (
          <rect key={time} class="missed" x={x(time) - 1} y={2} width={2} height={height - 4} />
        ))}
      <path d={path} />
    </svg>
  );
}

/** A list of thousands of rows with equal height, of which only the visible ones are rendered. */
export function LongList<T>({
  items,
  rowHeight,
  label,
  row,
  onVisible,
}: {
  readonly items: readonly T[];
  readonly rowHeight: number;
  readonly label: string;
  readonly row: (item: T, index: number) => JSX.Element;
  readonly onVisible?: (items: readonly T[]) => void;
}) {
  const box = useRef<HTMLDivElement>(null);
  const [range, setRange] = useState({ top: 0, height: 800 });
  useEffect(() => {
    const measure = () => {
      const element = box.current;
      if (element === null) return;
      const top = Math.max(-element.getBoundingClientRect().top, 0);
      setRange((before) =>
        Math.abs(before.top - top) < rowHeight / 2 && before.height === window.innerHeight
          ? before
          : { top, height: window.innerHeight },
      );
    };
    measure();
    window.addEventListener('scroll', measure, { passive: true });
    window.addEventListener('resize', measure);
    return () => {
      window.removeEventListener('scroll', measure);
      window.removeEventListener('resize', measure);
    };
  }, [rowHeight]);
  const first = Math.max(Math.floor(range.top / rowHeight) - 5, 0);
  const last = Math.min(first + Math.ceil(range.height / rowHeight) + 10, items.length);
  const shown = items.slice(first, last);
  const key = `${first}-${last}-${items.length}`;
  useEffect(() => onVisible?.(shown), [key]);
  return (
    <div class="long" ref={box} role="rowgroup" aria-label={label} style={{ height: `${items.length * rowHeight}px` }}>
      <div style={{ transform: `translateY(${first * rowHeight}px)` }}>
        {shown.map((item, i) => row(item, first + i))}
      </div>
    </div>
  );
}

/** Asks for confirmation before an action; may also ask for a reason. */
export function Confirm({
  title,
  children,
  action,
  onDone,
  withComment = false,
}: {
  readonly title: string;
  readonly children?: ComponentChildren;
  readonly action: (comment: string) => Promise<string | undefined>;
  readonly onDone: () => void;
  readonly withComment?: boolean;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [comment, setComment] = useState('');
  const [problem, setProblem] = useState<string>();
  const [busy, setBusy] = useState(false);
  useEffect(() => dialog.current?.showModal(), []);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    try {
      const failed = await action(comment);
      if (failed === undefined) onDone();
      else setProblem(failed);
    } catch (error) {
      setProblem(reasonOf(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <dialog ref={dialog} onClose={onDone} aria-label={title}>
      <form onSubmit={submit}>
        <h2>{title}</h2>
        {children}
        {withComment && (
          <label>
            Why (goes to the audit)
            <input value={comment} maxLength={200} onInput={(e) => setComment(e.currentTarget.value)} />
          </label>
        )}
        {problem !== undefined && <Problem>{problem}</Problem>}
        <div class="buttons">
          <button type="submit" class="main" disabled={busy}>
            {title}
          </button>
          <button type="button" onClick={onDone}>
            Cancel
          </button>
        </div>
      </form>
    </dialog>
  );
}
