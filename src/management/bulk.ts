/** Destinations handled in one event loop iteration, so that a command on many destinations does not delay calls. */
export const DESTINATIONS_AT_ONCE = 500;
