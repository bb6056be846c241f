import { Ajv2020 } from 'ajv/dist/2020.js';
import { eventSchemas } from './asyncapi-file.js';

/** Checks a call record against its published schema; the faults are in `errors`. */
export const validateCallRecord = new Ajv2020({ strict: true, formats: { 'date-time': true } }).compile(
  eventSchemas().get('call-record.schema.json') as object,
);
