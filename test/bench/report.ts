import type { Speed } from './parser.js';
import type { PathRun } from './path.js';

/** Lines "name   1,234,567 /s" with aligned columns. */
export function formatSpeeds(speeds: readonly Speed[]): string[] {
  const width = Math.max(...speeds.map((speed) => speed.name.length));
  return speeds.map(
    (speed) => `  ${speed.name.padEnd(width)}  ${Math.round(speed.perSecond).toLocaleString('en-US').padStart(12)} /s`,
  );
}

/** The table of the full path, printed run by run, followed by the ratios. */
export class PathTable {
  head(): string[] {
    return ['  calls/s  proxy        cpu us/call     ok  failed  repeats  answer ms'];
  }

  line(run: PathRun): string {
    const cells = [
      String(run.rate).padStart(7),
      run.proxy.padEnd(11),
      run.cpuPerCall.toFixed(0).padStart(12),
      String(run.ok).padStart(6),
      String(run.failed).padStart(6),
      String(run.retransmissions).padStart(7),
      run.answerMs.toFixed(0).padStart(9),
    ];
    const lost = run.failed > 0 ? `   CALLS FAILED: ${run.errors.slice(0, 2).join(' | ').slice(0, 160)}` : '';
    return `  ${cells.join('  ')}${lost}`;
  }

  /**
   * The cost of the first calls after a start, and its ratio to the warm calls at 1,000 calls per second, or at the
   * nearest rate.
   */
  cold(cold: readonly PathRun[], warm: readonly PathRun[]): string[] {
    const rate = [...warm].sort((a, b) => Math.abs(a.rate - 1000) - Math.abs(b.rate - 1000))[0]?.rate;
    return cold.map((run) => {
      const usual = median(
        warm.filter((each) => each.proxy === run.proxy && each.rate === rate).map((each) => each.cpuPerCall),
      );
      const times = (run.cpuPerCall / usual).toFixed(2);
      return `  cold: ${run.proxy.padEnd(11)} ${run.cpuPerCall.toFixed(0)} us for each of the first ${run.ok} calls, ${times} times the warm ones at ${rate} calls/s`;
    });
  }

  /** For each rate, the median over the rounds of the ratio between two proxies in the same round. */
  ratios(runs: readonly PathRun[]): string[] {
    const lines: string[] = [];
    for (const rate of new Set(runs.map((run) => run.rate))) {
      const of = (proxy: string) => runs.filter((run) => run.rate === rate && run.proxy === proxy);
      const ours = of('switchyard');
      const parts: string[] = [];
      for (const other of new Set(runs.map((run) => run.proxy))) {
        if (other === 'switchyard') continue;
        const theirs = of(other);
        const ratios = ours
          .map((run, i) => run.cpuPerCall / (theirs[i]?.cpuPerCall ?? Number.NaN))
          .filter(Number.isFinite);
        if (ratios.length === 0) continue;
        const spread = `${Math.min(...ratios).toFixed(2)}-${Math.max(...ratios).toFixed(2)}`;
        parts.push(`switchyard / ${other} ${median(ratios).toFixed(2)} (${spread})`);
      }
      if (parts.length > 0) lines.push(`  ${rate} calls/s: ${parts.join(',  ')}`);
    }
    return lines;
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const high = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? high) + high) / 2;
}
