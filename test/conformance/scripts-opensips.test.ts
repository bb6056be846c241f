import { test } from 'node:test';
import { assertAgreement } from './runner/agreement.js';

// The number may only increase.
test('scripts recorded from opensips do what they did there', () => assertAgreement('opensips', 866));
