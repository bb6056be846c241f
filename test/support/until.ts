/**
 * Polls a condition that raises no event; a rejection or exception counts as not fulfilled. Throws an Error with
 * `what`, the last error, and the result of `show` when it is not fulfilled within `milliseconds`.
 */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  { milliseconds = 30_000, show }: { readonly milliseconds?: number; readonly show?: () => unknown } = {},
): Promise<void> {
  let fault: unknown;
  for (const deadline = performance.now() + milliseconds; ; ) {
    try {
      fault = undefined;
      if (await holds()) return;
    } catch (error) {
      fault = error;
    }
    if (performance.now() > deadline) break;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const shown = show === undefined ? '' : `: ${JSON.stringify(await show(), undefined, 1)}`;
  throw new Error(`${what}: not within ${milliseconds} ms${shown}`, fault === undefined ? {} : { cause: fault });
}
