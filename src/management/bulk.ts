/** Destinations that a command looks at in one event loop iteration, so that a bulk command delays no call. */
export const DESTINATIONS_AT_ONCE = 500;
