import { NotFound } from '../../../platform/errors/errors.ts';
import type { Call } from '../../../platform/http/call.ts';
import type { Image } from '../model/image.ts';
import type { ImageQueries } from '../store/images.ts';
import type { MemberQueries } from '../store/members.ts';

/** Whoever asks: somebody's request to this API, or another service's on somebody's behalf. */
export type Asker = Pick<Call, 'credentials' | 'can' | 'enforce'>;

/** An image that its asker may know of, and the target that policy rules see. */
export interface Seen {
  image: Image;
  target: object;
}

/** Finds images for those who ask: what they may not see is not there. */
export interface Access {
  /**
   * @param words what is said where there is none
   * @throws NotFound where there is no such image, or none for this caller
   */
  see(call: Asker, id: string, words?: string): Promise<Seen>;
  /** @throws NotFound where the caller may not even see the image, Forbidden where it may but not do this */
  enforce(call: Asker, rule: string, seen: Seen): void;
  /** Whether policy lets the caller do something to an image that it sees in a list. */
  may(call: Asker, rule: string, image: Image): boolean;
}

export const isAdmin = (call: Asker): boolean => call.can('context_is_admin');

/** @param words an operation's own words for it */
export const noSuchImage = (id: string, words = `No image found with ID ${id}`): NotFound =>
  new NotFound(words);
const hiddenImage = (): NotFound => new NotFound('The resource could not be found.');

/** What policy rules may ask about an image. `member` is the caller's project where the image is shared with it. */
export function targetOf(image: Image, member: string | undefined): object {
  const { row, properties } = image;
  return {
    ...properties,
    ...row,
    project_id: row.owner,
    image_id: row.id,
    // Said even where it is nobody: a custom property of this name must not stand in for it.
    member,
    member_id: member,
  };
}

export function accessTo(images: ImageQueries, members: MemberQueries): Access {
  return {
    async see(call, id, words) {
      const image = id.length <= 36 ? await images.get(id) : undefined;
      if (!image) throw noSuchImage(id, words);
      const { owner, visibility } = image.row;
      const { projectId } = call.credentials;
      const shared =
        visibility === 'shared' && projectId !== undefined && projectId !== owner
          ? await members.get(id, projectId)
          : undefined;
      const seen = { image, target: targetOf(image, shared?.member) };
      const theirs =
        isAdmin(call) ||
        owner === null ||
        visibility === 'public' ||
        visibility === 'community' ||
        owner === projectId ||
        shared !== undefined;
      if (!theirs) throw noSuchImage(id, words);
      if (!call.can('get_image', seen.target)) throw hiddenImage();
      return seen;
    },
    enforce(call, rule, { target }) {
      if (!call.can('get_image', target)) throw hiddenImage();
      call.enforce(rule, target);
    },
    may: (call, rule, image) => call.can(rule, targetOf(image, undefined)),
  };
}
