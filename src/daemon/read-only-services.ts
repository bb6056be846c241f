import { SwitchyardError } from '../core/errors.js';
import type { ScriptServices } from '../script/services.js';

/** Matches a statement that, by its text, only reads. */
const READS = /^\s*select\b(?![\s\S]*(?:;|\binto\b|\bfor\s+(?:update|share)\b))/i;

/**
 * The services for a copy's script: databases can only be read, and nothing is published, requested over HTTP or sent
 * to media proxies.
 */
export function servicesOfCopy(services: ScriptServices): ScriptServices {
  const refused = () => new SwitchyardError('USAGE', 'an explained request cannot write to databases');
  return {
    isolated: true,
    database(url) {
      const database = services.database(url);
      return {
        query: (statement) => (READS.test(statement) ? database.query(statement) : Promise.reject(refused())),
        quoted: (value) => database.quoted(value),
        insert: () => Promise.reject(refused()),
        replace: () => Promise.reject(refused()),
      };
    },
    http: () => Promise.resolve('failed'),
    rpc: () => Promise.resolve(undefined),
    mi: () => Promise.resolve(undefined),
    subscribe: () => 'an explained request sends no events',
    subscribed: () => false,
    raise: () => {},
    publish: () => false,
    sharingTag: (name) => services.sharingTag(name),
  };
}
