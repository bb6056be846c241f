import type { FlavourKind } from './flavour-kind.js';
import { kamailio } from './kamailio/kind.js';
import { opensips } from './opensips/kind.js';
import type { FlavourName } from './options.js';

/** All flavours. A new one needs a folder and a line here. */
const FLAVOURS: Readonly<Record<FlavourName, FlavourKind>> = { opensips, kamailio };

/** The names of all flavours. */
export const FLAVOUR_NAMES = Object.keys(FLAVOURS) as readonly FlavourName[];

/** The rules of the flavour with this name. */
export function flavourKind(name: FlavourName): FlavourKind {
  return FLAVOURS[name];
}

/** The flavour whose destinations may be in a list file. */
export const LIST_FLAVOUR = FLAVOUR_NAMES.find((name) => FLAVOURS[name].hasListFiles);
