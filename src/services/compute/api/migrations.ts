import { BadRequest } from '../../../platform/errors/errors.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import { assertQuery } from './query.ts';
import { pageOf } from './style.ts';

const filters = ['hidden', 'host', 'instance_uuid', 'source_compute', 'status', 'migration_type'];

/** Servers on their way between hosts. No server moves in this cloud yet, so that the list has nothing to show. */
export const migrationRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/v2.1/os-migrations',
    summary: 'List migrations',
    handler(call) {
      const { projectId: project_id } = call.credentials;
      call.enforce('os_compute_api:os-migrations:index', { project_id });
      if (call.queryValue('project_id') !== project_id) {
        call.enforce('os_compute_api:os-migrations:index:all_projects', { project_id });
      }
      assertQuery(
        call,
        [
          ...filters,
          'limit',
          'marker',
          'changes-since',
          ...(call.since('2.66') ? ['changes-before'] : []),
          ...(call.since('2.80') ? ['user_id', 'project_id'] : []),
        ],
        '2.59',
      );
      if (call.since('2.59')) {
        const { marker } = pageOf(call);
        if (marker !== undefined) throw new BadRequest(`Marker ${marker} could not be found.`);
        for (const param of ['changes-since', 'changes-before']) {
          const text = call.queryValue(param);
          if (text !== undefined && Number.isNaN(Date.parse(text))) {
            throw new BadRequest(`Invalid input for query parameters ${param}. Value: ${text.slice(0, 80)}.`);
          }
        }
      }
      return { migrations: [] };
    },
  }),
];
