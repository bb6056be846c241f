import type { OperatorFile } from './operator-file.js';
import { PROBING_BALANCER } from './probing-balancer.js';

/** Files as operators of Kamailio write them, each of another kind. */
export const OPERATOR_FILES: readonly OperatorFile[] = [PROBING_BALANCER];
