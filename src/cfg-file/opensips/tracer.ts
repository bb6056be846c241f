import type { ConfigurationTree } from '../../cfg/ast.js';
import type { Problems } from '../../cfg/problem.js';
import type { JsonObject } from '../../config/json-source.js';
import { captureServerOf, hepOf, type NamedDestination, namedDestination } from '../../modules/tracer.js';

type Parameter = ConfigurationTree['moduleParameters'][number];

/** Port of a capture server without one: that of proto_hep's hep_port. */
const HEP_PORT = 5656;

/** The named destinations of a parameter; others are reported as errors. */
function destinations(
  tree: ConfigurationTree,
  modules: readonly string[],
  name: string,
  problems: Problems,
): { readonly at: Parameter['at']; readonly given: NamedDestination }[] {
  return tree.moduleParameters
    .filter((each) => each.name === name && each.module.split('|').some((one) => modules.includes(one)))
    .flatMap(({ value, at }) => {
      const given = namedDestination(String(value));
      // Not the value: the URI of a database may have a password.
      if (given === undefined)
        problems.error('setting', at, `${name} does not begin with a name in brackets: [NAME]...`);
      return given === undefined ? [] : [{ at, given }];
    });
}

/**
 * Translates parameters of OpenSIPS' proto_hep and tracer to "hep" of switchyard.json: the capture server of the first
 * trace_id that names one. Others, and destinations of other kinds, are reported. Undefined where nothing is sent.
 */
export function opensipsCapture(tree: ConfigurationTree, problems: Problems): JsonObject | undefined {
  const servers = new Map(
    destinations(tree, ['proto_hep'], 'hep_id', problems).map((each) => [each.given.name, each] as const),
  );
  const noted = (at: Parameter['at'], message: string): void => problems.warning('no-effect', at, `tracer: ${message}`);
  let out: JsonObject | undefined;
  const traced = destinations(tree, ['tracer', 'siptrace'], 'trace_id', problems);
  const first = captureServerOf(traced.map(({ given }) => given));
  for (const { at, given } of traced) {
    const name = hepOf(given);
    if (name === undefined) {
      const kind = /^\w+/.exec(given.options.get('uri') ?? '')?.[0] ?? 'nothing';
      noted(at, `nothing is written to ${kind}: copies are sent as HEP only (uri=hep:HEP_ID)`);
      continue;
    }
    // Files of 2.2 name the server itself.
    const direct = name.includes(':') ? { at, given: { ...given, value: name } } : undefined;
    const server = servers.get(name) ?? direct;
    if (server === undefined) {
      problems.error('setting', at, `tracer: proto_hep has no hep_id "${name}"`);
      continue;
    }
    if (name !== first) {
      noted(at, `nothing is sent to the capture server "${name}": copies go to one server, "${first}"`);
      continue;
    }
    out ??= settingsOf(tree, server.given, (message) => problems.error('setting', server.at, message));
    const version = server.given.options.get('version');
    if (version !== undefined && version !== '3')
      noted(server.at, 'HEP version 3 is sent, whatever version is configured');
  }
  return out;
}

function settingsOf(
  tree: ConfigurationTree,
  { value, options }: NamedDestination,
  fault: (message: string) => void,
): JsonObject | undefined {
  const last = (name: string): string | number | undefined =>
    tree.moduleParameters.findLast((each) => each.name === name && each.module.split('|').includes('proto_hep'))?.value;
  const [, host = '', port = ''] = /^(\[[\da-f:.]+\]|[^:[\]]+)(?::(\d{1,5}))?$/i.exec(value) ?? [];
  const number = port === '' ? Number(last('hep_port') ?? HEP_PORT) : Number(port);
  // As documented, TCP for version 3 and UDP for earlier ones.
  const transport =
    options.get('transport')?.toLowerCase() ?? (Number(options.get('version') ?? 3) === 3 ? 'tcp' : 'udp');
  if (host === '' || number < 1 || number > 65_535) {
    fault(`hep_id: "${value}" is not HOST:PORT`);
    return undefined;
  }
  if (transport !== 'udp' && transport !== 'tcp' && transport !== 'tls') {
    fault(`hep_id: transport "${transport}" is not udp, tcp or tls`);
    return undefined;
  }
  return { to: `${transport}:${host}:${number}`, id: Math.max(0, Number(last('hep_capture_id') ?? 1)), chosen: true };
}
