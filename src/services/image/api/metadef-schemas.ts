import { type Route, route } from '../../../platform/http/route.ts';

type Schema = Readonly<Record<string, unknown>>;

const text = (description?: string, more: Schema = {}): Schema => ({
  type: 'string',
  ...(description === undefined ? {} : { description }),
  ...more,
});
const made = (what: string) => ({
  created_at: text(`When the ${what} was made`, { readOnly: true, format: 'date-time' }),
  updated_at: text(`When the ${what} last changed`, { readOnly: true, format: 'date-time' }),
});
const address = text(undefined, { readOnly: true });
const strings = { type: 'array', items: { type: 'string' } };
const positiveInteger = { $ref: '#/definitions/positiveInteger' };
const positiveIntegerDefault0 = { $ref: '#/definitions/positiveIntegerDefault0' };
const stringArray = { $ref: '#/definitions/stringArray' };
const types = text(undefined, {
  enum: ['array', 'boolean', 'integer', 'number', 'object', 'string', null],
});

/** What may be said of a property. */
const propertyAttributes: Record<string, Schema> = {
  name: text(undefined, { maxLength: 80 }),
  title: text(),
  description: text(),
  operators: strings,
  type: types,
  required: stringArray,
  minimum: { type: 'number' },
  maximum: { type: 'number' },
  maxLength: positiveInteger,
  minLength: positiveIntegerDefault0,
  pattern: text(undefined, { format: 'regex' }),
  enum: { type: 'array' },
  readonly: { type: 'boolean' },
  default: {},
  items: { type: 'object', properties: { type: types, enum: { type: 'array' } } },
  maxItems: positiveInteger,
  minItems: positiveIntegerDefault0,
  uniqueItems: { type: 'boolean', default: false },
  additionalItems: { type: 'boolean' },
};

const numbers = {
  positiveInteger: { type: 'integer', minimum: 0 },
  positiveIntegerDefault0: { allOf: [positiveInteger, { default: 0 }] },
};
const definitions = {
  ...numbers,
  stringArray: { ...strings, uniqueItems: true },
  property: {
    type: 'object',
    additionalProperties: { type: 'object', required: ['title', 'type'], properties: propertyAttributes },
  },
};
const properties = { $ref: '#/definitions/property' };

interface Item {
  name: string;
  properties: Record<string, Schema>;
  required?: readonly string[];
  definitions?: Schema;
}

const namespace: Item = {
  name: 'namespace',
  properties: {
    namespace: text('What the namespace is called by, by everybody', { maxLength: 80 }),
    display_name: text('What people see instead of the name', { maxLength: 80 }),
    description: text('What the namespace is for', { maxLength: 500 }),
    visibility: text('Who sees the namespace', { enum: ['public', 'private'] }),
    protected: { type: 'boolean', description: 'Whether the namespace cannot be deleted' },
    owner: text('The project that owns the namespace', { maxLength: 255 }),
    ...made('namespace'),
    schema: address,
    self: address,
    resource_type_associations: {
      type: 'array',
      items: {
        type: 'object',
        properties: { name: text(), prefix: text(), properties_target: text() },
      },
    },
    properties,
    objects: {
      type: 'array',
      items: {
        type: 'object',
        properties: { name: text(), description: text(), required: stringArray, properties },
      },
    },
    tags: { type: 'array', items: { type: 'object', properties: { name: text() } } },
  },
  required: ['namespace'],
  definitions,
};

const object: Item = {
  name: 'object',
  properties: {
    name: text(undefined, { maxLength: 80 }),
    description: text(),
    required: stringArray,
    properties,
    schema: address,
    self: address,
    ...made('object'),
  },
  required: ['name'],
  definitions,
};

const property: Item = {
  name: 'property',
  properties: propertyAttributes,
  required: ['type', 'title', 'name'],
  definitions: { ...numbers, stringArray: { ...strings, minItems: 1, uniqueItems: true } },
};

const tag: Item = {
  name: 'tag',
  properties: { name: text(undefined, { maxLength: 80 }), ...made('tag') },
  required: ['name'],
};

const resourceType: Item = {
  name: 'resource_type_association',
  properties: {
    name: text("What is described, by orchestration's name of it where there is one", { maxLength: 80 }),
    prefix: text(
      "What the names of the namespace's properties begin with on this type of resource, the separator included",
      { maxLength: 80 },
    ),
    properties_target: text(
      'Which of its sets of properties is meant, where the type of resource has several: volumes have image metadata beside their own',
      { maxLength: 80 },
    ),
    ...made('association'),
  },
  required: ['name'],
};

/** Several tags at once. */
const tagList: Item = {
  name: 'tags',
  properties: {
    tags: {
      type: 'array',
      items: {
        type: 'object',
        properties: { name: text() },
        required: ['name'],
        additionalProperties: false,
      },
    },
  },
};

const raw = (item: Item) => ({ ...item, additionalProperties: false });

/** What requests' bodies must be. */
export const metadefBodies = {
  namespace: raw(namespace),
  object: raw(object),
  property: raw(property),
  /** A property within an object, whose name stands outside of it. */
  unnamedProperty: { ...raw(property), required: ['type', 'title'] },
  tag: raw(tag),
  tags: raw(tagList),
  resource_type_association: raw(resourceType),
};

/** A page of things. `form` is how they lie in it. */
function collection(name: string, item: Item, form: (items: Schema) => Schema) {
  const { definitions: shared, ...alone } = item;
  return {
    name,
    properties: {
      [name]: form(raw(alone)),
      first: text(),
      next: text(),
      schema: text(),
    },
    links: [
      { rel: 'first', href: '{first}' },
      { rel: 'next', href: '{next}' },
      { rel: 'describedby', href: '{schema}' },
    ],
    ...(shared ? { definitions: shared } : {}),
  };
}
const listed = (items: Schema) => ({ type: 'array', items });

const documents: Record<string, object> = {
  namespace: raw(namespace),
  namespaces: collection('namespaces', namespace, listed),
  resource_type: raw(resourceType),
  resource_types: collection('resource_type_associations', resourceType, listed),
  property: raw(property),
  properties: collection('properties', { ...property, required: ['type', 'title'] }, (items) => ({
    type: 'object',
    additionalProperties: items,
  })),
  object: raw(object),
  objects: collection('objects', object, listed),
  tag: raw(tag),
  tags: collection('tags', tag, listed),
};

export const metadefSchemaRoutes: Route[] = Object.entries(documents).map(([name, document]) =>
  route({
    method: 'GET',
    path: `/schemas/metadefs/${name}`,
    summary: `Show the schema of metadata definitions' ${name}`,
    handler: () => document,
  }),
);
