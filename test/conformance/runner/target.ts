/** What a case is run in: the text of a configuration with all that stands beside it. */
export interface Configuration {
  readonly dialect: 'opensips' | 'kamailio';
  readonly text: string;
  /** Folder the file stands in, and the working directory. */
  readonly folder: string;
  /** `-A NAME=VALUE` and the like. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Sockets that are open when it is ready: "127.0.8.1:5060". */
  readonly sockets: readonly string[];
}

/** A line a script wrote: the level as the original names it, and the text with its line breaks as written. */
export type ScriptLine = readonly [level: string, text: string];

export interface Running {
  stop(): Promise<void>;
  /** Whether a process of an original has died while it ran. */
  crashed?(): boolean;
  /** Waits until that is known. */
  settled?(): Promise<void>;
  /** Whether an original began without its media proxy, since this machine was too busy to answer the ping in time. */
  proxyMissed?(): boolean;
}

/** Runs configurations: switchyard, or an original. */
export interface Target {
  readonly name: string;
  /** Starts it. Rejects with `Refused` when the configuration is not taken. */
  start(configuration: Configuration, log: (line: ScriptLine) => void): Promise<Running>;
}

/** A configuration that is not taken. `line` counts from 1 in the whole file. */
export class Refused extends Error {
  constructor(
    message: string,
    readonly line: number | undefined,
    /** "check": by the check of the file; "start": only when it is started. */
    readonly stage: 'check' | 'start',
  ) {
    super(message);
  }
}
