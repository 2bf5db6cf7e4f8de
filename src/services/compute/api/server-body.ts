import { type TSchema, Type } from 'typebox';
import type { VersionedSchema } from '../../../platform/http/route.ts';
import { formatMicroversion, microversion } from '../../../platform/microversion/microversion.ts';
import { type Attribute, bodySchema, changes } from '../../../platform/resource/attribute.ts';
import { closed, description, HostName, LooseBoolean, metadataOf, Name } from './parameter-types.ts';

/** What requests about servers may say. Source: nova/api/openstack/compute/schemas/servers.py. */

const Uuid = Type.String({ format: 'uuid' });
const AccessIpV4 = Type.Union([Type.String({ format: 'ipv4' }), Type.String({ maxLength: 0 })]);
const AccessIpV6 = Type.Union([Type.String({ format: 'ipv6' }), Type.String({ maxLength: 0 })]);
const Count = Type.Unsafe<number | string>({
  anyOf: [
    { type: 'integer', minimum: 1, maximum: 1000 },
    { type: 'string', pattern: '^[1-9][0-9]{0,2}$' },
  ],
});
export const FlavorRef = Type.Unsafe<string | number>({
  type: ['string', 'integer'],
  minLength: 1,
  maxLength: 255,
});
export const Tag = Type.String({ minLength: 1, maxLength: 60, pattern: '^[^,/]*$' });
export const Tags = Type.Array(Tag, { maxItems: 50 });
export const Metadata = metadataOf(Type.String({ maxLength: 255 }));
const Description = description(255);
const Hostname = Type.String({
  minLength: 2,
  maxLength: 63,
  pattern: '^[a-zA-Z0-9]+[a-zA-Z0-9-]*[a-zA-Z0-9]+$',
});
export const DiskConfig = Type.Union([Type.Literal('AUTO'), Type.Literal('MANUAL')]);

const network = (tagged: boolean) =>
  closed({
    uuid: Type.Optional(Uuid),
    port: Type.Optional(Type.Union([Uuid, Type.Null()])),
    fixed_ip: Type.Optional(Type.Union([Type.String({ format: 'ipv4' }), Type.String({ format: 'ipv6' })])),
    ...(tagged ? { tag: Type.Optional(Tag) } : {}),
  });

export interface NetworkBody {
  uuid?: string;
  port?: string | null;
  fixed_ip?: string;
  tag?: string;
}

export interface BlockDeviceBody {
  boot_index?: number | string | null;
  source_type?: string;
  destination_type?: string;
  uuid?: string;
  image_id?: string;
  volume_id?: string;
  snapshot_id?: string;
}
const BlockDevice = Type.Unsafe<BlockDeviceBody>({ type: 'object' });

const optional = (schema: TSchema, more: Partial<Attribute> = {}): Attribute<TSchema> => ({
  schema,
  create: 'optional',
  ...more,
});

/** Networks changed thrice: tags of devices came (2.32), went (2.37) and came again (2.42), `auto` is asked for by name. */
const createAttributes: Record<string, Attribute<TSchema>> = {
  name: { schema: Name, create: 'required' },
  flavorRef: { schema: FlavorRef, create: 'required' },
  imageRef: optional(Type.Union([Uuid, Type.String({ maxLength: 0 })])),
  adminPass: optional(Type.String({ maxLength: 255 })),
  metadata: optional(Metadata),
  key_name: optional(Type.String({ minLength: 1, maxLength: 255 })),
  user_data: optional(Type.Union([Type.Null(), Type.String({ maxLength: 65_535, format: 'base64' })])),
  availability_zone: optional(Type.String({ minLength: 1, maxLength: 255 })),
  config_drive: optional(LooseBoolean),
  security_groups: optional(
    Type.Array(Type.Object({ name: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })) })),
  ),
  min_count: optional(Count),
  max_count: optional(Count),
  return_reservation_id: optional(LooseBoolean),
  accessIPv4: optional(AccessIpV4),
  accessIPv6: optional(AccessIpV6),
  block_device_mapping: optional(Type.Array(BlockDevice)),
  block_device_mapping_v2: optional(Type.Array(BlockDevice)),
  'OS-DCF:diskConfig': optional(DiskConfig),
  personality: optional(
    Type.Array(
      closed({ path: Type.String({ maxLength: 1024 }), contents: Type.String({ format: 'base64' }) }),
    ),
    { until: '2.56' },
  ),
  description: optional(Description, { since: '2.19' }),
  tags: optional(Tags, { since: '2.52' }),
  trusted_image_certificates: optional(
    Type.Union([
      Type.Null(),
      Type.Array(Type.String({ minLength: 1 }), { minItems: 1, maxItems: 50, uniqueItems: true }),
    ]),
    { since: '2.63' },
  ),
  host: optional(HostName, { since: '2.74' }),
  hypervisor_hostname: optional(HostName, { since: '2.74' }),
  hostname: optional(Hostname, { since: '2.90' }),
};

function networksAt(version: number): TSchema {
  const tagged =
    (version >= microversion('2.32') && version <= microversion('2.36')) || version >= microversion('2.42');
  const list = Type.Array(network(tagged));
  if (version < microversion('2.37')) return list;
  return Type.Union([Type.Literal('none'), Type.Literal('auto'), list]);
}

