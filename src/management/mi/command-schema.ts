import type { MiCommand, MiValue, ParamSpec } from './command.js';
import { INTEGER } from './parameters.js';

const ID = 'https://switchyard.example/schemas/mi/';

/** File a command's schema is published in, below schemas/mi/. */
export function schemaFile(command: MiCommand): string {
  return `${command.name}.schema.json`;
}

/**
 * JSON Schema (2020-12) of the JSON-RPC request that calls a command, made from its own table of parameters: what it
 * accepts is what the endpoints of the command accept, by name and by position.
 */
export function commandSchema(command: MiCommand): Readonly<Record<string, MiValue>> {
  const { name, aliases, help, module, paramLists, extraParams = [] } = command;
  const forms: MiValue[] = [];
  for (const list of paramLists) {
    // A call by position that two lists would take is refused: it has to be made by name.
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
      id: { type: ['string', 'number', 'null'], description: 'Comes back with the answer; without it there is none.' },
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

/** JSON types of a parameter. As in the original a number may be written as a string, and a string as a number. */
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
