import { parseCredentials } from '../header-values.js';
import { orNull, plain, type VariableDefinition } from './definition.js';
import { timeVariable } from './times.js';

/** Seconds since 1970 when this process began. */
const STARTED = Math.floor(Date.now() / 1000 - process.uptime());

/** $Au: the user of the credentials, else that of From. */
function accountName(common: ReadonlyMap<string, VariableDefinition>): VariableDefinition {
  const [credentials, from] = ['au', 'fU'].map((name) => common.get(name)?.compile(undefined, undefined).get);
  return plain((context) => credentials?.(context) ?? from?.(context) ?? null);
}

/** $challenge.realm and the like: of the WWW-Authenticate or Proxy-Authenticate of a reply. */
const challenges = ['algorithm', 'realm', 'nonce', 'opaque', 'qop', 'ik', 'ck'].map(
  (name): [string, VariableDefinition] => [
    `challenge.${name}`,
    plain(({ message }) => {
      const text = message.header('WWW-Authenticate') ?? message.header('Proxy-Authenticate');
      return orNull(text === undefined ? undefined : parseCredentials(text)?.param(name));
    }),
  ],
);

/**
 * Variables of OpenSIPS' core and of cfgutils that the other languages here do not have. `common`: the table of all.
 */
export function opensipsOnly(
  common: ReadonlyMap<string, VariableDefinition>,
): readonly (readonly [string, VariableDefinition])[] {
  return [
    ['TS', plain(() => STARTED)],
    ['Au', accountName(common)],
    ['ctime', timeVariable((ms) => new Date(ms))],
    ...challenges,
  ];
}
