import { avpName } from '../core/avp-name.js';
import { withTlsDomain } from '../core/tls-peers.js';
import type { SipSocket } from '../sip/transport/transport.js';
import type { MessageRun } from './call.js';
import type { ModuleParameters, ModuleStates } from './environment.js';

/** The AVPs of tls_mgm by which a script says with which TLS domain it connects. */
const AVPS = {
  module: 'tls_mgm',
  create: (tlsMgm: ModuleParameters, modules: ModuleStates) => {
    // Up to 2.1 proto_tls had them.
    const parameters = modules.loaded.has('tls_mgm') ? tlsMgm : modules.module('proto_tls');
    // The documents write the name alone; "$avp(name)" is taken too.
    const nameIn = (parameter: string): string | undefined =>
      parameters.avp(parameter) ?? (avpName(parameters.text(parameter, '')) || undefined);
    const tlsDomain = nameIn('client_tls_domain_avp') ?? nameIn('client_domain_avp');
    const sipDomain = nameIn('client_sip_domain_avp');
    return { tlsDomain, sipDomain };
  },
};

/** What a TLS extension may hold as a name; the value may be a peer's. */
const HOST = /^[\w.-]{1,253}$/;

/**
 * What a socket gets as the server to connect to: the name it was found by, unless the AVPs of tls_mgm give the SIP domain to ask
 * for or the TLS domain itself.
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
