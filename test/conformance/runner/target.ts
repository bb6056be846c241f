/** Input of a case: the text of a configuration and its other files. */
export interface Configuration {
  readonly dialect: 'opensips' | 'kamailio';
  readonly text: string;
  /** The folder of the file, which is also the working directory. */
  readonly folder: string;
  /** `-A NAME=VALUE` and the like. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Sockets that are bound when it is ready: "127.0.8.1:5060". */
  readonly sockets: readonly string[];
}

/** A line that a script wrote: the level as the original names it, and the text with its line breaks. */
export type ScriptLine = readonly [level: string, text: string];

export interface Running {
  stop(): Promise<void>;
  /** Whether a process of an original has crashed. */
  crashed?(): boolean;
  /** Waits until the value of `crashed` is final. */
  settled?(): Promise<void>;
  /**
   * Whether an original started without its media proxy because this machine was too busy to answer the ping in time.
   */
  proxyMissed?(): boolean;
}

/** Runs configurations in switchyard or in an original. */
export interface Target {
  readonly name: string;
  /** Starts it. Rejects with `Refused` when the configuration is not accepted. */
  start(configuration: Configuration, log: (line: ScriptLine) => void): Promise<Running>;
}

/** A configuration that is not accepted. `line` counts from 1 in the whole file. */
export class Refused extends Error {
  constructor(
    message: string,
    readonly line: number | undefined,
    /** "check": rejected by the check of the file; "start": only at the start. */
    readonly stage: 'check' | 'start',
  ) {
    super(message);
  }
}
