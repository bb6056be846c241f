import { maskUri } from '../../core/mask.js';
import type { RoutedRequest } from '../../proxy/decision.js';
import { withoutStrictRoute } from '../../proxy/strict-route.js';
import type { LocalSockets } from '../../sip/local-sockets.js';
import type { SipMessage } from '../../sip/message.js';
import type { Source } from '../../sip/transport/transport.js';
import { looseRoute } from './dialog.js';
import type { DialogGate } from './dialog-gate.js';

/** The handling of a request with a To tag. */
export type ExplainedDialog = {
  /** Topmost Route values that name this proxy and are removed. */
  readonly ours: readonly string[];
  /** Whether the request follows its Route, the rules decide, or it is not forwarded. */
  readonly verdict: 'by its Route' | 'by the rules' | 'nowhere';
  readonly why: string;
  /** The partition that selected the destination of its dialog, when the token says so. */
  readonly partition?: string;
  /** The URI it is sent to. */
  readonly next?: string;
};

/** Says whether a request with a To tag follows its Route, and why (RFC 3261 section 16.4). Changes no counter. */
export function explainDialog(
  received: SipMessage,
  source: Source,
  gate: Pick<DialogGate, 'explain'>,
  sockets: LocalSockets,
  sees: ((partition: string) => boolean) | undefined,
): ExplainedDialog {
  const restored = withoutStrictRoute(received, sockets);
  const message = restored ?? received;
  const request: RoutedRequest = {
    message,
    source,
    requestUri: message.requestUri,
    strictRoute: restored === undefined ? undefined : received.parsedUri,
    transaction: () => {
      throw new Error('an explained request begins no transaction');
    },
  };
  const loose = looseRoute(request, sockets);
  if (loose === undefined) {
    const why = message.routeLine < 0 ? 'it has no Route' : 'the top Route names another proxy';
    return { ours: [], verdict: 'nowhere', why };
  }
  const ours = loose.ours.map(({ host, port }) => (port === undefined ? host : `${host}:${port}`));
  const { passes, why, partition } = gate.explain(request, loose);
  const shown = partition !== undefined && (sees === undefined || sees(partition)) ? { partition } : {};
  if (passes) return { ours, verdict: 'by its Route', why, ...shown, next: maskUri(loose.hop.uri) };
  return { ours, verdict: 'by the rules', why, ...shown };
}