const Hints = Type.Unsafe<Record<string, unknown>>({
  type: 'object',
  properties: {
    group: { type: 'string', format: 'uuid' },
    different_host: {
      anyOf: [
        { type: 'string', format: 'uuid' },
        { type: 'array', items: { type: 'string', format: 'uuid' } },
      ],
    },
    same_host: {
      anyOf: [
        { type: 'string', format: 'uuid' },
        { type: 'array', items: { type: 'string', format: 'uuid' } },
      ],
    },
    query: { type: ['string', 'object'] },
    target_cell: { type: 'string' },
    different_cell: { type: ['string', 'array'] },
    build_near_host_ip: { type: 'string' },
    cidr: { type: 'string', pattern: '^/[0-9a-f.:]+$' },
  },
  additionalProperties: true,
  maxProperties: 50,
});

/** A request's `server`, once it has been checked. */
export interface CreateServerBody {
  name: string;
  flavorRef: string | number;
  imageRef?: string;
  adminPass?: string;
  metadata?: Record<string, string>;
  key_name?: string;
  user_data?: string | null;
  availability_zone?: string;
  config_drive?: boolean | string;
  security_groups?: { name?: string }[];
  networks?: NetworkBody[] | 'auto' | 'none';
  min_count?: number | string;
  max_count?: number | string;
  return_reservation_id?: boolean | string;
  accessIPv4?: string;
  accessIPv6?: string;
  block_device_mapping?: BlockDeviceBody[];
  block_device_mapping_v2?: BlockDeviceBody[];
  'OS-DCF:diskConfig'?: string;
  personality?: object[];
  description?: string | null;
  tags?: string[];
  trusted_image_certificates?: string[] | null;
  host?: string;
  hypervisor_hostname?: string;
  hostname?: string;
}

/** The body of a create, for each microversion at which it changed. */
export const createBody: VersionedSchema = [
  ...new Set([...changes(createAttributes), ...['2.32', '2.37', '2.42'].map(microversion)]),
]
  .map((at) => Math.max(at, microversion('2.1')))
  .sort((a, b) => a - b)
  .map((at) => {
    const schema = bodySchema(
      {
        ...createAttributes,
        // Since 2.37 a server without networks has to say so.
        networks: { schema: networksAt(at), create: at >= microversion('2.37') ? 'required' : 'optional' },
      },
      'create',
      at,
      false,
    );
    return [
      formatMicroversion(at),
      closed({
        server: schema,
        'os:scheduler_hints': Type.Optional(Hints),
        'OS-SCH-HNT:scheduler_hints': Type.Optional(Hints),
      }),
    ] as const;
  });

/** What an update may change. */
export const updateAttributes = {
  name: { schema: Name, update: true },
  accessIPv4: { schema: AccessIpV4, update: true },
  accessIPv6: { schema: AccessIpV6, update: true },
  'OS-DCF:diskConfig': { schema: DiskConfig, update: true },
  description: { schema: Description, update: true, since: '2.19' },
  'OS-EXT-SRV-ATTR:hostname': { schema: Hostname, update: true, since: '2.3', updateSince: '2.90' },
} as const satisfies Record<string, Attribute<TSchema>>;

export interface RebuildBody {
  imageRef: string;
  name?: string;
  adminPass?: string;
  metadata?: Record<string, string>;
  accessIPv4?: string;
  accessIPv6?: string;
  'OS-DCF:diskConfig'?: string;
  description?: string | null;
  key_name?: string | null;
  user_data?: string | null;
  trusted_image_certificates?: string[] | null;
  hostname?: string;
}

const rebuildAttributes: Record<string, Attribute<TSchema>> = {
  imageRef: { schema: Uuid, create: 'required' },
  name: optional(Name),
  adminPass: optional(Type.String({ maxLength: 255 })),
  metadata: optional(Metadata),
  preserve_ephemeral: optional(LooseBoolean),
  accessIPv4: optional(AccessIpV4),
  accessIPv6: optional(AccessIpV6),
  'OS-DCF:diskConfig': optional(DiskConfig),
  personality: optional(Type.Array(Type.Object({}), { maxItems: 0 }), { until: '2.56' }),
  description: optional(Description, { since: '2.19' }),
  key_name: optional(Type.Union([Type.Null(), Type.String({ minLength: 1, maxLength: 255 })]), {
    since: '2.54',
  }),
  user_data: optional(Type.Union([Type.Null(), Type.String({ maxLength: 65_535, format: 'base64' })]), {
    since: '2.57',
  }),
  trusted_image_certificates: optional(
    Type.Union([Type.Null(), Type.Array(Type.String({ minLength: 1 }), { minItems: 1, maxItems: 50 })]),
    { since: '2.63' },
  ),
  hostname: optional(Hostname, { since: '2.90' }),
};

/** What a rebuild may say, for each microversion at which that changed. */
export const rebuildSchema = changes(rebuildAttributes)
  .map((at) => Math.max(at, microversion('2.1')))
  .map((at) => [formatMicroversion(at), bodySchema(rebuildAttributes, 'create', at, false)] as const);
