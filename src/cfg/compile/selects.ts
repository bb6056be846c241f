import { ownValue } from '../../core/own-value.js';
import type { ConfigurationTree } from '../ast.js';
import { settingValue } from './core-settings.js';

/**
 * Where the value of a Kamailio select comes from: a format with variables ("" for a select that never has a value), or
 * a value of the file. `edit` changes what the format gives. `whole` marks a path that continues after its last known
 * part: as recorded, "@..." then reads the known part, and `$sel()` refuses the path.
 */
export type SelectSource =
  | { readonly format: string; readonly whole?: boolean; readonly edit?: (value: string) => string }
  | { readonly constant: string | number };

/** Parts of the current transaction that selects can read. */
const TRANSACTION_PARTS: ReadonlySet<string> = new Set(['tm.method', 'tm.uas.status', 'tm.uac.count']);

/** One step of a path: a name, and the index or text in the brackets after it. */
interface Step {
  readonly name: string;
  readonly argument: string | undefined;
}

/**
 * Grammar of "@a.b[1].c["text"]": names without "-", at most one bracket after each. Anything else is a syntax error.
 */
const WRITTEN = /^[A-Za-z_]\w*(?:\[(?:-?\d+|"[^"]*")\])?(?:\.[A-Za-z_]\w*(?:\[(?:-?\d+|"[^"]*")\])?)*$/;

/** Whether a path is valid after "@"; `$sel()` also allows "-" in names. */
export function isWrittenSelect(path: string): boolean {
  return WRITTEN.test(path);
}

/** Maximum number of steps in a path. */
const MAX_STEPS = 8;

function stepsOf(path: string): Step[] | undefined {
  const steps: Step[] = [];
  for (let at = 0; at < path.length; ) {
    if (path[at] === '.' && steps.length > 0) at++;
    let end = at;
    while (end < path.length && /[A-Za-z0-9_-]/.test(path[end] as string)) end++;
    if (end === at || steps.length >= MAX_STEPS) return undefined;
    const name = path.slice(at, end).toLowerCase();
    const bracket = /^\[(?:"([^"]*)"|(-?\d+))\]/.exec(path.slice(end));
    const argument = bracket === null ? undefined : (bracket[1] ?? bracket[2]);
    end += bracket?.[0].length ?? 0;
    if (path[end] === '[') return undefined;
    steps.push({ name, argument });
    at = end;
  }
  return steps.length === 0 ? undefined : steps;
}

/** Selects that equal one variable, by their whole path. */
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
  'msg.type': '$mt',
  'msg.request': '$mb',
  'msg.request.method': '$rm',
  'msg.request.uri': '$ou',
  'msg.request.version': 'SIP/2.0',
  'msg.response': '',
  'msg.response.status': '$rs',
  'msg.response.reason': '$rr',
  'msg.body.sdp': '$rb',
  'msg.len': '$ml',
  'msg.flags': '$mf',
  'branch.uri': '$(branch(uri)[0])',
  'branch.count': '$branch(count)',
  'branch.q': '$(branch(q)[0])',
  content_length: '$cl',
  'msg.id': '$mi',
  'msg.body': '$rb',
  'msg.first_line': '$rm $ou SIP/2.0',
  'sys.pid': '$pp',
  'sys.now': '$Ts',
  'sys.now.local': '$Tf',
  'sys.now.utc': '$utimef(%a %b %e %H:%M:%S %Y)',
  tm: '0',
  'next_hop.src_ip': '$sndfrom(ip)',
};

/** Header fields that have a select of their own. */
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
  refer_to: 'Refer-To',
  rpid: 'Remote-Party-ID',
  date: 'Date',
  identity: 'Identity',
  identity_info: 'Identity-Info',
};

/** Parts of a URI, as transformations. */
const URI_PARTS: Readonly<Record<string, string>> = {
  user: '{uri.user}',
  pwd: '{uri.passwd}',
  host: '{uri.host}',
  port: '{uri.port}',
  params: '{uri.params}',
};

