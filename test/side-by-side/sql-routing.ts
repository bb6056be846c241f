import type { TestCall } from '../support/side-by-side.js';
import { answered, givenUp } from '../support/two-proxies.js';
import { GATEWAYS, type OperatorFile } from './operator-file.js';
import { sqliteTables } from './tables.js';
import { talked } from './talks.js';

/** A call that the file drops: a failing route within a comparison ends it. */
const unanswered =
  (from: string) =>
  async (call: TestCall): Promise<void> => {
    call.send('INVITE', { from });
    await call.ask('OPTIONS', { from, cseq: 2 });
  };

export const SQL_ROUTING: OperatorFile = {
  file: 'sql-routing-5.6.cfg',
  gateways: GATEWAYS,
  prepare(folder, lane) {
    sqliteTables(folder, lane, [
      'CREATE TABLE callers (name VARCHAR(128), plan VARCHAR(128), cli VARCHAR(128))',
      `INSERT INTO callers VALUES ('alice', 'gold', '+4930555'), ('bob', 'basic', NULL), ('o''neil', 'gold', NULL)`,
      'CREATE TABLE usr_preferences (id INTEGER PRIMARY KEY, uuid VARCHAR(128), username VARCHAR(128), domain VARCHAR(128), attribute VARCHAR(128), type INTEGER DEFAULT 0, value VARCHAR(128))',
      `INSERT INTO usr_preferences (username, domain, attribute, value) VALUES ('carol', 'a.example', 'plan', 'basic')`,
      'CREATE TABLE carriers (name VARCHAR(128), host VARCHAR(128), port INTEGER, strip INTEGER, pre VARCHAR(128))',
      `INSERT INTO carriers VALUES ('one', '127.0.0.1', GW1_PORT, 2, '0049'), ('two', '127.0.0.1', GW2_PORT, 0, NULL), ('three', '127.0.0.1', GW2_PORT, 1, '7')`,
      'CREATE TABLE rates (prefix VARCHAR(128), plan VARCHAR(128), carrier VARCHAR(128), price VARCHAR(128))',
      `INSERT INTO rates VALUES ('49', 'gold', 'two', '2'), ('4930', 'gold', 'one', '1.5'), ('4930', 'gold', 'two', '2.25'), ('4930', 'gold', 'three', '3'), ('44', 'gold', 'three', '1'),
        ('4', 'basic', 'two', '9')`,
      'CREATE TABLE used (number VARCHAR(128), price VARCHAR(128))',
    ]);
  },
  calls: {
    'an answered call': ['4930123', talked()],
    'a shorter prefix': ['4917123', (call) => answered(call)],
    'another country': ['44123', (call) => call.invite()],
    'another plan': ['44123', (call) => call.invite({ from: '<sip:bob@a.example>' })],
    'a plan of the preferences': ['44123', (call) => call.invite({ from: '<sip:carol@a.example>' })],
    'a name with an apostrophe': ['44123', unanswered("<sip:o'neil@a.example>")],
    'nobody knows the caller': ['4930123', unanswered('<sip:eve@a.example>')],
    'no route': ['1555', unanswered('<sip:alice@a.example>')],
    'the first fails': ['4930over', (call) => answered(call)],
    'all fail': ['4930none', (call) => call.invite()],
    busy: ['4930busy', (call) => call.invite()],
    'not found': ['4930lost', (call) => call.invite()],
    moved: ['4930moved', (call) => call.invite()],
    'given up': ['4930ring', givenUp],
    'a message': ['4930123', (call) => call.ask('MESSAGE', { body: 'x' })],
    'an OPTIONS': ['bob', (call) => call.ask('OPTIONS')],
    'an INFO of nobody': ['bob', (call) => call.ask('INFO', { to: ';tag=none' })],
    'no hops left': ['bob', (call) => call.ask('INVITE', { hops: 0 })],
  },
};
