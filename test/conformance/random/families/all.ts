import { CALLS } from './calls.js';
import { EVENTS } from './events.js';
import type { Family } from './family.js';
import { GUARDS } from './guards.js';
import { LANGUAGE } from './language.js';
import { MEDIA_FAMILIES } from './media.js';
import { MESSAGES } from './messages.js';
import { OPERATORS } from './operators.js';
import { ROUTES } from './routes.js';
import { STORES } from './stores.js';

export const FAMILIES: readonly Family[] = [
  ...GUARDS,
  ...STORES,
  ...LANGUAGE,
  ...MESSAGES,
  ...CALLS,
  ...EVENTS,
  ...ROUTES,
  ...MEDIA_FAMILIES,
  ...OPERATORS,
];
