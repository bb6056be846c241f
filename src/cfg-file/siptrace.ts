import type { ConfigurationTree, Position } from '../cfg/ast.js';
import type { Problems } from '../cfg/problem.js';
import type { JsonObject } from '../config/json-source.js';
import { parseUri } from '../core/uri.js';
import type { ModuleValues } from './parameters.js';

/**
 * Translates parameters of Kamailio's siptrace to "hep" of switchyard.json: duplicate_uri with hep_mode_on names the
 * capture server; trace_mode 1 sends every message, otherwise sip_trace() chooses. Undefined where nothing is sent.
 */
export function captureSettings(
  tree: ConfigurationTree,
  modules: ModuleValues,
  problems: Problems,
): JsonObject | undefined {
  const given = modules.get('siptrace');
  if (given === undefined) return undefined;
  const last = (name: string): string | number | undefined => given.get(name)?.at(-1);
  const at = (name: string): Position =>
    tree.moduleParameters.findLast((each) => each.module.split('|').includes('siptrace') && each.name === name)
      ?.at as Position;
  const noted = (name: string, message: string): void =>
    problems.warning('no-effect', at(name), `siptrace: ${message}`);
  if (last('db_url') !== undefined && Number(last('trace_to_database') ?? 1) !== 0)
    noted('db_url', 'messages are not written to a database');
  const uri = last('duplicate_uri');
  if (uri === undefined) return undefined;
  const parsed = parseUri(String(uri));
  if (parsed === undefined) {
    problems.error('setting', at('duplicate_uri'), 'siptrace: duplicate_uri is not a URI');
    return undefined;
  }
  const mode = Number(last('trace_mode') ?? 0);
  if (Number(last('hep_mode_on') ?? 0) === 0 && (mode & 1) === 0) {
    noted('duplicate_uri', 'copies are sent as HEP only: set hep_mode_on to 1');
    return undefined;
  }
  if (Number(last('trace_on') ?? 0) === 0) return undefined;
  if (last('hep_version') !== undefined && Number(last('hep_version')) !== 3)
    noted('hep_version', 'HEP version 3 is sent, whatever version is configured');
  const transport = /;transport=(tcp|tls)\b/i.exec(parsed.params)?.[1]?.toLowerCase() ?? 'udp';
  const key = last('auth_key');
  return {
    to: `${transport}:${parsed.host}:${parsed.port ?? 5060}`,
    id: Math.max(0, Number(last('hep_capture_id') ?? 1)),
    ...(key === undefined || key === '' ? {} : { password: String(key) }),
    chosen: (mode & 1) === 0,
  };
}
