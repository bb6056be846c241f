import type { FlavourKind } from './flavour-kind.js';
import { kamailio } from './kamailio/kind.js';
import { opensips } from './opensips/kind.js';
import type { FlavourName } from './options.js';

/** Every flavour there is; another one is a folder and a line here. */
const FLAVOURS: Readonly<Record<FlavourName, FlavourKind>> = { opensips, kamailio };

/** Their names. */
export const FLAVOUR_NAMES = Object.keys(FLAVOURS) as readonly FlavourName[];

/** What the flavour of that name decides. */
export function flavourKind(name: FlavourName): FlavourKind {
  return FLAVOURS[name];
}

/** The flavour whose destinations may stand in a list file. */
export const LIST_FLAVOUR = FLAVOUR_NAMES.find((name) => FLAVOURS[name].hasListFiles);
