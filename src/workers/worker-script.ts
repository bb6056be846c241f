import type { Clock } from '../core/clock.js';
import type { KeptCall } from '../core/kept-call.js';
import type { Logger } from '../core/logger.js';
import type { SharedValues } from '../core/shared-values.js';
import type { Engine } from '../engine/engine.js';
import type { DialogTokens } from '../proxy/dialog-token.js';
import type { ProxyObserver } from '../proxy/observer.js';
import type { SelectionTally } from '../route/dispatcher/site.js';
import type { LocalSockets } from '../sip/local-sockets.js';
import type { PeerTables } from '../sip/peer-tables.js';
import type { Resolver } from '../sip/resolve.js';
import type { TransactionLayer } from '../sip/transaction/layer.js';
import type { CallClaims } from './call-claims.js';
import type { CommandAnswer, SharedScript } from './protocol.js';
import type { GatedScript } from './script-gate.js';
import type { SipCounters } from './tallies.js';

/** What the script of a worker needs. */
export interface WorkerScriptParts {
  /** From 1 on. */
  readonly worker: number;
  readonly script: SharedScript;
  readonly engine: Engine;
  readonly layer: TransactionLayer;
  readonly sockets: LocalSockets;
  readonly resolver: Resolver;
  readonly peers: PeerTables;
  readonly counters: SipCounters;
  readonly tokens: DialogTokens;
  /** Receives the results of requests. */
  readonly observer: ProxyObserver;
  readonly tally: SelectionTally;
  readonly log: Logger;
  /** Data that all processes with the script share. */
  readonly values: SharedValues | undefined;
  readonly claims: CallClaims | undefined;
  /** Publishes a record of a call; false where none are published. */
  publish(partition: string, kind: string, text: string): boolean;
  /** Keeps the content of a call's record in the brain; undefined: the call has ended. */
  keep(id: string, call: KeptCall | undefined): void;
  /** Its monotonic milliseconds equal those of the brain, so that times can be shared. */
  readonly clock: Clock;
}

/** The running script of a configuration file. */
export interface WorkerScript {
  readonly core: GatedScript;
  /** Whether it may be used: it and its tables are those of the brain. */
  readonly isReady: boolean;
  /** Uses another script for new requests. Never rejects. */
  use(script: SharedScript): Promise<void>;
  /** Reads the tables of its modules again, or those of one partition of drouting. Never rejects. */
  readTables(partition?: string): Promise<void>;
  /** Runs a management command of a module. Never rejects. */
  run(name: string, params: Readonly<Record<string, string | undefined>>): Promise<CommandAnswer>;
  /** Closes databases when pending writes are done. Never rejects. */
  close(): Promise<void>;
}

/** Starts a script. */
export type StartScript = (parts: WorkerScriptParts) => WorkerScript;
