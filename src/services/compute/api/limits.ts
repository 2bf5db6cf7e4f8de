import { type Route, route } from '../../../platform/http/route.ts';
import type { Compute } from '../compute.ts';
import { quotaLimits, quotaUsage, serverGroupCount } from '../store/quota-claims.ts';
import { assertQuery } from './query.ts';

/** What a project may have and what it has, in one small document. */
export function limitRoutes({ store }: Compute): Route[] {
  return [
    route({
      method: 'GET',
      path: '/v2.1/limits',
      summary: 'Show rate and absolute limits',
      policy: 'os_compute_api:limits',
      async handler(call) {
        assertQuery(call, ['tenant_id', 'reserved']);
        const asked = call.queryValue('tenant_id');
        if (asked !== undefined) call.enforce('os_compute_api:limits:other_project');
        const project = asked ?? call.credentials.projectId ?? '';
        const limits = await quotaLimits(store, project);
        const used = await quotaUsage(store, project);
        const networks = !call.since('2.36');
        const absolute = {
          maxTotalInstances: limits.instances,
          maxTotalCores: limits.cores,
          maxTotalRAMSize: limits.ram,
          maxServerMeta: limits.metadata_items,
          ...(call.since('2.39') ? {} : { maxImageMeta: limits.metadata_items }),
          ...(call.since('2.57')
            ? {}
            : {
                maxPersonality: limits.injected_files,
                maxPersonalitySize: limits.injected_file_content_bytes,
              }),
          maxTotalKeypairs: limits.key_pairs,
          maxServerGroups: limits.server_groups,
          maxServerGroupMembers: limits.server_group_members,
          ...(networks
            ? {
                maxTotalFloatingIps: limits.floating_ips,
                maxSecurityGroups: limits.security_groups,
                maxSecurityGroupRules: limits.security_group_rules,
                // Networking counts these; compute has said 0 ever since.
                totalFloatingIpsUsed: 0,
                totalSecurityGroupsUsed: 0,
              }
            : {}),
          totalInstancesUsed: used.instances,
          totalCoresUsed: used.cores,
          totalRAMUsed: used.ram,
          totalServerGroupsUsed: await serverGroupCount(store, project),
        };
        return { limits: { rate: [], absolute } };
      },
    }),
  ];
}
