import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Json } from './json-source.js';

/** Used in messages as the file name of the built-in settings. */
export const BUILT_IN = '(built-in defaults)';

/** The settings of `switchyard serve` without a switchyard.json, read as if they were a file in the working folder. */
export function builtInSettings(): Json {
  return {
    listen: ['udp:127.0.0.1:5060', 'tcp:127.0.0.1:5060'],
    modparam: { db_url: 'sqlite:./switchyard.db', table_name: 'dispatcher' },
    routing: [{ select: { set: 1, alg: 4, flags: 'f' }, failover: { codes: ['408', '5xx'] } }],
    mi: { fifo: { fifo_name: join(tmpdir(), 'switchyard_fifo') }, http: {} },
    http: '127.0.0.1:8085',
  };
}
