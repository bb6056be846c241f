/** Run by the build: compiles the schemas to modules beside this file. */
import { writeFileSync } from 'node:fs';
import { builtFile } from './built-validators.js';
import { validatorsSource } from './schema.js';

for (const allErrors of [true, false]) writeFileSync(builtFile(allErrors), validatorsSource(allErrors));
