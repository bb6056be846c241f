import { test } from 'node:test';
import { assertAgreement } from './runner/agreement.js';

// The number goes up only.
test('scripts recorded from kamailio do what they did there', () => assertAgreement('kamailio', 664));
