/** "feedback" and "network" limit by measurements of the machine in the originals; here they do not limit. */
export type PipeAlgorithm = 'taildrop' | 'red' | 'feedback' | 'network';

/** The algorithm with a name; undefined for an unknown one. */
export function algorithmOf(text: string): PipeAlgorithm | undefined {
  const lower = text.toLowerCase();
  return lower === 'taildrop' || lower === 'red' || lower === 'feedback' || lower === 'network' ? lower : undefined;
}
