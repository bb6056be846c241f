import assert from 'node:assert/strict';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { EVENT_CATALOGUE } from '../../src/events/catalogue.js';
import { encodeNotification } from '../../src/events/encode.js';
import type { DispatcherEvent } from '../../src/events/event.js';
import { eventSchemas } from './asyncapi-file.js';

const validators = new Map<string, ValidateFunction>();

function validatorOf(name: string): ValidateFunction {
  let validate = validators.get(name);
  if (validate === undefined) {
    const schema = eventSchemas().get(EVENT_CATALOGUE.find((kind) => kind.name === name)?.schema ?? '');
    assert.ok(schema !== undefined, `an event ${name} without a schema`);
    validate = new Ajv2020({ strict: true, allErrors: true }).compile(schema);
    validators.set(name, validate);
  }
  return validate;
}

/** Why a published event does not match its schema in schemas/events; undefined when it does. */
export function eventFault(event: DispatcherEvent): string | undefined {
  const text = encodeNotification(event);
  const validate = validatorOf(event.name);
  return validate(JSON.parse(text)) ? undefined : `${text}: ${JSON.stringify(validate.errors)}`;
}
