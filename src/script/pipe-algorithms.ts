/**
 * "feedback" and "network" limit by measurements of the machine in the originals; here they do not limit. "sbt" counts
 * in a sliding window.
 */
export type PipeAlgorithm = 'taildrop' | 'red' | 'sbt' | 'feedback' | 'network' | 'none';

/** Their names in OpenSIPS. */
export const OPENSIPS_ALGORITHMS: readonly string[] = ['TAILDROP', 'RED', 'SBT', 'FEEDBACK', 'NETWORK'];

/** The algorithm with a name in Kamailio; undefined for an unknown one. */
export function algorithmOf(text: string): PipeAlgorithm | undefined {
  const lower = text.toLowerCase();
  return lower === 'taildrop' || lower === 'red' || lower === 'feedback' || lower === 'network' ? lower : undefined;
}

/** Whether an algorithm limits by measurements, so that here it does not limit. */
export function isMeasured(algorithm: PipeAlgorithm | undefined): boolean {
  return algorithm === 'feedback' || algorithm === 'network';
}

/** The algorithm with a name in OpenSIPS; undefined for an unknown one. */
export function opensipsAlgorithm(text: string): PipeAlgorithm | undefined {
  return text.toLowerCase() === 'sbt' ? 'sbt' : algorithmOf(text);
}
