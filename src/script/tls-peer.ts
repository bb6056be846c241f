import { avpName } from '../core/avp-name.js';
import { withTlsDomain } from '../core/tls-peers.js';
import type { SipSocket } from '../sip/transport/transport.js';
import type { MessageRun } from './call.js';
import type { ModuleParameters, ModuleStates } from './environment.js';

/** The AVPs of tls_mgm by which a script chooses the TLS domain of a connection. */
const AVPS = {
  module: 'tls_mgm',
  create: (tlsMgm: ModuleParameters, modules: ModuleStates) => {
    // Up to 2.1 these were parameters of proto_tls.
    const parameters = modules.loaded.has('tls_mgm') ? tlsMgm : modules.module('proto_tls');
    // The documentation gives the name without "$avp()"; both forms are accepted.
    const nameIn = (parameter: string): string | undefined =>
      parameters.avp(parameter) ?? (avpName(parameters.text(parameter, '')) || undefined);
    const tlsDomain = nameIn('client_tls_domain_avp') ?? nameIn('client_domain_avp');
    const sipDomain = nameIn('client_sip_domain_avp');
    return { tlsDomain, sipDomain };
  },
};

/** Characters allowed in a name for a TLS extension; the value may come from a peer. */
const HOST = /^[\w.-]{1,253}$/;

/**
 * The name of the server that a socket connects to: the name that was looked up, unless the AVPs of tls_mgm give a SIP
 * domain for SNI, or a TLS domain.
 */
export function tlsPeerOf(run: MessageRun, socket: SipSocket, serverName: string | undefined): string | undefined {
  if (socket.transport !== 'tls' && socket.transport !== 'wss') return serverName;
  const avps = run.env.modules.of(AVPS);
  const textIn = (name: string | undefined): string =>
    name === undefined ? '' : String(run.pvars.avps.get(name) ?? '');
  const sipDomain = textIn(avps.sipDomain);
  const name = HOST.test(sipDomain) ? sipDomain : serverName;
  const tlsDomain = textIn(avps.tlsDomain);
  return tlsDomain === '' ? name : withTlsDomain(name, tlsDomain);
}
