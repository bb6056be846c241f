import type { MiCommand, MiValue, ParamSpec } from './command.js';
import { INTEGER } from './parameters.js';

const ID = 'https://switchyard.example/schemas/mi/';

/** Name of a command's schema file in schemas/mi/. */
export function schemaFile(command: MiCommand): string {
  return `${command.name}.schema.json`;
}

/**
 * Generates the JSON Schema (2020-12) of a command's JSON-RPC request from its parameter table. It accepts what the
 * endpoints accept, by name and by position.
 */
export function commandSchema(command: MiCommand): Readonly<Record<string, MiValue>> {
  const { name, aliases, help, module, paramLists, extraParams = [] } = command;
  const forms: MiValue[] = [];
  for (const list of paramLists) {
    // A positional call that matches two lists is refused: it must be made by name.
    const alone = paramLists.every((other) => other === list || other.length !== list.length);
    if (alone) forms.push(byPosition(list));
    forms.push(byName(list, extraParams));
  }
  const needed = paramLists.every((list) => list.length > 0);
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: `${ID}${schemaFile(command)}`,
    title: name,
    description: `${help} (${module})`,
    type: 'object',
    required: ['jsonrpc', 'method', ...(needed ? ['params'] : [])],
    properties: {
      jsonrpc: { const: '2.0' },
      id: {
        type: ['string', 'number', 'null'],
        description: 'Returned with the answer; a request without an id gets no answer.',
      },
      method: { enum: [name, ...aliases] },
      params: { anyOf: forms },
    },
  };
}

function byPosition(list: readonly ParamSpec[]): MiValue {
  if (list.length === 0) return { type: 'array', maxItems: 0 };
  return { type: 'array', prefixItems: list.map(typeOf), minItems: list.length, maxItems: list.length };
}

function byName(list: readonly ParamSpec[], extras: readonly ParamSpec[]): MiValue {
  return {
    type: 'object',
    additionalProperties: false,
    required: list.map((spec) => spec.name),
    properties: Object.fromEntries([...list, ...extras].map((spec) => [spec.name, typeOf(spec)])),
  };
}

/** JSON types of a parameter. As in OpenSIPS, a number may be written as a string, and a string as a number. */
function typeOf({ type }: ParamSpec): MiValue {
  switch (type) {
    case 'string':
      return { type: ['string', 'number'] };
    case 'flag':
      return { type: ['string', 'number', 'boolean'] };
    case 'int':
      return { anyOf: [{ type: 'number' }, { type: 'string', pattern: INTEGER.source }] };
    case 'array':
      return { type: 'array' };
    case 'any':
      return true;
  }
}
