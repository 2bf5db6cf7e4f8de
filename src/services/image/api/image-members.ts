import { BadRequest, Conflict, Forbidden, NotFound } from '../../../platform/errors/errors.ts';
import type { Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import { UniqueViolation } from '../../../platform/store/errors.ts';
import { assertMemberLimit } from '../model/limits.ts';
import type { MemberRow } from '../store/tables.ts';
import type { Seen } from './access.ts';
import type { ImageService } from './image-service.ts';
import { isoTime } from './image-view.ts';

const statuses = ['pending', 'accepted', 'rejected'] as const;

const wrongStatus = 'Incorrect request: Status must be "pending", "accepted" or "rejected".';

const toMemberView = (row: MemberRow) => ({
  member_id: row.member,
  image_id: row.image_id,
  status: row.status,
  created_at: isoTime(row.created_at),
  updated_at: isoTime(row.updated_at),
  schema: '/v2/schemas/member',
});

/** Sharing: the owner says with whom, each of those says whether it wants the image in its lists. */
export function imageMemberRoutes({ access, members, settings, store }: ImageService): Route[] {
  /**
   * @param refused an operation's own words for images that are not shared
   * @throws NotFound, Forbidden: only shared images have members
   */
  async function shared(call: Call, refused?: string): Promise<Seen> {
    const id = call.params['id'] as string;
    const seen = await access.see(call, id, `Image ${id} not found.`);
    const only = 'Only shared images have members.';
    if (seen.image.row.visibility !== 'shared') throw new Forbidden(refused ?? only);
    return seen;
  }

  async function memberOf(seen: Seen, call: Call): Promise<MemberRow> {
    const { id } = seen.image.row;
    const wanted = call.params['member'] as string;
    const row = wanted.length > 255 ? undefined : await members.get(id, wanted);
    if (!row) throw new NotFound(`${wanted} not found in the member list of the image ${id}.`);
    return row;
  }

  const create = async (call: Call<unknown>) => {
    const member = readText(call.body, 'member', {
      absent: 'Member to be added not specified',
      wrong: 'Expected a member in the form: {"member": "image_id"}',
    });
    if (member === '') throw new BadRequest("Member can't be empty");
    if (member.length > 255) throw new BadRequest('Member should not be greater than 255 characters.');
    try {
      return await store.transaction(async () => {
        const seen = await shared(call, `Not allowed to create members for image ${call.params['id']}.`);
        const { id } = seen.image.row;
        call.enforce('add_member', seen.target);
        if (await members.get(id, member))
          throw new Conflict(`Member ${member} is duplicated for image ${id}`);
        assertMemberLimit((await members.count(id)) + 1, id, settings);
        return toMemberView(await members.add(id, member));
      });
    } catch (error) {
      if (error instanceof UniqueViolation)
        throw new Conflict(`Member ${member} is duplicated for image ${call.params['id']}`);
      throw error;
    }
  };

  const update = async (call: Call<unknown>) => {
    const said = readText(call.body, 'status', {
      absent: 'Status not specified',
      wrong: 'Expected a status in the form: {"status": "status"}',
      otherKind: wrongStatus,
    });
    return store.transaction(async () => {
      const seen = await shared(call, `Not allowed to update members for image ${call.params['id']}.`);
      if (!call.can('get_member', seen.target))
        throw new Forbidden(
          `You are not authorized to lookup the members of the image ${seen.image.row.id}.`,
        );
      const row = await memberOf(seen, call);
      // A member answers for itself only: the target's member is the caller's own project.
      const own = row.member === call.credentials.projectId || call.can('context_is_admin');
      if (!own) throw new Forbidden('You are not authorized to complete modify_member action.');
      call.enforce('modify_member', seen.target);
      const status = statuses.find((each) => each === said);
      if (!status) throw new BadRequest(wrongStatus);
      return toMemberView(await members.answer(row, status));
    });
  };

  const list = async (call: Call) => {
    const id = call.params['id'] as string;
    const seen = await shared(
      call,
      `Not allowed to list members for image ${id}: Only shared images have members.`,
    );
    call.enforce('get_members', seen.target);
    const all = await members.list(id);
    return { members: visible(call, seen, all).map(toMemberView), schema: '/v2/schemas/members' };
  };

  const show = async (call: Call) => {
    const seen = await shared(call).catch((error: unknown) => {
      // Whether an image is shared is not for everybody to know.
      throw error instanceof Forbidden ? new NotFound(error.message) : error;
    });
    const row = await memberOf(seen, call);
    if (!call.can('get_member', seen.target) || visible(call, seen, [row]).length === 0)
      throw new NotFound(`${row.member} not found in the member list of the image ${row.image_id}.`);
    return toMemberView(row);
  };

  const remove = (call: Call) =>
    store.transaction(async () => {
      const seen = await shared(call, `Not allowed to delete members for image ${call.params['id']}.`);
      const row = await memberOf(seen, call);
      call.enforce('delete_member', seen.target);
      await members.remove(row);
    });

  const path = '/images/:id/members';
  return [
    route({ method: 'POST', path, summary: 'Share an image', handler: create }),
    route({ method: 'GET', path, summary: 'List whom an image is shared with', handler: list }),
    route({ method: 'GET', path: `${path}/:member`, summary: 'Show a member', handler: show }),
    route({ method: 'PUT', path: `${path}/:member`, summary: 'Take or refuse an image', handler: update }),
    route({ method: 'DELETE', path: `${path}/:member`, summary: 'Share an image no more', handler: remove }),
  ];
}

/** The owner sees all with whom it shares; a member sees itself only. */
function visible(call: Call, { image }: Seen, rows: readonly MemberRow[]): MemberRow[] {
  const { projectId } = call.credentials;
  const all = call.can('context_is_admin') || image.row.owner === projectId;
  return rows.filter(({ member }) => all || member === projectId);
}

function readText(
  body: unknown,
  name: string,
  { absent, wrong, otherKind = wrong }: { absent: string; wrong: string; otherKind?: string },
): string {
  if (body === undefined) throw new BadRequest('Body expected in request.');
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw new BadRequest(wrong);
  const value = (body as Record<string, unknown>)[name];
  if (value === undefined) throw new BadRequest(absent);
  if (value === null) return '';
  if (typeof value !== 'string') throw new BadRequest(otherKind);
  return value;
}
