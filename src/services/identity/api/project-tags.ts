import { Type } from 'typebox';
import { BadRequest, NotFound } from '../../../platform/errors/errors.ts';
import { answer, type Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import { validator } from '../../../platform/http/validation.ts';
import { repository } from '../../../platform/store/repository.ts';
import type { Identity } from '../identity.ts';
import { type ProjectRow, projectTags } from '../store/tables.ts';
import { projectTarget, tagsOf } from './project-view.ts';
import { notFound } from './style.ts';

const most = 80;
const Tag = Type.String({ minLength: 1, maxLength: 255, pattern: '^[^,/]*$' });
export const Tags = Type.Array(Tag, { maxItems: most, uniqueItems: true });
const checkTag = validator(Tag);

/** Replaces a project's tags; joins the caller's transaction. */
export async function writeTags(identity: Identity, id: string, tags: readonly string[]): Promise<void> {
  const rows = repository(identity.store, projectTags);
  await rows.delete({ project_id: id });
  await rows.insert(tags.map((name) => ({ project_id: id, name })));
}

/** The tags of a project, by themselves. */
export function projectTagRoutes(identity: Identity): Route[] {
  const rows = repository(identity.store, projectTags);

  async function allowed(call: Call, rule: string): Promise<ProjectRow> {
    const id = call.params['id'] as string;
    const project = await identity.directory.project(id);
    call.enforce(rule, project ? projectTarget(project) : {});
    if (!project) throw notFound('project', id);
    return project;
  }
  const shown = async (id: string, call: Call) => ({
    links: { self: `${call.origin}${call.url}` },
    tags: (await tagsOf(identity, [id])).get(id) ?? [],
  });
  const all = '/v3/projects/:id/tags';
  const one = '/v3/projects/:id/tags/:tag';
  const tagOf = (project: ProjectRow, call: Call) => ({
    project_id: project.id,
    name: call.params['tag'] as string,
  });

  return [
    route({
      method: 'GET',
      path: all,
      summary: 'List the tags of a project',
      handler: async (call) => shown((await allowed(call, 'identity:list_project_tags')).id, call),
    }),
    route({
      method: 'PUT',
      path: all,
      summary: 'Replace the tags of a project',
      body: Type.Object({ tags: Tags }, { additionalProperties: true }),
      async handler(call) {
        const { id } = await allowed(call, 'identity:update_project_tags');
        await identity.atomically(() => writeTags(identity, id, call.body.tags));
        return shown(id, call);
      },
    }),
    route({
      method: 'DELETE',
      path: all,
      summary: 'Remove the tags of a project',
      async handler(call) {
        const { id } = await allowed(call, 'identity:delete_project_tags');
        await rows.delete({ project_id: id });
      },
    }),
    route({
      method: 'GET',
      path: one,
      summary: 'Check that a project has a tag',
      async handler(call) {
        const tag = tagOf(await allowed(call, 'identity:get_project_tag'), call);
        if (!(await rows.find(tag))) throw new NotFound(`Could not find project tag: ${tag.name}.`);
      },
    }),
    route({
      method: 'PUT',
      path: one,
      summary: 'Add a tag to a project',
      async handler(call) {
        const tag = tagOf(await allowed(call, 'identity:create_project_tag'), call);
        const problem = checkTag(tag.name);
        if (problem) throw new BadRequest(`Invalid input for field 'value': ${problem.message}`);
        await identity.atomically(async () => {
          if (await rows.find(tag)) return;
          if ((await rows.count({ project_id: tag.project_id })) >= most) {
            throw new BadRequest(`A project has ${most} tags at most.`);
          }
          await rows.insert(tag);
        });
        return answer(201, undefined, { location: `${call.origin}${call.url}` });
      },
    }),
    route({
      method: 'DELETE',
      path: one,
      summary: 'Remove a tag from a project',
      async handler(call) {
        const tag = tagOf(await allowed(call, 'identity:delete_project_tag'), call);
        if ((await rows.delete(tag)) === 0) throw new NotFound(`Could not find project tag: ${tag.name}.`);
      },
    }),
  ];
}
