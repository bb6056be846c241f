import { existsSync } from 'node:fs';
import type { ConfigurationTree } from '../cfg/ast.js';
import type { Problems } from '../cfg/problem.js';
import { ownValue } from '../core/own-value.js';
import { extraParts } from '../modules/acc/settings.js';
import { FACILITY } from '../modules/log.js';
import { PIPE, QUEUE } from '../modules/rate-limit.js';

/** Says why a value is refused; undefined when it is accepted. */
type Check = (value: string, loaded: ReadonlySet<string>) => string | undefined;

const matches =
  (pattern: RegExp, form: string): Check =>
  (value) =>
    pattern.test(value) ? undefined : `must be ${form}, not "${value.slice(0, 64)}"`;

const FIELD = /^[^=]*=\s*\$(?:\(.*\)|\w+(?:\(.*\))?|\$)\s*$/s;

/** Further columns of acc: "name=$variable; name2=$variable2"; only the last part must not be empty. */
const fields: Check = (value) => {
  const parts = extraParts(value);
  const good = parts.every((each, i) => FIELD.test(each) || (each.trim() === '' && i < parts.length - 1));
  return good ? undefined : `must be name=$variable with ";" between, and none at the end, not "${value.slice(0, 64)}"`;
};

/** The initial value of a $var or $shv: a text, or a whole number of 32 bits, which may be empty. */
const initial: Check = (value) => {
  const [whole, number = ''] = /^[^=]+=(?:s:.*|i:([+-]?\d*))$/is.exec(value) ?? [];
  const good = whole !== undefined && Math.abs(Number(number)) < 2 ** 32;
  return good ? undefined : `must be NAME=i:NUMBER or NAME=s:TEXT, not "${value.slice(0, 64)}"`;
};

const ALIAS = /^\s*([^\s;=]+)\s*=\s*(?:i:\d+|s:[^\s;]+|(?![is]:)[^\s;]+)\s*$/i;

/** Aliases of AVPs, each name once. */
const aliases: Check = (value) => {
  if (value.trim() === '') return undefined;
  const names = value.split(';').map((each) => ALIAS.exec(each)?.[1]);
  const good = !names.includes(undefined) && new Set(names).size === names.length;
  return good ? undefined : `must be NAME=AVP with ";" between, each name once, not "${value.slice(0, 64)}"`;
};

const notEmpty = matches(/./s, 'a text that is not empty');
const variable = matches(/^\s*(?:$|\$)/, 'a variable');

const profiles = matches(/^[\s;\w]*$/, 'names of letters, digits and "_" with ";" between');

const AVP = matches(/^\s*(?:$|\$avp\(.+\)\s*$|\$\(avp\(.+\)\)\s*$)/s, 'an AVP');

/** Values that 5.6.3 refuses at its start, observed with it, by module and parameter. */
const CHECKS: Readonly<Record<string, Check>> = {
  'acc.cdr_enable': (value, loaded) => {
    if (value !== '0' && value !== '1') return 'must be 0 or 1';
    return value === '1' && !loaded.has('dialog') ? 'needs module dialog' : undefined;
  },
  'acc.cdr_extra': fields,
  'acc.db_extra': fields,
  'acc.failed_filter': matches(/^\d{3}(?:,\d{3})*$/, 'codes of three digits with "," between'),
  'acc.log_extra': fields,
  'acc.log_facility': matches(FACILITY, 'a facility of syslog'),
  'acc.multi_leg_info': (value, loaded) =>
    fields(value, loaded) ?? (/=\s*\$(?!\(?avp\()/.test(value) ? 'must have AVPs only' : undefined),
  'cfgutils.hash_file': (value) => (existsSync(value) ? undefined : 'must name a file that exists'),
  'cfgutils.initial_probability': (value) => (Number(value) > 100 ? 'must not be larger than 100' : undefined),
  'dialog.db_mode': matches(/^[0-3]$/, 'a number from 0 to 3'),
  'dialog.default_timeout': matches(/^0*[1-9]\d*$/, 'a number above 0'),
  'dialog.profiles_no_value': profiles,
  'dialog.profiles_with_value': profiles,
  'dialog.rr_param': notEmpty,
  'dialog.timeout_avp': variable,
  'mtree.mtree': matches(/(?:^|;)\s*name\s*=\s*[^\s;]/, 'name=NAME and more, with ";" between'),
  // The value has a password, so the message does not repeat it.
  'uac.credential': (value) => (/^[^:]+:[^:]+:./s.test(value) ? undefined : 'must be USER:REALM:PASSWORD'),
  'pv.avp_aliases': aliases,
  'pv.shvset': initial,
  'pv.varset': initial,
  'uac.restore_mode': matches(/^(?:none|manual|auto)$/i, 'none, manual or auto'),
  'nathelper.natping_interval': (value, loaded) =>
    Number(value) > 0 && !loaded.has('usrloc') ? 'needs module usrloc' : undefined,
  'nathelper.received_avp': AVP,
  'siputils.rpid_avp': AVP,
  'rr.custom_user_avp': variable,
  'sqlops.sqlcon': matches(/=>/, 'NAME=>URL'),
  'statistics.variable': notEmpty,
  'uac.rr_from_store_param': notEmpty,
  'ratelimit.pipe': matches(PIPE, 'NUMBER:ALGORITHM:RATE'),
  'ratelimit.queue': matches(QUEUE, 'NUMBER:METHOD'),
};

/** Parameters of which all are needed where one is given. */
const TOGETHER: readonly (readonly string[])[] = [['auth_realm_avp', 'auth_username_avp', 'auth_password_avp']];

/** Refuses parameters of Kamailio's modules whose value it does not accept. */
export function checkValues(tree: ConfigurationTree, loaded: ReadonlySet<string>, problems: Problems): void {
  for (const { module, name, value, at } of tree.moduleParameters) {
    for (const each of module.split('|')) {
      if (!loaded.has(each)) continue;
      const fault = ownValue(CHECKS, `${each}.${name}`)?.(String(value), loaded);
      if (fault !== undefined) problems.error('setting', at, `parameter "${name}" of ${each} ${fault}`);
    }
  }
  for (const names of TOGETHER) {
    const given = tree.moduleParameters.filter(({ module, name }) => module === 'uac' && names.includes(name));
    const [first] = given;
    if (first !== undefined && names.some((name) => !given.some((each) => each.name === name)))
      problems.error('setting', first.at, `uac needs ${names.join(', ')} together`);
  }
}
