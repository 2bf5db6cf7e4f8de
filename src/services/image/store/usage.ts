import { sql } from 'kysely';
import { importingToStores } from '../model/reserved.ts';
import type { ImageStoreDb } from './images.ts';

/** What of a project's images is counted, under the names of its unified limits. */
export const countedResources = [
  'image_size_total',
  'image_stage_total',
  'image_count_total',
  'image_count_uploading',
] as const;
export type CountedResource = (typeof countedResources)[number];

export type UsageQueries = ReturnType<typeof usageQueries>;

const mib = 2 ** 20;

/** How much of each a project uses, counted as glance counts it. Sizes are whole MiB. */
export function usageQueries(store: ImageStoreDb) {
  const { db } = store;
  /** Images that are on their way in, and those that are being copied. */
  const underWay = (projectId: string, states: readonly string[]) =>
    db
      .selectFrom('images')
      .where('owner', '=', projectId)
      .where('deleted', '=', false)
      .where((or) =>
        or.or([
          or('status', 'in', states),
          or.exists(
            or
              .selectFrom('image_properties')
              .select(sql<number>`1`.as('one'))
              .whereRef('image_properties.image_id', '=', 'images.id')
              .where('image_properties.name', '=', importingToStores)
              .where('image_properties.value', '!=', ''),
          ),
        ]),
      );
  const count = (found: { n: number | string | bigint | null } | undefined): number => Number(found?.n ?? 0);

  return {
    /** Each location of an image counts. */
    async image_size_total(projectId: string): Promise<number> {
      const found = await db
        .selectFrom('images')
        .innerJoin('locations', 'locations.image_id', 'images.id')
        .select(({ fn }) => fn.sum('images.size').as('n'))
        .where('images.owner', '=', projectId)
        .where('images.deleted', '=', false)
        .where('locations.status', '=', 'active')
        .executeTakeFirst();
      return Math.floor(count(found) / mib);
    },
    async image_stage_total(projectId: string): Promise<number> {
      const found = await underWay(projectId, ['uploading', 'importing'])
        .select(({ fn }) => fn.sum('size').as('n'))
        .executeTakeFirst();
      return Math.floor(count(found) / mib);
    },
    async image_count_total(projectId: string): Promise<number> {
      const found = await db
        .selectFrom('images')
        .select(({ fn }) => fn.countAll().as('n'))
        .where('owner', '=', projectId)
        .where('deleted', '=', false)
        .executeTakeFirst();
      return count(found);
    },
    async image_count_uploading(projectId: string): Promise<number> {
      const found = await underWay(projectId, ['saving', 'uploading', 'importing'])
        .select(({ fn }) => fn.countAll().as('n'))
        .executeTakeFirst();
      return count(found);
    },
  } satisfies Record<CountedResource, (projectId: string) => Promise<number>>;
}
