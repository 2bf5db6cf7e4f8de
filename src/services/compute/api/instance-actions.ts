import { NotFound } from '../../../platform/errors/errors.ts';
import type { Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import type { Row } from '../../../platform/store/table.ts';
import { timestamp } from '../../../platform/store/table.ts';
import type { Compute } from '../compute.ts';
import type { Server, serverActionEvents, serverActions } from '../store/servers.ts';
import { hostIdOf, toMicroseconds } from './server-view.ts';
import { mayKnow, serverFor } from './servers.ts';
import { invalidQuery, pageLinks, pageOf } from './style.ts';

const path = '/v2.1/servers/:id/os-instance-actions';

function actionView(action: Row<typeof serverActions>, call: Call): Record<string, unknown> {
  const { server_id, request_id, user_id, project_id, start_time, message, updated_at } = action;
  return {
    action: action.action,
    instance_uuid: server_id,
    request_id,
    user_id,
    project_id,
    start_time: toMicroseconds(start_time),
    message,
    ...(call.since('2.58') ? { updated_at: toMicroseconds(updated_at) } : {}),
  };
}

function eventView(
  event: Row<typeof serverActionEvents>,
  server: Server,
  call: Call,
): Record<string, unknown> {
  const tells = call.can('os_compute_api:os-instance-actions:events', server);
  return {
    event: event.event,
    start_time: toMicroseconds(event.start_time),
    finish_time: toMicroseconds(event.finish_time),
    result: event.result,
    ...(tells ? { traceback: event.traceback } : {}),
    ...(tells && call.since('2.62') ? { host: event.host } : {}),
    ...(call.since('2.62') ? { hostId: hostIdOf(server.project_id, event.host) } : {}),
    ...(call.since('2.84') ? { details: event.details } : {}),
  };
}

/** What was asked of a server, and how it went. Since 2.21 that can be read of deleted ones, too. */
export function instanceActionRoutes(compute: Compute): Route[] {
  const { actions } = compute;
  const find = async (call: Call, rule: string): Promise<Server> => {
    if (!call.since('2.21')) return serverFor(compute, call, rule);
    const server = await compute.servers.look(call.params['id'] ?? '');
    if (!server || !mayKnow(call, server))
      throw new NotFound(`Instance ${call.params['id']} could not be found.`);
    call.enforce(rule, server);
    return server;
  };
  const time = (call: Call, name: string): string | undefined => {
    const text = call.queryValue(name);
    if (text === undefined) return undefined;
    const at = new Date(text);
    if (Number.isNaN(at.getTime()))
      throw invalidQuery(name, text, `'${text.slice(0, 80)}' is not a 'date-time'`);
    return timestamp(at);
  };
  return [
    route({
      method: 'GET',
      path,
      summary: "List a server's actions",
      handler: async (call) => {
        const server = await find(call, 'os_compute_api:os-instance-actions:list');
        const paged = call.since('2.58');
        const { limit, marker } = paged ? pageOf(call) : { limit: undefined, marker: undefined };
        const since = paged ? time(call, 'changes-since') : undefined;
        const before = call.since('2.66') ? time(call, 'changes-before') : undefined;
        const after =
          marker === undefined
            ? undefined
            : await actions.actions.find({ server_id: server.id, request_id: marker });
        if (marker !== undefined && !after)
          throw invalidQuery('marker', marker, `marker [${marker}] not found`);
        const found = await actions.actions.list({
          where: [
            { column: 'server_id', op: 'eq', value: server.id },
            ...(since ? [{ column: 'updated_at', op: 'gte', value: since } as const] : []),
            ...(before ? [{ column: 'updated_at', op: 'lte', value: before } as const] : []),
          ],
          sort: [{ column: 'start_time', direction: 'desc' }],
          ...(after ? { after } : {}),
          ...(limit === undefined ? {} : { limit }),
        });
        const full = limit !== undefined && found.length >= limit && found.length > 0;
        const views = found.map((each) => {
          const { updated_at, ...view } = actionView(each, call);
          return call.since('2.58') ? { ...view, updated_at } : view;
        });
        return {
          instanceActions: views,
          ...(paged ? renamed(pageLinks('links', found.at(-1)?.request_id, full, call)) : {}),
        };
      },
    }),
    route({
      method: 'GET',
      path: `${path}/:request`,
      summary: "Show a server's action",
      handler: async (call) => {
        const server = await find(call, 'os_compute_api:os-instance-actions:show');
        const requestId = call.params['request'] ?? '';
        const action = await actions.actions.find({ server_id: server.id, request_id: requestId });
        if (!action)
          throw new NotFound(`Action for request_id ${requestId} on instance ${server.id} not found`);
        // Before 2.51 only administrators see the events.
        const shows = call.since('2.51') || call.can('os_compute_api:os-instance-actions:events', server);
        const events = shows ? await actions.events.list({ where: { action_id: action.id } }) : [];
        return {
          instanceAction: {
            ...actionView(action, call),
            ...(shows ? { events: events.map((each) => eventView(each, server, call)) } : {}),
          },
        };
      },
    }),
  ];
}

/** This list's links are called `links`, unlike those of all others. */
const renamed = (given: object): object => {
  const [list] = Object.values(given);
  return list ? { links: list } : {};
};
