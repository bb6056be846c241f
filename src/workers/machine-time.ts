/** Monotonic milliseconds, equal in all processes of the machine; performance.now() begins at 0 in each. */
export function machineMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}
