/** A part of the daemon with start and stop. Parts are started in order and stopped in reverse order. */
export interface Service {
  readonly name: string;
  /** Resolves when the service is ready. Throws a SwitchyardError with a one-line message when it cannot start. */
  start(): Promise<void>;
  /** Resolves when everything is released. May be called after a failed `start`, and repeatedly. */
  stop(): Promise<void>;
}
