import type { ColumnNames } from '../../src/config/settings.js';
import { DOCUMENTED } from '../../src/store/table.js';

const { flags: _, ...columns } = DOCUMENTED;

/** The documented names of the columns. */
export const COLUMNS: ColumnNames = columns;
