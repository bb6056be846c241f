import { test } from 'node:test';
import { assertAgreement } from './runner/agreement.js';

// The number goes up only.
test('scripts recorded from kamailio do what they did there', () => assertAgreement('kamailio', 664));

// Functions, selects and reply routes, recorded with --record for this suite. The number goes up only: 504, of which one may be a matter of
// time on a busy machine. The seven others are named in the oddities by their ids.
test('further scripts recorded from kamailio do what they did there', () => assertAgreement('kamailio-further', 502));

// Cases made at random from the others. The number goes up only.
test('random scripts do what kamailio was recorded to do with them', () => assertAgreement('kamailio-random', 395));
