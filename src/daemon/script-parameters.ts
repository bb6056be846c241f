import type { LoadedCfg } from '../cfg-file/load.js';
import type { PvarValue } from '../pvar/context.js';
import { compileFormat, type Format } from '../pvar/format.js';
import type { ScriptEnvironment } from '../script/environment.js';

/** Variables by name. */
type Variables = { has(name: string): boolean; set(name: string, value: PvarValue): unknown };

/**
 * Sets $var and $shv to the initial values in the file: varset and shvset of pv, in OpenSIPS of cfgutils. Values
 * changed since are kept.
 */
export function seedVariables({ modules }: LoadedCfg, vars: Variables, shared: Variables): void {
  for (const [parameter, target] of [
    ['varset', vars],
    ['shvset', shared],
  ] as const) {
    const given = ['pv', 'cfgutils'].flatMap((module) => modules.get(module)?.get(parameter) ?? []);
    for (const each of given) {
      const match = /^([^=]+)=([is]):(.*)$/is.exec(String(each));
      const [, name = '', type, value = ''] = match ?? [];
      if (match !== null && !target.has(name)) target.set(name, type?.toLowerCase() === 'i' ? Number(value) : value);
    }
  }
}

/** The parameters of rr. */
export function recordRouting({ modules, dialect }: LoadedCfg): ScriptEnvironment['rr'] {
  const rr = modules.get('rr');
  const avp = dialect.name === 'kamailio' ? rr?.get('custom_user_avp')?.at(-1) : undefined;
  const flag = (name: string, fallback: boolean): boolean => {
    const value = rr?.get(name)?.at(-1);
    return value === undefined ? fallback : Number(value) !== 0;
  };
  return {
    appendFromTag: flag('append_fromtag', true),
    fullLr: flag('enable_full_lr', false),
    doubleRr: flag('enable_double_rr', true),
    alwaysDoubleRr: Number(rr?.get('enable_double_rr')?.at(-1) ?? 1) === 2,
    addUsername: flag('add_username', false),
    userAvp: avp === undefined ? undefined : compileFormat(String(avp)),
    sips: dialect.name === 'kamailio' && !flag('ignore_sips', false),
  };
}

/**
 * Converts the parameters flags, use_default and force_dst of OpenSIPS up to 1.11 to the letters that replaced them in
 * 2.1; undefined when the file sets none of them. Without force_dst, a destination that was already set is kept.
 */
export function selectFlags({ dialect, modules }: LoadedCfg): string | undefined {
  const dispatcher = dialect.generation === 2 ? modules.get('dispatcher') : undefined;
  const given = (name: string): number | undefined => {
    const value = dispatcher?.get(name)?.at(-1);
    return value === undefined ? undefined : Number(value);
  };
  const [flags, useDefault, force] = [given('flags'), given('use_default'), given('force_dst')];
  if (flags === undefined && useDefault === undefined && force === undefined) return undefined;
  const letters = [
    ((flags ?? 0) & 2) !== 0 ? 'f' : '',
    ((flags ?? 0) & 1) !== 0 ? 'u' : '',
    (useDefault ?? 0) !== 0 ? 'd' : '',
    (force ?? 0) !== 0 ? '' : 's',
  ];
  return letters.join('');
}

/** Kamailio's log_prefix of the core, or prefix of xlog; undefined when the file sets neither. */
export function linePrefix({ dialect, globals, modules }: LoadedCfg): Format | undefined {
  if (dialect.name !== 'kamailio') return undefined;
  const text = `${globals.linePrefix ?? ''}${modules.get('xlog')?.get('prefix')?.at(-1) ?? ''}`;
  return text === '' ? undefined : compileFormat(text, { names: dialect.names });
}
