/**
 * Polls something that there is no event for; what rejects or throws does not hold yet. Throws an Error with `what`, with the last
 * error, and with what `show` gives, where it does not hold within `milliseconds`.
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
