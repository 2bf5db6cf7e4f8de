import { type Static, type TSchema, Type } from 'typebox';
import { incompleteConsumer } from '../model/names.ts';
import type { ConsumerClaim } from '../store/allocations.ts';

/** The bodies of writes to allocations, as each microversion (1.x) has them. */

const closed = { additionalProperties: false };
const name = Type.String({ minLength: 1, maxLength: 255 });
const byUuid = (value: TSchema, more: object = {}) =>
  Type.Unsafe<Record<string, unknown>>({
    type: 'object',
    patternProperties: { '^[0-9a-fA-F-]{36}$': value },
    ...closed,
    ...more,
  });
const resources = Type.Unsafe<Record<string, number>>({
  type: 'object',
  minProperties: 1,
  patternProperties: { '^[A-Z0-9_]+$': { type: 'integer', minimum: 1 } },
  ...closed,
});

const listed = Type.Array(
  Type.Object(
    { resource_provider: Type.Object({ uuid: Type.String({ format: 'uuid' }) }, closed), resources },
    closed,
  ),
  { minItems: 1 },
);
const ofProvider = Type.Object({ generation: Type.Optional(Type.Integer()), resources }, closed);
const some = byUuid(ofProvider, { minProperties: 1 });
const any = byUuid(ofProvider);
const owner = { project_id: name, user_id: name };
const consumerGeneration = Type.Unsafe<number | null>({ type: ['integer', 'null'] });
const mappings = Type.Optional(
  Type.Unsafe<Record<string, string[]>>({
    type: 'object',
    minProperties: 1,
    patternProperties: {
      '[a-zA-Z0-9_-]{1,64}': { type: 'array', minItems: 1, items: { type: 'string', format: 'uuid' } },
    },
  }),
);
const consumerType = Type.String({ pattern: '^[A-Z0-9_]+$', minLength: 1, maxLength: 255 });

const v12 = { allocations: some, ...owner };
const v13 = { allocations: any, ...owner };
const v28 = { ...v13, consumer_generation: consumerGeneration };
const v34 = { ...v28, mappings };
const v38 = { ...v34, consumer_type: consumerType };

/** `PUT /allocations/{consumer_uuid}` */
export const putBodies: readonly (readonly [since: number, schema: TSchema])[] = [
  [0, Type.Object({ allocations: listed }, closed)],
  [8, Type.Object({ allocations: listed, ...owner }, closed)],
  [12, Type.Object(v12, closed)],
  [28, Type.Object(v28, closed)],
  [34, Type.Object(v34, closed)],
  [38, Type.Object(v38, closed)],
];

const consumersSince = [
  [13, Type.Object(v13, closed)],
  [28, Type.Object(v28, closed)],
  [34, Type.Object(v34, closed)],
  [38, Type.Object(v38, closed)],
] as const;

/** `POST /allocations` */
export const postBodies = consumersSince.map(
  ([since, schema]) => [since, byUuid(schema, { minProperties: 1 })] as const,
);

/** The `allocations` of `POST /reshaper` */
export const reshaperAllocations = consumersSince
  .slice(1)
  .map(([since, schema]) => [since, byUuid(schema)] as const);

/** One consumer's part of any of these bodies, once it has been checked. */
export interface ConsumerBody {
  allocations: Static<typeof listed> | Record<string, Static<typeof ofProvider>>;
  project_id?: string;
  user_id?: string;
  consumer_generation?: number | null;
  consumer_type?: string;
}

/** Who stands for project and user where a body names none. */
export interface Incomplete {
  projectId: string;
  userId: string;
}

const nobody: Incomplete = { projectId: incompleteConsumer, userId: incompleteConsumer };

export function toClaim(consumer: string, body: ConsumerBody, incomplete = nobody): ConsumerClaim {
  const { allocations, consumer_generation: generation, consumer_type } = body;
  const pairs = Array.isArray(allocations)
    ? allocations.map((each) => [each.resource_provider.uuid, each.resources] as const)
    : Object.entries(allocations).map(([uuid, each]) => [uuid, each.resources] as const);
  return {
    consumer,
    projectId: body.project_id ?? incomplete.projectId,
    userId: body.user_id ?? incomplete.userId,
    allocations: Object.fromEntries(pairs),
    ...(generation === undefined ? {} : { generation }),
    ...(consumer_type === undefined ? {} : { consumerType: consumer_type }),
  };
}
