import { test } from 'node:test';
import { assertAgreement } from './runner/agreement.js';

// The number may only increase.
test('scripts do what OpenSIPS was recorded to do', () => assertAgreement('opensips', 866));
