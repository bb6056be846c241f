/**
 * Polls something that there is no event for. Throws an Error with `what`, and with what `show` gives, where it does not hold
 * within `milliseconds`.
 */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  { milliseconds = 30_000, show }: { readonly milliseconds?: number; readonly show?: () => unknown } = {},
): Promise<void> {
  for (const deadline = performance.now() + milliseconds; performance.now() < deadline; ) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  if (await holds()) return;
  const shown = show === undefined ? '' : `: ${JSON.stringify(await show(), undefined, 1)}`;
  throw new Error(`${what}: not within ${milliseconds} ms${shown}`);
}
