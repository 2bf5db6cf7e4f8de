import { PayloadTooLarge } from '../../../platform/errors/errors.ts';
import { type CountedResource, countedResources, type UsageQueries } from '../store/usage.ts';

/** How much of a resource a project may use; -1 is any number. */
export interface Limit {
  limit: number;
  /** What the use of several projects together must stay within. */
  tree?: { limit: number; projectIds: readonly string[] };
}

/** Who knows the limits of projects. */
export interface Limits {
  limitOf(projectId: string, resource: CountedResource): Promise<Limit>;
}

export interface Quotas {
  /**
   * Within a transaction that does what is asked for, so that two who ask at the same time do not both fit.
   *
   * @param more what is to be added to what is used: MiB of sizes, images of counts
   * @throws PayloadTooLarge in the words of oslo.limit
   */
  enforce(projectId: string | null | undefined, resource: CountedResource, more?: number): Promise<void>;
  /** What `/v2/info/usage` says; nothing where nothing is limited. */
  usageOf(projectId: string | undefined): Promise<Record<string, { usage: number; limit: number }>>;
}

/** @param enabled the setting `use_keystone_limits` */
export function quotasOf(usage: UsageQueries, limits: Limits, enabled: boolean): Quotas {
  return {
    async enforce(projectId, resource, more = 0) {
      if (!enabled || !projectId) return;
      const { limit, tree } = await limits.limitOf(projectId, resource);
      const assertWithin = async (most: number, projectIds: readonly string[]): Promise<void> => {
        if (most < 0) return;
        let used = 0;
        for (const id of projectIds) used += await usage[resource](id);
        if (used + more <= most) return;
        throw new PayloadTooLarge(
          `Project ${projectId} is over a limit for [Resource ${resource} is over limit of ${most} due to current usage ${used} and delta ${more}]`,
        );
      };
      await assertWithin(limit, [projectId]);
      if (tree) await assertWithin(tree.limit, tree.projectIds);
    },
    async usageOf(projectId) {
      if (!enabled || projectId === undefined) return {};
      const entries = countedResources.map(async (resource) => {
        const { limit } = await limits.limitOf(projectId, resource);
        return [resource, { usage: await usage[resource](projectId), limit }] as const;
      });
      return Object.fromEntries(await Promise.all(entries));
    },
  };
}

/** Bytes in the unit of the limits. */
export const mebibytes = (bytes: number | null | undefined): number => Math.floor((bytes ?? 0) / 2 ** 20);
