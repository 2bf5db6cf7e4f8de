import { headBytes, Inspection } from '../../../platform/disk-image/inspection.ts';
import type { ImageStore } from '../drivers/store.ts';
import { assertFormat, type FormatRules } from '../model/format-match.ts';
import type { ImageRow } from '../model/image.ts';

/**
 * Looks at what can be seen of bytes that somebody else put into a store, before their image is in use. Where the store
 * does not give them now, those who open the image look for themselves.
 *
 * @param size bytes that are there
 * @throws UnsupportedMediaType for what is not what the image says
 */
export async function assertBeginning(
  store: ImageStore,
  { url, size }: { url: string; size: number },
  image: Pick<ImageRow, 'disk_format' | 'container_format'>,
  rules: FormatRules,
): Promise<void> {
  const length = Math.min(size, headBytes);
  const head = await store.readAt(url, 0, length).catch(() => undefined);
  if (head?.length !== length) return;
  const inspection = new Inspection();
  inspection.add(head);
  const findings = size <= headBytes ? inspection.finish() : inspection.early();
  if (findings) assertFormat(image, findings, rules);
}
