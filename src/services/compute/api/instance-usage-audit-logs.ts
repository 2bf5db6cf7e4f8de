import { BadRequest } from '../../../platform/errors/errors.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import { repository } from '../../../platform/store/repository.ts';
import type { Compute } from '../compute.ts';
import { services } from '../store/services.ts';

const shown = (at: number): string => new Date(at).toISOString().slice(0, 19).replace('T', ' ');

/** The last month that was over at a time, in milliseconds: the period that audits are about by default. */
function monthBefore(time: number): { begin: number; end: number } {
  const at = new Date(time);
  const end = Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), 1);
  return { begin: Date.UTC(at.getUTCFullYear(), at.getUTCMonth() - 1, 1), end };
}

/** Which hosts reported the usage of a month. As upstream by default, none does: telemetry measures servers instead. */
export function instanceUsageAuditLogRoutes({ store }: Compute): Route[] {
  async function log(before: number) {
    const workers = await repository(store, services).list({ where: { binary: 'nova-compute' } });
    const hosts = workers.map(({ host }) => host);
    const { begin, end } = monthBefore(before);
    return {
      period_beginning: shown(begin),
      period_ending: shown(end),
      num_hosts: hosts.length,
      num_hosts_done: 0,
      num_hosts_running: 0,
      num_hosts_not_run: hosts.length,
      hosts_not_run: hosts,
      total_instances: 0,
      total_errors: 0,
      overall_status: `${hosts.length === 0 ? 'ALL' : `0 of ${hosts.length}`} hosts done. 0 errors.`,
      log: {},
    };
  }
  const path = '/v2.1/os-instance_usage_audit_log';
  return [
    route({
      method: 'GET',
      path,
      summary: 'List usage audits',
      policy: 'os_compute_api:os-instance-usage-audit-log:list',
      handler: async () => ({ instance_usage_audit_logs: await log(Date.now()) }),
    }),
    route({
      method: 'GET',
      path: `${path}/:before`,
      summary: 'List usage audits before a time',
      policy: 'os_compute_api:os-instance-usage-audit-log:show',
      async handler(call) {
        const text = call.params['before'] as string;
        const time = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?$/.test(text)
          ? Date.parse(`${text.replace(' ', 'T')}Z`)
          : Number.NaN;
        if (Number.isNaN(time)) throw new BadRequest(`Invalid timestamp for date ${text}`);
        return { instance_usage_audit_log: await log(time) };
      },
    }),
  ];
}
