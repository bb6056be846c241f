import type { GlobalParameter } from '../ast.js';

/** What a select of Kamailio is read by: a format with variables, or a value of the file. */
export type SelectSource = { readonly format: string } | { readonly constant: string | number };

/** A step of a path: a name with the index or the text that stands in brackets behind it. */
interface Step {
  readonly name: string;
  readonly argument: string | undefined;
}

/** Steps a path may have. */
const MOST_STEPS = 6;

function stepsOf(path: string): Step[] | undefined {
  const steps: Step[] = [];
  for (let at = 0; at < path.length; ) {
    if (path[at] === '.' && steps.length > 0) at++;
    let end = at;
    while (end < path.length && /[A-Za-z0-9_-]/.test(path[end] as string)) end++;
    if (end === at || steps.length >= MOST_STEPS) return undefined;
    const name = path.slice(at, end).toLowerCase();
    let argument: string | undefined;
    if (path[end] === '[') {
      const close = path.indexOf(']', end);
      if (close < 0) return undefined;
      argument = path
        .slice(end + 1, close)
        .trim()
        .replaceAll('"', '');
      end = close + 1;
    }
    steps.push({ name, argument });
    at = end;
  }
  return steps.length === 0 ? undefined : steps;
}

/** Selects that are one variable, by their whole path. */
const WHOLE: Readonly<Record<string, string>> = {
  method: '$rm',
  call_id: '$ci',
  'cseq.num': '$cs',
  'cseq.method': '$(hdr(CSeq){re.subst,/^[0-9]+[ ]+//})',
  'from.tag': '$ft',
  'to.tag': '$tt',
  'from.name': '$fn',
  'to.name': '$tn',
  'src.ip': '$si',
  'src.port': '$sp',
  'src.ip_port': '$si:$sp',
  'dst.ip': '$Ri',
  'dst.port': '$Rp',
  'dst.ip_port': '$Ri:$Rp',
  'received.ip': '$Ri',
  'received.port': '$Rp',
  'received.proto': '$proto',
  'received.ip_port': '$Ri:$Rp',
  'received.proto_ip_port': '$proto:$Ri:$Rp',
  msg: '$mb',
  'msg.len': '$ml',
  'msg.id': '$mi',
  'msg.body': '$rb',
  'msg.first_line': '$rm $ou SIP/2.0',
  'sys.pid': '$pp',
  'sys.now': '$Ts',
};

/** Header fields that are selects of their own. */
const FIELDS: Readonly<Record<string, string>> = {
  from: 'From',
  to: 'To',
  contact: 'Contact',
  cseq: 'CSeq',
  via: 'Via',
  rr: 'Record-Route',
  record_route: 'Record-Route',
  max_forwards: 'Max-Forwards',
  content_type: 'Content-Type',
  event: 'Event',
  expires: 'Expires',
  user_agent: 'User-Agent',
  subject: 'Subject',
  supported: 'Supported',
  refer_to: 'Refer-To',
  rpid: 'Remote-Party-ID',
};

/** Parts of a URI as transformations. */
const URI_PARTS: Readonly<Record<string, string>> = {
  user: '{uri.user}',
  pwd: '{uri.passwd}',
  host: '{uri.host}',
  port: '{uri.port}',
  type: '{uri.scheme}',
  params: '{uri.params}',
};

const VIA_PARTS: Readonly<Record<string, string>> = {
  transport: '{re.subst,/^SIP.2.0.([A-Za-z]+).*/\\1/}',
  host: '{re.subst,/^SIP.2.0.[A-Za-z]+[ ]+([^:; ]+).*/\\1/}',
  port: '{re.subst,/^[^:]*:([0-9]+).*/\\1/}',
  branch: '{param.value,branch}',
  received: '{param.value,received}',
  rport: '{param.value,rport}',
};

/** The rest of a path behind what is a URI; `inner` is the inside of "$(...)". */
function uriPart(inner: string, rest: readonly Step[]): string | undefined {
  const [first, second] = rest;
  if (first === undefined) return `$(${inner})`;
  if (first.name === 'hostport') return `$(${inner}{uri.host}):$(${inner}{uri.port})`;
  if (first.name === 'params') {
    const name = first.argument ?? second?.name;
    return name === undefined ? '' : `$(${inner}{uri.param,${name}})`;
  }
  const part = URI_PARTS[first.name];
  return part === undefined || second !== undefined ? undefined : `$(${inner}${part})`;
}

/** The rest of a path behind a header field. */
function fieldPart(inner: string, rest: readonly Step[]): string | undefined {
  const [first, second] = rest;
  if (first === undefined) return `$(${inner})`;
  switch (first.name) {
    case 'uri':
      return uriPart(`${inner}{nameaddr.uri}`, rest.slice(1));
    case 'name':
      return `$(${inner}{nameaddr.name})`;
    case 'nameaddr':
      return fieldPart(inner, rest.slice(1));
    case 'params': {
      const name = first.argument ?? second?.name;
      return name === undefined ? '' : `$(${inner}{nameaddr.param,${name}})`;
    }
    case 'q':
    case 'expires':
    case 'tag':
      return `$(${inner}{nameaddr.param,${first.name}})`;
    default:
      return undefined;
  }
}

/**
 * What reads a select, given without its "@" ("from.uri.host", "hf_value["X"]", "cfg_get.group.name"); undefined for one that is not
 * known. Throws an Error for a parameter of the file that does not exist.
 */
export function selectSource(path: string, parameters: readonly GlobalParameter[]): SelectSource | undefined {
  const own = /^cfg_get\.(\w+\.\w+)$/.exec(path)?.[1];
  if (own !== undefined) {
    const name = own.startsWith('core.') ? own.slice(5) : own;
    const value = parameters.findLast((each) => each.name === name)?.value;
    if (value === undefined) throw new Error(`finds no parameter ${own}`);
    return { constant: value.kind === 'word' ? value.text : value.value };
  }
  const whole = WHOLE[path];
  if (whole !== undefined) return { format: whole };
  const steps = stepsOf(path);
  const [root, ...rest] = steps ?? [];
  if (root === undefined) return undefined;
  const format = ((): string | undefined => {
    switch (root.name) {
      case 'ruri':
        return uriPart('ru', rest);
      case 'hf_value':
        return root.argument === undefined
          ? undefined
          : rest.length === 0
            ? `$(hdr(${root.argument})[*])`
            : fieldPart(`hdr(${root.argument})`, rest);
      case 'via': {
        const inner = `hdr(Via)[${Math.max(1, Number(root.argument ?? 1)) - 1}]`;
        const [first, second] = rest;
        if (first === undefined) return `$(${inner})`;
        const name = first.name === 'params' ? (first.argument ?? second?.name ?? '') : first.name;
        const part = VIA_PARTS[name] ?? (first.name === 'params' ? `{param.value,${name}}` : undefined);
        return part === undefined ? undefined : `$(${inner}${part})`;
      }
      case 'from':
      case 'to':
        if (rest[0]?.name === 'uri') return uriPart(root.name === 'from' ? 'fu' : 'tu', rest.slice(1));
        return fieldPart(`hdr(${FIELDS[root.name]})`, rest);
      default: {
        const field = FIELDS[root.name];
        return field === undefined ? undefined : fieldPart(`hdr(${field})`, rest);
      }
    }
  })();
  return format === undefined ? undefined : { format };
}
