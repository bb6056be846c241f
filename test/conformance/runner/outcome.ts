/** Result of one case. */
export interface Outcome {
  readonly id: string;
  readonly area: string;
  /** Differences from the recording as texts; empty when there are none. */
  readonly misses: readonly string[];
}

/** Compares two JSON values; each difference has its path. */
export function differences(expected: unknown, got: unknown, at = ''): string[] {
  if (Array.isArray(expected) && Array.isArray(got)) {
    if (expected.length !== got.length) {
      return [`${at}: ${expected.length} expected, ${got.length} seen: ${short(expected)} / ${short(got)}`];
    }
    return expected.flatMap((each, i) => differences(each, got[i], `${at}[${i}]`));
  }
  if (isRecord(expected) && isRecord(got)) {
    const keys = new Set([...Object.keys(expected), ...Object.keys(got)]);
    return [...keys].flatMap((key) => differences(expected[key], got[key], at === '' ? key : `${at}.${key}`));
  }
  return expected === got ? [] : [`${at}: expected ${short(expected)}, seen ${short(got)}`];
}

/** Sorts requests by gateway, keeping the order at each: those sent in parallel arrive in any order. */
export function byGateway<T extends { readonly gateway: string }>(all: readonly T[]): T[] {
  return all.toSorted((a, b) => (a.gateway < b.gateway ? -1 : a.gateway > b.gateway ? 1 : 0));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function short(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 600 ? `${text.slice(0, 600)}...` : text;
}

/** The messages of a check that throws. */
export function missesOf(check: () => void): string[] {
  try {
    check();
    return [];
  } catch (error) {
    return [error instanceof Error ? error.message.slice(0, 1000) : String(error)];
  }
}
