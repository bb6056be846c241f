/** A part of the daemon that is started and stopped: started in order, stopped in reverse. */
export interface Service {
  readonly name: string;
  /** Resolves when the service is ready. Throws a SwitchyardError with one clear line when it cannot be. */
  start(): Promise<void>;
  /** Resolves when everything is released. May be called when `start` failed, and more than once. */
  stop(): Promise<void>;
}
