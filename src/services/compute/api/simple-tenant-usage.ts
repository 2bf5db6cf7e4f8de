import { BadRequest, NotFound } from '../../../platform/errors/errors.ts';
import type { Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import { repository } from '../../../platform/store/repository.ts';
import { timestamp } from '../../../platform/store/table.ts';
import type { Compute } from '../compute.ts';
import { hoursWithin, type Period, reportPeriod } from '../model/usage.ts';
import { servers } from '../store/servers.ts';
import { serversWithin } from '../store/usage.ts';
import { assertQuery, shownTime } from './query.ts';
import { mostItems, pageLinks, pageOf } from './style.ts';

type Ran = Awaited<ReturnType<typeof serversWithin>>[number];

/** What a server took of a period. */
function serverUsage(server: Ran, period: Period, now: number) {
  const launched = server.launched_at === null ? null : Date.parse(server.launched_at);
  const terminated = server.terminated_at === null ? null : Date.parse(server.terminated_at);
  return {
    hours: hoursWithin({ launched, terminated }, period),
    flavor: server.flavor.name,
    instance_id: server.id,
    name: server.name,
    tenant_id: server.project_id,
    memory_mb: server.flavor.ram,
    local_gb: server.flavor.disk + server.flavor.ephemeral,
    vcpus: server.flavor.vcpus,
    started_at: shownTime(server.launched_at),
    ended_at: shownTime(server.terminated_at),
    state: terminated === null ? server.vm_state : 'terminated',
    uptime: Math.floor(((terminated ?? now) - (launched ?? now)) / 1000),
  };
}

/** What the servers of one project took together. */
function summary(project: string, used: ReturnType<typeof serverUsage>[], period: Period, detailed: boolean) {
  const sum = (of: (each: (typeof used)[number]) => number) =>
    used.reduce((total, each) => total + of(each) * each.hours, 0);
  return {
    tenant_id: project,
    ...(detailed ? { server_usages: used } : {}),
    total_local_gb_usage: sum(({ local_gb }) => local_gb),
    total_vcpus_usage: sum(({ vcpus }) => vcpus),
    total_memory_mb_usage: sum(({ memory_mb }) => memory_mb),
    total_hours: sum(() => 1),
    start: shownTime(timestamp(new Date(period.start))),
    stop: shownTime(timestamp(new Date(period.end))),
  };
}

/** For how long each project had what: what a bill is made from. */
export function simpleTenantUsageRoutes({ store }: Compute): Route[] {
  async function report(call: Call, projectId?: string) {
    assertQuery(call, ['start', 'end', 'detailed', 'limit', 'marker']);
    const now = Date.now();
    const period = reportPeriod(call.queryValues('start')[0], call.queryValues('end')[0], now);
    const paged = call.since('2.40');
    const { limit: asked, marker } = paged ? pageOf(call) : {};
    const limit = asked || mostItems;
    const after = marker === undefined ? undefined : await repository(store, servers).get(marker);
    if (marker !== undefined && !after) throw new BadRequest(`Marker ${marker} could not be found.`);
    const found = await serversWithin(store, {
      period,
      limit,
      ...(projectId === undefined ? {} : { projectId }),
      ...(after ? { after } : {}),
    });
    const detailed = projectId !== undefined || call.queryValues('detailed')[0] === '1';
    const byProject = Map.groupBy(
      found.map((each) => serverUsage(each, period, now)),
      ({ tenant_id }) => tenant_id,
    );
    return {
      usages: [...byProject].map(([project, used]) => summary(project, used, period, detailed)),
      links: (many: string) => (paged ? pageLinks(many, found.at(-1)?.id, found.length >= limit, call) : {}),
    };
  }

  return [
    route({
      method: 'GET',
      path: '/v2.1/os-simple-tenant-usage',
      summary: 'List what projects used',
      policy: 'os_compute_api:os-simple-tenant-usage:list',
      async handler(call) {
        // A project without an id is none; clients that build `…/${id}` rely on not being shown everything.
        if (call.url.split('?')[0]?.endsWith('/')) throw new NotFound('The resource could not be found.');
        const { usages, links } = await report(call);
        return { tenant_usages: usages, ...links('tenant_usages') };
      },
    }),
    route({
      method: 'GET',
      path: '/v2.1/os-simple-tenant-usage/:id',
      summary: 'Show what a project used',
      async handler(call) {
        const project_id = call.params['id'] as string;
        call.enforce('os_compute_api:os-simple-tenant-usage:show', { project_id });
        const { usages, links } = await report(call, project_id);
        return { tenant_usage: usages[0] ?? {}, ...links('tenant_usage') };
      },
    }),
  ];
}
