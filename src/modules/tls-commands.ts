import { trimmed } from '../core/characters.js';
import { messageOf } from '../core/errors.js';
import { CommandFault, type MiValue, type ScriptCommand } from '../script/commands.js';
import type { ScriptEnvironment } from '../script/environment.js';

const module = 'tls_mgm';

/** Names of a domain's parameters in listings. */
const SHOWN: Readonly<Record<string, string>> = {
  tls_method: 'METHOD',
  verify_cert: 'VERIFY_CERT',
  require_cert: 'REQ_CLI_CERT',
  certificate: 'CERT_FILE',
  private_key: 'PKEY_FILE',
  ca_list: 'CA_FILE',
  ca_dir: 'CA_DIR',
  ciphers_list: 'CIPHER_LIST',
};

/** Splits "[domain]value"; without a domain it is "default". */
function splitDomain(text: string): { readonly domain: string; readonly value: string } {
  const [, domain = 'default', value = ''] = /^(?:\[([^\]]*)\])?(.*)$/s.exec(text) ?? [];
  return { domain, value: trimmed(value) };
}

function shown(env: ScriptEnvironment, name: string, client: boolean): MiValue {
  const parameters = env.modules.module(module);
  const of = (parameter: string): string | undefined =>
    parameters
      .all(parameter)
      .map((each) => splitDomain(String(each)))
      .findLast(({ domain }) => domain === name)?.value;
  const list = (parameter: string): string[] => (of(parameter) ?? '*').split(',').map((each) => trimmed(each));
  const rest = Object.entries(SHOWN).flatMap(([parameter, title]) => {
    const value = of(parameter);
    return value === undefined ? [] : [[title, value] as const];
  });
  return {
    name,
    type: client ? 'TLS_DOMAIN_CLI' : 'TLS_DOMAIN_SRV',
    'IP match': list('match_ip_address'),
    'Domain match': list('match_sip_domain'),
    ...Object.fromEntries(rest),
  };
}

/** The management commands of tls_mgm. */
export const tlsCommands: readonly ScriptCommand[] = [
  {
    module,
    mi: 'tls_list',
    help: 'lists the TLS domains of the file',
    changes: false,
    parameters: [],
    required: 0,
    run(env) {
      const parameters = env.modules.module(module);
      const named = (parameter: string): string[] =>
        parameters.all(parameter).map((each) => String(each).split('=')[0] ?? '');
      const [servers, clients] = [named('server_domain'), named('client_domain')];
      // Certificates without a domain belong to the default one.
      const unnamed = parameters.all('certificate').some((each) => !String(each).startsWith('['));
      const own = servers.includes('default') || !unnamed ? [] : ['default'];
      return {
        Domains: [
          ...[...servers, ...own].map((each) => shown(env, each, false)),
          ...clients.map((each) => shown(env, each, true)),
        ],
      };
    },
  },
  {
    module,
    mi: 'tls_reload',
    help: 'reads the certificates again, for connections made from now on',
    changes: true,
    parameters: [],
    required: 0,
    run(env) {
      try {
        const renewals = env.sockets.all.map((each) => each.reloadCertificates?.());
        for (const renew of renewals) renew?.();
      } catch (error) {
        throw new CommandFault(500, messageOf(error));
      }
      return 'OK';
    },
  },
];
