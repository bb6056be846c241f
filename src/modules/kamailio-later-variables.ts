import { trimmed } from '../core/characters.js';
import { parseAddress } from '../core/name-addr.js';
import type { VariableDefinition } from '../pvar/variables/definition.js';
import { byWord } from './named-fields.js';
import { own, scopeOf } from './script-variable.js';

/** $shvinc(name): increments $shv(name) each time it is read, and returns it. */
const incremented: VariableDefinition = {
  argument: 'required',
  indexed: false,
  compile: (argument) => ({
    get(context) {
      const { shared } = scopeOf(context);
      const name = argument?.constant ?? argument?.read(context) ?? '';
      const before = shared.get(name);
      const next = ((typeof before === 'number' ? before : 0) + 1) | 0;
      shared.set(name, next);
      return next;
    },
  }),
};

const none = (): null => null;

/** Variables introduced after Kamailio 5.6, by its documentation. */
export const laterVariables: readonly [string, VariableDefinition][] = [
  ['shvinc', incremented],
  [
    'ctu',
    own(({ message }) => {
      const contact = message.header('contact');
      const uri = contact === undefined || trimmed(contact) === '*' ? '' : parseAddress(contact).uri;
      return uri === '' ? null : uri;
    }),
  ],
  [
    'rcv',
    byWord({
      buf: none,
      proto: none,
      srcip: none,
      rcvip: none,
      sproto: none,
      srcport: none,
      rcvport: none,
      len: none,
      af: none,
    }),
  ],
  ['cts', own(({ message }) => (trimmed(message.header('contact') ?? '') === '*' ? 1 : 0))],
];