const VIA_PARTS: Readonly<Record<string, string>> = {
  transport: '{re.subst,/^SIP.2.0.([A-Za-z]+).*/\\1/}',
  host: '{re.subst,/^SIP.2.0.[A-Za-z]+[ ]+([^:; ]+).*/\\1/}',
  port: '{re.subst,/^[^:]*:([0-9]+).*/\\1/}',
  name: '{re.subst,/^([A-Za-z]+).*/\\1/}',
  version: '{re.subst,/^SIP.([0-9.]+).*/\\1/}',
  branch: '{s.after,;}{param.value,branch}',
  received: '{s.after,;}{param.value,received}',
  rport: '{s.after,;}{param.value,rport}',
  i: '{s.after,;}{param.value,i}',
  alias: '{s.after,;}{param.value,alias}',
};

/** Type of a URI: a SIP URI with user=phone counts as "tel" (RFC 3261 section 19.1.6). */
function uriType(text: string): string {
  const scheme = text.slice(0, Math.max(0, text.indexOf(':'))).toLowerCase();
  return scheme === 'sip' && /;user=phone(?:[;?]|$)/i.test(text) ? 'tel' : scheme;
}

/** The source for the rest of a path after a URI; `inner` is the text inside "$(...)". */
function uriPart(inner: string, rest: readonly Step[]): SelectSource {
  const [first, second] = rest;
  const whole = `$(${inner})`;
  if (first === undefined) return { format: whole };
  if (first.name === 'hostport') return { format: `$(${inner}{uri.host}):$(${inner}{uri.port})` };
  if (first.name === 'params') {
    const name = first.argument ?? second?.name;
    return { format: name === undefined ? `$(${inner}{uri.params})` : `$(${inner}{uri.param,${name}})` };
  }
  if (first.name === 'type' && second === undefined) return { format: whole, edit: uriType };
  const part = ownValue(URI_PARTS, first.name);
  return part === undefined || second !== undefined ? { format: whole, whole: true } : { format: `$(${inner}${part})` };
}

/** The source for the rest of a path after a header field. */
function fieldPart(inner: string, rest: readonly Step[]): SelectSource | undefined {
  const [first, second] = rest;
  if (first === undefined) return { format: `$(${inner})` };
  switch (first.name) {
    case 'uri':
      return uriPart(`${inner}{nameaddr.uri}`, rest.slice(1));
    case 'name':
      return { format: `$(${inner}{nameaddr.name})` };
    case 'params': {
      const name = first.argument ?? second?.name;
      return name === undefined ? undefined : { format: `$(${inner}{nameaddr.param,${name}})` };
    }
    case 'q':
    case 'expires':
    case 'methods':
    case 'received':
    case 'tag':
      return { format: `$(${inner}{nameaddr.param,${first.name}})` };
    case 'instance':
      return { format: `$(${inner}{nameaddr.param,+sip.instance})` };
    default:
      return undefined;
  }
}

/**
 * The source of "hf_value.x_list[2].uri.host" or "hf_value["X-List"]": all fields of a name separated by commas, or one
 * of them, counted from 1.
 */
function namedField(root: Step, rest: readonly Step[]): SelectSource | undefined {
  const [next] = rest;
  const name = root.argument ?? next?.name.replaceAll('_', '-');
  if (name === undefined) return undefined;
  // As recorded, a name with "-" finds no field.
  if (root.argument === undefined && next?.name.includes('-') === true) return { format: '' };
  const number = root.argument === undefined ? next?.argument : undefined;
  const index = number === undefined ? '*' : Number(number) > 0 ? Number(number) - 1 : Number(number);
  const inner = `hdr(${name})[${index}]`;
  const [first, second, ...more] = root.argument === undefined ? rest.slice(1) : rest;
  switch (first?.name) {
    case undefined:
      return { format: `$(${inner})` };
    case 'uri':
      return uriPart(`${inner}{nameaddr.uri}`, second === undefined ? [] : [second, ...more]);
    case 'nameaddr':
      if (second?.name === 'uri') return uriPart(`${inner}{nameaddr.uri}`, more);
      return second?.name === 'name'
        ? { format: `$(${inner}{nameaddr.name})`, edit: (name) => name.trim() }
        : { format: '' };
    case 'params':
      // As recorded, this path finds no parameter.
      return second === undefined ? { format: `$(${inner})`, whole: true } : { format: '' };
    default:
      return { format: `$(${inner})`, whole: true };
  }
}

