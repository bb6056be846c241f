import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';

/** The data of a chart. */
export interface ChartProps {
  readonly title: string;
  /** Seconds since the epoch, then a list of values for each line; null is a gap. */
  readonly data: readonly (readonly (number | null)[])[];
  readonly lines: readonly { readonly label: string; readonly colour: string }[];
  readonly unit: string;
  readonly height?: number;
}

/** A chart with lines over time. */
export function Chart({ title, data, lines, unit, height = 180 }: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>();
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const style = getComputedStyle(element);
    const ink = style.getPropertyValue('--muted');
    const grid = { stroke: style.getPropertyValue('--line'), width: 1 };
    const axis = { stroke: ink, grid, ticks: grid, font: '12px system-ui' };
    const made = new uPlot(
      {
        width: element.clientWidth,
        height,
        legend: { show: lines.length > 1 },
        cursor: { drag: { x: false, y: false } },
        axes: [axis, { ...axis, size: 60, values: (_, ticks) => ticks.map((tick) => `${tick} ${unit}`) }],
        scales: { y: { range: (_, _min, max) => [0, Math.max(max, 1) * 1.1] } },
        series: [
          {},
          ...lines.map(({ label, colour }) => ({
            label,
            stroke: style.getPropertyValue(colour),
            width: 1.5,
            points: { show: false },
          })),
        ],
      },
      data as unknown as uPlot.AlignedData,
      element,
    );
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
    };
  }, []);
  useEffect(() => plot.current?.setData(data as unknown as uPlot.AlignedData), [data]);
  return (
    <figure class="chart">
      <figcaption>{title}</figcaption>
      <div ref={box} role="img" aria-label={title} />
    </figure>
  );
}

/** Bars for counts by upper bound, with numbers, so that colour is not needed and screen readers can read it. */
export function Histogram({
  title,
  bounds,
  counts,
}: {
  readonly title: string;
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
}) {
  const largest = Math.max(1, ...counts);
  return (
    <figure class="histogram">
      <figcaption>{title}</figcaption>
      <table>
        <tbody>
          {counts.map((value, i) => {
            const bound = bounds[i];
            const label = bound === undefined ? `over ${bounds[bounds.length - 1]} ms` : `to ${bound} ms`;
            if (value === 0) return null;
            return (
              <tr key={label}>
                <th scope="row">{label}</th>
                <td>
                  <meter min={0} max={largest} value={value} aria-label={label} />
                </td>
                <td class="number">{value.toLocaleString()}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </figure>
  );
}
