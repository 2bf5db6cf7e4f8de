import { type TSchema, Type } from 'typebox';
import { type Route, route } from '../../../platform/http/route.ts';
import { containerFormats, diskFormats, visibilities } from '../model/image.ts';

interface Property {
  type: string | readonly string[];
  description: string;
  readOnly?: true;
  /** Said of custom properties that are known all the same. */
  is_base?: false;
  maxLength?: number;
  pattern?: string;
  enum?: readonly (string | null)[];
  items?: object;
}

const text = (description: string, more: Partial<Property> = {}): Property => ({
  type: 'string',
  description,
  ...more,
});
const textOrNull = (description: string, more: Partial<Property> = {}): Property => ({
  type: ['null', 'string'],
  description,
  ...more,
});
const readOnly = { readOnly: true } as const;

/** Every attribute that all images have; anything else about an image is a custom property, a text. */
export const imageProperties: Record<string, Property> = {
  id: text('What the image is called by', {
    pattern: '^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$',
  }),
  name: textOrNull('What people call it', { maxLength: 255 }),
  status: text('Where it is on its way', {
    ...readOnly,
    enum: [
      'queued',
      'saving',
      'active',
      'killed',
      'deleted',
      'uploading',
      'importing',
      'pending_delete',
      'deactivated',
    ],
  }),
  visibility: text('Who may use it', { enum: visibilities }),
  protected: { type: 'boolean', description: 'Whether it cannot be deleted' },
  os_hidden: { type: 'boolean', description: 'Whether lists leave it out unless asked for it' },
  checksum: textOrNull('MD5 of its bytes', { ...readOnly, maxLength: 32 }),
  os_hash_algo: textOrNull('What os_hash_value was made with', { ...readOnly, maxLength: 64 }),
  os_hash_value: textOrNull('A secure hash of its bytes, in hex', { ...readOnly, maxLength: 128 }),
  owner: textOrNull('The project that owns it', { maxLength: 255 }),
  size: { type: ['null', 'integer'], description: 'How many bytes it has', ...readOnly },
  virtual_size: { type: ['null', 'integer'], description: 'How many bytes a guest sees', ...readOnly },
  container_format: textOrNull('What it is packed in', { enum: [null, ...containerFormats] }),
  disk_format: textOrNull('What kind of disk it is', { enum: [null, ...diskFormats] }),
  created_at: text('When it was made', readOnly),
  updated_at: text('When it last changed', readOnly),
  tags: {
    type: 'array',
    description: 'Words that it can be found by',
    items: { type: 'string', maxLength: 255 },
  },
  direct_url: text('Where its bytes are, for those who reach the store', readOnly),
  min_ram: { type: 'integer', description: 'MiB of memory that a server needs to boot it' },
  min_disk: { type: 'integer', description: 'GiB of disk that a server needs to boot it' },
  self: text('Its address', readOnly),
  file: text("Its bytes' address", readOnly),
  stores: text('Names of the stores that have its bytes, separated by commas', readOnly),
  schema: text('The address of this schema', readOnly),
  locations: {
    type: 'array',
    description: 'Where its bytes are',
    items: {
      type: 'object',
      properties: {
        url: { type: 'string', maxLength: 255 },
        metadata: { type: 'object' },
        validation_data: {
          type: 'object',
          description: 'What its bytes hash to: set while nothing is known, compared with what is known',
          writeOnly: true,
          properties: {
            checksum: { type: 'string', minLength: 32, maxLength: 32 },
            os_hash_algo: { type: 'string', maxLength: 64 },
            os_hash_value: { type: 'string', maxLength: 128 },
          },
          required: ['os_hash_algo', 'os_hash_value'],
          additionalProperties: false,
        },
      },
      required: ['url', 'metadata'],
    },
  },
};

const anImage: Partial<Property> = { pattern: imageProperties['id']?.pattern as string };
const known = (property: Property): Property => ({ ...property, is_base: false });
/** Custom properties whose meaning is agreed upon: what glance's `schema-image.json` has. */
const knownProperties: Record<string, Property> = {
  description: known(text('What people should know about it')),
  architecture: known(text('The architecture of the processor that it is for')),
  os_distro: known(text("The operating system's distribution, by its common name")),
  os_version: known(text("The operating system's version, as its distributor says it")),
  instance_uuid: known(text('The server that it was taken from')),
  kernel_id: known(textOrNull('The image of the kernel that boots it', anImage)),
  ramdisk_id: known(textOrNull('The image of the ramdisk that boots it', anImage)),
  cinder_encryption_key_id: known(text('The key of the volume that it was taken from')),
  cinder_encryption_key_deletion_policy: known(
    text('What becomes of that key when the image is deleted', {
      enum: ['on_image_deletion', 'do_not_delete'],
    }),
  ),
};

const custom = { additionalProperties: { type: 'string' } };
const image = {
  name: 'image',
  properties: { ...imageProperties, ...knownProperties },
  ...custom,
  links: [
    { rel: 'self', href: '{self}' },
    { rel: 'enclosure', href: '{file}' },
    { rel: 'describedby', href: '{schema}' },
  ],
};
const member = {
  name: 'member',
  properties: {
    member_id: text('The project that the image is shared with'),
    image_id: text('The image', { pattern: imageProperties['id']?.pattern as string }),
    created_at: text('When it was shared'),
    updated_at: text('When the membership last changed'),
    status: text('Whether the project took it', { enum: ['pending', 'accepted', 'rejected'] }),
    schema: { readOnly: true, type: 'string' },
  },
};

/** What a create may say, and what one PATCH operation leaves of an attribute. */
export const imageBody: TSchema = Type.Unsafe({
  type: 'object',
  properties: { ...imageProperties, ...knownProperties },
  ...custom,
});

const documents: Record<string, object> = {
  image,
  images: {
    name: 'images',
    properties: {
      images: { type: 'array', items: image },
      first: { type: 'string' },
      next: { type: 'string' },
      schema: { type: 'string' },
    },
    links: [
      { rel: 'first', href: '{first}' },
      { rel: 'next', href: '{next}' },
      { rel: 'describedby', href: '{schema}' },
    ],
  },
  member,
  members: {
    name: 'members',
    properties: { members: { type: 'array', items: member }, schema: { type: 'string' } },
    links: [{ rel: 'describedby', href: '{schema}' }],
  },
};

export const schemaRoutes: Route[] = Object.entries(documents).map(([name, document]) =>
  route({
    method: 'GET',
    path: `/schemas/${name}`,
    summary: `Show the schema of ${name}`,
    handler: () => document,
  }),
);