/** The source of "hf_value_exists.supported.path": 1 where the fields of a name contain a value, else 0. */
function valueExists(root: Step, rest: readonly Step[]): SelectSource | undefined {
  if (root.argument === undefined && rest[0]?.name.includes('-') === true) return undefined;
  const name = root.argument ?? rest[0]?.name.replaceAll('_', '-');
  const value = root.argument === undefined ? (rest[0]?.argument ?? rest[1]?.name) : rest[0]?.name;
  return name === undefined || value === undefined
    ? undefined
    : {
        format: `$(hdr(${name})[*])`,
        edit: (all) => (all.split(',').some((each) => each.trim() === value) ? '1' : '0'),
      };
}

/** The header fields, including the empty line after them. */
function headerPart(message: string): string {
  const end = message.indexOf('\r\n\r\n');
  return message.slice(message.indexOf('\n') + 1, end < 0 ? undefined : end + 4);
}

/**
 * The source of a select, given without its "@" ("from.uri.host", "hf_value["X"]", "cfg_get.group.name"); undefined for
 * an unknown one. Throws an Error for a parameter that the file does not define.
 */
export function selectSource(
  path: string,
  { parameters, modules }: Pick<ConfigurationTree, 'parameters' | 'modules'>,
): SelectSource | undefined {
  const own = /^cfg_get\.(\w+\.\w+)$/.exec(path)?.[1];
  if (own !== undefined) {
    const value = settingValue(own, parameters);
    if (value === undefined) throw new Error(`names an unknown parameter ${own}`);
    return { constant: value };
  }
  if (path === 'ruri.transport') return { format: '$rP', edit: (name) => name.toLowerCase() };
  if (path === 'msg.header') return { format: '$mb', edit: headerPart };
  const whole = ownValue(WHOLE, path);
  if (whole !== undefined) return { format: whole };
  const steps = stepsOf(path);
  const [root, ...rest] = steps ?? [];
  if (root === undefined) return undefined;
  const line = /^msg\.body\.sdp\.line\.([a-z])$/.exec(path)?.[1];
  if (line !== undefined) return { format: `$(rb{line.sw,${line}=}{s.substr,2,0})` };
  switch (root.name) {
    case 'ruri':
      return uriPart('ru', rest);
    case 'next_hop':
      return uriPart('nh(u)', rest);
    case 'hf_value':
    case 'hf_value_exists':
      // As recorded, selects of textopsx are not known without it.
      if (!modules.some((each) => each.name === 'textopsx')) return undefined;
      return root.name === 'hf_value' ? namedField(root, rest) : valueExists(root, rest);
    case 'tm':
      if (TRANSACTION_PARTS.has(path)) return { format: `$T(@${path})` };
      // The other selects of a transaction are empty; $T_... are variables for it.
      return /^tm\.(?:method|uas\b|uac\b)/.test(path) && !/^tm\.uac\.last/.test(path) ? { format: '' } : undefined;
    case 'authorization':
    case 'proxy_authorization': {
      if (rest.length === 0) throw new Error('needs the name of a parameter');
      // As recorded, always empty; $au, $ar and the like have these values.
      return { format: '' };
    }
    case 'v':
    case 'via': {
      const number = Number(root.argument ?? 1);
      const inner = `hdr(Via)[${number > 0 ? number - 1 : number}]`;
      const [first, second] = rest;
      // As recorded, there is no Via 0.
      if (number === 0) return { format: '$null' };
      if (first === undefined) return { format: `$(${inner})` };
      if (first.name === 'comment') return { format: '$null' };
      const name = first.name === 'params' ? (first.argument ?? second?.name ?? '') : first.name;
      const part =
        ownValue(VIA_PARTS, name) ??
        (first.name === 'params' && name !== '' ? `{s.after,;}{param.value,${name}}` : undefined);
      return part === undefined ? undefined : { format: `$(${inner}${part})` };
    }
    case 'from':
    case 'to':
      if (rest[0]?.name === 'uri') return uriPart(root.name === 'from' ? 'fu' : 'tu', rest.slice(1));
      return fieldPart(`hdr(${FIELDS[root.name]})`, rest);
    case 'contact':
      // As recorded, parts are those of the last value of the field.
      return fieldPart(rest.length === 0 ? 'hdr(Contact)' : 'hdr(Contact){s.select,-1,,}{s.trim}', rest);
    default: {
      const field = ownValue(FIELDS, root.name);
      return field === undefined ? undefined : fieldPart(`hdr(${field})`, rest);
    }
  }
}
