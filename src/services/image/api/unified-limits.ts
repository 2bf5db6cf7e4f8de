import type { IdentityService } from '../../identity/contract.ts';
import type { Limits } from './quotas.ts';

/**
 * The limits of projects as identity knows them, asked each time: identity remembers them until one is written. What
 * nobody registered is not allowed at all, as oslo.limit has it.
 * @param region of the cloud's endpoints
 */
export const unifiedLimits = (identity: Pick<IdentityService, 'limits'>, region: string): Limits => ({
  async limitOf(projectId, resource) {
    const { limits } = await identity.limits({ serviceType: 'image', projectId, region, names: [resource] });
    return limits[resource] ?? { limit: 0 };
  },
});
