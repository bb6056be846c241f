import { canonicalIp } from '../../core/ip-address.js';
import { bareHost, defaultPort, parseUri, uriTransport } from '../../core/uri.js';
import type { Engine } from '../../engine/engine.js';
import { findInList } from '../../engine/in-list.js';
import type { RoutedRequest } from '../../proxy/decision.js';
import type { DialogTokens } from '../../proxy/dialog-token.js';
import type { LooseRoute } from './dialog.js';

/** What is done with requests inside dialogs that did not begin here, as far as can be known (foreign_dialogs). */
export type ForeignDialogs = 'accept' | 'known' | 'refuse';

export interface DialogGateOptions {
  readonly engine: Pick<Engine, 'partitions'>;
  /** Undefined: every Route of ours is believed. */
  readonly tokens: DialogTokens | undefined;
  readonly foreign: ForeignDialogs;
  /** limits.trusted_sources */
  readonly trusted: { has(address: string): boolean };
}

/**
 * Decides whether a request inside a dialog is relayed by its Route, past the rules. A Route alone proves nothing: anybody can
 * write one that names us, and a To tag, and would be relayed anywhere.
 */
export class DialogGate {
  constructor(private readonly options: DialogGateOptions) {}

  mayPass(request: RoutedRequest, { hop, ours }: LooseRoute): boolean {
    const { tokens, foreign, trusted } = this.options;
    const [first, second] = ours;
    if (foreign === 'accept' || tokens === undefined) return true;
    if (first !== undefined && tokens.recorded(request.message.callId, first, second)) return true;
    if (foreign === 'refuse') return false;
    const { address } = request.source;
    return trusted.has(address) || this.isDestination(address) || this.leadsToDestination(hop.uri);
  }

  private isDestination(ip: string, port?: number): boolean {
    for (const partition of this.options.engine.partitions) {
      if (findInList(partition, { ip, port }) !== undefined) return true;
    }
    return false;
  }

  private leadsToDestination(text: string): boolean {
    const uri = parseUri(text);
    if (uri === undefined || canonicalIp(bareHost(uri.host)) === undefined) return false;
    const transport = uriTransport(uri);
    return transport !== undefined && this.isDestination(bareHost(uri.host), uri.port ?? defaultPort(transport));
  }
}
