import type { Image } from '../model/image.ts';

/** What lies in other tables than the image's own row. */
export type ImageParts = Pick<Image, 'properties' | 'tags' | 'locations'>;

/** Some megabytes at most: images with much to say are read each time. */
const mostRemembered = 5000;
const mostLetters = 2000;

/**
 * What belongs to images, by their revisions. A revision is written with each change and never comes back, so that
 * what is remembered is right whoever made the change, in whatever process: where something newer was read than the
 * revision says, nobody asks for that revision again.
 */
export class Remembered {
  readonly #parts = new Map<string, ImageParts>();

  get(revision: string | null): ImageParts | undefined {
    return revision === null ? undefined : this.#parts.get(revision);
  }

  set(revision: string | null, parts: ImageParts): void {
    if (revision === null || JSON.stringify(parts).length > mostLetters) return;
    // The oldest goes: a map keeps the order in which it was filled.
    if (this.#parts.size >= mostRemembered) this.#parts.delete(this.#parts.keys().next().value as string);
    this.#parts.set(revision, Object.freeze(parts));
  }
}
