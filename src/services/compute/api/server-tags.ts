import { BadRequest, NotFound } from '../../../platform/errors/errors.ts';
import { answer, type Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import { validator } from '../../../platform/http/validation.ts';
import { repository } from '../../../platform/store/repository.ts';
import type { Compute } from '../compute.ts';
import { serverTags } from '../store/servers.ts';
import { closed } from './parameter-types.ts';
import { Tag, Tags } from './server-body.ts';
import { serverFor } from './servers.ts';

const rule = (verb: string): string => `os_compute_api:os-server-tags:${verb}`;
const since = '2.26';
/** The most tags of one server. */
const mostTags = 50;

/** A server's tags as a sub-resource. */
export function serverTagRoutes(compute: Compute): Route[] {
  const { store } = compute;
  const tags = repository(store, serverTags);
  const path = '/v2.1/servers/:id/tags';
  const checkTag = validator(Tag);
  const namesOf = async (serverId: string) =>
    (await tags.list({ where: { server_id: serverId } })).map(({ tag }) => tag);
  const tagOf = (call: Call): string => call.params['tag'] ?? '';
  const missing = (id: string, tag: string) => new NotFound(`Server ${id} has no tag '${tag}'`);

  return [
    route({
      method: 'GET',
      path,
      since,
      summary: "List a server's tags",
      handler: async (call) => ({ tags: await namesOf((await serverFor(compute, call, rule('index'))).id) }),
    }),
    route({
      method: 'PUT',
      path,
      since,
      summary: "Replace a server's tags",
      body: closed({ tags: Tags }),
      handler: async (call) => {
        const { id } = await serverFor(compute, call, rule('update_all'));
        const wanted = [...new Set((call.body as { tags: string[] }).tags)];
        await store.transaction(async () => {
          await tags.delete({ server_id: id });
          await tags.insert(wanted.map((tag) => ({ server_id: id, tag })));
        });
        return { tags: wanted };
      },
    }),
    route({
      method: 'DELETE',
      path,
      since,
      summary: "Delete a server's tags",
      handler: async (call) => {
        const { id } = await serverFor(compute, call, rule('delete_all'));
        await tags.delete({ server_id: id });
        return answer(204);
      },
    }),
    route({
      method: 'GET',
      path: `${path}/:tag`,
      since,
      summary: 'Ask whether a server has a tag',
      handler: async (call) => {
        const { id } = await serverFor(compute, call, rule('show'));
        if (!(await tags.find({ server_id: id, tag: tagOf(call) }))) throw missing(id, tagOf(call));
        return answer(204);
      },
    }),
    route({
      method: 'PUT',
      path: `${path}/:tag`,
      since,
      summary: 'Tag a server',
      handler: async (call) => {
        const { id } = await serverFor(compute, call, rule('update'));
        const tag = tagOf(call);
        const problem = checkTag(tag);
        if (problem) throw new BadRequest(`Tag '${tag}' is invalid. ${problem.message}`);
        const added = await store.transaction(async () => {
          const now = await namesOf(id);
          if (now.includes(tag)) return false;
          if (now.length >= mostTags)
            throw new BadRequest(`The number of tags exceeded the per-server limit ${mostTags}`);
          await tags.insert({ server_id: id, tag });
          return true;
        });
        return added
          ? answer(201, undefined, {
              location: `${call.origin}/v2.1/servers/${id}/tags/${encodeURIComponent(tag)}`,
            })
          : answer(204);
      },
    }),
    route({
      method: 'DELETE',
      path: `${path}/:tag`,
      since,
      summary: 'Take a tag from a server',
      handler: async (call) => {
        const { id } = await serverFor(compute, call, rule('delete'));
        if ((await tags.delete({ server_id: id, tag: tagOf(call) })) === 0) throw missing(id, tagOf(call));
        return answer(204);
      },
    }),
  ];
}
