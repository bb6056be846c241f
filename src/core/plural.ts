/** A number and a noun: "1 partition", "2 partitions". */
export function plural(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`;
}
